"""Long gaps between tokens that the load itself explains: while a server reads one prompt, the other streams wait."""

from array import array
from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from profiler.aggregation.reads import Reads
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

    def append(self, later: "Pauses | NotedPauses") -> None:
        """Take what was found elsewhere: pauses of another phase, or what was noted of the next requests."""
        if isinstance(later, Pauses):
            self.explained_ms.append(later.explained_ms)
            return
        for number, (sent_ns, answered_ns) in enumerate(zip(later.sent_ns, later.answered_ns, strict=True)):
            self._waits.add(sent_ns, answered_ns)
            self._open += [(self._taken, start_ns, end_ns) for start_ns, end_ns in later.long.get(number, ())]
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


class NotedPauses:
    """Notes what is looked at of each request that ended well, for `Pauses` to take it in turn."""

    def __init__(self) -> None:
        """Begin with none."""
        self.sent_ns = array("q")
        self.answered_ns = array("q")  # when the first token came
        self.long: dict[int, Sequence[tuple[int, int]]] = {}  # start and end of each long gap, by number of the request
        self._counted = array("q")  # numbers of the requests whose gaps count

    def take(self, request: RequestRecord, is_steady: bool = True) -> None:
        """Note one request; the gaps of one outside the steady window do not count."""
        sent_ns = request.sent_ns or 0
        if is_steady:
            self._counted.append(len(self.sent_ns))
        self.sent_ns.append(sent_ns)
        self.answered_ns.append(sent_ns + first_token_ns(request))

    def find_long(self, reads: Reads) -> None:
        """Find the long gaps in the reads of all requests whose gaps count."""
        for at in reads.token_gaps_ns.uneven(LONG, _FEWEST_GAPS):  # the median is no less than the least
            number = self._counted[at]
            self.long[number] = _long_gaps_ns(self.sent_ns[number], reads.arrivals_ns[at], reads.token_gaps_ns[at])


def _long_gaps_ns(sent_ns: int, arrivals_ns: Sequence[int], gaps_ns: Sequence[int]) -> Sequence[tuple[int, int]]:
    """Return when each gap that is long began and ended."""
    limit_ns = LONG * sorted(gaps_ns)[len(gaps_ns) // 2]
    spans = pairwise(arrivals_ns)
    return [(sent_ns + start_ns, sent_ns + end_ns) for start_ns, end_ns in spans if end_ns - start_ns > limit_ns]
