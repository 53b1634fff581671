"""`aforo fleet-host`: what a controller calls on a host; hidden, since people call `aforo fleet`."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    import msgspec

T = TypeVar("T")

_HEARTBEAT_S = 5.0


class Verb(StrEnum):
    """What is asked of the host."""

    CHECK = "check"
    START = "start"
    WAIT = "wait"
    COLLECT = "collect"
    CANCEL = "cancel"


def fleet_host(verb: Annotated[Verb, typer.Argument(help="What is asked of this host.")]) -> None:
    """Do what a controller of a fleet asks: JSON in, JSON or a tar out, progress on standard error."""
    from profiler.fleet.host_side.collect import collect
    from profiler.fleet.messages import JobRequest

    with _heartbeat():
        if verb is Verb.COLLECT:
            with open(1, "wb", closefd=False) as out:
                collect(_asked(JobRequest).job, out)
            return
        _answer(_done(verb))


def _done(verb: Verb) -> "msgspec.Struct":
    from profiler.fleet.host_side import check, start, wait
    from profiler.fleet.messages import CheckRequest, JobRequest, StartRequest, WaitRequest
    from profiler.timing.clock import SystemClock

    match verb:
        case Verb.CHECK:
            return check.check(_asked(CheckRequest), _say)
        case Verb.START:
            return start.start(_asked(StartRequest))
        case Verb.WAIT:
            return wait.wait(_asked(WaitRequest), _say, SystemClock())
        case _:
            return wait.cancel(_asked(JobRequest).job)


def _asked(kind: type[T]) -> T:
    from profiler.errors import UsageError
    from profiler.fleet.messages import decoded

    try:
        return decoded(sys.stdin.buffer.read(), kind)
    except ValueError as error:
        raise UsageError(
            f"This command is called by 'aforo fleet', with JSON on standard input, which is wrong here: {error}."
        ) from None


def _answer(answer: "msgspec.Struct") -> None:
    import msgspec

    with open(1, "wb", closefd=False) as out:
        out.write(msgspec.json.encode(answer) + b"\n")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _heartbeat() -> Iterator[None]:
    """Print an empty line now and then, so that the other side knows a host that works from one that is gone."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(_HEARTBEAT_S):
            _say("")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
