"""Which block of a job a request belongs to: warm-up, repeats and cool-down follow one another while the load goes on.

A request belongs to the block that is current at the moment when it is sent, so that a block begins with whichever
request happens to be sent next, and no slot ever waits for another one at its edges. Pure, like the paces: times are
nanoseconds since the start of the job.
"""

from collections.abc import Sequence

from profiler.timing.messages import Block


class Blocks:
    """Goes from one block to the next as requests are sent, and says when the last one may end."""

    def __init__(self, blocks: Sequence[Block], own: int = 1, of_all: int = 1, *, leads: bool = True) -> None:
        """Take the blocks of a job, of which this worker carries `own` parts of `of_all`.

        Blocks count the requests of all workers. The worker that leads goes on by itself; the others hear from it
        when the next block begins (`begin`), so that a block is the same stretch of time for all of them.
        """
        self._blocks = blocks
        self._own, self._of_all = own, of_all
        self._leads = leads
        self.number = -1  # position of the current block; −1 before the first request
        self._sent = 0  # in the current block
        self._finished = 0  # of those
        self._full = 0
        self._start_ns = 0
        self._until_ns = 0
        self._in_flight = 0  # of the blocks before a cool-down
        self._is_stopped = False
        self.phase = ""
        self.total = 0  # requests sent, of all blocks
        self.is_over = False

    @property
    def has_cooldown(self) -> bool:
        """Whether the last block only keeps the load on for those before it."""
        return self._blocks[-1].is_cooldown

    @property
    def following(self) -> int:
        """Position of the block that comes next: the cool-down where the job was stopped."""
        return len(self._blocks) - 1 if self._is_stopped and self.has_cooldown else self.number + 1

    def is_spent(self, elapsed_ns: int) -> bool:
        """Whether a request that is sent now belongs to the next block."""
        if self._sent < self._full and elapsed_ns < self._until_ns:
            return False
        if self.number < 0:
            return True
        return self._leads and self.number + 1 < len(self._blocks) and self._may_end(elapsed_ns - self._start_ns)

    def _may_end(self, lasted_ns: int) -> bool:
        block = self._blocks[self.number]
        if self._is_stopped or self._sent >= self._share(block.room):
            return True
        if self._sent >= self._share(block.requests) and lasted_ns >= block.least_ns:
            return not block.is_until_finished or self._finished >= self._share(block.requests)
        if lasted_ns < block.limit_ns or self._sent % self._share(block.step):
            return False
        return self._sent >= self._share(block.least) or lasted_ns >= block.most_ns

    def _share(self, requests: int) -> int:
        return -(-requests * self._own // self._of_all)

    def begin(self, number: int, elapsed_ns: int) -> Block:
        """Go on to the block at this position, and return it."""
        block = self._blocks[number]
        self.number, self.phase, self._start_ns = number, block.phase, elapsed_ns
        self._sent = self._finished = 0
        self._full = self._share(block.requests)
        self._until_ns = elapsed_ns + block.limit_ns
        self.is_over = block.is_cooldown and self._in_flight == 0
        return block

    def sent(self) -> None:
        """Note that a request was sent in the current block."""
        self._sent += 1
        self.total += 1
        if not self._blocks[self.number].is_cooldown:
            self._in_flight += 1
        elif self._sent >= self._full:
            self.is_over = True

    def finished(self, phase: str) -> None:
        """Note that a request of a phase has ended, however it did."""
        if phase == self.phase:
            self._finished += 1
        if not (self.has_cooldown and phase == self._blocks[-1].phase):
            self._in_flight -= 1
            if self._in_flight == 0 and self.number >= 0 and self._blocks[self.number].is_cooldown:
                self.is_over = True

    def stop(self) -> None:
        """Measure no further: the cool-down is next, or else the end."""
        self._is_stopped = True
        self._full = 0
        if not self.has_cooldown:
            self.is_over = True
