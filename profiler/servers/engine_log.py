"""An engine's own timing of one request, as its log or its answer tells it."""

from typing import NamedTuple

from profiler.results.records import ServerTimings


class EngineTiming(NamedTuple):
    """What the engine says it did for one request."""

    prompt_tokens: int  # that it evaluated; those from a prompt cache are not among them
    prompt_ms: float
    decode_runs: int  # tokens after the first
    decode_ms: float
    covers_sampling: bool = False  # whether the times run from token to token, as a client's do


def timing_told(told: ServerTimings) -> EngineTiming:
    """Return what llama-server told with an answer; its clock runs from token to token, as a client's does."""
    return EngineTiming(told.prompt_n, told.prompt_ms, max(0, told.predicted_n - 1), told.predicted_ms, True)
