from pathlib import Path
from typing import Any

import pytest
from support.stored_runs import GOLDEN, fleet_facts, stored

from profiler.errors import UsageError
from profiler.results.run_set import StoredRun, read_runs
from profiler.verdict.comparable import (
    check_comparable,
    differing_settings,
    fairness,
    may_differ,
    mismatches,
    setting_of,
)

CPU = {"physical_cores": 4, "logical_cpus": 8, "smt": True}
LOAD = {"shape": "closed-loop", "concurrency": 1}
WORKLOAD = {
    "id": "w",
    "version": 1,
    "prompts": {"source": "synthetic", "tokens": 8},
    "requests": 10,
    "load": LOAD,
    "slo": {},
}


@pytest.fixture
def pair(tmp_path: Path):
    """Make two runs, of which the second differs in some keys of its manifest."""

    def make(both: dict[str, Any] | None = None, **second: Any) -> list[StoredRun]:
        base = {"workload": WORKLOAD, "host": {"machine": "x86_64", "cpu": CPU}, "engine__threads": 4, **(both or {})}
        return [stored(tmp_path / "a", **base), stored(tmp_path / "b", **{**base, **second})]

    return make


def fields(runs: list[StoredRun]) -> list[str]:
    return [found.field for found in mismatches(runs)]


def test_a_run_and_its_repetition_are_comparable(pair) -> None:
    runs = pair()
    assert mismatches(runs) == []
    assert differing_settings(runs) == []
    assert fairness(runs) == []
    assert check_comparable(runs) == []


def test_the_golden_run_is_comparable_with_itself() -> None:
    runs, _ = read_runs([GOLDEN])
    assert mismatches(runs * 2) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"workload": {**WORKLOAD, "version": 2}}, "workload"),
        ({"workload": {**WORKLOAD, "prompts": {"source": "synthetic", "tokens": 9}}}, "workload.prompts"),
        ({"workload": {**WORKLOAD, "output_tokens": 9}}, "workload.output_tokens"),
        ({"workload": {**WORKLOAD, "load": {**LOAD, "concurrency": 2}}}, "workload.load"),
        ({"workload": {**WORKLOAD, "slo": {"ttft_ms": 100.0}}}, "slo"),
        ({"model__layers": 9}, "model"),
        ({"model__quantisation": "Q4_0"}, "quantisation"),
    ],
)
def test_what_makes_a_comparison_unsound(pair, changes: dict[str, Any], field: str) -> None:
    runs = pair(**changes)
    assert fields(runs) == [field]
    with pytest.raises(UsageError, match=f"--allow-mismatch {field}") as refused:
        check_comparable(runs)
    said = str(refused.value).splitlines()
    assert "(r1)" in said[1]
    assert "(r2)" in said[1]
    assert said[2:4] == ["  r1 is a", "  r2 is b"]
    assert [found.field for found in check_comparable(runs, [field])] == [field]
    assert check_comparable(runs, [field.partition(".")[0]])


def test_of_what_differs_only_the_parts_that_do_are_told(pair) -> None:
    second = {**WORKLOAD, "id": "v", "load": {"shape": "open-loop", "rate_rps": 2.0}}
    with pytest.raises(UsageError) as refused:
        check_comparable(pair(workload=second, model__layers=9))
    assert str(refused.value).splitlines() == [
        "These runs do not measure the same thing.",
        "  workload: v@1 (r2); w@1 (r1)",
        "  workload.load: shape closed-loop, concurrency 1, ramp_up_s 0.0 (r1); shape open-loop, rate_rps 2.0, "
        "arrivals poisson, burstiness 1.0 (r2)",
        "  model: layers 9 (r2); layers not known (r1)",
        "  r1 is a",
        "  r2 is b",
        "To compare them all the same: --allow-mismatch workload --allow-mismatch model",
    ]


def test_of_many_runs_a_few_are_named(tmp_path: Path) -> None:
    runs = [stored(tmp_path / f"run{i}", workload=WORKLOAD, model__quantisation=f"Q{i % 2}_0") for i in range(20)]
    with pytest.raises(UsageError) as refused:
        check_comparable(runs)
    said = str(refused.value)
    assert "quantisation: Q0_0 (r1, r3, r5 and 7 more); Q1_0 (r2, r4, r6 and 7 more)" in said
    assert "  r12 is run11\n  … and 8 more, in the order given" in said


@pytest.mark.parametrize(
    "changes",
    [
        {"workload": {**WORKLOAD, "requests": 20, "repeats": 5, "rounds": 1, "description": "x", "warmup_requests": 9}},
        {"workload": {**WORKLOAD, "slo": {"ttft_ms": None}}},
        {"model__sha256": "1", "model__path": "/elsewhere", "model__name": "m2"},  # both synthetic, one shape
        {"engine__threads": 2, "engine__name": "llama-server", "host": {"machine": "aarch64"}},
    ],
)
def test_what_does_not(pair, changes: dict[str, Any]) -> None:
    assert mismatches(pair(**changes)) == []


def test_real_models_are_told_by_their_file(pair) -> None:
    real = {"model__is_synthetic": False}
    runs = pair(real, model__sha256="1")
    assert fields(runs) == ["model"]
    assert mismatches(runs)[0].values == {"a": "m (0)", "b": "m (1)"}


def test_a_synthetic_model_is_not_a_real_one(pair) -> None:
    assert fields(pair(model__is_synthetic=False, model__sha256="1")) == ["model"]


