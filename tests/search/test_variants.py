from typing import Any

import pytest

from profiler.results.engine_facts import EngineFacts
from profiler.results.points import at_concurrency, describe_load, engine_at
from profiler.results.summary import PointSummary
from profiler.search.strategy import first_point, is_one_point, load_count, search_for
from profiler.search.variants import Variant, at_point, has_variants, variants_of
from profiler.workloads.schema import DataPrompts, SyntheticPrompts, Workload


def workload(prompts: dict[str, Any], concurrency: int | list[int] = 1, **more: Any) -> Workload:
    source = {"source": "data", "file": "d.jsonl"} if "shots" in prompts else {"source": "synthetic", "tokens": 8}
    about = {"id": "w", "version": 1, "description": "d", "output_tokens": 8, "requests": 10}
    load = {"shape": "closed-loop", "concurrency": concurrency}
    return Workload.model_validate({**about, "prompts": {**source, **prompts}, "load": load, **more})


def names(asked: Workload) -> list[str]:
    search = search_for(asked)
    done: list[PointSummary] = []
    while (point := search.next_point(done)) is not None:
        done.append(PointSummary(point=point, requests_ok=1, requests_failed=0, outcomes={}, metrics={}))
    assert load_count(asked) == len(done)
    assert search.conclude(done) is None or not has_variants(asked)
    return [summary.point.name for summary in done]


@pytest.mark.parametrize(
    ("prompts", "more", "expected"),
    [
        ({}, {}, ["c1"]),
        # Behind nothing there is nothing to be cached.
        ({"depth": [4096, 0]}, {}, ["d0-cold-c1", "d4096-cold-c1", "d4096-warm-c1"]),
        ({"depth": 512}, {}, ["d512-cold-c1", "d512-warm-c1"]),
        ({"depth": [0, 512]}, {"settings": {"prompt_cache": ["cold"]}}, ["d0-cold-c1", "d512-cold-c1"]),
        ({"depth": [0, 512]}, {"settings": {"prompt_cache": ["warm"]}}, ["d0-warm-c1", "d512-warm-c1"]),
        ({"shots": [0, 4]}, {}, ["s0-cold-c1", "s4-cold-c1", "s4-warm-c1"]),
        ({"shots": 4}, {}, ["s4-c1"]),  # no sweep: the prompt cache is as it is
        ({}, {"settings": {"prompt_cache": ["cold", "warm"]}}, ["cold-c1", "warm-c1"]),
        ({"shots": [0, 1]}, {"concurrency": [1, 2], "settings": {"prompt_cache": ["cold"]}}, [
            *("s0-cold-c1", "s0-cold-c2", "s1-cold-c1", "s1-cold-c2")
        ]),
    ],
)  # fmt: skip
def test_every_combination_is_a_point(prompts: dict[str, Any], more: dict[str, Any], expected: list[str]) -> None:
    asked = workload(prompts, **more)
    assert names(asked) == expected
    assert first_point(asked).name == expected[0]
    assert is_one_point(asked) == (len(expected) == 1)


def test_a_point_says_what_it_differs_in() -> None:
    point = Variant(depth_tokens=4096, prompt_cache="warm").at(at_concurrency(2))
    assert (point.concurrency, point.depth_tokens, point.settings) == (2, 4096, {"prompt_cache": "warm"})
    assert describe_load(point) == "depth 4,096, cache warm, 2 in flight"
    assert describe_load(Variant(shots=1).at(at_concurrency(1))) == "1 example, 1 in flight"
    assert Variant().at(at_concurrency(1)) == at_concurrency(1)


def test_at_a_point_there_is_one_depth_or_one_number_of_examples() -> None:
    deep = workload({"depth": [0, 512]})
    prompts = at_point(deep, Variant(depth_tokens=512, prompt_cache="cold").at(at_concurrency(1))).prompts
    assert isinstance(prompts, SyntheticPrompts)
    assert prompts.depth == 512
    shown = at_point(workload({"shots": [0, 4]}), Variant(shots=4).at(at_concurrency(1))).prompts
    assert isinstance(shown, DataPrompts)
    assert shown.shots == 4
    assert variants_of(workload({"depth": 0})) == [Variant()]


def test_settings_of_the_server_are_swept_around_all_else() -> None:
    asked = workload({}, concurrency=[1, 2], settings={"threads": [1, 2], "kv_cache": ["f16", "q8_0"]})
    assert names(asked)[:3] == ["threads=1-kv_cache=f16-c1", "threads=1-kv_cache=f16-c2", "threads=1-kv_cache=q8_0-c1"]
    assert len(names(asked)) == 8
    deep = workload({"depth": [0, 512]}, settings={"threads": [1, 2], "prompt_cache": ["cold"]})
    assert names(deep) == [f"threads={t}-d{d}-cold-c1" for t in (1, 2) for d in (0, 512)]


def test_a_point_carries_its_settings_and_its_engine_says_so() -> None:
    point = Variant(server=(("threads", "2"), ("kv_cache", "q8_0"), ("engine_path", "/b/x"))).at(at_concurrency(1))
    assert point.name == "threads=2-kv_cache=q8_0-engine_path=_b_x-c1"
    assert describe_load(point) == "threads 2, KV cache q8_0, engine path /b/x, 1 in flight"
    served = point.model_copy(update={"settings": {**point.settings, "version": "7", "build": "AVX2"}})
    engine = engine_at(EngineFacts(name="llama-server", threads=8, options={"--slots": "1"}), served)
    assert (engine.threads, engine.kv_cache, engine.path, engine.version) == (2, "q8_0", "/b/x", "7")
    assert engine.options == {"--slots": "1", "--threads": "2", "--kv-cache": "q8_0", "--engine-path": "/b/x"}
    assert describe_load(served) == describe_load(point)
