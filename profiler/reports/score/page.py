"""A score as one self-contained HTML page, readable offline."""

from profiler import __version__
from profiler.reports import page
from profiler.reports.compare.page import figure_ids
from profiler.reports.score import tables
from profiler.reports.score.figures import boards
from profiler.reports.score.said import Said
from profiler.results.run_set import Refused
from profiler.selection.scoring import Scoring


def render(scoring: Scoring, refused: tuple[Refused, ...] = ()) -> str:
    """Return the page. The same runs, profile and seed give the same bytes."""
    told = Said(scoring)
    drawn = boards(told)
    has_pairs = len(scoring.ranked) > 1
    return page.render(
        "score.html.j2",
        ("page.js",),
        said=told,
        scoring=scoring,
        refused=refused,
        ranking=tables.ranking(told) if scoring.ranked else None,
        left_out=tables.left_out(told) if scoring.left_out else None,
        weights=tables.weights(told),
        constraints=tables.constraints(told) if scoring.profile.constraints else None,
        pairs=tables.pairs(told) if has_pairs else None,
        central=tables.central(told) if has_pairs and len(scoring.weights) > 1 else None,
        boards=drawn,
        figure_ids=figure_ids,
        version=__version__,
        figures={
            figure_id: page.specification(board.figures[title])
            for board in drawn
            for figure_id, title in figure_ids(board).items()
        },
    )
