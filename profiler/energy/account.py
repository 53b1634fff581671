"""What a run used, meter by meter: gross, idle and net. Classes and scopes stand side by side, never summed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from profiler.energy.band import power_w
from profiler.energy.metered import FULL_COVERAGE, metered
from profiler.energy.use import Window, of_channel, used
from profiler.results.manifest import EnergyFacts, MeterClass, MeterFacts
from profiler.results.records import EnergyReading
from profiler.stats.ranges import Range

_BEST_FIRST: tuple[MeterClass, ...] = ("wall", "counter", "polled", "model")
MODEL_SCOPE = "whole machine"
PACKAGES, MEMORY, PACKAGES_AND_MEMORY = "CPU packages", "DRAM", "CPU packages and DRAM"
CARD_SCOPES = ("GPU modules", "GPU boards")
_WIDEST_FIRST = (MODEL_SCOPE, *CARD_SCOPES, PACKAGES_AND_MEMORY, PACKAGES, MEMORY)


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
        ends = (self.gross_j.low - self.idle_j.high, self.gross_j.high - self.idle_j.low)
        low_j, high_j = (max(0.0, end) for end in ends)
        if self.gross_j.value is None or self.idle_j.value is None:
            return Range(low_j, high_j)
        return Range.around(self.gross_j.value - self.idle_j.value, low_j, high_j)


def accounts(facts: EnergyFacts, seen: Seen) -> list[Account]:
    """Return every account of a run, the most trustworthy first."""
    groups: dict[tuple[MeterClass, str], list[MeterFacts]] = {}
    for meter in facts.meters:
        if meter.meter_class != "model":
            groups.setdefault((meter.meter_class, meter.scope), []).append(meter)
    found = [_without_others(_metered(meters, seen), facts) for meters in groups.values()]
    joined = _joined(groups, found, seen)
    modelled = _modelled(facts, seen)
    return sorted([*joined, *([modelled] if modelled else [])], key=_rank)


def headline(found: Sequence[Account]) -> Account | None:
    """Return the account that stands for the run: the first with a value."""
    return next((account for account in found if account.gross_j is not None), None)


def _rank(account: Account) -> tuple[int, int]:
    scopes = [i for i, scope in enumerate(_WIDEST_FIRST) if account.scope == scope]
    return _BEST_FIRST.index(account.meter_class), scopes[0] if scopes else len(_WIDEST_FIRST)


def _metered(meters: Sequence[MeterFacts], seen: Seen, scope: str | None = None) -> Account:
    found = metered(meters, seen.readings, seen.windows)
    needed_s = max(m.claim_window_s for m in meters)
    is_too_short = seen.length_s < needed_s
    too_short = f"{seen.length_s:.0f} s of steady load are too short for a claim, which takes {needed_s:.0f} s"
    return Account(
        meter_class=meters[0].meter_class,
        scope=scope or meters[0].scope,
        channels=tuple(meter.channel for meter in meters),
        gross_j=found.gross_j,
        idle_j=_idle_j(meters, seen),
        coverage_ratio=found.coverage_ratio,
        provenance="; ".join(dict.fromkeys(m.provenance for m in meters)),
        parts=found.parts,
        notes=(*found.reasons, *([too_short] if is_too_short else [])),
        too_short_for_claims=is_too_short,
    )


def _without_others(account: Account, facts: EnergyFacts) -> Account:
    """Say which cards are not part of an account of cards."""
    if account.scope not in CARD_SCOPES or not facts.others:
        return account
    others = ", ".join(f"{channel} ({reason})" for channel, reason in facts.others.items())
    return replace(account, notes=(*account.notes, f"not counted: {others}"))


def _idle_j(meters: Sequence[MeterFacts], seen: Seen) -> Range | None:
    if not seen.idle_windows:
        return None
    idle_j = metered(meters, seen.readings, seen.idle_windows).gross_j
    idle_s = sum(end - start for start, end in seen.idle_windows) / 1e9
    return None if idle_j is None else idle_j.times(seen.length_s / idle_s)


def _joined(
    groups: Mapping[tuple[MeterClass, str], Sequence[MeterFacts]], found: Sequence[Account], seen: Seen
) -> list[Account]:
    """Put packages and their memory together where one source counts both: no joule is in both scopes.

    Where the memory has no value, a note on the packages says why it is not part of them.
    """
    packages, memory = groups.get(("counter", PACKAGES)), groups.get(("counter", MEMORY))
    if not packages or not memory or {m.meter for m in packages} != {m.meter for m in memory}:
        return list(found)
    parts = [account for account in found if account.meter_class == "counter" and account.scope in {PACKAGES, MEMORY}]
    rest = [account for account in found if account not in parts]
    if len(packages) == len(memory) and all(account.gross_j is not None for account in parts):
        return [*rest, _metered([*packages, *memory], seen, PACKAGES_AND_MEMORY)]
    why = next((note for part in parts if part.scope == MEMORY for note in part.notes), "it is not counted everywhere")
    note = f"memory is not part of it: {why}"
    return rest + [replace(p, notes=(*p.notes, note)) if p.scope == PACKAGES else p for p in parts]


def _modelled(facts: EnergyFacts, seen: Seen) -> Account | None:
    """All opinions as one interval: the smallest that holds what each of them says."""
    busy = seen.busy or Range(0.0, 1.0)
    parts = {o.name: power_w(o, busy).times(seen.length_s) for o in facts.opinions}
    idle_busy = seen.idle_busy or Range.exact(0.0)
    idle = [power_w(o, idle_busy) for o in facts.opinions] if seen.idle_windows else []
    for meter in (m for m in facts.meters if m.meter_class == "model"):
        readings = of_channel(seen.readings, meter.channel)
        use = used(readings, seen.windows)
        if use.coverage_ratio >= FULL_COVERAGE and use.energy_j:
            parts[meter.meter] = Range.exact(use.whole_j)
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
