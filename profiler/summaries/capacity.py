"""What a run amounts to, in one sentence: how many users the server serves, how fast, and what happens beyond. Pure.

A user is a request in flight of a closed loop; of an open loop the sentence counts requests/s. A load is served where
enough requests of every repeat met every SLO or, where an open loop states none, where the server kept up with the
arrivals; a closed loop without SLOs is said up to the knee of its throughput. Loads that are INVALID count as not
measured, unless all that is wrong with them is that requests failed, which is what a full server does.
"""

from collections.abc import Sequence

from profiler.number_format import scale
from profiler.results.points import load_of, value_of, variant_words
from profiler.results.summary import Distribution, PointSummary, Scalar
from profiler.search.saturate import knee
from profiler.search.slo import Edges, Judged, edges_of, judged
from profiler.stats.quantiles import QUANTILES
from profiler.workloads.schema import ATTAINMENT_RATIO, Workload

_OF_FAILURES = {"errors", "too-few-samples"}  # rules that a load breaks of which most requests fail
_NO_SLO = "no SLO is stated"
_QUEUE = "requests queue"
_TOO_SLOW = {
    "tpot_ms": "tokens come slower than it allows",
    "e2e_ms": "requests take longer than it allows",
}


def capacity_sentence(workload: Workload, points: Sequence[PointSummary], headline: PointSummary) -> str:
    """Return the sentence about the loads of a run; of a sweep over more than loads, of those beside the headline.

    `points` have been judged. The headline is one of them.
    """
    if rules := _invalid_rules(headline):
        served = "how many users" if headline.point.concurrency is not None else "what load"
        return f"Nothing is claimed of {served} this server serves: the run is INVALID ({', '.join(rules)})."
    words = variant_words(headline.point)
    said = _Loads(workload, [each for each in points if variant_words(each.point) == words]).sentence()
    return f"At {', '.join(words)}: {said[0].lower()}{said[1:]}" if words else said


class _Loads:
    """Loads that differ in nothing else, and what is said of them."""

    def __init__(self, workload: Workload, points: Sequence[PointSummary]) -> None:
        self._workload = workload
        self._has_slo = workload.slo.is_stated
        self._is_open = points[0].point.concurrency is None
        self._highest = max(load_of(each.point) for each in points)
        may_fail = self._has_slo or self._is_open
        self._sound = {load_of(each.point): each for each in points if _is_sound(each, may_fail=may_fail)}

    def sentence(self) -> str:
        """Say what is served, and what is beyond."""
        edges = self._edges()
        if edges.low is None:
            return f"{self._not_served(edges)}."
        if not edges.low:
            return f"Serves {self._paced(0)}{'' if self._has_slo else f'; {_NO_SLO}'}."
        return f"Serves {self._served(edges.low, edges.high)}; {self._beyond(edges.low, edges.high)}."

    def _edges(self) -> Edges:
        if not self._has_slo and not self._is_open:
            found = knee(list(self._sound.values()))
            low, high = (found.low, found.high) if found else (max(self._sound), None)
            return Edges(low, high, low, high)
        return edges_of({load: self._judged(each) for load, each in self._sound.items()})

    def _judged(self, point: PointSummary) -> Judged:
        if self._has_slo:
            return judged(point, self._workload.attainment_ratio, self._workload.repeats)
        return "fails" if _falls_behind(point) else "qualifies"

    def _served(self, low: float, high: float | None) -> str:
        """How many, and how fast each of those is that surely are."""
        if high is None:
            return f"at least {self._paced(low)}"
        most = high if self._is_open else high - 1
        if most <= low or not self._has_slo:
            return self._paced(low)
        joint = "or" if most - low == 1 and not self._is_open else "to"
        return f"{low:g} {joint} {self._amount(most)}{self._within}, {low:g} of them{self._pace(low)}{self._right(low)}"

    def _beyond(self, low: float, high: float | None) -> str:
        """What is known of higher loads."""
        slo = "" if self._has_slo else f", and {_NO_SLO}"
        if high is not None:
            return f"from {self._counted(high)} on {self._fault(high)}{slo}"
        return f"{'more was not tried' if self._highest == low else f'of {self._highest:g} it cannot be told'}{slo}"

    def _not_served(self, edges: Edges) -> str:
        lowest = min(self._sound)
        if edges.below_high is not None:
            beyond = "" if edges.high is None else f"; from {self._counted(edges.high)} on {self._fault(edges.high)}"
            is_odd = self._judged(self._sound[lowest]) == "fails"
            why = "higher loads did better" if is_odd else "its repeats disagree"
            return f"Whether it serves {self._amount(lowest)}{self._within} cannot be told: {why}{beyond}"
        fault = self._fault(lowest, late=_QUEUE if self._is_open else "the first token comes later than it allows")
        if self._is_open or lowest > 1:
            less = "; less was not tried" if lowest else ""
            return f"Does not serve {self._amount(lowest)}{self._within}: {fault}{less}"
        return f"Does not serve even 1 user{self._within}: {fault}"

    def _fault(self, load: float, late: str = _QUEUE) -> str:
        """What is wrong at a load: failures, or the latency that is beyond its limit by most."""
        point, slo = self._sound[load], self._workload.slo
        if (value_of(point, "error_ratio") or 0.0) > 1 - self._workload.attainment_ratio:
            return "requests fail"
        if not self._has_slo:
            return _QUEUE if self._is_open else "throughput grows no further"
        limits = {name: limit for name in ("ttft_ms", *_TOO_SLOW) if (limit := slo.limit_ms(name)) is not None}
        worst = max(limits, key=lambda name: _at(point, name, self._workload.attainment_ratio) / limits[name])
        return _TOO_SLOW.get(worst, late)

    @property
    def _within(self) -> str:
        share = self._workload.attainment_ratio
        of = "" if share == ATTAINMENT_RATIO else f" for {100 * share:.4g} % of the requests"
        return f" within the SLO{of}" if self._has_slo else ""

    def _paced(self, load: float) -> str:
        return f"{self._amount(load)}{self._pace(load)}{self._within}{self._right(load)}"

    def _pace(self, load: float) -> str:
        """How fast the tokens of each user come; where none are streamed, how many requests are answered."""
        each = "" if load == 1 and not self._is_open else " each"
        return _speed(self._sound[load], each) or ("" if self._is_open else _rate(self._sound[load]))

    def _right(self, load: float) -> str:
        correct = value_of(self._sound[load], "correct_ratio")
        return "" if correct is None else f", {100 * correct:.3g} % of the answers correct"

    def _amount(self, load: float) -> str:
        if not load:
            return "the trace"
        return self._counted(load) if self._is_open else f"{load:g} {'user' if load == 1 else 'users'}"

    def _counted(self, load: float) -> str:
        return f"{load:g} {'request' if load == 1 else 'requests'}/s" if self._is_open else f"{load:g}"


