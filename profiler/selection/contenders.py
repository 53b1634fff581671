"""Candidates before a profile: what keeps its constraints, at which load, and what is out and why. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from profiler.selection.answers import FAILS, MEETS, Answer, Standing, together
from profiler.selection.candidate import Candidate
from profiler.selection.fact_constraints import energy_class
from profiler.selection.facts import Facts, facts_of
from profiler.selection.facts_file import StatedFacts
from profiler.selection.operating import JudgedLoad, Operating, operating
from profiler.selection.profile import Profile


@dataclass(frozen=True)
class Contender:
    """A candidate, its loads judged by the limits of a profile, and what is said of its facts."""

    operating: Operating
    facts: Facts
    of_facts: tuple[Answer, ...]

    @property
    def candidate(self) -> Candidate:
        """The candidate itself."""
        return self.operating.candidate

    @property
    def key(self) -> str:
        """A name that does not depend on what else is compared: the first of its runs' ids."""
        return min(run.name for run in self.candidate.runs)

    @property
    def standing(self) -> Standing:
        """Of all constraints together."""
        return together([self.operating.standing, *(one.standing for one in self.of_facts)])

    @property
    def shown_load(self) -> JudgedLoad | None:
        """Its operating point, or the nearest of the loads that stand best; None where no load is to be believed."""
        return self.operating.shown

    @property
    def against(self) -> list[Answer]:
        """What it does not keep, or of which that cannot be told, the gravest first."""
        of_load = self.shown_load.answers if self.shown_load else ()
        return sorted(
            (one for one in (*self.of_facts, *of_load) if one.standing != MEETS),
            key=lambda one: (one.standing != FAILS, -(one.miss_ratio or 0.0)),
        )

    @property
    def miss(self) -> tuple[int, float]:
        """How far it is from meeting all: facts that fail, then the worst miss of a limit as a share of it."""
        failing = sum(one.standing == FAILS for one in self.of_facts)
        return failing, self.operating.miss_ratio


def contenders(
    found: Sequence[Candidate],
    profile: Profile,
    stated: Sequence[StatedFacts] = (),
    drift_ratio: float | None = None,
) -> list[Contender]:
    """Judge every candidate by the constraints of a profile."""
    targets = [one.target for one in profile.constraints if one.metric is not None]
    return [_contender(operating(one, targets, drift_ratio), profile, stated) for one in found]


def _contender(judged: Operating, profile: Profile, stated: Sequence[StatedFacts]) -> Contender:
    facts = facts_of(judged.candidate.manifest.model, stated)
    return Contender(judged, facts, _of_facts(judged, facts, profile))


def _of_facts(judged: Operating, facts: Facts, profile: Profile) -> tuple[Answer, ...]:
    return tuple(
        energy_class(judged.meter_class, (one.wanted or [""])[0])
        if one.fact == "energy_class"
        else one.of_fact.judge(facts)
        for one in profile.constraints
        if one.fact is not None
    )
