"""What a request says and asks for: messages with roles, made before the measurement."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal, NamedTuple

from profiler.quality.words import LANGUAGES_WITHOUT_SPACES, primary_language

_DIGEST_CHARACTERS = 16
Role = Literal["system", "user", "assistant"]
Stop = Literal["length", "natural"]
"""What ends a response: its length, the end of a sequence being suppressed, or the model, at that length the latest."""


class Message(NamedTuple):
    """One message, as the chat interface takes it."""

    role: Role
    text: str


def words_of(text: str, language: str) -> int | None:
    """Return how many words a text has: runs without white space; None in a language that puts none between words."""
    return None if primary_language(language) in LANGUAGES_WITHOUT_SPACES else len(text.split())


def joined(messages: Sequence[Message]) -> str:
    """Return the messages as one text, as the completions interface takes them."""
    return " ".join(message.text for message in messages)


class Request(NamedTuple):
    """One request, whichever engine it goes to."""

    api: str  # completions or chat
    messages: Sequence[Message]
    output_tokens: int  # exactly, or at the most where it ends by itself
    stop: Stop = "length"
    temperature: float = 0.0
    seed: int = 1
    item: str | None = None
    """Which row of a data set it is about."""


class Prompt(NamedTuple):
    """What one request sends and how much it asks for."""

    messages: tuple[Message, ...]
    tokens: int | None
    """How many tokens the server's own tokenizer makes of the joined messages; None where nobody counted."""
    output_tokens: int | None = None
    """Tokens that this request asks for; None stands for the workload's `output_tokens`."""
    item: str | None = None
    """Which row of a data file it is; None where it was made up."""
    references: tuple[str, ...] = ()
    """What right responses say, where the data file tells."""
    language: str | None = None
    """Of its text, where the data file tells."""

    @property
    def text(self) -> str:
        """The messages as one text."""
        return joined(self.messages)

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that no other messages have."""
        said = "\0".join(part for message in self.messages for part in message)
        return sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARACTERS]
