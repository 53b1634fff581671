import json
from pathlib import Path

import pytest

from profiler.errors import WorkloadError
from profiler.workloads import items
from profiler.workloads.items import Data, Item
from profiler.workloads.messages import Message
from profiler.workloads.schema import DataPrompts
from profiler.workloads.templates import Template


def read(folder: Path, *rows: object, template: str | None = None, **columns: str) -> Data:
    """Read rows as JSON Lines, in the order given."""
    (folder / "d.jsonl").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    if template is not None:
        (folder / "t.yaml").write_text(template, "utf-8")
        columns["template"] = "t.yaml"
    return items.load(DataPrompts(source="data", file="d.jsonl", **columns), folder)  # type: ignore[arg-type]


def said(item: Item) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in item.messages]


def test_rows_without_a_prompt_are_left_out_and_named(tmp_path: Path) -> None:
    rows = [{"prompt": "" if number == 7 else f"say {number}"} for number in range(20)]
    data = read(tmp_path, *rows)
    assert len(data.items) == 19
    assert data.notes == ["1 of the 20 rows of d.jsonl were left out (row 8): they hold no prompt."]
    data = read(tmp_path, {"prompt": "x"}, *[{"conversations": []}, {}, {"prompt": None}, {"prompt": " "}] * 2)
    assert data.notes == ["8 of the 9 rows of d.jsonl were left out (row 2, 3, 4, 5, 6, …): they hold no prompt."]


