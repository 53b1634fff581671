"""Where measured requests go, and what a server to be started is given."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from profiler.errors import ServerError
from profiler.results.manifest import EngineFacts, LoraFacts, ModelFacts
from profiler.servers.address import Address
from profiler.workloads.messages import Message, Request
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
    cpus: Sequence[int] = ()  # CPUs that it stays on; none: any
    lora: LoraFacts | None = None  # adapter that every request uses
    threads_explicit: bool = False  # chosen by the user; otherwise an engine that knows better may
    api: str = "completions"  # of every request

    @property
    def is_embedding(self) -> bool:
        """Whether every request asks for a vector."""
        return self.api == EMBEDDINGS

    @property
    def lacks_template(self) -> bool:
        """Whether chats are asked of a model that does not say how a chat is written."""
        return self.api == "chat" and self.model.has_chat_template is False


class Endpoint(ABC):
    """Where measured requests go, whoever has started the server behind it."""

    address: Address
    model_name: str
    """The name under which it serves the model."""

    headers: Mapping[str, str] = {}
    """What every request carries besides; never to be shown."""

    counts_tokens: ClassVar[bool] = False
    """Whether `count_tokens` works."""

    @abstractmethod
    def describe(self) -> EngineFacts:
        """Everything that is known of the engine behind it."""

    @abstractmethod
    def request_body(self, request: Request) -> dict[str, object]:
        """The JSON body that asks for the tokens of a request, streamed.

        Where it stops at a length, fewer come only from a server that cannot be kept from ending early.
        """

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's own tokens. Raises `ServerError`; always, unless it `counts_tokens`."""
        raise ServerError(f"The server at {self.address.url} has no call that counts tokens.")

    def template_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens that a chat template puts around messages, where no `usage` reports them; else 0."""
        return 0

    def counters(self) -> Mapping[str, float]:
        """What it has counted since it started, from its metrics page; empty where there is none."""
        return {}
