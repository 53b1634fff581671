"""What a request says: messages with roles, made before the measurement."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

Role = Literal["system", "user", "assistant"]


class Message(NamedTuple):
    """One message, as the chat interface takes it."""

    role: Role
    text: str


def joined(messages: Sequence[Message]) -> str:
    """Return the messages as one text, as the completions interface takes them."""
    return " ".join(message.text for message in messages)


class Prompt(NamedTuple):
    """What one request sends and how much it asks for."""

    messages: tuple[Message, ...]
    tokens: int | None
    """How many tokens the server's own tokenizer makes of the joined messages; None where nobody counted."""
    output_tokens: int | None = None
    """Tokens that this request asks for; None stands for the workload's `output_tokens`."""

    @property
    def text(self) -> str:
        """The messages as one text."""
        return joined(self.messages)