def _invalid_rules(point: PointSummary) -> dict[str, None]:
    """Return the rules by which the measurement of a load is not to be believed, each once, in their order."""
    findings = point.verdict.findings if point.verdict else []
    return {found.rule: None for found in findings if found.level == "INVALID"}


def _is_sound(point: PointSummary, *, may_fail: bool) -> bool:
    rules = _invalid_rules(point)
    return not rules or (may_fail and "errors" in rules and rules.keys() <= _OF_FAILURES)


def _falls_behind(point: PointSummary) -> bool:
    findings = point.verdict.findings if point.verdict else []
    return any(found.rule in {"server-overloaded", "errors"} for found in findings)


def _at(point: PointSummary, metric: str, share: float) -> float:
    """Return the quantile of a latency by which its limit is judged; 0 where it was not measured."""
    found = point.metrics.get(metric)
    name = next((name for name, q in QUANTILES.items() if q >= share), list(QUANTILES)[-1])
    return found.quantiles[name] if isinstance(found, Distribution) else 0.0


def _speed(point: PointSummary, each: str) -> str:
    """Return the median speed of a stream; empty where nothing was streamed."""
    found = point.metrics.get("decode_tokens_per_s")
    if not isinstance(found, Distribution):
        return ""
    return f" at {_plain(found.quantiles['p50'], found.quantile_intervals.get('p50'))} tokens/s{each}"


def _rate(point: PointSummary) -> str:
    """Return how many requests are answered in a second; empty where that was not measured."""
    found = point.metrics.get("requests_per_s")
    if not isinstance(found, Scalar) or found.value is None:
        return ""
    rate = _plain(found.value, found.interval)
    return f" at {rate} {'request' if rate == '1' else 'requests'}/s in all"


def _plain(value: float, interval: tuple[float, float] | None) -> str:
    """Return a rate with the digits that it carries, without zeros at the end."""
    text = scale(value, "", interval=interval).number(value)
    return text.rstrip("0").rstrip(".") if "." in text else text
