"""Hosts that exist only here: they answer as `aforo fleet-host` does, and misbehave by chance that can be repeated."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import BinaryIO

import msgspec
from support.stored_runs import GOLDEN

from profiler import __version__
from profiler.errors import HostLostError, InterruptedRunError, RecordError
from profiler.fleet.around import Around
from profiler.fleet.host_side.collect import LIST
from profiler.fleet.messages import (
    CheckAnswer,
    CheckRequest,
    JobRequest,
    JobThere,
    ModelThere,
    StartAnswer,
    StartRequest,
    WaitRequest,
    decoded,
)
from profiler.fleet.schema import Host
from profiler.fleet.state import StateFile
from profiler.fleet.transport import Answer
from profiler.fleet.watch import Silent

GIB = 2**30
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class Killed(BaseException):
    """The controller is gone, as by SIGKILL: nothing of it runs on."""


class FakeClock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic_ns(self) -> int:
        return int(self.now_s * 1e9)

    def utc(self) -> datetime:
        return BEGAN + timedelta(seconds=self.now_s)

    def sleep(self, duration_s: float) -> None:
        self.now_s += duration_s


@dataclass
class FakeJob:
    """What a host has of a job."""

    cell: str
    outcome: str  # VALID, INVALID, failed, over limit
    ends_s: float
    lasted_s: float
    has_vanished: bool = False
    plan: str = ""  # of its name
    is_cancelled: bool = False


@dataclass
class FakeHost:
    """One machine, which survives whoever calls it."""

    name: str
    jobs: dict[str, FakeJob] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)  # names of jobs, in order
    boot_id: str = ""
    machine_id: str = ""
    version: str = __version__
    code_sha256: str | None = None
    free_disk_bytes: int = 100 * GIB
    model_sha256: str = "a" * 64
    measuring: str | None = None
    commands: list[list[str]] = field(default_factory=list)
    environments: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Faults:
    """How likely what goes wrong is, each time that it can."""

    lost_before: float = 0.0  # the call never gets there
    lost_after: float = 0.0  # it gets there, and its answer does not come back
    gone: float = 0.0  # of a call: the host is not reached until the next call of the controller
    vanished: float = 0.0  # of a job: its host is restarted in the middle of it
    invalid: float = 0.0
    failed: float = 0.0
    disk_full_there: float = 0.0
    disk_full_here: float = 0.0
    damaged: float = 0.0  # of what is collected
    killed: float = 0.0  # of a line of the state: the controller is killed within it


def at_once(task: Callable[[], None]) -> "Future[None]":
    """Do a task now, in place of beginning a thread."""
    future: Future[None] = Future()
    try:
        task()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(None)
    return future


class World:
    """All hosts of a plan, and chance."""

    def __init__(self, seed: int = 0, faults: Faults | None = None) -> None:
        self.random = Random(seed)  # noqa: S311 - chance that can be repeated
        self.faults = faults or Faults()
        self.clock = FakeClock()
        self.hosts: dict[str, FakeHost] = {}
        self.gone: set[str] = set()
        self.is_dead = False
        self.duration_s: Callable[[], float] = lambda: self.random.uniform(10, 600)
        self.interrupts_at: int | None = None  # at this look for a signal
        self.looks = 0

    def around(self, **more: object) -> Around:
        self.gone, self.is_dead = set(), False
        return Around(Silent(), self.clock, self.tick, self.connect, begin=at_once, **more)  # type: ignore[arg-type]

    def tick(self) -> None:
        self.looks += 1
        if self.interrupts_at is not None and self.looks >= self.interrupts_at:
            self.interrupts_at = None
            raise InterruptedRunError(2)

    def connect(self, host: Host) -> "FakeTransport":
        known = self.hosts.setdefault(host.name, FakeHost(host.name, boot_id=host.name, machine_id=host.name))
        return FakeTransport(self, known)

    def happens(self, likely: float) -> bool:
        return likely > 0 and self.random.random() < likely

    def die_within_lines(self, monkeypatch: object) -> None:
        """From now on, some line of a state is the last thing that a controller does, cut off anywhere."""
        whole, world = StateFile._append, self

        def append(file: StateFile, line: bytes) -> None:
            if world.is_dead:
                raise Killed
            if world.happens(world.faults.killed):
                world.is_dead = True
                with file.path.open("ab") as rest:
                    rest.write(line[: world.random.randrange(len(line) + 1)])
                raise Killed
            whole(file, line)

        monkeypatch.setattr(StateFile, "_append", append)  # type: ignore[attr-defined]

    def ended(self, job: FakeJob) -> bool:
        return job.has_vanished or self.clock.now_s >= job.ends_s


class FakeTransport:
    """The way to a host that exists only here."""

    name = "fake"

    def __init__(self, world: World, host: FakeHost) -> None:
        self.world, self.host = world, host

    def close(self) -> None:
        pass

    def call(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout_s: float,
        output: BinaryIO | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Answer:
        world, faults = self.world, self.world.faults
        if world.is_dead:
            raise Killed
        if world.happens(faults.gone):
            world.gone.add(self.host.name)
        if self.host.name in world.gone or world.happens(faults.lost_before):
            world.clock.sleep(timeout_s)
            raise HostLostError("Nothing came.")
        answer = self._answer(argv[-1], stdin, output)
        if world.happens(faults.lost_after):
            raise HostLostError("The connection has ended.")
        return answer

    def _answer(self, verb: str, stdin: bytes, output: BinaryIO | None) -> Answer:
        if verb == "collect":
            assert output is not None
            job = self.host.jobs[decoded(stdin, JobRequest).job.name]
            data = _tar(job)
            if self.world.happens(self.world.faults.disk_full_here):
                raise RecordError("No space left on device.")
            if self.world.happens(self.world.faults.damaged):
                data = data[: self.world.random.randrange(len(data))]
            output.write(data)
            return Answer(0, b"", "")
        made = {"check": self._check, "start": self._start, "wait": self._wait, "cancel": self._cancel}[verb](stdin)
        return made if isinstance(made, Answer) else Answer(0, msgspec.json.encode(made), "")

    def _check(self, stdin: bytes) -> CheckAnswer:
        asked, host = decoded(stdin, CheckRequest), self.host
        return CheckAnswer(
            version=host.version,
            code_sha256=host.code_sha256,
            node=host.name,
            architecture="x86_64",
            machine_id=host.machine_id,
            boot_id=host.boot_id,
            free_disk_bytes=host.free_disk_bytes,
            models={model: ModelThere(sha256=host.model_sha256) for model in asked.models},
            jobs={job.name: self._there(job.name) for job in asked.jobs},
            measuring=host.measuring,
        )

    def _start(self, stdin: bytes) -> StartAnswer | Answer:
        asked, world = decoded(stdin, StartRequest), self.world
        name = asked.job.name
        if name in self.host.jobs and self.host.jobs[name].plan == asked.job.plan:
            return StartAnswer(state=self._there(name).state)  # type: ignore[arg-type]
        if self.host.measuring is not None or any(not world.ended(job) for job in self.host.jobs.values()):
            return StartAnswer(state="busy", sentence=self.host.measuring or "a job is under way there")
        if world.happens(world.faults.disk_full_there):
            return Answer(1, b"", "aforo: No space left on device.")
        likely = world.faults
        outcome = "INVALID" if world.happens(likely.invalid) else "failed" if world.happens(likely.failed) else "VALID"
        lasted_s = world.duration_s()
        if lasted_s > asked.limit_s:
            outcome, lasted_s = "over limit", asked.limit_s
        self.host.started.append(name)
        self.host.commands.append(asked.command)
        self.host.environments.append(asked.environment)
        has_vanished = world.happens(likely.vanished)
        self.host.jobs[name] = FakeJob(
            name.rpartition(".")[0], outcome, world.clock.now_s + lasted_s, lasted_s, has_vanished, asked.job.plan
        )
        return StartAnswer(state="started")

    def _wait(self, stdin: bytes) -> JobThere:
        asked = decoded(stdin, WaitRequest)
        job = self.host.jobs.get(asked.job.name)
        if job is not None and not job.has_vanished:
            self.world.clock.now_s = max(self.world.clock.now_s, min(job.ends_s, self.world.clock.now_s + asked.for_s))
        return self._there(asked.job.name)

    def _cancel(self, stdin: bytes) -> JobThere:
        job = self.host.jobs[decoded(stdin, JobRequest).job.name]
        if not self.world.ended(job):
            job.is_cancelled, job.ends_s, job.outcome = True, self.world.clock.now_s, "cancelled"
        return self._there(decoded(stdin, JobRequest).job.name)

    def _there(self, name: str) -> JobThere:
        job = self.host.jobs.get(name)
        if job is None:
            return JobThere(state="absent")
        if job.has_vanished:
            return JobThere(state="vanished")
        if not self.world.ended(job):
            return JobThere(state="running")
        code = {"VALID": 0, "INVALID": 3, "failed": 1}.get(job.outcome, 130)
        is_over = job.outcome == "over limit"
        return JobThere(
            state="ended", exit_code=code, lasted_s=job.lasted_s, is_over_limit=is_over, sentence=job.outcome
        )


@cache
def _run_json() -> bytes:
    return (GOLDEN / "run.json").read_bytes()


@cache
def _summary_json(level: str) -> bytes:
    document = json.loads((GOLDEN / "summary.json").read_bytes())
    document["verdict"]["level"] = level
    return json.dumps(document).encode()


def _tar(job: FakeJob) -> bytes:
    """What a host hands over: nothing but words of a job that came to no run."""
    files = {"stderr.txt": job.outcome.encode()}
    if job.outcome in {"VALID", "INVALID"} and not job.has_vanished:
        files |= {"a-run/run.json": _run_json(), "a-run/summary.json": _summary_json(job.outcome)}
    return packed(files)


def packed(files: dict[str, bytes], hashes: dict[str, str] | None = None) -> bytes:
    """Files as a tar with their hashes, or with others."""
    listed = hashes or {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w|gz") as tar:
        for name, data in {LIST: json.dumps(listed).encode(), **files}.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            tar.addfile(about, io.BytesIO(data))
    return out.getvalue()


PLAN = """\
id: made-up
hosts: [{hosts}]
models: [{models}]
workloads: [smoke]
rounds: {rounds}
limits: {{silence_s: 5}}
"""


def plan_text(hosts: int, models: int = 1, rounds: int = 1, more: str = "") -> str:
    """A plan of so many hosts, each with models × rounds cells."""
    quants = ["Q8_0", "Q4_0", "F16", "Q4_1", "Q4_K_M"]
    return (
        PLAN.format(
            hosts=", ".join(f"{{name: h{number}}}" for number in range(hosts)),
            models=", ".join(f'"synthetic:tiny-1m/{quants[number]}"' for number in range(models)),
            rounds=rounds,
        )
        + more
    )
