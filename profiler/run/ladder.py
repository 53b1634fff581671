"""A ladder of quantisations: files of one model, how far each is from the least quantised one, and a run of each."""

import hashlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from profiler import __version__
from profiler.cache import cache_folder
from profiler.errors import InvalidRunError, ModelError, RunFolderError, UsageError
from profiler.files import read_bytes
from profiler.hosts.usable_cpus import usable_cpu_count
from profiler.models import facts, ggml, locate
from profiler.models.files import OnProgress
from profiler.progress import Progress
from profiler.reports.scratch import scratch_folder
from profiler.results.folder import RunFolder
from profiler.results.ladder import Figure, Ladder, Rung
from profiler.results.manifest import ModelFacts
from profiler.run.context import ISO
from profiler.servers import llama_build
from profiler.servers.base import Tick
from profiler.servers.llama_tools import CONTEXT_TOKENS, FEWEST_TOKENS, Tools, logits_bytes
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import estimate, unit_of
from profiler.timing.clock import Clock
from profiler.units import BYTES_PER_MIB

METRICS = (
    "prefill_tokens_per_s",
    "decode_tokens_per_s",
    "cost_per_1m_output_tokens",
    "energy_j_per_output_token",
)
"""What is shown of each file's run."""

RANDOM_WEIGHTS = "not applicable: the weights are random, so their predictions mean nothing"
_LONGEST_TEXT_BYTES = 64 * BYTES_PER_MIB
_WITHOUT_OWN_QUANTISATION = {"F32", "F16", "BF16"}


@dataclass(frozen=True)
class Wanted:
    """What was asked for."""

    models: Sequence[str]
    text: Path
    make: Sequence[str]  # quantisations to make from the least quantised file
    chunks: int
    threads: int | None
    run: str | None  # arguments of `aforo run`, without model and folder; None: nothing is measured
    out: Path


class LadderWork:
    """The work on one ladder, in steps; what is known is written down after each."""

    def __init__(self, wanted: Wanted, progress: Progress, clock: Clock, tick: Tick) -> None:
        """Check all that can be checked before anything takes time. Raises `UsageError`."""
        self._wanted, self._progress, self._tick = wanted, progress, tick
        data = _text(wanted.text)
        self._names = [_known_quantisation(name) for name in wanted.make]
        self._command = None if wanted.run is None else _words(wanted.run)
        self._facts = _facts(wanted.models, progress)
        if len(self._facts) + len(self._names) < 2:
            raise UsageError(
                "One file has nothing to be compared with. Name several, or some to make: --make Q8_0,Q4_K_M."
            )
        started = clock.utc()
        self.path = wanted.out / f"quantisations-{started.strftime('%Y%m%dT%H%M%SZ')}.json"
        self.ladder = Ladder(
            tool_version=__version__,
            started_utc=started.strftime(ISO),
            text=str(wanted.text),
            text_sha256=hashlib.sha256(data).hexdigest(),
            context_tokens=CONTEXT_TOKENS,
            run_command=wanted.run,
            rungs=[_rung(each) for each in self._facts],
        )

    def carry_out(self, keep: Callable[[Ladder], None]) -> Ladder:
        """Make what is to be made, compare, measure; `keep` is called after each step. Raises `AforoError`."""
        with scratch_folder("aforo-quantisations-") as folder:
            tools = Tools(
                folder / "log", self._wanted.threads or usable_cpu_count(), self._progress.advance, self._tick
            )
            self._make(tools)
            if any(each.is_synthetic for each in self._facts):
                for rung in self.ladder.rungs:
                    rung.no_divergence = RANDOM_WEIGHTS
            else:
                self._compare(tools, folder / "logits", keep)
        keep(self.ladder)
        for number, rung in enumerate(self.ladder.rungs, start=1):
            if self._command is not None:
                self._measure(rung, self._command, f"{number} of {len(self.ladder.rungs)}")
                keep(self.ladder)
        return self.ladder

    def _make(self, tools: Tools) -> None:
        """Quantise the least quantised file, where that has not been done before."""
        base, folder = self._facts[0], cache_folder() / "models" / "quantised"
        for name in self._names:
            target = folder / f"{Path(base.path or base.name).stem}-{(base.sha256 or '')[:8]}-{name}.gguf"
            if not target.exists():
                folder.mkdir(parents=True, exist_ok=True)
                _check_room(folder, base.size_bytes or 0, f"a file of {base.name} in {name}")
                program = llama_build.needed(llama_build.QUANTIZE, self._progress, self._tick, usable_cpu_count())
                self._progress.stage(f"Making {name} of {base.name}", total=1.0)
                tools.quantise(program, Path(base.path or ""), target, name)
            made = facts.read(target)
            self._facts.append(made)
            self.ladder.rungs.append(_rung(made, made_from=base.name))
        if self._names and base.quantisation not in _WITHOUT_OWN_QUANTISATION:
            self.ladder.notes.append(
                f"{base.name} is quantised itself ({base.quantisation}), and files made from it lose on top of that: "
                "their distance is that from it, not from the model as it was trained."
            )
        first, *others = self.ladder.rungs  # what is made from it is never nearer to the model than it is
        self.ladder.rungs = [first, *sorted(others, key=lambda rung: -rung.size_bytes)]

    def _compare(self, tools: Tools, logits: Path, keep: Callable[[Ladder], None]) -> None:
        base, *others = self.ladder.rungs
        vocabulary = self._facts[0].vocabulary_size or 0
        _check_room(logits.parent, logits_bytes(vocabulary, self._wanted.chunks), "the predictions of the base")
        program = llama_build.needed(llama_build.PERPLEXITY, self._progress, self._tick, usable_cpu_count())
        total = len(self.ladder.rungs)
        self._progress.stage(f"Predicting the text with {base.name} (1 of {total})", total=1.0)
        chunks = tools.save_base(program, Path(base.path), self._wanted.text, self._wanted.chunks, logits)
        self.ladder.chunks = chunks
        base.no_divergence = "it is the base"
        keep(self.ladder)
        for number, rung in enumerate(others, start=2):
            self._progress.stage(f"Predicting the text with {rung.name} ({number} of {total})", total=1.0)
            rung.divergence = tools.divergence(program, Path(rung.path), logits, chunks)
            keep(self.ladder)

    def _measure(self, rung: Rung, words: Sequence[str], place: str) -> None:
        """Measure a file by a run of its own, as `aforo run` does."""
        self._progress.stage(f"Measuring {rung.name} ({place}): aforo run {shlex.join(words)}")
        out = self._wanted.out
        before = {path.name for path in out.iterdir()} if out.exists() else set()
        command = [sys.executable, "-m", "profiler", "run", *words, "--model", rung.path, "--out", str(out), "--quiet"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self._tick()
        made = [path for path in out.iterdir() if path.name not in before and path.is_dir()] if out.exists() else []
        if done.returncode not in {0, InvalidRunError.exit_code} or len(made) != 1:
            rung.no_run = _last_line(done.stderr) or f"aforo run ended with exit code {done.returncode}"
            return
        rung.run = str(made[0])
        _read_run(rung, RunFolder(made[0]))


def _read_run(rung: Rung, folder: RunFolder) -> None:
    try:
        summary = folder.read_summary()
    except RunFolderError as error:
        rung.no_run = str(error)
        return
    rung.verdict = summary.verdict.level if summary.verdict else None
    for metric in METRICS:
        found, unit = estimate(summary, metric), unit_of(summary, metric)
        if isinstance(found, Estimate):
            rung.figures[metric] = Figure(unit=unit, value=found.value, low=found.low, high=found.high)
        else:
            rung.figures[metric] = Figure(unit=unit, value=found.value, reason=found.reason)


def _text(path: Path) -> bytes:
    """Return what the text file holds. Raises `UsageError`."""
    try:
        data = read_bytes(path, _LONGEST_TEXT_BYTES)
    except OSError as error:
        raise UsageError(f"--text {path} cannot be read: {error.strerror}. Expected a text file.") from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"--text {path} is no UTF-8: byte {error.start + 1} is 0x{data[error.start]:02x}. Convert it, with: "
            f"iconv -f latin1 -t utf-8 {path}"
        ) from None
    if len(text) < FEWEST_TOKENS:
        raise UsageError(
            f"--text {path} has {len(text)} characters; expected {FEWEST_TOKENS} tokens or more, better some thousands."
        )
    return data


