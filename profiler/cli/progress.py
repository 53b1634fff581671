"""Progress on standard error: a bar on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from profiler import progress as run_progress
from profiler.cli.output import console

_REFRESH_PER_S = 4  # the bar is drawn by the profiler's process, which shares the machine with the server
_LINE_EACH_S = 10.0  # between two lines about one stage, where there is no bar
_BAR_WIDTH = 16
_ROOM_FOR_BAR = 110  # columns of a terminal


class _Bar:
    """A bar for the stage at hand; finished stages stay above it."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._task: TaskID | None = None

    def note(self, text: str) -> None:
        """Print a sentence above the bar."""
        self._finish()
        self._shown.console.print(text, markup=False, highlight=False)

    def stage(self, text: str, total: float | None = None) -> None:
        """Begin a stage."""
        self._finish()
        self._task = self._shown.add_task(text, total=total, note="")

    def advance(self, done: float, note: str = "") -> None:
        """Move the bar, and change the note behind it."""
        if self._task is not None:
            total = self._shown.tasks[-1].total
            total = total if total is not None else (1.0 if done else None)
            self._shown.update(self._task, completed=done, total=total, note=note)

    def _finish(self) -> None:
        if self._task is not None:
            total = self._shown.tasks[-1].total or 1
            self._shown.update(self._task, total=total, completed=total)
            self._shown.stop_task(self._task)
            self._task = None


class _Lines:
    """One line per stage, and one on how far it has come every ten seconds."""

    def __init__(self) -> None:
        self._total: float | None = None
        self._last_s = 0.0

    def note(self, text: str) -> None:
        """Print the sentence."""
        self._print(text)

    def stage(self, text: str, total: float | None = None) -> None:
        """Print the stage."""
        self._total = total
        self._print(text)

    def advance(self, done: float, note: str = "") -> None:
        """Print the note, where the last line is long ago."""
        if note and time.monotonic() - self._last_s >= _LINE_EACH_S:
            self._print(f"  {_count(done, self._total)} · {note}")

    def _print(self, text: str) -> None:
        self._last_s = time.monotonic()
        print(f"aforo: {text}", file=sys.stderr, flush=True)


class _CountColumn(TextColumn):
    """How much is done: a count, or a percentage of what is no count."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        """Return the text of one stage."""
        return Text(_count(task.completed, task.total))


def _count(done: float, total: float | None) -> str:
    if total is None:
        return ""
    return f"{done / total:.0%}" if total <= 1 else f"{done:.0f}/{total:.0f}"


@contextmanager
def shown_progress(*, quiet: bool) -> Iterator[run_progress.Progress]:
    """Yield what shows the progress of a run here."""
    if quiet:
        yield run_progress.Silent()
    elif not sys.stderr.isatty():
        yield _Lines()
    else:
        terminal = console(stderr=True)
        bar = [BarColumn(bar_width=_BAR_WIDTH)] if terminal.width >= _ROOM_FOR_BAR else []
        note = TextColumn("{task.fields[note]}", markup=False)
        columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
        with Progress(
            *(*columns, *bar, _CountColumn(), note, TimeElapsedColumn()),
            console=terminal,
            refresh_per_second=_REFRESH_PER_S,
        ) as shown:
            yield _Bar(shown)
