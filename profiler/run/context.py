"""A run that has begun: its plan, what it writes, and what it measures with."""

from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from types import TracebackType

from profiler.energy.meters import Meters
from profiler.errors import AforoError, InterruptedRunError, RecordError
from profiler.progress import Progress
from profiler.results.caveats import Caveat
from profiler.results.folder import Journal
from profiler.results.manifest import Manifest, Point
from profiler.run.kept_prompts import KeptPrompts
from profiler.run.phases import PhaseBlock
from profiler.run.plan import Plan
from profiler.timing.clock import Clock
from profiler.timing.driver_client import LoadDriver
from profiler.units import s_to_ns

ISO = "%Y-%m-%dT%H:%M:%SZ"
_DYING_S = 0.5  # a server that drops a connection gets this long to show whether it has died
_LOOK_S = 0.02


class RunContext:
    """What every phase of a run works with, complete from the start.

    As a context manager it writes down how the run ended: an error of ours is kept in `error`, any other one goes on.
    """

    def __init__(
        self,
        plan: Plan,
        manifest: Manifest,
        driver: LoadDriver,
        meters: Meters,
        progress: Progress,
        clock: Clock,
        tick: Callable[[], None],
    ) -> None:
        """Open the journals and write `run.json`. Raises `RecordError`.

        `tick` raises `InterruptedRunError` once a signal has asked for the end; whatever waits calls it often.
        """
        self.plan = plan  # replaced where an endpoint refuses a field
        self.manifest = manifest
        self.folder = plan.folder
        self.driver = driver
        self.meters = meters
        self.progress = progress
        self.clock = clock
        self.tick = tick
        self.error: AforoError | None = None
        self.is_serving = True  # False while no server runs, since one of a sweep's settings kept it from starting
        with ExitStack() as opened:
            self.requests = opened.enter_context(closing(Journal(self.folder.requests)))
            self.samples = opened.enter_context(closing(Journal(self.folder.samples)))
            self.answers, self.prompts = None, None
            if plan.workload.keep_responses:
                self.answers = opened.enter_context(closing(Journal(self.folder.answers)))
                prompts = opened.enter_context(closing(Journal(self.folder.prompts)))
                self.prompts = KeptPrompts(prompts, plan.credentials.mask)
            self.folder.write_manifest(manifest)
            if plan.expects:
                self.folder.write_items(plan.expects)
            self._journals = opened.pop_all()

    def __enter__(self) -> "RunContext":
        """Go on."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, ended: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Write down how the run ended, as far as the disk allows."""
        if ended is None:
            self.manifest.status = "complete"
        else:
            self.error = as_ours(ended)
            self.manifest.status = "interrupted" if isinstance(ended, InterruptedRunError) else "failed"
            self.manifest.status_reason = str(self.error or repr(ended))
        self.manifest.ended_utc = self.clock.utc().strftime(ISO)
        for reason in self.meters.close():
            self.manifest.warn(Caveat("meter-hangs", reason))
        with suppress(AforoError):
            self.folder.write_manifest(self.manifest)
        self._journals.close()
        return self.error is not None

    def phase(self, name: str, point: Point | None = None) -> PhaseBlock:
        """Return a block that is recorded as a phase without requests, of one of several points where that is given."""
        return PhaseBlock(self.manifest, self.folder, self.clock, name, point.name if point else None)

    def check_alive(self) -> None:
        """Raise `ServerDiedError` when a server that was started here has ended.

        An endpoint that has gone shows in the outcomes of its requests.
        """
        if self.plan.server is not None:
            self.plan.server.check_alive()

    def check_stays_alive(self) -> None:
        """Raise `ServerDiedError` when a server that was started here ends within a moment."""
        deadline_ns = self.clock.monotonic_ns() + s_to_ns(_DYING_S)
        while self.clock.monotonic_ns() < deadline_ns:
            self.tick()
            self.check_alive()
            self.clock.sleep(_LOOK_S)


def as_ours(error: BaseException) -> AforoError | None:
    """Return what ended a run as a sentence: the one boundary where the system's errors become ours."""
    if isinstance(error, AforoError):
        return error
    if isinstance(error, OSError):
        subject = f"{error.filename}: " if error.filename else ""
        return RecordError(
            f"The run could not go on: {subject}{error.strerror or error}. Free what is short (disk, memory, open "
            "files), or pass --out and TMPDIR with other folders; what was measured so far is kept."
        )
    return None
