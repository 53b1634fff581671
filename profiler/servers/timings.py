"""What an engine reports of its own speed: in its log, in its responses, or as counters on its metrics page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from profiler.results.records import ServerTimings


class EngineTiming(NamedTuple):
    """What the engine says it did for one request."""

    prompt_tokens: int  # that it evaluated; those from a prompt cache are not among them
    prompt_ms: float
    decode_runs: int  # tokens after the first
    decode_ms: float
    covers_sampling: bool = False  # whether the times run from token to token, as a client's do


@dataclass(frozen=True)
class Counters:
    """Names on an engine's metrics page; where several are given, the newest version's first. Times are in seconds.

    Histograms are named without `_sum` and `_count`.
    """

    gaps_s: Sequence[str] = ()  # histograms of the time between two steps of a request
    made_tokens: str | None = None  # tokens made; several a step where it decodes speculatively
    prefilled_tokens: Sequence[str] = ()  # prompt tokens computed
    prefill_s: str | None = None  # time for them
    prompt_tokens: str | None = None
    cached_prompt_tokens: str | None = None  # those taken from a prefix cache
    ttft_s: str | None = None  # histogram of the time from a request's arrival to its first token
    e2e_s: str | None = None  # histogram of the time to its last token


def timing_told(told: ServerTimings) -> EngineTiming:
    """Return what a server reported with a response; its clock runs from token to token, as a client's does."""
    return EngineTiming(told.prompt_n, told.prompt_ms, max(0, told.predicted_n - 1), told.predicted_ms, True)
