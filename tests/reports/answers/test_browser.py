"""The part on answers in a real Chromium: as wide as the screen, whatever a model says."""

from pathlib import Path

import pytest
from support.answered import CAPITALS, answered_run
from support.pages import TOO_WIDE, figures_of, shoot

from profiler.run.recompute import page_of

pytestmark = pytest.mark.browser

SAID = {
    **CAPITALS,
    "long": ("Say x.", ["x"], ["x" * 100_000]),
    "code": ("Write a table.", ["|a|"], ["| a | b |\n" * 40]),
    "ar": ("ما هي عاصمة مصر؟", ["القاهرة"], ["عاصمة مصر هي الإسكندرية."]),
    "bidi": ("Name a file.", ["x.png"], ["\u202egnp.exe <script>document.title = 'taken'</script>"]),
    "a-very-long-name-of-an-item-" * 5: ("Yes?", ["yes"], ["no"]),
}


@pytest.mark.parametrize("width", [1280, 390])
def test_answers_stay_within_the_screen(show, tmp_path: Path, artefacts, width: int) -> None:
    folder = answered_run(tmp_path / "run", SAID, points=["c1", "c4"], reasoning="Let me think. " * 200)
    with show(page_of(folder), width) as page:
        page.evaluate("document.querySelectorAll('.answer details').forEach((folded) => { folded.open = true; })")
        shoot(page, artefacts, f"answers-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(TOO_WIDE) == []
        assert "score-exact_match" in figures_of(page)
        assert "taken" not in page.evaluate("document.title")
        assert page.evaluate("getComputedStyle(document.querySelector('.said')).unicodeBidi") == "isolate"
