"""Candidates: what can be chosen, each with the loads that were measured on it. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from profiler.results.manifest import Manifest, Point
from profiler.results.points import describe_load, load_of, unit_of
from profiler.results.run_set import RunAtLoad, StoredRun, at_settings
from profiler.results.tokens import Tokens, tokens_of
from profiler.verdict.comparable import UNKNOWN, deployment_of, differing_settings
from profiler.verdict.contrast import EVERY_BASIS, host_of

MAY_DIFFER_IN_LOAD = ("workload.load", "slo")
"""What runs of one workload may differ in wherever a choice is made: the load, and what was asked of it."""
MAY_DIFFER_IN_MODEL = ("model", "quantisation", "lora")

# Settings that a label names where host, model and engine are the same.
_IN_LABELS = (
    "threads",
    "slots",
    "batch tokens",
    "micro-batch tokens",
    "KV cache",
    "prompt cache",
    "engine options",
    "server CPUs",
    "price",
    "engine version",
)


@dataclass(frozen=True)
class Load:
    """One measured load of a candidate, with every run that put it on: repeats of each other."""

    runs: tuple[RunAtLoad, ...]

    @property
    def point(self) -> Point:
        """The load itself."""
        return self.runs[0].point

    @property
    def name(self) -> str:
        """`c8`, `r2.5` or `replay`."""
        return self.point.name

    @property
    def amount(self) -> float:
        """Requests in flight, or requests/s; 0 for a replay."""
        return load_of(self.point)

    @property
    def unit(self) -> str:
        """Unit of `amount`."""
        return unit_of(self.point)

    @property
    def is_invalid(self) -> bool:
        """Whether the measurement of one of its runs is INVALID, and was taken all the same."""
        return any(map(is_invalid, self.runs))

    @property
    def described(self) -> str:
        """The load in words: 8 in flight."""
        return describe_load(self.point)


@dataclass(frozen=True)
class Candidate:
    """A model on a host, served by an engine with some settings, at some price: what can be chosen.

    Runs of one candidate differ in their load at most. `loads` are its operating points, the lowest first, without the
    runs that are INVALID there; those are in `invalid`.
    """

    name: str  # c1, c2, … in the order of the runs
    label: str  # the host, and in what candidates on it differ
    runs: tuple[StoredRun, ...]
    loads: tuple[Load, ...]
    invalid: tuple[Load, ...] = ()

    @property
    def is_invalid(self) -> bool:
        """Whether the measurement of one of its loads is INVALID, and was taken all the same."""
        return any(load.is_invalid for load in self.loads)

    @property
    def manifest(self) -> Manifest:
        """That of its first run: all agree in what makes a candidate."""
        return self.runs[0].manifest

    @property
    def host(self) -> str:
        """The instance type of a rented machine, or what the host calls itself."""
        return host_of(self.runs[0])

    @cached_property
    def tokens(self) -> Tokens:
        """The tokens that its rates and costs are counted in."""
        return tokens_of(one.summary for load in (*self.loads, *self.invalid) for one in load.runs)


def candidates(runs: Sequence[StoredRun], *, allow_invalid: bool = False) -> list[Candidate]:
    """Part runs into candidates, in the order of their first run; `allow_invalid` keeps INVALID loads among the rest.

    Whether the runs measure the same is another question: `verdict.comparable`.
    """
    found: dict[tuple[str, ...], list[StoredRun]] = {}
    for run in at_settings(runs):
        found.setdefault(deployment_of(run, EVERY_BASIS), []).append(run)
    labels = _labels([own[0] for own in found.values()])
    return [
        _candidate(f"c{number}", label, own, allow_invalid)
        for number, (label, own) in enumerate(zip(labels, found.values(), strict=True), start=1)
    ]


def _candidate(name: str, label: str, runs: Sequence[StoredRun], allow_invalid: bool) -> Candidate:
    every = [one for run in runs for one in at_loads(run)]
    good = [one for one in every if allow_invalid or not is_invalid(one)]
    bad = [one for one in every if one not in good]
    return Candidate(name, label, tuple(runs), _loads(good), _loads(bad))


def _labels(firsts: Sequence[StoredRun]) -> list[str]:
    """Name each candidate by its host, by model and engine where these differ, and by what else tells it apart."""
    differing = {each.field: each.values for each in differing_settings(firsts)}
    common = [_models(firsts)] + ([differing["engine"]] if "engine" in differing else [])
    told = [[host_of(run), *(values[run.name] for values in common if values)] for run in firsts]
    for field in (name for name in _IN_LABELS if name in differing):
        values = [differing[field][run.name] for run in firsts]
        alike = [{value for other, value in zip(told, values, strict=True) if other == one} for one in told]
        told = [
            [*one, _setting(field, value)] if len(among) > 1 else one
            for one, value, among in zip(told, values, alike, strict=True)
        ]
    return [", ".join(one) for one in told]


def _models(firsts: Sequence[StoredRun]) -> dict[str, str]:
    """Name the models, or their quantisations alone where that is all they differ in; empty where all are one."""
    names = {run.name: run.manifest.model.name for run in firsts}
    quantisations = {run.name: run.manifest.model.quantisation or "" for run in firsts}
    if len(set(names.values())) == 1:
        return quantisations if len(set(quantisations.values())) > 1 else {}
    return {run: f"{name} {quantisations[run]}".strip() for run, name in names.items()}


def _setting(field: str, value: str) -> str:
    """Say what a field is; one that a run does not state is the engine's own, but for a price, which is not known."""
    if value != UNKNOWN:
        return f"{field} {value}"
    return f"no {field}" if field == "price" else f"default {field}"


def at_loads(run: StoredRun) -> list[RunAtLoad]:
    """Return a run at each of its loads, in the order of measuring."""
    if run.summary.points:
        return [RunAtLoad(run, summary) for summary in run.summary.points]
    return [RunAtLoad(run, run.summary)]


def _loads(measured: Iterable[RunAtLoad]) -> tuple[Load, ...]:
    by_name: dict[tuple[str, float], list[RunAtLoad]] = {}
    for one in measured:
        by_name.setdefault((one.point.name, load_of(one.point)), []).append(one)
    return tuple(sorted((Load(tuple(same)) for same in by_name.values()), key=lambda load: (load.unit, load.amount)))


def is_invalid(one: RunAtLoad) -> bool:
    """Whether the measurement of this load is not to be believed."""
    return one.summary.verdict is not None and one.summary.verdict.level == "INVALID"
