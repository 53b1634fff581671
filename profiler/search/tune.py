"""Which setting of the server is best in one metric, within a time: successive halving, then finalists in turn. Pure.

Every visit starts the server anew and measures a short load, since that is how two runs differ. A round visits each
setting that is left, and the better half stays (K. Jamieson, A. Talwalkar, "Non-stochastic best arm identification and
hyperparameter optimization", AISTATS 2016), until few are left. These finalists are visited in turn, there and
back, so that a drift of the machine meets all; only these rounds decide, for those before them chose the finalists. Two
of them are compared by their ratios within each round, and one is best where it is better than every other at 95 %
together.
"""

from collections.abc import Callable, Sequence
from math import exp, log
from statistics import fmean
from typing import NamedTuple

from profiler.number_format import scale
from profiler.results.manifest import Point
from profiler.results.points import setting_words
from profiler.results.summary import Conclusion, Distribution, PointSummary, Scalar
from profiler.search.variants import Variant
from profiler.stats.between_runs import paired_ratio
from profiler.stats.intervals import CONFIDENCE
from profiler.stats.multiple import adjusted_confidence
from profiler.workloads.schema import ATTAINMENT_RATIO, Tune

FINALISTS = 3
FEWEST_ROUNDS, MOST_ROUNDS = 3, 6  # of the finalists


class _Round(NamedTuple):
    """The settings that are visited, in their order, and what was found."""

    variants: list[Variant]
    values: list[float | None]
    is_final: bool

    @property
    def is_complete(self) -> bool:
        return len(self.values) == len(self.variants)


