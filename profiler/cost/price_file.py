"""Files of prices that a user brings: a CSV of one's own, or one that gpuhunt's catalogue writes.

gpuhunt's columns are those of `python -m gpuhunt PROVIDER --output FILE` (gpuhunt 0.1.34,
`gpuhunt/_internal/storage.py`: CATALOG_V2_FIELDS); its prices are USD per hour, its memory is GB.
"""

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from profiler.cost.offer import KINDS, Offer, whole
from profiler.cost.price import reserved_per_hour
from profiler.errors import UsageError
from profiler.files import read_bytes
from profiler.results.manifest import PriceFacts, Source

COLUMNS = (
    *("instance_type", "price_per_hour", "currency", "provider", "region", "kind", "term_months", "upfront"),
    *("architecture", "vcpus", "memory_gib", "gpu", "gpus", "date", "source", "url"),
)
_REQUIRED = ("instance_type", "price_per_hour")
_GPUHUNT = {"instance_name", "location", "price", "spot"}
_GPUHUNT_ARCHITECTURES = {"x86": "amd64", "arm": "arm64"}
_MIB_PER_GIB = 1024
_MOST_BYTES = 256 * 2**20
_MOST_PER_HOUR, _MOST_COUNT = 1e9, 10**9
_CURRENCY = re.compile(r"[A-Z]{3}")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")

Row = Mapping[str, str]


@dataclass(frozen=True)
class Defaults:
    """What holds for every row that does not say otherwise."""

    currency: str | None = None
    provider: str | None = None
    date: str = ""
    source: str = ""


@dataclass(frozen=True)
class PriceFile:
    """What a file says: rows as they are kept (`COLUMNS`), a sentence for each bad one, columns that nobody reads."""

    rows: list[dict[str, str]] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def read(path: Path, defaults: Defaults) -> PriceFile:
    """Read a file of either form. Raises `UsageError` where it is no such file at all."""
    table = _table(path)
    columns = list(table.fieldnames or ())
    is_gpuhunt = set(columns) >= _GPUHUNT
    if not is_gpuhunt and (missing := [name for name in _REQUIRED if name not in columns]):
        raise UsageError(
            f"{path}: there is no column {' and none '.join(missing)}. Expected a CSV with "
            f"{', '.join(_REQUIRED)} and, where known, {', '.join(COLUMNS[2:])}; or one of gpuhunt, with "
            f"{', '.join(sorted(_GPUHUNT))}."
        )
    if is_gpuhunt and defaults.provider is None:
        defaults = replace(defaults, provider=path.stem)
    found = PriceFile(unread=[] if is_gpuhunt else [name for name in columns if name and name not in COLUMNS])
    for line, row in _rows(table, path):
        try:
            found.rows.append(_kept(_of_gpuhunt(row) if is_gpuhunt else row, defaults))
        except ValueError as error:
            found.bad.append(f"{path}, line {line}: {error}")
    return found


def stored(path: Path, instance_type: str | None = None) -> Iterator[Offer]:
    """Yield the offers of a file as `text` wrote it; of one instance type where that is given."""
    for _, row in _rows(_table(path), path):
        if instance_type in {None, row.get("instance_type")}:
            try:
                yield _offer({name: row.get(name, "") for name in COLUMNS})
            except ValueError as error:
                raise UsageError(f"{path} was damaged: {error}. Import the prices again.") from error


