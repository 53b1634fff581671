"""The page of a score in a real Chromium: both figures drawn, nothing wider than the screen, no script of others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.pages import figures_of, shoot
from support.rented_runs import rented_runs

from profiler.reports.score import page
from profiler.results.run_set import StoredRun, read_runs
from profiler.selection.profile import Profile
from profiler.selection.scoring import Options, Scoring, score

pytestmark = pytest.mark.browser

EVIL = """</script><script>window.hurt=1</script><img src="x" onerror="window.hurt=1">"""
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter(element => !element.closest("svg, .visually-hidden, .skip, .scroll table"))
  .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
  .map(element => element.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[StoredRun]:
    parent = tmp_path_factory.mktemp("rented")
    rented_runs(parent / "g", "c7g.4xlarge", 20.0, drift_ratio=0.02)
    rented_runs(parent / "i", "c7i.4xlarge", 22.5, drift_ratio=0.02)
    found = read_runs([parent])[0]
    for run in found:
        run.manifest.model.name += EVIL
        run.manifest.engine.name += EVIL
    return found


def scored(runs: list[StoredRun], at_most: float) -> Scoring:
    definition = Profile.model_validate(
        {
            "id": "mine", "version": 1, "title": f"Mine {EVIL}", "description": f"D {EVIL}",
            "constraints": [{"metric": "tpot_ms.p95", "at_most": at_most, "why": f"W {EVIL}"}],
            "criteria": [
                {"metric": "cost_per_1m_output_tokens", "weight": 60, "baseline": 10.0, "why": f"M {EVIL}"},
                {"metric": "tpot_ms.p50", "weight": 20, "baseline": 50.0, "why": "pace"},
                {"metric": "energy_j_per_output_token", "weight": 20, "baseline": 2.0, "why": "energy"},
            ],
        }
    )  # fmt: skip
    return score(definition, runs, Options(draws=1_000))


@pytest.mark.parametrize(("at_most", "figures"), [(1000, ["ranks-0", "sensitivity-0"]), (48, []), (10, [])])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_the_screen_and_runs_no_script_of_others(
    show: Callable[..., Any], runs: list[StoredRun], artefacts: Path, width: int, at_most: float, figures: list[str]
) -> None:
    with show(page.render(scored(runs, at_most)), width, "light") as opened:
        shoot(opened, artefacts, f"score-{width}-{at_most:g}")
        assert figures_of(opened) == figures
        assert opened.evaluate("document.documentElement.scrollWidth") == width
        assert opened.evaluate(TOO_WIDE) == []
        assert opened.evaluate("window.hurt") is None
