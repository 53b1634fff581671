"""An instance type at a price."""

from dataclasses import dataclass
from typing import Literal

from profiler.results.manifest import PriceFacts

ListKind = Literal["on-demand", "spot", "reserved"]
KINDS: tuple[ListKind, ...] = ("on-demand", "spot", "reserved")


@dataclass(frozen=True)
class Offer:
    """One instance type at one price."""

    price: PriceFacts
    architecture: str | None = None
    vcpus: int | None = None
    memory_mib: int | None = None
    gpu: str | None = None
    gpus: int | None = None


def whole(text: str) -> int | None:
    """Return the whole number that a cell says; None of an empty one. Raises `ValueError`."""
    return int(text) if text else None
