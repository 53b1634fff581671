"""What rows expect of answers, and what of them cannot be used."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from profiler.errors import WorkloadError
from profiler.quality.item import Item
from profiler.workloads import load

DEFINITION = """\
id: own
version: 1
description: Own rows.
prompts: {source: data, file: own.jsonl, id_column: id}
output_tokens: 8
stop: natural
keep_responses: true
load: {shape: closed-loop}
requests: 2
"""


def loaded(folder: Path, *rows: Mapping[str, Any], more: str = "") -> load.Loaded:
    (folder / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (folder / "own.yaml").write_text(DEFINITION + more, "utf-8")
    return load.load(str(folder / "own.yaml"))


def test_a_row_expects_what_its_columns_say(tmp_path: Path) -> None:
    row = {
        "id": "a",
        "prompt": "Which?",
        "language": "en",
        "reference": "red",
        "answers": ["red", "scarlet"],
        "labels": ["red", "blue"],
        "checks": [{"kind": "words", "least": 1, "most": 2}],
        "tests": ["assert f()"],
        "entry_point": "f",
        "schema": {"type": "string"},
    }
    found = loaded(tmp_path, row)
    assert found.expects == [
        Item(
            id="a",
            prompt="Which?",
            language="en",
            references=["red", "scarlet"],
            labels=["red", "blue"],
            checks=[{"kind": "words", "least": 1, "most": 2}],
            tests=["assert f()"],
            entry_point="f",
            schema={"type": "string"},
        )
    ]
    assert found.data
    assert found.data.notes == []


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("labels", {"a": 1}, "'labels' of 1 of 2 items cannot be used, and no score counts it: b (a mapping)."),
        ("labels", ["green"], "b ('red' is none of them)."),
        ("answers", [["red"]], "'answers' of 1 of 2 items"),
        ("checks", [{"kind": "wrods"}], "b (the check 'wrods': expected one of words, "),
        ("schema", "string", "b ('string')."),
        ("tests", True, "b (true)."),
    ],
)
def test_a_column_of_another_type_is_named_and_costs_nothing_else(
    tmp_path: Path, column: str, value: object, says: str
) -> None:
    right = {"id": "a", "prompt": "Which?", "reference": "red"}
    found = loaded(tmp_path, right, {**right, "id": "b", "prompt": "What?", column: value})
    assert found.data
    (note,) = found.data.notes
    assert says in note
    assert [item.references for item in found.expects] == [["red"], ["red"]]
    assert len(found.data.items) == 2


def test_a_cell_may_hold_json(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"id": "a", "prompt": "Which?", "reference": "red", "labels": '["red", "blue"]'})
    assert found.expects[0].labels == ["red", "blue"]


def test_two_rows_of_one_name_are_refused(tmp_path: Path) -> None:
    row = {"id": "a", "prompt": "Which?", "reference": "red"}
    with pytest.raises(WorkloadError, match=r"2 rows of the data file of .* are called 'a'"):
        loaded(tmp_path, row, {**row, "prompt": "What?"})


def test_a_scorer_that_no_row_has_the_columns_for_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"own\.yaml:10: the scorer 'pass_at_1' needs 'tests' in the rows"):
        loaded(tmp_path, {"id": "a", "prompt": "Which?", "reference": "red"}, more="scorers: [contains, pass_at_1]\n")


def test_labels_without_the_right_one_score_nothing(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"id": "a", "prompt": "Which?", "reference": "Red", "labels": ["red", "blue"]})
    assert (found.expects[0].labels, found.expects[0].references) == ([], ["Red"])


@pytest.mark.parametrize(
    ("language", "found", "notes"),
    [
        ("es-MX", "es", []),
        ("zh_Hant", "zh", []),
        ("EN", "en", []),
        (
            "Spanish",
            None,
            [
                "'language' of 1 of 1 items cannot be used, and no score counts it: a ('Spanish': expected a tag such "
                "as es or zh-Hant)."
            ],
        ),
    ],
)
def test_scorers_know_a_language_whatever_its_region(
    tmp_path: Path, language: str, found: str | None, notes: list[str]
) -> None:
    """The articles of es-MX are those of es, its text is found to be es, and BLEU of zh-Hant cuts characters."""
    row = {"id": "a", "prompt": "Which?", "reference": "red", "language": language}
    data = loaded(tmp_path, row)
    assert data.expects[0].language == found
    assert list(data.data.notes if data.data else []) == notes
