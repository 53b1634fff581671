"""llama.cpp's programs that read model files: quantising one, and how far a model's predictions are from another's.

They run under a warden like a server does, so nothing of them outlives us; what they print is in a log, from which
progress and results are read. Source: llama.cpp, tools/perplexity/perplexity.cpp and README.md, tools/quantize.
"""

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from profiler.errors import AforoError, UsageError
from profiler.results.ladder import Divergence
from profiler.servers.base import Tick
from profiler.servers.process import ServerProcess

CONTEXT_TOKENS = 512
"""Length of a chunk of text, as llama.cpp's own figures have it; its second half is scored."""

SCORED_TOKENS = CONTEXT_TOKENS - 1 - CONTEXT_TOKENS // 2
FEWEST_TOKENS = 2 * CONTEXT_TOKENS
"""Shorter texts are refused by llama.cpp."""

_LOOK_S = 0.1
_LAST_LINES = 6
_CHUNK_OF_BASE, _CHUNK_OF_OTHER = (
    re.compile(r"\[(\d+)\]-?[\d.naif]+,"),
    re.compile(r"^ *(\d+) +[-\d.naif]+ ±", re.MULTILINE),
)
_CHUNKS = re.compile(r"over (\d+) chunks")
_TOO_SHORT = re.compile(r"tokenizes to only (\d+) tokens")
_TENSOR = re.compile(r"\[ *(\d+)/ *(\d+)\]")
_NUMBER = r" *([-\d.einf]+)"
_STATISTICS = {
    "mean_kld": rf"^Mean +KLD:{_NUMBER} ±{_NUMBER}",
    "same_top_percent": rf"^Same top p:{_NUMBER} ±{_NUMBER}",
    "perplexity": rf"^Mean PPL\(Q\) *:{_NUMBER} ±{_NUMBER}",
    "base_perplexity": rf"^Mean PPL\(base\) *:{_NUMBER} ±{_NUMBER}",
    "p99_kld": rf"^99\.0% +KLD:{_NUMBER}",
}


def logits_bytes(vocabulary_size: int, chunks: int) -> int:
    """Return the size of the file with the base's predictions: two bytes for each token of the vocabulary."""
    a_token_bytes = 2 * (2 * ((vocabulary_size + 1) // 2) + 4)
    return chunks * (SCORED_TOKENS * a_token_bytes + CONTEXT_TOKENS * 4)


class Tools:
    """The programs with what every call of them has in common."""

    def __init__(self, log: Path, threads: int, advance: Callable[[float], None], tick: Tick) -> None:
        """`advance` hears how much of a call is done, 0 to 1."""
        self._log, self._threads, self._advance, self._tick = log, threads, advance, tick

    def save_base(self, program: Path, model: Path, text: Path, chunks: int, logits: Path) -> int:
        """Write the predictions of a model for a text into `logits`; return how many chunks it has, at most `chunks`.

        Raises `UsageError` where the text is too short, `AforoError` where the program fails.
        """
        words = ["--file", str(text), "--chunks", str(chunks), *self._common(model, logits)]
        said = self._run([str(program), *words], _of_base)
        if short := _TOO_SHORT.search(said):
            raise UsageError(
                f"The text {text} has {short[1]} tokens in the model {model.name}; expected {FEWEST_TOKENS} or more, "
                "and some thousands for differences as small as those between quantisations. Pass a longer --text."
            )
        found = _CHUNKS.search(said)
        if found is None or not logits.exists():
            raise self._failure("the predictions of the base could not be computed")
        return int(found[1])

    def divergence(self, program: Path, model: Path, logits: Path, chunks: int) -> Divergence:
        """Compare the predictions of a model with those of the base. Raises `AforoError` where the program fails."""
        said = self._run([str(program), "--kl-divergence", *self._common(model, logits)], _of_other)
        found = {name: re.search(pattern, said, re.MULTILINE) for name, pattern in _STATISTICS.items()}
        if not all(found.values()):
            raise self._failure(f"llama-perplexity has no statistics for {model.name}")
        number = {name: tuple(map(float, match.groups())) for name, match in found.items() if match}
        return Divergence(
            tokens=chunks * SCORED_TOKENS,
            mean_kld=number["mean_kld"][0],
            mean_kld_error=number["mean_kld"][1],
            p99_kld=number["p99_kld"][0],
            same_top_ratio=number["same_top_percent"][0] / 100,
            same_top_error=number["same_top_percent"][1] / 100,
            perplexity=number["perplexity"][0],
            base_perplexity=number["base_perplexity"][0],
        )

    def quantise(self, program: Path, source: Path, target: Path, quantisation: str) -> None:
        """Write a model file anew in another quantisation. Raises `AforoError` where the program fails."""
        part = target.with_name(f".{target.name}.part")
        try:
            words = ["--allow-requantize", str(source), str(part), quantisation, str(self._threads)]
            self._run([str(program), *words], _of_quantising)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def _common(self, model: Path, logits: Path) -> list[str]:
        return [
            *("--model", str(model), "--kl-divergence-base", str(logits), "--threads", str(self._threads)),
            *("--ctx-size", str(CONTEXT_TOKENS), "--batch-size", str(CONTEXT_TOKENS)),
        ]

    def _run(self, command: Sequence[str], share: Callable[[str], float | None]) -> str:
        """Run a program to its end; return what it printed. Raises `AforoError`, and whatever `tick` raises."""
        self._log.unlink(missing_ok=True)
        process = ServerProcess(command, self._log, {})
        try:
            while (code := process.exit_code()) is None:
                done = share(self._said())
                if done is not None:
                    self._advance(done)
                self._tick()
                time.sleep(_LOOK_S)
        finally:
            process.stop()
        if code != 0:
            raise self._failure(f"{Path(command[0]).name} ended with exit code {code}")
        return self._said()

    def _said(self) -> str:
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def _failure(self, what: str) -> AforoError:
        lines = [line for line in self._said().splitlines() if line.strip()][-_LAST_LINES:]
        return AforoError("\n  ".join([f"{what}. It printed last:", *lines]))


def _of_base(said: str) -> float | None:
    return _share(_CHUNK_OF_BASE.findall(said), said)


def _of_other(said: str) -> float | None:
    return _share(_CHUNK_OF_OTHER.findall(said), said)


def _share(done: Sequence[str], said: str) -> float | None:
    total = _CHUNKS.search(said)
    return int(done[-1]) / int(total[1]) if done and total else None


def _of_quantising(said: str) -> float | None:
    steps = _TENSOR.findall(said)
    return int(steps[-1][0]) / int(steps[-1][1]) if steps else None
