"""What went wrong, counted by kind, in the server's own text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import request

from profiler.metrics.failures import Failures, one_line, server_message
from profiler.results.records import Outcome, RequestRecord


def failed(detail: str | None, outcome: Outcome = Outcome.HTTP_ERROR, status: int | None = 400) -> RequestRecord:
    record = request(outcome=outcome)
    record.detail, record.http_status = detail, status
    return record


@pytest.mark.parametrize(
    ("detail", "message"),
    [
        # OpenAI, vLLM, llama-server, Azure
        (
            'HTTP 400: {"error":{"code":400,"message":"this model does not support embeddings","type":"x"}}',
            "HTTP 400: this model does not support embeddings",
        ),
        ('HTTP 424: {"error":"Model is overloaded","error_type":"overloaded"}', "HTTP 424: Model is overloaded"),  # TGI
        ('HTTP 404: {"error":"model \'x\' not found"}', "HTTP 404: model 'x' not found"),  # Ollama
        ('HTTP 400: {"object":"error","message":"too long","code":40303}', "HTTP 400: too long"),  # FastChat
        ('HTTP 404: {"detail":"Not Found"}', "HTTP 404: Not Found"),  # FastAPI
        (
            'HTTP 422: {"detail":[{"loc":["body","seed"],"msg":"extra fields not permitted"}]}',
            "HTTP 422: extra fields not permitted",
        ),
        ('HTTP 503: {"type":"about:blank","title":"Draining","status":503}', "HTTP 503: Draining"),  # RFC 9457
        ('HTTP 500: {"errors":[{"message":"CUDA out of memory"}]}', "HTTP 500: CUDA out of memory"),
        ('HTTP 400: [{"error":{"message":"bad","status":"INVALID_ARGUMENT"}}]', "HTTP 400: bad"),  # Gemini
        ("HTTP 502: <html>\r\n<head><title>502 Bad Gateway</title></head>", "HTTP 502: Bad Gateway"),  # nginx
        ("HTTP 503: upstream connect error", "HTTP 503: upstream connect error"),  # Envoy
        ('HTTP 400: {"error":{"message":"the prompt is too l…', "HTTP 400: the prompt is too l…"),  # cut off
        ('the server reported: {"error":{"message":"KV cache is full"}}', "the server reported: KV cache is full"),
        ('HTTP 400: {"error": null, "code": 7}', 'HTTP 400: {"error": null, "code": 7}'),  # nothing better in it
        ("", ""),
    ],
)
def test_the_message_is_found_in_what_servers_wrap_it_in(detail: str, message: str) -> None:
    assert server_message(detail) == message


@given(st.text(max_size=400))
def test_whatever_a_server_says_becomes_one_printable_line(text: str) -> None:
    line = one_line(server_message(text))
    assert line.isprintable()
    assert len(line) <= 160
    assert line == line.strip()


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert one_line("a\x1b[2J\x07b\u202ec\r\nd\x00e\tf") == "a [2J b c d e f"


def test_the_commonest_failure_comes_first_whatever_numbers_and_ids_it_names() -> None:
    counted = Failures()
    for number in range(3):
        counted.take(
            failed(
                f'HTTP 429: {{"error":{{"message":"retry in {number} s, request 9f8e7d6c5b4{number}"}}}}', status=429
            )
        )
    counted.take(failed("the connection was closed", Outcome.RESET, None))
    counted.take(failed(None, Outcome.TIMEOUT, 200))
    first, *others = counted.commonest()
    assert (first.count, first.http_status, first.text) == (3, 429, "HTTP 429: retry in 0 s, request 9f8e7d6c5b40")
    assert {(one.outcome, one.count, one.text) for one in others} == {
        ("reset", 1, "the connection was closed"),
        ("timeout", 1, ""),
    }


def test_a_stream_that_had_begun_is_the_same_failure_as_one_that_had_not() -> None:
    counted = Failures()
    counted.take(failed("closed", Outcome.RESET, 200))
    counted.take(failed("closed", Outcome.RESET, None))
    assert [(one.count, one.http_status) for one in counted.commonest()] == [(2, None)]


def test_repeats_are_added_up() -> None:
    first, second = Failures(), Failures()
    first.take(failed("a"))
    for text in ("b", "a", "b", "b"):
        second.take(failed(text))
    assert [(one.text, one.count) for one in (first + second).commonest()] == [("b", 3), ("a", 2)]


def test_memory_is_bounded_however_many_kinds_there_are() -> None:
    counted = Failures()
    for number in range(5_000):
        counted.take(failed("x" * (number % 150) + "y" * (number // 150)))
    assert sum(one.count for one in counted.commonest()) <= 5_000
    assert len(counted._counts) <= 101  # a hundred, and one for the others
