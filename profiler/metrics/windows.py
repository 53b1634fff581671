"""The stretches of steady load: the first pass over a run's requests finds them."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from profiler.results.folder import StoredRequests
from profiler.results.records import Outcome, RequestRecord, Timed


@dataclass(frozen=True)
class Window:
    """A stretch of steady load, in CLOCK_MONOTONIC nanoseconds."""

    start_ns: int
    end_ns: int

    @property
    def length_ns(self) -> int:
        """Duration."""
        return self.end_ns - self.start_ns

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
    return Window(start_ns, stop_ns) if stop_ns > start_ns else None


def times_of(requests: Iterable[RequestRecord]) -> Iterable[Timed]:
    """Return the same requests; those from a file with their reads undecoded, which is much faster."""
    return requests.times() if isinstance(requests, StoredRequests) else requests
