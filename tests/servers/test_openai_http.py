import json
import socket
from typing import Any

import psutil
import pytest
from support.scripted_server import serve

from profiler.servers.credentials import Credentials
from profiler.servers.openai_api import HttpStatusError, is_same_model
from profiler.servers.openai_http import OpenAiEndpoint, _advice, _list_advice, is_here


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1", "0.0.0.0", "::"])  # noqa: S104 - asked, not bound
def test_the_loopback_is_here(host: str) -> None:
    assert is_here(host)


def test_so_is_every_address_of_an_interface() -> None:
    addresses = [each.address for several in psutil.net_if_addrs().values() for each in several]
    own = [address for address in addresses if "." in address]
    assert own
    assert all(is_here(address) for address in own)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])  # addresses of documentation, RFC 5737 and RFC 3849
def test_any_other_address_is_remote(host: str) -> None:
    assert not is_here(host)


def test_an_unknown_name_is_remote(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> list[object]:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert not is_here("nowhere.invalid")


@pytest.mark.parametrize(
    ("status", "credentials", "advice"),
    [
        (401, Credentials(), "Name the file that holds the key: --api-key-file FILE."),
        (403, Credentials(), "Name the file that holds the key: --api-key-file FILE."),
        # Whoever has named a file is not told to name one: the key in it is what the server refuses.
        (
            401,
            Credentials({"Authorization": "Bearer k"}, "--api-key-file k.txt"),
            "The key from --api-key-file k.txt",
        ),
        (
            401,
            Credentials({"Authorization": "Bearer k"}, "$OPENAI_API_KEY"),
            "The key from $OPENAI_API_KEY",
        ),
        (401, Credentials({"X-Api-Key": "k"}), "The key from --header was refused"),
        (403, Credentials({"X-Api-Key": "k"}), "The key from --header is not allowed to do this"),
        (401, Credentials({"X-Env": "prod"}), "Name the file that holds the key"),
    ],
)
def test_whose_key_was_refused(status: int, credentials: Credentials, advice: str) -> None:
    error = HttpStatusError(status, "The server answered with a status.", None)
    assert _advice(error, "chat", [], credentials).startswith(advice)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_server_that_is_loading_is_not_looked_for_elsewhere(status: int) -> None:
    error = HttpStatusError(status, "The server answered GET /v1/models with a status.", None)
    assert _list_advice(error, Credentials()).startswith("It is starting or overloaded")


@pytest.mark.parametrize(
    ("asked", "answered", "is_same"),
    [
        ("m", "m", True),
        ("gpt-5", "gpt-5-2026-05-13", True),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b-instruct", True),
        ("llama3.1", "llama3.1:latest", True),
        ("models/gemini-9", "gemini-9", True),
        ("gpt-4", "gpt-4o", False),
        ("llama-3", "llama-3.1", False),
        ("default", "long-specific-name", False),
        ("m", "mm", False),
        ("gpt-4o", "gpt-4o-mini-2026-07-18", False),
        ("gemini-9", "models/gemini-9-flash-lite", False),
        ("gpt-4o-mini", "openai/gpt-4o-mini-2026-07-18", True),
        ("llama-3-8b", "/models/pro/llama-3-8b.Q4_K_M.gguf", True),
        ("m", "", False),
    ],
)
def test_one_name_within_the_other_is_the_same_model(asked: str, answered: str, is_same: bool) -> None:
    assert is_same_model(asked, answered) is is_same
    assert is_same_model(answered, asked) is is_same


@pytest.mark.parametrize(
    ("entry", "props", "context_tokens"),
    [
        ({"id": "m", "owned_by": "vllm", "max_model_len": 8192}, None, 8192),
        ({"id": "m", "owned_by": "llamacpp"}, {"default_generation_settings": {"n_ctx": 4096}}, 4096),
        ({"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx": 2048, "n_ctx_train": 131072}}, None, 2048),
        ({"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx_train": 131072}}, None, None),  # of the model, not served
        ({"id": "m", "owned_by": "library"}, {"default_generation_settings": {"n_ctx": 4096}}, None),  # not asked
        ({"id": "m", "max_model_len": "8192"}, None, None),
    ],
)
def test_the_context_is_what_the_server_says(
    entry: dict[str, Any], props: dict[str, Any] | None, context_tokens: int | None
) -> None:
    def script(connection: socket.socket, request: bytes) -> None:
        path = request.split(b" ", 2)[1].decode()
        known = {"/v1/models": {"data": [entry]}, "/props": props}
        said = json.dumps(known[path]).encode() if known.get(path) else b""
        head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (b"200 OK" if said else b"404 Not Found", len(said))
        connection.sendall(head + said)

    with serve(script) as port:
        assert OpenAiEndpoint(f"http://127.0.0.1:{port}", None).told_context() == context_tokens
