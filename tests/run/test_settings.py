"""Settings of the server that a run sweeps over, as they are typed and as an engine takes them."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from profiler.errors import UsageError
from profiler.options import declared
from profiler.run.options import Options
from profiler.run.settings import check_no_server, check_taken, every_options, narrowed, options_at, swept
from profiler.servers.engine import Engine
from profiler.servers.engines import ENGINES, engine_called
from profiler.servers.options import SWEPT
from profiler.workloads.load import Loaded
from profiler.workloads.schema import Settings, Workload


def workload(**settings: Any) -> Workload:
    about = {"id": "w", "version": 1, "description": "d", "output_tokens": 8, "requests": 10}
    prompts, load = {"source": "synthetic", "tokens": 8}, {"shape": "closed-loop"}
    return Workload.model_validate({**about, "prompts": prompts, "load": load, "settings": settings})


def engine(name: str) -> Engine:
    found = engine_called(name)
    assert found is not None
    return found


def test_every_setting_is_an_option_and_a_key_of_a_workload() -> None:
    assert set(SWEPT) == set(Settings.model_fields)
    assert set(SWEPT) <= {each.name for each in fields(Options)}
    assert all(not each.is_switch for each in declared(Options) if each.name in SWEPT)


def test_values_are_read_as_the_option_takes_them() -> None:
    typed = ("threads=4,8", "kv-cache=f16, q8_0", "engine_path=/a/llama-server,/b/llama-server")
    assert swept(Options(settings=typed)) == {
        "settings.threads": [4, 8],
        "settings.kv_cache": ["f16", "q8_0"],
        "settings.engine_path": ["/a/llama-server", "/b/llama-server"],
    }
    assert swept(Options(prompt_cache="cold,warm")) == {"settings.prompt_cache": ["cold", "warm"]}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"settings": ("thread=4,8",)}, "Did you mean 'threads'"),
        ({"settings": ("threads=4,x",)}, "--settings threads=4,x: expected values with commas"),
        ({"settings": ("kv_cache=",)}, "kv_cache=A,B"),
        ({"settings": ("threads=4", "threads=8")}, "threads was given before"),
        ({"settings": ("threads=4,8",), "threads": 4}, "threads was given before"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_the_form(more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        swept(Options(**more))
    assert sentence in str(refused.value)


def test_a_value_out_of_range_is_refused_before_anything_starts() -> None:
    with pytest.raises(UsageError, match="--flash-attention never: expected on, off or auto"):
        options_at(Options(), {"flash_attention": "never"})
    with pytest.raises(UsageError, match="--batch-tokens 0: expected 1 or more"):
        every_options(Options(), workload(batch_tokens=[0, 512]))


def test_every_combination_has_its_options() -> None:
    found = every_options(Options(slots=2), workload(threads=[1, 2], kv_cache=["f16", "q8_0"]))
    assert [(each.threads, each.kv_cache, each.slots) for each in found] == [
        (1, "f16", 2),
        (1, "q8_0", 2),
        (2, "f16", 2),
        (2, "q8_0", 2),
    ]
    assert options_at(Options(), {"engine_path": "/a", "context_tokens": "512"}).engine_path == Path("/a")


def test_a_setting_that_the_engine_has_not_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(UsageError) as refused:
        check_taken(workload(tensor_parallel=[1, 2]), engine("llama-server"))
    assert str(refused.value) == (
        "settings.tensor_parallel: llama-server has no such setting; it has prompt_cache, threads, threads_batch, "
        "slots, batch_tokens, micro_batch_tokens, kv_cache, flash_attention, gpu_layers, engine_path. Leave it out, or "
        "choose --engine vllm."
    )
    for each in ENGINES:
        check_taken(workload(threads=[1, 2]), each)


def test_a_server_that_runs_already_keeps_its_settings() -> None:
    with pytest.raises(UsageError, match="sweeps over settings of the server \\(threads\\)"):
        check_no_server(workload(threads=[1, 2]))
    check_no_server(workload())


def test_an_option_stands_where_the_workload_sweeps() -> None:
    loaded = Loaded(workload(threads=[1, 2], slots=[1, 2]), Path("w.yaml"))
    assert narrowed(loaded, Options(threads=2)).workload.settings.of_server() == {"slots": ["1", "2"]}
    assert narrowed(loaded, Options()) is loaded
