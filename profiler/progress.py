"""How a run tells the person at the terminal where it is."""

from typing import Protocol


class Progress(Protocol):
    """Shows one stage at a time."""

    def note(self, text: str) -> None:
        """Show a sentence, which stays."""
        ...

    def stage(self, text: str, total: float | None = None) -> None:
        """Begin a stage; without a total its length is not known."""
        ...

    def advance(self, done: float, note: str = "") -> None:
        """Show how far the stage has come, with a note on it that takes the place of the last one."""
        ...


class Silent:
    """Shows nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""

    def stage(self, text: str, total: float | None = None) -> None:
        """Do nothing."""

    def advance(self, done: float, note: str = "") -> None:
        """Do nothing."""
