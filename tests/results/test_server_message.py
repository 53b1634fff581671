"""The message of an error, out of what servers and gateways wrap it in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.results.server_message import one_line, server_message


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
