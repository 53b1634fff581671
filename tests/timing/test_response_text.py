import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.timing.response_text import ResponseText, read_text


def body(*choices: object) -> bytes:
    events = [json.dumps({"choices": [choice]}) for choice in choices]
    return "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode()


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ([{"text": "four"}, {"text": " legs", "finish_reason": "stop"}], ResponseText("four legs")),
        ([{"delta": {"role": "assistant", "content": None}}, {"delta": {"content": "é❄"}}], ResponseText("é❄")),
        ([{"delta": {"reasoning_content": "2 + 2"}}, {"delta": {"content": "4"}}], ResponseText("4", "2 + 2")),
        ([{"delta": {"reasoning": "hm"}}, {"message": {"content": "yes"}}], ResponseText("yes", "hm")),
        ([{"delta": {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}}], ResponseText("", "hm")),
        (
            [
                {
                    "delta": {
                        "content": [{"type": "thinking", "thinking": [{"text": "so"}]}, {"type": "text", "text": "ok"}]
                    }
                }
            ],
            ResponseText("ok", "so"),
        ),
        ([{"delta": {"refusal": "no"}}], ResponseText("no")),
        ([], ResponseText()),
    ],
)
def test_the_text_of_a_stream(choices: list[object], expected: ResponseText) -> None:
    assert read_text(body(*choices)) == expected


def test_what_cannot_be_read_brings_no_text() -> None:
    broken = b'data: {\n\ndata: 3\n\ndata: {"choices": 1}\n\ndata: {"choices": [null]}\n\n'
    assert read_text(broken + body({"text": "left"})) == ResponseText("left")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(["text", "delta", "message", "content", "reasoning", "thinking", "type"]), x
            )
        ),
    )
)
def test_any_choice_ends_in_text(choice: object) -> None:
    found = read_text(body(choice))
    assert isinstance(found.text + found.reasoning, str)
