"""llama-server: what it is told; then a real one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import TINY
from support.engines import needed_llama_server
from support.launch import launch, model

from profiler.errors import ServerDiedError, ServerStartError, UsageError
from profiler.models import facts, locate
from profiler.results.manifest import ModelFacts
from profiler.results.records import ServerTimings
from profiler.servers import llama_server
from profiler.servers.llama_server import LlamaServer
from profiler.servers.openai_api import call_object, served_models
from profiler.servers.options import EngineOptions
from profiler.servers.timings import EngineTiming, timing_told
from profiler.workloads.messages import Message, Request

HELP = "--cache-reuse N --cache-ram N --ctx-checkpoints N --no-cache-prompt --no-ui --no-webui --no-kv-unified"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "llama-server"
    path.write_text(
        f'#!/bin/sh\n[ "$1" = --help ] && echo "{HELP}"\n'
        '[ "$1" = --version ] && echo "version: 7 (abc)" && echo "built with GNU 12" >&2; exit 0\n'
    )
    path.chmod(0o755)
    return path


def value(command: list[str], flag: str) -> str:
    return command[command.index(flag) + 1]


def test_slots_are_the_streams_and_each_has_a_context_of_its_own(program: Path) -> None:
    server = LlamaServer(launch(streams=8, context_tokens=512), EngineOptions(engine_path=program))
    assert value(server.command(), "--parallel") == "8"
    assert value(server.command(), "--ctx-size") == "4096"
    assert "--no-kv-unified" in server.command()
    assert server.describe().slots == 8
    assert server.describe().version == "7 (abc)"
    assert "GNU 12" in (server.describe().build or "")


def test_a_text_to_embed_fits_into_one_micro_batch(program: Path) -> None:
    def batches(context_tokens: int, **chosen: int) -> tuple[str, str]:
        wanted = launch(context_tokens=context_tokens, api="embeddings")
        command = LlamaServer(wanted, EngineOptions(engine_path=program, **chosen)).command()  # type: ignore[arg-type]
        assert "--embedding" in command
        return value(command, "--batch-size"), value(command, "--ubatch-size")

    assert batches(256) == ("512", "512")
    assert batches(2048) == ("2048", "2048")
    assert batches(256, batch_tokens=1024, micro_batch_tokens=768) == ("1024", "768")
    assert "--embedding" not in LlamaServer(launch(), EngineOptions(engine_path=program)).command()


def test_an_open_loop_gets_a_stated_number_of_slots_unless_told_otherwise(program: Path) -> None:
    default = LlamaServer(launch(streams=None), EngineOptions(engine_path=program))
    assert value(default.command(), "--parallel") == str(llama_server.SLOTS_OF_OPEN_LOOP)
    chosen = LlamaServer(launch(streams=None), EngineOptions(engine_path=program, slots=3))
    assert value(chosen.command(), "--parallel") == "3"


def test_the_prompt_cache_is_cold_unless_asked_for(program: Path) -> None:
    cold = LlamaServer(launch(), EngineOptions(engine_path=program))
    assert "--no-cache-prompt" in cold.command()
    assert value(cold.command(), "--cache-ram") == "0"
    assert cold.request_body(Request("completions", [Message("user", "hi")], 4))["cache_prompt"] is False
    warm = LlamaServer(launch(), EngineOptions(engine_path=program, prompt_cache="warm"))
    assert "--no-cache-prompt" not in warm.command()
    assert warm.request_body(Request("completions", [Message("user", "hi")], 4))["cache_prompt"] is True


def test_the_end_of_a_sequence_is_ignored_unless_responses_end_by_themselves(program: Path) -> None:
    server = LlamaServer(launch(), EngineOptions(engine_path=program))
    request = Request("chat", [Message("user", "hi")], 4, temperature=0.5, seed=7, item="row 1")
    body = server.request_body(request)
    assert (body["ignore_eos"], body["max_tokens"], body["temperature"], body["seed"]) == (True, 4, 0.5, 7)
    natural = server.request_body(request._replace(stop="natural"))
    assert natural == {key: value for key, value in body.items() if key != "ignore_eos"}


def test_only_options_that_this_version_has_are_passed(program: Path) -> None:
    program.write_text(program.read_text().replace(HELP, "--no-webui"))
    command = LlamaServer(launch(), EngineOptions(engine_path=program)).command()
    assert "--no-webui" in command
    assert "--cache-ram" not in command
    assert "--no-kv-unified" not in command


def test_choices_become_arguments(program: Path) -> None:
    options = EngineOptions(
        engine_path=program, kv_cache="q8_0", batch_tokens=256, micro_batch_tokens=64, engine_args=("--no-mmap",)
    )
    server = LlamaServer(launch(), options)
    assert value(server.command(), "--cache-type-k") == value(server.command(), "--cache-type-v") == "q8_0"
    assert value(server.command(), "--batch-size") == "256"
    assert value(server.command(), "--ubatch-size") == "64"
    assert server.command()[-1] == "--no-mmap"
    assert server.describe().kv_cache == "q8_0"


def test_variables_that_set_options_are_named_and_keys_are_not(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMA_ARG_N_GPU_LAYERS", "3")
    monkeypatch.setenv("LLAMA_ARG_SECRET_KEY", "hush")
    (note,) = [
        note for note in LlamaServer(launch(), EngineOptions(engine_path=program)).describe().notes if "env" in note
    ]
    assert "LLAMA_ARG_N_GPU_LAYERS=3" in note
    assert "hush" not in note


def test_its_own_timings_leave_out_the_first_token() -> None:
    told = ServerTimings(cache_n=0, prompt_n=8, prompt_ms=4.0, predicted_n=11, predicted_ms=100.0)
    assert timing_told(told) == EngineTiming(8, 4.0, 10, 100.0, True)


def test_a_path_that_holds_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--engine-path"):
        llama_server.find(tmp_path)


def test_it_is_found_where_the_variable_says(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(llama_server.VARIABLE, str(program.parent))
    assert llama_server.find() == program


# With the real program ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny() -> ModelFacts:
    return facts.read(locate.find(TINY).path)


@pytest.fixture(scope="module")
def options() -> EngineOptions:
    return EngineOptions(engine_path=needed_llama_server())


@pytest.fixture(scope="module")
def running(
    tiny: ModelFacts, options: EngineOptions, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LlamaServer]:
    server = LlamaServer(launch(tiny, streams=2), options)
    server.start(tmp_path_factory.mktemp("server") / "log", lambda: None)
    yield server
    server.stop()


@pytest.mark.real_server
def test_a_real_one_counts_tokens_tells_what_it_is_and_what_it_counted(running: LlamaServer) -> None:
    assert served_models(running.address) == [running.model_name]
    assert running.count_tokens("nuwa vulo livi") == 3
    assert "CPU" in (running.describe().build or "")
    assert "llamacpp:tokens_predicted_total" in running.counters()
    slots = call_object(running.address, "GET", "/props")
    assert slots["total_slots"] == 2


@pytest.mark.real_server
@pytest.mark.parametrize("cache", ["cold", "warm"])
def test_a_repeated_prompt_is_computed_again_unless_the_cache_is_warm(
    tiny: ModelFacts, options: EngineOptions, tmp_path: Path, cache: str
) -> None:
    server = LlamaServer(launch(tiny), EngineOptions(engine_path=options.engine_path, prompt_cache=cache))
    server.start(tmp_path / "log", lambda: None)
    try:
        prompt = " ".join(["nuwa vulo livi"] * 10)
        body = server.request_body(Request("completions", [Message("user", prompt)], 4)) | {"stream": False}
        answers = [call_object(server.address, "POST", "/v1/completions", body) for _ in range(2)]
    finally:
        server.stop()
    cached = [answer["timings"]["cache_n"] for answer in answers]  # type: ignore[index]
    assert cached[0] == 0
    assert (cached[1] > 0) is (cache == "warm")


@pytest.mark.real_server
def test_a_model_that_has_gone_or_is_cut_off_is_explained(
    tiny: ModelFacts, options: EngineOptions, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(Path(tiny.path or "").read_bytes()[:100_000])
    for path in (cut, tmp_path / "gone.gguf"):
        server = LlamaServer(launch(tiny.model_copy(update={"path": str(path)})), options)
        with pytest.raises(ServerDiedError, match="ended by itself") as caught:
            server.start(tmp_path / "log", lambda: None)
        assert path.name in str(caught.value)
        server.stop()


@pytest.mark.real_server
def test_a_port_that_is_taken_is_explained(running: LlamaServer, tiny: ModelFacts, tmp_path: Path) -> None:
    """The other program answers with the name of its own model, or this one says that it cannot bind."""
    second = LlamaServer(
        launch(tiny.model_copy(update={"name": "another"})), EngineOptions(engine_path=running._program)
    )
    second.address = running.address
    with pytest.raises((ServerStartError, ServerDiedError), match=r"Another program answers|ended by itself"):
        second.start(tmp_path / "log", lambda: None)
    second.stop()
    running.check_alive()


@pytest.mark.real_server
def test_memory_that_runs_out_while_loading_is_explained(
    tiny: ModelFacts, options: EngineOptions, tmp_path: Path
) -> None:
    """The program may have 1 GB of address space and is asked for a context of several."""
    wrapper = tmp_path / "llama-server"
    wrapper.write_text(
        f'#!/bin/sh\ncase "$1" in --model) ulimit -v 1000000;; esac\nexec "{options.engine_path}" "$@"\n'
    )
    wrapper.chmod(0o755)
    chosen = EngineOptions(engine_path=wrapper)
    hungry = LlamaServer(launch(model(tiny.path or ""), context_tokens=4_000_000), chosen)
    with pytest.raises(ServerDiedError, match=r"alloc|memory"):
        hungry.start(tmp_path / "log", lambda: None)
    hungry.stop()
