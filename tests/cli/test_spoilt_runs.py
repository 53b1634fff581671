"""Runs of a real endpoint spoilt on purpose: each gets the reason that is its own, wherever a reader looks."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from support.command import AFORO
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


Spoil = Callable[["subprocess.Popen[str]", Path], None]


@pytest.fixture
def spoilt(tmp_path: Path) -> Iterator[Callable[..., Spoilt]]:
    """Run the smoke workload on an endpoint, do something to it meanwhile, and wait for its end."""
    started: list[subprocess.Popen[str]] = []

    def run(server: Endpoint, *options: str, spoil: Spoil | None = None, path: Path | None = None) -> Spoilt:
        command = [AFORO, "run", "smoke", "--url", server.url, *options]
        environment = {**os.environ, "COLUMNS": "200"}
        if path is not None:
            environment["PYTHONPATH"] = os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])
        with subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        ) as process:
            started.append(process)
            if spoil is not None:
                spoil(process, tmp_path)
            output, errors = process.communicate(timeout=60)
        (folder,) = (tmp_path / "runs").iterdir()
        return Spoilt(process, folder, output, errors)

    yield run
    for process in started:
        process.kill()


def wait_until_measured(process: "subprocess.Popen[str]", parent: Path, requests: int) -> None:
    """Wait until so many requests are in the journal."""
    deadline_s = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline_s:
        journals = list(parent.glob("runs/*/requests.jsonl"))
        if journals and journals[0].read_bytes().count(b"\n") >= requests:
            return
        time.sleep(0.01)
    raise AssertionError("the run did not get going")


def stop_the_driver(stopped_s: float, running_s: float, times: int) -> Spoil:
    """Take the processor away from the load driver, again and again, as a busy host would."""

    def spoil(process: "subprocess.Popen[str]", parent: Path) -> None:
        wait_until_measured(process, parent, 2)
        (driver,) = [child for child in psutil.Process(process.pid).children() if is_driver(child)]
        for _ in range(times):
            with suppress(psutil.NoSuchProcess):
                driver.suspend()
                time.sleep(stopped_s)
                driver.resume()
                time.sleep(running_s)

    return spoil


def is_driver(process: psutil.Process) -> bool:
    return "profiler.timing.driver" in process.cmdline()


def test_a_starved_client(spoilt: Callable[..., Spoilt]) -> None:
    """For 1.8 of 2.5 s it does not run: what is due meanwhile leaves up to 600 ms late."""
    options = ("--rate", "40", "--arrivals", "constant", "--requests", "100")
    with endpoint(tokens=8, pause_s=0.005) as server:
        run = spoilt(server, *options, spoil=stop_the_driver(0.6, 0.1, times=3))
    run.assert_found("late-sends", INVALID)
    assert run.code == 3


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
    spoilt: Callable[..., Spoilt], pause_s: float, tokens: int, rule: str, level: str
) -> None:
    with endpoint(tokens=tokens, pause_s=pause_s) as server:
        options = ("--requests", "16", "--output-tokens", str(tokens))
        run = spoilt(server, *options, spoil=stop_the_driver(0.04, 0.01, times=80))
    run.assert_found(rule, level)


def test_a_server_that_merges_tokens(spoilt: Callable[..., Spoilt]) -> None:
    """The client was there in time: groups of tokens are how this server streams, and INVALID is no word for that."""
    with endpoint(tokens=8, pause_s=0.005, per_event=4) as server:
        run = spoilt(server, "--requests", "30")
    run.assert_found("coalesced-reads", WARNING)
    assert "Use TPOT, which is of single tokens." in run.output


def test_a_server_that_stalls(spoilt: Callable[..., Spoilt]) -> None:
    with endpoint(tokens=8, pause_s=0.002, stall_s=0.1) as server:  # 100 of every 100 + 3·16 ms
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
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(STEPPING.replace("STEPPED(taken)", stepped))
    with endpoint() as server:
        run = spoilt(server, "--requests", "40", path=hook)
    run.assert_found("clock-step", level)
    requests = list(run.folder.read_requests())
    drifts_ns = [abs(request.clock_offset_drift_ns or 0) for request in requests]
    spoilt_ones = [request for request in requests if abs(request.clock_offset_drift_ns or 0) > 1_000_000]
    assert max(drifts_ns) == pytest.approx(STEP_NS, rel=0.01)
    assert {request.stamp_source for request in spoilt_ones} == {"user"}  # no kernel stamp is believed
    # Stamps two seconds off would show: no request takes a tenth of that.
    assert all(0 <= offset_ns < STEP_NS / 4 for request in requests for offset_ns in request.read_offset_ns)


@pytest.mark.parametrize(("requests", "level"), [("10", INVALID), ("11", WARNING)])
def test_too_few_samples(spoilt: Callable[..., Spoilt], requests: str, level: str) -> None:
    with endpoint(pause_s=0.001) as server:
        run = spoilt(server, "--requests", requests)
    run.assert_found("too-few-samples", level)
    assert f"Requests in steady state: {requests} (limit: at least {11 if level == INVALID else 64})." in run.output


def test_a_server_that_dies(spoilt: Callable[..., Spoilt]) -> None:
    with endpoint(die_after=30) as server:
        run = spoilt(server, "--requests", "60", "--request-timeout-s", "2", "--stall-timeout-s", "2")
    run.assert_found("errors", INVALID)
    assert run.code == 3
    outcomes = {str(request.outcome) for request in run.folder.read_requests()}
    assert {"ok", "connect_refused"} <= outcomes


def test_a_server_that_hangs(spoilt: Callable[..., Spoilt]) -> None:
    """Stopped with SIGSTOP in the middle of a stream: what was measured before is kept, and the run is not believed."""
    with endpoint(pause_s=0.005) as server:

        def stop_the_server(process: "subprocess.Popen[str]", parent: Path) -> None:
            wait_until_measured(process, parent, 20)
            os.kill(server.process.pid, signal.SIGSTOP)

        options = ("--requests", "22", "--stall-timeout-s", "0.5", "--request-timeout-s", "1")
        run = spoilt(server, *options, spoil=stop_the_server)
    run.assert_found("errors", INVALID)
    outcomes = {str(request.outcome) for request in run.folder.read_requests()}
    assert outcomes & {"stalled", "no_response", "timeout"}
