"""Runs of a real endpoint made invalid on purpose: each gets the reason that is its own, wherever a reader looks."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.command import AFORO, ALONE
from support.endpoint import Endpoint, endpoint

from profiler.results.folder import RunFolder

INVALID, WARNING = "INVALID", "VALID with warnings"
STEP_NS = 2_000_000_000


class Spoilt:
    """A run that has ended."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path, output: str, errors: str) -> None:
        self.code = process.returncode
        self.folder = RunFolder(folder)
        self.output = " ".join(output.split())
        self.errors = errors
        verdict = json.loads((folder / "summary.json").read_text())["verdict"]
        self.level = verdict["level"]
        self.found = {finding["rule"]: finding for finding in verdict["findings"]}

    def assert_found(self, rule: str, level: str) -> None:
        """The rule is in summary.json, its sentence on the terminal and in the report, and the exit code follows."""
        assert rule in self.found, f"found: {list(self.found)}\n{self.output}\n{self.errors}"
        assert self.found[rule]["level"] == level, self.found[rule]
        assert f"{rule}: {self.found[rule]['sentence']}" in self.output
        page = self.folder.report.read_text()
        assert f"<strong>{rule}</strong>" in page
        assert ('<body class="invalid">' in page) is (self.level == INVALID)
        assert "Traceback" not in self.errors
        if level == INVALID:
            assert self.level == INVALID
        if self.level == INVALID:
            assert self.code in {1, 3}
            assert INVALID in self.output
        else:
            assert self.code == 0


@pytest.fixture
def spoilt(tmp_path: Path) -> Iterator[Callable[..., Spoilt]]:
    """Run the smoke workload on an endpoint, with what is to spoil it in its path."""
    started: list[subprocess.Popen[str]] = []

    def run(server: Endpoint, *options: str, path: Path | None = None) -> Spoilt:
        command = [AFORO, "run", "smoke", "--url", server.url, *ALONE, *options]
        environment = {**os.environ, "COLUMNS": "200"}
        if path is not None:
            environment["PYTHONPATH"] = os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])
        with subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        ) as process:
            started.append(process)
            output, errors = process.communicate(timeout=300)
        (folder,) = (tmp_path / "runs").iterdir()
        return Spoilt(process, folder, output, errors)

    yield run
    for process in started:
        process.kill()


STARVED = """
# Found by the load driver only: it loses its CPU again and again, whatever else the machine does.
import sys, time
if "profiler.timing.driver" in sys.orig_argv:
    import profiler.timing.poller as poller
    real, resumed_s = poller.EpollPoller.wait, time.monotonic()
    def wait(self, timeout_ns):
        global resumed_s
        if time.monotonic() - resumed_s >= RUNNING_S:
            time.sleep(STOPPED_S)
            resumed_s = time.monotonic()
        return real(self, timeout_ns)
    poller.EpollPoller.wait = wait
"""
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the driver has another poller on this system")


def hooked(parent: Path, code: str) -> Path:
    """Return a folder whose code every Python runs first that has it in its path."""
    hook = parent / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(code)
    return hook


def starved(parent: Path, running_s: float, stopped_s: float) -> Path:
    return hooked(parent, STARVED.replace("RUNNING_S", str(running_s)).replace("STOPPED_S", str(stopped_s)))


@linux_only
def test_a_starved_client(tmp_path: Path, spoilt: Callable[..., Spoilt]) -> None:
    """For six sevenths of the time it does not run: what is due meanwhile leaves up to 600 ms late."""
    options = ("--rate", "40", "--arrivals", "constant", "--requests", "100")
    with endpoint(tokens=8, pause_s=0.005) as server:
        run = spoilt(server, *options, path=starved(tmp_path, running_s=0.1, stopped_s=0.6))
    run.assert_found("late-sends", INVALID)
    assert run.code == 3


@linux_only
@pytest.mark.parametrize(
    ("pause_s", "tokens", "rule", "level"),
    [
        # Tokens every 5 ms are read by the handful, and only the newest of them has a stamp.
        (0.005, 16, "late-reads", INVALID),
        # Tokens every 60 ms are read one by one, and up to 40 ms late.
        (0.06, 4, "slow-client", WARNING),
    ],
)
def test_a_client_that_runs_a_fifth_of_the_time(
    tmp_path: Path, spoilt: Callable[..., Spoilt], pause_s: float, tokens: int, rule: str, level: str
) -> None:
    with endpoint(tokens=tokens, pause_s=pause_s) as server:
        options = ("--requests", "16", "--output-tokens", str(tokens))
        run = spoilt(server, *options, path=starved(tmp_path, running_s=0.01, stopped_s=0.04))
    is_worse = rule == "slow-client" and run.found[rule]["seen"] > 500_000  # a machine that paused for half a second
    run.assert_found(rule, INVALID if is_worse else level)


