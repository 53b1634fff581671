"""A score as Markdown, to be put into a pull request."""

from profiler.reports.markdown import grid, plain
from profiler.reports.score import tables
from profiler.reports.score.said import Said
from profiler.reports.score.tables import Grid
from profiler.results.run_set import Refused
from profiler.selection.scoring import Scoring


def render(scoring: Scoring, refused: tuple[Refused, ...] = ()) -> str:
    """Return the text, which ends with a newline."""
    told = Said(scoring)
    has_pairs = len(scoring.ranked) > 1
    sections = [
        f"## Score: {plain(scoring.profile.title)}",
        f"**{plain(told.lead)}**",
        plain(told.weights_sentence),
        plain(told.flip_sentence),
        _table("", tables.ranking(told)) if scoring.ranked else "",
        _table("### Not ranked", tables.left_out(told)) if scoring.left_out else "",
        _list("### What to know", told.notes),
        _table("### How often one beats another", tables.pairs(told)) if has_pairs else "",
        _table("### Priorities under which each is first", tables.central(told))
        if has_pairs and len(scoring.weights) > 1
        else "",
        _table("### Criteria", tables.weights(told)),
        _table("### Constraints", tables.constraints(told)) if scoring.profile.constraints else "",
        _list("### Not read", [one.sentence for one in refused]),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _table(heading: str, shown: Grid) -> str:
    lines = grid(shown.head, [[cell.line for cell in row] for row in shown.rows])
    return "\n".join([heading, "", *lines] if heading else lines)


def _list(heading: str, sentences: list[str]) -> str:
    return "\n".join([heading, "", *(f"- {plain(sentence)}" for sentence in sentences)]) if sentences else ""
