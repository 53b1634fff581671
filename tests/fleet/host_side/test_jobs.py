"""What happens on a host: one measurement at a time, jobs that live by themselves, and nothing outside their folder."""

import fcntl
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import msgspec
import pytest
from support.command import AFORO

from profiler.errors import UsageError
from profiler.fleet.host_side import lock
from profiler.fleet.host_side.collect import collect
from profiler.fleet.host_side.job_folder import JobFolder, folder_of
from profiler.fleet.host_side.start import start
from profiler.fleet.host_side.supervise import supervise
from profiler.fleet.host_side.wait import cancel, wait
from profiler.fleet.messages import Job, StartRequest, WaitRequest
from profiler.timing.clock import SystemClock

JOB = Job(plan="0" * 16, name="cell.1")
TOLD = {"fleet": "lab", "plan": "p-1", "cell": "cell.1", "user": "ada", "since": "now"}


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv(lock.VARIABLE, str(tmp_path / "lock"))


def _called(verb: str, request: msgspec.Struct) -> dict[str, str]:
    """What the command answers, as a controller calls it."""
    words = [AFORO, "fleet-host", verb]
    done = subprocess.run(words, input=msgspec.json.encode(request), capture_output=True, check=True)
    answer: dict[str, str] = msgspec.json.decode(done.stdout)
    return answer


def asked(**more: object) -> StartRequest:
    return StartRequest(job=JOB, fleet="lab", command=["metrics"], limit_s=300, **more)  # type: ignore[arg-type]


def test_the_lock_is_had_by_one_and_says_by_whom() -> None:
    assert lock.holder() is None
    held = lock.take(TOLD)
    assert held is not None
    assert lock.take({}) is None
    sentence = "the plan lab of ada measures its cell cell.1 there since now"
    assert lock.holder() == (sentence, Job(plan="p-1", name="cell.1"))
    os.close(held)
    assert lock.holder() is None
    again = lock.take(TOLD)
    assert again is not None
    os.close(again)


def test_whoever_only_looks_who_measures_keeps_nobody_from_measuring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lock").touch()
    looking = os.open(tmp_path / "lock", os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    monkeypatch.setattr(SystemClock, "sleep", lambda clock, rest_s: fcntl.flock(looking, fcntl.LOCK_UN))
    held = lock.take(TOLD)
    assert held is not None
    os.close(held)
    os.close(looking)


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        lock.take(TOLD)
    assert not (tmp_path / "elsewhere").exists()


def test_a_job_runs_to_its_end_by_itself_and_is_begun_once() -> None:
    begun = [_called("start", asked()) for _ in range(2)]
    assert begun[0]["state"] == "started"
    assert begun[1]["state"] in {"running", "ended"}
    there = wait(WaitRequest(job=JOB, for_s=300), lambda line: None, SystemClock())
    assert (there.state, there.exit_code, there.is_over_limit) == ("ended", 0, False)
    assert lock.holder() is None
    out = io.BytesIO()
    collect(JOB, out)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        assert tar.getnames() == ["hashes.json", "stdout.txt", "stderr.txt"]


def test_a_machine_that_is_taken_begins_nothing() -> None:
    held = lock.take(TOLD)
    assert held is not None
    answer = start(asked())
    os.close(held)
    assert answer.state == "busy"
    assert "the plan lab of ada" in answer.sentence
    assert folder_of(JOB).look().state == "absent"


def test_a_job_whose_supervisor_is_gone_has_vanished() -> None:
    folder = folder_of(JOB)
    alive = folder.create()
    assert folder.look().state == "running"
    os.close(alive)
    assert folder.look().state == "vanished"


def test_a_job_that_is_running_is_not_collected() -> None:
    alive = folder_of(JOB).create()
    with pytest.raises(UsageError, match="is running: there is nothing to be collected yet"):
        collect(JOB, io.BytesIO())
    os.close(alive)


@pytest.mark.parametrize("job", [Job(plan="..", name="x"), Job(plan="p", name="../x"), Job(plan="p/q", name="x")])
def test_jobs_stay_in_their_folder(job: Job) -> None:
    with pytest.raises(UsageError, match="has no name that a folder could have"):
        folder_of(job)


@pytest.mark.parametrize("name", ["../x", "/tmp/x"])  # noqa: S108 - it must not be written
def test_files_of_workloads_stay_in_the_folder_of_their_job(name: str) -> None:
    with pytest.raises(UsageError, match="would lie outside the folder of its job"):
        start(asked(files={name: b"x"}))


def waited_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)


def stubborn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> JobFolder:
    """A job whose run sleeps until it is interrupted, and then says so."""
    program = folder / "sleeper"
    program.write_text("#!/bin/sh\ntrap 'echo interrupted >&2; exit 130' INT\n: > ready\nwhile :; do sleep 0.1; done\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    job = folder_of(JOB)
    os.close(job.create())
    return job


def test_a_run_is_ended_as_by_ctrl_c_when_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Also where Ctrl-C was ignored by whoever called Aforo, as of a command in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    job = stubborn(tmp_path, monkeypatch)

    class OverOnceReady(SystemClock):
        def monotonic_ns(self) -> int:
            return 301 * 10**9 if (job.path / "ready").exists() else 0

    supervise(job, [], 300, [], OverOnceReady())
    there = job.look()
    assert (there.exit_code, there.is_over_limit, there.sentence) == (130, True, "interrupted")


def test_a_run_is_limited_by_itself_too_should_its_supervisor_be_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "teller"
    program.write_text(
        f"#!{sys.executable}\nimport signal\nprint(signal.getitimer(signal.ITIMER_REAL)[0],"
        " signal.getsignal(signal.SIGALRM) is signal.SIG_DFL)\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    job = folder_of(JOB)
    os.close(job.create())
    supervise(job, [], 5000, [], SystemClock())
    left_s, is_fatal = job.printed.read_text().split()
    assert 5000 < float(left_s) <= 5000 + 2 * 90  # the supervisor asks at the limit, and kills 90 s later
    assert is_fatal == "True"


def test_a_run_is_ended_when_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = stubborn(tmp_path, monkeypatch)
    asking = threading.Thread(target=lambda: (waited_for(job.path / "ready"), cancel(JOB)))
    asking.start()
    supervise(job, [], 300, [], SystemClock())
    there = job.look()
    assert (there.exit_code, there.is_over_limit, there.sentence) == (130, False, "interrupted")
