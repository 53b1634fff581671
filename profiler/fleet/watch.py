"""How a fleet tells the person at the terminal what its hosts are at."""

from typing import Protocol


class Watch(Protocol):
    """Shows several hosts at once; called from several threads."""

    def note(self, text: str) -> None:
        """Show a sentence, which stays."""
        ...

    def host(self, name: str, doing: str, line: str = "") -> None:
        """Show what a host is at, and the last thing that it said."""
        ...

    def count(self, done: int, total: int) -> None:
        """Show how many cells are VALID."""
        ...


class Silent:
    """Shows nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""

    def host(self, name: str, doing: str, line: str = "") -> None:
        """Do nothing."""

    def count(self, done: int, total: int) -> None:
        """Do nothing."""
