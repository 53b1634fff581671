"""The answer of `lscpu -J`: a pure function of its text."""

import json
from collections.abc import Iterator
from typing import Any


def fields(text: str | None) -> dict[str, str]:
    """Flatten the answer to field -> value; newer versions nest fields under `children`.

    A missing or malformed answer is an empty dictionary. '-' stands for unknown and is left out.
    """
    try:
        entries = json.loads(text or "{}")["lscpu"]
        return {name: value for name, value in _walk(entries) if value not in {"", "-"}}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _walk(entries: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        yield entry["field"].rstrip(":"), str(entry.get("data") or "")
        yield from _walk(entry.get("children", []))
