"""What the hosts of a fleet are at, on standard error: a table on a terminal, lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from profiler.fleet.watch import Silent, Watch


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
        self.note(f"{done} of {total} cells have come to their end")


@contextmanager
def shown_fleet(*, quiet: bool) -> Iterator[Watch]:
    """Yield what shows the progress of a fleet here."""
    yield Silent() if quiet else _Lines()
