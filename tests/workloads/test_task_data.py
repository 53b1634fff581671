"""The data sets of the task workloads hold what `workloads/data/README.md` says, and what they call right is right."""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from profiler.content import content
from profiler.workloads import load
from profiler.workloads.prompts import make_prompts
from profiler.workloads.schema import DataPrompts

Row = dict[str, Any]
BOTH, SIX = {"en", "es"}, {"en", "es", "de", "fr", "zh", "ar"}
COMMON = {"id": str, "language": str, "prompt": str}
FIELDS: dict[str, dict[str, type]] = {
    "summarise": {"reference": str},
    "classify": {"reference": str, "labels": list},
    "questions": {"reference": str, "answers": list, "with_passage": bool},
    "code": {"reference": str, "entry_point": str, "tests": list},
    "write": {"checks": list},
    "instructions": {"reference": str, "checks": list},
    "languages": {"reference": str, "answers": list, "item": str},
    "retrieve": {"role": str},
}
LEAST, MOST = 20, 50  # rows
RANGE, TEXTS = {"least": int, "most": int}, {"texts": list}
CHECKS: dict[str, dict[str, type]] = {
    "words": RANGE,
    "characters": RANGE,
    "lines": RANGE,
    "sentences": RANGE,
    "contains": TEXTS,
    "excludes": TEXTS,
    "excludes_characters": {"characters": str},
    "starts_with": {"text": str},
    "ends_with": {"text": str},
    "matches": {"pattern": str},
    "each_line_matches": {"pattern": str},
    "case": {"is": str},
    "json": {"schema": dict},
    "language": {"is": str},
}


def every(name: str) -> list[Row]:
    """All rows of a data set, worked examples included."""
    text = (content("workloads") / "data" / f"{name}.jsonl").read_bytes().decode("utf-8")
    assert "�" not in text
    return [json.loads(line) for line in text.splitlines()]


def rows(name: str) -> list[Row]:
    """Those that are asked."""
    return [row for row in every(name) if row.get("role") != "example"]


def examples(name: str) -> list[Row]:
    return [row for row in every(name) if row.get("role") == "example"]


def items(name: str) -> list[Any]:
    return [pytest.param(row, id=row["id"]) for row in every(name)]


def test_every_data_set_has_a_workload_and_a_line_in_the_readme() -> None:
    folder = content("workloads")
    assert {path.stem for path in (folder / "data").glob("*.jsonl")} == set(FIELDS)
    assert {path.stem for path in folder.glob("task-*.yaml")} == {f"task-{name}" for name in FIELDS}
    readme = (folder / "data" / "README.md").read_text("utf-8")
    for name in FIELDS:
        languages = ", ".join(dict.fromkeys(row["language"] for row in rows(name)))
        assert f"| `{name}.jsonl` | {len(rows(name))} | {languages} |" in readme


@pytest.mark.parametrize("name", FIELDS)
def test_rows_have_the_fields_of_their_task_and_are_all_different(name: str) -> None:
    found = rows(name)
    assert LEAST <= len(found) <= MOST
    assert {row["language"] for row in found} == (SIX if name == "languages" else BOTH)
    for row in found:
        expected = COMMON | FIELDS[name] | ({"relevant": str} if row.get("role") == "query" else {})
        assert {key: type(value) for key, value in row.items()} == expected
        assert all(
            value == value.strip() for key, value in row.items() if isinstance(value, str) and key != "reference"
        )
        assert all(row.values() if "with_passage" not in row else [row["prompt"], row["reference"], row["answers"]])
        assert row["id"].startswith(f"{row['language']}-")
    assert len({row["id"] for row in found}) == len({row["prompt"].casefold() for row in found}) == len(found)


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - {"retrieve"}))
def test_every_language_has_worked_examples_that_are_none_of_the_rows(name: str) -> None:
    found = examples(name)
    expected = dict.fromkeys(SIX, 4) if name == "languages" else dict.fromkeys(BOTH, 16)
    assert Counter(row["language"] for row in found) == expected
    for row in found:
        fields = COMMON | FIELDS[name] | {"reference": str, "role": str}
        assert {key: type(value) for key, value in row.items()} == fields
        assert row["id"].startswith(f"{row['language']}-x")
    prompts = [row["prompt"].casefold() for row in every(name)]
    assert len(set(prompts)) == len(prompts)
    assert len({row["id"] for row in every(name)}) == len(prompts)