def _known_quantisation(name: str) -> str:
    known = list(ggml.FILE_TYPES.values())
    if name.upper() in known:
        return name.upper()
    near = get_close_matches(name.upper(), known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UsageError(f"--make {name}: no quantisation of that name.{hint} Known ones: {', '.join(known)}.")


def _words(run: str) -> list[str]:
    try:
        words = shlex.split(run)
    except ValueError as error:
        raise UsageError(f"--run {run!r} cannot be read: {error}.") from None
    taken = [word for word in words if word.split("=")[0] in {"--model", "--out", "--url", "--json"}]
    if taken:
        raise UsageError(f"--run {run!r}: {taken[0]} is set for each file. Leave it out.")
    return words


def _facts(models: Sequence[str], progress: Progress) -> list[ModelFacts]:
    """Return what the files say, the least quantised first. Raises `ModelError` for files of different models."""
    progress.stage("Reading the models", total=1.0)
    on_progress: OnProgress = lambda done, total: progress.advance(done / total if total else 1.0)  # noqa: E731
    located = [locate.find(model, on_progress) for model in models]
    found = [facts.read(each.path, each.source, on_progress) for each in located]
    for each in found:
        _check(each, found[0])
    return sorted(found, key=lambda each: -(each.size_bytes or 0))


def _check(one: ModelFacts, first: ModelFacts) -> None:
    if Path(one.path or "").is_dir():
        raise ModelError(f"{one.source} is a checkpoint's folder; expected a .gguf file, which llama.cpp reads.")
    if one.is_encoder or one.training == "embedding":
        raise ModelError(f"{one.name} makes vectors, not tokens; expected a model whose predictions can be compared.")
    for what in ("architecture", "parameters", "vocabulary_size"):
        mine, theirs = getattr(one, what), getattr(first, what)
        if mine != theirs:
            raise ModelError(
                f"{one.name} and {first.name} are not the same model: {what.replace('_', ' ')} {mine} and {theirs}. "
                "Name files of one model that differ in their quantisation."
            )


def _rung(of: ModelFacts, made_from: str | None = None) -> Rung:
    return Rung(
        name=of.name,
        path=of.path or "",
        sha256=of.sha256,
        quantisation=of.quantisation,
        size_bytes=of.size_bytes or 0,
        bits_per_weight=8 * (of.size_bytes or 0) / of.parameters if of.parameters else None,
        made_from=made_from,
    )


def _check_room(folder: Path, needed_bytes: int, what: str) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise UsageError(
            f"{what[:1].upper()}{what[1:]} may take {needed_bytes / BYTES_PER_MIB:.0f} MiB, and {folder} has "
            f"{free_bytes / BYTES_PER_MIB:.0f} MiB free. Free some space, pass fewer --chunks, or set TMPDIR and "
            "XDG_CACHE_HOME to folders with room."
        )


def _last_line(said: str) -> str | None:
    lines = said.strip().splitlines()
    return lines[-1].removeprefix("aforo: ") if lines else None
