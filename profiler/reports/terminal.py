"""What `aforo run` prints at its end: the numbers of one run in 80 columns."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from profiler.metrics.summarize import QUANTILES
from profiler.reports import facts, loads, tables
from profiler.reports import format as fmt
from profiler.results.manifest import Manifest
from profiler.results.summary import Summary, Verdict

_VERDICT_STYLES = {"VALID": "bold green", "VALID with warnings": "bold yellow", "INVALID": "bold red"}
_LOAD_METRICS = {"output_tokens_per_s", "input_tokens_per_s", "ttft_ms", "e2e_ms", "slo_attainment_ratio"}
"""What fits beside the load in 80 columns."""

_STATUS_STYLES = {"complete": "bold green", "failed": "bold red"}


def summary_table(summary: Summary, manifest: Manifest) -> RenderableType:
    """Return what to print: status, headline numbers, percentiles of the latencies, warnings."""
    parts: list[RenderableType] = [_heading(summary, manifest), *_loads(summary)]
    parts += [_headlines(summary), *_latencies(summary)]
    if summary.verdict is not None:
        parts.append(_verdict(summary.verdict))
        parts.append(_proofs(summary, manifest))
    warnings = list(dict.fromkeys([*manifest.warnings, *summary.warnings]))
    if warnings:
        parts.append(_warnings(warnings))
    return Group(*(line for part in parts for line in (part, Text())))


def _heading(summary: Summary, manifest: Manifest) -> Text:
    style = _STATUS_STYLES.get(summary.status, "bold yellow")
    text = Text()
    status = "Complete" if summary.status == "complete" else summary.status.upper()
    text.append(status, style=style)
    if summary.status_reason:
        text.append(f": {summary.status_reason}")
    text.append(f"\n{manifest.model.name} on {facts.host_name(manifest.server_host)}, {summary.workload}", style="bold")
    if manifest.model.is_synthetic and "synthetic" not in manifest.model.name:
        text.append(" (synthetic weights: speed only)", style="dim")
    return text


def _loads(summary: Summary) -> list[RenderableType]:
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
    if summary.conclusion is None:
        return [table]
    return [table, Text(summary.conclusion.sentence, style="bold")]


def _headlines(summary: Summary) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for card in tables.headline_cards(summary):
        if card.missing:
            table.add_row(card.label, Text("\N{EN DASH}"), Text(f"not measured: {card.missing}"))
        else:
            said = [card.statistic, card.repeats, *([] if card.statistic else card.notes)]
            said = said if any(said) else [*card.notes]
            table.add_row(card.label, Text(f"{card.number} {card.unit}"), Text(", ".join(filter(None, said))))
    return table


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


def _percentiles(rows: list[tables.DistributionRow]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("unit")
    for heading in ("n", "mean", *QUANTILES):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(_name(row), Text(row.unit), f"{row.n:,}", *(_cell(cell) for cell in row.cells))
    return table


def _name(row: tables.DistributionRow) -> str:
    return fmt.short_label(row.metric_id)


def _cell(cell: tables.Cell) -> Text:
    return Text(f"~{cell.text}", style="dim") if cell.is_indicative else Text(cell.text)


def _verdict(verdict: Verdict) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    for finding in verdict.findings:
        text = Text(f"{finding.rule}: {finding.sentence} ")
        text.append(finding.remedy, style="dim")
        table.add_row("-", text)
    said = Text(verdict.level, style=_VERDICT_STYLES[verdict.level])
    if not verdict.findings:
        said.append(": every check that could be made was passed", style="not bold")
    parts: list[RenderableType] = [said, table] if verdict.findings else [said]
    if verdict.unchecked:
        unchecked = Table.grid(padding=(0, 1))
        for rule in verdict.unchecked:
            unchecked.add_row("-", Text(f"{rule.rule}: {rule.reason}", style="dim"))
        parts += [Text(f"{fmt.count(len(verdict.unchecked), 'check')} could not be made", style="dim"), unchecked]
    return Group(*parts)


def _proofs(summary: Summary, manifest: Manifest) -> Table:
    """How far off the stamps are, as measured on this host."""
    table = Table.grid(padding=(0, 2))
    table.add_row("Self-calibration", Text(facts.calibration_sentence(manifest.calibration)))
    if (wire := facts.wire_sentence(summary.metrics)) is not None:
        table.add_row("Wire audit", Text(wire))
    return table


def _warnings(warnings: list[str]) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    for warning in warnings:
        table.add_row("-", Text(warning))
    return Group(Text("Warnings", style="bold yellow"), table)
