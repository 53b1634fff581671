"""This machine as a host of a plan: the command is a process of ours."""

import subprocess
from collections.abc import Callable, Sequence
from typing import BinaryIO

from profiler.errors import HostRefusedError
from profiler.fleet.environment import found
from profiler.fleet.schema import Host
from profiler.fleet.streams import exchange
from profiler.fleet.transport import Answer


class LocalTransport:
    """Calls commands here."""

    name = "local"

    def call(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout_s: float,
        output: BinaryIO | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Answer:
        """Run a command, as `Transport.call`."""
        try:
            process = subprocess.Popen(
                found(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # out of reach of a Ctrl-C, which is for the controller alone
            )
        except OSError as error:
            raise HostRefusedError(
                f"{argv[0]} cannot be run here: {error.strerror}. 'aforo' of a host in the plan names the command."
            ) from None
        return exchange(process, stdin, timeout_s, output, on_line)

    def close(self) -> None:
        """Nothing is kept open."""


def connect(host: Host) -> LocalTransport:
    """Return the way to this machine."""
    del host
    return LocalTransport()
