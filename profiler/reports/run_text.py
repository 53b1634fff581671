"""One run for a pull request and for a spreadsheet."""

import csv
import io
import shlex
from collections.abc import Iterator, Sequence

from profiler.csv_cells import harmless
from profiler.reports import facts, languages, loads, tables, tuning, variants
from profiler.reports import format as fmt
from profiler.reports.answers.part import Part
from profiler.reports.answers.shown import ShownItem
from profiler.reports.markdown import grid, plain
from profiler.reports.references import Standing
from profiler.results.manifest import Manifest
from profiler.results.summary import Distribution, Metric, PointSummary, Scalar, Summary
from profiler.stats.estimates import Estimate
from profiler.stats.quantiles import QUANTILES, SLOW_TAIL
from profiler.summaries.estimates import estimate

_MOST_ANSWERS = 5
_ANSWER_CHARACTERS = 160
CSV_COLUMNS = (
    *("run_id", "load", "metric", "unit", "value", "low", "high"),
    *("n", "min", "max", *QUANTILES, *SLOW_TAIL, "indicative", "note", "not_measured"),
)


def markdown(
    manifest: Manifest, summary: Summary, answers: Part | None = None, standing: Standing | None = None
) -> str:
    """The verdict, the headline numbers, latencies and loads, the worst answers, and how to repeat it."""
    lines = [f"## {plain(' · '.join(facts.title_parts(manifest, summary)))}", "", *_verdict(summary)]
    lines += [plain(summary.capacity), ""] if summary.capacity else []
    lines += [*grid(("", "", ""), (_card(card) for card in tables.headline_cards(summary, manifest)))]
    lines += [
        "",
        *_latencies(summary),
        *_loads(summary),
        *_tuning(manifest),
        *_variants(manifest, summary),
        *_references(standing),
        *_answers(answers),
        *_warnings(manifest, summary),
    ]
    if manifest.command_line:
        lines += ["To repeat it:", "", "```sh", shlex.join(manifest.command_line), "```", ""]
    return "\n".join([*lines, _foot(manifest)]) + "\n"


def _foot(manifest: Manifest) -> str:
    """Name the run, and say when it was measured and, of a fleet, collected."""
    fleet = manifest.fleet
    how = f", collected {fleet.collected_utc} by {fleet.transport} (fleet {fleet.fleet}, {fleet.cell})" if fleet else ""
    when = plain(f"measured {manifest.started_utc}{how}")
    return f"Run `{manifest.run_id}`, {when}, Aforo {plain(manifest.tool_version)}"


