"""What every client is asked to do, what is kept of its records, and how its process is run and weighed."""

import os
import pty
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from profiler.units import NS_PER_S

_LOOK_S = 0.25
_GRACE_S = 10.0
_TAIL_LINES = 15

Api = Literal["chat", "completions"]


class BenchmarkError(SystemExit):
    """A run gave no result; the message says why. Uncaught, it ends the benchmark with that sentence."""


@dataclass(frozen=True)
class Load:
    """Requests to send: so many in flight at any time, or so many a second."""

    duration_s: float
    output_tokens: int
    concurrency: int = 1
    rate_rps: float | None = None  # given: open loop, and `concurrency` is not used
    arrivals: Literal["constant", "poisson"] = "constant"
    prompt_tokens: int = 32
    api: Api = "chat"
    count: int | None = None  # given: it ends after so many requests, and `duration_s` is not used
    most_rps: float = 400  # closed loop: no server answers more, so that all requests can be made beforehand

    @property
    def requests(self) -> int:
        """How many requests to prepare: exact for an open loop, more than enough for a closed one."""
        return round(self.duration_s * (self.most_rps if self.rate_rps is None else self.rate_rps))


class Seen(NamedTuple):
    """One request in a client's own records. Durations are the ones that this client reports to its user."""

    identity: int | None  # the number in the server's response id, where the client keeps it
    sent_ns: int | None  # CLOCK_MONOTONIC, where the client tells
    ttft_ns: float | None = None  # None: the request did not succeed, or does not count (warm-up)
    mean_itl_ns: float | None = None
    e2e_ns: float | None = None
    events_ns: Sequence[float] | None = None  # arrival of each event with text, after the sending


Records = dict[str, list[Seen]]
"""Requests per way of stamping, the client's usual one first."""


class Client(Protocol):
    """A load generator that can be run as a command."""

    name: str
    version: str

    def command(self, load: Load, url: str, model: str, folder: Path, *, detailed: bool) -> list[str]:
        """The command line; what it writes goes below `folder`. `detailed`: with all that `read` needs."""
        ...

    def environment(self) -> Mapping[str, str]:
        """Variables to set for it."""
        ...

    def read(self, folder: Path) -> Records:
        """Every request that it recorded in detail."""
        ...


@dataclass
class Usage:
    """Processor time of a process tree over time."""

    samples: list[tuple[int, float]] = field(default_factory=list)  # (monotonic ns, CPU s since its start)
    total_cpu_s: float = 0.0  # at its end
    children_cpu_s: dict[int, float] = field(default_factory=dict)

    def look(self, root: int) -> None:
        """Take a sample. A process that has ended keeps what it had used when last seen."""
        for pid in tree(root):
            if (cpu_s := cpu_seconds(pid)) is not None:
                self.children_cpu_s[pid] = max(cpu_s, self.children_cpu_s.get(pid, 0.0))
        self.samples.append((time.monotonic_ns(), sum(self.children_cpu_s.values())))

    def at_s(self, t_ns: int) -> float:
        """CPU seconds used up to an instant, between samples by interpolation."""
        earlier = [sample for sample in self.samples if sample[0] <= t_ns]
        later = [sample for sample in self.samples if sample[0] > t_ns]
        if not earlier:
            return 0.0
        if not later:
            return earlier[-1][1]
        (before_ns, before_s), (after_ns, after_s) = earlier[-1], later[0]
        return before_s + (after_s - before_s) * (t_ns - before_ns) / (after_ns - before_ns)


def tree(root: int) -> list[int]:
    """Process ids of a process and all that it started and that are still its descendants (Linux)."""
    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        raise BenchmarkError("This kernel does not tell which processes a process has started (CONFIG_PROC_CHILDREN).")
    found = [root]
    for pid in found:  # grows while it is walked
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text("ascii").split()]
            except OSError:
                continue
    return found


def cpu_seconds(pid: int) -> float | None:
    """User and system time of a process, its ended children left out (proc(5): fields 14 and 15)."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def run(
    client: Client,
    load: Load,
    url: str,
    model: str,
    folder: Path,
    *,
    detailed: bool = True,
    weigh: bool = False,
    startup_s: float = 240.0,
) -> Usage:
    """Run a client to its end. Raises `BenchmarkError` with the end of its log when it fails or takes too long."""
    folder.mkdir(parents=True, exist_ok=True)
    log_path = folder / "client.log"
    command = client.command(load, url, model, folder, detailed=detailed)
    usage = Usage()
    deadline_s = time.monotonic() + load.duration_s + startup_s
    with _terminal(log_path) if weigh else _file(log_path) as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **client.environment()},
            start_new_session=True,
        )
        try:
            status, rusage = _wait(process, usage if weigh else None, deadline_s)
        except BaseException:
            _signal(process, signal.SIGKILL)
            raise
    usage.total_cpu_s = max(rusage.ru_utime + rusage.ru_stime, usage.samples[-1][1] if usage.samples else 0.0)
    if status not in {0, 3}:  # 3: Aforo calls its own run invalid; the records are there all the same
        tail = log_path.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:]
        raise BenchmarkError(f"{client.name} ended with {status}. The end of what it said:\n  " + "\n  ".join(tail))
    return usage


def _wait(
    process: "subprocess.Popen[bytes]", usage: Usage | None, deadline_s: float
) -> tuple[int | str, resource.struct_rusage]:
    """Return the exit code, or what was done to it, and the resources of the process and its descendants."""
    fate: int | str | None = None
    while time.monotonic() < deadline_s + 2 * _GRACE_S:
        pid, status, rusage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return (process.returncode if fate is None else fate), rusage
        if time.monotonic() > deadline_s:
            late = time.monotonic() > deadline_s + _GRACE_S
            _signal(process, signal.SIGKILL if late else signal.SIGTERM)
            fate = "a time-out"
        if usage is not None:
            usage.look(process.pid)
        time.sleep(_LOOK_S)
    raise BenchmarkError(f"Process {process.pid} does not end, even after SIGKILL.")


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    """Signal a client and what it started in its session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@contextmanager
def _file(log_path: Path) -> Iterator[int]:
    with log_path.open("wb") as log:
        yield log.fileno()


@contextmanager
def _terminal(log_path: Path) -> Iterator[int]:
    """A terminal whose output goes to the log, so that progress is drawn as for a person who watches."""
    ours, theirs = pty.openpty()
    reader = threading.Thread(target=_drain, args=(ours, log_path), daemon=True)
    reader.start()
    try:
        yield theirs
    finally:
        os.close(theirs)
        reader.join(_GRACE_S)
        os.close(ours)


def _drain(fd: int, log_path: Path) -> None:
    with log_path.open("ab", buffering=0) as log:
        while True:
            try:
                data = os.read(fd, 65_536)
            except OSError:  # EIO: nobody holds the other end any more
                return
            if not data:
                return
            log.write(data)


def window_usage(usage: Usage, start_ns: int, end_ns: int) -> tuple[float, float]:
    """Return cores busy within a window, and CPU seconds from its start to the client's end."""
    in_window_s = usage.at_s(end_ns) - usage.at_s(start_ns)
    return in_window_s * NS_PER_S / (end_ns - start_ns), usage.total_cpu_s - usage.at_s(start_ns)
