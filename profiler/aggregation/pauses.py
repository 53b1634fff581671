"""Long gaps between tokens that the load itself explains: while a server reads one prompt, the other streams wait."""

from collections import deque
from itertools import pairwise

from profiler.aggregation.request import first_token_ns
from profiler.results.records import RequestRecord
from profiler.stats.covered import Covered
from profiler.stats.values import Values
from profiler.units import ns_to_ms

LONG = 10  # times the median: a gap that is longer is a pause
_FEWEST_GAPS = 3  # of a request: of fewer, none is ten times as long as their median
_LATER = 4096  # requests that may finish after a pause before the one that it was owed to


class Pauses:
    """Finds them among requests that come in order of finishing, and keeps their lengths.

    A long gap is explained when another request waited for its first token during most of it. Who waited then may
    finish later, so gaps are judged once 4,096 more requests have finished, or at the end.
    """

    def __init__(self, exact: int) -> None:
        """Begin with none; `exact` is how many lengths are kept one by one."""
        self.explained_ms = Values(exact)
        self._waits = Covered()
        self._open: deque[tuple[int, int, int]] = deque()  # requests taken before, start and end of a gap
        self._taken = 0

    def take(self, request: RequestRecord, is_steady: bool = True) -> None:
        """Look at one request that ended well; the gaps of one outside the steady window do not count."""
        sent_ns = request.sent_ns or 0
        self._waits.add(sent_ns, sent_ns + first_token_ns(request))
        if is_steady:
            self._open += [(self._taken, sent_ns + start, sent_ns + end) for start, end in _long_gaps_ns(request)]
        self._taken += 1
        self._judge(self._taken - _LATER)

    def finish(self) -> None:
        """Judge what is left: no more requests will come."""
        self._judge(self._taken)

    def _judge(self, before: int) -> None:
        while self._open and self._open[0][0] < before:
            _, start_ns, end_ns = self._open.popleft()
            if 2 * self._waits.shared_ns(start_ns, end_ns) > end_ns - start_ns:
                self.explained_ms.add(ns_to_ms(end_ns - start_ns))


def _long_gaps_ns(request: RequestRecord) -> list[tuple[int, int]]:
    """Return start and end of the gaps that are pauses, as offsets from the moment of sending."""
    gaps_ns = request.token_gaps_ns
    if len(gaps_ns) < _FEWEST_GAPS or max(gaps_ns) <= LONG * min(gaps_ns):  # the median is no less than the least
        return []
    limit_ns = LONG * sorted(gaps_ns)[len(gaps_ns) // 2]
    return [(start, end) for start, end in pairwise(request.token_arrivals_ns) if end - start > limit_ns]
