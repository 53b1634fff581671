"""Reasoning and answers of one response, in the forms in which servers and models stream them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.aggregation.not_measured import NotMeasuredError
from profiler.aggregation.request import output_tokens, reasoning_tokens, ttft_answer_ms, ttft_ms
from profiler.results.records import Outcome, RequestRecord
from profiler.timing.interpret import to_record, to_text
from profiler.timing.messages import Exchange
from profiler.timing.reasoning import Split, split
from profiler.timing.response_text import ResponseText

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MS = 1_000_000


def exchange(events: list[dict[str, Any]]) -> Exchange:
    """A request sent at 0 whose head arrives at 10 ms, and every event in a read of its own, 10 ms after the last."""
    bodies = [f"data: {json.dumps(event)}\n\n".encode() for event in events] + [b"data: [DONE]\n\n"]
    reads = [HEAD] + [b"%x\r\n%s\r\n" % (len(body), body) for body in bodies]
    reads[-1] += b"0\r\n\r\n"
    return Exchange(
        index=0,
        phase="repeat-1",
        ending="ok",
        detail=None,
        scheduled_ns=0,
        sent_user_ns=0,
        send_call_ns=5,
        send_stamp=b"",
        finished_user_ns=10 * len(reads) * MS,
        user_ns=[10 * (number + 1) * MS for number in range(len(reads))],
        kernel_stamp=[b""] * len(reads),
        data=reads,
        offset_first=(0, 0, 40),
        offset_last=(0, 0, 60),
    )


def deltas(*said: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in said]


def texts(*said: str) -> list[dict[str, Any]]:
    return deltas(*({"content": text} for text in said))


def usage(completion: int, reasoning: int | None = None) -> list[dict[str, Any]]:
    told: dict[str, Any] = {"prompt_tokens": 5, "completion_tokens": completion}
    if reasoning is not None:
        told["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return [{"choices": [], "usage": told}]


def thinking(text: str) -> dict[str, Any]:
    return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]}


ROLE = {"role": "assistant", "content": ""}
# Three events of reasoning, a blank line and "4", after the head and an event that tells the role: the reads arrive at
# 10, 20, … ms, so the reasoning begins at 30 ms and the answer at 70 ms.
STREAMED = {
    "llama-server, DeepSeek, SGLang": deltas(
        ROLE, *({"reasoning_content": text} for text in ("2", " + ", "2")), {"content": "\n\n"}, {"content": "4"}
    ),
    "vLLM": deltas(
        ROLE,
        *({"reasoning": text, "reasoning_content": text} for text in ("2", " + ", "2")),
        {"content": "\n\n"},
        {"content": "4"},
    ),
    "OpenRouter": deltas(
        ROLE,
        *({"content": "", "reasoning": text, "reasoning_details": [{"text": text}]} for text in ("2", " + ", "2")),
        {"content": "\n\n", "reasoning": None},
        {"content": "4", "reasoning": None},
    ),
    "Mistral": deltas(ROLE, thinking("2"), thinking(" + "), thinking("2"), {"content": "\n\n"}, {"content": "4"}),
    "tags in the text": deltas(ROLE) + texts("<think>2", " + ", "2</think>", "\n\n", "4"),
    "tags cut in two": deltas(ROLE) + texts("<thi", "nk>2 + 2</thi", "nk>", "\n\n", "4"),
    "a template that opened the tag": deltas(ROLE) + texts("2", " + 2", "</think>", "\n\n", "4"),
    "Magistral's tags": deltas(ROLE) + texts("[THINK]2", " + ", "2[/THINK]", "\n\n", "4"),
}


@pytest.mark.parametrize("form", STREAMED)
def test_the_answer_begins_behind_the_reasoning_in_every_form(form: str) -> None:
    record = to_record(exchange(STREAMED[form]), 99, None)
    assert record.outcome is Outcome.OK
    assert record.streamed_reasoning_tokens == 3
    assert (ttft_ms(record), ttft_answer_ms(record)) == (30, 70)
    assert (output_tokens(record), reasoning_tokens(record)) == (5, 3)


@pytest.mark.parametrize("form", STREAMED)
def test_the_text_kept_is_the_answer_and_the_reasoning_stands_beside_it(form: str) -> None:
    found = to_text(exchange(STREAMED[form]))
    assert (found.text, found.reasoning) == ("\n\n4", "2 + 2")


def test_the_end_of_the_reasoning_and_the_answer_may_share_an_event() -> None:
    record = to_record(exchange(texts("<think>2 + 2", "</think>4", " it is")), 99, None)
    assert (record.streamed_reasoning_tokens, ttft_answer_ms(record)) == (1, 30)


def test_a_call_of_a_tool_is_an_answer() -> None:
    call = {"tool_calls": [{"index": 0, "function": {"name": "add", "arguments": "{}"}}]}
    record = to_record(exchange(deltas({"reasoning_content": "add"}, call)), 99, None)
    assert ttft_answer_ms(record) == 30


def test_the_servers_count_goes_before_ours() -> None:
    # Four tokens an event: 12 of reasoning and 4 of the answer, which the usage tells and events do not show.
    events = deltas(*({"reasoning_content": "step"},) * 3, {"content": "4"})
    told, untold = (to_record(exchange(events + usage(16, count)), 99, None) for count in (11, None))
    assert (output_tokens(told), reasoning_tokens(told)) == (16, 11)
    assert reasoning_tokens(untold) == 16 * 3 / 4  # each event stands for equally many
    zero = to_record(exchange(events + usage(16, 0)), 99, None)  # as some servers tell that do not count it
    assert reasoning_tokens(zero) == 12


def test_reasoning_that_is_only_counted() -> None:
    # OpenAI streams none of it: 40 tokens made, 30 of them unseen, and the first that arrives is the answer's.
    record = to_record(exchange(texts("It", " is", " 4") + usage(33, 30)), 99, None)
    assert (record.hidden_tokens, reasoning_tokens(record), output_tokens(record)) == (30, 30, 33)
    assert ttft_answer_ms(record) == ttft_ms(record) == 20


def test_reasoning_that_is_counted_apart() -> None:
    # xAI: three tokens of the answer, and 30 of reasoning that are not part of them.
    record = to_record(exchange(texts("It", " is", " 4") + usage(3, 30)), 99, None)
    assert (record.hidden_tokens, reasoning_tokens(record), output_tokens(record)) == (30, 30, 33)


def test_tagged_reasoning_is_not_taken_for_unseen() -> None:
    # Two events of two tokens each carry all four, two of which the server counts as reasoning.
    record = to_record(exchange(texts("<think>a b</think>", "4 .") + usage(4, 2)), 99, None)
    assert (record.hidden_tokens, record.streamed_reasoning_tokens) == (0, 1)


def test_a_response_that_ends_in_its_reasoning_has_no_answer() -> None:
    record = to_record(exchange(texts("<think>", "well", " well")), 99, None)
    assert record.streamed_reasoning_tokens == 3
    with pytest.raises(NotMeasuredError, match="before its answer"):
        ttft_answer_ms(record)
    assert to_text(exchange(texts("<think>", "well", " well"))) == ResponseText("", "well well")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(("Four", " legs"), id="plain"),
        pytest.param(("<think>", "\n\n", "</think>", "\n\n", "4"), id="reasoning switched off: blank between its tags"),
        pytest.param(("Write <think>", " and </think>", " around it"), id="tags that the answer is about"),
    ],
)
def test_without_reasoning_nothing_is_noted(said: tuple[str, ...]) -> None:
    record = to_record(exchange(texts(*said)), 99, None)
    assert (record.streamed_reasoning_tokens, record.answer_read, reasoning_tokens(record)) == (0, None, 0)
    with pytest.raises(NotMeasuredError, match="no reasoning"):
        ttft_answer_ms(record)


def test_half_a_character_goes_on_with_what_was_before() -> None:
    # The server counts along: the second token of the reasoning and the second of the answer have no text yet.
    said = [{"reasoning_content": "ja"}, {"content": ""}, {"reasoning_content": "❄"}, {"content": "4"}, {"content": ""}]
    counted = [event | usage(made)[0] | {"choices": event["choices"]} for made, event in enumerate(deltas(*said), 1)]
    record: RequestRecord = to_record(exchange(counted), 99, None)
    assert (record.completion_tokens, record.streamed_reasoning_tokens) == (5, 3)


@given(st.text())
def test_no_text_is_lost_but_tags_and_the_blanks_before_them(text: str) -> None:
    assert split(text) == Split("", text)
    assert split(f"  <think>{text}") == Split(text, "")
    assert split(f"<think>a</think>{text}") == Split("a", text)
