"""What happens around the measurement: the client is calibrated, the server runs, the wire is captured."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

from profiler.errors import ServerDiedError, ServerStartError
from profiler.results.caveats import Caveat
from profiler.results.manifest import Point
from profiler.results.points import server_settings, variant_words
from profiler.results.summary import PointSummary
from profiler.run.calibrate import calibrate
from profiler.run.context import RunContext
from profiler.run.requests import check_body
from profiler.run.sampling import SAMPLES_PER_S, Recorder
from profiler.search.strategy import most_in_flight
from profiler.units import s_to_ns
from profiler.wire_audit.control import wire_capture
from profiler.wire_audit.wire_file import WIRE_FILE
from profiler.workloads.phases import IDLE


def calibrate_client(run: RunContext) -> None:
    """Measure how far off the client's timestamps are on this host."""
    run.progress.stage("Calibrating the client")
    with run.phase("calibrate"):
        run.manifest.calibration = calibrate(run.driver, most_in_flight(run.plan.workload), run.tick)


def wire_audit(run: RunContext) -> AbstractContextManager[None]:
    """Capture the segments from and to the server, where that was asked for."""
    if not run.plan.options.wire_audit:
        return nullcontext()
    address = run.plan.endpoint.address
    return wire_capture(address.host, address.port, run.folder.path / WIRE_FILE)


@contextmanager
def served(run: RunContext) -> Iterator[None]:
    """Keep the model server running; one that runs already is left alone. Raises `ServerError`."""
    if run.plan.server is None:
        yield
        return
    try:
        _start_server(run, run.plan.first_point if run.plan.is_restarted else None)
        yield
    finally:
        _stop_server(run)


def serve_point(run: RunContext, recorder: Recorder, point: Point) -> bool:
    """Start the server anew where a point takes another one than runs; return whether it serves.

    In a sweep over its settings, one with which it does not start is left out, by name. Raises `ServerError`.
    """
    plan = run.plan
    if plan.server is None or plan.is_served(point):
        return run.is_serving
    _stop_server(run)
    run.plan = replace(plan, endpoint=plan.server_at(point), served=point)
    try:
        _start_server(run, point)
    except (ServerStartError, ServerDiedError) as error:
        if not server_settings(point):
            raise
        run.is_serving = False
        words = ", ".join(variant_words(point))
        run.manifest.warn(Caveat("setting-left-out", f"{words} was left out: the server did not start. {error}"))
        run.progress.note(run.manifest.warnings[-1])
        return False
    run.is_serving = True
    recorder.watch_server()
    return True


def not_served(point: Point) -> PointSummary:
    """Return what is known of a load that no server was there for, so that a search goes on to the next one."""
    return PointSummary(point=point, requests_ok=0, requests_failed=0, outcomes={}, metrics={})


def _start_server(run: RunContext, point: Point | None = None) -> None:
    """Start the server, for one of several points where it is started anew for another one."""
    assert run.plan.server is not None  # noqa: S101 - only a managed server is started
    run.progress.stage("Starting the model server")
    with run.phase("start-server", point):
        run.plan.server.start(run.folder.server_log, run.tick)
        check_body(run)


def _stop_server(run: RunContext) -> None:
    """Stop it whatever happens, even if the disk is too full to write down when."""
    assert run.plan.server is not None  # noqa: S101 - only a managed server is stopped
    run.progress.stage("Stopping the model server")
    try:
        with run.phase("stop-server"):
            run.plan.server.stop()
    finally:
        run.plan.server.stop()


def meter_idle(run: RunContext, recorder: Recorder) -> None:
    """Meter the machine with the server up and no request in flight, where that was asked for."""
    length_s = run.plan.options.idle_baseline_s
    if not length_s:
        return
    run.progress.stage("Metering the idle machine")
    with run.phase(IDLE):
        recorder.read_meters()
        deadline_ns = run.clock.monotonic_ns() + s_to_ns(length_s)
        while run.clock.monotonic_ns() < deadline_ns:
            recorder.sample_if_due()
            run.tick()
            run.check_alive()
            run.clock.sleep(1 / SAMPLES_PER_S / 2)
        recorder.read_meters()
