"""What data sheets say of GPUs, by the name that their driver gives them: `hosts/gpus.csv`. Rates without sparsity."""

import re
from dataclasses import dataclass
from functools import cache

from profiler import reference_data

TYPES = ("f32", "tf32", "f16", "bf16", "fp8", "int8")

_MAKER = re.compile(r"^(?:NVIDIA|Tesla|AMD|Intel\(R\))\s+", re.IGNORECASE)
_GIGA, _TERA = 1e9, 1e12


@dataclass(frozen=True)
class DataSheet:
    """The limits of a card as its maker states them."""

    memory_bytes_per_s: float
    operations_per_s: dict[str, float]  # by type; a multiply-add counts as two
    source: str  # title and date


def data_sheet(name: str | None) -> DataSheet | None:
    """Return what is stated of a card that the driver calls so; None where that is not known."""
    return _sheets().get(_key(name)) if name else None


@cache
def _sheets() -> dict[str, DataSheet]:
    found = {}
    for row in reference_data.rows("gpus.csv"):
        source = reference_data.source(row["source"])
        found[_key(row["name"])] = DataSheet(
            memory_bytes_per_s=float(row["memory_gb_per_s"]) * _GIGA,
            operations_per_s={kind: float(row[f"{kind}_tera"]) * _TERA for kind in TYPES if row[f"{kind}_tera"]},
            source=f"{source.title}, {source.date}",
        )
    return found


def _key(name: str) -> str:
    previous, text = None, name.strip()
    while previous != text:  # NVIDIA Tesla T4
        previous, text = text, _MAKER.sub("", text)
    return text.removesuffix(" OAM").casefold()
