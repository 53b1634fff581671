"""Workload definitions by name: the shipped ones by their id, a user's own by its path."""

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from profiler.content import content
from profiler.definitions.kind import Kind
from profiler.definitions.mistakes import Mistake
from profiler.errors import WorkloadError
from profiler.quality.choice import misfits
from profiler.quality.item import Item as ExpectedItem
from profiler.workloads import items, traces
from profiler.workloads.consistency import contradictions
from profiler.workloads.expected import expected_of
from profiler.workloads.items import Data
from profiler.workloads.schema import ClosedLoop, DataPrompts, Replay, TracePrompts, Workload, json_schema
from profiler.workloads.traces import Trace

WORKLOADS = Kind("workload", Workload, json_schema, contradictions, lambda: content("workloads"), WorkloadError)
FIXED_KEYS = ("id", "version")
"""They name what the file says, so nothing but the file may change them."""


@dataclass(frozen=True)
class Loaded:
    """A definition that has passed every check."""

    workload: Workload
    path: Path
    overridden: tuple[str, ...] = ()
    """Dotted keys whose value is not the file's."""
    trace: Trace | None = None
    """What its trace holds, where it has one."""
    data: Data | None = None
    """What its data file holds, where it has one."""
    expects: Sequence[ExpectedItem] = ()
    """What each row expects of an answer, where answers are kept."""

    @property
    def folder(self) -> Path:
        """Where data files are looked for."""
        return self.path.parent


def available() -> list[Loaded]:
    """Return the shipped definitions, by id."""
    return [load(name) for name in WORKLOADS.shipped()]


def load(reference: str, overrides: Mapping[str, object] | None = None) -> Loaded:
    """Return the workload with this id, or from this .yaml file, its data file checked as well.

    `overrides` maps dotted keys (`load.concurrency`) to values that replace the file's; None stands for
    "not given". Raises WorkloadError, with a line for everything that is wrong.
    """
    path = WORKLOADS.locate(reference)
    workload = WORKLOADS.read(path)
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    changed = _overridden(workload, given)
    trace, data, expects = None, None, list[ExpectedItem]()
    if isinstance(changed.prompts, DataPrompts):
        data = items.load(changed.prompts, path.parent, workload.prompts)
        expects, data = _expectations(path, changed, data)
    elif isinstance(changed.prompts, TracePrompts):
        trace = traces.read(changed.prompts, path.parent)
    before, after = workload.model_dump(), changed.model_dump()
    differing = (key for key in given if _get(before, key) != _get(after, key))
    return Loaded(_within(trace, changed), path, tuple(differing), trace, data, expects)


def _expectations(path: Path, workload: Workload, data: Data) -> tuple[list[ExpectedItem], Data]:
    """Return what the rows expect of answers, where these are kept, and the data with notes on what is wrong with it.

    Raises WorkloadError for a scorer that scores no row, and where two rows go by one name.
    """
    if not workload.keep_responses:
        return [], data
    found, notes = expected_of(data)
    name, count = Counter(item.id for item in found).most_common(1)[0]
    if count > 1:
        raise WorkloadError(
            f"{count} rows of the data file of {path} are called {name!r}, so no score says of which it is. "
            "Expected one row of each name."
        )
    wrong = misfits(workload.scorers or [], found)
    if wrong:
        why = "".join(f" {note}" for note in notes)  # a column that is there may be stated wrongly
        raise WORKLOADS.refusal(path, [Mistake(("scorers", place), f"{sentence}{why}") for place, sentence in wrong])
    return found, data._replace(notes=[*data.notes, *notes])


def _within(trace: Trace | None, workload: Workload) -> Workload:
    """A replay sends no more requests than its trace has rows."""
    if trace is None or not isinstance(workload.load, Replay):
        return workload
    return workload.model_copy(update={"requests": min(workload.requests, len(trace))})


def _overridden(workload: Workload, overrides: Mapping[str, object]) -> Workload:
    if not overrides:
        return workload
    values = workload.model_dump()
    for key, value in overrides.items():
        if key in FIXED_KEYS:
            raise WorkloadError(f"The key {key!r} cannot be overridden. Copy the definition to a file of your own.")
        if key == "load.concurrency" and not isinstance(workload.load, ClosedLoop):
            values["load"] = {"shape": "closed-loop"}
        _set(values, key, deepcopy(value))
    changed, found = WORKLOADS.check(values)
    if changed is None or found:
        sentences = (f"override of workload {workload.id!r}: {mistake.sentence}" for mistake in found)
        raise WorkloadError("\n".join(sentences))
    return changed


def _set(values: dict[str, object], dotted: str, value: object) -> None:
    """Put a value under a dotted key, in mappings made where there are none."""
    *parents, last = dotted.split(".")
    for parent in parents:
        inner = values.setdefault(parent, {})
        if not isinstance(inner, dict):
            inner = values[parent] = {}
        values = inner
    values[last] = value


def _get(values: object, dotted: str) -> object:
    for key in dotted.split("."):
        values = values.get(key) if isinstance(values, dict) else None
    return values