def test_how_many_rows_of_a_trace_matters(pair) -> None:
    trace = {"source": "trace", "file": "t.csv"}
    runs = pair({"workload": {**WORKLOAD, "prompts": trace}}, workload={**WORKLOAD, "prompts": trace, "requests": 11})
    assert fields(runs) == ["workload.requests"]


def test_settings_that_differ(pair) -> None:
    runs = pair(engine__threads=2, host={"machine": "aarch64", "cpu": CPU})
    assert {found.field: found.values for found in differing_settings(runs)} == {
        "architecture": {"a": "x86_64", "b": "aarch64"},
        "threads": {"a": "4", "b": "2"},
    }


def test_options_of_the_engine_that_nothing_else_shows_are_settings(pair) -> None:
    chosen = {"--gpu-layers": "99", "--threads": "2", "--context": "4096", "--engine-arg": "--no-mmap"}
    runs = pair(engine__options=chosen)
    (found,) = differing_settings(runs)
    assert (found.field, found.values["b"]) == ("engine options", "--gpu-layers 99, --engine-arg --no-mmap")
    assert setting_of(runs[0], ()) != setting_of(runs[1], ())


def test_of_a_server_elsewhere_the_settings_are_not_those_of_this_machine(pair) -> None:
    host = {"name": "here", "machine": "x86_64", "cpu": {**CPU, "smt": False}}
    runs = pair(host=host, engine__is_remote=True, engine__url="https://api.example.com:443/v1")
    values = {found.field: found.values for found in differing_settings(runs)}
    assert values["host"] == {"a": "not known", "b": "api.example.com"}
    assert values["architecture"] == {"a": "x86_64", "b": "not known"}
    assert values["logical CPUs"] == {"a": "8", "b": "not known"}
    assert fairness(runs) == []  # the SMT of this machine is not its server's


@pytest.mark.parametrize(
    ("both", "second", "says"),
    [
        ({}, {"engine__threads": 2}, "only a part of the physical cores"),
        ({}, {"engine__threads": 8}, "more threads than physical cores"),
        ({}, {"host": {"machine": "x86_64", "cpu": {**CPU, "smt": False}}}, "SMT"),
        ({}, {"engine__build": "AVX512 = 1"}, ""),
        ({"engine__build": "AVX2 = 1"}, {"engine__build": "AVX512 = 1"}, "built with different instruction sets"),
        ({"engine__version": "1"}, {"engine__version": "2"}, "several versions: 1 against 2"),
        ({"model__quantisation": "Q4_0"}, {"host": {"machine": "aarch64", "cpu": CPU}}, "Q4_0 weights are repacked"),
        ({}, {"client__cpus": "0", "engine__cpus": "1-3"}, "In 1 of 2 runs the load driver"),
        ({"engine__prompt_cache": "cold"}, {"engine__prompt_cache": "warm"}, "TTFTs"),
        ({}, {"client__stamp_source": "user"}, "arrival timestamps"),
        (
            {"host": {"cpu": CPU, "virtualisation": {"is_virtual": True}}},
            {"host": {"cpu": CPU, "virtualisation": {"is_virtual": False}}},
            "Some hosts are virtual machines and some are not",
        ),
        ({"host": {"cpu": CPU}}, {"host": {"cpu": CPU, "virtualisation": {"is_virtual": False}}}, ""),
        (
            {},
            {"host": {"name": "q", "cpu": CPU, "virtualisation": {"emulated": True}}},
            "On q the CPU is emul",
        ),
    ],
)
def test_unfair_without_being_unsound(pair, both: dict[str, Any], second: dict[str, Any], says: str) -> None:
    runs = pair(both, **second)
    found = fairness(runs)
    assert len(found) == (1 if says else 0)
    assert all(says in sentence for sentence in found)
    assert not mismatches(runs)


def test_prices_of_two_kinds(pair) -> None:
    price = {"per_hour": 1, "currency": "USD", "kind": "on-demand", "source": {"name": "flag", "title": "flag"}}
    runs = pair({"cost": {"price": price}}, cost={"price": {**price, "kind": "spot"}})
    assert fairness(runs) == ["Prices are not of one kind: on-demand in USD against spot in USD."]


def test_only_fields_and_traps_may_be_allowed(pair) -> None:
    check_comparable(pair(), may_differ())
    assert {"workload", "workload.prompts", "slo", "grid", "smt"} <= set(may_differ())
    with pytest.raises(UsageError, match=r"threds: expected a field \(workload, .* or a trap \(energy"):
        check_comparable(pair(), ["grid", "threds"])


def test_a_fleet_tells_machines_of_one_name_apart_by_what_its_plan_calls_them(pair) -> None:
    one, other = fleet_facts(host="rack-1"), fleet_facts(host="rack-2")
    runs = pair({"host": {"name": "localhost", "cpu": CPU}, "fleet": one}, fleet=other)
    assert setting_of(runs[0], ()) != setting_of(runs[1], ())
    values = {found.field: found.values for found in differing_settings(runs)}
    assert values["host"] == {"a": "rack-1", "b": "rack-2"}
    again = pair({"host": {"name": "localhost", "cpu": CPU}, "fleet": one}, fleet=fleet_facts(host="rack-1", round=2))
    assert setting_of(again[0], ()) == setting_of(again[1], ())
