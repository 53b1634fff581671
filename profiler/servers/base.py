"""What every engine must be able to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from profiler.results.manifest import EngineFacts
from profiler.servers.engine_log import EngineTiming

Tick = Callable[[], None]
"""Called several times a second while something waits; may raise to end the wait."""


class Server(Protocol):
    """A model server on this host, from its start to its end."""

    @property
    def host(self) -> str:
        """Address that it listens on."""
        ...

    @property
    def port(self) -> int:
        """Port that it listens on."""
        ...

    @property
    def pid(self) -> int | None:
        """Root of its process tree; `None` for a server that somebody else started."""
        ...

    @property
    def can_count_tokens(self) -> bool:
        """Whether `count_tokens` works."""
        ...

    def describe(self) -> EngineFacts:
        """Engine, version, build and every argument."""
        ...

    def start(self, log_path: Path, tick: Tick) -> None:
        """Start it and return once it is ready. Raises `ServerStartError`."""
        ...

    def check_alive(self) -> None:
        """Raise `ServerDiedError` when it has ended."""
        ...

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's own tokens."""
        ...

    def request_body(
        self, api: str, prompt: str, output_tokens: int, temperature: float, seed: int
    ) -> dict[str, object]:
        """The JSON body that asks for exactly this many tokens, streamed."""
        ...

    def stop(self) -> None:
        """End it and everything that it started."""
        ...


class LogReader(Protocol):
    """Reads an engine's own timings from its log."""

    def __call__(self, log: str) -> list[EngineTiming]:
        """Return one timing per completed request, in order."""
        ...
