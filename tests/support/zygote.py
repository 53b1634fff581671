"""The command, hundreds of times: one process has imported it all, and forks for each call.

Run as a module it is that process. Requests and outcomes are JSON, one a line. The environment of a call is that of
the caller at its time.
"""

import contextlib
import ctypes
import gc
import json
import os
import signal
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# What most verbs load, once.
import profiler.exchange.tables
import profiler.models.locate
import profiler.reports.compare.page
import profiler.run.execute  # noqa: F401
from profiler.cli import main

_CAPABILITIES_VERSION = 0x20080522  # linux/capability.h, _LINUX_CAPABILITY_VERSION_3


@dataclass(frozen=True)
class Outcome:
    """What one call came to; `exit_code` is None where it was still at work when its time was over."""

    exit_code: int | None
    stdout: bytes
    stderr: str

    @property
    def is_sentence(self) -> bool:
        """Whether it ended in time and without a traceback, and said why where it failed."""
        if self.exit_code is None or "Traceback" in self.stderr or self.exit_code < 0:
            return False
        return self.exit_code in {0, 1, 2, 3} and (self.exit_code == 0 or bool(self.stderr.strip() or self.stdout))


class Zygote:
    """A process that forks a child for each call of the command."""

    def __init__(self, scratch: Path) -> None:
        """Start it; `scratch` is where the output of calls goes."""
        self._scratch = scratch
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            text=True,
        )

    def call(
        self,
        words: Sequence[str],
        *,
        folder: Path,
        stdout: str | None = None,
        as_ordinary_user: bool = False,
        environment: Mapping[str, str] | None = None,
        limit_s: float = 300.0,
    ) -> Outcome:
        """Carry out `aforo WORDS` in a folder, in a process of its own."""
        files = self._scratch / "stdout", self._scratch / "stderr"
        request = {
            "words": list(words),
            "folder": str(folder),
            "stdout": stdout or str(files[0]),
            "stderr": str(files[1]),
            "as_ordinary_user": as_ordinary_user,
            "environment": {**os.environ, **(environment or {})},
            "limit_s": limit_s,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        exit_code = json.loads(self._process.stdout.readline())
        said = files[0].read_bytes() if stdout is None else b""
        return Outcome(exit_code, said, files[1].read_text("utf-8", "replace"))

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@contextlib.contextmanager
def zygote(scratch: Path) -> Iterator[Zygote]:
    """Yield a running one."""
    scratch.mkdir(exist_ok=True)
    running = Zygote(scratch)
    try:
        yield running
    finally:
        running.close()


def _main() -> None:
    gc.freeze()  # a collection in a child need not touch what it shares with its parent
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _child(request)
        print(json.dumps(_exit_code(child, request["limit_s"])), flush=True)


def _exit_code(child: int, limit_s: float) -> int | None:
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _give_up_privileges() -> None:
    """Let root be bound by the permissions of files as everybody is; what root owns stays readable as it says."""
    header, nothing = struct.pack("<Ii", _CAPABILITIES_VERSION, 0), bytes(24)
    if ctypes.CDLL(None, use_errno=True).capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _child(request: dict[str, object]) -> None:
    """Be the command; never return."""
    os.setsid()
    os.chdir(str(request["folder"]))
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    os.dup2(os.open(str(request["stdout"]), flags if not str(request["stdout"]).startswith("/dev") else os.O_WRONLY), 1)
    os.dup2(os.open(str(request["stderr"]), flags), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    environment = request["environment"]
    assert isinstance(environment, dict)
    os.environ.clear()
    os.environ.update(environment)
    encoding = environment.get("PYTHONIOENCODING", "utf-8")
    sys.stdout = os.fdopen(1, "w", encoding=encoding, closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding=encoding, errors="backslashreplace", closefd=False)
    if request["as_ordinary_user"]:
        _give_up_privileges()
    words = request["words"]
    assert isinstance(words, list)
    sys.argv = ["aforo", *map(str, words)]
    code = 1
    try:
        main()
        code = 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
        with contextlib.suppress(BaseException):
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _main()
