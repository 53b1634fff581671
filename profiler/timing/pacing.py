"""When the next request is due: pure functions of elapsed time and counts.

A pace answers two questions and knows no clock, socket or thread:
`due_ns` — at which elapsed time is request number `sent` due, or `None` if only a finishing request
can tell; `is_over` — may no further request be sent?
"""

from typing import Protocol


class Pace(Protocol):
    """A load shape, reduced to what the driver needs to know."""

    def due_ns(self, elapsed_ns: int, sent: int, in_flight: int) -> int | None:
        """Elapsed time at which the next request is due; `None` while all slots are taken."""
        ...

    def is_over(self, elapsed_ns: int, sent: int) -> bool:
        """Whether no further request may be sent."""
        ...


class ClosedLoop:
    """`concurrency` requests in flight: the next one is due as soon as one has finished."""

    def __init__(self, concurrency: int, requests: int, max_duration_ns: int) -> None:
        """Stop sending after `requests` requests or `max_duration_ns`, whichever comes first."""
        self._concurrency = concurrency
        self._requests = requests
        self._max_duration_ns = max_duration_ns

    def due_ns(self, elapsed_ns: int, sent: int, in_flight: int) -> int | None:
        """Now, while a slot is free."""
        return elapsed_ns if in_flight < self._concurrency else None

    def is_over(self, elapsed_ns: int, sent: int) -> bool:
        """After the last request, or when the time is up."""
        return sent >= self._requests or elapsed_ns >= self._max_duration_ns
