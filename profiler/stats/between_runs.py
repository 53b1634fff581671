"""How two hosts or settings differ, from one number of each of their runs: pure.

An interval from inside one run says nothing of what its host does in the next run, so it never enters here. A run's
number is taken as the mean of its setting times an error that is drawn anew for each run (a random effect), normal in
the logarithm. The mean of several runs then has Student's interval with runs − 1 degrees of freedom, and two means are
compared by B. L. Welch, "The generalization of 'Student's' problem when several different population variances are
involved", Biometrika 34, 1947. Ratios of such means are exact in the logarithm and never fall below 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import fmean, variance

from profiler.stats.distributions import two_sided_t
from profiler.stats.estimates import Estimate
from profiler.stats.intervals import CONFIDENCE

FEWEST = 2  # runs that show how much runs differ
_GREATEST_LOG = 700.0  # beyond it, a number is none for a computer
DRIFT_FREEDOM = 10.0  # a drift that is stated counts as much as one that was measured in eleven runs


@dataclass(frozen=True)
class Mean:
    """The mean logarithm of the runs of one setting, its variance, and the degrees of freedom of that."""

    log_mean: float
    variance: float
    freedom: float

    @property
    def value(self) -> float:
        """The geometric mean, in the unit of the runs' numbers."""
        return exp(self.log_mean)

    def estimate(self, confidence: float = CONFIDENCE) -> Estimate:
        """Return the geometric mean with its interval."""
        return _estimate(self.log_mean, self.variance, self.freedom, confidence)


def mean(values: Sequence[float], drift_ratio: float | None = None) -> Mean | None:
    """Return the mean of runs of one setting; None for a number that is not positive, or without a known variation.

    `drift_ratio` is the stated standard deviation of one run of this setting against the next, as a share of its
    number. It is pooled with what the runs themselves show, so that each further run adds to what is known.
    """
    count = len(values)
    if not count or min(values) <= 0 or (count < FEWEST and drift_ratio is None):
        return None
    logs = [log(value) for value in values]
    own_freedom, stated_freedom = count - 1, 0.0 if drift_ratio is None else DRIFT_FREEDOM
    squares = (variance(logs) * own_freedom if own_freedom else 0.0) + stated_freedom * (drift_ratio or 0.0) ** 2
    freedom = own_freedom + stated_freedom
    return Mean(fmean(logs), squares / freedom / count, freedom)


def ratio(new: Mean, base: Mean, confidence: float = CONFIDENCE) -> Estimate:
    """Return new / base of two independent means, with Welch's interval of the logarithms."""
    total = new.variance + base.variance
    freedom = min(new.freedom, base.freedom)
    if total:
        freedom = total**2 / (new.variance**2 / new.freedom + base.variance**2 / base.freedom)
    return _estimate(new.log_mean - base.log_mean, total, freedom, confidence)


def paired_ratio(pairs: Sequence[tuple[float, float]], confidence: float = CONFIDENCE) -> Estimate | None:
    """Return new / base of at least two pairs (new, base) measured one after the other; None unless all are positive.

    The geometric mean of the pairs' ratios with Student's interval: what both runs of a pair have in common, such as
    a machine that is slower today, falls out.
    """
    if len(pairs) < FEWEST or any(new <= 0 or base <= 0 for new, base in pairs):
        return None
    found = mean([new / base for new, base in pairs])
    return None if found is None else found.estimate(confidence)


def _estimate(log_value: float, variance_of_log: float, freedom: float, confidence: float) -> Estimate:
    half_width = min(two_sided_t(confidence, freedom) * sqrt(variance_of_log), _GREATEST_LOG - abs(log_value))
    value = exp(log_value)
    # a value without any variation must not fall out of its own interval by rounding
    low, high = min(value, exp(log_value - half_width)), max(value, exp(log_value + half_width))
    return Estimate(value, low, high, freedom)
