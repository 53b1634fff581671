"""`aforo fleet-host start`: begin a job, which then goes on by itself, whatever becomes of whoever asked for it."""

import getpass
import json
import os
from contextlib import suppress
from pathlib import Path

from profiler.child import start_python
from profiler.errors import UsageError
from profiler.fleet.host_side import lock
from profiler.fleet.host_side.job_folder import JobFolder, folder_of
from profiler.fleet.messages import StartAnswer, StartRequest
from profiler.run.context import ISO
from profiler.timing.clock import SystemClock

SUPERVISOR = "profiler.fleet.host_side.supervise"


def start(request: StartRequest) -> StartAnswer:
    """Begin a job unless it has begun, or another measurement has the machine. Raises `UsageError` and `OSError`."""
    folder = folder_of(request.job)
    there = folder.look()
    if there.state != "absent":
        return StartAnswer(state=there.state, sentence=there.sentence)
    machine = lock.take(_told(request))
    if machine is None:
        holder = lock.holder() or lock.Holder("another measurement has just begun there")
        return StartAnswer(state="busy", sentence=holder.sentence)
    try:
        _begin(request, folder, machine)
    finally:
        os.close(machine)
    return StartAnswer(state="started")


def _begin(request: StartRequest, folder: JobFolder, machine: int) -> None:
    """Give the job its files, and a supervisor, which keeps both locks for as long as it lives."""
    alive = folder.create()
    try:
        for name, data in request.files.items():
            _write(folder.path, name, data)
        given = {"command": request.command, "limit_s": request.limit_s, "keep": [machine, alive]}
        with (folder.path / "supervisor.txt").open("xb") as said:
            process = start_python(
                ["-m", SUPERVISOR, str(folder.path)],
                stderr=said,
                stdout=said,
                pass_fds=(machine, alive),
                environment={**os.environ, **request.environment},
            )
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        with process.stdin as pipe:
            pipe.write(json.dumps(given).encode())
    finally:
        os.close(alive)


def _write(folder: Path, name: str, data: bytes) -> None:
    """Write a file of a workload below the folder, and nowhere else."""
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        raise UsageError(f"The file {name!r} of a workload would lie outside the folder of its job.")
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)


def _told(request: StartRequest) -> dict[str, str]:
    user = "somebody"
    with suppress(KeyError, OSError):
        user = getpass.getuser()
    since = SystemClock().utc().strftime(ISO)
    job = request.job
    return {"fleet": request.fleet, "plan": job.plan, "cell": job.name, "user": user, "since": since}
