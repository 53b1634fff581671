"""The tables of the `hosts/` content folder: every row comes with the source of its number."""

import csv
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from profiler.content import content
from profiler.results.manifest import Source

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # that of libyaml, where it is, takes a tenth of the time


@cache
def rows(table: str) -> tuple[Mapping[str, str], ...]:
    """Return the rows of a table, named like `power/processors.csv`."""
    with (content("hosts") / table).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def source(name: str) -> Source:
    """Return a source by the name that a row gives it."""
    facts: dict[str, Any] = _sources()[name]
    return Source(
        title=facts["title"], date=str(facts["date"]), licence=facts["licence"], url=facts.get("url"), name=name
    )


def constant(name: str) -> tuple[float, Source]:
    """Return a constant of `constants.csv` with its source. Raises `KeyError`."""
    for row in rows("constants.csv"):
        if row["name"] == name:
            return float(row["value"]), source(row["source"])
    raise KeyError(name)


@cache
def _sources() -> dict[str, dict[str, Any]]:
    text = (content("hosts") / "sources.yaml").read_text("utf-8")
    parsed: dict[str, dict[str, Any]] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - both are safe loaders
    return parsed
