"""Prices of instance types: those of the user, those refreshed on this machine, those that ship with Aforo."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from profiler import reference_data
from profiler.cache import cache_folder, data_folder
from profiler.content import content
from profiler.cost import price_file
from profiler.cost.offer import KINDS, ListKind, Offer, whole
from profiler.errors import ModelError
from profiler.results.manifest import PriceFacts, Source

Origin = Literal["imported", "refreshed", "shipped"]
_FOLDER = "prices"  # within the user's cache folder (refreshed), and within the data folder (imported)


@dataclass(frozen=True)
class Places:
    """Folders of price lists beside those that ship with Aforo, in the order in which they are looked into."""

    imported: Path | None = None
    refreshed: Path | None = None


SHIPPED = Places()


@dataclass(frozen=True)
class PriceList:
    """One file of prices. `provider`, `region` and `kind` are of all its rows; of an imported file each row says."""

    path: Path
    origin: Origin
    provider: str = ""
    region: str = ""
    kind: ListKind = "on-demand"

    def offers(self, instance_type: str | None = None) -> Iterator[Offer]:
        """Yield every offer of the file, or those of an instance type."""
        if self.origin == "imported":
            yield from price_file.stored(self.path, instance_type)
            return
        refreshed = self._refreshed_source()
        with self.path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if instance_type in {None, row["instance_type"]}:
                    yield self._offer(row, refreshed or reference_data.source(row["source"]))

    def _refreshed_source(self) -> Source | None:
        beside = self.path.with_suffix(".source.json")
        return Source.model_validate_json(beside.read_text("utf-8")) if beside.is_file() else None

    def _offer(self, row: Mapping[str, str], source: Source) -> Offer:
        price = PriceFacts(
            per_hour=float(row["usd_per_hour"]),
            currency="USD",
            kind=self.kind,
            provider=self.provider,
            region=self.region,
            instance_type=row["instance_type"],
            source=source,
        )
        return Offer(
            price=price,
            architecture=row["architecture"] or None,
            vcpus=whole(row["vcpus"]),
            memory_mib=whole(row["memory_mib"]),
            gpu=row["gpu"] or None,
            gpus=whole(row["gpus"]),
        )


def imported_folder() -> Path:
    """Return where imported lists are kept. Raises `ModelError` where the user has no home folder."""
    return data_folder() / _FOLDER


def places() -> Places:
    """Return the folders of this user; without a home folder those that are known all the same."""
    found: list[Path | None] = []
    for folder in (data_folder, cache_folder):
        try:
            found.append(folder() / _FOLDER)
        except ModelError:
            found.append(None)
    imported, refreshed = found
    return Places(imported, refreshed)


def price_lists(where: Places = SHIPPED) -> list[PriceList]:
    """Return every list: imported ones, the newest first, then refreshed ones, then those that ship with Aforo."""
    imported = [PriceList(path, "imported") for path in _files(where.imported)]
    imported.sort(key=lambda each: each.path.stat().st_mtime_ns, reverse=True)
    refreshed = [_named(path, "refreshed") for path in _files(where.refreshed)]
    shipped = [_named(path, "shipped") for path in _files(content("hosts") / "prices")]
    return imported + [each for each in (*refreshed, *shipped) if each is not None]


def offers(
    instance_type: str, region: str | None = None, kind: ListKind | None = None, where: Places = SHIPPED
) -> list[Offer]:
    """Return every offer of an instance type, the user's first; one for each provider, region, kind and term."""
    found: dict[tuple[object, ...], Offer] = {}
    for listed in price_lists(where):
        for offer in listed.offers(instance_type):
            price = offer.price
            if kind in {None, price.kind} and (region is None or _is_in(price.region, region)):
                found.setdefault((price.provider, price.region, price.kind, price.term_months), offer)
    return list(found.values())


def write(folder: Path, region: str, rows: list[dict[str, str]], source: Source) -> Path:
    """Write a refreshed list of on-demand prices with its source beside it, and return its path."""
    path = folder / f"aws-{region}-on-demand.csv"
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        columns = ["instance_type", "architecture", "vcpus", "memory_mib", "gpu", "gpus", "usd_per_hour", "source"]
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        table.writerows({"source": source.name, **row} for row in rows)
    path.with_suffix(".source.json").write_text(json.dumps(source.model_dump(), indent=2) + "\n", "utf-8")
    return path


def _files(folder: Path | None) -> list[Path]:
    return sorted(folder.glob("*.csv")) if folder is not None and folder.is_dir() else []


def _named(path: Path, origin: Origin) -> PriceList | None:
    """Read provider, region and kind from a name like aws-us-east-1-on-demand.csv."""
    for kind in KINDS:
        if path.stem.endswith(f"-{kind}"):
            provider, _, region = path.stem.removesuffix(f"-{kind}").partition("-")
            return PriceList(path, origin, provider, region, kind)
    return None


def _is_in(place: str | None, region: str) -> bool:
    """Whether a place is a region or one of its zones: us-east-1a, us-central1-a. A price of no place is of all."""
    return place is None or place == region or re.fullmatch(rf"{re.escape(region)}-?[a-z]", place) is not None
