"""When the next request is due: pure functions of elapsed time and of what was sent and finished.

A pace knows no clock, socket or thread. Times are nanoseconds since the start of the job.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Protocol


class Pace(Protocol):
    """A load shape, reduced to what the driver needs to know."""

    def due_ns(self) -> int | None:
        """When the next request is due; `None` while only a finishing request can tell."""
        ...

    def sent(self) -> None:
        """Hear that the request that was due has been launched, however late."""
        ...

    def finished(self, elapsed_ns: int) -> None:
        """Hear that a request has ended."""
        ...

    def is_over(self, elapsed_ns: int) -> bool:
        """Whether no further request may be sent."""
        ...


class ClosedLoop:
    """A fixed number of slots: each sends its next request when its last one has finished.

    The first requests of the slots are spread over the ramp, so that they do not arrive as one burst.
    """

    def __init__(
        self, concurrency: int, requests: int, max_duration_ns: int, think_ns: int = 0, ramp_ns: int = 0
    ) -> None:
        """Stop after `requests` requests or `max_duration_ns`, whichever comes first."""
        self._free_ns = [slot * ramp_ns // concurrency for slot in range(concurrency)]
        heapify(self._free_ns)
        self._left = requests
        self._max_duration_ns = max_duration_ns
        self._think_ns = think_ns

    def due_ns(self) -> int | None:
        """When the first free slot has finished thinking."""
        return self._free_ns[0] if self._free_ns else None

    def sent(self) -> None:
        """Take the slot."""
        heappop(self._free_ns)
        self._left -= 1

    def finished(self, elapsed_ns: int) -> None:
        """Free a slot."""
        heappush(self._free_ns, elapsed_ns + self._think_ns)

    def is_over(self, elapsed_ns: int) -> bool:
        """After the last request, or when the time is up."""
        return self._left <= 0 or elapsed_ns >= self._max_duration_ns


class Scheduled:
    """Requests at given times, whatever the server makes of them. None is ever left out: a late one is sent late."""

    def __init__(self, due_ns: Sequence[int]) -> None:
        """Take the times in ascending order."""
        self._due_ns = due_ns
        self._next = 0

    def due_ns(self) -> int | None:
        """The next time on the schedule."""
        return self._due_ns[self._next]

    def sent(self) -> None:
        """Go on to the next time."""
        self._next += 1

    def finished(self, elapsed_ns: int) -> None:
        """Change nothing: an open loop does not wait for answers."""

    def is_over(self, elapsed_ns: int) -> bool:
        """After the last time on the schedule."""
        return self._next >= len(self._due_ns)
