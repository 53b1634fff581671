"""A real llama.cpp server of the embedded engine."""

import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import TINY
from support.launch import launch

from profiler.errors import ServerDiedError, ServerStartError
from profiler.models import facts, locate
from profiler.results.manifest import ModelFacts
from profiler.servers.llama_cpp_python import LlamaCppPythonServer, read_log
from profiler.servers.openai_api import PATHS, call_object, served_models
from profiler.servers.options import EngineOptions
from profiler.workloads.messages import Message, Request, joined

pytestmark = pytest.mark.real_server


@pytest.fixture(scope="module")
def model() -> ModelFacts:
    return facts.read(locate.find(TINY).path)


@pytest.fixture(scope="module")
def server(model: ModelFacts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaCppPythonServer]:
    running = LlamaCppPythonServer(launch(model), EngineOptions())
    running.start(tmp_path_factory.mktemp("server") / "log", lambda: None)
    yield running
    running.stop()


def test_it_answers_under_its_own_name(server: LlamaCppPythonServer) -> None:
    assert served_models(server.address) == [server.model_name]


def test_it_counts_tokens_as_its_model_does(server: LlamaCppPythonServer) -> None:
    assert server.count_tokens("nuwa vulo livi") == 3


def prompt_tokens_read(server: LlamaCppPythonServer, log: Path, times: int) -> list[int]:
    """Send the same chat several times; return how many tokens the engine computed of each prompt, by its own log."""
    messages = [Message("user", "nuwa vulo livi nuwa vulo livi")]
    body = server.request_body(Request("chat", messages, 2)) | {"stream": False}
    for _ in range(times):
        call_object(server.address, "POST", PATHS["chat"], body)
    return [timing.prompt_tokens for timing in read_log(log.read_text().splitlines())][-times:]


def test_no_prompt_is_reused_unless_that_was_asked_for(
    server: LlamaCppPythonServer, model: ModelFacts, tmp_path: Path
) -> None:
    assert server.describe().prompt_cache == "cold"
    log = server._running().log_path
    first, second = prompt_tokens_read(server, log, 2)
    assert first == second > 6  # the words, and a template around them
    warm = LlamaCppPythonServer(launch(model), EngineOptions(prompt_cache="warm"))
    warm.start(tmp_path / "log", lambda: None)
    try:
        first, second = prompt_tokens_read(warm, tmp_path / "log", 2)
    finally:
        warm.stop()
    assert second < first
    assert "shortens its TTFT" in " ".join(warm.describe().notes)


def test_a_chat_is_counted_with_its_template(server: LlamaCppPythonServer) -> None:
    for roles in (("user",), ("system", "user"), ("user", "assistant", "user")):
        messages = [Message(role, "nuwa vulo livi") for role in roles]
        body = server.request_body(Request("chat", messages, 1)) | {"stream": False}
        usage = call_object(server.address, "POST", PATHS["chat"], body)["usage"]
        assert server.count_tokens(joined(messages)) + server.template_tokens(messages) == usage["prompt_tokens"]
        assert server.template_tokens(messages) > 0


@pytest.mark.parametrize("is_synthetic", [True, False])
def test_a_request_yields_exactly_the_tokens_that_it_asks_for(
    server: LlamaCppPythonServer, model: ModelFacts, is_synthetic: bool
) -> None:
    """With real weights every end token is suppressed by a bias; the server must take it."""
    real = LlamaCppPythonServer(launch(model.model_copy(update={"is_synthetic": is_synthetic})), EngineOptions())
    request = Request("completions", [Message("user", "nuwa vulo")], 12)
    body = real.request_body(request)
    assert "logit_bias" not in real.request_body(request._replace(stop="natural"))
    body |= {"model": server.model_name, "stream": False}
    assert ("logit_bias" in body) is not is_synthetic
    connection = http.client.HTTPConnection(server.address.host, server.address.port)
    connection.request("POST", PATHS["completions"], json.dumps(body), {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer["usage"]["completion_tokens"] == 12
    assert answer["choices"][0]["finish_reason"] == "length"


def test_a_model_that_cannot_be_loaded_is_explained_and_leaves_nothing_running(
    model: ModelFacts, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(Path(model.path or "").read_bytes()[:5000])
    server = LlamaCppPythonServer(launch(model.model_copy(update={"path": str(broken)})), EngineOptions())
    with pytest.raises(ServerDiedError, match="ended by itself") as caught:
        server.start(tmp_path / "log", lambda: None)
    assert str(tmp_path / "log") in str(caught.value)
    server.stop()


def test_a_server_that_is_not_ready_in_time_is_an_error(model: ModelFacts, tmp_path: Path) -> None:
    server = LlamaCppPythonServer(launch(model, start_timeout_s=0.05), EngineOptions())
    with pytest.raises(ServerStartError, match="--start-timeout"):
        server.start(tmp_path / "log", lambda: None)
    pid = server.pid
    server.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_openmp_spins_unless_the_user_says_otherwise(model: ModelFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    server = LlamaCppPythonServer(launch(model), EngineOptions())
    assert server.environment["OMP_WAIT_POLICY"] == "active"
    assert server.environment["GOMP_SPINCOUNT"] == "7"
    assert "OpenMP: OMP_WAIT_POLICY=active GOMP_SPINCOUNT=7." in server.describe().notes
