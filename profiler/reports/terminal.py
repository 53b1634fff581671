"""What `aforo run` prints at its end: the verdict and a few numbers of one run, in 80 columns; all of them with -v."""

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from profiler.metrics.catalogue import placed
from profiler.reports import facts, loads, tables, variants
from profiler.reports import format as fmt
from profiler.results.manifest import Manifest
from profiler.results.summary import Finding, Summary, Verdict
from profiler.stats.quantiles import QUANTILES

_STYLES = {"VALID": "bold green", "VALID with warnings": "bold yellow", "INVALID": "bold red"}
_FINDING_STYLES = {"VALID with warnings": "yellow", "INVALID": "red"}
_LOAD_METRICS = {spec.id for spec in placed(lambda shown: shown.loads == "terminal")}
"""What fits beside the load in 80 columns."""

_NARROWEST_TABLE = 50  # columns of a terminal
_MOST_FAILURES = 3  # kinds of failures, where there are several


def summary_table(summary: Summary, manifest: Manifest, *, verbose: bool = False) -> RenderableType:
    """Return what to print: the verdict with its reasons, then numbers.

    `verbose` adds every headline number, percentiles, the checks that were skipped and how far off the timestamps are.
    """
    parts: list[RenderableType] = [_verdict(summary, manifest), *_failures(summary), *_loads(summary, manifest)]
    cards = tables.headline_cards(summary, manifest) if verbose else tables.main_cards(summary, manifest)
    parts.append(_headlines(cards))
    if manifest.tuning is not None:
        parts.append(Text(f"Settings {manifest.tuning.words}. {manifest.tuning.sentence}"))
    if verbose:
        parts += _latencies(summary)
    if summary.verdict is not None:
        parts += _proofs(summary, summary.verdict, manifest) if verbose else _skipped(summary.verdict)
    if notes := list(dict.fromkeys([*manifest.warnings, *summary.warnings])):
        parts.append(_notes(notes))
    return Group(*(line for part in parts for line in (part, Text())))


def _verdict(summary: Summary, manifest: Manifest) -> RenderableType:
    """Return the verdict, what was measured, and the reasons."""
    level = summary.verdict.level if summary.verdict else "not judged"
    text = Text(level, style=_STYLES.get(level, "bold"))
    if summary.status != "complete":
        reason = f": {summary.status_reason}" if summary.status_reason else ""
        text.append(f", {summary.status}{reason}", style="not bold")
    elif summary.verdict and not summary.verdict.findings:
        text.append(": all applicable checks passed", style="not bold")
    text.append(f"\n{manifest.model.name} on {facts.host_name(manifest.server_host)}, {summary.workload}", style="bold")
    if manifest.model.is_synthetic and "synthetic" not in manifest.model.name:
        text.append(" (synthetic weights: speed only)", style="dim")
    if summary.verdict is None:
        return text
    limits = ", ".join(f"{rule}={limit:g}" for rule, limit in summary.verdict.limits.items())
    text.append(f"\nLimits set by --limit: {limits}" if limits else "")
    return Group(text, *_findings(summary.verdict))


def _findings(verdict: Verdict) -> list[RenderableType]:
    table = Table.grid(padding=(0, 1))
    for finding in verdict.findings:
        table.add_row("-", _finding(finding))
    return [table] if verdict.findings else []


def _finding(finding: Finding) -> Text:
    text = Text(finding.rule, style=_FINDING_STYLES.get(finding.level, ""))
    text.append(f": {finding.sentence} ", style="default")
    return text.append(finding.remedy, style="dim")


def _failures(summary: Summary) -> list[RenderableType]:
    """The kinds of failures, where there are several; a single one stands in the verdict."""
    if len(summary.failures) < 2:
        return []
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    for failure in summary.failures[:_MOST_FAILURES]:
        table.add_row(f"{failure.count:,}", Text(tables.failure_text(failure)))
    return [Group(Text("Failed requests", style="bold"), table)]


def _loads(summary: Summary, manifest: Manifest) -> list[RenderableType]:
    """The loads of a sweep or a search, and what they amount to."""
    if not summary.points:
        return []
    columns = loads.columns(summary)
    shown = [i for i, column in enumerate(columns) if column.metric in _LOAD_METRICS]
    table = Table("load", *(columns[i].title for i in shown), "verdict", box=None, padding=(0, 1))
    for column in table.columns[1:-1]:
        column.justify = "right"
    for row in loads.rows(summary):
        cells = [row.load, *(row.cells[i] or "\N{EN DASH}" for i in shown), row.verdict]
        table.add_row(*cells, style="bold" if row.is_headline else "")
    found = variants.table(summary, manifest.engine)
    beside = [] if found is None else [_variants(found)]
    head = Text(f"{loads.measured(summary, manifest.workload)}; the numbers below are of the one in bold")
    if summary.conclusion is None:
        return [head, table, *beside]
    return [head, table, Text(summary.conclusion.sentence, style="bold")]


