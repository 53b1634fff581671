"""When the next request is due, and which: pure functions of elapsed time and of what was taken and finished.

A pace knows no clock, socket or thread. Times are nanoseconds since the start of the job.

Requests are named by their positions, 0 to `requests` − 1. They are laid out conversation by conversation, `turns`
consecutive positions each; the last conversation may be shorter. A conversation's next turn is due only when its
previous turn has finished. It is due then however the previous turn ended: its text was made beforehand and does not
depend on the answer, and a failed request must not change how many are sent.

Several workers may share a load: `Share` says which conversations are whose, and a conversation stays with its worker.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple, Protocol


class Pace(Protocol):
    """A load shape, reduced to what the driver needs to know."""

    def due_ns(self) -> int | None:
        """When the next request is due; `None` while only a finishing request can tell."""
        ...

    def take(self) -> int:
        """Return the position of the request that is due, which is now launched, however late."""
        ...

    def finished(self, elapsed_ns: int, position: int) -> None:
        """Hear that a request has ended."""
        ...

    def skip_to(self, position: int) -> None:
        """Leave out what was not begun before this position."""
        ...

    def is_over(self, elapsed_ns: int) -> bool:
        """Whether no further request may be sent."""
        ...


class Share(NamedTuple):
    """One worker's part of a load: every so manyth slot of a closed loop, or arrival of an open one."""

    worker: int = 0
    workers: int = 1


WHOLE = Share()
_NEW = -1  # instead of a position: whichever conversation comes next


class _Layout(NamedTuple):
    """Where the conversations lie among the positions."""

    requests: int
    turns: int

    def conversations(self) -> int:
        return -(-self.requests // self.turns)

    def next_turn(self, position: int) -> int | None:
        following = position + 1
        return None if following % self.turns == 0 or following >= self.requests else following


class ClosedLoop:
    """A fixed number of slots: each sends its next request when its last one has finished.

    The first requests of the slots are spread over the ramp, so that they do not arrive as one burst. A slot stays
    with a conversation until its last turn, then begins the next one that nobody has begun.
    """

    def __init__(
        self,
        concurrency: int,
        requests: int,
        max_duration_ns: int,
        think_ns: int = 0,
        ramp_ns: int = 0,
        turns: int = 1,
        share: Share = WHOLE,
    ) -> None:
        """Stop after the last request of this share or after `max_duration_ns`, whichever comes first.

        `concurrency` and `requests` count those of all workers. Slot k of all has its place in the ramp, and of the
        conversations, number c is for the worker that has slot c modulo `concurrency`.
        """
        self._layout = _Layout(requests, turns)
        self._concurrency = concurrency
        self._share = share
        self._following = self._own_from(0)
        self._open = 0  # conversations begun, with turns left
        slots = range(share.worker, concurrency, share.workers)
        self._waiting = [(slot * ramp_ns // concurrency, _NEW) for slot in slots]  # (when due, position)
        heapify(self._waiting)
        self._max_duration_ns = max_duration_ns
        self._think_ns = think_ns
        self._drop_needless()

    def _own_from(self, conversation: int) -> int | None:
        """Return the first conversation of this share from this one on."""
        place = conversation % self._concurrency
        slot = place + (self._share.worker - place) % self._share.workers
        if slot >= self._concurrency:  # the next round begins with this worker's first slot
            slot = self._concurrency + self._share.worker
        own = conversation - place + slot
        has_slots = self._share.worker < self._concurrency
        return own if has_slots and own < self._layout.conversations() else None

    def due_ns(self) -> int | None:
        """When the first slot that waits has finished thinking."""
        return self._waiting[0][0] if self._waiting else None

    def take(self) -> int:
        """Launch the request of that slot."""
        position = heappop(self._waiting)[1]
        if position == _NEW:
            position = self._begin_conversation()
        if self._layout.next_turn(position) is None:
            self._open -= 1
        return position

    def _begin_conversation(self) -> int:
        if self._following is None:
            raise ValueError("no conversation is left to begin")
        position = self._following * self._layout.turns
        self._following = self._own_from(self._following + 1)
        self._open += 1
        self._drop_needless()
        return position

    def _drop_needless(self) -> None:
        """Let no slot wait for a conversation where none is left."""
        if self._following is None:
            self._waiting = [waiting for waiting in self._waiting if waiting[1] != _NEW]
            heapify(self._waiting)

    def finished(self, elapsed_ns: int, position: int) -> None:
        """Let the slot think about its next request, if there is one."""
        following = self._layout.next_turn(position)
        if following is None and self._following is not None:
            following = _NEW
        if following is not None:
            heappush(self._waiting, (elapsed_ns + self._think_ns, following))

    def skip_to(self, position: int) -> None:
        """Begin no conversation before this position any more; those begun go on."""
        if self._following is not None and self._following * self._layout.turns < position:
            self._following = self._own_from(-(-position // self._layout.turns))
            self._drop_needless()

    def is_over(self, elapsed_ns: int) -> bool:
        """After the last request, or when the time is up."""
        return (self._following is None and self._open == 0) or elapsed_ns >= self._max_duration_ns


class Scheduled:
    """Conversations at given times, whatever the server makes of them. None is ever left out: a late one is sent late.

    Only the first turn of a conversation is on the schedule; each further one is due when the user has thought about
    the answer to the one before.
    """

    def __init__(
        self, due_ns: Sequence[int], requests: int, think_ns: int = 0, turns: int = 1, share: Share = WHOLE
    ) -> None:
        """Take the times of this share's conversations in ascending order.

        `requests` counts those of all workers; the share's n-th conversation is number n·workers + worker of all.
        """
        self._layout = _Layout(requests, turns)
        self._due_ns = due_ns
        self._share = share
        self._think_ns = think_ns
        self._next = 0
        self._later_ns = 0  # by which the schedule has been moved
        self._open = 0  # conversations begun, with turns left
        self._waiting: list[tuple[int, int]] = []  # further turns: (when due, position)

    def due_ns(self) -> int | None:
        """The next time on the schedule, or that of a further turn."""
        scheduled_ns = self._due_ns[self._next] + self._later_ns if self._next < len(self._due_ns) else None
        if not self._waiting:
            return scheduled_ns
        waiting_ns = self._waiting[0][0]
        return waiting_ns if scheduled_ns is None else min(waiting_ns, scheduled_ns)

    def take(self) -> int:
        """Launch what is due."""
        due_ns = self.due_ns()
        if self._waiting and self._waiting[0][0] == due_ns:
            position = heappop(self._waiting)[1]
        else:
            conversation = self._next * self._share.workers + self._share.worker
            position = conversation * self._layout.turns
            self._next += 1
            self._open += 1
        if self._layout.next_turn(position) is None:
            self._open -= 1
        return position

    def finished(self, elapsed_ns: int, position: int) -> None:
        """Make the conversation's next turn due; apart from that, an open loop does not wait for answers."""
        following = self._layout.next_turn(position)
        if following is not None:
            heappush(self._waiting, (elapsed_ns + self._think_ns, following))

    def skip_to(self, position: int) -> None:
        """Begin no conversation before this position any more: the one there comes when the next one was due."""
        conversation = -(-position // self._layout.turns)
        following = -(-(conversation - self._share.worker) // self._share.workers)
        if self._next < following < len(self._due_ns):
            self._later_ns += self._due_ns[self._next] - self._due_ns[following]
        self._next = max(self._next, following)

    def is_over(self, elapsed_ns: int) -> bool:
        """After the last request."""
        return self._next >= len(self._due_ns) and self._open == 0
