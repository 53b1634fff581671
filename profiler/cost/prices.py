"""Prices of instance types: the catalogue's, those refreshed on this machine, and those that a user states."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from profiler import reference_data
from profiler.content import content
from profiler.errors import UsageError
from profiler.results.manifest import PriceFacts, Source, TokenPriceFacts

PriceKind = Literal["on-demand", "spot", "reserved"]
KINDS: tuple[PriceKind, ...] = ("on-demand", "spot", "reserved")
REFRESHED = "prices"  # folder, within the cache folder, of what `aforo prices refresh` wrote

_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True)
class Offer:
    """One instance type at one price."""

    price: PriceFacts
    architecture: str | None
    vcpus: int | None
    memory_mib: int | None
    gpu: str | None
    gpus: int | None


@dataclass(frozen=True)
class PriceList:
    """One file of prices: one provider, region and kind."""

    path: Path
    provider: str
    region: str
    kind: PriceKind

    def offers(self) -> Iterator[Offer]:
        """Yield every offer of the file."""
        refreshed = self._refreshed_source()
        with self.path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
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
            vcpus=_number(row["vcpus"]),
            memory_mib=_number(row["memory_mib"]),
            gpu=row["gpu"] or None,
            gpus=_number(row["gpus"]),
        )


def price_lists(refreshed: Path | None = None) -> list[PriceList]:
    """Return every list: those of the folder `refreshed` first, then those that ship with Aforo."""
    folders = [folder for folder in (refreshed, content("hosts") / "prices") if folder is not None and folder.is_dir()]
    return [found for folder in folders for path in sorted(folder.glob("*.csv")) if (found := _named(path))]


def offers(
    instance_type: str, region: str | None = None, kind: PriceKind | None = None, refreshed: Path | None = None
) -> list[Offer]:
    """Return every offer of an instance type, refreshed ones first; one offer per region and kind."""
    found: dict[tuple[str, str], Offer] = {}
    for listed in price_lists(refreshed):
        if region not in {None, listed.region} or kind not in {None, listed.kind}:
            continue
        for offer in listed.offers():
            if offer.price.instance_type == instance_type:
                found.setdefault((listed.region, listed.kind), offer)
    return list(found.values())


def stated(per_hour: float, currency: str, kind: PriceKind) -> PriceFacts:
    """Return the price that the user says. Raises `UsageError`."""
    if not per_hour > 0:
        raise UsageError(f"--price {per_hour:g}: expected what an hour of this machine costs, above 0.")
    _check_currency(currency)
    said = Source(name="flag", title="said on the command line: --price")
    return PriceFacts(per_hour=per_hour, currency=currency, kind=kind, source=said)


def stated_per_token(
    input_per_1m: float | None, output_per_1m: float | None, currency: str, cached_input_per_1m: float | None = None
) -> TokenPriceFacts | None:
    """Return what the user says that an endpoint charges; `None` where nothing is said. Raises `UsageError`."""
    if cached_input_per_1m is not None and input_per_1m is None:
        raise UsageError("--price-cached-input is beside the price of other prompt tokens. Pass --price-input, too.")
    if input_per_1m is None and output_per_1m is None:
        return None
    prices = (input_per_1m, output_per_1m, cached_input_per_1m)
    for flag, value in zip(("--price-input", "--price-output", "--price-cached-input"), prices, strict=True):
        if value is not None and not value >= 0:
            raise UsageError(f"{flag} {value:g}: expected the price of a million tokens, 0 or more.")
    _check_currency(currency)
    said = Source(name="flag", title="said on the command line: --price-input, --price-output")
    return TokenPriceFacts(
        input_per_1m=input_per_1m or 0.0,
        output_per_1m=output_per_1m or 0.0,
        cached_input_per_1m=cached_input_per_1m,
        currency=currency,
        source=said,
    )


def _check_currency(currency: str) -> None:
    if not _CURRENCY.fullmatch(currency):
        raise UsageError(f"--currency {currency}: expected three capital letters, such as USD or EUR.")


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


def _named(path: Path) -> PriceList | None:
    """Read provider, region and kind from a name like aws-us-east-1-on-demand.csv."""
    for kind in KINDS:
        if path.stem.endswith(f"-{kind}"):
            provider, _, region = path.stem.removesuffix(f"-{kind}").partition("-")
            return PriceList(path, provider, region, kind)
    return None


def _number(text: str) -> int | None:
    return int(text) if text else None
