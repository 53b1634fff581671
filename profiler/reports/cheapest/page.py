"""The cheapest candidate as one self-contained HTML page, readable offline."""

from dataclasses import dataclass

from plotly import graph_objects as go

from profiler import __version__
from profiler.reports import page
from profiler.reports.cheapest import figures, table, words
from profiler.selection.cheapest import Cheapest


@dataclass(frozen=True)
class Panel:
    """A figure with its title, what it shows for those who cannot see it, and a note below."""

    id: str
    title: str
    figure: go.Figure
    alternative: str
    note: str


def render(found: Cheapest) -> str:
    """Return the page. The same runs give the same bytes."""
    columns = table.headings(found)
    panels = _panels(found)
    return page.render(
        "cheapest.html.j2",
        ("page.js",),
        lead=words.lead(found),
        asked=table.targets(found),
        columns=columns,
        rows=table.rows(found, columns),
        out=table.out(found),
        notes=table.notes(found),
        refused=found.refused,
        panels=panels,
        found=found,
        version=__version__,
        figures={panel.id: page.specification(panel.figure) for panel in panels},
    )


def _panels(found: Cheapest) -> list[Panel]:
    """Return the figures; none where costs are in several currencies, which have no axis in common."""
    if len({one.price.currency for one in found.considered if one.price is not None}) > 1:
        return []
    panels = []
    if (drawn := figures.costs(found)) is not None:
        panels.append(
            Panel(
                "costs",
                "Cost at the operating point",
                drawn,
                "Cost of each candidate at its cheapest load that meets the targets, with 95 % intervals",
                "Bars: 95 % intervals, between runs where there are several. Open: a fact is not known, or fails.",
            )
        )
    for number, target in enumerate(found.question.targets):
        panels += _of_target(found, number, target.described)
    return panels


def _of_target(found: Cheapest, number: int, described: str) -> list[Panel]:
    panels = []
    if (drawn := figures.loads(found, number)) is not None:
        note = "One mark for each load; filled: it meets every target; large: the operating point; dashed: the target."
        alternative = f"Cost of every load against the number that is limited: {described}"
        panels.append(Panel(f"loads-{number}", f"Every load, and the target: {described}", drawn, alternative, note))
    if (drawn := figures.sensitivity(found, number)) is not None:
        note = (
            "Each line is a candidate: what its cheapest measured load costs that would meet a target of this size, "
            "all else as asked. Where lines cross, another candidate becomes cheapest."
        )
        alternative = f"Cost of each candidate's cheapest load, were the target another than {described}"
        panels.append(Panel(f"sensitivity-{number}", f"Were the target another: {described}", drawn, alternative, note))
    return panels
