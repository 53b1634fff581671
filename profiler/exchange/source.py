"""A result file of another tool: its JSON, what it says of a metric, and a note of what it does not say."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from profiler.errors import UsageError
from profiler.files import encoding_of, read_bytes, whole
from profiler.metrics.catalogue import METRICS
from profiler.results.imported import ImportedMetric, ImportedPoint, SourceTool
from profiler.stats.quantiles import QUANTILES

Object = Mapping[str, Any]

LARGEST_FILE_BYTES = 1 << 30
LARGEST_YAML_BYTES = 1 << 25
_YAML = {".yaml", ".yml"}


@dataclass(frozen=True)
class Said:
    """What a file says, before it gets a folder of its own."""

    points: list[ImportedPoint]
    tool_version: str | None = None
    measured_utc: str | None = None
    model: str | None = None
    engine: str | None = None
    host: str | None = None
    notes: tuple[str, ...] = ()


class Format(Protocol):
    """A kind of result file."""

    NAME: SourceTool
    MADE_BY: str
    """What makes such a file, for a message."""

    def recognises(self, parts: list[Object]) -> bool:
        """Whether a file is of this kind."""
        ...

    def read(self, parts: list[Object]) -> Said:
        """Take what it says. Raises `UsageError`."""
        ...


def load(path: Path) -> list[Object]:
    """Read the JSON objects of a file: a single one, a list of them, or one after the other. Raises `UsageError`.

    A file whose name ends in .yaml or .yml is read as YAML.
    """
    is_yaml = path.suffix.lower() in _YAML
    form = "YAML" if is_yaml else "JSON"
    try:
        data = read_bytes(path, LARGEST_YAML_BYTES if is_yaml else LARGEST_FILE_BYTES)
        text = data.decode(encoding_of(data))
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder. Pass a result file in it.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Pass a result file.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a text file. Pass a result file in JSON.") from error
    try:
        found = _documents(text) if is_yaml else list(_values(text))
    except (ValueError, RecursionError, OverflowError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise UsageError(f"{path} is not {form}: {why}. Pass a result file in {form}.") from error
    parts = found[0] if len(found) == 1 and isinstance(found[0], list) else found
    if not parts or not all(isinstance(part, Mapping) for part in parts):
        raise UsageError(f"{path} holds no {form} object. Pass a result file in {form}.")
    return parts


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # whichever there is
    """Reads YAML without merges, of which a few lines could fill any memory."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            raise yaml.constructor.ConstructorError(problem="merges (<<) are not read", problem_mark=node.start_mark)


def _documents(text: str) -> list[Any]:
    return list(yaml.load_all(text, Loader=_Loader))


def _values(text: str) -> Iterator[Any]:
    """Yield one JSON value after the other; numbers that JSON does not know are null."""
    decoder = json.JSONDecoder(parse_constant=lambda _: None)
    at, end = 0, len(text)
    while True:
        while at < end and text[at].isspace():
            at += 1
        if at == end:
            return
        value, at = decoder.raw_decode(text, at)
        yield whole(value)


def inner(mapping: object, *keys: str) -> Object:
    """Return what is under keys within keys; nothing where there is no object."""
    for key in keys:
        mapping = mapping.get(key) if isinstance(mapping, Mapping) else None
    return mapping if isinstance(mapping, Mapping) else {}


def number(mapping: Object, key: str) -> float | None:
    """Return a finite number; None for anything else."""
    value = mapping.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def numbers(mapping: Object, key: str) -> list[float]:
    """Return the finite numbers of a list; none where there is no list."""
    found = mapping.get(key)
    values = (number({key: each}, key) for each in found) if isinstance(found, list) else ()
    return [value for value in values if value is not None]


def count(mapping: Object, key: str) -> int | None:
    """Return a whole number; None for anything else."""
    value = number(mapping, key)
    return None if value is None or value != int(value) else int(value)


def text(mapping: Object, key: str) -> str | None:
    """Return a text that is not empty; None for anything else."""
    value = mapping.get(key)
    return value if isinstance(value, str) and value else None


