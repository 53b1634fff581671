"""The figures of a comparison's page with their captions, or the sentence that stands where there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plotly import graph_objects as go

from profiler.reports.compare import operating, readings
from profiler.reports.compare.comparison import Comparison
from profiler.reports.compare.entries import listed
from profiler.reports.compare.rows import MOST_LABELLED, Row, grouped, rows_figure
from profiler.reports.compare.trade_offs import latency_throughput, price_latency

_MARKS = (
    "The mark says how the energy was come by: ● a hardware counter, ◆ polled power, ■ a wall meter; "
    "a bar without a mark is a model, of which only the interval is known."
)
_UNRANKED = (
    "Runs of different class or scope are not ranked against each other, nor are intervals of a model that overlap."
)


@dataclass(frozen=True)
class Board:
    """One place for a figure; several `figures` are chosen between by their title. None: `note` says why."""

    id: str
    title: str
    note: str
    figures: Mapping[str, go.Figure] = field(default_factory=dict)
    alternative: str = ""
    is_tall: bool = False  # scrolls within itself on a screen


def boards(comparison: Comparison) -> dict[str, list[Board]]:
    """Every figure of the page, by section."""
    return {
        "price": _price(comparison),
        "curves": [_curves(comparison)],
        "energy": [_carbon(comparison), _tokens_per_joule(comparison)],
        "money": _tokens_per_money(comparison),
        "roofline": [_mbu(comparison)],
    }


def _price(comparison: Comparison) -> list[Board]:
    """One figure for each currency."""
    currencies = operating.currencies(comparison.points)
    title = "Price against latency"
    if not currencies:
        reason = next((point.cost.reason for point in comparison.points if point.cost.reason), "no run has a price")
        return [Board("price", title, f"No run has a cost: {reason}.")]
    return [_price_of(comparison, currency, of=len(currencies)) for currency in currencies]


def _price_of(comparison: Comparison, currency: str, of: int) -> Board:
    figures = {}
    for metric, statistic, name in operating.LATENCIES:
        shown = operating.priced(comparison.points, currency, metric, statistic)
        figure = price_latency(shown, comparison.entries, currency, name)
        if figure is not None:
            figures[name] = figure
    without = [p for p in comparison.points if p.cost.is_missing]
    note = (
        "Lower left is better. Filled marks are on the Pareto front: no other load is as good in both and better in "
        "one. Bars are 95 % intervals within each run."
    )
    note += _left_out(comparison) + (f" Without a cost: {_names(without)}." if without else "")
    title = "Price against latency" + (f", prices in {currency}" if of > 1 else "")
    if of > 1:
        note += " Currencies are never converted, so each has a figure of its own."
    return Board(f"price-{currency}", title, note, figures, "Cost against latency; the numbers are in the table.")


def _curves(comparison: Comparison) -> Board:
    figures = {}
    for metric, statistic, name in operating.LATENCIES:
        figure = latency_throughput(comparison.points, comparison.entries, metric, statistic, name)
        if figure is not None:
            figures[name] = figure
    note = (
        "Lower right is better. The loads of a sweep are joined in ascending order; a run with one load is one mark. "
        "Hollow where too few samples stand behind a percentile. Bars are 95 % intervals within each run."
        + _left_out(comparison)
    )
    return Board(
        "curves",
        "Latency against throughput",
        note,
        figures,
        f"Latency against {comparison.tokens.kind} rate; see the table.",
    )


def _carbon(comparison: Comparison) -> Board:
    return _energy_board(
        comparison,
        "carbon",
        f"Carbon per 1M {comparison.tokens.kind} tokens",
        [readings.carbon(entry.summary) for entry in comparison.runs],
        f"gCO2e per 1M {comparison.tokens.kind} tokens",
        is_lower_better=True,
    )


def _tokens_per_joule(comparison: Comparison) -> Board:
    return _energy_board(
        comparison,
        "tokens-per-joule",
        f"{comparison.tokens.kind.capitalize()} tokens per joule",
        [readings.tokens_per_joule(entry.summary) for entry in comparison.runs],
        f"{comparison.tokens.kind} tokens per joule",
        is_lower_better=False,
    )


def _energy_board(
    comparison: Comparison,
    board_id: str,
    title: str,
    found: Sequence[readings.Reading],
    axis_title: str,
    *,
    is_lower_better: bool,
) -> Board:
    rows = [
        Row(entry, reading, readings.meter_class(entry.summary))
        for entry, reading in zip(comparison.runs, found, strict=True)
    ]
    return _board(comparison, board_id, title, rows, axis_title, f"{_MARKS} {_UNRANKED}", lower=is_lower_better)


def _tokens_per_money(comparison: Comparison) -> list[Board]:
    rows = [Row(entry, readings.tokens_per_money(entry.summary)) for entry in comparison.runs]
    currencies = list(dict.fromkeys(row.reading.kind for row in rows if not row.reading.is_missing)) or [""]
    return [
        _board(
            comparison,
            f"tokens-per-{currency or 'money'}",
            f"{comparison.tokens.kind.capitalize()} tokens per {currency or 'USD'}",
            [row for row in rows if not currency or row.reading.kind in {currency, ""}],
            f"{comparison.tokens.kind} tokens per {currency}",
            "Further right is better.",
            lower=False,
            titled=False,
        )
        for currency in currencies
    ]


def _mbu(comparison: Comparison) -> Board:
    rows = [Row(entry, readings.of_metric(entry.summary, "mbu_ratio").in_percent()) for entry in comparison.runs]
    note = "Bytes that decoding had to read, against the memory bandwidth of each host or its GPUs."
    return _board(
        comparison,
        "mbu",
        "Model bandwidth utilisation (MBU)",
        rows,
        "share of the memory bandwidth, %",
        note,
        lower=False,
        bars=True,
    )


def _board(
    comparison: Comparison,
    board_id: str,
    title: str,
    rows: Sequence[Row],
    axis_title: str,
    note: str,
    *,
    lower: bool,
    bars: bool = False,
    titled: bool = True,
) -> Board:
    groups = grouped(rows, is_lower_better=lower)
    figure = rows_figure(groups, comparison.entries, axis_title, bars=bars, titled=titled)
    missing = [row for row in rows if row.reading.is_missing]
    if figure is None:
        return Board(board_id, title, f"Not measured in any run: {missing[0].reading.reason if missing else ''}.")
    if missing:
        note += f" Not measured: {listed(row.entry.index for row in missing)} ({missing[0].reading.reason})."
    is_tall = len(rows) > MOST_LABELLED
    return Board(board_id, title, note, {title: figure}, f"{title}; the numbers are in the table.", is_tall)


def _names(points: Sequence[operating.Operating]) -> str:
    return listed(point.entry.index for point in points)


def _left_out(comparison: Comparison) -> str:
    if not comparison.invalid_points:
        return ""
    loads = "1 load is" if comparison.invalid_points == 1 else f"{comparison.invalid_points} loads are"
    return f" {loads} INVALID by themselves and left out."
