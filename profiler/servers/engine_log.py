"""An engine's own timing of one request, as its log or its answer tells it."""

from typing import NamedTuple


class EngineTiming(NamedTuple):
    """What the engine says it did for one request."""

    prompt_tokens: int  # that it evaluated; those from a prompt cache are not among them
    prompt_ms: float
    decode_runs: int  # tokens after the first
    decode_ms: float
    covers_sampling: bool = False  # whether the times run from token to token, as a client's do
