"""Progress on standard error: a bar on a terminal, one line per stage elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from profiler import progress as run_progress
from profiler.cli.output import console

_REFRESH_PER_S = 4  # the bar is drawn by the profiler's process, which shares the machine with the server


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
        self._task = self._shown.add_task(text, total=total)

    def advance(self, done: float, note: str = "") -> None:
        """Move the bar."""
        if self._task is not None:
            total = self._shown.tasks[-1].total
            self._shown.update(
                self._task, completed=done, total=total if total is not None else (1.0 if done else None)
            )

    def _finish(self) -> None:
        if self._task is not None:
            total = self._shown.tasks[-1].total or 1
            self._shown.update(self._task, total=total, completed=total)
            self._shown.stop_task(self._task)


class _Lines:
    """One line per stage."""

    def note(self, text: str) -> None:
        """Print the sentence."""
        print(f"aforo: {text}", file=sys.stderr, flush=True)

    def stage(self, text: str, total: float | None = None) -> None:
        """Print the stage."""
        print(f"aforo: {text}", file=sys.stderr, flush=True)

    def advance(self, done: float, note: str = "") -> None:
        """Print nothing."""


@contextmanager
def shown_progress(*, quiet: bool) -> Iterator[run_progress.Progress]:
    """Yield what shows the progress of a run here."""
    if quiet:
        yield run_progress.Silent()
    elif not sys.stderr.isatty():
        yield _Lines()
    else:
        columns = [
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        ]
        with Progress(*columns, console=console(stderr=True), refresh_per_second=_REFRESH_PER_S) as shown:
            yield _Bar(shown)
