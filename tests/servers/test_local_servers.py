"""Servers are told by what they answer, wherever they listen; the answers are those that each of them is known for."""

import json
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from support.scripted_server import Script, send_bytes, serve, stay_silent_after

from profiler.errors import UsageError
from profiler.servers import local_servers
from profiler.servers.local_servers import PORTS, UNKNOWN, LocalModel, LocalServer, Look, Other, look, only_one


def answering(answers: Mapping[str, Any], *, otherwise: tuple[int, Any] = (404, {"error": "not found"})) -> Script:
    """A server that answers these paths, each with JSON or a text, and takes nothing but GET."""

    def script(connection: socket.socket, request: bytes) -> None:
        method, path, _ = request.split(b" ", 2)
        assert method == b"GET", request  # nothing is generated
        status, said = (200, answers[path.decode()]) if path.decode() in answers else otherwise
        body = said.encode() if isinstance(said, str) else json.dumps(said).encode()
        connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    return script


def models(*names: str, **more: Any) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": name, "object": "model", **more} for name in names]}


def found_at(port: int) -> LocalServer | Other:
    found = look([port])
    (only,) = [each for each in (*found.servers, *found.others) if each.port == port]
    return only


def found(answers: Mapping[str, Any], **more: Any) -> LocalServer | Other:
    with serve(answering(answers, **more)) as port:
        return found_at(port)


LM_STUDIO = {
    "/v1/models": models("qwen2.5-7b-instruct", "text-embedding-nomic", owned_by="organization_owner"),
    "/api/v0/models": {
        "data": [
            {
                "id": "qwen2.5-7b-instruct",
                "type": "llm",
                "state": "loaded",
                "max_context_length": 32768,
                "loaded_context_length": 4096,
            },
            {"id": "text-embedding-nomic", "type": "embeddings", "state": "not-loaded", "max_context_length": 2048},
        ]
    },
}
PROPS = {"default_generation_settings": {"n_ctx": 4096}, "total_slots": 4, "build_info": "b6100-abc"}
OLLAMA = {
    "/": "Ollama is running",
    "/v1/models": models("llama3.2:3b", "qwen:7b", owned_by="library"),
    "/api/version": {"version": "0.12.3"},
    "/api/ps": {"models": [{"name": "llama3.2:3b", "model": "llama3.2:3b", "context_length": 8192}]},
}
KOBOLD = {  # which answers as Ollama and llama-server do, too
    "/v1/models": models("koboldcpp/m", owned_by="koboldcpp"),
    "/api/extra/version": {"result": "KoboldCpp", "version": "1.98"},
    "/api/version": {"version": "0.7.0"},
    "/props": PROPS,
}


