"""The stretches of steady load: the first pass over a run's requests finds them."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import pairwise

from profiler.results.folder import StoredRequests
from profiler.results.records import Outcome, RequestRecord, Timed
from profiler.stats.intervals import BATCHES


@dataclass(frozen=True)
class Window:
    """A stretch of steady load, in CLOCK_MONOTONIC nanoseconds."""

    start_ns: int
    end_ns: int
    edges_ns: tuple[int, ...] = field(default=(), compare=False)  # of its slices, start and end among them

    @property
    def length_ns(self) -> int:
        """Duration."""
        return self.end_ns - self.start_ns

    def slices(self) -> "list[Window]":
        """Return its parts in which equally many requests ended; none where too few did."""
        return [Window(start_ns, end_ns) for start_ns, end_ns in pairwise(self.edges_ns)]

    def holds(self, t_ns: int) -> bool:
        """Whether an instant lies inside; the start does not, the end does."""
        return self.start_ns < t_ns <= self.end_ns

    def shared_ns(self, start_ns: int, end_ns: int) -> int:
        """Return how much of a stretch lies inside."""
        return max(0, min(end_ns, self.end_ns) - max(start_ns, self.start_ns))


NOWHEN = Window(0, 0)  # holds nothing: the window of a repeat that was never steady


def steady_windows(requests: Iterable[RequestRecord], slots: Mapping[str, int | None]) -> dict[str, Window]:
    """Return the steady part of each phase in `slots` that has one, in the order of `slots`.

    `slots` gives each measured phase its requests in flight, `None` for an open loop.
    """
    sent_ns = {name: array("q") for name in slots}
    ended_ns = {name: array("q") for name in slots}
    for request in times_of(requests):
        if request.outcome is Outcome.OK and request.phase in sent_ns and request.sent_ns is not None:
            sent_ns[request.phase].append(request.sent_ns)
            ended_ns[request.phase].append(request.last_byte_ns)
    found = ((name, steady_window(sent_ns[name], ended_ns[name], slots[name])) for name in slots)
    return {name: window for name, window in found if window is not None}


def steady_window(sent_ns: Sequence[int], ended_ns: Sequence[int], slots: int | None) -> Window | None:
    """Return the steady part of a repeat from when its finished requests were sent and ended; `None` without one.

    Closed loop: all slots are busy. It begins when the slot filled last gets its first request, and ends when,
    after the last request was sent, the first slot runs empty. Open loop (`slots` is None): it begins with the
    first answer, when requests in flight have built up, and ends with the last arrival.
    """
    if len(sent_ns) < (slots or 2):
        return None
    last_sent_ns = max(sent_ns)
    if slots is None:
        start_ns, stop_ns = min(ended_ns), last_sent_ns
    else:
        start_ns = nsmallest(slots, sent_ns)[-1]
        stop_ns = min((end_ns for end_ns in ended_ns if end_ns > last_sent_ns), default=start_ns)
    return Window(start_ns, stop_ns, _edges_ns(ended_ns, start_ns, stop_ns)) if stop_ns > start_ns else None


def _edges_ns(ended_ns: Sequence[int], start_ns: int, stop_ns: int) -> tuple[int, ...]:
    """Return where to cut a window so that equally many requests end in each of ten parts.

    A cut at the end of a request parts no other one where one request was in flight at a time: parts of the same
    request would resemble each other.
    """
    inside = [end_ns for end_ns in ended_ns if start_ns < end_ns <= stop_ns] if len(ended_ns) >= BATCHES else []
    cuts_ns = {inside[len(inside) * i // BATCHES - 1] for i in range(1, BATCHES)} if len(inside) >= BATCHES else set()
    edges_ns = sorted({start_ns, *cuts_ns, stop_ns})
    return tuple(edges_ns) if len(edges_ns) == BATCHES + 1 else ()


def times_of(requests: Iterable[RequestRecord]) -> Iterable[Timed]:
    """Return the same requests; those from a file with their reads undecoded, which is much faster."""
    return requests.times() if isinstance(requests, StoredRequests) else requests
