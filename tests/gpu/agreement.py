"""How our samples of a card agree with what nvidia-smi showed at the same time: pure, standard library only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

MIB = 2**20
NEAR_NS = 600_000_000  # half of nvidia-smi's period and some
FEWEST = 10


@dataclass(frozen=True)
class SmiLine:
    """A line of nvidia-smi; None is what it writes as [N/A]."""

    QUERY: ClassVar[tuple[str, ...]] = (
        *("utilization.gpu", "memory.used", "temperature.gpu"),
        *("clocks.current.sm", "clocks.current.memory", "power.draw"),
    )

    t_ns: int  # CLOCK_MONOTONIC, when the line arrived
    values: tuple[float | None, ...]  # in the order of QUERY


@dataclass(frozen=True)
class _Field:
    """The same reading under both names: ours, times a factor, is in nvidia-smi's unit."""

    ours: str
    factor: float
    unit: str
    limit: float  # of the median difference, in that unit
    limit_ratio: float = 0.0  # or as a share of the reading, whichever is wider


# Both read the same driver; limits allow for up to half a second between the two.
FIELDS = (
    _Field("busy_ratio", 100.0, "%", 10.0),
    _Field("memory_used_bytes", 1 / MIB, "MiB", 64.0),
    _Field("temperature_c", 1.0, "°C", 2.0),
    _Field("sm_clock_mhz", 1.0, "MHz", 30.0, 0.05),
    _Field("memory_clock_mhz", 1.0, "MHz", 1.0, 0.01),
    _Field("power_w", 1.0, "W", 5.0, 0.10),
)


@dataclass(frozen=True)
class Agreement:
    """One kind of reading: the median of the differences at the same moment, and how large it may be."""

    reading: str
    n: int
    difference: float | None
    limit: float
    unit: str

    @property
    def agrees(self) -> bool | None:
        """Whether both show the same; None where there are too few moments to say."""
        return None if self.difference is None or self.n < FEWEST else self.difference <= self.limit

    @staticmethod
    def sentence(facts: Mapping[str, Any]) -> str:
        """Say it in words, of the facts as they are written down."""
        if facts["agrees"] is None:
            return f"{facts['reading']}: {facts['n']} moments are too few to compare"
        word = "agrees" if facts["agrees"] else "DISAGREES"
        return (
            f"{facts['reading']} {word} with nvidia-smi: median difference {facts['difference']:.3g} {facts['unit']} "
            f"of {facts['n']} moments (limit {facts['limit']:.3g})"
        )


def read_smi(path: Path) -> list[SmiLine]:
    """Read a log: a time in ns, then what was asked; lines that were cut off are passed over."""
    if not path.is_file():
        return []
    found = [_line(text) for text in path.read_text("utf-8", "replace").splitlines()]
    return [line for line in found if line is not None]


def _line(text: str) -> SmiLine | None:
    first, *others = [part.strip() for part in text.split(",")]
    if len(others) != len(SmiLine.QUERY) or not first.isdecimal():
        return None
    return SmiLine(int(first), tuple(_number(part) for part in others))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # [N/A], [Unknown Error]
        return None


def agreements(samples: Sequence[Mapping[str, Any]], lines: Sequence[SmiLine], card: str = "nvml:0") -> list[Agreement]:
    """Compare every sample of a card with the line of nvidia-smi that is nearest in time, kind by kind."""
    ours = [
        (sample["t_ns"], reading)
        for sample in samples
        for reading in sample.get("cards", ())
        if reading["card"] == card
    ]
    pairs = [(reading, near) for t_ns, reading in ours if (near := _nearest(t_ns, lines)) is not None]
    return [_agreement(i, field, pairs) for i, field in enumerate(FIELDS)]


def _nearest(t_ns: int, lines: Sequence[SmiLine]) -> SmiLine | None:
    near = min(lines, key=lambda line: abs(line.t_ns - t_ns), default=None)
    return near if near is not None and abs(near.t_ns - t_ns) <= NEAR_NS else None


def _agreement(index: int, field: _Field, pairs: Sequence[tuple[Mapping[str, Any], SmiLine]]) -> Agreement:
    both = [
        (ours * field.factor, theirs)
        for reading, line in pairs
        if (ours := reading.get(field.ours)) is not None and (theirs := line.values[index]) is not None
    ]
    difference = median(abs(ours - theirs) for ours, theirs in both) if both else None
    usual = median(theirs for _, theirs in both) if both else 0.0
    return Agreement(field.ours, len(both), difference, max(field.limit, field.limit_ratio * usual), field.unit)