@pytest.mark.parametrize(
    ("answers", "engine", "version", "listed"),
    [
        (OLLAMA, "Ollama", "0.12.3", [("llama3.2:3b", 8192, True), ("qwen:7b", None, False)]),
        (LM_STUDIO, "LM Studio", None, [("qwen2.5-7b-instruct", 4096, True), ("text-embedding-nomic", 2048, False)]),
        (KOBOLD, "KoboldCpp", "1.98", [("koboldcpp/m", None, None)]),
        (
            {"/v1/models": models("m.gguf", owned_by="llamacpp"), "/props": PROPS},
            "llama-server (llama.cpp)",
            "b6100-abc",
            [("m.gguf", 4096, None)],
        ),
        (
            {"/v1/models": models("org/m", owned_by="vllm", max_model_len=8192), "/version": {"version": "0.11.0"}},
            "vLLM",
            "0.11.0",
            [("org/m", 8192, None)],
        ),
        (
            {"/v1/models": models("org/m", owned_by="sglang", max_model_len=2048)},
            "SGLang",
            None,
            [("org/m", 2048, None)],
        ),
        (
            {
                "/v1/models": models("org/m", owned_by="org/m"),
                "/info": {"model_id": "org/m", "router": "text-generation-router", "version": "3.3.6"},
            },
            "TGI",
            "3.3.6",
            [("org/m", None, None)],
        ),
        (
            {
                "/v1/models": models("phi"),
                "/system": {"backends": ["llama-cpp"], "loaded_models": []},
                "/version": {"version": "v3.5.0"},
            },
            "LocalAI",
            "v3.5.0",
            [("phi", None, None)],
        ),
        (
            {
                "/v1/models": models("m", owned_by="user"),
                "/v1/internal/model/info": {"model_name": "m", "lora_names": [], "loader": "llama.cpp"},
            },
            "text-generation-webui",
            None,
            [("m", None, None)],
        ),
        ({"/v1/models": models("m", owned_by="me")}, "llama-cpp-python", None, [("m", None, None)]),
        ({"/v1/models": models("m", owned_by="somebody")}, UNKNOWN, None, [("m", None, None)]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_server_is_told_by_its_own_marks(
    answers: Mapping[str, Any], engine: str, version: str | None, listed: list[tuple[str, int | None, bool | None]]
) -> None:
    server = found(answers)
    assert isinstance(server, LocalServer)
    assert (server.engine, server.version) == (engine, version)
    assert [(model.name, model.context_tokens, model.is_loaded) for model in server.models] == listed
    assert server.url == f"http://127.0.0.1:{server.port}"
    first = server.models[0]
    assert server.command(first) == ["aforo", "run", "--url", server.url, "--model", first.name]


def test_a_model_of_embeddings_is_measured_as_one() -> None:
    server = found(LM_STUDIO)
    assert isinstance(server, LocalServer)
    assert server.command(server.models[1])[:3] == ["aforo", "run", "embeddings"]


def test_a_server_that_wants_a_key_is_listed_with_the_option_for_it() -> None:
    server = found({}, otherwise=(401, {"error": "no key"}))
    assert isinstance(server, LocalServer)
    assert (server.engine, server.needs_key, server.models) == (UNKNOWN, True, ())
    assert server.command(None)[-4:] == ["--model", "NAME", "--api-key-file", "FILE"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (answering({}), "it answers HTTP, but lists no models"),
        (answering({}, otherwise=(200, "<html>hello")), "it answers HTTP, but lists no models"),
        (answering({}, otherwise=(200, {"error": {"message": "Unexpected endpoint"}})), "lists no models"),
        (send_bytes(b"220 mail.example ESMTP\r\n"), "did not answer GET /v1/models"),
        (send_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", b"x" * 9 * 2**20), "longer than 8 MiB"),
    ],
)
def test_what_is_no_model_server_is_named_as_such(script: Script, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_servers, "_PORT_S", 60.0)  # so that a busy machine has read it all
    with serve(script) as port:
        other = found_at(port)
    assert isinstance(other, Other)
    assert reason in other.reason


def test_a_server_that_hangs_up_on_what_it_does_not_know_is_one_all_the_same() -> None:
    listing = answering({"/v1/models": models("m", owned_by="somebody")})

    def script(connection: socket.socket, request: bytes) -> None:
        if request.startswith(b"GET /v1/models "):
            listing(connection, request)

    with serve(script) as port:
        server = found_at(port)
    assert isinstance(server, LocalServer)
    assert [model.name for model in server.models] == ["m"]


def test_what_would_write_over_the_terminal_is_left_out() -> None:
    names = models("good", "a\x1b[2Jb", "two\nlines", owned_by="vllm")
    server = found({"/v1/models": names, "/version": {"version": "1\x1b]0;x\x07"}})
    assert isinstance(server, LocalServer)
    assert ([model.name for model in server.models], server.version) == (["good"], None)


def test_ports_are_looked_at_together_and_one_that_hangs_delays_none() -> None:
    with ExitStack() as open_servers:
        silent = [open_servers.enter_context(serve(stay_silent_after())) for _ in range(4)]
        port = open_servers.enter_context(serve(answering(OLLAMA)))
        began_s = time.monotonic()
        found = look([*silent, port])
        assert time.monotonic() - began_s < 4 * len(silent)  # one after the other they would take 4 s each
    assert {each.port for each in found.others} >= set(silent)
    assert port in {each.port for each in found.servers}


def test_the_usual_ports_are_looked_at() -> None:
    assert set(PORTS) >= {11434, 8080, 1234, 8000, 30000}
    assert set(look().ports) == set(PORTS)


def server(port: int, *names: str, loaded: str | None = None) -> LocalServer:
    listed = tuple(LocalModel(name, is_loaded=name == loaded if loaded else None) for name in names)
    return LocalServer("vLLM", None, port, f"http://127.0.0.1:{port}", listed)


def test_url_auto_takes_the_only_server() -> None:
    one, two = server(8000, "m"), server(1234, "a", "b", loaded="b")
    assert only_one(Look((), (one,), ()), None) == (one.url, None)
    assert only_one(Look((), (two,), ()), None) == (two.url, "b")
    assert only_one(Look((), (two,), ()), "a") == (two.url, "a")
    assert only_one(Look((), (one, two), ()), "a") == (two.url, "a")
    with pytest.raises(UsageError, match=r"2 answer .*\n  aforo run --url http://127.0.0.1:8000 --model m\n"):
        only_one(Look((), (one, two), ()), None)
    locked = LocalServer("vLLM", None, 8001, "http://127.0.0.1:8001", needs_key=True)
    with pytest.raises(UsageError, match=r"--url http://127.0.0.1:8001 --model NAME --api-key-file FILE"):
        only_one(Look((), (one, locked), ()), None)
    with pytest.raises(UsageError, match=r"--model 'a b'"):
        only_one(Look((), (one, server(1, "a b")), ()), None)
    with pytest.raises(UsageError, match=r"none answers at the usual ports\. Start it first"):
        only_one(Look((), (), ()), None)


def test_a_llama_server_with_a_key_lists_its_models_to_anybody() -> None:
    def script(connection: socket.socket, request: bytes) -> None:
        is_list = request.startswith(b"GET /v1/models ")
        body = json.dumps(models("m", owned_by="llamacpp") if is_list else {"error": {"code": 401}}).encode()
        status = b"200 OK" if is_list else b"401 Unauthorized"
        connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    with serve(script) as port:
        server = found_at(port)
    assert isinstance(server, LocalServer)
    assert (server.engine, server.needs_key) == ("llama-server (llama.cpp)", True)
    assert server.command(server.models[0])[-2:] == ["--api-key-file", "FILE"]
