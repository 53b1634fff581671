"""What the person at the terminal sees of a load: which block, how much of it is done, and what was changed."""

from profiler.progress import Progress
from profiler.results.manifest import Point
from profiler.results.points import describe_load
from profiler.search.sizing import slots_of
from profiler.search.strategy import is_one_point
from profiler.timing.messages import Block, Exchange
from profiler.units import ns_to_s
from profiler.workloads.phases import is_measured, without_point
from profiler.workloads.schema import Workload


class LoadProgress:
    """Shows the block that is being sent."""

    def __init__(self, progress: Progress, workload: Workload, point: Point) -> None:
        """Show nothing before the first block begins."""
        self._progress = progress
        self._workload = workload
        self._point = point
        self._phase = ""
        self._done = 0
        self._lasted_ns: list[int] = []  # of the requests of the warm-up

    def begin(self, block: Block) -> None:
        """Show a block from now on."""
        self._phase, self._done = block.phase, 0
        expected = self._expected(block)
        title = _title(block, self._workload)
        if not is_one_point(self._workload):
            title += f", at {describe_load(self._point)}"
        if expected < block.requests and not block.is_cooldown:
            request_s = ns_to_s(sum(self._lasted_ns) // len(self._lasted_ns))
            title += f" (a request takes {request_s:.3g} s here: {expected} requests instead of {block.requests})"
        self._progress.stage(title, total=None if block.is_cooldown else expected)

    def finished(self, exchange: Exchange) -> None:
        """Count a finished request."""
        if exchange.phase == self._phase:
            self._done += 1
            self._progress.advance(self._done)
        if exchange.sent_user_ns is not None and not is_measured(exchange.phase):
            self._lasted_ns.append(exchange.finished_user_ns - exchange.sent_user_ns)

    def _expected(self, block: Block) -> int:
        """Estimate how many requests of a closed loop fit into the time of a block, by those of the warm-up."""
        if self._point.concurrency is None or not self._lasted_ns or not is_measured(block.phase):
            return block.requests
        slots, request_ns = slots_of(self._point), max(1, sum(self._lasted_ns) // len(self._lasted_ns))

        def sent_by(elapsed_ns: int) -> int:
            return slots * -(-elapsed_ns // request_ns)

        return min(block.requests, max(sent_by(block.limit_ns), min(block.least, sent_by(block.most_ns))))


def _title(block: Block, workload: Workload) -> str:
    name = without_point(block.phase)
    if is_measured(block.phase):
        return f"Measuring, {name.replace('-', ' ')} of {workload.repeats}"
    return "Keeping the load on for the last requests" if block.is_cooldown else "Warming up"
