"""What happens around the measurement: the client is calibrated, the server runs, the wire is captured."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

from profiler.results.manifest import Point
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


def serve_point(run: RunContext, recorder: Recorder, point: Point) -> None:
    """Start the server anew where a point takes another one than runs. Raises `ServerError`."""
    plan = run.plan
    if plan.server is None or plan.is_served(point):
        return
    _stop_server(run)
    run.plan = replace(plan, endpoint=plan.server_at(point))
    _start_server(run, point)
    recorder.watch_server()


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
