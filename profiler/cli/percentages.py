"""Shares as they are typed: 5%."""

from math import inf

from profiler.errors import UsageError


def percentage(flag: str, text: str, *, may_exceed_whole: bool = False) -> float:
    """Return a percentage from 0% to below 100%, or without an end, as a ratio. Raises `UsageError`."""
    number = text.removesuffix("%").strip()
    try:
        ratio = float(number) / 100
    except ValueError:
        ratio = -1.0
    if not text.endswith("%") or not 0 <= ratio < (inf if may_exceed_whole else 1):
        to = "" if may_exceed_whole else " to below 100%"
        raise UsageError(f"{flag} {text}: expected a percentage from 0%{to}, such as 5%.")
    return ratio


def drift_of(text: str | None) -> float | None:
    """Return the drift that is stated, as a ratio; None where none is. Raises `UsageError`."""
    if text is None:
        return None
    ratio = percentage("--drift", text)
    if not ratio:
        raise UsageError("--drift 0%: no machine repeats itself exactly. Expected what its runs differ by, such as 3%.")
    return ratio
