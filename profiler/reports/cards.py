"""The figures of what each GPU showed over a run: one for each kind of reading."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby, pairwise

from plotly import graph_objects as go

from profiler.reports import figures as draw
from profiler.reports import format as fmt
from profiler.reports import series
from profiler.results.manifest import Manifest
from profiler.results.records import CardReading, Sample

Drawn = tuple[str, str, str, go.Figure | None, str]  # id, title, note, figure, what it is called for those who hear it
_Value = Callable[[CardReading], float | None]
_Lines = dict[str, list[series.Point]]


@dataclass(frozen=True)
class _Kind:
    """One figure; `values` are its lines for each GPU, by what their names end in."""

    id: str
    title: str
    axis: str
    values: Mapping[str, _Value]


_MEMORY = _Kind("gpu-memory", "GPU memory in use", "memory in use", {"": lambda card: card.memory_used_bytes})
_KINDS = (
    _Kind(
        "gpu-busy",
        "GPU utilisation",
        "time busy, %",
        {"": lambda card: None if card.busy_ratio is None else 100 * card.busy_ratio},
    ),
    _MEMORY,
    _Kind("gpu-temperature", "GPU temperature", "temperature, °C", {"": lambda card: card.temperature_c}),
    _Kind(
        "gpu-clocks",
        "GPU clocks",
        "clock, MHz",
        {", multiprocessors": lambda card: card.sm_clock_mhz, ", memory": lambda card: card.memory_clock_mhz},
    ),
    _Kind("gpu-power", "GPU power", "power, W", {"": lambda card: card.power_w}),
)


def figures(manifest: Manifest, samples: Sequence[Sample], zero_ns: int, phases: Sequence[series.Span]) -> list[Drawn]:
    """Every figure for which some GPU has readings; none where no GPU was sampled."""
    by_card = _by_card(samples, zero_ns)
    if not by_card:
        return []
    drawn = [(kind, lines) for kind in _KINDS if (lines := _lines(kind, by_card))]
    notes = [_names(manifest, by_card), *("" for _ in drawn)]
    found: list[Drawn] = [
        (kind.id, kind.title, note, _figure(kind, lines, phases), f"{kind.title} against time.")
        for (kind, lines), note in zip(drawn, notes, strict=False)
    ]
    return [*found, _slowed(by_card, phases)]


def _by_card(samples: Sequence[Sample], zero_ns: int) -> dict[str, list[tuple[float, CardReading]]]:
    """Return the readings of each GPU, in order of time (s)."""
    found: dict[str, list[tuple[float, CardReading]]] = {}
    for sample in sorted(samples, key=lambda sample: sample.t_ns):
        for card in sample.cards:
            found.setdefault(card.card, []).append((series.rounded_s(sample.t_ns - zero_ns), card))
    return found


def _lines(kind: _Kind, by_card: Mapping[str, Sequence[tuple[float, CardReading]]]) -> _Lines:
    lines = {
        escape(f"{name}{ending}"): [(t_s, told) for t_s, card in readings if (told := value(card)) is not None]
        for name, readings in by_card.items()
        for ending, value in kind.values.items()
    }
    return {name: series.extremes(points) for name, points in lines.items() if points}


def _figure(kind: _Kind, lines: _Lines, phases: Sequence[series.Span]) -> go.Figure:
    if kind is not _MEMORY:
        return draw.by_name(lines, kind.axis, phases)
    shown = fmt.scale(max(size for points in lines.values() for _, size in points), "bytes")
    scaled = {name: [(t_s, size * shown.factor) for t_s, size in points] for name, points in lines.items()}
    return draw.by_name(scaled, f"{kind.axis}, {shown.unit}", phases)


def _names(manifest: Manifest, by_card: Mapping[str, object]) -> str:
    """Say which GPU each name stands for, alike ones together."""
    gpus = {f"{gpu.source}:{gpu.index}": gpu.name for gpu in manifest.server_host.gpus}
    known = sorted((gpus[card], card) for card in by_card if gpus.get(card))
    parts = [f"{', '.join(card for _, card in same)}: {name}" for name, same in groupby(known, key=lambda one: one[0])]
    return f"{'; '.join(parts)}." if parts else ""


def _slowed(by_card: Mapping[str, Sequence[tuple[float, CardReading]]], phases: Sequence[series.Span]) -> Drawn:
    """When something held the clocks of a GPU down, a row for each reason that the driver names."""
    about = ("gpu-slowed", "What held GPU clocks down")
    told = {name: [one for one in readings if one[1].slowed_by is not None] for name, readings in by_card.items()}
    if not any(told.values()):
        return (*about, "The driver does not tell what holds the clocks of its GPUs down.", None, "")
    rows = {row: spans for name, readings in told.items() for row, spans in _rows(name, readings)}
    if not rows:
        return (*about, "Nothing, in any sample.", None, "")
    note = "Each bar is a stretch of samples in which the driver named this reason."
    return (*about, note, draw.stretches(rows, phases), "Reasons for lower clocks against time.")


def _rows(name: str, readings: Sequence[tuple[float, CardReading]]) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    causes = {reason: cause for _, card in readings for reason, cause in (card.slowed_by or {}).items()}
    for reason, cause in sorted(causes.items()):
        held = [(t_s, reason in (card.slowed_by or {})) for t_s, card in readings]
        yield f"{escape(name)}, {cause}<br>{escape(reason)}", _stretches(held)


def _stretches(held: Sequence[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Return from when to when something held; those closer together than can be drawn are one."""
    found = [
        (times_s[0], times_s[-1])
        for is_held, group in groupby(held, key=lambda one: one[1])
        if is_held and (times_s := [t_s for t_s, _ in group])
    ]
    apart_s = (held[-1][0] - held[0][0]) / series.MOST_SLICES
    starts = [found[0][0], *(after[0] for before, after in pairwise(found) if after[0] - before[1] > apart_s)]
    ends = [*(before[1] for before, after in pairwise(found) if after[0] - before[1] > apart_s), found[-1][1]]
    return list(zip(starts, ends, strict=True))
