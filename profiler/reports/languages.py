"""The languages of a run side by side."""

from typing import NamedTuple

from profiler.number_format import plain_quantity
from profiler.results.summary import LanguageSummary, Summary

_NONE = ""


class LanguageRow(NamedTuple):
    """One language, ready to print; a cell is empty where there is nothing to say."""

    language: str
    cells: tuple[str, ...]


def columns(summary: Summary) -> list[str]:
    """Return the titles, the unit in each."""
    currency = next((each.currency for each in summary.languages if each.currency), None)
    return [
        "Requests",
        "Tokens per word",
        "Tokens per character",
        "TTFT p50, ms",
        f"{currency or 'Cost'} per 1,000 characters",
        "J per 1,000 characters",
    ]


def rows(summary: Summary) -> list[LanguageRow]:
    """Return a row for each language; none where there are fewer than two to set against each other."""
    found = [LanguageRow(each.language, _cells(each)) for each in summary.languages]
    return found if len(found) > 1 else []


def _cells(each: LanguageSummary) -> tuple[str, ...]:
    energy = each.energy_j_per_1k_characters
    return (
        f"{each.requests:,}",
        _number(each.tokens_per_word),
        _number(each.tokens_per_character),
        _number(each.ttft_p50_ms),
        _number(each.cost_per_1k_characters),
        _NONE if energy is None else _span(*energy),
    )


def _span(low: float, high: float) -> str:
    return _number(low) if low == high else f"{_number(low)}\N{EN DASH}{_number(high)}"


def _number(value: float | None) -> str:
    return _NONE if value is None else plain_quantity(value, "").strip()