def named(counts: Mapping[str, int | None]) -> str:
    """Name a load by the counts that a file has of it, each behind its letters; empty where it has none."""
    return " ".join(f"{letters}{value}" for letters, value in counts.items() if value is not None)


def joined(names: Iterable[str | None]) -> str | None:
    """Return different names in one text, each once; None where there is none."""
    return ", ".join(dict.fromkeys(name for name in names if name)) or None


def told_apart(names: Sequence[str], parts: Sequence[Object], keys: Sequence[str]) -> list[str]:
    """Return the names of loads; behind those that are alike stands what differs between them under these keys."""
    found = []
    for name, part in zip(names, parts, strict=True):
        alike = [other for called, other in zip(names, parts, strict=True) if called == name]
        differing = [key for key in keys if any(other.get(key) != part.get(key) for other in alike)]
        found.append(" ".join([name, *(setting(key, part.get(key)) for key in differing)]))
    return found


def read_as(known: str, version: str | None) -> str:
    """Say that a file is read as another version than its own writes it."""
    own = "does not say its version" if version is None else f"is of version {version}"
    return f"Read as version {known} writes it; the file {own}."


def setting(key: str, value: object) -> str:
    """Return a setting as the name of a load has it."""
    return f"{key} not given" if value is None else f"{key}={value}"


def numbered(points: Sequence[ImportedPoint]) -> list[ImportedPoint]:
    """Return points of which the second and further ones of a name have their number behind it."""
    seen: Counter[str] = Counter()
    found = []
    for point in points:
        seen[point.name] += 1
        again = {"name": f"{point.name} #{seen[point.name]}"} if seen[point.name] > 1 else {}
        found.append(point.model_copy(update=again))
    return found


def alias(metric: str, tool: SourceTool) -> str | None:
    """Return what a tool calls a metric of ours."""
    return METRICS[metric].aliases.get(tool)


def measured(
    metric: str,
    called: str,
    value: float | None,
    quantiles: Mapping[str, float | None] | None = None,
    n: int | None = None,
) -> ImportedMetric:
    """Return one metric; without a value, with the reason. A latency of 0 is how tools write that there was none."""
    if value == 0 and METRICS[metric].unit == "ms":
        none = f"the file has 0 under {called}: there was none to measure"
        return ImportedMetric(unit="ms", value=None, reason=none, called=called)
    kept = {name: each for name, each in (quantiles or {}).items() if name in QUANTILES and each is not None}
    reason = None if value is not None else f"the file has no number under {called}"
    unit = METRICS[metric].unit
    return ImportedMetric(unit=unit, value=value, quantiles=kept, n=n, reason=reason, called=called)


def scaled(metric: str, called: str, found: Object, factor: float | None) -> ImportedMetric:
    """Return a metric of which a file has mean and percentiles, in a unit that is `factor` times ours.

    Without a factor its unit is not known, and it is not measured. The p50 may be called `median`.
    """
    if factor is None:
        return measured(metric, f"{called} in a known unit", None)
    seen = {name: number(found, name) for name in QUANTILES}
    seen["p50"] = number(found, "median") if seen["p50"] is None else seen["p50"]
    quantiles = {name: value * factor for name, value in seen.items() if value is not None}
    mean = number(found, "mean")
    return measured(metric, f"{called}.mean", None if mean is None else mean * factor, quantiles)


def every(tool: SourceTool, said: Mapping[str, ImportedMetric]) -> dict[str, ImportedMetric]:
    """Return all metrics of the registry: what is not said is not measured."""
    missing = f"a result of {tool} does not say"
    return {
        name: said.get(name) or ImportedMetric(unit=spec.unit, value=None, reason=missing)
        for name, spec in METRICS.items()
    }


def nothing_finished(tool: SourceTool) -> dict[str, ImportedMetric]:
    """Return all metrics of a result without a finished request: the numbers in it mean nothing."""
    return {
        name: ImportedMetric(unit=spec.unit, value=None, reason="no request finished", called=spec.aliases.get(tool))
        for name, spec in METRICS.items()
    }
