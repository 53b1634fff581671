"""A server that Aforo starts and stops: a process, a port on the loopback, a name for the model."""

import re
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from profiler.errors import ServerError
from profiler.servers.address import Address
from profiler.servers.base import Endpoint, Launch, Tick, no_tick
from profiler.servers.process import ServerProcess, free_loopback_port
from profiler.servers.readiness import serves, wait_until_ready


def plain(name: str) -> str:
    """Return a name in plain characters only: llama-server takes a comma for its end, vLLM an equals sign."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)


class ManagedServer(Endpoint):
    """A server in a process of its own, on a free loopback port."""

    environment: Mapping[str, str] = {}
    remedy: ClassVar[str]

    def __init__(self, launch: Launch) -> None:
        """Choose a port and the name under which the model is served."""
        self._launch = launch
        self._process: ServerProcess | None = None
        self._tick: Tick = no_tick
        self.address = Address("127.0.0.1", free_loopback_port())
        self.model_name = f"aforo/{plain(launch.model.name)}"

    @property
    def pid(self) -> int:
        """Root of the server's process tree."""
        return self._running().pid

    @abstractmethod
    def command(self) -> list[str]:
        """Return the full command line."""

    def start(self, log_path: Path, tick: Tick) -> None:
        """Start it and return once it answers with our model's name. Raises `ServerStartError`, `ServerDiedError`."""
        self._tick = tick
        self._process = ServerProcess(self.command(), log_path, self.environment, self._launch.cpus, self.remedy)
        wait_until_ready(self._process, self.is_ready, self._launch.start_timeout_s, tick)

    def is_ready(self) -> bool:
        """Whether it serves our model. Raises `ServerStartError` when it serves another."""
        return serves(self.address, self.model_name, self._tick)

    def check_alive(self) -> None:
        """Raise `ServerDiedError` when it has ended."""
        self._running().check_alive()

    def stop(self) -> None:
        """End it and everything that it started; does nothing to one that was never started."""
        if self._process is not None:
            self._process.stop()

    def _running(self) -> ServerProcess:
        if self._process is None:
            raise ServerError("The server has not been started.")
        return self._process