def _variants(found: variants.VariantTable) -> RenderableType:
    """The table of a sweep over something else than loads."""
    table = Table(found.title, *found.columns, box=None, padding=(0, 1))
    for column in table.columns[1:]:
        column.justify = "right"
    for label, cells in found.rows:
        table.add_row(label, *(cell or "\N{EN DASH}" for cell in cells))
    return table


class _TableOrLines:
    """A table, or where the terminal is too narrow for one a line for each of its rows, so that no label is lost."""

    def __init__(self, table: Table, rows: list[list[str]]) -> None:
        self._table = table
        self._rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width >= _NARROWEST_TABLE:
            yield self._table
            return
        for label, *cells in self._rows:
            yield Text(f"{label}: {', '.join(filter(None, cells))}")


def _headlines(cards: list[tables.Card]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    rows: list[list[str]] = []
    for card in cards:
        if card.missing:
            rows.append([card.label, "\N{EN DASH}", f"not measured: {card.missing}"])
        else:
            interval = card.interval and card.interval.replace(f" of the {card.statistic}", "")
            beside = [card.statistic, interval or card.repeats, *([] if card.statistic else card.notes)]
            beside = beside if any(beside) else [*card.notes]
            rows.append([card.label, f"{card.number} {card.unit}", ", ".join(filter(None, beside))])
    for row in rows:
        table.add_row(*map(Text, row))
    return _TableOrLines(table, rows)


def _latencies(summary: Summary) -> list[RenderableType]:
    rows = [row for row in tables.distribution_rows(summary.metrics) if row.metric_id in tables.LATENCIES]
    measured = [row for row in rows if row.missing is None]
    if not measured:
        return []
    lines: list[RenderableType] = [_percentiles(measured)]
    lines += [Text(f"{_name(row)} not measured: {row.missing}") for row in rows if row.missing is not None]
    if tables.has_indicative(measured):
        lines.append(Text(f"~ {tables.INDICATIVE_NOTE}", style="dim"))
    return [Group(*lines)]


def _percentiles(rows: list[tables.DistributionRow]) -> RenderableType:
    headings = ("n", "mean", *QUANTILES)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("unit")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    lines = []
    for row in rows:
        cells = [Text(f"{row.n:,}"), *(_cell(cell) for cell in row.cells)]
        table.add_row(_name(row), Text(row.unit), *cells)
        named = [f"{heading} {cell}" for heading, cell in zip(headings, cells, strict=True)]
        lines.append([f"{_name(row)}, {row.unit}", *named])
    return _TableOrLines(table, lines)


def _name(row: tables.DistributionRow) -> str:
    return fmt.short_label(row.metric_id)


def _cell(cell: tables.Cell) -> Text:
    return Text(f"~{cell.text}", style="dim") if cell.is_indicative else Text(cell.text)


def _skipped(verdict: Verdict) -> list[RenderableType]:
    if not verdict.unchecked:
        return []
    return [Text(f"{fmt.count(len(verdict.unchecked), 'check')} skipped; -v lists them", style="dim")]


def _proofs(summary: Summary, verdict: Verdict, manifest: Manifest) -> list[RenderableType]:
    """What was not checked and why, and how far off the timestamps are, as measured on this host."""
    parts: list[RenderableType] = []
    if verdict.unchecked:
        unchecked = Table.grid(padding=(0, 1))
        for rule in verdict.unchecked:
            unchecked.add_row("-", Text(f"{rule.rule}: {rule.reason}", style="dim"))
        parts.append(Group(Text(f"{fmt.count(len(verdict.unchecked), 'check')} skipped", style="dim"), unchecked))
    table = Table.grid(padding=(0, 2))
    table.add_row("Self-calibration", Text(facts.calibration_sentence(manifest.calibration)))
    if (wire := facts.wire_sentence(summary.metrics)) is not None:
        table.add_row("Wire audit", Text(wire))
    return [*parts, table]


def _notes(notes: list[str]) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    for note in notes:
        table.add_row("-", Text(note))
    return Group(Text("Notes", style="bold"), table)
