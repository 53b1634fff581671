"""How much time lies in at least one of many spans."""

from array import array
from bisect import bisect_left, bisect_right

_MOST_OPEN = 4096  # separate stretches that a new span is compared with


class Covered:
    """Adds up the time that is covered by at least one span, in little memory.

    Spans come nearly in the order in which they end. One that reaches back over more than 4,096 separate stretches
    counts only from the oldest of these on.
    """

    def __init__(self, closed_ns: int = 0) -> None:
        """Begin with some time that is covered already, and before all spans to come."""
        self._closed_ns = closed_ns
        self._closed_until_ns: int | None = None
        self._starts_ns: list[int] = []  # of separate stretches, ascending
        self._ends_ns: list[int] = []

    def add(self, start_ns: int, end_ns: int) -> None:
        """Cover a span."""
        if self._closed_until_ns is not None:
            start_ns = max(start_ns, self._closed_until_ns)
        if start_ns >= end_ns:
            return
        if self._starts_ns and self._starts_ns[-1] <= start_ns <= self._ends_ns[-1]:  # as most spans do
            self._ends_ns[-1] = max(end_ns, self._ends_ns[-1])
            return
        first = bisect_left(self._ends_ns, start_ns)
        after = bisect_right(self._starts_ns, end_ns)
        if first < after:
            start_ns, end_ns = min(start_ns, self._starts_ns[first]), max(end_ns, self._ends_ns[after - 1])
        self._starts_ns[first:after] = [start_ns]
        self._ends_ns[first:after] = [end_ns]
        if len(self._starts_ns) > 2 * _MOST_OPEN:
            self._close()

    @property
    def total_ns(self) -> int:
        """Time covered so far."""
        return self._closed_ns + sum(self._ends_ns) - sum(self._starts_ns)

    def shared_ns(self, start_ns: int, end_ns: int) -> int:
        """Return how much of a span is covered; what lies before the 4,096 newest stretches may be forgotten."""
        first, after = bisect_right(self._ends_ns, start_ns), bisect_left(self._starts_ns, end_ns)
        stretches = zip(self._starts_ns[first:after], self._ends_ns[first:after], strict=True)
        return sum(min(end, end_ns) - max(start, start_ns) for start, end in stretches)

    def __add__(self, later: "Covered | Spans") -> "Covered":
        """Add up two that lie apart, as repeats do; spans that were only noted are added one by one."""
        if isinstance(later, Covered):
            return Covered(self.total_ns + later.total_ns)
        for start_ns, end_ns in zip(later.starts_ns, later.ends_ns, strict=True):
            self.add(start_ns, end_ns)
        return self

    def _close(self) -> None:
        """Forget the older half of the stretches, keeping their length."""
        starts_ns, ends_ns = self._starts_ns[:_MOST_OPEN], self._ends_ns[:_MOST_OPEN]
        self._closed_ns += sum(ends_ns) - sum(starts_ns)
        self._closed_until_ns = ends_ns[-1]
        del self._starts_ns[:_MOST_OPEN], self._ends_ns[:_MOST_OPEN]


class Spans:
    """Notes spans in the order in which they come, for a `Covered` to take them in turn."""

    def __init__(self) -> None:
        """Begin with none."""
        self.starts_ns = array("q")
        self.ends_ns = array("q")

    def add(self, start_ns: int, end_ns: int) -> None:
        """Note a span."""
        self.starts_ns.append(start_ns)
        self.ends_ns.append(end_ns)
