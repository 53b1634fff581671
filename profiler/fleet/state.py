"""The state of a plan: a journal of what happened, one JSON line each, from which everything else is computed.

A line is written whole and is on the disk before the next thing happens, so a controller that is killed at any byte
leaves a state that can be read: what was cut off is the last line, and that is passed over.
"""

import fcntl
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec
from pydantic import ValidationError

from profiler.errors import RecordError, RunFolderError, UsageError
from profiler.files import is_locked, reading
from profiler.fleet.messages import Job
from profiler.fleet.schema import FleetPlan

FILE = "fleet.jsonl"
_CLOSED = -1
Outcome = Literal["VALID", "INVALID", "failed", "over limit", "cancelled", "lost"]


class PlannedCell(msgspec.Struct, kw_only=True):
    """A cell of the plan, in words."""

    key: str
    host: str
    model: str
    workload: str
    setting: str
    round: int


class Price(msgspec.Struct, kw_only=True):
    """What an hour of a host costs."""

    per_hour: float
    currency: str


class Planned(msgspec.Struct, kw_only=True, tag="planned"):
    """A controller has begun, or gone on, with a plan."""

    at: str
    sha256: str
    version: str
    plan: dict[str, Any]
    cells: list[PlannedCell] = []  # in the order of measuring
    prices: dict[str, Price] = {}  # by host, as far as known


class HostSeen(msgspec.Struct, kw_only=True, tag="host"):
    """A host was ready."""

    at: str
    host: str
    machine_id: str | None = None
    boot_id: str | None = None
    node: str | None = None
    architecture: str | None = None
    models: dict[str, str] = {}  # hashes by name


class Begun(msgspec.Struct, kw_only=True, tag="begun"):
    """A cell is about to be begun on its host: from here on it may be running there."""

    at: str
    cell: str
    host: str
    attempt: int
    plan: str  # digest, as in the name of the job
    token: str = ""  # made up for this attempt: the same plan in another folder has other jobs

    @property
    def job(self) -> Job:
        """What the host knows it as."""
        plan = "-".join(filter(None, [self.plan[:16], self.token]))
        return Job(plan=plan, name=f"{self.cell}.{self.attempt}")


class Ended(msgspec.Struct, kw_only=True, tag="ended"):
    """What came of it; where something was collected, it is whole in its folder by now."""

    at: str
    cell: str
    host: str
    attempt: int
    outcome: Outcome
    lasted_s: float | None = None  # on its host
    held_s: float = 0.0  # from its beginning until it was collected: what is paid for
    folder: str | None = None  # of what was collected, below that of the state
    sentence: str = ""


class NotBegun(msgspec.Struct, kw_only=True, tag="not begun"):
    """A cell that was not begun, since it might have gone beyond a limit of the plan."""

    at: str
    cell: str
    host: str
    sentence: str


class HostGone(msgspec.Struct, kw_only=True, tag="lost"):
    """A host was lost: what it was at is not known, and its other cells wait for it."""

    at: str
    host: str
    sentence: str


class Stopped(msgspec.Struct, kw_only=True, tag="stopped"):
    """The controller has come to its end; why, where that was not the end of the plan."""

    at: str
    sentence: str = ""


Event = Planned | HostSeen | Begun | Ended | NotBegun | HostGone | Stopped
_DECODER = msgspec.json.Decoder(Event)


