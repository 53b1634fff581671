"""The time that a search for the best setting may take: no visit begins that would outlast it."""

import re

from profiler.errors import UsageError
from profiler.timing.clock import Clock
from profiler.units import s_to_ns
from profiler.workloads.schema import Tune

_TIME = re.compile(r"(\d+(?:\.\d+)?)(s|m|min|h)?")
_UNITS_S = {None: 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def budget_s(text: str | None) -> float:
    """Return the time for a search as it was asked for, or the default. Raises `UsageError`."""
    found = _TIME.fullmatch((text or "10m").strip())
    if found is None or not 1 <= (budget_s := float(found[1]) * _UNITS_S[found[2]]) <= 86_400:
        raise UsageError(f"--tune-budget {text}: expected a time from 1s to 24h, such as 90s, 10m or 1h.")
    return budget_s


class Budget:
    """Begins when it is made; is asked before each visit."""

    def __init__(self, tune: Tune | None, clock: Clock) -> None:
        """Take the time from the workload; without one there is no end."""
        self._clock = clock
        self._start_ns = clock.monotonic_ns()
        self._end_ns = None if tune is None else self._start_ns + s_to_ns(tune.budget_s)
        self._last_ns: int | None = None
        self._longest_ns = 0

    def has_time(self) -> bool:
        """Whether another visit as long as the longest so far would end in time."""
        now_ns = self._clock.monotonic_ns()
        if self._last_ns is not None:
            self._longest_ns = max(self._longest_ns, now_ns - self._last_ns)
        self._last_ns = now_ns
        return self._end_ns is None or now_ns + self._longest_ns <= self._end_ns
