"""How old prices are: pure. A price that is older than the reader would think is never used without a word."""

from datetime import date

from profiler.results.manifest import PriceFacts

MOST_DAYS = 180


def age_days(price: PriceFacts, today: date) -> int | None:
    """Return how old a listed price is; None of one that was stated, or without a date."""
    if price.source.name == "flag" or not price.source.date:
        return None
    try:
        return (today - date.fromisoformat(price.source.date)).days
    except ValueError:
        return None


def notice(price: PriceFacts | None, today: date, most_days: int = MOST_DAYS) -> str | None:
    """Say that a price is older than so many days, or that its age is not known; None where there is nothing to say."""
    if price is None or price.source.name == "flag":
        return None
    days, what = age_days(price, today), price.instance_type or "the machine"
    if days is None:
        return f"The price of {what} has no date: it may be out of date. Pass --price, or import prices with a date."
    if days <= most_days:
        return None
    return (
        f"The price of {what} is of {price.source.date}, {days} days old. Refresh it (aforo prices refresh, aforo "
        "prices import) or pass --price."
    )
