"""A run from one end to the other: plan, begin, calibrate, serve, measure, end, recompute."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from profiler.energy.card_kinds import CARD_KINDS
from profiler.energy.card_sources import Cards
from profiler.energy.meters import Meters
from profiler.errors import AforoError, RecordError
from profiler.progress import Progress
from profiler.results.folder import RunFolder
from profiler.results.manifest import Manifest, TuningFacts
from profiler.results.summary import Summary
from profiler.run import tune
from profiler.run.begin import begin, is_remote, wanted_meters
from profiler.run.code import require_isolation, require_tests, run_code
from profiler.run.context import as_ours
from profiler.run.interrupt import Interrupt
from profiler.run.measure import measure
from profiler.run.options import Options
from profiler.run.plan import Plan, make_plan, server_threads
from profiler.run.recompute import recompute, summary_of
from profiler.run.sampling import Recorder
from profiler.run.serve import calibrate_client, meter_idle, served, wire_audit
from profiler.timing.clock import Clock
from profiler.timing.driver_client import load_driver
from profiler.wire_audit.control import require_capture


@dataclass(frozen=True)
class Finished:
    """What a run leaves behind: its folder, its summary, and the error that ended it, if one did."""

    folder: RunFolder
    manifest: Manifest
    summary: Summary
    error: AforoError | None


def profile(options: Options, progress: Progress, clock: Clock) -> Finished:
    """Carry out a run. Raises `UsageError` before anything has started; afterwards errors are in the result."""
    if options.wire_audit:
        require_capture(options.url)
    if options.run_code:
        require_isolation()
    with Interrupt() as interrupt:
        if options.tune is None:
            return _profile(options, progress, clock, interrupt.check)
        search = _profile(tune.asked(options, server_threads), progress, clock, interrupt.check)
        facts = tune.facts(search.manifest, search.summary)
        if search.error or facts is None:
            return search
        progress.note(facts.sentence)
        return _profile(tune.chosen(options, facts.settings), progress, clock, interrupt.check, (search.folder, facts))


def _profile(
    options: Options,
    progress: Progress,
    clock: Clock,
    tick: Callable[[], None],
    search: tuple[RunFolder, TuningFacts] | None = None,
) -> Finished:
    """Carry out a single run; the search for its settings, where there was one, moves into its folder."""
    plan = make_plan(options, progress, clock, tick)
    if options.run_code:
        require_tests(plan)
    tick()
    plan = replace(plan, folder=plan.folder.create())
    if search is not None:
        folder, facts = search
        plan = replace(plan, tuning=facts)
        folder.move_into(plan.folder, "tuning")
    error = _carry_out(plan, progress, clock, tick)
    return _finish(plan.folder, progress, error)


def _carry_out(plan: Plan, progress: Progress, clock: Clock, tick: Callable[[], None]) -> AforoError | None:
    """Do all that takes a load driver; return what ended it early, which the folder says too."""
    options = plan.options
    with (
        _discarded_unless_begun(plan.folder),
        load_driver(options.client_workers, plan.cpus.client, realtime=options.realtime_client) as driver,
        Meters(wanted_meters(plan), clock, gpus=options.gpus) as meters,
        Cards(() if is_remote(plan) else CARD_KINDS, options.gpus) as cards,
    ):
        run = begin(plan, driver, meters, progress, clock, tick)
        with run, wire_audit(run):
            calibrate_client(run)
            with served(run):
                recorder = Recorder(run, cards)
                meter_idle(run, recorder)
                measure(run, recorder)
            if options.run_code:
                run_code(run.folder, progress, tick)
        return run.error


@contextmanager
def _discarded_unless_begun(folder: RunFolder) -> Iterator[None]:
    """Leave no folder behind of a run that ends before it has begun; the system's errors become ours."""
    try:
        yield
    except BaseException as ended:
        folder.discard()
        raise as_ours(ended) or ended from ended


def _finish(folder: RunFolder, progress: Progress, error: AforoError | None) -> Finished:
    """Compute summary and report from what was recorded."""
    folder.check_is_there()
    progress.stage("Writing the report")
    try:
        manifest, summary = recompute(folder)
    except RecordError as unwritten:
        error = error or unwritten
        manifest, summary = summary_of(folder)
    return Finished(folder, manifest, summary, error)
