"""What a report says of answers, and that no answer can do anything to the page."""

import json
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.answered import CAPITALS, answered_run

from profiler.aggregation.answers import answers_of
from profiler.reports.answers.part import MOST_ITEMS, Part, part_of
from profiler.reports.answers.shown import shown
from profiler.results.folder import RunFolder
from profiler.run.recompute import markdown_of, page_of

EVIL = "</article><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}\u202egnp.exe\x00\x1b[2J"


def part(folder: RunFolder) -> Part:
    found = part_of(folder, folder.read_summary())
    assert found is not None
    return found


def bars(found: Part, scorer: str) -> Mapping[str, dict[str, int]]:
    (panel,) = [one for one in found.panels if one.id == f"score-{scorer}"]
    assert panel.figure is not None
    return {trace.name: {x: y for x, y in zip(trace.text, trace.y, strict=True) if y} for trace in panel.figure.data}


def test_items_are_counted_by_their_mean_score(tmp_path: Path) -> None:
    found = part(answered_run(tmp_path / "run"))
    assert found.head == "3 items, 2 answers each."
    assert bars(found, "exact_match") == {"1 in flight": {"0–10": 1, "50–60": 1, "90–100": 1}}
    assert found.worst_head == "The 2 items below 100 points by Exact match"
    assert [item.asked.name for item in found.worst] == ["de", "es"]


def test_loads_stand_side_by_side(tmp_path: Path) -> None:
    folder = answered_run(tmp_path / "run", points=["c1", "c4"])
    found = part(folder)
    assert found.head == "3 items, 2 answers each at 4 in flight."
    assert list(bars(found, "exact_match")) == ["1 in flight", "4 in flight"]
    assert [load for load, _ in found.by_load] == ["1 in flight", "4 in flight"]
    assert 'class="numbers scores"' in page_of(folder)


def test_ten_of_many_are_listed(tmp_path: Path) -> None:
    said = {f"i{n}": ("Yes?", ["yes"], ["no"]) for n in range(30)}
    found = part(answered_run(tmp_path / "run", said))
    assert len(found.worst) == MOST_ITEMS
    assert found.worst_head == "The 10 worst of 30 items below 100 points by Exact match"


def test_where_all_is_right_nothing_is_called_the_worst(tmp_path: Path) -> None:
    folder = answered_run(tmp_path / "run", {"a": ("Yes?", ["yes"], ["yes"])})
    assert (part(folder).worst, part(folder).worst_head) == ((), "Every item has 100 points by Exact match")
    assert "Every item has 100 points" in page_of(folder)


def test_random_weights_have_no_scores_and_say_so(tmp_path: Path) -> None:
    folder = answered_run(tmp_path / "run", is_synthetic=True)
    assert part(folder).worst == ()
    page = page_of(folder)
    assert "No scores: not applicable: the weights are random" in page
    assert "Paris" not in page


def test_a_run_that_kept_nothing_has_no_such_part(tmp_path: Path) -> None:
    folder = answered_run(tmp_path / "run")
    folder.answers.unlink()
    assert part_of(folder, folder.read_summary()) is None
    assert 'id="answers"' not in page_of(folder)
    assert "### Answers" not in markdown_of(folder)


def test_whatever_a_row_expects_is_shown(tmp_path: Path) -> None:
    folder = answered_run(tmp_path / "run", {"a": ("Three lines.", [], ["one"]), "p": ("A passage.", [], ["x"])})
    row = {
        "id": "a",
        "references": ["one", "two"],
        "checks": [{"kind": "lines", "least": 3}],
        "schema": {"type": "object"},
        "tests": ["assert f()", "assert g()"],
        "relevant": "p",
    }
    rows = [row, {"id": "p", "prompt": "A passage."}]
    folder.items.write_text("".join(json.dumps(one) + "\n" for one in rows), "utf-8")
    answers = answers_of(folder)
    (item,) = shown(folder, answers, [one for one in answers.asked if one.item == "a"], answers.leading)
    assert [(kind, text.shown) for kind, text in item.expected(None)] == [
        ("expected", "one"),
        ("or", "two"),
        ("expected", "p: A passage."),
        ("check", '{"kind": "lines", "least": 3}'),
        ("schema", '{"type": "object"}'),
        ("tests", "assert f()\nassert g()"),
    ]


def test_a_vector_is_not_written_out(tmp_path: Path) -> None:
    folder = answered_run(tmp_path / "run", {"a": ("Query.", ["x"], [""])}, vector=[0.5] * 384)
    answers = answers_of(folder)
    (item,) = shown(folder, answers, answers.asked, answers.leading)
    assert item.answer(None).shown == "a vector of 384 numbers"


class _Tags(HTMLParser):
    """Tags and attributes of a page, and the text within articles."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self._depth += tag == "article"

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "article"

    def handle_data(self, data: str) -> None:
        self.text += data if self._depth else ""


@pytest.mark.parametrize("where", ["answer", "reference", "prompt", "item", "reasoning"])
def test_nothing_that_is_shown_is_markup(tmp_path: Path, where: str) -> None:
    texts = {name: EVIL if name == where else f"a {name}" for name in ("answer", "reference", "prompt", "item")}
    said = {texts["item"]: (texts["prompt"], [texts["reference"]], [texts["answer"]]), **CAPITALS}
    reasoning = {"reasoning": EVIL} if where == "reasoning" else {}
    folder = answered_run(tmp_path / "run", said, **reasoning)
    plain = answered_run(tmp_path / "plain", {"plain": ("plain", ["x"], ["plain"]), **CAPITALS})
    page, harmless = _Tags(), _Tags()
    page.feed(page_of(folder))
    harmless.feed(page_of(plain))
    assert page.tags.count("script") == harmless.tags.count("script")
    assert "img" not in page.tags
    assert page.handlers == []
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert not set("\u202e\x00\x1b") & set(page.text)


def test_a_long_answer_is_cut_with_a_note(tmp_path: Path) -> None:
    folder = answered_run(tmp_path / "run", {"a": ("Yes?", ["yes"], ["no " * 33_333])})
    page = page_of(folder)
    assert "… 99,198 more characters" in page  # of 99,998 without the last space
    assert page.count("no no no") < 1_000


def test_markdown_has_five_in_short(tmp_path: Path) -> None:
    said = {f"i{n}": ("Yes?", ["yes"], ["no | *really* <b>no</b>\nno " * 50]) for n in range(8)}
    text = markdown_of(answered_run(tmp_path / "run", said))
    rows = [line for line in text.splitlines() if line.startswith("| i") and "item" not in line]
    assert len(rows) == 5
    assert "\\*really\\* \\<b\\>no\\</b\\>" in rows[0]
    assert rows[0].endswith("… |")