def text(rows: list[dict[str, str]]) -> str:
    """Return rows as they are kept."""
    written = io.StringIO()
    table = csv.DictWriter(written, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return written.getvalue()


def _table(path: Path) -> "csv.DictReader[str]":
    try:
        content = read_bytes(path, _MOST_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text ({error.reason} at byte {error.start}). Expected a CSV.") from error
    head = content.partition("\n")[0]
    delimiter = ";" if ";" in head and "," not in head else ","
    return csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)


def _rows(table: "csv.DictReader[str]", path: Path) -> Iterator[tuple[int, Row]]:
    """Yield every row that is not empty with the line that it ends on. Raises `UsageError` for what is no CSV."""
    try:
        for row in table:
            cells = {str(name): (value or "").strip() for name, value in row.items() if name is not None}
            yield table.line_num, cells | ({"": ",".join(row[None])} if None in row else {})
    except csv.Error as error:
        raise UsageError(f"{path}, line {table.line_num}: it is no CSV ({error}).") from error


def _of_gpuhunt(row: Row) -> Row:
    """Return a row of gpuhunt under our names."""
    spot = row["spot"].lower()
    if spot not in {"true", "false"}:
        raise ValueError(f"spot {row['spot']!r}: expected True or False")
    architecture = row.get("cpu_arch", "")
    return {
        "": row.get("", ""),
        "instance_type": row["instance_name"],
        "price_per_hour": row["price"],
        "currency": "USD",
        "region": row["location"],
        "kind": "spot" if spot == "true" else "on-demand",
        "architecture": _GPUHUNT_ARCHITECTURES.get(architecture, architecture),
        "vcpus": row.get("cpu", ""),
        "memory_gib": row.get("memory", ""),
        "gpu": row.get("gpu_name", ""),
        "gpus": "" if row.get("gpu_count") == "0" else row.get("gpu_count", ""),
    }


def _kept(row: Row, defaults: Defaults) -> dict[str, str]:
    """Return a row with what its file leaves to the defaults. Raises `ValueError` for what is no price."""
    if row.get(""):
        raise ValueError(f"it has more cells than the heading: {row['']!r}")
    kept = {name: row.get(name, "") for name in COLUMNS}
    for name in ("currency", "provider", "date", "source"):
        kept[name] = kept[name] or getattr(defaults, name) or ""
    kept["kind"] = kept["kind"].lower() or "on-demand"
    _offer(kept)
    return kept


def _offer(row: Row) -> Offer:
    """Read one row. Raises `ValueError`."""
    kind = next((known for known in KINDS if known == row["kind"]), None)
    if kind is None:
        raise ValueError(f"kind {row['kind']!r}: expected {', '.join(KINDS)}")
    if not _NAME.fullmatch(row["instance_type"]):
        raise ValueError(f"instance_type {row['instance_type']!r}: expected a name")
    upfront, term = _number(row, "upfront") or 0.0, _count(row, "term_months")
    if upfront and not term:
        raise ValueError("upfront without term_months: over how many months is it spread?")
    hourly = _number(row, "price_per_hour")
    if hourly is None or hourly + upfront <= 0:
        raise ValueError(f"price_per_hour {row['price_per_hour']!r}: expected a number above 0, such as 0.58")
    price = PriceFacts(
        per_hour=reserved_per_hour(hourly, upfront, term) if term else hourly,
        currency=_currency(row),
        kind=kind,
        term_months=term,
        upfront=upfront,
        provider=row["provider"] or None,
        region=row["region"] or None,
        instance_type=row["instance_type"],
        source=Source(name="imported", title=row["source"], date=_date(row), url=row["url"] or None),
    )
    memory_gib = _number(row, "memory_gib")
    return Offer(
        price=price,
        architecture=row["architecture"] or None,
        vcpus=_count(row, "vcpus"),
        memory_mib=None if memory_gib is None else round(memory_gib * _MIB_PER_GIB),
        gpu=row["gpu"] or None,
        gpus=_count(row, "gpus"),
    )


def _number(row: Row, name: str) -> float | None:
    if not row[name]:
        return None
    try:
        value = float(row[name])
    except ValueError:
        value = math.nan
    if not 0 <= value <= _MOST_PER_HOUR:
        raise ValueError(f"{name} {row[name]!r}: expected a number, 0 or more, with a point: 0.58")
    return value


def _count(row: Row, name: str) -> int | None:
    try:
        value = whole(row[name])
    except ValueError:
        value = -1
    if value is not None and not 0 <= value <= _MOST_COUNT:
        raise ValueError(f"{name} {row[name]!r}: expected a whole number")
    return value


def _currency(row: Row) -> str:
    if not row["currency"]:
        raise ValueError("its currency is not known: add a column currency, or pass --currency")
    if not _CURRENCY.fullmatch(row["currency"]):
        raise ValueError(f"currency {row['currency']!r}: expected three capital letters, such as USD or EUR")
    return row["currency"]


def _date(row: Row) -> str:
    try:
        return date.fromisoformat(row["date"]).isoformat()
    except ValueError:
        raise ValueError(f"date {row['date']!r}: expected a day such as 2026-11-30") from None