@pytest.mark.parametrize("name", FIELDS)
def test_each_repeat_of_a_workload_asks_every_row_once(name: str) -> None:
    loaded = load.load(f"task-{name}")
    workload, found = loaded.workload, rows(name)
    assert isinstance(workload.prompts, DataPrompts)
    assert (workload.prompts.file, workload.prompts.id_column) == (f"data/{name}.jsonl", "id")
    assert (workload.prompts.reference_column is not None) == ("reference" in FIELDS[name])
    assert loaded.data is not None
    assert (workload.requests, loaded.data.notes) == (len(found), [])
    made = list(make_prompts(workload, loaded.folder, [2, workload.requests], seed=1))[2:]
    assert {(prompt.item, prompt.text, prompt.references[:1]) for prompt in made} == {
        (row["id"], row["prompt"], (row["reference"],) if "reference" in row else ()) for row in found
    }
    if not workload.is_embedding:
        assert (workload.stop, workload.keep_responses) == ("natural", True)


@pytest.mark.parametrize("name", ["summarise", "questions", "code", "write", "instructions"])
def test_both_languages_have_as_many_rows(name: str) -> None:
    assert len(set(Counter(row["language"] for row in rows(name)).values())) == 1


@pytest.mark.parametrize("row", items("summarise"))
def test_a_summary_is_much_shorter_than_its_text(row: Row) -> None:
    assert 2 * len(row["reference"].split()) < len(row["prompt"].split())


@pytest.mark.parametrize("row", items("classify"))
def test_a_label_is_one_of_those_in_the_prompt(row: Row) -> None:
    assert row["reference"] in row["labels"]
    assert all(label in row["prompt"] for label in row["labels"])


def test_labels_are_given_equally_often() -> None:
    counts = Counter((row["language"], len(row["labels"]), row["reference"]) for row in rows("classify"))
    assert {(labels, count) for (_, labels, _), count in counts.items()} == {(5, 3), (3, 2)}
    assert len(counts) == 2 * (5 + 3)


@pytest.mark.parametrize("row", [*items("questions"), *items("languages")])
def test_the_reference_is_the_first_of_the_answers(row: Row) -> None:
    assert row["answers"][0] == row["reference"]
    assert all(isinstance(answer, str) and answer.strip() for answer in row["answers"])
    assert len(set(row["answers"])) == len(row["answers"])
    if row.get("with_passage"):
        passage, _, question = row["prompt"].partition("\n\n")[2].partition("\n\n")
        assert any(answer in passage for answer in row["answers"])
        assert question.endswith("?")


def test_half_of_the_questions_come_with_a_passage() -> None:
    assert Counter(row["with_passage"] for row in rows("questions")) == {True: 16, False: 16}


def test_every_question_is_asked_in_every_language() -> None:
    asked = Counter(row["item"] for row in rows("languages"))
    assert set(asked.values()) == {len(SIX)}
    assert {(row["item"], row["language"]) for row in rows("languages")} == {
        (item, code) for item in asked for code in SIX
    }


def run(row: Row, function: str | Callable[..., object]) -> None:
    """Run the tests of an item behind a function of our own; models' code is never run here."""
    names: dict[str, Any] = {}
    if isinstance(function, str):
        exec(function, names)  # noqa: S102 - our own reference
    else:
        names[row["entry_point"]] = function
    for test in row["tests"]:
        exec(test, names)  # noqa: S102 - our own test


@pytest.mark.parametrize("row", items("code"))
def test_a_function_passes_its_tests_and_a_constant_does_not(row: Row) -> None:
    run(row, row["reference"])
    assert f"`{row['entry_point']}(" in row["prompt"]
    assert all(test.startswith("assert ") and f"{row['entry_point']}(" in test for test in row["tests"])
    for constant in (None, True, False, 0, 1, "", [], {}):
        with pytest.raises((AssertionError, TypeError, IndexError)):
            run(row, lambda *_, value=constant: value)