class State:
    """The journal, and what it says so far."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        """Take what happened."""
        self.events: list[Event] = []
        self.planned: Planned | None = None
        self.hosts: dict[str, HostSeen] = {}
        self.begun: dict[str, list[Begun]] = {}
        self.ended: dict[str, list[Ended]] = {}
        self.refused: dict[str, NotBegun] = {}
        self.gone: dict[str, HostGone] = {}
        self.stopped: Stopped | None = None
        self.open_jobs: dict[str, dict[tuple[str, int], Begun]] = {}
        for event in events:
            self.take(event)

    def take(self, event: Event) -> None:
        """Take one more thing that happened."""
        self.events.append(event)
        match event:
            case Planned():
                self.planned, self.stopped, self.gone, self.refused = event, None, {}, {}
            case HostSeen():
                self.hosts[event.host] = event
                self.gone.pop(event.host, None)
            case Begun():
                self.begun.setdefault(event.cell, []).append(event)
                self.open_jobs.setdefault(event.host, {})[event.cell, event.attempt] = event
            case Ended():
                self.ended.setdefault(event.cell, []).append(event)
                self.open_jobs.get(event.host, {}).pop((event.cell, event.attempt), None)
            case NotBegun():
                self.refused[event.cell] = event
            case HostGone():
                self.gone[event.host] = event
            case Stopped():
                self.stopped = event

    def is_valid(self, cell: str) -> bool:
        """Whether a cell was measured, and is to be believed."""
        return any(each.outcome == "VALID" for each in self.ended.get(cell, []))

    def attempts(self, cell: str) -> int:
        """How often a cell was begun."""
        return max((each.attempt for each in self.begun.get(cell, [])), default=0)

    def open_jobs_of(self, host: str) -> list[Begun]:
        """Return what was begun, and is not known to have ended: it may be running, or be over, on its host."""
        return list(self.open_jobs.get(host, {}).values())


class StateFile:
    """A state that is written down: one controller at a time, whole lines only. Closed at the end of `with`."""

    def __init__(self, folder: Path) -> None:
        """Open the state of a folder, made where it is not there, for this controller alone.

        Raises `UsageError` where another controller has it, `RecordError` where it cannot be written.
        """
        self.path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise RecordError(
                f"Cannot write {self.path}: {error.strerror}. Pass --out with a folder that you may write in."
            ) from error
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._handle)
            raise UsageError(
                f"Another 'aforo fleet' works with {folder} at this moment. Wait for it, or pass another --out."
            ) from None
        self._one_at_a_time = threading.Lock()
        self.state = read(folder)
        self._cut_off_rest()

    def __enter__(self) -> "StateFile":
        """Go on."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file, and let others have it; a thread that was given up writes into nothing opened later."""
        with self._one_at_a_time:
            handle, self._handle = self._handle, _CLOSED
        os.close(handle)

    def write(self, event: Event) -> None:
        """Write down what happened. Raises `RecordError`."""
        line = msgspec.json.encode(event) + b"\n"
        with self._one_at_a_time:
            self._append(line)
            self.state.take(event)

    def _append(self, line: bytes) -> None:
        try:
            while line:
                line = line[os.write(self._handle, line) :]
            os.fsync(self._handle)
        except OSError as error:
            self._cut_off_rest()
            raise RecordError(
                f"Cannot write {self.path}: {error.strerror}. Free some space and call the same with --resume; what "
                "was measured is kept, here and on the hosts."
            ) from error

    def _cut_off_rest(self) -> None:
        """Take away a last line that was cut off by a kill, so that the next one begins on its own."""
        data = _bytes(self.path)
        if data and not data.endswith(b"\n"):
            os.ftruncate(self._handle, data.rfind(b"\n") + 1)


def is_held(folder: Path) -> bool:
    """Whether a controller works with the state of a folder at this moment."""
    return is_locked(folder / FILE)


def read(folder: Path) -> State:
    """Read the state of a folder; an empty one where there is none. Raises `RunFolderError` where it is damaged."""
    path = folder / FILE
    data = _bytes(path)
    lines = data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]
    return State(_event(path, number, line) for number, line in enumerate(lines, start=1))


def _event(path: Path, number: int, line: bytes) -> Event:
    try:
        event = _DECODER.decode(line)
        if isinstance(event, Planned):
            event.plan = FleetPlan.model_validate(event.plan).model_dump(mode="json")
        return event
    except (msgspec.MsgspecError, ValidationError, RecursionError, UnicodeDecodeError) as error:
        raise RunFolderError(
            f"{path}, line {number}: {_first_line(error)}. The file is damaged, or a newer Aforo wrote it. Restore a "
            "copy, or pass --out with another folder."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _bytes(path: Path) -> bytes:
    try:
        with reading(path) as file:
            return file.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read: {error.strerror}.") from error