def test_a_server_that_merges_tokens(spoilt: Callable[..., Spoilt]) -> None:
    """The client was there in time: groups of tokens are how this server streams, and INVALID is no word for that."""
    with endpoint(tokens=8, pause_s=0.005, per_event=4) as server:
        run = spoilt(server, "--requests", "30")
    run.assert_found("coalesced-reads", WARNING)
    assert "Use TPOT, which is of single tokens." in run.output


def test_a_server_that_stalls(spoilt: Callable[..., Spoilt]) -> None:
    with endpoint(tokens=8, pause_s=0.002, stall_s=0.1) as server:  # 100 of every 100 + 3·16 ms, or 30 usual gaps
        run = spoilt(server, "--requests", "16")
    run.assert_found("server-pauses", WARNING)  # what a server does is a result


@pytest.mark.parametrize(("says", "level"), [(10, INVALID), (52, WARNING)])
def test_a_server_that_counts_other_tokens(spoilt: Callable[..., Spoilt], says: int, level: str) -> None:
    tokens = says - 2  # two more than were asked for: of ten they are 20 %, of 52 they are 4 %
    with endpoint(tokens=tokens, pause_s=0.001, says_tokens=says) as server:
        run = spoilt(server, "--output-tokens", str(tokens), "--requests", "12")
    run.assert_found("token-mismatch", level)


STEPPING = f'''
"""Found by the load driver only: its wall clock is stepped by two seconds on the way, and later back."""
import sys
if "profiler.timing.driver" in sys.orig_argv:
    import profiler.timing.clock as clock
    real, taken = clock.sample_wall_offset, 0
    def sample_wall_offset():
        global taken
        taken += 1
        offset = real()
        return offset._replace(offset_ns=offset.offset_ns + {STEP_NS}) if STEPPED(taken) else offset
    clock.sample_wall_offset = sample_wall_offset
'''


@pytest.mark.parametrize(
    ("stepped", "level"),
    # Each request takes two samples, one after the other: every second one is that at its end.
    [("taken % 2 == 0", INVALID), ("taken % 20 == 0", WARNING)],
)
def test_a_clock_that_is_stepped(tmp_path: Path, spoilt: Callable[..., Spoilt], stepped: str, level: str) -> None:
    with endpoint() as server:
        run = spoilt(server, "--requests", "40", path=hooked(tmp_path, STEPPING.replace("STEPPED(taken)", stepped)))
    run.assert_found("clock-step", level)
    requests = list(run.folder.read_requests())
    drifts_ns = [abs(request.clock_offset_drift_ns or 0) for request in requests]
    spoilt_ones = [request for request in requests if abs(request.clock_offset_drift_ns or 0) > 1_000_000]
    assert max(drifts_ns) == pytest.approx(STEP_NS, rel=0.01)
    assert {request.stamp_source for request in spoilt_ones} == {"user"}  # no kernel stamp is believed
    # Stamps two seconds off would show: nothing is read before the request was sent, or after it was finished.
    for request in requests:
        lasted_ns = request.finished_ns - (request.sent_ns or 0)
        assert all(0 <= offset_ns < lasted_ns + STEP_NS / 4 for offset_ns in request.read_offset_ns)


@pytest.mark.parametrize(("requests", "level"), [("10", INVALID), ("11", WARNING)])
def test_too_few_samples(spoilt: Callable[..., Spoilt], requests: str, level: str) -> None:
    with endpoint(pause_s=0.001) as server:
        run = spoilt(server, "--requests", requests)
    run.assert_found("too-few-samples", level)
    assert f"Requests in steady state: {requests} (limit: at least {11 if level == INVALID else 64})." in run.output


def test_a_server_that_dies(spoilt: Callable[..., Spoilt]) -> None:
    with endpoint(die_after=30) as server:
        run = spoilt(server, "--requests", "60")
    run.assert_found("errors", INVALID)
    assert run.code == 3
    outcomes = {str(request.outcome) for request in run.folder.read_requests()}
    assert {"ok", "connect_refused"} <= outcomes


def test_a_server_that_hangs(spoilt: Callable[..., Spoilt]) -> None:
    """Stopped with SIGSTOP in the middle of a stream: what was measured before is kept, and the run is not believed."""
    with endpoint(pause_s=0.005, stop_after=20) as server:
        run = spoilt(server, "--requests", "22", "--stall-timeout-s", "1", "--request-timeout-s", "2")
    run.assert_found("errors", INVALID)
    outcomes = {str(request.outcome) for request in run.folder.read_requests()}
    assert "ok" in outcomes
    assert outcomes & {"stalled", "no_response", "timeout"}
