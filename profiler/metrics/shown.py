"""In which tables a metric stands besides the full ones."""

from dataclasses import dataclass
from typing import Literal

VALUE = "value"  # in place of a quantile: the number itself, of a metric that has a single one


@dataclass(frozen=True)
class Shown:
    """The places of a metric in tables that have room for few; it stands in the full tables in any case.

    `order` is its place in each of them, the lowest first. `of` keeps it to the tables of runs that are about these
    tokens (`results.tokens`): those of embeddings are about input tokens. `statistics` are its columns: quantiles, or
    `VALUE`.
    """

    order: int = 0
    of: Literal["output", "input"] | None = None
    statistics: tuple[str, ...] = (VALUE,)
    headline: Literal["terminal", "page"] | None = None  # "terminal": there as well, where few have room
    brief: str | None = None  # which statistic of it stands in `aforo list`, and in a comparison on a terminal
    compared: Literal["ranked", "shown"] | None = None  # column of a comparison; "ranked": set against the baseline
    loads: Literal["terminal", "page"] | None = None  # column of the loads of a sweep or search
    has_percentiles: bool = False  # a latency whose percentiles and ECDF are shown
    is_optional: bool = False  # of what few runs have: nothing is said of it where it was not measured


NOWHERE = Shown()
