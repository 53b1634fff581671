"""What a plan is carried out with: the world, or a made-up one in tests."""

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from profiler.fleet.schema import Host
from profiler.fleet.transport import Transport
from profiler.fleet.transports import connect
from profiler.fleet.watch import Watch
from profiler.run.context import ISO
from profiler.timing.clock import Clock

Begin = Callable[[Callable[[], None]], "Future[None]"]


def in_thread(task: Callable[[], None]) -> "Future[None]":
    """Begin a task in a thread that does not keep the process alive: whoever gives up need not wait for it."""
    future: Future[None] = Future()

    def run() -> None:
        try:
            task()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(None)

    threading.Thread(target=run, daemon=True).start()
    return future


@dataclass(frozen=True)
class Around:
    """Clocks, terminal, signals, transports, environment and threads."""

    watch: Watch
    clock: Clock
    tick: Callable[[], None]
    """Raises `InterruptedRunError` once a signal has asked for the end; whoever waits calls it often."""
    connect: Callable[[Host], Transport] = connect
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    begin: Begin = in_thread

    def now(self) -> str:
        """Wall time, as the state has it."""
        return self.clock.utc().strftime(ISO)