def test_every_query_has_one_passage() -> None:
    found = rows("retrieve")
    passages = {row["id"]: row for row in found if row["role"] == "passage"}
    queries = [row for row in found if row["role"] == "query"]
    assert len(passages) + len(queries) == len(found)
    assert {row["relevant"] for row in queries} == set(passages)
    across = [row["language"] for row in queries if row["language"] != passages[row["relevant"]]["language"]]
    assert Counter(across) == {"en": 3, "es": 3}


@pytest.mark.parametrize("row", [*items("write"), *items("instructions")])
def test_checks_are_of_a_known_kind(row: Row) -> None:
    for check in row["checks"]:
        assert {key: type(value) for key, value in check.items() if key != "kind"} == CHECKS[check["kind"]]
        assert check.get("least", 1) <= check.get("most", 1)
        assert all(isinstance(text, str) and text for text in check.get("texts", []))
        re.compile(check.get("pattern", ""))
        jsonschema.Draft202012Validator.check_schema(check.get("schema", {}))
        assert check["kind"] != "case" or check["is"] == "upper"
        assert check["kind"] != "language" or check["is"] in BOTH


@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in examples("write")])
def test_a_text_that_is_shown_is_as_long_as_was_asked_and_has_its_words(row: Row) -> None:
    assert all_met(row["reference"], row)


@pytest.mark.parametrize("row", items("write"))
def test_a_text_is_asked_for_with_what_is_checked(row: Row) -> None:
    (words,) = [check for check in row["checks"] if check["kind"] == "words"]
    texts = [text for check in row["checks"] if check["kind"] == "contains" for text in check["texts"]]
    assert texts
    assert all(text in row["prompt"] for text in texts)
    if not any(check["kind"] == "lines" for check in row["checks"]):
        assert [str(words["least"]), str(words["most"])] == re.findall(r"\d+", row["prompt"])


def size(kind: str, text: str) -> int:
    match kind:
        case "words":
            return len(text.split())
        case "characters":
            return len(text)
        case "lines":
            return len(lines(text))
    return len([part for part in re.split(r"[.!?…]+", text) if part.strip()])


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def occur(text: str, check: Row) -> list[bool]:
    words = map(re.escape, check["texts"])
    return [re.search(rf"(?<!\w){word}(?!\w)", text, re.IGNORECASE) is not None for word in words]


def fits(text: str, schema: Row) -> bool:
    try:
        return jsonschema.Draft202012Validator(schema).is_valid(json.loads(text))
    except ValueError:
        return False


SIZES = dict.fromkeys(
    ["words", "characters", "lines", "sentences"],
    lambda text, check: check["least"] <= size(check["kind"], text) <= check["most"],
)
MEETS: dict[str, Callable[[str, Row], bool]] = {
    **SIZES,
    "contains": lambda text, check: all(occur(text, check)),
    "excludes": lambda text, check: not any(occur(text, check)),
    "excludes_characters": lambda text, check: not set(check["characters"]) & set(text),
    "starts_with": lambda text, check: text.startswith(check["text"]),
    "ends_with": lambda text, check: text.endswith(check["text"]),
    "matches": lambda text, check: re.fullmatch(check["pattern"], text) is not None,
    "each_line_matches": lambda text, check: all(re.fullmatch(check["pattern"], line) for line in lines(text)),
    "case": lambda text, _check: text == text.upper(),
    "json": lambda text, check: fits(text, check["schema"]),
    "language": lambda _text, _check: True,  # we have read it
}


def all_met(text: str, row: Row) -> bool:
    return all(MEETS[check["kind"]](text, check) for check in row["checks"])


WRONG = "the water of the river, el agua de la lluvia. " * 12


@pytest.mark.parametrize("row", items("instructions"))
def test_a_response_of_our_own_meets_every_check_and_one_that_ignores_all_does_not(row: Row) -> None:
    assert all_met(row["reference"], row)
    assert not all_met(WRONG.strip(), row)
