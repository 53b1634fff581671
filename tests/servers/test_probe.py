"""The short requests after a refusal, against servers that refuse what they hold."""

import json
import socket
from collections.abc import Callable

import pytest
from support import scripted_server as server

from profiler.errors import UsageError
from profiler.servers.address import Address
from profiler.servers.body import BodyChanges
from profiler.servers.openai_api import HttpStatusError, streamed_body
from profiler.servers.probe import Probe, Probed
from profiler.workloads.messages import Message, Request

OUTPUT_TOKENS = 64


class Picky:
    """Refuses a request by a rule about its body, and else streams; keeps the bodies."""

    def __init__(self, refuse: Callable[[dict], tuple[int, object] | None], *events: object) -> None:
        self.refuse = refuse
        self.events = events or ({"model": "m", "choices": [{"text": "a", "finish_reason": "length"}]},)
        self.bodies: list[dict] = []

    def __call__(self, connection: socket.socket, request: bytes) -> None:
        body = json.loads(request.partition(b"\r\n\r\n")[2])
        self.bodies.append(body)
        if refused := self.refuse(body):
            status, said = refused
            text = said if isinstance(said, bytes) else json.dumps(said).encode()
            connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(text), text))
            return
        connection.sendall(server.HEAD)
        for each in self.events:
            connection.sendall(server.chunk(server.event(each)))
        connection.sendall(server.chunk(server.DONE) + server.LAST_CHUNK)


def probe(
    script: server.Script,
    asked: BodyChanges = BodyChanges(),  # noqa: B008 - frozen
    limit_s: float = 60.0,
) -> Probed:
    def body(tokens: int, changes: BodyChanges) -> dict[str, object]:
        return changes.apply(streamed_body("m", Request("chat", (Message("user", "hi"),), tokens)))

    with server.serve(script) as port:
        return Probe(Address("127.0.0.1", port), "chat", body, OUTPUT_TOKENS, limit_s=limit_s).carry_out(asked)


def unknown(*fields: str, status: int = 422) -> Callable[[dict], tuple[int, object] | None]:
    """Refuse every one of these fields, one at a time as FastAPI does when it is asked politely."""

    def refuse(body: dict) -> tuple[int, object] | None:
        name = next((each for each in fields if each in body), None)
        return (status, {"detail": [{"type": "extra_forbidden", "loc": ["body", name]}]}) if name else None

    return refuse


def test_a_server_that_takes_everything_is_asked_once_and_for_little() -> None:
    usage = {"model": "other", "choices": [], "usage": {"completion_tokens": 2}}
    picky = Picky(lambda _: None, usage)
    assert probe(picky) == Probed(BodyChanges())
    assert [body["max_tokens"] for body in picky.bodies] == [2]


@pytest.mark.parametrize("fields", [["stream_options"], ["seed"], ["temperature"], ["seed", "temperature"]])
@pytest.mark.parametrize("status", [400, 422, 500])
def test_refused_fields_are_found_one_by_one(fields: list[str], status: int) -> None:
    found = probe(Picky(unknown(*fields, status=status)))
    assert list(found.changes.refused) == fields
    assert len(found.warnings) == len(fields)
    assert all(
        f"refuses {field}: it was left out" in warning for field, warning in zip(fields, found.warnings, strict=True)
    )


def test_the_limit_is_sent_under_the_name_that_the_server_gives() -> None:
    def refuse(body: dict) -> tuple[int, object] | None:
        said = "Unsupported parameter: 'max_tokens'. Use 'max_output_tokens' instead."
        return (400, {"error": {"message": said, "param": "max_tokens"}}) if "max_tokens" in body else None

    picky = Picky(refuse)
    assert probe(picky).changes.max_tokens_field == "max_output_tokens"
    assert picky.bodies[-1]["max_output_tokens"] == 2


def test_where_the_server_gives_no_name_openais_is_tried() -> None:
    assert probe(Picky(unknown("max_tokens"))).changes.max_tokens_field == "max_completion_tokens"


def test_a_server_that_wants_more_tokens_gets_what_the_workload_asks_for() -> None:
    def refuse(body: dict) -> tuple[int, object] | None:
        return (400, {"error": {"message": "max_tokens must be at least 16"}}) if body["max_tokens"] < 16 else None

    picky = Picky(refuse)
    assert probe(picky).changes == BodyChanges()
    assert picky.bodies[-1]["max_tokens"] == OUTPUT_TOKENS


def test_an_error_within_a_stream_is_one() -> None:
    refused = {"error": {"message": "Unknown field: seed", "code": 400}}

    def script(connection: socket.socket, request: bytes) -> None:
        body = json.loads(request.partition(b"\r\n\r\n")[2])
        said = refused if "seed" in body else {"model": "m", "choices": [{"text": "a"}]}
        connection.sendall(server.HEAD + server.chunk(server.event(said)) + server.chunk(server.DONE))
        connection.sendall(server.LAST_CHUNK)

    assert list(probe(script).changes.refused) == ["seed"]


def test_what_the_user_asked_for_is_not_left_out_in_silence() -> None:
    with pytest.raises(UsageError, match="refuses ignore_eos, which the command line asks for"):
        probe(Picky(unknown("ignore_eos")), BodyChanges(added={"ignore_eos": True}))
    with pytest.raises(UsageError, match="refuses max_new_tokens, which"):
        probe(Picky(unknown("max_new_tokens")), BodyChanges(max_tokens_field="max_new_tokens"))


def test_a_server_that_takes_no_limit_at_all_is_not_measured() -> None:
    with pytest.raises(UsageError, match="--max-tokens-field"):
        probe(Picky(unknown("max_tokens", "max_completion_tokens")))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422, 501])
def test_a_refusal_without_a_remedy_is_shown_before_the_measurement(status: int) -> None:
    with pytest.raises(HttpStatusError, match=f"HTTP {status}: .*pooling"):
        probe(Picky(lambda _: (status, {"error": {"message": "pooling is off"}})))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 529])
def test_a_server_that_only_fails_is_measured_as_it_is(status: int) -> None:
    found = probe(Picky(lambda _: (status, b"try again")))
    assert found.changes == BodyChanges()
    assert f"HTTP {status}: try again" in found.warnings[0]


@pytest.mark.parametrize(
    "script",
    [
        server.send_bytes(),
        server.send_bytes(b"SSH-2.0\r\n\r\n"),
        server.stay_silent_after(),
        server.reset_after(server.HEAD),
    ],
)
def test_so_is_one_that_breaks_down(script: server.Script) -> None:
    assert "A short request failed, too" in probe(script, limit_s=1.0).warnings[0]


def test_a_server_that_does_not_stream_is_not_measured() -> None:
    whole = json.dumps({"model": "m", "choices": [{"message": {"content": "a"}}]}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(whole), whole)
    with pytest.raises(UsageError, match="one JSON object although a stream was asked for"):
        probe(server.send_bytes(answer))


def test_a_stream_that_never_ends_is_known_by_its_done() -> None:
    stream = server.stay_silent_after(
        server.HEAD, server.chunk(server.event({"model": "x", "choices": []})), server.chunk(server.DONE)
    )
    assert probe(stream) == Probed(BodyChanges())
