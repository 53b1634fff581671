"""A ladder of quantisations as a page: what each file loses and gains, against its size."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from profiler.reports import format as fmt
from profiler.reports.choice import page
from profiler.reports.choice.document import Document, Drawing, Section, Table
from profiler.reports.figures import BLUE, VERMILLION, base, rounded
from profiler.reports.quantisations import Z, file_names, sentences, tables
from profiler.results.ladder import Ladder, Rung
from profiler.units import bytes_to_mib

_DECODE = "decode_tokens_per_s"
_NOT_COMPARED = "Predictions were not compared"


class _Dot(NamedTuple):
    """A number of one file, with its interval."""

    name: str
    rung: Rung
    value: float
    low: float
    high: float

    @property
    def mib(self) -> float:
        return rounded(bytes_to_mib(self.rung.size_bytes))


def render(ladder: Ladder) -> str:
    """Return the page. The same ladder gives the same bytes."""
    return page.render(document(ladder))


def document(ladder: Ladder) -> Document:
    """Return what the page says."""
    lost, *gained = tables(ladder)
    first, losses = ladder.rungs[0], _losses(ladder)
    sections = [Section("lost", "What fewer bits lose", Table(*lost), _drawn_losses(ladder))]
    sections += [Section("gained", "What they gain", Table(*each), _drawn_gains(ladder)) for each in gained]
    return Document(
        kicker="quantisations",
        title=f"Quantisations of {first.name}",
        about=[fmt.count(len(ladder.rungs), "file"), ladder.text, ladder.started_utc, f"Aforo {ladder.tool_version}"],
        answer=_answer(ladder, losses),
        standing="good" if losses else "open",
        reasons=[_reason(name, rung, first) for name, rung in _named(ladder)[1:]],
        notes=sentences(ladder),
        sections=sections,
        data={},
        csv=Table((), ()),
    )


def _named(ladder: Ladder) -> list[tuple[str, Rung]]:
    return list(zip(file_names(ladder), ladder.rungs, strict=True))


def _losses(ladder: Ladder) -> list[_Dot]:
    found = ((name, rung, rung.divergence) for name, rung in _named(ladder))
    return [
        _Dot(
            name, rung, seen.mean_kld, seen.mean_kld - Z * seen.mean_kld_error, seen.mean_kld + Z * seen.mean_kld_error
        )
        for name, rung, seen in found
        if seen is not None
    ]


def _speeds(ladder: Ladder) -> list[_Dot]:
    found = ((name, rung, rung.figures.get(_DECODE)) for name, rung in _named(ladder))
    return [
        _Dot(name, rung, seen.value, seen.value if seen.low is None else seen.low, seen.high or seen.value)
        for name, rung, seen in found
        if seen is not None and seen.value is not None
    ]


def _answer(ladder: Ladder, losses: Sequence[_Dot]) -> str:
    """Say which file is nearest to the base, and which is the smallest."""
    if not losses:
        why = next((rung.no_divergence for rung in ladder.rungs[1:] if rung.no_divergence), None)
        return f"{_NOT_COMPARED}: {why}." if why else f"{_NOT_COMPARED}."
    nearest = min(losses, key=lambda dot: dot.value)
    smallest = min(losses, key=lambda dot: dot.rung.size_bytes)
    said = f"{nearest.name} is nearest to {file_names(ladder)[0]}, with {_same_top(nearest.rung)}"
    return (
        f"{said}." if smallest is nearest else f"{said}; {smallest.name}, the smallest, has {_same_top(smallest.rung)}."
    )


def _same_top(rung: Rung) -> str:
    assert rung.divergence is not None  # noqa: S101 - asked of files that were compared
    return f"the same top token for {100 * rung.divergence.same_top_ratio:.1f} % of the text"


def _reason(name: str, rung: Rung, first: Rung) -> str:
    """Set a file beside the base: its size, its predictions and its speed."""
    said = [f"{100 * rung.size_bytes / first.size_bytes:.0f} % of the size"]
    said += [_same_top(rung)] if rung.divergence else []
    own, other = rung.figures.get(_DECODE), first.figures.get(_DECODE)
    if own and other and own.value and other.value:
        said.append(f"{own.value / other.value:.2f} times the decode speed")
    return f"{name}: {', '.join(said)}."


def _drawn_losses(ladder: Ladder) -> Drawing | None:
    name, size = file_names(ladder)[0], fmt.quantity(ladder.rungs[0].size_bytes, "bytes")
    note = f"Against {name} of {size}; intervals at 95 %, tokens taken as independent."
    return _against_size("kld", _losses(ladder), "mean KL divergence, nats", VERMILLION, note)


def _drawn_gains(ladder: Ladder) -> Drawing | None:
    note = "Intervals are those within each run; how much a run differs from the next is not in them."
    return _against_size("decode", _speeds(ladder), "decode speed, tokens/s", BLUE, note)


def _against_size(name: str, dots: Sequence[_Dot], title: str, colour: str, note: str) -> Drawing | None:
    """Draw a number of each file against its size, with its interval; None where no file has it."""
    if not dots:
        return None
    trace = {
        "type": "scatter",
        "mode": "markers+text",
        "x": [dot.mib for dot in dots],
        "y": [rounded(dot.value) for dot in dots],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [rounded(dot.high - dot.value) for dot in dots],
            "arrayminus": [rounded(dot.value - dot.low) for dot in dots],
            "color": colour,
            "thickness": 1.2,
        },
        "text": [escape(dot.name) for dot in dots],  # plotly takes it for markup
        "textposition": [("top center", "bottom center")[place % 2] for place in range(len(dots))],  # neighbours apart
        "cliponaxis": False,
        "marker": {"color": colour, "size": 9},
        "hovertemplate": "%{text}: %{y:.4g} at %{x:,.4g} MiB<extra></extra>",
    }
    figure = base([trace], height_px=320, top_px=24, showlegend=False)
    least, most = min(dot.mib for dot in dots), max(dot.mib for dot in dots)
    room = 0.12 * (most - least or most)
    figure.update_xaxes(title_text="size of the file, MiB", range=[rounded(least - room), rounded(most + room)])
    figure.update_yaxes(title_text=title, range=[0, rounded(1.2 * max(dot.high for dot in dots))])
    return Drawing(name, figure, f"{title.capitalize()} of each file against its size.", note)
