"""How a host is reached: a command line in, what it printed out. Nothing else differs between transports.

On every host the same command is called, its own `aforo fleet-host` (`fleet/host_side/`): JSON on its standard input,
the answer (JSON, or a tar) on its standard output, progress as lines of text on its standard error.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True)
class Answer:
    """What a command came to on a host; an exit code other than 0 is an answer, too."""

    exit_code: int
    stdout: bytes  # empty where `output` took it
    stderr: str


class Transport(Protocol):
    """The way to one host. Calls may overlap: `cancel` is called while `wait` is under way."""

    name: str
    """As the plan calls it, and `run.json` keeps it: local, ssh, ray."""

    def call(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout_s: float,
        output: BinaryIO | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Answer:
        """Run a command on the host and return what it came to.

        `timeout_s` is the longest time in which nothing at all may come from the host: commands that take long print
        a line now and then, which may be empty. `output` takes standard output as it arrives; `on_line` is called
        with each line of standard error, without its end. Raises `HostLostError` where the host cannot be reached,
        the connection ends before the command does, or nothing comes for too long; `HostRefusedError` where it will
        not have us, or not this command. What has been started on the host goes on there.
        """
        ...

    def close(self) -> None:
        """Give up what is kept open between calls. Twice does no harm."""
        ...
