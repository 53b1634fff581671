"""An engine's own timing of one request, as its log tells it."""

from typing import NamedTuple


class EngineTiming(NamedTuple):
    """What the engine says it did for one request, sampling and HTTP left out."""

    prompt_tokens: int
    prompt_ms: float
    decode_runs: int
    decode_ms: float
