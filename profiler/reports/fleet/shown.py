"""The parts of a fleet's page, ready to print: a sentence, money and time, marks, bars, and what is missing and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from profiler.number_format import count, duration, quantity
from profiler.reports.fleet.data import MEASURED, Attempt, Cell, Column, Fleet, Host, Status, begun, ended

MARKS: dict[Status, str] = {
    "VALID": "✓",
    "VALID with warnings": "!",
    "INVALID": "✗",
    "failed": "F",
    "over limit": "T",
    "cancelled": "C",
    "lost": "L",
    "not begun": "–",
    "under way": "…",
    "waiting": "·",
}
_CLASSES: dict[Status, str] = {
    **dict.fromkeys(MARKS, "gone"),
    "VALID": "ok",
    "VALID with warnings": "warn",
    "INVALID": "bad",
    "failed": "bad",
    "under way": "live",
    "waiting": "wait",
}
_ON_THE_WAY = {*MEASURED, "under way", "waiting"}
_WIDTH = 1_000  # of the timeline, in units of its drawing
_NARROWEST = 2  # of a bar
_MOST_NAMED = 6  # cells of one reason
_STEPS_S = (1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 604_800)
_MOST_TICKS = 6


def lead(fleet: Fleet) -> str:
    """Say how far it has come, in one sentence."""
    rest = [f"{number} {status}" for status, number in fleet.counts.items() if status not in MEASURED]
    warned = fleet.counts.get("VALID with warnings", 0)
    doubts = f" ({warned} with warnings)" if warned else ""
    told = f"{fleet.done:,} of {count(len(fleet.cells), 'cell')} {'is' if fleet.done == 1 else 'are'} VALID{doubts}"
    return f"{'; '.join([told, *rest])}."


def spent(fleet: Fleet) -> list[tuple[str, str, str]]:
    """Return rows of what was spent: what, how much, of which limit."""
    span = fleet.span
    elapsed = duration((span[1] - span[0]).total_seconds()) if span else "–"
    limits = fleet.limits
    rows = [
        ("Time, from the first cell to the last", elapsed, duration(limits.total_s) if limits.total_s else "no limit")
    ]
    rows.append(("Time of cells, all hosts together", duration(sum(host.held_s for host in fleet.hosts)), ""))
    for currency in dict.fromkeys(host.currency for host in fleet.hosts):
        known = [host.money for host in fleet.hosts if host.currency == currency and host.money is not None]
        if known:
            limit = f"{limits.money:,.2f} {currency}" if limits.money and limits.currency == currency else "no limit"
            rows.append(("Money: price × time of all attempts", f"{sum(known):,.2f} {currency}", limit))
    unpriced = sum(host.price_per_hour is None for host in fleet.hosts)
    if 0 < unpriced < len(fleet.hosts):
        rows.append(("", f"{count(unpriced, 'host')} without a price not counted", ""))
    return [*rows, ("Longest that a cell may take", "", duration(limits.cell_s))]


@dataclass(frozen=True)
class Mark:
    """One cell in the table of cells."""

    text: str
    css: str
    title: str
    link: str | None


@dataclass(frozen=True)
class GridRow:
    """A host with its marks, column by column, a mark for each round."""

    host: Host
    done: str  # VALID of all
    marks: tuple[tuple[Mark, ...], ...]


@dataclass(frozen=True)
class Heading:
    """A title over several columns."""

    text: str
    columns: int


def grid(fleet: Fleet) -> list[GridRow]:
    """Return the table of cells, host by host."""
    return [_row(fleet, host) for host in fleet.hosts]


def headings(fleet: Fleet) -> list[list[Heading]]:
    """Return the rows of headings over the columns: model, workload and setting, as far as there are several."""
    parts: tuple[list[tuple[str, ...]], ...] = (
        [(column.model,) for column in fleet.columns],
        [(column.model, column.workload) for column in fleet.columns],
        [(column.model, column.workload, column.setting) for column in fleet.columns],
    )
    wanted = [part for number, part in enumerate(parts) if number == 1 or len({names[-1] for names in part}) > 1]
    return [[Heading(names[-1] or "defaults", len([*same])) for names, same in groupby(part)] for part in wanted]


def common(fleet: Fleet) -> list[str]:
    """Return what the headings leave out, since all columns have it."""
    models = {column.model for column in fleet.columns}
    settings = {column.setting for column in fleet.columns} - {""}
    return [*(models if len(models) == 1 else ()), *(settings if len(settings) == 1 == len(fleet.columns) else ())]


def legend(fleet: Fleet) -> list[Mark]:
    """Return a mark for each status that there is."""
    return [
        Mark(MARKS[status], _CLASSES[status], f"{number:,} {status}", None) for status, number in fleet.counts.items()
    ]


def _row(fleet: Fleet, host: Host) -> GridRow:
    cells = fleet.of_host[host.name]
    by_column: list[list[Cell]] = [[] for _ in fleet.columns]
    for cell in cells:
        by_column[cell.column].append(cell)
    marks = (tuple(_mark(fleet, cell) for cell in sorted(own, key=lambda cell: cell.round)) for own in by_column)
    return GridRow(host, f"{sum(cell.status in MEASURED for cell in cells)} of {len(cells)}", tuple(marks))


def _mark(fleet: Fleet, cell: Cell) -> Mark:
    told = cell.told
    title = f"{fleet.columns[cell.column].words}{_of_round(fleet, cell)}: {cell.status}"
    if len(cell.attempts) > 1:
        title += f", attempt {told.number if told else 0} of {len(cell.attempts)}"
    if cell.sentence:
        title += f". {cell.sentence}"
    return Mark(MARKS[cell.status], _CLASSES[cell.status], title, told.report if told else None)


def _of_round(fleet: Fleet, cell: Cell) -> str:
    return f", round {cell.round}" if fleet.rounds > 1 else ""


@dataclass(frozen=True)
class Bar:
    """An attempt on the timeline; places in thousandths of its width."""

    x: float
    width: float
    css: str
    title: str
    link: str | None


@dataclass(frozen=True)
class Timeline:
    """When what was measured, host by host."""

    rows: tuple[tuple[Host, tuple[Bar, ...]], ...]
    ticks: tuple[tuple[float, str], ...]
    width: int = _WIDTH


def timeline(fleet: Fleet) -> Timeline | None:
    """Return the order of attempts in time; None before the first."""
    span = fleet.span
    if span is None:
        return None
    start, length_s = span[0], max(1.0, (span[1] - span[0]).total_seconds())
    rows = ((host, tuple(_bars(fleet, host, start, length_s))) for host in fleet.hosts)
    return Timeline(tuple(rows), tuple(_ticks(start, length_s)))


def _bars(fleet: Fleet, host: Host, start: datetime, length_s: float) -> Iterator[Bar]:
    for cell in fleet.of_host[host.name]:
        for attempt in cell.attempts:
            x = (begun(attempt) - start).total_seconds() / length_s * _WIDTH
            width = (ended(attempt) - begun(attempt)).total_seconds() / length_s * _WIDTH
            x, width = min(x, _WIDTH - _NARROWEST), max(width, _NARROWEST)
            yield Bar(
                round(x, 1), round(width, 1), _CLASSES[attempt.status], _told(fleet, cell, attempt), attempt.report
            )


def _told(fleet: Fleet, cell: Cell, attempt: Attempt) -> str:
    lasted = f", {duration(attempt.lasted_s)}" if attempt.lasted_s else ""
    rate = f", {quantity(attempt.rate, 'tokens/s')}" if attempt.rate else ""
    what = f"{fleet.columns[cell.column].words}{_of_round(fleet, cell)}"
    return f"{begun(attempt):%H:%M:%S}{lasted}: {what}: {attempt.status}{rate}"


def _ticks(start: datetime, length_s: float) -> Iterator[tuple[float, str]]:
    step_s = next((step for step in _STEPS_S if length_s / step <= _MOST_TICKS), _STEPS_S[-1])
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    at_s = -(-(start - midnight).total_seconds() // step_s) * step_s
    form = "%H:%M:%S" if step_s < 60 else "%H:%M" if step_s < 86_400 else "%m-%d"
    while (x := (midnight + timedelta(seconds=at_s) - start).total_seconds() / length_s) <= 1:
        yield round(x * _WIDTH, 1), f"{midnight + timedelta(seconds=at_s):{form}}"
        at_s += step_s


@dataclass(frozen=True)
class Missing:
    """Cells of a host that were not measured for one reason."""

    host: str
    status: Status
    why: str
    cells: str
    number: int


def missing(fleet: Fleet) -> list[Missing]:
    """Return what was not measured, or is not to be believed, and why; without what still waits for its turn."""
    found: dict[tuple[str, Status, str], list[Cell]] = {}
    for cell in fleet.cells:
        if cell.status not in _ON_THE_WAY:
            found.setdefault((cell.host, cell.status, cell.sentence), []).append(cell)
    return [Missing(*reason, _named(fleet, cells), len(cells)) for reason, cells in found.items()]


def _named(fleet: Fleet, cells: list[Cell]) -> str:
    names = [f"{_short(fleet.columns[cell.column])}{_of_round(fleet, cell)}" for cell in cells]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return "; ".join(names[:_MOST_NAMED]) + more


def _short(column: Column) -> str:
    return ", ".join(filter(None, [column.workload, column.setting]))


@dataclass(frozen=True)
class HostRow:
    """A host with what it took."""

    host: Host
    done: str
    lasted: str
    price: str
    money: str
    drift: str


def hosts(fleet: Fleet) -> list[HostRow]:
    """Return the table of hosts."""
    return [_host_row(fleet, host) for host in fleet.hosts]


def _host_row(fleet: Fleet, host: Host) -> HostRow:
    cells, moved = fleet.of_host[host.name], fleet.drift(host)
    return HostRow(
        host,
        f"{sum(cell.status in MEASURED for cell in cells)} of {len(cells)}",
        duration(host.held_s),
        "–" if host.price_per_hour is None else f"{host.price_per_hour:.4g} {host.currency}",
        "–" if host.money is None else f"{host.money:,.2f} {host.currency}",
        "–" if moved is None else f"{_signed(100 * moved)} %",
    )


def _signed(percent: float) -> str:
    """Write a change with its sign, and none as 0.0."""
    text = f"{percent:+.1f}".replace("-", "\N{MINUS SIGN}")
    return "0.0" if text.endswith("0.0") and len(text) == len("+0.0") else text
