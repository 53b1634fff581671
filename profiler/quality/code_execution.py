"""Running generated code against the tests of its item, isolated; where nothing isolates it, it does not run.

A run calls `run_tests` once for each kept answer, after the server has stopped, and only with `--run-code`; the result
is kept in `code.jsonl` of the run folder, so that a summary never runs anything.

The isolation keeps code from doing harm. It is no judge of intentions: code that looks for the secret by which its
passing is known, or returns objects that equal everything, passes tests that it should not.
"""

import os
import re
import secrets
import select
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from profiler.quality import isolation
from profiler.quality.isolation import Isolated
from profiler.quality.item import Item
from profiler.units import BYTES_PER_MIB

_INSIDE = Path(__file__).with_name("code_inside.py")
_END_S = 5.0
_OUTPUT_BYTES = 64 * 1024
_FENCE = r"^[ \t]*(?P<fence>```+|~~~+)[^\n]*\n(?P<code>.*?)(?:^[ \t]*(?P=fence)|\Z)"
_FENCED = re.compile(_FENCE, re.DOTALL | re.MULTILINE)
_OUT_OF_CPU_TIME = 128 + 24  # SIGXCPU, as bubblewrap's exit code


class CodeResult(NamedTuple):
    """What came of running the code of one answer."""

    passed: bool | None  # whether it passed every test; None: it was not run
    reason: str | None = None  # why not: which test failed and how, which limit was reached, what to install


class Limits(NamedTuple):
    """What generated code may use. Further processes, threads and files it may not have at all."""

    cpu_s: int = 5
    wall_s: float = 20.0
    memory_bytes: int = 512 * BYTES_PER_MIB

    def of_process(self) -> dict[str, int]:
        """Return the kernel's limits (getrlimit(2)) by name."""
        return {
            "RLIMIT_AS": self.memory_bytes,
            "RLIMIT_CORE": 0,
            "RLIMIT_CPU": self.cpu_s,
            "RLIMIT_FSIZE": _OUTPUT_BYTES,
            "RLIMIT_MSGQUEUE": 0,
            "RLIMIT_NOFILE": 64,
        }


def lacking() -> str | None:
    """Return why no code can be run on this machine, and what to do about it; `None` where it can."""
    return isolation.lacking()


def run_tests(text: str, item: Item, limits: Limits = Limits()) -> CodeResult:  # noqa: B008 - it cannot be changed
    """Run the code of an answer, then the tests of its item; see `code_in` for what the code is. Raises nothing."""
    return run_code(code_in(text, item.entry_point), item.tests, limits)


def run_code(code: str, tests: list[str], limits: Limits = Limits()) -> CodeResult:  # noqa: B008
    """Run Python code, and each of the statements `tests` with what it defined. Raises nothing."""
    if lack := lacking():
        return CodeResult(None, lack)
    token = secrets.token_hex(16)
    job = {"code": code, "tests": tests, "limits": limits.of_process(), "token": token}
    try:
        return _run(msgspec.json.encode(job), token, limits)
    except OSError as error:
        return CodeResult(None, f"the code could not be run: {error}")


def code_in(text: str, entry_point: str | None) -> str:
    """Return the code of an answer: its first fenced block that defines the function, or the whole of it.

    Where no block defines it, the first one is taken. A block that is not closed goes on to the end.
    """
    blocks = [match["code"] for match in _FENCED.finditer(text)]
    name = re.escape(entry_point or "")
    defines = re.compile(rf"^\s*(?:(?:async\s+)?def\s+{name}\b|{name}\s*=)", re.MULTILINE)
    return next(filter(defines.search, blocks), (blocks or [text])[0])


def _run(job: bytes, token: str, limits: Limits) -> CodeResult:
    with (
        isolation.isolated_python(["-c", _INSIDE.read_text("utf-8")]) as isolated,
        tempfile.TemporaryFile() as said,
        tempfile.TemporaryFile() as errors,
    ):
        exit_code = _run_to_its_end(isolated, job, said, errors, limits.wall_s)
        words = list(_words(said, token))
        if words:
            return _result(words[-1], exit_code, limits)
        return CodeResult(None, f"the isolation did not start: {_last_line(errors) or f'exit code {exit_code}'}")


def _run_to_its_end(isolated: Isolated, job: bytes, said: IO[bytes], errors: IO[bytes], wall_s: float) -> int | None:
    """Return the exit code, `None` where it took too long; nothing of it runs any longer."""
    alive, dead = os.pipe()  # whose other end all in there inherit
    try:
        process = subprocess.Popen(
            isolated.command,
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=errors,
            pass_fds=(isolated.rules, dead),
            env={},
        )
        os.close(dead)
        exit_code = _wait(process, job, wall_s)
        select.select([alive], [], [], _END_S)
    finally:
        os.close(alive)
    return exit_code


def _wait(process: "subprocess.Popen[bytes]", job: bytes, wall_s: float) -> int | None:
    """Hand over the job and return the exit code; kill everything and return `None` where that takes too long."""
    try:
        process.communicate(job, wall_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        process.kill()  # bubblewrap, and with it whatever is in there
        process.wait()
    return process.returncode


def _words(said: IO[bytes], token: str) -> Iterator[Mapping[str, Any]]:
    """Yield what the trusted part said; the code may have written to the same file."""
    said.seek(0)
    for line in said.read(_OUTPUT_BYTES).splitlines():
        try:
            word = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if isinstance(word, dict) and word.get("token") == token:
            yield word


def _last_line(errors: IO[bytes]) -> str | None:
    errors.seek(0)
    lines = errors.read(_OUTPUT_BYTES).decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else None


def _result(word: Mapping[str, Any], exit_code: int | None, limits: Limits) -> CodeResult:
    if "failure" in word:
        return CodeResult(word["failure"] is None, word["failure"])
    if exit_code is None:
        return CodeResult(False, f"still running after {limits.wall_s:g} s")
    if exit_code == _OUT_OF_CPU_TIME:
        return CodeResult(False, f"took more than {limits.cpu_s} s of CPU time")
    how = f"signal {exit_code - 128}" if exit_code > 128 else f"exit code {exit_code}"
    return CodeResult(False, f"ended by itself ({how}) before its tests were done")
