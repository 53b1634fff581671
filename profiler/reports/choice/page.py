"""An answer as one self-contained HTML page, readable offline."""

from profiler import __version__
from profiler.reports import page
from profiler.reports.choice.document import Document


def render(document: Document) -> str:
    """Return the page. The same runs give the same bytes."""
    drawings = [section.drawing for section in document.sections if section.drawing is not None]
    return page.render(
        "choice.html.j2",
        ("page.js",),
        document=document,
        version=__version__,
        figures={drawing.id: page.specification(drawing.figure) for drawing in drawings},
    )
