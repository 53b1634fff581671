"""One step of a build: a tool under a warden, what it prints in a log, its progress read from there."""

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from profiler.errors import EngineBuildError
from profiler.progress import Progress
from profiler.servers.base import Tick
from profiler.servers.process import ServerProcess

_LOOK_S = 0.1
_MOST_LINES = 15
_LONGEST_LINE = 300  # a compiler's command line has thousands of characters
_COUNT = re.compile(r"^\[(\d+)/(\d+)\] ", re.MULTILINE)  # ninja: [12/345] Building …
_AGAIN = "Then run the same command again: it goes on where it stopped."
_NO_MEMORY = re.compile(r"\bKilled\b|cannot allocate memory|virtual memory exhausted", re.IGNORECASE)
_FEWER_JOBS = "The memory was too small: compile one file at a time, with 'aforo engines build llama-server --jobs 1'."


class BuildStep:
    """Runs the steps of one build, so that nothing of them outlives us."""

    def __init__(self, log: Path, tools: Path, cxxflags: str, progress: Progress, tick: Tick) -> None:
        """`tools` comes before the rest of PATH; `cxxflags` are added to those of the user."""
        self._log = log
        self._progress = progress
        self._tick = tick
        self._environment = {
            "PATH": os.pathsep.join([str(tools), os.environ.get("PATH", os.defpath)]),
            "CXXFLAGS": f"{os.environ.get('CXXFLAGS', '')}{cxxflags}".strip(),
            "NINJA_STATUS": "[%f/%t] ",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def run(self, command: list[str], failure: str, remedy: str = "") -> None:
        """Run one tool to its end. Raises `EngineBuildError` with its last lines, and whatever `tick` raises."""
        logged_bytes = self._log.stat().st_size if self._log.exists() else 0
        process, start_s, rest = ServerProcess(command, self._log, self._environment), time.monotonic(), ""
        try:
            with self._log.open(encoding="utf-8", errors="replace") as log:
                log.seek(logged_bytes)
                while (code := process.exit_code()) is None:
                    whole, newline, rest = (rest + log.read()).rpartition("\n")
                    self._follow(whole + newline, start_s)
                    self._tick()
                    time.sleep(_LOOK_S)
        finally:
            process.stop()
        if code != 0:
            lines = last_lines(self._log)
            text = "\n".join(f"  {line}" for line in lines)
            advice = _FEWER_JOBS if _NO_MEMORY.search(text) else f"{remedy} {_AGAIN}".strip()
            raise EngineBuildError(
                f"llama.cpp could not be built: {failure} (exit code {code}).\n{text}\n"
                f"{advice} The whole log: {self._log}"
            )

    def _follow(self, text: str, start_s: float) -> None:
        """Show how many of ninja's steps are done, and how long the rest takes at the pace so far."""
        counts = _COUNT.findall(text)
        if counts:
            done, total = map(int, counts[-1])
            left_s = (time.monotonic() - start_s) * (total - done) / max(1, done)
            self._progress.advance(done / total, f"about {max(1, round(left_s / 60))} min left" if done < total else "")


def last_lines(log: Path) -> Sequence[str]:
    """Return what a failed tool printed last: from ninja's first FAILED on, or else the last lines."""
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    failed = next((number for number, line in enumerate(lines) if line.startswith("FAILED: ")), None)
    shown = lines[-_MOST_LINES:] if failed is None else lines[failed : failed + _MOST_LINES]
    return [line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} …" for line in shown]
