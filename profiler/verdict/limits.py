"""Limits of rules that the user sets for one run."""

import math
from collections.abc import Sequence
from difflib import get_close_matches

from profiler.errors import UsageError
from profiler.verdict.rules import RULES


def parse_limits(texts: Sequence[str]) -> dict[str, float]:
    """Read `RULE=NUMBER` of each text; the number is in the rule's own unit. Raises `UsageError`."""
    limits: dict[str, float] = {}
    for text in texts:
        rule, number = _parse(text)
        if rule in limits:
            raise UsageError(f"--limit {rule}: it is set twice. Pass it once.")
        limits[rule] = number
    return limits


def _parse(text: str) -> tuple[str, float]:
    rule, equals, value = (part.strip() for part in text.partition("="))
    known = [each.id for each in RULES]
    if not equals:
        raise UsageError(f"--limit {text}: expected RULE=NUMBER, such as errors=0.1; `aforo rules` lists them.")
    if rule not in known:
        near = get_close_matches(rule, known, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise UsageError(f"--limit {text}: there is no rule {rule!r}.{meant} `aforo rules` lists them.")
    return rule, _number(text, value)


def _number(text: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise UsageError(f"--limit {text}: expected a number of 0 or more, such as 0.5.")
    return number
