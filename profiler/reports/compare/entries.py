"""The runs of a comparison by name: short names for figures, labels that say how they differ, groups for colours."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from profiler.errors import UsageError
from profiler.results.manifest import Manifest
from profiler.results.naming import LATEST, short_id
from profiler.results.run_set import StoredRun
from profiler.results.summary import Summary
from profiler.verdict.comparable import Mismatch, engine_setting, server_of
from profiler.workloads.schema import ClosedLoop, OpenLoop

MOST_COLOURS = 8  # runs, or groups of runs, that can be told apart by colour and shape
_LONGEST_LABEL = 64  # characters


@dataclass(frozen=True)
class Entry:
    """One run of a comparison; `index` counts from 0 in the order given, `group` is what its colour stands for."""

    index: int
    name: str  # r1, r2, …
    label: str  # in what it differs from the others
    group: str
    run: StoredRun

    @property
    def manifest(self) -> Manifest:
        """Everything about the run but its numbers."""
        return self.run.manifest

    @property
    def summary(self) -> Summary:
        """Its numbers."""
        return self.run.summary

    @property
    def is_invalid(self) -> bool:
        """Whether its own checks say that its numbers are not to be believed."""
        return self.summary.verdict is not None and self.summary.verdict.level == "INVALID"

    @property
    def full_name(self) -> str:
        """Name and label, and a warning where the run is INVALID."""
        return f"{self.name} · {self.label}" + (" (INVALID)" if self.is_invalid else "")


@dataclass(frozen=True)
class Entries:
    """All runs of a comparison, and what the colours of their groups mean."""

    all: tuple[Entry, ...]
    grouped_by: str  # "run" where each has a colour of its own

    @property
    def groups(self) -> list[str]:
        """The groups in the order of their first run."""
        return list(dict.fromkeys(entry.group for entry in self.all))

    def find(self, wanted: str) -> Entry:
        """Return the run in this folder, the latest, or that of this name, id or label. Raises `UsageError`."""
        for entry in self.all:
            if entry.run.folder.path.resolve() == Path(wanted).resolve():
                return entry
        if wanted == LATEST:
            return max(self.all, key=lambda entry: entry.manifest.started_utc)
        for entry in self.all:
            run_id = entry.manifest.run_id
            if wanted in {entry.name, entry.label, run_id, short_id(run_id), entry.run.folder.path.name}:
                return entry
        known = ", ".join(f"{entry.name} ({entry.run.folder.path.name})" for entry in self.all[:MOST_COLOURS])
        raise UsageError(
            f"--baseline {wanted}: none of the compared runs. Expected a path, a run id or a name; there are {known}"
            + (" …" if len(self.all) > MOST_COLOURS else "")
        )


def named(runs: Sequence[StoredRun]) -> Entries:
    """Give every run a name, a label and a group."""
    values = {title: [_text(find(run.manifest)) for run in runs] for title, find in _SETTINGS.items()}
    values = {**values, **_options(runs), _VERSION: [run.manifest.engine.version_number or "" for run in runs]}
    differing = {title: column for title, column in values.items() if len(set(column)) > 1}
    labels = _labels(runs, differing)
    names = [f"r{number}" for number in range(1, len(runs) + 1)]
    title, groups = _groups([f"{name} {label}" for name, label in zip(names, labels, strict=True)], differing)
    entries = [Entry(index, *parts) for index, parts in enumerate(zip(names, labels, groups, runs, strict=True))]
    return Entries(tuple(entries), title)


def by_value(mismatch: Mismatch, entries: Sequence[Entry]) -> str:
    """Who has which value, by short names: `Q8_0 (r1, r2); Q4_0 (r3)`."""
    holders: dict[str, list[int]] = {}
    for entry in entries:
        holders.setdefault(mismatch.values[entry.run.name], []).append(entry.index)
    return "; ".join(f"{value} ({listed(indexes)})" for value, indexes in holders.items())


def listed(indexes: Iterable[int], most: int | None = None) -> str:
    """Short names of the runs with these indexes, three and more in a row as a span: `r1, r3–r7`.

    Beyond `most` names or spans, the rest is counted.
    """
    spans: list[list[int]] = []
    for index in sorted(set(indexes)):
        if spans and index == spans[-1][-1] + 1:
            spans[-1].append(index)
        else:
            spans.append([index])
    words = [
        [f"r{span[0] + 1}\N{EN DASH}r{span[-1] + 1}"] if len(span) > 2 else [f"r{index + 1}" for index in span]
        for span in spans
    ]
    flat = [word for span in words for word in span]
    if most is None or len(flat) <= most:
        return ", ".join(flat)
    return f"{', '.join(flat[:most])} and others, {sum(map(len, spans))} runs in all"


def _labels(runs: Sequence[StoredRun], differing: Mapping[str, Sequence[str]]) -> list[str]:
    """In what each run differs; runs that do not are numbered."""
    parts = zip(*(_with_title(title, column) for title, column in differing.items()), strict=True)
    labels = [shortened(", ".join(filter(None, dict.fromkeys(own)))) for own in parts] or [""] * len(runs)
    labels = [label or _plain(run.manifest) for label, run in zip(labels, runs, strict=True)]
    counts, seen = Counter(labels), Counter[str]()
    numbered = []
    for label in labels:
        seen[label] += 1
        numbered.append(f"{label} #{seen[label]}" if counts[label] > 1 else label)
    return numbered


def _options(runs: Sequence[StoredRun]) -> dict[str, list[str]]:
    """Return the values of each option that only some engines have, by its name without dashes."""
    given = [run.manifest.engine.own_options() for run in runs]
    flags = dict.fromkeys(flag for options in given for flag in options)
    return {flag.removeprefix("--").replace("-", " "): [_text(own.get(flag)) for own in given] for flag in flags}


def _with_title(title: str, column: Sequence[str]) -> list[str]:
    return [f"{title} {text}" if text and title not in _SPEAKING else text for text in column]


def _plain(manifest: Manifest) -> str:
    return shortened(f"{host(manifest)}, {manifest.engine.name}")


def _groups(own: Sequence[str], differing: Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
    """Few runs have a colour each; many share those of the first setting that has few values."""
    if len(own) <= MOST_COLOURS:
        return "run", list(own)
    for title, column in differing.items():
        if len(set(column)) <= MOST_COLOURS:
            return title, [text or "not known" for text in column]
    return "all runs", ["all runs"] * len(own)


def _text(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())


def shortened(text: str, most: int = _LONGEST_LABEL) -> str:
    """Text of at most so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def host(manifest: Manifest) -> str:
    """The instance type where there is one, or else what the host is called."""
    return manifest.server_host.cloud.instance_type or manifest.host_name or "unnamed host"


def load(manifest: Manifest) -> str:
    """What the workload asks for at a time, in words."""
    asked = manifest.workload.load
    if isinstance(asked, ClosedLoop):
        return f"{_listed(asked.concurrency)} in flight"
    return f"{_listed(asked.rate_rps)} requests/s" if isinstance(asked, OpenLoop) else asked.shape


def _listed(value: float | Sequence[float]) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Sequence) else str(value)


_ENGINE_SETTINGS = ("threads", "slots", "batch tokens", "micro-batch tokens", "KV cache", "prompt cache")
_SETTINGS: Mapping[str, Callable[[Manifest], object]] = {
    "host": host,
    "engine": lambda manifest: manifest.engine.name,
    "server": server_of,
    "model": lambda manifest: manifest.model.name,
    "quantisation": lambda manifest: manifest.model.quantisation,
    **{title: engine_setting(title) for title in _ENGINE_SETTINGS},
    "load": load,
}
_SPEAKING = _SETTINGS.keys() - set(_ENGINE_SETTINGS)  # whose values need no title
_VERSION = "version"  # the last: two engines differ in it, too, and a label has room for few words
