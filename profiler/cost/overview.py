"""What each list of prices holds: for a table of all lists."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from profiler.cost.age import MOST_DAYS
from profiler.cost.prices import PriceList


@dataclass(frozen=True)
class Overview:
    """One list of prices."""

    name: str  # of its file
    origin: str
    prices: int
    providers: list[str]
    regions: list[str]
    kinds: list[str]
    currencies: list[str]
    oldest: str | None  # date of its oldest price
    newest: str | None
    age_days: int | None  # of the oldest
    is_old: bool
    sources: list[str]
    path: str


def overview(listed: PriceList, today: date, most_days: int = MOST_DAYS) -> Overview:
    """Read a list and say what it holds. Raises `UsageError` for an imported one that was damaged."""
    found = [offer.price for offer in listed.offers()]
    dates = sorted({price.source.date for price in found if price.source.date})
    age = (today - date.fromisoformat(dates[0])).days if dates else None
    return Overview(
        name=listed.path.name,
        origin=listed.origin,
        prices=len(found),
        providers=_known(price.provider for price in found),
        regions=_known(price.region for price in found),
        kinds=_known(price.kind_text for price in found),
        currencies=_known(price.currency for price in found),
        oldest=dates[0] if dates else None,
        newest=dates[-1] if dates else None,
        age_days=age,
        is_old=age is None or age > most_days,
        sources=_known(price.source.title for price in found),
        path=str(listed.path),
    )


def _known(values: Iterable[str | None]) -> list[str]:
    return sorted({value for value in values if value})
