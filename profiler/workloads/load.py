"""Workload definitions by name: the shipped ones by their id, a user's own by its path."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from profiler.content import content
from profiler.definitions.kind import Kind
from profiler.errors import WorkloadError
from profiler.workloads import items, traces
from profiler.workloads.consistency import contradictions
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
    trace, data = None, None
    if isinstance(changed.prompts, DataPrompts):
        data = items.load(changed.prompts, path.parent, workload.prompts)
    elif isinstance(changed.prompts, TracePrompts):
        trace = traces.read(changed.prompts, path.parent)
    before, after = workload.model_dump(), changed.model_dump()
    differing = (key for key in given if _get(before, key) != _get(after, key))
    return Loaded(_within(trace, changed), path, tuple(differing), trace, data)


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
