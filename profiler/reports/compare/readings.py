"""What the runs say, metric by metric, with intervals; money and energy with what they may be compared with."""

from dataclasses import dataclass, replace

from profiler.metrics.catalogue import METRICS
from profiler.reports import format as fmt
from profiler.results.manifest import MeterClass
from profiler.results.summary import Distribution, PointSummary, Summary
from profiler.results.tokens import tokens_of
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown, estimate
from profiler.verdict.traps import account_of, energy_kind

Part = Summary | PointSummary


@dataclass(frozen=True)
class Reading:
    """One number of one run.

    `found` is None where nothing was measured. `value` alone, without `found`, is a number without an interval.
    `reason` says why something is missing. Readings of different `kind` (a currency; a class and scope of energy) are
    never set against each other.
    """

    unit: str
    found: Estimate | None = None
    value: float | None = None
    reason: str | None = None
    kind: str = ""
    is_indicative: bool = False
    shown_as: tuple[float, str] | None = None  # factor and unit, where those of a column are wanted

    @property
    def middle(self) -> float | None:
        """The number to draw or to sort by; None for an interval."""
        return self.value if self.found is None else self.found.value

    @property
    def is_missing(self) -> bool:
        """Whether there is neither a number nor an interval."""
        return self.found is None and self.value is None

    def text(self) -> str:
        """The number in a few words with its unit, and no more digits than its interval carries."""
        number, unit = self.number(), self._scale().unit
        return f"{number}{fmt.NBSP}{unit}" if number and unit else number

    def number(self) -> str:
        """The same without the unit; of an interval both ends."""
        if self.middle is not None:
            return self._scale().number(self.middle)
        return "" if self.found is None else self._scale().span((self.found.low, self.found.high))

    def bounds(self) -> str:
        """The interval's ends, without the unit; empty where there are none beside the number."""
        if self.found is None or self.found.value is None or self.found.is_exact:
            return ""
        return self._scale().span((self.found.low, self.found.high))

    def shown_in(self, common: fmt.Scale) -> "Reading":
        """The same in the unit of a whole column."""
        return replace(self, shown_as=(common.factor, common.unit))

    def in_percent(self) -> "Reading":
        """A ratio as it is drawn on an axis in percent."""
        return _times(self, 100.0, "%", self.kind)

    def _scale(self) -> fmt.Scale:
        """As everywhere: the digits that the interval carries."""
        return fmt.estimate_scale(self.found or Unknown("", self.value), self.unit, self.shown_as)


def of_metric(part: Part, metric: str, statistic: str | None = None) -> Reading:
    """Read a metric; `statistic` is a quantile of one that has many values (its mean unless given).

    Its `kind` is what it rests on: the currency of its price, or class and scope of its energy.
    """
    stored = part.metrics.get(metric)
    unit = METRICS[metric].unit if metric in METRICS else ""
    if stored is None:
        return Reading(unit, reason="no value in the summary")
    found, kind = estimate(part, metric, statistic), _kind(part, metric, stored.unit)
    is_indicative = isinstance(stored, Distribution) and statistic in stored.indicative
    if isinstance(found, Unknown):
        return Reading(stored.unit, None, found.value, found.reason, kind, is_indicative)
    return Reading(stored.unit, found, kind=kind, is_indicative=is_indicative)


def _kind(part: Part, metric: str, unit: str) -> str:
    if metric not in METRICS:
        return ""
    spec = METRICS[metric]
    return energy_kind(part, metric) if "energy" in spec.rests_on else spec.currency_of(unit)


def rate(part: Part) -> Reading:
    """Tokens/s, of output tokens; of input tokens where the responses are vectors, here and below."""
    return of_metric(part, tokens_of([part]).rate)


def cost(part: Part) -> Reading:
    """Cost of a million tokens, in the currency of its price: never converted."""
    return of_metric(part, tokens_of([part]).cost)


def tokens_per_money(part: Part) -> Reading:
    """Tokens that one unit of money buys; where the responses are vectors, prompt tokens."""
    return of_metric(part, tokens_of([part]).per_money)


def energy(part: Part) -> Reading:
    """Energy of a token, with its class and scope."""
    return of_metric(part, tokens_of([part]).energy)


def tokens_per_joule(part: Part) -> Reading:
    """Tokens for one joule; where the responses are vectors, prompt tokens."""
    return of_metric(part, tokens_of([part]).per_joule)


def carbon(part: Part) -> Reading:
    """Carbon of a million tokens, with class and scope of the energy behind it."""
    return of_metric(part, tokens_of([part]).carbon)


def meter_class(part: Part) -> MeterClass:
    """Class of the energy that stands for the run."""
    account = account_of(part)
    return account.meter_class if account else "none"


def _times(reading: Reading, factor: float, unit: str, kind: str) -> Reading:
    found = reading.found
    if found is not None:
        value = None if found.value is None else factor * found.value
        return Reading(unit, Estimate(value, factor * found.low, factor * found.high, found.freedom), kind=kind)
    value = None if reading.value is None else factor * reading.value
    return Reading(unit, value=value, reason=reading.reason, kind=kind)
