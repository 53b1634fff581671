import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
from support.launch import launch, model

from profiler.errors import MissingEngineError, ModelError, UsageError
from profiler.hosts.usable_cpus import usable_cpu_count
from profiler.options import Option, declared, words
from profiler.progress import Silent
from profiler.results.manifest import ModelFacts, PromptCache
from profiler.servers import llama_build, llama_server, vllm
from profiler.servers.base import Launch, no_tick
from profiler.servers.choose import available, check_serves, check_serves_checkpoints, choose, default_engine, provide
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
    assert tuple(option.choices) == (*get_args(PromptCache), ",".join(get_args(PromptCache)))
    with pytest.raises(UsageError, match="expected cold, warm or cold,warm"):
        EngineOptions(prompt_cache="tepid")


POOLED = model().model_copy(update={"training": "embedding"})


@pytest.fixture
def no_llama_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(llama_server.VARIABLE, raising=False)


@pytest.mark.parametrize(
    "wanted",
    [launch(streams=2), launch(streams=None), launch(POOLED, api="embeddings")],
    ids=["two", "open", "vectors"],
)
@pytest.mark.usefixtures("no_llama_server")
def test_without_an_engine_for_the_load_the_one_that_serves_it_is_named_and_how_to_get_it(wanted: Launch) -> None:
    with pytest.raises(MissingEngineError, match=r"No llama-server was found.*aforo engines build llama-server"):
        choose(wanted, EngineOptions())


def here(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let the engines of these names be on this machine and no other."""

    def find(engine: Engine, path: Path | None) -> None:
        if engine.name not in names:
            raise MissingEngineError(engine.name)

    found = [replace(each, find=partial(find, each)) for each in ENGINES]
    monkeypatch.setattr("profiler.servers.choose.ENGINES", found)


@pytest.mark.parametrize(
    ("streams", "names", "engine"),
    [
        (1, ("llama-cpp-python", "llama-server"), "llama-server"),
        (1, ("llama-cpp-python",), "llama-cpp-python"),
        (1, (), "llama-server"),
        (2, ("llama-cpp-python",), "llama-server"),
        (None, ("llama-cpp-python",), "llama-server"),
    ],
)
def test_the_default_is_llama_server_unless_only_another_engine_is_here_and_serves_the_load(
    monkeypatch: pytest.MonkeyPatch, streams: int | None, names: tuple[str, ...], engine: str
) -> None:
    here(monkeypatch, *names)
    assert default_engine(launch(streams=streams), EngineOptions()).name == engine
    named = EngineOptions(engine_path=Path("/x"))  # which an engine without a program of its own does not take
    assert default_engine(launch(streams=streams), named).name == "llama-server"


@pytest.mark.usefixtures("no_llama_server")
def test_llama_server_is_built_where_a_run_needs_it_and_none_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []
    monkeypatch.setattr(llama_build, "build", lambda progress, tick, jobs: built.append(jobs))
    needed = launch(streams=2)
    for options in (EngineOptions(), EngineOptions(engine="llama-server")):
        provide(needed, options, Silent(), no_tick)
    assert built == [usable_cpu_count()] * 2
    provide(needed, EngineOptions(engine_path=Path("/no/such/program")), Silent(), no_tick)
    provide(launch(streams=1), EngineOptions(engine="llama-cpp-python"), Silent(), no_tick)
    with pytest.raises(UsageError, match="--pooling"):
        provide(launch(api="embeddings"), EngineOptions(), Silent(), no_tick)
    assert len(built) == 2


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
