"""What the hosts of a fleet are at, on standard error: a table on a terminal, lines elsewhere."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from profiler.cli.output import console
from profiler.fleet.watch import Silent, Watch

_REFRESH_PER_S = 2  # it is drawn beside the measurement where a host is this machine
_MOST_HOSTS = 20  # shown at a time


class _Lines:
    """A line for each change."""

    def note(self, text: str) -> None:
        """Print the sentence."""
        print(f"aforo: {text}", file=sys.stderr, flush=True)

    def host(self, name: str, doing: str, line: str = "") -> None:
        """Print what a host is at, not each thing that it says."""
        if not line:
            self.note(f"{name} {doing}")

    def count(self, done: int, total: int) -> None:
        """Print how far it has come."""
        self.note(f"{done} of {total} cells are VALID")


class _Board:
    """A row for each host, of which the last that changed are shown; sentences stay above them."""

    def __init__(self, show: Callable[[Text], None]) -> None:
        self._show = show
        self._rows: dict[str, tuple[str, str]] = {}
        self._count = ""
        self._one_at_a_time = threading.Lock()

    def note(self, text: str) -> None:
        """Print a sentence above the table."""
        self._show(Text(text))

    def host(self, name: str, doing: str, line: str = "") -> None:
        """Change the row of a host, and put it last."""
        with self._one_at_a_time:
            self._rows.pop(name, None)
            self._rows[name] = doing, line

    def count(self, done: int, total: int) -> None:
        """Change the count below the table."""
        self._count = f"{done} of {total} cells are VALID"

    def __rich__(self) -> RenderableType:
        """Return the table as it is now."""
        table = Table(box=None, pad_edge=False, show_header=False)
        for _ in range(3):
            table.add_column(overflow="ellipsis", no_wrap=True)
        with self._one_at_a_time:
            shown = sorted(list(self._rows.items())[-_MOST_HOSTS:])
            more = len(self._rows) - len(shown)
        for name, (doing, line) in shown:
            table.add_row(name, doing, line)
        below = [self._count, *([f"and {more} more hosts"] if more else [])]
        return Group(table, *(Text(text) for text in below if text))


@contextmanager
def shown_fleet(*, quiet: bool) -> Iterator[Watch]:
    """Yield what shows the progress of a fleet here."""
    if quiet:
        yield Silent()
    elif not sys.stderr.isatty():
        yield _Lines()
    else:
        terminal = console(stderr=True)
        board = _Board(terminal.print)
        with Live(board, console=terminal, refresh_per_second=_REFRESH_PER_S, transient=True):
            yield board
