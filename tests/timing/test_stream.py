"""What events say, in the forms in which servers and gateways write it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.timing.stream import MalformedEventError, ServerSaidError, Stream, read_stream
from profiler.timing.usage import Usage, read_usage


def data(said: object) -> bytes:
    return b"data: " + json.dumps(said).encode() + b"\n\n"


def read(*pieces: bytes) -> Stream:
    stream = Stream()
    read_stream(b"".join(pieces), stream)
    return stream


def tokens(*choices: object) -> int:
    return len(read(data({"choices": list(choices)})).token_offsets)


@pytest.mark.parametrize(
    "choice",
    [
        {"text": "a"},
        {"delta": {"content": "a"}},
        {"delta": {"reasoning_content": "a"}},  # DeepSeek, vLLM, SGLang, llama.cpp
        {"delta": {"reasoning": "a"}},  # OpenRouter, Ollama, newer vLLM
        {"delta": {"thinking": "a"}},
        {"delta": {"content": "", "reasoning_details": [{"type": "reasoning.text", "text": "a"}]}},  # MiniMax
        {"delta": {"refusal": "I cannot"}},  # OpenAI
        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}},
        {"delta": {"function_call": {"arguments": "{"}}},
        {"delta": {"audio": {"data": "UklG"}}},
        {"message": {"content": "a"}},  # some gateways
        {"message": "a"},
        {"delta": "a"},
        {"delta": {"content": {"type": "text", "text": "a"}}},
        {"delta": {"content": [{"type": "text", "text": "a"}]}},
        {"delta": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]}},  # Magistral
        {"delta": {"content": ["a"]}},
        {"delta": {"content": " "}},
    ],
)
def test_text_in_any_form_is_a_token(choice: object) -> None:
    assert tokens(choice) == 1


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"text": ""},
        {"text": None},
        {"delta": None},
        {"delta": {"role": "assistant"}},
        {"delta": {"content": ""}},
        {"delta": {"content": []}},
        {"delta": {"content": [{"type": "text", "text": ""}]}},
        {"delta": {"tool_calls": []}},
        {"delta": {"content": 5}},
        None,
        "x",
    ],
)
def test_what_has_no_text_is_none(choice: object) -> None:
    assert tokens(choice) == 0


def test_one_choice_may_stand_without_its_list_and_several_are_counted() -> None:
    assert len(read(data({"choices": {"text": "a"}})).token_offsets) == 1
    assert tokens({"text": "a"}, {"text": "b"}, {"text": ""}) == 2


@pytest.mark.parametrize(
    "beat", [b"data:\n\n", b"data: \n\n", b": ping\n\n", b"event: ping\n\n", b"id: 5\nretry: 9\n\n", b"\n"]
)
def test_heartbeats_are_passed_over(beat: bytes) -> None:
    assert len(read(beat, data({"choices": [{"text": "a"}]}), beat, b"data: [DONE]\n\n").token_offsets) == 1


def test_nothing_counts_behind_done() -> None:
    stream = read(
        data({"choices": [{"text": "a"}]}), b"data: [DONE]\n\n", data({"choices": [{"text": "b"}]}), b"data: {\n\n"
    )
    assert (len(stream.token_offsets), stream.is_done) == (1, True)


@pytest.mark.parametrize("done", [b"[DONE]", b"[DONE] ", b"[done]", b'"[DONE]"'])
def test_done_may_be_written_in_other_ways(done: bytes) -> None:
    assert read(data({"choices": [{"text": "a"}]}), b"data: " + done + b"\n\n").is_done


@pytest.mark.parametrize("choices", [None, [], {}])
def test_usage_may_come_without_choices(choices: object) -> None:
    stream = read(data({"choices": choices, "usage": {"prompt_tokens": 3, "completion_tokens": 8}}))
    assert stream.usage == Usage(3, 8)
    assert stream.has_final_usage


@pytest.mark.parametrize(
    ("count", "read_as"),
    [
        *((8, 8), (8.0, 8), ("8", 8), (0, 0)),
        *((-1, None), (8.5, None), ("eight", None), ("", None), (True, None), ([], None), ({}, None), (None, None)),
        *((10**400, None), (1e300, None), ("9" * 400, None), ("\u0668", None)),
    ],
)
def test_a_count_is_a_whole_number_or_not_known(count: object, read_as: int | None) -> None:
    stream = read(data({"choices": [{"text": "a"}], "usage": {"prompt_tokens": 5, "completion_tokens": count}}))
    assert stream.usage == Usage(5, read_as)


def test_a_number_that_no_float_holds_is_not_known() -> None:
    stream = read(b'data: {"choices":[],"usage":{"prompt_tokens":1e999,"completion_tokens":' + b"9" * 5000 + b"}}\n\n")
    assert stream.usage is None


@pytest.mark.parametrize("usage", [[], {}, "none", 5, False, {"prompt_tokens_details": []}])
def test_usage_of_another_form_tells_nothing(usage: object) -> None:
    assert read_usage(usage) is None


def test_details_of_usage_are_read_where_they_are_there() -> None:
    usage = {
        "completion_tokens": 9,
        "completion_tokens_details": {"reasoning_tokens": 4},
        "prompt_tokens_details": None,
    }
    assert read_usage(usage) == Usage(completion_tokens=9, reasoning_tokens=4)


NO_ERRORS: list[Any] = [
    None,
    False,
    "",
    {},
    [],
    0,
    {"code": 0, "message": ""},
    {"code": 0},
    {"code": 200, "message": "success"},
]


@pytest.mark.parametrize("error", NO_ERRORS)
def test_an_empty_error_is_none(error: object) -> None:
    assert len(read(data({"choices": [{"text": "a"}], "error": error})).token_offsets) == 1
    assert read(b"event: error\n" + data({"error": error}), b"data: [DONE]\n\n").is_done


@pytest.mark.parametrize(
    "piece",
    [
        data({"error": {"message": "OOM", "type": "server_error", "code": 500}}),  # OpenAI, llama.cpp
        data({"error": "OOM"}),  # Ollama
        data({"error": {"code": 0, "message": "OOM"}}),
        data({"error": "OOM", "error_type": "generation"}),  # TGI
        data({"object": "error", "message": "OOM", "type": "BadRequestError", "code": 400}),  # vLLM
        data({"type": "error", "error": {"type": "overloaded_error", "message": "OOM"}}),  # Anthropic
        data({"type": "error", "code": "x", "message": "OOM"}),
        data({"detail": "OOM"}),  # FastAPI
        data({"detail": [{"loc": ["body"], "msg": "OOM"}]}),
        data({"message": "OOM", "type": "server_error"}),
        data({"code": 500, "msg": "OOM"}),
        data({"errors": [{"message": "OOM"}]}),
        data({"base_resp": {"status_code": 1004, "status_msg": "OOM"}}),  # MiniMax
        data({"error_code": 336100, "error_msg": "OOM"}),  # Baidu
        data({"choices": [{"delta": {}, "finish_reason": "stop"}], "x_groq": {"id": "r", "error": "OOM"}}),  # Groq
        b'event: error\ndata: {"code":500,"message":"OOM"}\n\n',
        b"event: error\ndata: OOM\n\n",
        b"event:error\r\ndata:OOM\r\n\r\n",
        b'error: {"code":500,"message":"OOM","type":"server_error"}\n\n',  # llama.cpp until 2025
        b"error: OOM\n\n",
    ],
)
def test_an_error_is_one_in_any_form(piece: bytes) -> None:
    stream = Stream()
    with pytest.raises(ServerSaidError, match="OOM"):
        read_stream(data({"choices": [{"text": "a"}]}) + piece, stream)
    assert len(stream.token_offsets) == 1


@pytest.mark.parametrize(
    "body", [{"error": {"message": "OOM"}}, {"detail": "OOM"}, {"object": "error", "message": "OOM"}]
)
def test_an_error_in_place_of_a_stream_is_one(body: object) -> None:
    with pytest.raises(ServerSaidError, match="OOM"):
        read(json.dumps(body).encode())


@pytest.mark.parametrize(
    "reason", ["abort", "error", "ERROR", "cancelled", "insufficient_system_resource", {"type": "abort"}]
)
def test_some_finish_reasons_are_failures(reason: object) -> None:
    assert read(data({"choices": [{"text": "a", "finish_reason": reason}]})).has_failed


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        *(
            (name, name)
            for name in ("stop", "length", "eos_token", "stop_sequence", "tool_calls", "content_filter", "load")
        ),
        ({"type": "length", "length": 8}, "length"),
        (7, "7"),
        ("\ud800", "?"),
    ],
)
def test_other_finish_reasons_are_kept(reason: object, kept: str) -> None:
    stream = read(data({"choices": [{"text": "a", "finish_reason": reason}]}))
    assert (stream.finish_reason, stream.has_failed, stream.is_ended) == (kept, False, True)


@pytest.mark.parametrize("none", ["null", "none", "", None])
def test_a_word_for_none_is_no_finish_reason(none: object) -> None:  # DashScope writes "null" until the end
    stream = read(*[data({"choices": [{"text": "a", "finish_reason": none}]})] * 3)
    assert (stream.finish_reason, stream.is_ended) == (None, False)


def test_an_error_may_stand_in_a_choice() -> None:  # OpenRouter, of a provider that failed behind it
    failed = {"delta": {"content": ""}, "finish_reason": "stop", "error": {"code": 502, "message": "no provider"}}
    with pytest.raises(ServerSaidError, match="no provider"):
        read(data({"choices": [{"text": "a"}]}), data({"choices": [failed]}))
    assert tokens({"text": "a", "error": None}) == tokens({"text": "a", "error": {}}) == 1


def test_usage_may_stand_in_a_choice() -> None:  # Moonshot
    told = {"delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 16, "completion_tokens": 8}}
    assert read(data({"choices": [{"text": "a"}]}), data({"choices": [told]})).usage == Usage(16, 8)


def test_usage_may_stand_in_what_groq_adds() -> None:
    told = {"id": "r", "usage": {"prompt_tokens": 16, "completion_tokens": 8}}
    begun, last = {"choices": [{"text": "a"}], "x_groq": {"id": "r"}}, {"choices": [], "x_groq": told}
    assert read(data(begun), data(last)).usage == Usage(16, 8)


def test_the_first_name_of_a_model_counts() -> None:  # Azure begins with an event about the prompt, whose model is ""
    events = [{"choices": [], "model": "", "prompt_filter_results": []}, {"choices": [{"text": "a"}], "model": "m"}]
    assert read(*map(data, events)).model == "m"


def test_usage_that_does_not_grow_counts_no_tokens_along() -> None:
    final = {"prompt_tokens": 16, "completion_tokens": 4}
    stream = read(*[data({"choices": [{"text": "a"}], "usage": final})] * 4)
    assert len(stream.token_offsets) == 4  # and not 4 with the first event, and 1 with each of three more
    growing = [data({"choices": [{"text": "a"}], "usage": {"completion_tokens": count}}) for count in (1, 3, 4)]
    assert len(read(*growing).token_offsets) == 4


def test_half_a_character_is_a_token() -> None:
    assert len(read(b'data: {"choices":[{"text":"\xf0\x9f\x91"}]}\n\n').token_offsets) == 1
    assert len(read(b'data: {"choices":[{"text":"\\ud83d"}]}\n\n').token_offsets) == 1


def test_numbers_that_are_no_json_are_passed_over_where_they_are_not_needed() -> None:
    assert len(read(b'data: {"choices":[{"text":"a","logprobs":{"x":[NaN,-Infinity]}}]}\n\n').token_offsets) == 1


def test_events_parted_by_one_newline_are_named() -> None:
    with pytest.raises(MalformedEventError, match=r"an event with 2 lines of data .* empty line"):
        read(data({"choices": [{"text": "a"}]})[:-1], data({"choices": [{"text": "b"}]}))


@pytest.mark.parametrize("text", [b"{oops", b"[" * 100_000, b'"text"', b"5", b'{"choices": "many"}', b'{"a":' * 5000])
def test_an_event_that_is_no_object_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedEventError):
        read(b"data: " + text + b"\n\n")


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text('a1 \u00e9"', max_size=4)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('a1 \u00e9"', max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["choices", "usage", "error", "model", "timings", "object", "message", "type", "detail", "base_resp", "x_groq"]
KEYS = st.sampled_from(NAMES)
CHOICE = st.dictionaries(st.sampled_from(["text", "delta", "message", "finish_reason"]), JSON, max_size=4)


@given(st.dictionaries(KEYS, JSON | st.lists(CHOICE, max_size=3), max_size=5))
def test_no_json_makes_the_reader_fail_otherwise(said: dict[str, Any]) -> None:
    stream = Stream()
    try:
        read_stream(data(said), stream)
    except (ServerSaidError, MalformedEventError):
        return
    for text in (stream.model, stream.finish_reason):
        (text or "").encode()
