"""Real processes, real signals: no server outlives its run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from profiler.errors import ServerDiedError, ServerStartError
from profiler.servers.process import ServerProcess

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]
WITH_CHILD = [
    sys.executable,
    "-c",
    "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(p.pid, flush=True); time.sleep(600)",
]


def wait_for_log(log: Path, timeout_s: float = 60.0) -> str:
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        if log.exists() and (text := log.read_text()).endswith("\n"):
            return text
        time.sleep(0.02)
    raise AssertionError("the server printed nothing")


def is_gone(pid: int, timeout_s: float = 60.0) -> bool:
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_a_server_is_started_logged_and_stopped(tmp_path: Path) -> None:
    server = ServerProcess(SLEEP, tmp_path / "log", {})
    assert wait_for_log(tmp_path / "log") == "up\n"
    server.check_alive()
    server.stop()
    assert is_gone(server.pid)
    server.stop()  # twice does no harm


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no process can be pinned on this system")
def test_a_server_and_what_it_starts_stay_on_their_processors(tmp_path: Path) -> None:
    usable = sorted(os.sched_getaffinity(0))
    server = ServerProcess(WITH_CHILD, tmp_path / "log", {}, cpus=usable[-1:])
    child = int(wait_for_log(tmp_path / "log"))
    assert os.sched_getaffinity(server.pid) == os.sched_getaffinity(child) == {usable[-1]}
    server.stop()
    assert os.sched_getaffinity(0) == set(usable)


def test_what_a_server_started_is_stopped_with_it(tmp_path: Path) -> None:
    server = ServerProcess(WITH_CHILD, tmp_path / "log", {})
    child = int(wait_for_log(tmp_path / "log"))
    server.stop()
    assert is_gone(server.pid)
    assert is_gone(child)


def test_a_server_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    server = ServerProcess(STUBBORN, tmp_path / "log", {})
    wait_for_log(tmp_path / "log")
    server.stop()
    assert is_gone(server.pid)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("print('out of cheese'); raise SystemExit(3)", "exit code 3"),
        (
            "import os; print('boom', flush=True); os.kill(os.getpid(), 4)",
            "instructions that this CPU lacks.* Build it anew\\)",
        ),
        ("import os; print('oom', flush=True); os.kill(os.getpid(), 9)", "memory ran out"),
    ],
)
def test_a_server_that_ends_by_itself_is_explained(tmp_path: Path, code: str, says: str) -> None:
    server = ServerProcess([sys.executable, "-c", code], tmp_path / "log", {}, remedy="Build it anew.")
    with pytest.raises(ServerDiedError, match=says) as caught:
        for _ in range(1200):
            server.check_alive()
            time.sleep(0.05)
    assert (tmp_path / "log").read_text().strip() in str(caught.value)
    server.stop()


def test_a_command_that_does_not_exist_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ServerStartError, match="could not be started"):
        ServerProcess(["/no/such/program"], tmp_path / "log", {})


def test_a_profiler_that_is_killed_takes_its_server_along(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from profiler.servers.process import ServerProcess\n"
        f"server = ServerProcess({WITH_CHILD!r}, Path({str(tmp_path / 'log')!r}), {{}})\n"
        "print(server.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as profiler:
        assert profiler.stdout is not None
        server = int(profiler.stdout.readline())
        child = int(wait_for_log(tmp_path / "log"))
        profiler.kill()
    assert is_gone(server)
    assert is_gone(child)


def worker(starts: str) -> list[str]:
    """A server whose worker ignores every signal that it can, and is started so."""
    code = (
        "import ctypes, os, signal, sys, time\n"
        "for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)\n"
        f"{starts}\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(600)"
    )
    return [
        sys.executable,
        "-c",
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {code!r}]); time.sleep(600)",
    ]


# What engines do with their workers: leave them in the group, give them a group or a session of their own, start them
# by way of a process that ends, and write a title over their environment (setproctitle, by which vLLM names its own).
WORKERS = {
    "plain": worker(""),
    "group": worker("os.setpgid(0, 0)"),
    "session": worker("os.setsid()"),
    "orphan": worker("if os.fork(): os._exit(0)"),
    "daemon": worker("if os.fork(): os._exit(0)\nos.setsid()"),
    "title": worker(
        "start = int(open('/proc/self/stat').read().rpartition(')')[2].split()[47])\n"
        "end = int(open('/proc/self/stat').read().rpartition(')')[2].split()[48])\n"
        "ctypes.memset(start, 0, end - start)\n"
        "assert not open('/proc/self/environ', 'rb').read().strip(b'\\0')"
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="the processes of a server are found by /proc")
@pytest.mark.parametrize("killed", ["warden", "profiler", "warden and profiler", "server", "keeper and profiler"])
@pytest.mark.parametrize("kind", WORKERS)
def test_no_worker_outlives_its_run_whoever_is_killed(tmp_path: Path, kind: str, killed: str) -> None:
    code = (
        "import sys, time; from pathlib import Path; from profiler.servers.process import ServerProcess\n"
        f"server = ServerProcess({WORKERS[kind]!r}, Path({str(tmp_path / 'log')!r}), {{}})\n"
        "print(server.pid, server._warden.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as profiler:
        assert profiler.stdout is not None
        server, warden = (int(word) for word in profiler.stdout.readline().split())
        child = int(wait_for_log(tmp_path / "log"))
        (keeper,) = (
            each.pid for each in psutil.Process(warden).children() if "profiler.servers.keeper" in each.cmdline()
        )
        numbers = {"warden": warden, "profiler": profiler.pid, "server": server, "keeper": keeper}
        for name in killed.split(" and "):
            os.kill(numbers[name], signal.SIGKILL)
        assert is_gone(child)
        assert is_gone(server)
        profiler.kill()
    assert is_gone(warden)
    assert is_gone(keeper)


def test_a_server_that_ends_as_it_should_leaves_neither_warden_nor_keeper(tmp_path: Path) -> None:
    server = ServerProcess(WITH_CHILD, tmp_path / "log", {})
    wait_for_log(tmp_path / "log")
    keepers = [each.pid for each in psutil.Process(server._warden.pid).children()]
    server.stop()
    assert len(keepers) == 2  # the server and the keeper
    assert all(is_gone(pid, 0.1) for pid in keepers)


def test_a_server_inherits_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "LLAMA_ARG_API_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "s3cr3t")
    monkeypatch.setenv("LLAMA_ARG_THREADS", "2")
    code = "import os; print(' '.join(sorted(os.environ)), 's3cr3t' in str(os.environ), flush=True)"
    server = ServerProcess([sys.executable, "-c", code], tmp_path / "log", {"OUR_OWN": "1"})
    *names, holds_one = wait_for_log(tmp_path / "log").split()
    server.stop()
    assert holds_one == "False"
    assert {"PATH", "LLAMA_ARG_THREADS", "OUR_OWN"} <= set(names)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent's death")
def test_a_warden_that_is_killed_takes_the_server_along(tmp_path: Path) -> None:
    server = ServerProcess(SLEEP, tmp_path / "log", {})
    wait_for_log(tmp_path / "log")
    os.kill(psutil.Process(server.pid).ppid(), signal.SIGKILL)
    assert is_gone(server.pid)
    with pytest.raises(ServerDiedError, match="supervisor process was killed"):
        for _ in range(3000):
            server.check_alive()
            time.sleep(0.02)
    server.stop()
