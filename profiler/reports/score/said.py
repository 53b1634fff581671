"""What a score says in words: computed once, written down by page, Markdown, terminal and JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

from profiler.reports import format as fmt
from profiler.selection.answers import FAILS, Answer
from profiler.selection.caveats import caveats
from profiler.selection.contenders import Contender
from profiler.selection.scoring import LeftOut, Ranked, Scoring, Way
from profiler.stats.estimates import Estimate

_SURELY, _PROBABLY = 0.95, 2 / 3  # of the draws: between two that are level, half are a coin's
_EPSILON = 1e-9  # of a weight: rounding


@dataclass(frozen=True)
class Said:
    """A score in words."""

    scoring: Scoring

    @property
    def ways(self) -> list[Way]:
        """The ways of taking weights that were drawn."""
        return list(self.scoring.ranked[0].odds) if self.scoring.ranked else []

    def name(self, contender: Contender) -> str:
        """The short name and the label of a candidate."""
        return f"{contender.candidate.name} · {contender.candidate.label}"

    def mark(self, contender: Contender) -> str:
        """The short name of a candidate, and a warning where a run of it is INVALID."""
        return contender.candidate.name + (" (INVALID)" if contender.candidate.is_invalid else "")

    @property
    def is_forced(self) -> bool:
        """Whether an INVALID run is among those that are scored."""
        ranked = any(one.contender.candidate.is_invalid for one in self.scoring.ranked)
        return ranked or any(one.contender.candidate.is_invalid for one in self.scoring.left_out)

    @property
    def lead(self) -> str:
        """What wins and how surely, in one sentence."""
        return fmt.with_invalid(self._lead(), is_invalid=self.is_forced)

    def _lead(self) -> str:
        winner = self.scoring.winner
        if winner is None:
            return self._nothing()
        name = f"{self.name(winner.contender)}, at {winner.load.load.described}"
        if len(self.scoring.ranked) == 1:
            return f"{name}, is the only candidate that meets every constraint: there is nothing to rank."
        first = winner.odds["own"].first
        share = f"first in {chance(first)} of the draws at these weights"
        if first[0] >= _SURELY and self.scoring.of_single_runs:
            return f"{name}, leads: {share}, by the noise within runs alone."
        if first[0] >= _SURELY:
            return f"{name}, wins: {share}."
        if first[0] >= _PROBABLY:
            return f"{name}, probably wins: {share}."
        return f"It cannot be told which candidate wins. {name}, has the highest score, and is {share}."

    def _nothing(self) -> str:
        nearest = self.scoring.nearest_miss
        if nearest is None or not nearest.against:
            return "No candidate can be scored."
        what = "; ".join(told(answer) for answer in nearest.against)
        at = f" at {nearest.shown_load.load.described}" if nearest.shown_load else ""
        return f"No candidate surely meets every constraint. The nearest is {self.name(nearest)}{at}: {what}."

    @property
    def weights_sentence(self) -> str:
        """How often the winner is first where the weights are in doubt; empty where there is nothing to say."""
        others = [way for way in self.ways if way != "own"]
        if not others or len(self.scoring.ranked) < 2:
            return ""
        winner = self.scoring.ranked[0]
        shares = ", ".join(f"{chance(winner.odds[way].first)} {self.way(way)}" for way in others)
        return f"If the weights themselves are in doubt, {winner.contender.candidate.name} is first in {shares}."

    def way(self, way: Way) -> str:
        """A way of taking weights in words."""
        if way == "nearby":
            return f"with each weight up to {self.scoring.profile.weight_factor:g} times as large or small"
        return {"own": "at these weights", "order": "with only their order known", "any": "at any weights"}[way]

    def heading(self, way: Way) -> str:
        """The same for a column."""
        factor = f"weights within {self.scoring.profile.weight_factor:g}×"
        return (
            f"First, { {'own': 'these weights', 'nearby': factor, 'order': 'this order', 'any': 'any weights'}[way] }"
        )

    @property
    def flip_sentence(self) -> str:
        """The smallest change of weights that makes another candidate win; empty where there is none to speak of."""
        flip, ranked = self.scoring.flip, self.scoring.ranked
        if len(ranked) < 2 or len(self.scoring.weights) < 2:
            return ""
        if flip is None:
            return f"No weights let another candidate win against {self.winner_name} at the measured values."
        rival = ranked[flip.rival].contender.candidate.name
        if flip.moved == 0:
            return f"{rival} is level with it at the measured values."
        moves = zip(self.scoring.profile.criteria, self.scoring.weights, flip.weights, strict=True)
        changes = [
            f"{criterion.title} from {share(old)} to {share(new)}"
            for criterion, old, new in moves
            if abs(new - old) > _EPSILON
        ]
        return (
            f"The smallest change of weights that lets another one win moves {share(flip.moved)}: "
            f"{', '.join(changes)}; then {rival} draws level."
        )

    @property
    def winner_name(self) -> str:
        """The short name of the candidate of the highest score; empty where there is none."""
        return self.scoring.winner.contender.candidate.name if self.scoring.winner else ""

    @property
    def notes(self) -> list[str]:
        """What may make it unsound."""
        return caveats(self.scoring)

    def reasons(self, one: LeftOut) -> list[str]:
        """Why a candidate is not ranked, the gravest first."""
        found = [*one.reasons, *(told(answer) for answer in one.contender.against)]
        return found or ["no load of it is to be believed"]

    def state(self, one: LeftOut) -> str:
        """In a word or two."""
        return "cannot be scored" if one.reasons else one.contender.standing


def told(answer: Answer) -> str:
    """Say that a constraint is not kept, with what was seen and by how much, or what would tell."""
    if answer.value is not None and answer.seen is not None:
        seen = fmt.estimate_scale(answer.seen, answer.unit).quantity(answer.value)
    else:
        seen = "" if answer.value is None else fmt.quantity(answer.value, answer.unit)
    if answer.standing == FAILS:
        by = f", {share(answer.miss_ratio)} beyond it" if answer.miss_ratio and answer.miss_ratio > 0 else ""
        what = f"it is {seen}{by}" if seen else answer.reason
        return f"{answer.constraint} fails: {what}"
    tell = f"to tell: {answer.tell}" if answer.tell and answer.tell != answer.reason else ""
    parts = [f"it is about {seen}" if seen else "", answer.reason, tell]
    return f"{answer.constraint} cannot be told: {'; '.join(filter(None, parts))}"


def share(ratio: float) -> str:
    """A share in percent: whole ones, with a decimal where it is near either end."""
    percent = 100 * ratio
    digits = 1 if (0 < percent < 1 or 99 < percent < 100) else 0
    text = f"{percent:.{digits}f}"
    if text == "100.0":
        return "> 99.9 %"
    return "< 0.1 %" if text == "0.0" else f"{text} %"


def chance(ends: tuple[float, float]) -> str:
    """A share of draws, or both ends of one that models leave open."""
    low, high = (share(end) for end in ends)
    return low if low == high else f"{low.removesuffix(' %')} to {high}"


def ranks(ends: tuple[int, int]) -> str:
    """A range of ranks."""
    return f"{ends[0]}" if ends[0] == ends[1] else f"{ends[0]}\N{EN DASH}{ends[1]}"


def score_text(one: Ranked) -> str:
    """The product over the baseline, with both ends where a model leaves it open."""
    low, middle, high = one.score
    return f"{middle:#.3g}" if low == high else f"{low:#.3g}\N{EN DASH}{high:#.3g}"


def column_scale(ranked: Sequence[Ranked], index: int, unit: str) -> fmt.Scale:
    """The unit that suits the greatest number of a criterion."""
    return fmt.scale(max(one.numbers[index].high for one in ranked), unit)


def number(found: Estimate, common: fmt.Scale, unit: str) -> str:
    """A number in the unit of its column, without it."""
    own = fmt.estimate_scale(found, unit, (common.factor, common.unit))
    return own.span((found.low, found.high)) if found.value is None else own.number(found.value)


def bounds(found: Estimate, common: fmt.Scale, unit: str) -> str:
    """Its 95 % interval; empty where it is exact or an interval already."""
    if found.value is None or found.is_exact:
        return ""
    return fmt.estimate_scale(found, unit, (common.factor, common.unit)).span((found.low, found.high))
