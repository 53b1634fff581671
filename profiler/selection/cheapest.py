"""Which candidate is cheapest at a target, and how surely: everything that its page, tables and files say. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from profiler.results.cost_facts import PriceFacts, TokenPriceFacts
from profiler.results.run_set import Refused, RunAtLoad, StoredRun
from profiler.selection.answers import CANNOT_BE_TOLD, FAILS, MEETS, Answer, Standing, together
from profiler.selection.between import Interpolated, interpolated
from profiler.selection.candidate import (
    MAY_DIFFER_IN_LOAD,
    MAY_DIFFER_IN_MODEL,
    Candidate,
    candidates,
)
from profiler.selection.certainty import CERTAIN, Rival, certainty, leader_of, rival
from profiler.selection.demand import Demand, Fleet, fleet
from profiler.selection.fact_constraints import FactConstraint, energy_class
from profiler.selection.facts import Facts, facts_of
from profiler.selection.facts_file import StatedFacts
from profiler.selection.operating import JudgedLoad, Operating, operating
from profiler.selection.targets import Target
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown
from profiler.verdict.comparable import check_comparable, mismatches
from profiler.verdict.contrast import Metric, Rules
from profiler.verdict.fairness import Found, traps

OPERATIONAL = "gco2e_operational_per_1m_output_tokens"


@dataclass(frozen=True)
class Question:
    """What is asked of every candidate."""

    targets: tuple[Target, ...]
    constraints: tuple[FactConstraint, ...] = ()
    energy_class: str | None = None  # at least as trustworthy
    stated: tuple[StatedFacts, ...] = ()
    demand: Demand | None = None
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True)
class Considered:
    """A candidate with all that is said of it."""

    operating: Operating
    facts: Facts
    fact_answers: tuple[Answer, ...]
    between: Interpolated | None
    fleet: Fleet | Unknown | None

    @property
    def candidate(self) -> Candidate:
        """What can be chosen."""
        return self.operating.candidate

    @property
    def at(self) -> JudgedLoad | None:
        """Its operating point."""
        return self.operating.at

    @property
    def price(self) -> PriceFacts | TokenPriceFacts | None:
        """What its hour, or its tokens, are charged at."""
        cost = self.candidate.manifest.cost
        return cost.price or cost.token_price

    @property
    def standing(self) -> Standing:
        """Of all targets and constraints together."""
        return together([self.operating.standing, *(one.standing for one in self.fact_answers)])

    @property
    def obstacles(self) -> list[Answer]:
        """Every constraint that it does not surely meet; of the targets those at the load that comes nearest."""
        nearest = self.operating.nearest_miss
        at_load = list(nearest.answers) if nearest else []
        return [one for one in (*self.fact_answers, *at_load) if one.standing != MEETS]

    @property
    def operational_carbon(self) -> Estimate | Unknown:
        """The same without the carbon of making the machine, which often nobody publishes; of output tokens only."""
        return self.number((OPERATIONAL, None))

    @property
    def is_invalid(self) -> bool:
        """Whether the measurement of one of its loads is INVALID, and was taken all the same."""
        return self.candidate.is_invalid

    def number(self, metric: Metric) -> Estimate | Unknown:
        """Return a metric at the operating point."""
        return self.operating.number(metric)

    @property
    def energy(self) -> Estimate | Unknown:
        """Joules for a token."""
        return self.number((self.candidate.tokens.energy, None))

    @property
    def carbon(self) -> Estimate | Unknown:
        """Grams of CO₂e for a million tokens."""
        return self.number((self.candidate.tokens.carbon, None))


@dataclass(frozen=True)
class Cheapest:
    """The answer. `certainty` is the probability, at least, that `leader` is the cheapest; None where unknown."""

    question: Question
    considered: tuple[Considered, ...]  # those that meet everything first, the cheapest of them at the head
    leader: Considered | None
    rivals: tuple[Rival, ...]
    certainty: float | None
    traps: tuple[Found, ...]
    notes: tuple[str, ...]
    refused: tuple[Refused, ...]

    @property
    def is_certain(self) -> bool:
        """Whether it is said that the leader is cheapest."""
        return self.certainty is not None and self.certainty >= CERTAIN

    @property
    def eligible(self) -> list[Considered]:
        """Candidates that meet every target and constraint."""
        return [one for one in self.considered if one.standing == MEETS]

    @cached_property
    def by_name(self) -> dict[str, Rival]:
        """The rivals by the names of their candidates."""
        return {one.operating.candidate.name: one for one in self.rivals}


def find_cheapest(
    runs: Sequence[StoredRun],
    question: Question,
    refused: Sequence[Refused] = (),
    *,
    allow_invalid: bool = False,
) -> Cheapest:
    """Judge every candidate among runs that measure the same, and set those that meet everything side by side.

    Raises `UsageError` where runs do not measure the same: another workload than its load.
    """
    check_comparable(runs, [*MAY_DIFFER_IN_LOAD, *MAY_DIFFER_IN_MODEL, *question.rules.allowed])
    considered = [_considered(one, question) for one in candidates(runs, allow_invalid=allow_invalid)]
    eligible = [one for one in considered if one.standing == MEETS]
    first = leader_of([one.operating for one in eligible]) if len(_currencies(eligible)) < 2 else None
    leader = next((one for one in eligible if one.operating is first), None)
    rivals = _rivals(leader, considered, question.rules) if leader else []
    return Cheapest(
        question,
        tuple(sorted(considered, key=_order)),
        leader,
        tuple(rivals),
        certainty(leader.at, rivals) if leader and leader.at else None,
        tuple(traps(_at_operating_points(considered), question.rules.allowed)),
        tuple(_notes(runs, considered)),
        tuple(refused),
    )


def _considered(candidate: Candidate, question: Question) -> Considered:
    found = operating(candidate, question.targets, question.rules.drift_ratio)
    facts = facts_of(candidate.manifest.model, question.stated)
    answers = [one.judge(facts) for one in question.constraints]
    if question.energy_class is not None:
        answers.append(energy_class(found.meter_class, question.energy_class))
    return Considered(
        found,
        facts,
        tuple(answers),
        interpolated(found, question.targets),
        fleet(found, question.demand) if question.demand else None,
    )


def _rivals(leader: Considered, considered: Sequence[Considered], rules: Rules) -> list[Rival]:
    """Set every other candidate beside the leader that no fact rules out; unknown facts are no matter of chance."""
    if leader.at is None:
        return []
    others = [one for one in considered if one is not leader and not any(a.standing != MEETS for a in one.fact_answers)]
    return [rival(leader.candidate, leader.at, one.operating, rules) for one in others]


def _order(one: Considered) -> tuple[int, int, float, float]:
    """By the answer; then by the facts that fail and by how much a target is missed, and last by cost."""
    rank = {MEETS: 0, CANNOT_BE_TOLD: 1, FAILS: 2}[one.standing]
    failing = sum(each.standing == FAILS for each in one.fact_answers)
    cost = one.at.cost.value if one.at else None
    return rank, failing, one.operating.miss_ratio, float("inf") if cost is None else cost


def _at_operating_points(considered: Sequence[Considered]) -> list[RunAtLoad]:
    return [run for one in considered if one.at for run in one.at.load.runs]


def _notes(runs: Sequence[StoredRun], considered: Sequence[Considered]) -> list[str]:
    """Return what a reader has to know besides the traps: other models, currencies, loads left out, single runs."""
    notes = [
        f"The candidates run different models ({one.field} differs): the price of a token says nothing of its quality."
        for one in mismatches(runs)
        if one.field == "model"
    ]
    notes += _on_prices(considered)
    for one in considered:
        notes += _left_out(one.candidate)
    alone = [one.candidate.label for one in considered if one.at and len(one.at.load.runs) == 1]
    if alone:
        notes.append(f"Of a single run, an interval says how sure it is of itself, not of the next: {_some(alone)}.")
    return notes


def _left_out(candidate: Candidate) -> list[str]:
    """Say which loads are INVALID, or how many of their runs."""
    of_load = {load.name: len(load.runs) for load in candidate.loads}
    return [
        f"{candidate.label}: {load.described} is left out, since its measurement is INVALID."
        if load.name not in of_load
        else f"{candidate.label}: {len(load.runs)} of {len(load.runs) + of_load[load.name]} runs at {load.described} "
        "are left out, since they are INVALID there."
        for load in candidate.invalid
    ]


def _currencies(considered: Sequence[Considered]) -> list[str]:
    return sorted({price.currency for one in considered if (price := one.price) is not None})


def _on_prices(considered: Sequence[Considered]) -> list[str]:
    currencies, notes = _currencies(considered), []
    if len(currencies) > 1:
        notes.append(f"Prices are in {' and '.join(currencies)}: currencies are never converted, so none is cheapest.")
    without = [one.candidate.label for one in considered if one.price is None]
    if without:
        notes.append(
            f"Without a price: {_some(without)}. Their operating point is the load of the highest rate, which at one "
            "price by the hour is the cheapest. Repeat the run with --price."
        )
    return notes


def _some(names: Sequence[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
