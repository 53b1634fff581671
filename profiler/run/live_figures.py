"""What is known of a block of requests while it is being sent: output rate, TTFT and the time that is left."""

from collections import deque
from statistics import median

from profiler.metrics.latency import ttft_ms
from profiler.metrics.registry import NotMeasuredError
from profiler.number_format import scale
from profiler.results.records import Outcome, RequestRecord
from profiler.units import ns_to_s

_MOST_TTFTS = 1000  # the latest ones, so that a look costs no more in a long block
_SEPARATOR = " · "


class LiveFigures:
    """Adds up the finished requests of one block."""

    def __init__(self, start_ns: int) -> None:
        """Begin with the first request of the block."""
        self._start_ns = start_ns
        self._tokens = 0
        self._failed = 0
        self._ttfts_ms: deque[float] = deque(maxlen=_MOST_TTFTS)
        self.done = 0

    def add(self, record: RequestRecord) -> None:
        """Take one more."""
        self.done += 1
        if record.outcome is not Outcome.OK:
            self._failed += 1
            return
        self._tokens += record.completion_tokens or 0
        try:
            self._ttfts_ms.append(ttft_ms(record))
        except NotMeasuredError:  # of vectors, which have no first token
            return

    def block_s(self, expected: int, limit_ns: int, now_ns: int) -> float | None:
        """Estimate how long the whole block takes, by its pace so far; `None` where nothing has finished."""
        if not self.done or now_ns <= self._start_ns:
            return None
        return ns_to_s(min((now_ns - self._start_ns) * max(expected, self.done) / self.done, limit_ns))

    def text(self, now_ns: int, left_s: float | None) -> str:
        """Write the figures in one line, those that are known."""
        elapsed_s = ns_to_s(now_ns - self._start_ns)
        parts = []
        if self._tokens and elapsed_s > 0:
            parts.append(_quantity(self._tokens / elapsed_s, "tokens/s"))
        if self._ttfts_ms:
            parts.append(f"TTFT p50 {_quantity(median(self._ttfts_ms), 'ms')}")
        if self._failed:
            parts.append(f"{self._failed} failed")
        if left_s is not None:
            parts.append(f"{time_left(left_s)} left")
        return _SEPARATOR.join(parts)

    def elapsed_s(self, now_ns: int) -> float:
        """Time since the first request of the block."""
        return ns_to_s(now_ns - self._start_ns)


def time_left(left_s: float) -> str:
    """Write an estimate of a duration, no finer than it is known: '40 s', '3 min'."""
    return f"{max(0, round(left_s))} s" if left_s < 100 else f"{round(left_s / 60)} min"


def _quantity(value: float, unit: str) -> str:
    return scale(value, unit).quantity(value)
