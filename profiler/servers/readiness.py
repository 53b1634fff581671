"""Waiting for a server that was started here."""

import time
from collections.abc import Callable

from profiler.errors import ServerError, ServerStartError
from profiler.servers.address import Address
from profiler.servers.base import Tick
from profiler.servers.openai_api import served_models
from profiler.servers.process import ServerProcess

_LOOK_S = 0.1


def wait_until_ready(process: ServerProcess, is_ready: Callable[[], bool], timeout_s: float, tick: Tick) -> None:
    """Return once the server is ready. Raises `ServerStartError`, `ServerDiedError`, and what `tick` raises."""
    deadline_s = time.monotonic() + timeout_s
    while not is_ready():
        process.check_alive()
        if time.monotonic() > deadline_s:
            raise ServerStartError(
                f"The server was not ready after {timeout_s:g} s. Allow more with --start-timeout. "
                + process.log_tail()
            )
        tick()
        time.sleep(_LOOK_S)


def serves(address: Address, alias: str, tick: Tick) -> bool:
    """Whether it answers with our model's name. Raises `ServerStartError` when it answers with another's."""
    try:
        names = served_models(address, tick=tick)
    except ServerError:
        return False
    if alias not in names:
        raise ServerStartError(
            f"Another program answers on port {address.port}: it serves {names}, not {alias!r}. Try again."
        )
    return True
