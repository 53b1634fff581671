from pathlib import Path

import pytest

from profiler.errors import WorkloadError
from profiler.workloads import templates
from profiler.workloads.messages import Message
from profiler.workloads.templates import Template


def read(folder: Path, text: str) -> Template:
    (folder / "t.yaml").write_text(text, "utf-8")
    return templates.read(folder / "t.yaml")


def test_fields_stand_for_what_a_row_has(tmp_path: Path) -> None:
    template = read(tmp_path, "system: Be short.\ninput: '{{{a}}} {b}'\noutput: '{reference} ({b})'\n")
    row = {"a": "x", "b": 2}
    assert template.messages(row) == [Message("system", "Be short."), Message("user", "{x} 2")]
    assert template.answer(row, ["yes", "no"]) == "yes (2)"
    assert template.messages({"a": "x"})[-1].text == ""  # a row without one of them asks nothing
    assert template.answer({"a": "x", "b": 2}, []) == ""


def test_without_a_template_the_prompt_is_asked_and_the_first_reference_answers() -> None:
    assert Template().messages({"prompt": "hello"}) == [Message("user", "hello")]
    assert Template().answer({}, ["hi", "good day"]) == "hi"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("inptu: x\n", "t.yaml:1: unknown key 'inptu'. Did you mean 'input'?"),
        ("input: 5\n", "t.yaml:1: 'input' is 5: expected a text"),
        ("form: list\n", "t.yaml:1: 'form' is 'list': expected 'messages' or 'text'"),
        ("input: 'a {b'\n", "t.yaml:1: 'input' has a brace that is no field"),
        ("output: '{reference!r}'\n", "t.yaml:1: 'output' has a brace that is no field"),
        ("output: '{}'\n", "t.yaml:1: 'output' has a brace that is no field"),
        (None, "t.yaml"),
    ],
)
def test_a_template_with_a_mistake_is_refused_with_its_line(tmp_path: Path, text: str | None, says: str) -> None:
    with pytest.raises(WorkloadError) as caught:
        templates.read(tmp_path / "t.yaml") if text is None else read(tmp_path, text)
    assert says in str(caught.value)


@pytest.mark.parametrize("key", ["input", "output"])
def test_a_field_that_no_row_has_is_named_with_those_that_there_are(key: str) -> None:
    template = Template(**{key: "{questoin}"})
    with pytest.raises(WorkloadError) as caught:
        template.check_fields(["prompt", "question"], Path("d.csv"))
    assert str(caught.value) == (
        f"'{key}' of the template has the field {{questoin}}, and no row of d.csv has it. Its rows have: prompt, "
        "question."
    )
    Template(input="{question}", output="{reference}").check_fields(["question"], Path("d.csv"))


SHOTS = [("2 + 2?", "4"), ("Snow is\n", "white")]
ASKED = [Message("system", "s"), Message("user", "q")]


def test_worked_examples_stand_between_system_and_question() -> None:
    shown = Template().shown(SHOTS, ASKED, is_chat=True)
    assert [(message.role, message.text) for message in shown] == [
        ("system", "s"),
        ("user", "2 + 2?"),
        ("assistant", "4"),
        ("user", "Snow is\n"),
        ("assistant", "white"),
        ("user", "q"),
    ]
    assert Template().shown([], ASKED, is_chat=True) == tuple(ASKED)


@pytest.mark.parametrize(("template", "is_chat"), [(Template(), False), (Template(form="text"), True)])
def test_worked_examples_are_one_text_where_there_are_no_messages(template: Template, is_chat: bool) -> None:
    shown = template.shown(SHOTS, ASKED, is_chat=is_chat)
    assert shown == (ASKED[0], Message("user", "2 + 2? 4\n\nSnow is\nwhite\n\nq"))