def test_a_row_with_a_picture_is_named(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    data = read(
        tmp_path, {"messages": [{"role": "user", "content": parts}]}, {"messages": [{"role": "user", "content": "b"}]}
    )
    assert [item.text for item in data.items] == ["What is this?", "b"]
    assert data.notes == [
        "1 of the 2 rows of d.jsonl hold messages with parts that are no text, such as pictures (row 1): only their "
        "text is sent."
    ]


def test_an_empty_row_of_a_table_is_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("prompt,reference\n2 + 2,4\n,\n3 + 3,6\n", "utf-8")
    data = items.load(DataPrompts(source="data", file="d.csv"), tmp_path)
    assert [(item.text, item.references) for item in data.items] == [("2 + 2", ("4",)), ("3 + 3", ("6",))]
    assert data.notes == ["1 of the 3 rows of d.csv were left out (row 3): they hold no prompt."]


def test_a_row_that_cannot_be_sent_costs_no_other_row(tmp_path: Path) -> None:
    data = read(tmp_path, {"prompt": "a"}, {"prompt": 5}, {"question": "b"}, {"messages": [{"role": "tool"}]})
    assert [item.text for item in data.items] == ["a"]
    (note,) = data.notes
    assert note.startswith("3 of the 4 rows of d.jsonl were left out (row 2, 3, 4): the first of them is ")
    assert note.endswith(
        "d.jsonl:2: the row holds 5 as its prompt; expected a text that is not blank. Correct this line."
    )


SYSTEM, ASKED = {"role": "system", "content": "Be short."}, {"role": "user", "content": "2 + 2?"}
ANSWERED, AGAIN = {"role": "assistant", "content": "4"}, {"role": "user", "content": "And 3?"}


@pytest.mark.parametrize(
    ("row", "messages", "references"),
    [
        ({"messages": [ASKED]}, [("user", "2 + 2?")], ()),
        ({"messages": [SYSTEM, ASKED], "reference": "4"}, [("system", "Be short."), ("user", "2 + 2?")], ("4",)),
        ({"messages": [ASKED], "references": ["4", "four", 4]}, [("user", "2 + 2?")], ("4", "four", "4")),
        # The last message of the assistant is the answer, as in files for fine-tuning, unless the row says another.
        ({"messages": [ASKED, ANSWERED]}, [("user", "2 + 2?")], ("4",)),
        ({"messages": [ASKED, ANSWERED], "reference": "four"}, [("user", "2 + 2?")], ("four",)),
        (
            {"messages": [ASKED, ANSWERED, AGAIN], "reference": 7},
            [("user", "2 + 2?"), ("assistant", "4"), ("user", "And 3?")],
            ("7",),
        ),
        ({"messages": [ASKED, ANSWERED, {**AGAIN, "role": "developer"}]}, [("user", "2 + 2?")], ("4",)),
        ({"messages": [ASKED, {**ANSWERED, "role": "model"}]}, [("user", "2 + 2?")], ("4",)),
        ({"prompt": [SYSTEM, ASKED, ANSWERED]}, [("system", "Be short."), ("user", "2 + 2?")], ("4",)),
        ({"prompt": "2 + 2?", "reference": float("nan")}, [("user", "2 + 2?")], ()),  # as Python writes what is missing
        # ShareGPT: the first question, with what the system says before it.
        (
            {"conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "q"}, {"from": "gpt"}]},
            [("system", "s"), ("user", "q")],
            (),
        ),
    ],
)
def test_conversations_are_sent_up_to_what_is_asked(
    tmp_path: Path, row: object, messages: list[tuple[str, str]], references: tuple[str, ...]
) -> None:
    (item,) = read(tmp_path, row).items
    assert (said(item), item.references) == (messages, references)


@pytest.mark.parametrize("content", ["", " ", None], ids=repr)
def test_a_message_of_the_assistant_without_text_is_no_right_answer(tmp_path: Path, content: str | None) -> None:
    """Such as one that calls a tool; to an empty reference an empty answer would be right."""
    data = read(tmp_path, {"messages": [ASKED, {"role": "assistant", "content": content}]}, {"messages": [ASKED]})
    assert [(said(item), item.references) for item in data.items] == [([("user", "2 + 2?")], ())] * 2


def test_rows_have_a_name_a_language_and_what_a_right_response_says(tmp_path: Path) -> None:
    rows = [
        {"prompt": "2 + 2", "key": "sum", "answer": 4, "language": "en"},
        {"prompt": "3 + 3", "key": "more", "answer": ["seis", "6"], "language": "es"},
    ]
    data = read(tmp_path, *rows, id_column="key", reference_column="answer")
    assert [item[:4] for item in data.items] == [
        ((Message("user", "2 + 2"),), "sum", ("4",), "en"),
        ((Message("user", "3 + 3"),), "more", ("seis", "6"), "es"),
    ]
    assert [item.values for item in data.items] == rows
    assert data.notes == []


def test_a_row_without_a_reference_or_with_another_kind_is_measured_and_named(tmp_path: Path) -> None:
    rows: list[object] = [{"prompt": "a", "reference": "b"}, {"prompt": "c"}, {"prompt": "d", "reference": {"x": 1}}]
    data = read(tmp_path, *rows, {"prompt": "e", "reference": [True]})
    assert [item.references for item in data.items] == [("b",), (), (), ()]
    assert data.notes == [
        "2 of the 4 rows of d.jsonl hold a reference that is no text, number or list of these (row 3, 4): no score "
        "counts them.",
        "1 of the 4 rows of d.jsonl have no reference (row 2): they are measured like the others, and no score counts "
        "them.",
    ]
    assert read(tmp_path, {"prompt": "a"}, {"prompt": "c"}).notes == []  # nobody has said that there are any


@pytest.mark.parametrize("key", ["id_column", "reference_column"])
def test_a_column_that_no_row_has_is_named_with_those_that_there_are(tmp_path: Path, key: str) -> None:
    with pytest.raises(WorkloadError, match=rf"'prompts\.{key}' is 'anser'.*Its rows have: prompt, answer\."):
        read(tmp_path, {"prompt": "a", "answer": "b"}, **{key: "anser"})


def test_worked_examples_are_never_asked(tmp_path: Path) -> None:
    rows = [{"prompt": "2 + 2", "reference": "4", "role": "example"}, {"prompt": "3 + 3", "reference": "6"}]
    data = read(tmp_path, *rows, {"prompt": "5 + 5", "role": "example"})
    assert ([item.text for item in data.items], [item.text for item in data.examples]) == (["3 + 3"], ["2 + 2"])
    assert "d.jsonl:3: the row is an example without its answer; expected a reference." in data.notes[0]
    with pytest.raises(WorkloadError, match="holds no prompts"):
        read(tmp_path, rows[0])


TEMPLATE = 'system: One word.\ninput: "Q: {question} ({number})"\noutput: "A: {reference}"\n'


def test_a_template_makes_prompts_of_columns(tmp_path: Path) -> None:
    rows = [{"question": "2 + 2?", "number": 1, "reference": "4"}, {"question": "3 + 3?", "number": ""}]
    data = read(tmp_path, *rows, template=TEMPLATE)
    assert [said(item) for item in data.items] == [[("system", "One word."), ("user", "Q: 2 + 2? (1)")]]
    assert data.notes == ["1 of the 2 rows of d.jsonl were left out (row 2): they hold no prompt."]


def test_what_the_command_line_names_may_lie_anywhere(tmp_path: Path) -> None:
    own = tmp_path / "elsewhere" / "mine.csv"
    own.parent.mkdir()
    own.write_text("prompt\nhello\n", "utf-8")
    defined = DataPrompts(source="data", file="d.jsonl")
    asked = defined.model_copy(update={"file": str(own)})
    assert [item.text for item in items.load(asked, tmp_path, defined).items] == ["hello"]
    with pytest.raises(WorkloadError, match="outside the folder"):
        items.load(asked, tmp_path, asked)


def test_the_digest_is_that_of_rows_and_template(tmp_path: Path) -> None:
    def digest(text: str, template: Template | None = None) -> str:
        path = tmp_path / "rows.jsonl"
        path.write_text(text, "utf-8")
        return items.read(DataPrompts(source="data", file="rows.jsonl"), path, template).digest

    row = '{"prompt": "2 + 2?", "reference": "4"}\n'
    assert digest(row) == digest(row)
    others = [row.replace("4", "5"), row * 2, row.replace("2 + 2", "two plus two")]
    assert len({digest(row), *map(digest, others), digest(row, Template(input="Q: {prompt}"))}) == 5
