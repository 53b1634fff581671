"""Ends a model server's processes when their warden is gone, which nobody else could do if the profiler is, too.

Started by the warden as `python -m profiler.servers.keeper MARK`. Standard input is a pipe that only the warden holds
open; a line on it tells the server's process number. Its end, however the warden went, is the moment to act: in a run
that ends as it should there is nothing left to end.
"""

import signal
import sys

from profiler.servers.family import end_family


def main(mark: str) -> None:
    """Wait for the warden's end, then end what it has left."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    leader: int | None = None
    for line in sys.stdin:
        leader = int(line)
    end_family(leader, mark)


if __name__ == "__main__":
    main(sys.argv[1])