def as_csv(manifest: Manifest, summary: Summary) -> str:
    """One row for each metric, of each load where there are several; `value` is the mean of a distribution.

    `low` and `high` are the 95 % interval, or the ends of a number that is known as an interval only.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n", restval="")
    table.writeheader()
    points: Sequence[Summary | PointSummary] = summary.points or [summary]
    for point in points:
        load = point.point.name if isinstance(point, PointSummary) else ""
        for name, metric in point.metrics.items():
            row = {"run_id": manifest.run_id, "load": load, "metric": name, **_cells(point, name, metric)}
            table.writerow({key: harmless(value) for key, value in row.items()})
    return text.getvalue()


def _verdict(summary: Summary) -> Iterator[str]:
    if summary.status != "complete":
        yield f"**{summary.status.upper()}**: {plain(summary.status_reason or 'it was never closed')}"
        yield ""
    if summary.verdict is None:
        return
    passed = "" if summary.verdict.findings else ": all applicable checks passed."
    yield f"**{summary.verdict.level}**{passed}"
    yield ""
    for found in summary.verdict.findings:
        yield f"- **{plain(found.rule)}**: {plain(found.sentence)} {plain(found.remedy)}"
    if skipped := [unchecked.rule for unchecked in summary.verdict.unchecked]:
        yield f"- {len(skipped)} checks skipped, as their numbers were not measured: {plain(', '.join(skipped))}"
    yield from ("",) * bool(summary.verdict.findings or summary.verdict.unchecked)


def _card(card: tables.Card) -> tuple[str, str, str]:
    if card.missing:
        return card.label, "–", f"not measured: {card.missing}"
    said = ", ".join(filter(None, [*card.notes, card.interval]))
    return card.label, f"{card.number} {card.unit}".strip(), said


def _latencies(summary: Summary) -> Iterator[str]:
    rows = [row for row in tables.distribution_rows(summary.metrics) if row.metric_id in tables.LATENCIES]
    measured = [row for row in rows if row.missing is None]
    if not measured:
        return
    cells = (
        [f"{fmt.short_label(row.metric_id)}, {row.unit}", *map(_number, row.cells), f"{row.n:,}"] for row in measured
    )
    yield from grid(("latency", "mean", *QUANTILES, "n"), cells)
    yield ""
    if tables.has_indicative(measured):
        yield from (f"† {tables.INDICATIVE_NOTE}", "")


def _number(cell: tables.Cell) -> str:
    return f"{cell.text}†" if cell.is_indicative else cell.text


def _loads(summary: Summary) -> Iterator[str]:
    if not summary.points:
        return
    rows = ((row.load, *(cell or "–" for cell in row.cells), row.verdict) for row in loads.rows(summary))
    yield from grid(("load", *(column.title for column in loads.columns(summary)), "verdict"), rows)
    yield ""
    if summary.conclusion is not None:
        yield from (f"**{plain(summary.conclusion.sentence)}**", "")


def _tuning(manifest: Manifest) -> Iterator[str]:
    """The settings that a search tried before the run."""
    table = tuning.table(manifest.tuning)
    if table is None or manifest.tuning is None:
        return
    yield from (f"**{plain(manifest.tuning.sentence)}** {plain(table.lead)}", "")
    rows = (
        (f"{row.setting} (chosen)" if row.is_chosen else row.setting, str(row.visits), row.mean, row.values, row.load)
        for row in table.rows
    )
    yield from grid(("setting", "visits", table.heading, "visit by visit", "starting the server"), rows)
    yield ""


def _references(standing: Standing | None) -> Iterator[str]:
    if standing is None:
        return
    yield from (plain(standing.sentence), "")
    if standing.rows:
        rows = ((name, *(cell or "–" for cell in cells)) for name, cells in standing.rows)
        yield from grid(("", *standing.columns), rows)
        yield from ("", *(f"- {plain(text)}" for text in standing.described), "")


def _variants(manifest: Manifest, summary: Summary) -> Iterator[str]:
    """The table of a sweep over depths or examples, and that of languages."""
    table = variants.table(summary, manifest.engine)
    if table is not None:
        rows = ((label, *(cell or "–" for cell in cells)) for label, cells in table.rows)
        yield from grid((table.title, *table.columns), rows)
        yield from ("", plain(table.note), "")
    if spoken := languages.rows(summary):
        yield from grid(
            ("language", *languages.columns(summary)),
            ((row.language, *(cell or "–" for cell in row.cells)) for row in spoken),
        )
        yield ""


def _answers(part: Part | None) -> Iterator[str]:
    if part is None:
        return
    yield from ("### Answers", "", plain(" ".join(filter(None, [part.head, part.worst_head]))), "")
    if part.not_scored:
        yield from (f"No scores: {plain(part.not_scored)}", "")
    if part.by_load:
        yield from grid(("load", *part.scorers), ((load, *cells) for load, cells in part.by_load))
        yield ""
    if part.worst:
        yield from grid(("item", "score", "expected", "answer"), map(_answer, part.worst[:_MOST_ANSWERS]))
        yield ""


def _answer(item: ShownItem) -> tuple[str, str, str, str]:
    expected = [text for _, text in item.expected(_ANSWER_CHARACTERS)[:1]]
    answer = item.answer(_ANSWER_CHARACTERS)
    shown = [f"{text.shown}…" if text.left_out else text.shown for text in (*expected, answer)]
    return item.name, item.score, shown[0] if expected else "–", shown[-1] or "(empty)"


def _warnings(manifest: Manifest, summary: Summary) -> Iterator[str]:
    warnings = list(dict.fromkeys([*manifest.warnings, *summary.warnings]))
    if warnings:
        yield from (*(f"- {plain(warning)}" for warning in warnings), "")


def _cells(point: Summary | PointSummary, name: str, metric: Metric) -> dict[str, object]:
    found = estimate(point, name)
    ends = {"low": found.low, "high": found.high} if isinstance(found, Estimate) else {}
    if isinstance(metric, Distribution):
        known = {"value": metric.mean, "n": metric.n, "min": metric.min, "max": metric.max}
        known |= {name: each for name, each in metric.quantiles.items() if name in {*QUANTILES, *SLOW_TAIL}}
        return {"unit": metric.unit, **known, **ends, "indicative": " ".join(metric.indicative)}
    if isinstance(metric, Scalar):
        reason = None if metric.value is not None or ends else metric.reason
        return {"unit": metric.unit, "value": metric.value, **ends, "note": metric.note, "not_measured": reason}
    return {"unit": metric.unit, "not_measured": metric.reason}
