"""What an endpoint is found to be where it has refused a request."""

import json
import socket

import pytest
from support import scripted_server as server

from profiler.errors import UsageError
from profiler.servers.body import BodyChanges
from profiler.servers.credentials import Credentials
from profiler.servers.openai_http import OpenAiEndpoint
from profiler.workloads.load import load

KEY = "sk-0123456789abcdefghijklmnop"


def probed(script: server.Script, model: str | None = "m", **headers: str) -> OpenAiEndpoint:
    with server.serve(script) as port:
        endpoint = OpenAiEndpoint(f"http://127.0.0.1:{port}", model, credentials=Credentials(headers))
        endpoint.probe(load("smoke", {}).workload, 1, BodyChanges())
    return endpoint


def stream(connection: socket.socket, request: bytes) -> None:
    connection.sendall(server.HEAD + server.chunk(server.event({"model": "m", "choices": [{"text": "a"}]})))
    connection.sendall(server.chunk(server.DONE) + server.LAST_CHUNK)


def test_a_model_that_the_list_lacks_is_asked_for_all_the_same() -> None:
    endpoint = probed(server.openai(stream, "other"))
    assert endpoint.model_name == "m"
    assert "does not list the model 'm'; it lists other" in endpoint.warnings[0]
    assert endpoint.describe().response_model is None


def test_names_are_sent_whole_and_keys_in_them_not_written_down() -> None:
    asked: list[str] = []

    def remember(connection: socket.socket, request: bytes) -> None:
        asked.append(json.loads(request.partition(b"\r\n\r\n")[2])["model"])
        stream(connection, request)

    endpoint = probed(server.openai(remember, f"tenant-{KEY}"), None, Authorization=f"Bearer {KEY}")
    assert asked == [f"tenant-{KEY}"]
    assert endpoint.model_facts().name == "tenant-[hidden]"
    assert KEY not in str(endpoint.warnings)


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("https://llm.example/v1/completions", "pass --url https://llm.example/v1/completions"),
        ("/other/v1/completions", r"pass --url http://127\.0\.0\.1:\d+/other/v1/completions"),
        (f"https://user:{KEY}@llm.example/", r"pass --url https://\[hidden\]@llm.example/"),
    ],
)
def test_a_request_that_is_redirected_names_the_url_to_pass(location: str, says: str) -> None:
    moved = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    with pytest.raises(UsageError, match=says) as caught:
        probed(server.openai(lambda connection, _: connection.sendall(moved), "m"))
    assert KEY not in str(caught.value)
