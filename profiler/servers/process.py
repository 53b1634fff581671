"""A model server as a child process: started, watched, stopped, and never left behind."""

import os
import signal
import socket
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from profiler.child import end, read_line, start_python
from profiler.errors import ServerDiedError, ServerStartError
from profiler.servers.family import end_family
from profiler.servers.secrets import without_secrets

_GRACE_S = 5.0  # between SIGTERM and SIGKILL
_LOG_TAIL_LINES = 12
_LOG_TAIL_BYTES = 8192


def free_loopback_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class ServerProcess:
    """A running server under its warden (see `warden.py`)."""

    def __init__(
        self,
        command: Sequence[str],
        log_path: Path,
        environment: Mapping[str, str],
        cpus: Sequence[int] = (),
        remedy: str = "Build it on this host.",
    ) -> None:
        """Start the command, on these processors if any; its output goes to `log_path`. Raises `ServerStartError`.

        `remedy` says how to come by a program that was compiled for this processor.
        """
        self.log_path = log_path
        self._remedy = remedy
        self._mark = uuid.uuid4().hex
        self._is_family_ended = False
        kept_on = ",".join(str(cpu) for cpu in cpus)
        with log_path.open("ab") as log:
            self._warden = start_python(
                ["-m", "profiler.servers.warden", str(_GRACE_S), kept_on, self._mark, *command],
                stderr=log,
                environment={**without_secrets(os.environ), **environment},
            )
        first = read_line(self._warden, timeout_s=60.0)
        if not first.startswith("pid "):
            self.stop()
            raise ServerStartError(f"The server could not be started: {command[0]}. {self.log_tail()}")
        self.pid = int(first.removeprefix("pid "))

    def exit_code(self) -> int | None:
        """Return how it ended, negative for a signal; `None` while it runs."""
        if self._warden.poll() is None:
            return None
        code = read_line(self._warden, timeout_s=1.0).removeprefix("exit ")
        return int(code) if code.lstrip("-").isdigit() else -signal.SIGKILL

    def check_alive(self) -> None:
        """Raise `ServerDiedError` when the server has ended."""
        if self._warden.poll() is None:
            return
        self._end_family()
        code = read_line(self._warden, timeout_s=1.0).removeprefix("exit ")
        raise ServerDiedError(f"The server ended by itself ({_meaning(code, self._remedy)}). {self.log_tail()}")

    def stop(self) -> None:
        """End the server and everything that it started; return when all of it is gone. Twice does no harm."""
        assert self._warden.stdout is not None  # noqa: S101 - opened in __init__
        end(self._warden, _GRACE_S + 10.0)
        self._end_family()
        self._warden.stdout.close()

    def log_tail(self) -> str:
        """Return the last lines of the log, for an error message."""
        size = self.log_path.stat().st_size
        with self.log_path.open("rb") as log:
            log.seek(max(0, size - _LOG_TAIL_BYTES))
            lines = log.read().decode("utf-8", "replace").strip().splitlines()
        if not lines:
            return f"Its log is empty: {self.log_path}"
        shown = "\n  ".join(lines[-_LOG_TAIL_LINES:])
        return f"The end of its log ({self.log_path}):\n  {shown}"

    def _end_family(self) -> None:
        """End what the warden has left, once: later the numbers of its processes may be those of others."""
        if hasattr(self, "pid") and not self._is_family_ended:
            self._is_family_ended = True
            end_family(self.pid, self._mark)


def _meaning(code: str, remedy: str) -> str:
    """Explain an exit code in words."""
    if not code.lstrip("-").isdigit():
        return "its supervisor process was killed"
    number = int(code)
    if number >= 0:
        return f"exit code {number}"
    name = signal.Signals(-number).name if -number in {s.value for s in signal.Signals} else str(-number)
    if number == -signal.SIGILL:
        return (
            f"{name}: this build uses instructions that this CPU lacks, or its compiler set up AMX wrongly. "
            f"{remedy.rstrip('.')}"
        )
    if number == -signal.SIGKILL:
        return f"{name}: killed, by the kernel if memory ran out"
    return name
