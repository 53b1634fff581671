"""Checks of instructions: our own answers of the data sets meet them, answers that ignore them do not."""

import json
from typing import Any

import pytest

from profiler.content import content
from profiler.quality import checks
from profiler.quality.checks import checks_met, mistake_in, unmet
from profiler.quality.item import Answer, Item
from profiler.quality.scorer import NotScoredError

WRONG = "the water of the river, el agua de la lluvia. " * 12


def rows(name: str) -> list[dict[str, Any]]:
    path = content("workloads") / "data" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("row", rows("instructions"), ids=lambda row: row["id"])
def test_an_answer_of_our_own_meets_its_checks_and_one_that_ignores_all_does_not(row: dict[str, Any]) -> None:
    item = Item(id=row["id"], checks=row["checks"])
    assert unmet(row["reference"], item) == []
    assert checks_met(Answer(f"\n {row['reference']} "), item) == 100
    assert checks_met(Answer(WRONG), item) == 0
    assert [mistake_in(check) for check in row["checks"]] == [None] * len(row["checks"])


@pytest.mark.parametrize(
    ("check", "met", "not_met"),
    [
        ({"kind": "words", "least": 2, "most": 3}, "two words", "one"),
        ({"kind": "characters", "least": 1, "most": 3}, "日本語", "日本語だ"),
        ({"kind": "lines", "least": 2, "most": 2}, "a\n\nb", "a b"),
        ({"kind": "sentences", "least": 2, "most": 2}, "Yes! No…", "Yes."),
        ({"kind": "contains", "texts": ["red wine"]}, "Red wine!", "red wines"),
        ({"kind": "sentences", "least": 2, "most": 2}, "雨停了。天晴了！", "雨停了。"),
        ({"kind": "sentences", "least": 2, "most": 2}, "هل توقف المطر؟ نعم.", "توقف المطر."),
        ({"kind": "sentences", "least": 1, "most": 1}, "It costs 3.5 euros.", "It costs 3. Or 5."),
        ({"kind": "excludes", "texts": ["no"]}, "notes", "No."),
        ({"kind": "contains", "texts": ["苹果"]}, "我吃苹果了。", "我吃梨了。"),
        ({"kind": "excludes", "texts": ["苹果"]}, "我吃梨了。", "我吃苹果了。"),
        ({"kind": "excludes_characters", "characters": "e,"}, "abc", "a, b"),
        ({"kind": "starts_with", "text": "Dear"}, "Dear all", "To all"),
        ({"kind": "ends_with", "text": "?"}, "Why?", "Why"),
        ({"kind": "matches", "pattern": r"\d{3}"}, "123", "1234"),
        ({"kind": "each_line_matches", "pattern": r"- .+"}, "- a\n\n- b", "- a\nb"),
        ({"kind": "case", "is": "upper"}, "ÁRBOL 1", "Árbol"),
        ({"kind": "case", "is": "lower"}, "árbol 1", "Árbol"),
        ({"kind": "json", "schema": {"type": "object", "required": ["a"]}}, '{"a": 1}', '```json\n{"a": 1}\n```'),
        (
            {"kind": "language", "is": "es"},
            "El agua del río está muy fría esta mañana.",
            "The river is cold today.",
        ),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_each_kind(check: dict[str, Any], met: str, not_met: str) -> None:
    item = Item(id="1", checks=[check])
    assert (unmet(met, item), unmet(not_met, item)) == ([], [check["kind"]])


@pytest.mark.parametrize(
    ("check", "says"),
    [
        ({"kind": "wrods"}, "the check 'wrods': expected one of words, "),
        ({}, "the check None"),
        ({"kind": "words", "least": 1}, "without a right 'most'"),
        ({"kind": "words", "least": True, "most": 2}, "without a right 'least'"),
        ({"kind": "contains", "texts": "one"}, "without a right 'texts'"),
        ({"kind": "matches", "pattern": "("}, "no regular expression"),
        ({"kind": "case", "is": "title"}, "without a right 'is'"),
        ({"kind": "matches", "pattern": "a{99999999999999}"}, "no regular expression"),
        ({"kind": "contains", "texts": []}, "without a right 'texts'"),
        ({"kind": "lines", "least": 2, "most": 1}, "the check 'lines' with a 'least' above its 'most'"),
        ({"kind": "language", "is": "Spanish"}, "the check 'language' of 'Spanish': expected a tag such as es"),
    ],
)
def test_a_check_that_is_stated_wrongly_is_named(check: dict[str, Any], says: str) -> None:
    assert says in (mistake_in(check) or "")


@pytest.mark.parametrize(
    "check",
    [
        {"kind": "contains", "texts": ["café"]},
        {"kind": "starts_with", "text": "café"},
        {"kind": "characters", "least": 4, "most": 4},
        {"kind": "matches", "pattern": "caf."},
    ],
)
def test_an_accent_of_its_own_is_that_of_its_letter(check: dict[str, Any]) -> None:
    assert unmet("cafe\u0301", Item(id="1", checks=[check])) == []


def test_a_pattern_that_goes_back_and_forth_gives_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_MATCH_S", 0.05)
    item = Item(id="1", checks=[{"kind": "matches", "pattern": "(a|aa)+[bc]"}])
    with pytest.raises(NotScoredError, match=r"takes longer than 0.05 s"):
        checks_met(Answer("a" * 60 + "d"), item)


def test_an_empty_answer_follows_no_instruction() -> None:
    item = Item(id="1", checks=[{"kind": "excludes", "texts": ["no"]}])
    assert [checks_met(Answer(text), item) for text in ("", " \n", "yes")] == [0, 0, 100]


def test_checks_of_a_damaged_folder_give_no_score() -> None:
    with pytest.raises(NotScoredError, match="no regular expression"):
        checks_met(Answer("a"), Item(id="1", checks=[{"kind": "matches", "pattern": "("}]))
