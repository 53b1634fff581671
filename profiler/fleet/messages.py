"""What controller and hosts say to one another: JSON, one object per call, either way."""

from typing import Literal, TypeVar

import msgspec

PROTOCOL = 1
"""Raised with every change that the other side would not understand."""

JobState = Literal["absent", "running", "ended", "vanished"]


class Job(msgspec.Struct, kw_only=True):
    """A cell that was begun, by the plan's digest and the name of the attempt; its folder on the host is named so."""

    plan: str
    name: str


class CheckRequest(msgspec.Struct, kw_only=True):
    """Before anything is measured: what is there, and what became of jobs."""

    protocol: int = PROTOCOL
    models: list[str] = []  # to be found, or made
    jobs: list[Job] = []


class ModelThere(msgspec.Struct, kw_only=True):
    """A model on the host."""

    sha256: str | None = None
    problem: str | None = None


class JobThere(msgspec.Struct, kw_only=True):
    """A job on the host; `vanished`: it was begun, and the machine was restarted or it was killed."""

    state: JobState
    exit_code: int | None = None  # of `aforo run`
    lasted_s: float | None = None
    is_over_limit: bool = False
    sentence: str = ""  # the last thing that it said


class CheckAnswer(msgspec.Struct, kw_only=True):
    """What a host is and has."""

    protocol: int = PROTOCOL
    version: str
    code_sha256: str | None = None  # of the code itself: a version under work stands for many
    node: str
    architecture: str
    machine_id: str | None = None  # stays over restarts
    boot_id: str | None = None  # the same for all users, containers and network namespaces of one running kernel
    free_disk_bytes: int
    advice: list[str] = []  # of `aforo host check`
    models: dict[str, ModelThere] = {}
    jobs: dict[str, JobThere] = {}  # by name
    measuring: str | None = None  # a sentence, where somebody measures there
    measured_job: Job | None = None  # what is measured, where that is known


class StartRequest(msgspec.Struct, kw_only=True):
    """Begin a job; one that was begun before is only told of."""

    job: Job
    fleet: str  # the plan's id, to be told to others
    command: list[str]  # words behind `aforo`
    limit_s: float
    files: dict[str, bytes] = {}  # of workloads that are not shipped; the command runs beside them
    environment: dict[str, str] = {}  # never written down


class StartAnswer(msgspec.Struct, kw_only=True):
    """What came of it; `busy`: another measurement has the machine."""

    state: Literal["started", "running", "ended", "vanished", "busy"]
    sentence: str = ""


class WaitRequest(msgspec.Struct, kw_only=True):
    """Wait for a job to end. Answered by `JobThere`."""

    job: Job
    for_s: float


class JobRequest(msgspec.Struct, kw_only=True):
    """Collect what a job left (answered by a tar), or end it as Ctrl-C does (answered by `JobThere`)."""

    job: Job


T = TypeVar("T")


def decoded(data: bytes, kind: type[T]) -> T:
    """Read a message. Raises `ValueError`."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error
