"""Which depths fit, worked by hand: 8 tokens of prompt, 8 of response and 64 for a template stand beside each depth."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.launch import model

from profiler.errors import UsageError
from profiler.results.manifest import ModelFacts
from profiler.run.fit import fit_depths
from profiler.run.options import Options
from profiler.servers.engine import Cards
from profiler.workloads.load import Loaded
from profiler.workloads.schema import Settings, SyntheticPrompts, Workload

MIB = 1024 * 1024


def facts(context_length: int | None = 8192) -> ModelFacts:
    """100 MiB of weights; keys and values of a token take 2 · 8 layers · 4 heads · 64 · 2 bytes = 8 KiB."""
    sizes = {"layers": 8, "heads": 8, "kv_heads": 4, "head_size": 64, "size_bytes": 100 * MIB}
    return model().model_copy(update={**sizes, "context_length": context_length, "name": "M"})


def loaded(depth: int | list[int], concurrency: int = 1) -> Loaded:
    about = {"id": "w", "version": 1, "description": "d", "output_tokens": 8, "requests": 10}
    prompts = {"source": "synthetic", "tokens": 8, "depth": depth}
    load = {"shape": "closed-loop", "concurrency": concurrency}
    return Loaded(Workload.model_validate({**about, "prompts": prompts, "load": load}), Path("w.yaml"))


def depths(workload: Workload) -> int | list[int]:
    assert isinstance(workload.prompts, SyntheticPrompts)
    return workload.prompts.depth


def test_what_the_model_was_not_made_for_is_left_out_by_name() -> None:
    fit = fit_depths(loaded([0, 4096, 8112, 8113]), Options(), facts(), None)
    assert depths(fit.workload) == [0, 4096, 8112]  # 8112 + 80 = 8192
    assert fit.left_out == [
        "Depth 8,113 was left out: with prompt and response it takes 8,193 tokens, and the model M was made for 8,192. "
        "Depths up to 8,112 fit."
    ]


def test_what_does_not_fit_into_memory_is_left_out_by_name() -> None:
    # 150 MiB / 1.1 = 136.4 MiB; less 100 MiB of weights leaves 36.4 MiB: 4,654 tokens, in whole cells of 256 4,608.
    fit = fit_depths(loaded([0, 4096, 4600]), Options(), facts(), 150 * MIB)
    assert depths(fit.workload) == [0, 4096]
    assert fit.left_out == [
        "Depth 4,600 was left out: with prompt and response it takes 4,680 tokens, and 150 MiB of main memory are "
        "available for 100 MiB of model and 8.00 KiB of KV cache per token. Depths up to 4,528 fit."
    ]
    # (100 MiB + 4,176 · 8 KiB) · 1.1 = 145.9 MiB
    assert fit.notes[-1] == (
        "The deepest context, 4,176 tokens, takes 146 MiB of 150 MiB of main memory: 8.00 KiB of KV cache per token."
    )


def test_every_slot_has_a_context_and_a_smaller_cache_holds_more() -> None:
    assert depths(fit_depths(loaded([0, 4096], concurrency=2), Options(), facts(), 150 * MIB).workload) == [0]
    assert depths(fit_depths(loaded([0, 4600]), Options(kv_cache="q8_0"), facts(), 150 * MIB).workload) == [0, 4600]


def test_on_a_gpu_or_without_sizes_memory_is_not_judged() -> None:
    assert not fit_depths(loaded([0, 4096]), Options(gpu_layers=99), facts(), MIB).left_out
    unknown = facts().model_copy(update={"layers": None})
    assert not fit_depths(loaded([0, 4096]), Options(), unknown, MIB).left_out


def test_where_the_server_fills_gpus_first_they_count_and_are_named() -> None:
    """150 MiB hold 4,608 tokens, as above; 100 of a card and 50 of the machine are as many."""
    card = Cards("CUDA0 (Made Up 100)", 100 * MIB)
    fit = fit_depths(loaded([0, 4096, 4600]), Options(), facts(), 50 * MIB, cards=lambda: card)
    assert depths(fit.workload) == [0, 4096]
    room = "150 MiB of memory (100 MiB of CUDA0 (Made Up 100), 50.0 MiB of the machine)"
    assert f"and {room} are available for 100 MiB of model" in fit.left_out[0]
    assert (
        fit.notes[-1] == f"The deepest context, 4,176 tokens, takes 146 MiB of {room}: 8.00 KiB of KV cache per token."
    )


def test_where_it_is_not_known_how_much_gpus_take_nothing_is_left_out_and_that_is_said() -> None:
    fit = fit_depths(loaded([0, 4096]), Options(), facts(), MIB, cards=lambda: Cards("CUDA0 (Made Up 100)", None))
    assert (depths(fit.workload), fit.left_out) == ([0, 4096], [])
    assert fit.notes == [
        "Whether a context fits into memory is not predicted: the server has CUDA0 (Made Up 100), and how much of the "
        "model goes there is not known. --gpu-layers sets it; 0 is none."
    ]


def test_without_depths_no_program_is_asked() -> None:
    fit_depths(loaded(0), Options(), facts(), MIB, cards=lambda: pytest.fail("it was asked"))


def test_arrivals_by_a_schedule_have_the_slots_that_the_server_starts_with() -> None:
    """16 contexts of 336 tokens, each of 8 KiB: 42 MiB, where 36.4 are left."""
    of_one = loaded([0, 256])
    load = {"shape": "open-loop", "rate_rps": 1.0}
    arriving = of_one.workload.model_validate({**of_one.workload.model_dump(exclude_none=True), "load": load})
    assert depths(fit_depths(replace(of_one, workload=arriving), Options(), facts(), 150 * MIB).workload) == [0]
    assert depths(fit_depths(of_one, Options(), facts(), 150 * MIB).workload) == [0, 256]


def test_of_settings_that_are_swept_over_the_largest_has_to_fit() -> None:
    of_one = loaded([0, 4096])
    swept = of_one.workload.model_copy(update={"settings": Settings(slots=[1, 2])})
    assert depths(fit_depths(replace(of_one, workload=swept), Options(), facts(), 150 * MIB).workload) == [0]


def test_a_model_that_keeps_less_than_all_tokens_loses_no_depth_and_says_why() -> None:
    gemma = facts().model_copy(update={"kv_cache_saving": "some of its layers keep a window of the context only"})
    fit = fit_depths(loaded([0, 4600]), Options(), gemma, 150 * MIB)
    assert (depths(fit.workload), fit.left_out) == ([0, 4600], [])
    assert fit.notes == [
        "How much memory a context of M takes is not predicted: some of its layers keep a window of the context only."
    ]


def test_the_deepest_context_is_announced_in_whatever_order_depths_were_asked() -> None:
    assert "The deepest context, 4,176 tokens" in fit_depths(loaded([4096, 0]), Options(), facts(), 150 * MIB).notes[-1]


def test_a_context_that_was_asked_for_is_not_outgrown() -> None:
    fit = fit_depths(loaded([0, 1024]), Options(context_tokens=512), facts(), None)
    assert "and --context allows 512" in fit.left_out[0]


def test_where_nothing_fits_the_run_is_refused() -> None:
    with pytest.raises(UsageError, match="Depth 9,000 was left out"):
        fit_depths(loaded(9000), Options(), facts(), None)


def test_without_a_depth_nothing_is_said() -> None:
    plain = loaded(0)
    assert fit_depths(plain, Options(), facts(64), MIB) == (plain.workload, (), ())
