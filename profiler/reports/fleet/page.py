"""A fleet as one self-contained HTML page, readable offline and without scripts."""

from profiler import __version__
from profiler.number_format import count
from profiler.reports import page
from profiler.reports.fleet import shown
from profiler.reports.fleet.data import Fleet


def render(fleet: Fleet) -> str:
    """Return the page. The same state and summaries give the same bytes."""
    lacking = shown.missing(fleet)
    return page.render(
        "fleet.html.j2",
        (),
        fleet=fleet,
        lead=shown.lead(fleet),
        spent=shown.spent(fleet),
        missing=lacking,
        missing_count=count(sum(one.number for one in lacking), "cell"),
        headings=shown.headings(fleet),
        common=shown.common(fleet),
        grid=shown.grid(fleet),
        legend=shown.legend(fleet),
        timeline=shown.timeline(fleet),
        hosts=shown.hosts(fleet),
        has_drift=any(fleet.drift(host) is not None for host in fleet.hosts),
        version=__version__,
    )
