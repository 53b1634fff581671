"""Metrics of scored answers, and of amounts for each correct one, as a summary has them."""

from collections.abc import Sequence
from contextlib import suppress
from math import exp, hypot, log

from profiler.aggregation.observations import Observations
from profiler.metrics.catalogue import METRICS
from profiler.metrics.registry import NotMeasuredError, PerAnswer
from profiler.results.summary import Interval, Scalar

_correct = METRICS["correct_ratio"]
assert isinstance(_correct, PerAnswer)  # noqa: S101 - declared so
CORRECT: PerAnswer = _correct
NONE_CORRECT = "no answer is correct, so there is none to divide by"
MAYBE_NONE = "the share of correct answers may be 0, so there is no upper end: more items would narrow it"


def of_answers(spec: PerAnswer, seen: Observations, repeats: Sequence[Observations]) -> Scalar:
    """Return a score of all answers, with its interval over items and its value in each repeat."""
    try:
        found = spec.compute(seen)
    except NotMeasuredError as reason:
        return Scalar(unit=spec.unit, value=None, reason=str(reason))
    per_repeat = []
    for repeat in repeats:
        with suppress(NotMeasuredError):
            per_repeat.append(spec.compute(repeat).value)
    return Scalar(
        unit=spec.unit,
        value=found.value,
        per_repeat=per_repeat,
        interval=found.interval,
        interval_freedom=found.freedom,
        no_interval=found.no_interval,
        note=found.note,
    )


def per_correct(each: Scalar, correct: Scalar) -> Scalar:
    """Divide an amount for each request by the share of answers that are correct."""
    is_known = each.value is not None or each.low is not None
    if not is_known or not correct.value:
        reason = each.reason if not is_known else NONE_CORRECT if correct.value == 0 else f"quality: {correct.reason}"
        return Scalar(unit=each.unit, value=None, reason=reason)
    note = "; ".join(note for note in (each.note, correct.note) if note)
    if each.value is None and correct.interval is not None and correct.interval[0] <= 0:
        return Scalar(unit=each.unit, value=None, reason=MAYBE_NONE, note=note)
    if each.value is None:
        return each.model_copy(update={**_of_ends(each, correct), "note": note})
    interval = _quotient(each.value, each.interval, correct.value, correct.interval)
    return Scalar(
        unit=each.unit,
        value=each.value / correct.value,
        per_repeat=_by_repeat(each, correct),
        interval=interval,
        interval_freedom=min((f for f in (each.interval_freedom, correct.interval_freedom) if f), default=None),
        no_interval=None if interval else each.no_interval or correct.no_interval or "one of its parts has no interval",
        low=None if each.low is None else each.low / correct.value,
        high=None if each.high is None else each.high / correct.value,
        note=note,
    )


def _of_ends(each: Scalar, correct: Scalar) -> dict[str, float]:
    """Return the ends of an amount that is only known as an interval, over those of the share."""
    low, high = correct.interval or (correct.value or 1.0,) * 2
    return {"low": (each.low or 0.0) / high, "high": (each.high or 0.0) / low}


def _by_repeat(each: Scalar, correct: Scalar) -> list[float]:
    pairs = zip(each.per_repeat, correct.per_repeat, strict=False)
    is_whole = len(each.per_repeat) == len(correct.per_repeat) and all(correct.per_repeat)
    return [amount / share for amount, share in pairs] if is_whole else []


def _quotient(x: float, of_x: Interval | None, y: float, of_y: Interval | None) -> Interval | None:
    """Return the interval of x / y, both above 0 and independent, from theirs; `None` where y may be 0.

    Variance recovered from the limits, of the logarithms (G. Y. Zou and A. Donner, Statistics in Medicine 27, 2008).
    """
    if of_x is None or of_y is None or min(of_y[0], x) <= 0:
        return None
    above = hypot(log(of_x[1] / x), log(y / of_y[0]))
    if of_x[0] <= 0:
        return 0.0, x / y * exp(above)
    below = hypot(log(x / of_x[0]), log(of_y[1] / y))
    return x / y * exp(-below), x / y * exp(above)
