"""What the person at the terminal sees of a load: which block, how much of it is done, how fast, how long to go."""

from profiler.number_format import duration, scale
from profiler.progress import Progress
from profiler.results.manifest import Point
from profiler.results.points import describe_load
from profiler.results.records import RequestRecord
from profiler.results.summary import Distribution, PointSummary, Scalar
from profiler.run.live_figures import LiveFigures
from profiler.search.sizing import slots_of
from profiler.search.strategy import load_count
from profiler.timing.messages import Block, Exchange
from profiler.units import ns_to_s, s_to_ns
from profiler.workloads.phases import is_measured, repeat_number, without_point
from profiler.workloads.schema import Workload

_EACH_NS = s_to_ns(0.25)  # between two updates: the profiler shares the CPUs with the server


class LoadProgress:
    """Shows the block that is being sent."""

    def __init__(
        self, progress: Progress, workload: Workload, point: Point, number: int = 1, *, fills_cache: bool = False
    ) -> None:
        """Show nothing before the first block begins; `number` is the load's place in the run, from 1.

        `fills_cache` says that the first request of each slot reads what the others find in the server's cache.
        """
        self._progress = progress
        self._workload = workload
        self._point = point
        self._number = number
        self._block = Block("", 0)
        self._figures = LiveFigures(0)
        self._shown_ns = 0
        self._expected_requests = 0
        self._filling = slots_of(point) if fills_cache else 0  # requests to come that say nothing of the others
        self._lasted_ns: list[int] = []  # of the other requests of the warm-up

    def begin(self, block: Block, start_ns: int) -> None:
        """Show a block from now on; its first request was sent at `start_ns`."""
        self._block, self._figures, self._shown_ns = block, LiveFigures(start_ns), 0
        self._show(self._expected(block))

    def finished(self, exchange: Exchange, record: RequestRecord) -> None:
        """Count a finished request."""
        if exchange.sent_user_ns is not None and not is_measured(exchange.phase):
            self._warmed_up(exchange.finished_user_ns - exchange.sent_user_ns)
        if exchange.phase != self._block.phase:
            return
        self._figures.add(record)
        if self._figures.done > self._expected_requests and not self._block.is_cooldown:
            self._show(self._block.requests)
        now_ns, is_last = exchange.finished_user_ns, self._figures.done == self._expected_requests
        if is_last or now_ns - self._shown_ns >= _EACH_NS:
            self._shown_ns = now_ns
            self._progress.advance(self._figures.done, self._figures.text(now_ns, self._left_s(now_ns)))

    def _show(self, expected: int) -> None:
        """Name the block, and how many of its requests there will be."""
        self._expected_requests, block, count = expected, self._block, load_count(self._workload)
        title = _title(block, self._workload)
        if count != 1:
            of = f" of {count}" if count else ""
            title += f", load {self._number}{of}: {describe_load(self._point)}"
        if expected < block.requests and not block.is_cooldown:
            request = duration(ns_to_s(sum(self._lasted_ns) // len(self._lasted_ns)))
            title += f" (a request takes {request} here: {expected} requests instead of {block.requests})"
        self._progress.stage(title, total=None if block.is_cooldown else expected)

    def _warmed_up(self, lasted_ns: int) -> None:
        if self._filling:
            self._filling -= 1
        else:
            self._lasted_ns.append(lasted_ns)

    def _left_s(self, now_ns: int) -> float | None:
        """Estimate how long the repeats of this load still take, by the pace of the current one."""
        number = repeat_number(self._block.phase)
        if number is None:
            return None
        whole_s = self._figures.block_s(self._expected_requests, self._block.limit_ns, now_ns)
        if whole_s is None:
            return None
        return max(0.0, whole_s * (self._workload.repeats - number + 1) - self._figures.elapsed_s(now_ns))

    def _expected(self, block: Block) -> int:
        """Estimate how many requests of a closed loop fit into the time of a block, by those of the warm-up."""
        if self._point.concurrency is None or not self._lasted_ns or not is_measured(block.phase):
            return block.requests
        slots, request_ns = slots_of(self._point), max(1, sum(self._lasted_ns) // len(self._lasted_ns))

        def sent_by(elapsed_ns: int) -> int:
            return slots * -(-elapsed_ns // request_ns)

        return min(block.requests, max(sent_by(block.limit_ns), min(block.least, sent_by(block.most_ns))))


def found_at(summary: PointSummary, number: int) -> str:
    """Say in one line what a load has shown."""
    requests, metrics = summary.requests_ok + summary.requests_failed, summary.metrics
    rate, ttft = metrics.get("output_tokens_per_s"), metrics.get("ttft_ms")
    parts = [f"Load {number}, {describe_load(summary.point)}: {requests} requests"]
    if isinstance(rate, Scalar) and rate.value is not None:
        parts.append(scale(rate.value, rate.unit).quantity(rate.value))
    p50 = ttft.quantiles.get("p50") if isinstance(ttft, Distribution) else None
    if ttft is not None and p50 is not None:
        parts.append(f"TTFT p50 {scale(p50, ttft.unit).quantity(p50)}")
    if summary.requests_failed:
        parts.append(f"{summary.requests_failed} failed")
    return " · ".join(parts)


def _title(block: Block, workload: Workload) -> str:
    name = without_point(block.phase)
    if is_measured(block.phase):
        return f"Measuring, {name.replace('-', ' ')} of {workload.repeats}"
    return "Keeping the load on for the last requests" if block.is_cooldown else "Warming up"
