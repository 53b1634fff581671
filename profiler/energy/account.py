"""What a run used, meter by meter: gross, idle and net. Classes and scopes stand side by side, never summed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from profiler.energy.gpu_host import obstacle, overhead_share, overhead_w
from profiler.energy.metered import FULL_COVERAGE, metered
from profiler.energy.modelled import Modelled, modelled
from profiler.energy.scopes import (
    BEST_FIRST,
    CARD_SCOPES,
    CPUS_AND_MEMORY,
    MEMORY,
    MODEL_SCOPE,
    MODULE_SCOPE,
    PACKAGES,
    PACKAGES_AND_MEMORY,
    PROCESSOR_SCOPES,
    SUPPLIES,
    WIDEST_FIRST,
    WITHOUT_CARDS,
    is_known,
)
from profiler.energy.use import Seen
from profiler.results.manifest import EnergyFacts, MeterClass, MeterFacts
from profiler.stats.ranges import Range

__all__ = ["FULL_COVERAGE", "Account", "Seen", "accounts", "headline", "whole_machine"]


@dataclass(frozen=True)
class Account:
    """What one class of meters saw in one scope; energies in J over the steady windows."""

    meter_class: MeterClass
    scope: str
    channels: tuple[str, ...]  # or the names of the estimates
    gross_j: Range | None
    idle_j: Range | None  # what the idle machine would have used in the same time
    coverage_ratio: float
    provenance: str
    parts: Mapping[str, Range]  # gross, by channel or estimate
    notes: tuple[str, ...] = ()
    too_short_for_claims: bool = False  # the steady windows are shorter than its meters take for a claim

    @property
    def net_j(self) -> Range | None:
        """Gross − idle; of a model, estimate by estimate could be closer together than this."""
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
    found = [_of_all_cards(_without_others(_metered(meters, seen), facts), facts) for meters in groups.values()]
    joined = _joined(groups, found, seen)
    joined = [_beside_unread_cards(account, joined) if seen.gpus else account for account in joined]
    return sorted([*joined, *_modelled(facts, seen, joined)], key=_rank)


def headline(found: Sequence[Account]) -> Account | None:
    """Return the account that stands for the run: the first with a value, of what is known what it is of."""
    return next((account for account in found if account.gross_j is not None and is_known(account.scope)), None)


def whole_machine(found: Sequence[Account]) -> Account | None:
    """Return the best account of all that the machine used, model or not."""
    return next((account for account in found if account.scope == MODEL_SCOPE and account.gross_j is not None), None)


def _rank(account: Account) -> tuple[bool, int, int]:
    scopes = [i for i, scope in enumerate(WIDEST_FIRST) if account.scope == scope]
    return (
        not is_known(account.scope),
        BEST_FIRST.index(account.meter_class),
        scopes[0] if scopes else len(WIDEST_FIRST),
    )


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


def _of_all_cards(account: Account, facts: EnergyFacts) -> Account:
    """Leave an account of cards without a value where another way of metering reads more of them."""
    if account.scope not in CARD_SCOPES:
        return account
    meters = [meter for meter in facts.meters if meter.scope == account.scope]
    own = {_card(meter) for meter in meters if meter.channel in account.channels}
    every = {_card(meter) for meter in meters}
    if own == every:
        return account
    return replace(account, gross_j=None, notes=(f"it reads {len(own)} of {len(every)} cards", *account.notes))


def _card(meter: MeterFacts) -> str:
    """Return the card of a channel: its place on the bus, or what comes before the last part of nvml:0:counter."""
    return meter.part or meter.channel.rpartition(":")[0]


def _without_others(account: Account, facts: EnergyFacts) -> Account:
    """Say which cards are not part of an account of cards: those that do not count, and those that tell nothing."""
    if account.scope not in CARD_SCOPES:
        return account
    meters = {meter.meter for meter in facts.meters if meter.channel in account.channels}
    silent = {name: why for name, why in facts.absent.items() if name.rpartition(":")[0] in meters}
    lists = (("not counted", facts.others), ("not read", silent))
    notes = [f"{how}: {', '.join(f'{name} ({why})' for name, why in cards.items())}" for how, cards in lists if cards]
    return replace(account, notes=(*account.notes, *notes))


def _beside_unread_cards(account: Account, found: Sequence[Account]) -> Account:
    """Say of counted processors what they are no part of, where nobody read the GPUs of the host."""
    is_read = any(one.scope in {*CARD_SCOPES, MODEL_SCOPE} and one.gross_j is not None for one in found)
    if is_read or account.scope in CARD_SCOPES:
        return account
    return replace(account, notes=(*account.notes, "the GPUs of this host were not read and are no part of it"))


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


def _modelled(facts: EnergyFacts, seen: Seen, others: Sequence[Account]) -> list[Account]:
    """Account for the whole machine by models; on a host with cards only where all of them were read.

    What counters saw of the processors is the least that the models may say, so that no whole is below its part.
    """
    found = modelled(facts, seen)
    if found is None:
        return []
    counted = next((a for a in others if a.scope in PROCESSOR_SCOPES and a.gross_j is not None), None)
    if counted is not None:
        found = found.at_least(counted.gross_j, counted.idle_j)
    if not seen.gpus:
        return [_of_models(MODEL_SCOPE, found, seen.length_s)]
    read = (account for account in sorted(others, key=_rank) if account.gross_j is not None)
    boards = next((account for account in read if account.scope in CARD_SCOPES), None)
    silent = [account.notes[0] for account in others if account.scope in CARD_SCOPES and account.gross_j is None]
    reason = obstacle(facts, seen.gpus, None if boards is None else len(boards.channels), silent)
    if reason is not None or boards is None or boards.gross_j is None:
        without = _of_models(WITHOUT_CARDS, found, 0.0)
        return [replace(without, notes=(reason or "no GPU was read", *without.notes))]
    return [_with_boards(boards, boards.gross_j, found, seen)]


def _of_models(scope: str, found: Modelled, length_s: float) -> Account:
    names = ", ".join(found.parts)
    return Account(
        meter_class="model",
        scope=scope,
        channels=tuple(found.parts),
        gross_j=found.gross_j if length_s else None,
        idle_j=found.idle_j,
        coverage_ratio=1.0,
        provenance=f"no meter: the interval of {len(found.parts)} estimates ({names})",
        parts=found.parts,
        notes=found.notes,
    )


def _with_boards(boards: Account, boards_j: Range, found: Modelled, seen: Seen) -> Account:
    """The joules of the boards and intervals for all else in the machine: a model of its own.

    A superchip's module has its processors and memory in it.
    """
    is_module = boards.scope == MODULE_SCOPE
    boards_name = f"{boards.scope} ({boards.meter_class})"
    supplies_j = overhead_w(seen.gpus).times(seen.length_s)
    rest_j = ({} if is_module else {CPUS_AND_MEMORY: found.gross_j}) | {SUPPLIES: supplies_j}
    idle_j = (boards.idle_j, Range.exact(0.0) if is_module else found.idle_j, supplies_j)
    known_idle_j = [part_j for part_j in idle_j if part_j is not None]
    models = "" if is_module else f" of CPUs and memory ({', '.join(found.parts)})"
    return Account(
        meter_class="model",
        scope=MODEL_SCOPE,
        channels=(boards_name, *rest_j),
        gross_j=_total(boards_j, *rest_j.values()),
        idle_j=_total(*known_idle_j) if len(known_idle_j) == len(idle_j) else None,
        coverage_ratio=boards.coverage_ratio,
        provenance=f"{boards_name} and models of all else:{models}{',' if models else ''} for {SUPPLIES} 0 to "
        f"{overhead_share()[0]:.0%} of the power limits ({overhead_share()[1].title})",
        parts={boards_name: boards_j, **rest_j},
        notes=found.notes,
    )


def _total(first: Range, *others: Range) -> Range:
    return reduce(Range.__add__, others, first)