class TuneSearch:
    """Chooses the next visit, and says at the end which setting is best."""

    def __init__(
        self, tune: Tune, variants: Sequence[Variant], load: Point, has_time: Callable[[], bool] = lambda: True
    ) -> None:
        """Take the settings and the load; `has_time` says whether there is time for another visit."""
        self._tune, self._variants, self._load, self._has_time = tune, list(variants), load, has_time

    def next_point(self, measured: Sequence[PointSummary]) -> Point | None:
        """Return the next visit; `None` at the end, where time is over, or where there is nothing to go by."""
        rounds = self._rounds(measured)
        if not self._has_time() or sum(each.is_final and each.is_complete for each in rounds) >= MOST_ROUNDS:
            return None
        if rounds[0].is_complete and not any(value is not None for value in rounds[0].values):
            return None
        last = rounds[-1]
        number = len(measured) + 1
        point = last.variants[len(last.values)].at(self._load)
        return point.model_copy(update={"name": f"n{number}-{point.name}", "visit": number})

    def conclude(self, measured: Sequence[PointSummary]) -> Conclusion | None:
        """Name the best setting, or say that it cannot be told; `None` where nothing was measured."""
        finals = [each for each in self._rounds(measured) if each.is_final and each.is_complete]
        by_setting = _by_setting(finals) if finals else self._of_all(measured)
        ranked = sorted(by_setting, key=lambda one: self._rank(by_setting[one]))
        if not ranked or self._rank(by_setting[ranked[0]]) == float("inf"):
            return None
        best, *others = ranked
        point = next(each.point for each in reversed(measured) if best.is_of(each.point))
        rivals = [
            other for other in others if not self._is_better(by_setting[best], by_setting[other], len(by_setting))
        ]
        is_found = len(finals) >= FEWEST_ROUNDS and not rivals
        return Conclusion(
            kind="tuned",
            metric=self._tune.metric,
            unit="",
            point=point.name,
            settings=dict(best.server),
            is_found=is_found,
            sentence=self._sentence(measured, by_setting, point, rivals, len(finals)),
        )

    def _rounds(self, measured: Sequence[PointSummary]) -> list[_Round]:
        """Return the rounds so far, the last one open unless everything is measured."""
        values = [value_of(each, self._tune.metric) for each in measured]
        rounds, left = list[_Round](), list(self._variants)
        while True:
            is_final = len(left) <= FINALISTS
            finals = sum(each.is_final for each in rounds)
            order = left[::-1] if is_final and finals % 2 else left
            rounds.append(_Round(order, values[: len(order)], is_final))
            values = values[len(order) :]
            if not rounds[-1].is_complete:
                return rounds
            if not is_final:
                left = self._better_half(rounds[-1])

    def _better_half(self, done: _Round) -> list[Variant]:
        ranked = sorted(zip(done.variants, done.values, strict=True), key=lambda one: self._rank([one[1]]))
        kept = {variant for variant, _ in ranked[: max(FINALISTS, len(ranked) // 2)]}
        return [variant for variant in done.variants if variant in kept]

    def _rank(self, values: Sequence[float | None]) -> float:
        """Return a number that is the lower the better; the worst where a visit measured nothing."""
        known = [value for value in values if value is not None and value > 0]
        if len(known) < len(values) or not known:
            return float("inf")
        return fmean(map(log, known)) * (1 if self._tune.aim == "least" else -1)

    def _is_better(self, one: Sequence[float | None], other: Sequence[float | None], count: int) -> bool:
        """Whether one setting is better than another in every round together, as sure as all pairs have to be."""
        if None in other and None not in one:
            return True
        pairs = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
        ratio = paired_ratio(pairs, adjusted_confidence(CONFIDENCE, count * (count - 1) // 2))
        if ratio is None or ratio.low is None or ratio.high is None:
            return False
        return ratio.high < 1 if self._tune.aim == "least" else ratio.low > 1

    def _of_all(self, measured: Sequence[PointSummary]) -> dict[Variant, list[float | None]]:
        """Return what every visit found, where no round of finalists is complete."""
        found = {
            variant: [value_of(each, self._tune.metric) for each in measured if variant.is_of(each.point)]
            for variant in self._variants
        }
        return {variant: values for variant, values in found.items() if self._rank(values) < float("inf")}

    def _sentence(
        self,
        measured: Sequence[PointSummary],
        by_setting: dict[Variant, list[float | None]],
        point: Point,
        rivals: Sequence[Variant],
        rounds: int,
    ) -> str:
        shown = {one: f"{_words(one)} ({_shown(values, measured, self._tune)})" for one, values in by_setting.items()}
        best = next(variant for variant in by_setting if variant.is_of(point))
        told = f"the {self._tune.aim} {self._tune.metric} was seen with {shown[best]}"
        tried = f"{len(measured)} visits to {len(self._variants)} settings, {rounds} rounds of {len(by_setting)}"
        if rounds < FEWEST_ROUNDS:
            return (
                f"It cannot be told which setting is best: {tried}, of at least {FEWEST_ROUNDS}. So far {told}. Pass a "
                "longer --tune-budget."
            )
        if rivals:
            names = "; ".join(shown[one] for one in rivals)
            return f"It cannot be told which setting is best: {told}, and it may be no better than {names} ({tried})."
        others = "; ".join(text for one, text in shown.items() if one != best)
        return f"Best setting: {shown[best]}, better than {others}, at 95 % together ({tried})."


def value_of(summary: PointSummary, metric: str) -> float | None:
    """Return a metric of a visit, `ttft_ms.p50` a quantile of one; `None` where it was not measured.

    Nor was it where requests failed: those that a setting has no room for are missing from what it looks best in.
    """
    if summary.requests_failed > (1 - ATTAINMENT_RATIO) * (summary.requests_ok + summary.requests_failed):
        return None
    name, _, part = metric.partition(".")
    found = summary.metrics.get(name)
    if isinstance(found, Scalar):
        return found.value
    if isinstance(found, Distribution):
        return found.quantiles.get(part) if part else found.mean
    return None


def _by_setting(rounds: Sequence[_Round]) -> dict[Variant, list[float | None]]:
    return {
        variant: [each.values[each.variants.index(variant)] for each in rounds]
        for variant in sorted(rounds[0].variants, key=rounds[0].variants.index)
    }


def _words(variant: Variant) -> str:
    return ", ".join(setting_words(variant.at(Point(name=""))))


def _shown(values: Sequence[float | None], measured: Sequence[PointSummary], tune: Tune) -> str:
    """Write the geometric mean of a setting with its unit."""
    known = [value for value in values if value is not None and value > 0]
    if not known:
        return "not measured"
    name = tune.metric.partition(".")[0]
    unit = next(each.metrics[name].unit for each in measured if name in each.metrics)
    mean = exp(fmean(map(log, known)))
    return scale(mean, unit).quantity(mean)
