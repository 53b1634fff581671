import json
import socket
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from support.scripted_server import serve

from profiler.errors import UsageError
from profiler.servers.credentials import Credentials
from profiler.servers.openai_api import HttpStatusError, is_same_model
from profiler.servers.openai_http import OpenAiEndpoint, _advice, _list_advice, is_here, tunnel_at


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


@pytest.mark.parametrize(
    ("name", "port", "is_remote"),
    [("ssh", 8000, True), ("kubectl", 8000, True), ("docker-proxy", 8000, False), ("ssh", 8001, False)],
)
def test_what_listens_behind_a_tunnel_runs_elsewhere(
    name: str, port: int, is_remote: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Listening:
        pid, status = 7, psutil.CONN_LISTEN
        laddr = SimpleNamespace(ip="127.0.0.1", port=port)

    monkeypatch.setattr(psutil, "net_connections", lambda kind: [Listening])
    monkeypatch.setattr(psutil, "Process", lambda pid: SimpleNamespace(name=lambda: name))
    assert tunnel_at(8000) == (name if is_remote else None)
    body = b'{"data": [{"id": "m"}]}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with serve(lambda connection, _: connection.sendall(answer)) as served:
        Listening.laddr.port = served if port == 8000 else served + 1
        facts = OpenAiEndpoint(f"http://127.0.0.1:{served}", None).describe()
    assert facts.is_remote is is_remote
    assert any(f"one that {name} hands on" in note for note in facts.notes) is is_remote


def test_whoever_may_not_look_sees_no_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(kind: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refused)
    assert tunnel_at(8000) is None


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
    ("status", "said", "advice"),
    [
        (429, "Rate limit reached", "It takes no more requests for now"),
        (402, "Insufficient Balance", "What was paid for is used up"),
        (500, "Internal Server Error", "It failed itself: look for the reason in its log."),
        # nginx, Go and Apache, asked without TLS where they speak it
        (400, "400 The plain HTTP request was sent to HTTPS port", "It speaks TLS on this port: use https://"),
        (400, "Client sent an HTTP request to an HTTPS server.", "It speaks TLS on this port: use https://"),
        (400, "You're speaking plain HTTP to an SSL-enabled server port.", "It speaks TLS on this port: use https://"),
        (404, "Not Found", "Check the address; with --model NAME"),
        (400, "Bad Request", "Check the address; with --model NAME"),
    ],
)
def test_the_address_is_blamed_for_what_it_may_be_at_fault_for(status: int, said: str, advice: str) -> None:
    error = HttpStatusError(status, f"The server answered GET /v1/models with HTTP {status}: {said}.", None)
    assert _list_advice(error, Credentials()).startswith(advice)


def redirected(location: str, model: str | None = None) -> str:
    """What is said, or noted, where the list of models is elsewhere; the port is 1 in it."""
    head = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    with serve(lambda connection, _: connection.sendall(head.encode())) as port:
        try:
            return " ".join(OpenAiEndpoint(f"http://127.0.0.1:{port}", model)._notes)
        except UsageError as error:
            return str(error).replace(f":{port}", ":1")


@pytest.mark.parametrize(
    ("location", "advice"),
    [
        ("https://h/v1/models", "are measured where they are sent: pass --url https://h/v1/models"),
        ("/gate/v1/models", "are measured where they are sent: pass --url http://127.0.0.1:1/gate/v1/models"),
        ("https://sso.example/login?next=%2Fv1%2Fmodels", "It redirects to what is no interface of models"),
        ("https://u@h/oauth", "It redirects to what is no interface of models"),
        # the same address with a slash: to pass it would change nothing
        ("/v1/models/", "Check the address; with --model NAME no list of models is needed."),
        ("models/", "Check the address; with --model NAME no list of models is needed."),
    ],
)
def test_a_redirect_is_followed_by_hand_where_it_leads_to_an_interface(location: str, advice: str) -> None:
    assert advice in redirected(location)


def test_names_of_models_are_listed_in_one_line() -> None:
    body = json.dumps({"data": [{"id": "a\nb"}, {"id": "\x1b[31mc"}]}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with serve(lambda connection, _: connection.sendall(answer)) as port:
        assert OpenAiEndpoint(f"http://127.0.0.1:{port}", "m").warnings == [
            "The endpoint does not list the model 'm'; it lists a b, [31mc."
        ]


def test_a_model_that_is_named_needs_no_list_behind_a_slash() -> None:
    assert "It does not list its models" in redirected("/v1/models/", "m")
    assert "pass --url https://h/v1/models" in redirected("https://h/v1/models", "m")


@pytest.mark.parametrize(
    ("environment", "is_named"),
    [
        ({}, False),
        ({"http_proxy": "http://proxy.example:3128"}, True),
        ({"https_proxy": "http://proxy.example:3128"}, False),
        ({"http_proxy": "http://proxy.example:3128", "no_proxy": "localhost,127.0.0.1"}, False),
    ],
)
def test_a_proxy_that_is_not_used_is_named_where_no_connection_is_made(
    environment: dict[str, str], is_named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        with pytest.raises(UsageError) as caught:
            OpenAiEndpoint(f"http://127.0.0.1:{nobody.getsockname()[1]}", None)
    assert ("The environment names a proxy for http://" in str(caught.value)) is is_named


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
        ("claude-opus-4", "claude-opus-4-5-20251101", False),
        ("claude-opus-4-5", "claude-opus-4-5-20251101", True),
        ("phi-3-mini", "phi-3-mini-4k-instruct", True),
        ("gpt-4", "gpt-4-0613", True),
        ("glm-4.5", "glm-4.5-air", False),
        ("qwen3-235b-a22b", "Qwen/Qwen3-235B-A22B-Thinking-2507", False),
        ("qwen3", "qwen3-vl:8b", False),
        ("qwen3", "qwen3-embedding:8b", False),
        ("mistral", "mistral-large-2411", False),
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
        ({"id": "m", "max_model_len": True}, None, None),
        ({"id": "m", "context_window": 131072}, None, 131072),  # Groq
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
