"""The page of a fleet in a real Chromium: nothing wider than the screen, and marks that lead to reports."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fleets import fleet
from support.pages import shoot

from profiler.reports.fleet import page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fifty_hosts_by_twenty_workloads_fit_the_screen(
    show: Callable[..., Any], artefacts: Path, width: int, scheme: str
) -> None:
    made = fleet(50, 20, 1, seed=3)
    with show(page.render(made), width, scheme) as opened:
        shoot(opened, artefacts, f"fleet-{width}-{scheme}")
        assert opened.evaluate("document.documentElement.scrollWidth") == width
        reports = sum(bool(cell.told and cell.told.report) for cell in made.cells)
        assert opened.evaluate("document.querySelectorAll('.cells a.mark').length") == reports
        row = "document.querySelector('.timeline tbody tr').getBoundingClientRect().height"
        assert opened.evaluate(row) < 24  # a line of text, however many bars
