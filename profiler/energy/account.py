"""What a run used, meter by meter: gross, idle and net. Classes and scopes stand side by side, never summed. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from profiler.energy.band import power_w
from profiler.energy.use import Use, Window, of_channel, used
from profiler.results.manifest import EnergyFacts, MeterClass, MeterFacts
from profiler.results.records import EnergyReading
from profiler.stats.ranges import Range

FULL_COVERAGE = 0.95  # below it, energy is not claimed
_BEST_FIRST: tuple[MeterClass, ...] = ("wall", "counter", "polled", "model")
_WIDEST_FIRST = ("whole machine", "GPU boards", "CPU packages", "DRAM")
MODEL_SCOPE = "whole machine"


@dataclass(frozen=True)
class Seen:
    """The part of a run that energy is accounted for."""

    readings: Sequence[EnergyReading]
    windows: Sequence[Window]  # steady ones
    busy: Range | None  # share of all processors' time, mean over the windows; None where nobody looked
    idle_windows: Sequence[Window] = ()  # of the idle baseline, before any load
    idle_busy: Range | None = None

    @property
    def length_s(self) -> float:
        """Steady time."""
        return sum(end - start for start, end in self.windows) / 1e9


@dataclass(frozen=True)
class Account:
    """What one class of meters saw in one scope; energies in J over the steady windows."""

    meter_class: MeterClass
    scope: str
    channels: tuple[str, ...]  # or the names of the opinions
    gross_j: Range | None
    idle_j: Range | None  # what the idle machine would have used in the same time
    coverage_ratio: float
    provenance: str
    parts: Mapping[str, Range]  # gross, by channel or opinion
    notes: tuple[str, ...] = ()
    too_short_for_claims: bool = False  # the steady windows are shorter than its meters take for a claim

    @property
    def net_j(self) -> Range | None:
        """Gross − idle; of a model, opinion by opinion could be closer together than this."""
        if self.gross_j is None or self.idle_j is None:
            return None
        return Range(max(0.0, self.gross_j.low - self.idle_j.high), max(0.0, self.gross_j.high - self.idle_j.low))


def accounts(facts: EnergyFacts, seen: Seen) -> list[Account]:
    """Return every account of a run, the most trustworthy first."""
    groups: dict[tuple[MeterClass, str], list[MeterFacts]] = {}
    for meter in facts.meters:
        if meter.meter_class != "model":
            groups.setdefault((meter.meter_class, meter.scope), []).append(meter)
    metered = [_metered(meters, seen) for meters in groups.values()]
    modelled = _modelled(facts, seen)
    return sorted([*metered, *([modelled] if modelled else [])], key=_rank)


def headline(found: Sequence[Account]) -> Account | None:
    """Return the account that stands for the run: the first with a value."""
    return next((account for account in found if account.gross_j is not None), None)


def _rank(account: Account) -> tuple[int, int]:
    scopes = [i for i, scope in enumerate(_WIDEST_FIRST) if account.scope == scope]
    return _BEST_FIRST.index(account.meter_class), scopes[0] if scopes else len(_WIDEST_FIRST)


def _metered(meters: Sequence[MeterFacts], seen: Seen) -> Account:
    uses = {m.channel: used(of_channel(seen.readings, m.channel), seen.windows) for m in meters}
    coverage_ratio = min(use.coverage_ratio for use in uses.values())
    parts = {channel: Range.exact(_whole_j(use)) for channel, use in uses.items()}
    is_covered = coverage_ratio >= FULL_COVERAGE
    return Account(
        meter_class=meters[0].meter_class,
        scope=meters[0].scope,
        channels=tuple(uses),
        gross_j=_sum(parts.values()) if is_covered else None,
        idle_j=_idle_j(meters, seen),
        coverage_ratio=coverage_ratio,
        provenance="; ".join(dict.fromkeys(m.provenance for m in meters)),
        parts=parts,
        notes=_notes(meters, seen, coverage_ratio),
        too_short_for_claims=seen.length_s < _claim_window_s(meters),
    )


def _notes(meters: Sequence[MeterFacts], seen: Seen, coverage_ratio: float) -> tuple[str, ...]:
    notes = []
    if coverage_ratio < FULL_COVERAGE:
        notes.append(f"readings cover {coverage_ratio:.0%} of the steady windows; {FULL_COVERAGE:.0%} are needed")
    needed_s = _claim_window_s(meters)
    if seen.length_s < needed_s:
        notes.append(f"{seen.length_s:.0f} s of steady load are too short for a claim, which takes {needed_s:.0f} s")
    return tuple(notes)


def _claim_window_s(meters: Sequence[MeterFacts]) -> float:
    return max(m.claim_window_s for m in meters)


def _whole_j(use: Use) -> float:
    """Energy of the whole windows, at the mean power of what is covered."""
    return (use.power_w or 0.0) * use.length_ns / 1e9


def _idle_j(meters: Sequence[MeterFacts], seen: Seen) -> Range | None:
    if not seen.idle_windows:
        return None
    uses = [used(of_channel(seen.readings, m.channel), seen.idle_windows) for m in meters]
    if any(use.coverage_ratio < FULL_COVERAGE for use in uses):
        return None
    return Range.exact(sum(use.power_w or 0.0 for use in uses) * seen.length_s)


def _modelled(facts: EnergyFacts, seen: Seen) -> Account | None:
    """All opinions as one interval: the smallest that holds what each of them says."""
    busy = seen.busy or Range(0.0, 1.0)
    parts = {o.name: power_w(o, busy).times(seen.length_s) for o in facts.opinions}
    idle_busy = seen.idle_busy or Range.exact(0.0)
    idle = [power_w(o, idle_busy) for o in facts.opinions] if seen.idle_windows else []
    for meter in (m for m in facts.meters if m.meter_class == "model"):
        readings = of_channel(seen.readings, meter.channel)
        use = used(readings, seen.windows)
        if use.coverage_ratio >= FULL_COVERAGE:
            parts[meter.meter] = Range.exact(_whole_j(use))
            idle_w = used(readings, seen.idle_windows).power_w
            idle += [Range.exact(idle_w)] if idle_w is not None else []
    if not parts:
        return None
    names = ", ".join(parts)
    return Account(
        meter_class="model",
        scope=MODEL_SCOPE,
        channels=tuple(parts),
        gross_j=Range.hull(*parts.values()) if seen.length_s else None,
        idle_j=Range.hull(*idle).times(seen.length_s) if idle else None,
        coverage_ratio=1.0,
        provenance=f"no meter: the interval of {len(parts)} opinions ({names})",
        parts=parts,
        notes=() if seen.busy else ("nobody looked how busy the processors were: from idle to fully loaded",),
    )


def _sum(parts: Iterable[Range]) -> Range:
    return reduce(Range.__add__, parts, Range.exact(0.0))
