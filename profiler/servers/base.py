"""What every engine must be able to do."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from profiler.results.manifest import EngineFacts, LoraFacts, ModelFacts
from profiler.servers.address import Address
from profiler.servers.engine_log import EngineTiming
from profiler.workloads.messages import Message
from profiler.workloads.schema import EMBEDDINGS

Tick = Callable[[], None]
"""Called several times a second while something waits; may raise to end the wait."""


def no_tick() -> None:
    """Do nothing: what waits is ended by its time limit only."""


@dataclass(frozen=True)
class Launch:
    """What every engine that is started here is given."""

    model: ModelFacts
    threads: int
    context_tokens: int  # of each stream
    streams: int | None  # requests in flight at most; None where arrivals follow a schedule
    start_timeout_s: float
    cpus: Sequence[int] = ()  # processors that it stays on; none: any
    lora: LoraFacts | None = None  # adapter that every request uses
    are_threads_asked: bool = False  # by the user; otherwise an engine that knows better may
    api: str = "completions"  # of every request

    @property
    def is_embedding(self) -> bool:
        """Whether every request asks for a vector."""
        return self.api == EMBEDDINGS

    @property
    def lacks_template(self) -> bool:
        """Whether chats are asked of a model that does not say how a chat is written."""
        return self.api == "chat" and self.model.has_chat_template is False


@dataclass(frozen=True)
class Capabilities:
    """What a server can do for a measurement."""

    counts_tokens: bool  # `count_tokens` works
    streams: int | None  # requests that it serves at a time; None: not known
    keeps_to_length: bool  # it can be told to go on past an end token
    tells_timings: bool  # it publishes timings of its own


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
    def address(self) -> Address:
        """Where its interface is."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """What every request carries besides; never to be shown."""
        ...

    @property
    def model_name(self) -> str:
        """The name under which it serves the model."""
        ...

    @property
    def pid(self) -> int | None:
        """Root of its process tree; `None` for a server that somebody else started."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do for a measurement."""
        ...

    def describe(self) -> EngineFacts:
        """Engine, version, build and every argument."""
        ...

    def start(self, log_path: Path, tick: Tick) -> None:
        """Start it and return once it is ready. Raises `ServerStartError`, `ServerDiedError`."""
        ...

    def check_alive(self) -> None:
        """Raise `ServerDiedError` when it has ended."""
        ...

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's own tokens."""
        ...

    def template_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens that a chat template puts around messages, where no usage tells of them; else 0."""
        ...

    def counters(self) -> Mapping[str, float]:
        """What it has counted since it started, from its metrics page; empty where there is none."""
        ...

    def request_body(
        self, api: str, messages: Sequence[Message], output_tokens: int, temperature: float, seed: int
    ) -> dict[str, object]:
        """The JSON body that asks for exactly this many tokens, streamed."""
        ...

    def stop(self) -> None:
        """End it and everything that it started."""
        ...


class LogReader(Protocol):
    """Reads an engine's own timings from the lines of its log."""

    def __call__(self, lines: Iterable[str]) -> Iterable[EngineTiming]:
        """Yield one timing per completed request, in order."""
        ...
