"""The measurement: one load after the other, each from warm-up to cool-down, journaled as requests finish."""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress

from profiler.errors import AforoError, ServerError
from profiler.results.manifest import Point
from profiler.results.points import is_warm
from profiler.results.summary import PointSummary
from profiler.run.budget import Budget
from profiler.run.context import RunContext
from profiler.run.jobs import Layout, bounded
from profiler.run.load_progress import LoadProgress, found_at
from profiler.run.phases import LoadPhases
from profiler.run.precision import Precision
from profiler.run.recompute import summary_of_last_point
from profiler.run.requests import leave_out_refused, write_requests
from profiler.run.responses import RefusedError, Responses
from profiler.run.sampling import SAMPLES_PER_S, Recorder
from profiler.run.serve import not_served, serve_point
from profiler.search.strategy import is_one_point, search_for
from profiler.timing.messages import BlockBegan, Exchange, Job, JobDone, Message
from profiler.workloads.sizes import shares_prefixes

_RECEIVE_S = 1 / SAMPLES_PER_S / 2


def measure(run: RunContext, recorder: Recorder) -> None:
    """Measure one load after the other: those that the workload lists, or those that its search chooses."""
    workload, responses = run.plan.workload, Responses(run)
    search, first_index = search_for(workload, Budget(workload.tune, run.clock).has_time), 0
    measured: list[PointSummary] = []
    while (point := search.next_point(measured)) is not None:
        start_bytes = run.requests.size_bytes
        if not serve_point(run, recorder, point):
            measured.append(not_served(point))
            continue
        first_index = _measure_point(run, recorder, responses, point, first_index)
        if is_one_point(workload):
            return
        measured.append(summary_of_last_point(run.folder, run.manifest, start_bytes))
        run.progress.note(found_at(measured[-1], len(measured)))


def _measure_point(run: RunContext, recorder: Recorder, responses: Responses, point: Point, first_index: int) -> int:
    """Measure one load; return the index after its last request. Raises `AforoError`."""
    run.manifest.points.append(run.plan.as_served(point))
    load = _Load(run, recorder, responses, point, first_index)
    begun = len(run.manifest.phases)
    try:
        load.carry_out()
    except RefusedError as refused:
        del run.manifest.phases[begun:], run.manifest.points[-1:]
        responses.accept()
        leave_out_refused(run, str(refused))
        return _measure_point(run, recorder, responses, point, first_index)
    return load.next_index


class _Load:
    """One load on the server: its requests, and the jobs that send them."""

    def __init__(
        self, run: RunContext, recorder: Recorder, responses: Responses, point: Point, first_index: int
    ) -> None:
        """Make its requests; the first one has this index in the run."""
        self._run = run
        self._recorder = recorder
        self._responses = responses
        self._point = point
        self._layout = Layout(run.plan, point, first_index)
        self.next_index = first_index + sum(self._layout.rooms)
        self._precision = Precision(run.plan.workload.until)
        self._asked = write_requests(run, point, self._layout.rooms, first_index)
        self._untaken: deque[Message] = deque()

    def carry_out(self) -> None:
        """Send warm-up, repeats and cool-down. Raises `RefusedError`, and `AforoError` once what finished is kept."""
        for job in self._layout.jobs():
            if self._precision.is_reached:
                return
            try:
                self._drive(bounded(job, self._asked))
            except RefusedError:
                self._drop_rest()
                raise
            except AforoError:
                self._keep_rest()
                raise

    def _drive(self, job: Job) -> None:
        """Carry out a job: take what the driver sends until it is done."""
        run, workload = self._run, self._run.plan.workload
        point_name = None if is_one_point(workload) else self._point.name
        self._recorder.read_meters()
        with LoadPhases(run.manifest, run.folder, run.clock, job, point_name, self._counters()) as phases:
            run.driver.start(job)
            shown = LoadProgress(
                *(run.progress, workload, self._point, len(run.manifest.points)),
                fills_cache=is_warm(self._point, run.manifest.engine) and shares_prefixes(workload),
            )
            is_done = False
            while not is_done:
                for message in self._received(_RECEIVE_S):
                    self._handle(message, phases, shown)
                    is_done = is_done or isinstance(message, JobDone)
                self._recorder.sample_if_due()
                run.tick()
                run.check_alive()

    def _handle(self, message: Message, phases: LoadPhases, shown: LoadProgress) -> None:
        if isinstance(message, Exchange):
            record = self._responses.take(message, self._asked)
            self._precision.take(record)
            shown.finished(message, record)
            if self._precision.is_reached and not phases.is_stopped:
                self._run.driver.stop()
                phases.is_stopped = True
        elif isinstance(message, BlockBegan):
            self._recorder.read_meters()
            counted = self._counters() if message.number else phases.counted
            shown.begin(phases.begin(message, counted), message.start_ns)
        elif isinstance(message, JobDone):
            self._recorder.read_meters()
            phases.end(message, self._counters())

    def _counters(self) -> Mapping[str, float]:
        """Return what the server has counted; without its metrics page a run lacks a second source, no more."""
        try:
            return self._run.plan.endpoint.counters()
        except ServerError:
            return {}

    def _received(self, timeout_s: float) -> Iterator[Message]:
        """Yield what the driver has sent; what an error keeps from being taken stays there for `_keep_rest`."""
        self._untaken += self._run.driver.receive(timeout_s)
        while self._untaken:
            yield self._untaken.popleft()

    def _keep_rest(self) -> None:
        """Journal what had finished when a job was interrupted; a second signal, or a driver that is gone, ends it."""
        with suppress(AforoError):
            self._run.driver.abandon()
            is_done = False
            while not is_done:
                for message in self._received(1.0):
                    if isinstance(message, Exchange):
                        self._responses.keep(message, self._asked)
                    is_done = is_done or isinstance(message, JobDone)

    def _drop_rest(self) -> None:
        """End a job of which nothing is kept."""
        self._run.driver.abandon()
        while not any(isinstance(message, JobDone) for message in self._received(1.0)):
            self._run.tick()
        self._untaken.clear()
