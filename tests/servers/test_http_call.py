"""Servers that drip, flood, hang and hang up: every call has an end, and a signal ends it at once."""

import gzip
import json
import socket
import threading
import time
import zlib

import pytest
from support import scripted_server as server

from profiler.errors import InterruptedRunError, ServerError
from profiler.servers import http_call
from profiler.servers.address import Address
from profiler.servers.http_call import UnreachableError, exchange
from profiler.servers.openai_api import HttpStatusError, call_json, served_models

GET = b"GET /v1/models HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"


def drip(connection: socket.socket, request: bytes) -> None:
    """A byte now and then, for ever: each read succeeds long before any timeout of a single one."""
    connection.sendall(OK + b"Content-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def drip_head(connection: socket.socket, request: bytes) -> None:
    while True:
        connection.sendall(b"H")
        time.sleep(0.05)


def flood(connection: socket.socket, request: bytes) -> None:
    connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    piece = server.chunk(b"x" * 1_000_000)
    while True:
        connection.sendall(piece)


def inform_for_ever(connection: socket.socket, request: bytes) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
        time.sleep(0.05)


@pytest.mark.parametrize("script", [drip, drip_head, inform_for_ever, server.stay_silent_after()])
def test_no_call_outlasts_its_time(script: server.Script) -> None:
    with (
        server.serve(script) as port,
        pytest.raises(ServerError, match=r"(complete its response to|accept the connection for) GET .* 0\.3 s"),
    ):
        exchange(Address("127.0.0.1", port), GET, limit_s=0.3)


@pytest.mark.parametrize("script", [drip, drip_head, inform_for_ever, server.stay_silent_after()])
def test_a_signal_ends_a_call_at_once(script: server.Script) -> None:
    def tick() -> None:
        raise InterruptedRunError(2)

    with server.serve(script) as port, pytest.raises(InterruptedRunError):
        exchange(Address("127.0.0.1", port), GET, tick=tick)


def test_an_endless_body_is_read_no_further_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_call, "MOST_BYTES", 3_000_000)
    with server.serve(flood) as port, pytest.raises(ServerError, match="longer than"):
        exchange(Address("127.0.0.1", port), GET)


def test_a_name_that_is_looked_up_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: (asleep.wait(), [])[1])
    try:
        with pytest.raises(ServerError, match="accept the connection"):
            exchange(Address("slow.example", 80), GET, limit_s=0.2)
    finally:
        asleep.set()


def test_where_nothing_listens_no_connection_is_made() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(UnreachableError, match="refused"):
        exchange(Address("127.0.0.1", port), GET)


def test_informational_responses_are_skipped() -> None:
    early = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    )
    with server.serve(server.send_bytes(early + OK + b"Content-Length: 2\r\n\r\n{}")) as port:
        assert exchange(Address("127.0.0.1", port), GET).body == b"{}"


def test_what_is_enough_ends_a_stream_that_has_no_end() -> None:
    stream = server.stay_silent_after(server.HEAD, server.chunk(server.DONE))
    with server.serve(stream) as port:
        reply = exchange(Address("127.0.0.1", port), GET, is_enough=lambda body: body.endswith(b"[DONE]\n\n"))
    assert reply.body == server.DONE


def test_a_redirect_says_where_to() -> None:
    moved = b"HTTP/1.1 308 Permanent Redirect\r\nLocation: https://h/v1/models\r\nContent-Length: 0\r\n\r\n"
    with server.serve(server.send_bytes(moved)) as port, pytest.raises(HttpStatusError, match="308 to https") as caught:
        call_json(Address("127.0.0.1", port), "GET", "/v1/models")
    assert caught.value.location == "https://h/v1/models"


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ({"object": "list", "data": [{"id": "a"}, {"id": "b"}]}, ["a", "b"]),  # OpenAI
        ([{"id": "a"}, {"id": "b"}], ["a", "b"]),  # Together AI
        (["a", "b"], ["a", "b"]),
        ({"models": [{"name": "a:latest", "model": "a:latest"}]}, ["a:latest"]),  # Ollama
        ({"models": [{"name": "models/g"}]}, ["models/g"]),  # Gemini
        ({"models": [{"name": "a"}], "data": [{"id": "b"}]}, ["b"]),  # llama-server
        ({"models": [{"name": "a"}], "data": []}, ["a"]),
        ({"a": {"ready": True}, "b": {}}, ["a", "b"]),
        ({"data": {"a": {}, "b": {}}}, ["a", "b"]),
        ({"data": None}, []),
        ({"data": []}, []),
        ([], []),
        (None, []),
        ("a", []),
        ({"data": [{"id": 1}, {"id": "a"}, None, {"id": "a"}, {}]}, ["a"]),
    ],
)
def test_lists_of_models(listed: object, names: list[str]) -> None:
    body = json.dumps(listed).encode()
    with server.serve(server.send_bytes(OK + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))) as port:
        assert served_models(Address("127.0.0.1", port)) == names


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ({"error": {"message": "no such tenant", "code": 7}}, "with an error: no such tenant"),
        ({"detail": {"message": "no such tenant"}}, "with an error: no such tenant"),
        ({"errors": ["no such tenant"], "success": False}, "with an error: no such tenant"),
    ],
)
def test_an_error_that_comes_with_status_200_is_no_list_of_a_model_of_that_name(listed: object, said: str) -> None:
    body = json.dumps(listed).encode()
    with (
        server.serve(server.send_bytes(OK + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))) as port,
        pytest.raises(ServerError, match=said),
    ):
        served_models(Address("127.0.0.1", port))


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "what came back is no HTTP/1.1 (SSH-2.0-OpenSSH_9.6)."),
        (b"\x15\x03\x01\x00\x02\x02\x16", "the server speaks TLS on this port: use https:// instead of http://."),
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "what came back is no HTTP/1.1."),  # HTTP/2
        (b"", "Remote end closed connection without response."),
    ],
    ids=["ssh", "TLS", "HTTP/2", "nothing"],
)
def test_what_is_no_http_is_said_in_one_printable_line(sent: bytes, why: str) -> None:
    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_RDWR)

    with server.serve(script) as port, pytest.raises(ServerError) as caught:
        call_json(Address("127.0.0.1", port), "GET", "/v1/models")
    assert str(caught.value) == f"The server did not answer GET /v1/models: {why}"


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"gzip", gzip.compress(b'{"data": [{"id": "a"}]}', mtime=0)),
        (b"deflate", zlib.compress(b'{"data": [{"id": "a"}]}')),
        (b"identity", b'\xef\xbb\xbf{"data": [{"id": "a"}]}'),  # with a byte order mark
    ],
)
def test_a_list_of_models_may_be_compressed_unasked_or_have_a_mark(coding: bytes, body: bytes) -> None:
    head = OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding, len(body))
    with server.serve(server.send_bytes(head + body)) as port:
        assert served_models(Address("127.0.0.1", port)) == ["a"]


@pytest.mark.parametrize("body", [b"<html>", b"", b"[" * 100_000, b'{"a": NaN'])
def test_what_is_no_json_is_a_sentence(body: bytes) -> None:
    whole = OK + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    with server.serve(server.send_bytes(whole)) as port, pytest.raises(ServerError, match="with no JSON") as caught:
        call_json(Address("127.0.0.1", port), "GET", "/v1/models")
    assert len(str(caught.value)) < 500
