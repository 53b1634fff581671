"""The comparison as Markdown, to be put into a pull request."""

from collections.abc import Iterable, Sequence

from profiler.reports.compare.comparison import Comparison
from profiler.reports.compare.differences import Difference
from profiler.reports.compare.entries import by_value
from profiler.reports.compare.quality import Paired
from profiler.reports.compare.table import WITHIN_NOTE, Cell, Table, table
from profiler.reports.compare.verdicts import by_verdict
from profiler.reports.markdown import grid, plain
from profiler.reports.tables import INDICATIVE_NOTE


def render(comparison: Comparison) -> str:
    """Return the text, which ends with a newline."""
    shown = table(comparison)
    sections = [
        f"## {comparison.title}",
        plain(" · ".join(comparison.common)),
        comparison.set_note,
        f"**{plain(comparison.lead)}**",
        plain(comparison.conclusion) if comparison.conclusion != comparison.lead else "",
        _list(_verdicts(comparison)),
        _runs(shown),
        WITHIN_NOTE,
        f"† {INDICATIVE_NOTE}" if shown.has_indicative else "",
        f"### Differences from {plain(comparison.differences.baseline.full_name)}",
        plain(comparison.differences.note),
        _differences(comparison),
        _list(plain(sentence) for sentence in comparison.differences.reasons),
        *_quality(comparison),
        *_titled("### What may make this comparison unfair", [plain(sentence) for sentence in comparison.unfair]),
        *_titled("### What differs", _settings(comparison)),
        *_titled("### Not compared", [plain(one.sentence) for one in comparison.refused]),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _verdicts(comparison: Comparison) -> list[str]:
    return [
        f"**{group.level}**: {group.names}" + (f" ({', '.join(map(plain, group.rules))})" if group.rules else "")
        for group in by_verdict(comparison.runs)
    ]


def _runs(shown: Table) -> str:
    head = ["Run", "Verdict", *(heading.full for heading in shown.headings)]
    rows = [
        [f"{row.entry.name} {row.entry.label}", row.verdict, *(_cell(cell) for cell in row.cells)] for row in shown.rows
    ]
    return "\n".join(grid(head, rows))


def _cell(cell: Cell) -> str:
    mark = "†" if cell.is_indicative else ""
    bounds = f" ({cell.bounds})" if cell.bounds else ""
    kind = f" {cell.kind_name}" if cell.kind_name else ""
    return f"{cell.text}{mark}{bounds}{kind}"


def _differences(comparison: Comparison) -> str:
    found = comparison.differences
    head = ["Run", *(column.title for column in found.columns)]
    rows = [
        [side.name, *(_change(found.of(side)[column.id]) for column in found.columns)] for side in found.sides.others
    ]
    return "\n".join(grid(head, rows))


def _change(one: Difference) -> str:
    if not one.text():
        return one.word
    mark = {"better": "▲ ", "worse": "▼ "}.get(one.outcome, "")
    bounds = f" ({one.bounds()})" if one.bounds() else ""
    return f"{mark}{one.text()}{bounds}, {one.word}"


def _quality(comparison: Comparison) -> list[str]:
    """How well each side answers the same items."""
    found = comparison.quality
    if not found.rows:
        return []
    base = comparison.differences.baseline.name
    rows = [[row.side.name, row.title, str(row.items), *row.means, _points(row)] for row in found.rows]
    table = "\n".join(grid(["Run", "Scorer", "Items", f"Score of {base}", "Score", "Difference"], rows))
    return ["### Answers to the same items", plain(found.note), table]


def _points(row: Paired) -> str:
    mark = {"better": "▲ ", "worse": "▼ "}.get(row.outcome, "")
    return f"{mark}{row.text()} ({row.bounds()}), {row.outcome}" if row.text() else f"{row.outcome}: {row.reason}"


def _settings(comparison: Comparison) -> list[str]:
    return [f"{plain(one.field)}: {plain(by_value(one, comparison.runs))}" for one in comparison.settings]


def _titled(title: str, lines: Sequence[str]) -> list[str]:
    return [title, _list(lines)] if lines else []


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
