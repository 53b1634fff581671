"""`aforo fleet setup`: this version of Aforo in an environment of its own on each host of a plan, or what is missing.

What it does on a host is in `set_up_here.py`, whose text is sent over the host's transport. Where the environment is
there already, nothing is changed.
"""

import io
import json
import tarfile
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from profiler import __version__
from profiler.errors import HostError, UsageError
from profiler.fleet import wheel
from profiler.fleet.around import in_thread
from profiler.fleet.environment import FOLDER
from profiler.fleet.schema import Host
from profiler.fleet.transport import Answer, Transport
from profiler.fleet.transports import connect
from profiler.fleet.watch import Watch

State = Literal["made", "there", "own", "failed"]
SAID: dict[State, str] = {
    "made": "has it now",
    "there": "had it already",
    "own": "has one of its own",
    "failed": "could not be set up",
}
_AT_ONCE = 16
_TICK_S = 0.2
PYTHONS = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")
_SILENCE_S = 60.0
_BUILD_SILENCE_S = 900.0  # a large download says nothing
_FIND = """\
for python do
  if "$python" -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null; then command -v "$python"; exit 0; fi
done
python3 --version 2>&1
exit 3
"""


@dataclass(frozen=True)
class Request:
    """What is wanted on every host."""

    extras: Sequence[str] = ()  # such as quality, gpu
    wheels: Path | None = None  # a folder; then no index is asked
    engines: Sequence[str] = ()  # programs that `aforo engines build` knows


@dataclass(frozen=True)
class Outcome:
    """What came of it on one host. `own`: the plan names a command for it, left as it is."""

    host: str
    state: State
    sentence: str = ""
    python: str | None = None


Say = Callable[[str], None]


def set_up_all(
    hosts: Sequence[Host],
    request: Request,
    watch: Watch,
    tick: Callable[[], None],
    connected: Callable[[Host], Transport] = connect,
) -> list[Outcome]:
    """Set up several hosts at a time, and return what came of each. `tick` raises to end it.

    Raises `UsageError` before any host is called, for what is wrong here.
    """
    packed(request.wheels)
    ways = [(host, connected(host)) for host in hosts]
    waiting, working, outcomes = deque(ways), set[Future[None]](), dict[str, Outcome]()
    try:
        while waiting or working:
            while waiting and len(working) < _AT_ONCE:
                working.add(in_thread(_task(*waiting.popleft(), request, watch, outcomes)))
            done, working = wait(working, timeout=_TICK_S, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
            tick()
    finally:
        for _, way in ways:
            way.close()
    return [outcomes[host.name] for host in hosts]


def _task(
    host: Host, way: Transport, request: Request, watch: Watch, outcomes: dict[str, Outcome]
) -> Callable[[], None]:
    def say(line: str) -> None:
        if line:
            watch.host(host.name, "is being set up", line)

    def task() -> None:
        watch.host(host.name, "is being set up")
        outcomes[host.name] = set_up(host, way, request, say)
        watch.host(host.name, SAID[outcomes[host.name].state])

    return task


def set_up(host: Host, way: Transport, request: Request, say: Say) -> Outcome:
    """Make the environment on one host, and the engines in it; `say` takes lines of progress."""
    if host.aforo is not None:
        return Outcome(host.name, "own", f"The plan names its command ({' '.join(host.aforo)}), left as it is.")
    if host.transport == "local":
        return Outcome(host.name, "own", "This machine uses the Aforo that runs here.")
    try:
        return _set_up(host, way, request, say)
    except HostError as error:
        return Outcome(host.name, "failed", str(error))


def _set_up(host: Host, way: Transport, request: Request, say: Say) -> Outcome:
    say("Looking for Python")
    found = way.call(["sh", "-c", _FIND, "sh", *PYTHONS], timeout_s=_SILENCE_S)
    if found.exit_code != 0:
        return Outcome(host.name, "failed", _no_python(found))
    python = found.stdout.decode("utf-8", "replace").strip()
    answer = _asked(way, python, request, b"", say)
    if answer["state"] == "needed":
        answer = _asked(way, python, request, packed(request.wheels), say)
    if answer["state"] != "failed":
        problem = _build(way, request.engines, say)
        if problem:
            answer |= {"state": "failed", "sentence": problem}
    return Outcome(host.name, answer["state"], answer["sentence"], answer["python"])


def _asked(way: Transport, python: str, request: Request, data: bytes, say: Say) -> dict[str, Any]:
    """Have the host look (without data), or make it."""
    made = wheel.of_this_version()
    asked = {
        "wheel": made.name,
        "sha256": made.sha256,
        "version": __version__,
        "extras": list(request.extras),
        "is_offline": request.wheels is not None,
        "folder": FOLDER,
        "has_files": bool(data),
    }
    text = files("profiler.fleet").joinpath("set_up_here.py").read_text("utf-8")
    answer = way.call([python, "-c", text, json.dumps(asked)], stdin=data, timeout_s=_SILENCE_S, on_line=say)
    try:
        told: dict[str, Any] = json.loads(answer.stdout)
    except ValueError:
        last = (answer.stderr.strip() or "nothing").splitlines()[-1]
        return {"state": "failed", "sentence": f"{python} there failed, and said: {last}", "python": None}
    return told


def packed(wheels: Path | None) -> bytes:
    """Return a tar of the wheel of this version, and of those of a folder. Raises `UsageError` and `OSError`."""
    made = wheel.of_this_version()
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        about = tarfile.TarInfo(made.name)
        about.size = len(made.data)
        tar.addfile(about, io.BytesIO(made.data))
        for path in _found(wheels) if wheels is not None else []:
            if path.name != made.name:
                tar.add(path, path.name)
    return held.getvalue()


def _found(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.whl"))
    if not found:
        what = "holds no wheel (*.whl)" if folder.is_dir() else "is no folder"
        raise UsageError(f"--wheels: {folder} {what}. Fill one with: pip download --dest {folder} PACKAGE…")
    return found


def _no_python(found: Answer) -> str:
    there = found.stdout.decode("utf-8", "replace").strip()
    has = f"it has {there}" if there.startswith("Python 3") else "it has none"
    return (
        f"Python 3.11 or newer is needed there, with venv, and {has}. "
        "Debian 12, Ubuntu 24.04 and newer: apt-get install python3 python3-venv"
    )


def _build(way: Transport, engines: Sequence[str], say: Say) -> str:
    """Build engines on the host, and return why that failed."""
    if not engines:
        return ""
    command = ["aforo", "engines", "build", *engines, "--if-missing"]
    answer = way.call(command, timeout_s=_BUILD_SILENCE_S, on_line=say)
    return "" if answer.exit_code == 0 else f"Aforo is there, but its engine is not. {_error_in(answer.stderr)}"


def _error_in(said: str) -> str:
    """Return what Aforo said last: its error, without the progress before it."""
    return said.rpartition("aforo: ")[2].strip() or "It said nothing."
