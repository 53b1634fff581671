"""How many tokens a server says there were, whatever form it says it in.

A count is a whole number from 0 to a billion, as a number or as its digits; anything else is not known. Gateways that
do not count write 0: no prompt has that many.
"""

from typing import Any

import msgspec

MOST_COUNTED = 10**9
MOST_DIGITS = 10


class Usage(msgspec.Struct):
    """How many tokens a server says there were; None where it does not say so in a form that can be read."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


def read_usage(said: object) -> Usage | None:
    """Read the counts that a server tells, whatever form they have."""
    if not isinstance(said, dict):
        return None
    completion = said.get("completion_tokens_details")
    usage = Usage(
        prompt_tokens=count_of(said.get("prompt_tokens")) or None,
        completion_tokens=count_of(said.get("completion_tokens")),
        cached_tokens=_cached(said),
        reasoning_tokens=count_of(completion.get("reasoning_tokens")) if isinstance(completion, dict) else None,
    )
    return None if usage == Usage() else usage


def _cached(said: dict[str, Any]) -> int | None:
    """Return how much of a prompt was in the server's cache. DeepSeek and Moonshot have fields of their own for it."""
    details = said.get("prompt_tokens_details")
    told = details.get("cached_tokens") if isinstance(details, dict) else None
    told = said.get("prompt_cache_hit_tokens") if told is None else told
    return count_of(said.get("cached_tokens") if told is None else told)


def count_of(value: object) -> int | None:
    """Read a count; None for what cannot be one."""
    if isinstance(value, str) and len(value) <= MOST_DIGITS and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_COUNTED
    return value if is_count else None  # type: ignore[return-value] # the line before has looked


def text_of(value: object) -> str | None:
    """Return a value that is a string, without halves of surrogate pairs, which no file can hold; else None."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None
