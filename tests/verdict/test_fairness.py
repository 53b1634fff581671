"""Traps: each is found, named in the same sentence by every verb, and bars the same metrics everywhere."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import pytest
from support.checkout import ROOT
from support.stored_runs import stored

from profiler.energy.account import Seen, accounts
from profiler.errors import UsageError
from profiler.metrics.catalogue import METRICS
from profiler.reports.compare.columns import Column
from profiler.reports.compare.differences import differences
from profiler.reports.compare.entries import named
from profiler.reports.compare.sides import sides
from profiler.results.manifest import EnergyFacts, MeterClass, MeterFacts
from profiler.results.records import EnergyReading
from profiler.results.run_set import StoredRun
from profiler.results.summary import Distribution, EnergyAccount, Metric, Scalar
from profiler.verdict.claim_file import Claim
from profiler.verdict.claims import check
from profiler.verdict.comparable import check_comparable
from profiler.verdict.contrast import Pooled, pooled, pools
from profiler.verdict.fairness import TRAPS, fairness, obstacle, obstacle_alone, traps
from profiler.verdict.gate import Limit, gate

KINDS = [
    *((meter_class, "whole machine") for meter_class in get_args(MeterClass) if meter_class != "none"),
    ("counter", "CPU packages"),
    ("counter", "GPU boards"),
    ("polled", "GPU boards"),
]
EMBODIED = "gco2e_embodied_per_1m_output_tokens"
HOSTS = ("one", "other")


def account(meter_class: Any, scope: str, notes: tuple[str, ...] = ()) -> EnergyAccount:
    rest = {"idle_j": None, "net_j": None, "coverage_ratio": 1, "provenance": "", "parts": {}}
    return EnergyAccount(meter_class=meter_class, scope=scope, gross_j=(1, 1), notes=list(notes), **rest)


def measured(name: str, value: float) -> Metric:
    """A metric whose value is exactly this, whatever its kind."""
    unit = METRICS[name].unit
    if METRICS[name].kind == "per-run":
        return Scalar(unit=unit, value=value, interval=(value, value))
    return Distribution(unit=unit, n=99, mean=value, min=value, max=value, quantiles={}, mean_half_width=0.0)


@pytest.fixture(scope="module")
def host_runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[StoredRun]]:
    """Three runs of a host in which every metric has a value."""
    folder = tmp_path_factory.mktemp("runs")
    made = {}
    for host, factor in zip(HOSTS, (1.0, 2.0), strict=True):
        metrics = {name: measured(name, factor * spec_value(name)) for name in METRICS}
        made[host] = [
            stored(folder / f"{host}{i}", metrics=metrics, host={"name": host}, engine__command=["server"])
            for i in range(3)
        ]
    return lambda host: [run_copy(run) for run in made[host]]


def spec_value(name: str) -> float:
    # shares stay alike, or they would be traps of their own
    return 0.0 if name in {"cached_prompt_ratio"} else 1.0


def run_copy(run: StoredRun) -> StoredRun:
    summary = run.summary.model_copy(update={"metrics": dict(run.summary.metrics)})
    for name in ("output_tokens_per_request", "prompt_tokens_per_request"):
        summary.metrics[name] = measured(name, 8.0)
    return StoredRun(run.folder, run.manifest.model_copy(deep=True), summary)


def claim_on(metric: str) -> Claim:
    better = METRICS[metric].better
    return Claim.model_validate(
        {
            "id": "c",
            "version": 1,
            "statement": "s",
            "metric": metric,
            "direction": "less" if better == "lower" else "more",
            "size_percent": 10.0,
            "form": "at-least",
            "subject": {"name": "one", "host": "one"},
            "baseline": {"name": "other", "host": "other"},
            "source": {"title": "t"},
        }
    )


def answers(
    metric: str, one: list[StoredRun], other: list[StoredRun], allowed: tuple[str, ...] = ()
) -> dict[str, bool]:
    """By verb, whether it compares the metric of the two."""
    claimed = check(claim_on(metric), [*one, *other], allowed)
    gated = gate(other, one, [(metric, None)], Limit(0.05, allowed=allowed))
    column = Column(metric, metric, METRICS[metric].better, lambda _: None, (metric, None))  # type: ignore[arg-type, return-value]
    entries = named([*other, *one]).all
    compared = differences(sides(entries, entries[0]), [column], allowed=allowed).rows[3][metric]
    return {
        "claims": claimed.answer != "undecidable",
        "gate": gated.answer != "undecidable",
        "compare": compared.outcome in {"better", "worse"},
        "owner": obstacle(metric, one, other, allowed) is None,
    }


RANKED = [name for name, spec in METRICS.items() if spec.better != "neither"]


@pytest.mark.parametrize("metric", RANKED)
def test_all_verbs_agree_on_every_pair_of_energy_classes_and_scopes(host_runs, metric: str) -> None:
    """One runs on twice the number of the other, so whatever may be compared is decided by every verb."""
    rests_on_energy = METRICS[metric].group == "energy" or (metric.startswith("gco2e") and metric != EMBODIED)
    assert set(answers(metric, *alike(host_runs, KINDS[0])).values()) == {True}
    for first, second in combinations(KINDS, 2):
        one, other = host_runs("one"), host_runs("other")
        for runs, kind in ((one, first), (other, second)):
            for run in runs:
                run.summary.energy = [account(*kind)]
        assert set(answers(metric, one, other).values()) == {not rests_on_energy}, (first, second)


def alike(host_runs, kind: tuple[str, str]) -> tuple[list[StoredRun], list[StoredRun]]:
    found = host_runs("one"), host_runs("other")
    for run in (*found[0], *found[1]):
        run.summary.energy = [account(*kind)]
    return found


def test_a_claim_on_carbon_of_input_tokens_across_classes_is_undecidable(host_runs) -> None:
    """Counter of the CPU packages against a wall meter of the whole machine, as on output tokens (drift D1)."""
    one, other = host_runs("one"), host_runs("other")
    for runs, kind in ((one, ("counter", "CPU packages")), (other, ("wall", "whole machine"))):
        for run in runs:
            run.summary.energy = [account(*kind)]
    for metric in ("gco2e_per_1m_input_tokens", "gco2e_per_1m_output_tokens"):
        assert check(claim_on(metric), [*one, *other]).answer == "undecidable"
    assert check(claim_on(EMBODIED), [*one, *other]).answer == "supported"  # it rests on no meter


def price(kind: str = "on-demand", currency: str = "USD") -> dict[str, Any]:
    return {"per_hour": 1.0, "kind": kind, "currency": currency, "source": {"name": "flag", "title": "f"}}


TOKEN_PRICE = {"input_per_1m": 1.0, "output_per_1m": 2.0, "currency": "USD", "source": {"name": "flag", "title": "f"}}


def grid(value: float) -> list[dict[str, Any]]:
    return [{"gco2e_per_kwh": value, "place": "x", "source": {"name": "flag", "title": "f"}}]


@pytest.mark.parametrize(
    ("trap", "one", "other", "barred", "free"),
    [
        ("price-kind", {"cost.price": price()}, {"cost.price": price("spot")}, "usd_per_request", "ttft_ms"),
        ("price-kind", {"cost.price": price()}, {"cost.price": price("reserved")}, "tokens_per_usd", "tpot_ms"),
        (
            "price-kind",
            {"cost.price": price()},
            {"cost.token_price": TOKEN_PRICE},
            "usd_per_1m_output_tokens",
            "tpot_ms",
        ),
        ("grid", {"cost.grid": grid(30)}, {"cost.grid": grid(500)}, "gco2e_per_1m_output_tokens", EMBODIED),
        ("pue", {"cost.pue": 1.0}, {"cost.pue": 1.5}, "gco2e_operational_per_1m_output_tokens", "mean_power_w"),
        ("prompt-cache", {"engine.prompt_cache": "warm"}, {"engine.prompt_cache": "cold"}, "ttft_ms", "tpot_ms"),
        ("prompt-cache", {"engine.prompt_cache": "warm"}, {"engine.prompt_cache": "cold"}, "requests_per_s", "itl_ms"),
        ("prompt-cache", {"engine.prompt_cache": "warm"}, {}, "prefill_tokens_per_s", "decode_tokens_per_s"),
    ],
)
def test_what_bars_a_metric_bars_it_everywhere_and_can_be_allowed(
    host_runs, trap: str, one: dict[str, Any], other: dict[str, Any], barred: str, free: str
) -> None:
    found = alike(host_runs, KINDS[0])
    for runs, changes in zip(found, (one, other), strict=True):
        for run in runs:
            change(run, changes)
    assert trap in [seen.id for seen in traps([*found[0], *found[1]])]
    assert set(answers(barred, *found).values()) == {False}
    assert set(answers(free, *found).values()) == {True}
    assert set(answers(barred, *found, allowed=(trap,)).values()) == {True}


def change(run: StoredRun, changes: dict[str, Any]) -> None:
    """Change keys of a manifest in place, such as `{"engine.prompt_cache": "warm"}`."""
    document = run.manifest.model_dump()
    for path, value in changes.items():
        *parents, key = path.split(".")
        target = document
        for parent in parents:
            target = target[parent]
        target[key] = value
    changed = type(run.manifest).model_validate(document)
    for name in type(run.manifest).model_fields:
        setattr(run.manifest, name, getattr(changed, name))


@pytest.mark.parametrize(
    ("metric", "values", "trap", "barred", "free"),
    [
        # 3 of 8 tokens before the sequence ends: whole requests look faster, tokens do not
        ("output_tokens_per_request", (3.0, 8.0), "output-lengths", "requests_per_s", "tpot_ms"),
        ("output_tokens_per_request", (3.0, 8.0), "output-lengths", "e2e_ms", "output_tokens_per_s"),
        ("output_tokens_per_request", (3.0, 8.0), "output-lengths", "cost_per_request", "ttft_ms"),
        ("output_tokens_per_request", (3.0, 8.0), "output-lengths", "cost_per_1m_input_tokens", "ttft_ms"),
        ("output_tokens_per_request", (3.0, 8.0), "output-lengths", "energy_j_per_input_token", "itl_ms"),
        ("prompt_tokens_per_request", (16.0, 31.0), "prompt-lengths", "ttft_ms", "tpot_ms"),
        ("cached_prompt_ratio", (0.0, 0.9), "cached-prompts", "ttft_ms", "tpot_ms"),
    ],
)
def test_unlike_work_is_not_compared(
    host_runs, metric: str, values: tuple[float, float], trap: str, barred: str, free: str
) -> None:
    one, other = alike(host_runs, KINDS[0])
    for runs, value in ((one, values[0]), (other, values[1])):
        for run in runs:
            run.summary.metrics[metric] = measured(metric, value)
    assert trap in [seen.id for seen in traps([*one, *other])]
    assert set(answers(barred, one, other).values()) == {False}
    assert set(answers(free, one, other).values()) == {True}


def test_lengths_that_differ_by_little_are_alike(host_runs) -> None:
    one, other = alike(host_runs, KINDS[0])
    for run in one:
        run.summary.metrics["output_tokens_per_request"] = measured("output_tokens_per_request", 7.7)
    assert fairness([*one, *other]) == []


def test_energy_of_a_window_that_is_too_short_for_its_meter(host_runs) -> None:
    meter = MeterFacts(
        channel="a", meter="nvml", meter_class="counter", scope="whole machine", provenance="p", claim_window_s=60
    )
    readings = [EnergyReading(t_ns=second * 10**9, channel="a", energy_j=float(second)) for second in range(15)]
    (short,) = accounts(EnergyFacts(meters=[meter]), Seen(readings, [(10**9, 13 * 10**9)], None))
    one, other = alike(host_runs, KINDS[0])
    one[0].summary.energy = [account(*KINDS[0], short.notes)]
    assert "energy-window" in [seen.id for seen in traps([*one, *other])]
    assert set(answers("energy_j_per_output_token", one, other).values()) == {False}
    assert set(answers("output_tokens_per_s", one, other).values()) == {True}


def endpoint(path: Path, name: str, **changes: Any) -> StoredRun:
    base = {"engine__url": "http://127.0.0.1:8000/v1", "engine__name": "openai", "run_id": name}
    return stored(path / name, **{**base, **changes})


def test_prompts_that_an_earlier_run_sent_to_this_server(tmp_path: Path) -> None:
    first = endpoint(tmp_path, "first", started_utc="2026-01-01T00:00:00Z")
    second = endpoint(tmp_path, "second", started_utc="2026-01-01T00:01:00Z")
    (said,) = fairness([second, first])
    assert said.startswith("The prompts of second were sent to this server before")
    assert obstacle("ttft_ms", [first], [second]) is not None
    assert obstacle("tpot_ms", [first], [second]) is None
    for other in (
        {"prompts_are_new": True, "nonce": "b"},
        {"nonce": "b"},
        {"seed": 2},
        {"engine__url": "http://127.0.0.1:8001/v1"},
        {"engine__prompt_cache": "cold"},
        {"engine__command": ["llama-server"]},  # a server of its own, which began without a cache
    ):
        assert fairness([first, endpoint(tmp_path, f"third{len(str(other))}", **other)]) == []


def test_responses_that_end_by_themselves_are_as_long_as_they_are(tmp_path: Path) -> None:
    run = stored(tmp_path / "a", workload={"output_tokens": 64, "stop": "natural"})
    run.summary.metrics["output_tokens_per_request"] = measured("output_tokens_per_request", 3.0)
    assert traps([run]) == []


def test_runs_that_differ_in_the_price_of_cached_tokens_are_no_repeats(tmp_path: Path) -> None:
    runs = [
        stored(tmp_path / str(cached), cost={"token_price": {**TOKEN_PRICE, "cached_input_per_1m": cached}})
        for cached in (0.1, 0.5, None)
    ]
    assert len(pools(runs)) == 3


def test_a_run_without_an_interval_counts_beside_those_whose_meter_leaves_one(tmp_path: Path) -> None:
    open_ended = [
        Scalar(unit="J/token", value=value, low=low, high=high, interval=(low, high))
        for value, low, high in ((1.0, 0.8, 1.2), (1.1, 0.9, 1.3))
    ]
    found = [*open_ended, Scalar(unit="J/token", value=1.05, no_interval="too few requests")]
    runs = [stored(tmp_path / str(i), metrics={"energy_j_per_output_token": metric}) for i, metric in enumerate(found)]
    one = pooled(runs, ("energy_j_per_output_token", None))
    assert one == Pooled((), (0.8, 0.9, 1.05), (1.2, 1.3, 1.05))
    assert one.count == 3


def made_at(*kgco2e: float) -> dict[str, Any]:
    return {"kgco2e": kgco2e, "life_h": 35_040.0, "method": "as stated", "source": {"name": "flag", "title": "f"}}


def test_the_embodied_carbon_of_one_machine_is_what_it_is(tmp_path: Path) -> None:
    said = {"a": ("one", 100.0), "b": ("one", 2000.0), "c": ("other", 2000.0)}
    a, b, c = (
        stored(tmp_path / name, host={"name": host}, cost={"embodied": made_at(kg, kg)})
        for name, (host, kg) in said.items()
    )
    found = obstacle("gco2e_per_1m_output_tokens", [a], [b])
    assert found is not None
    assert "100 kgCO2e over 35,040 h against 2000 kgCO2e over 35,040 h" in found.sentence
    assert obstacle("gco2e_operational_per_1m_output_tokens", [a], [b]) is None
    assert obstacle("gco2e_per_1m_output_tokens", [a], [c]) is None  # another machine
    assert len(pools([a, b], {"embodied"})) == 2  # no repeats of one setting
    assert len(pools([a, b], {"energy", "price"})) == 1


def test_rows_of_a_trace_say_for_themselves_how_long_a_response_is(tmp_path: Path) -> None:
    run = stored(tmp_path / "a", workload={"output_tokens": 128, "prompts": {"source": "trace", "file": "t.csv"}})
    run.summary.metrics["output_tokens_per_request"] = measured("output_tokens_per_request", 50.0)
    assert traps([run]) == []
    assert obstacle_alone("e2e_ms", [run]) is None


@pytest.mark.parametrize(
    ("prompts", "tokens"),
    [
        ({"depth": 4096}, 512 + 4096),
        ({"system": {"tokens": 1000, "share": 0.5}}, 512 + 500),
        ({"system": {"tokens": 1000}, "depth": 32768}, 512 + 1000 + 32768),
    ],
)
def test_prompts_are_as_long_as_their_context_and_system_prompt_make_them(
    tmp_path: Path, prompts: dict[str, Any], tokens: float
) -> None:
    run = stored(tmp_path / "a", workload={"prompts": {"source": "synthetic", "tokens": 512, **prompts}})
    run.summary.metrics["prompt_tokens_per_request"] = measured("prompt_tokens_per_request", tokens)
    assert traps([run]) == []
    run.summary.metrics["prompt_tokens_per_request"] = measured("prompt_tokens_per_request", tokens * 1.1)
    (found,) = traps([run])
    assert f"{tokens * 1.1:,.0f} for {tokens:,.0f} (a)" in found.sentence


def test_the_length_of_a_sweep_over_depths_is_not_that_of_its_prompts_alone(tmp_path: Path) -> None:
    prompts = {"source": "synthetic", "tokens": 512, "depth": [0, 4096]}
    run = stored(tmp_path / "a", workload={"prompts": prompts})
    run.summary.metrics["prompt_tokens_per_request"] = measured("prompt_tokens_per_request", 4608.0)
    assert traps([run]) == []


def test_responses_that_end_differently_are_not_the_same_work(tmp_path: Path) -> None:
    runs = [stored(tmp_path / stop, workload={"stop": stop}) for stop in ("length", "natural")]
    with pytest.raises(UsageError, match=r"workload\.stop"):
        check_comparable(runs)
    assert [seen.id for seen in traps(runs)] == ["stop-policy"]
    barred, free = (obstacle(metric, runs[:1], runs[1:]) for metric in ("e2e_ms", "tpot_ms"))
    assert barred is not None
    assert free is None


def test_a_file_of_one_name_may_hold_other_rows(tmp_path: Path) -> None:
    prompts = {"source": "data", "file": "my.jsonl", "template": "my.yaml"}
    digests = ["a" * 16, "b" * 16, None]
    one, other, older = (
        stored(tmp_path / str(number), workload={"prompts": prompts}, data_digest=digest)
        for number, digest in enumerate(digests)
    )
    assert [seen.id for seen in traps([one, other])] == ["other-data"]
    assert obstacle("ttft_ms", [one], [other]) is not None
    assert obstacle("tpot_ms", [one], [other]) is None
    assert traps([one, older]) == []  # of an earlier version it is not known


@pytest.mark.parametrize(("key", "values"), [("shots", (0, 4)), ("template", ("a.yaml", "b.yaml"))])
def test_templates_and_shots_are_part_of_what_was_asked(
    tmp_path: Path, key: str, values: tuple[object, object]
) -> None:
    prompts = {"source": "data", "file": "my.jsonl"}
    runs = [stored(tmp_path / str(value), workload={"prompts": {**prompts, key: value}}) for value in values]
    with pytest.raises(UsageError, match=r"workload\.prompts: .*" + key):
        check_comparable(runs)


def test_models_that_end_by_themselves_are_not_asked_for_one_length(tmp_path: Path) -> None:
    runs = [stored(tmp_path / name, workload={"stop": "natural"}) for name in ("a", "b")]
    for run, length in zip(runs, (3.0, 8.0), strict=True):
        run.summary.metrics["output_tokens_per_request"] = measured("output_tokens_per_request", length)
    (sentence,) = fairness(runs)
    assert "from 3 to 8 tokens" in sentence
    assert "by the correct answer" in sentence
    assert "ignore_eos" not in sentence


TUNING = {"run_id": "s", "metric": "tpot_ms", "aim": "least", "budget_s": 600, "lasted_s": 500} | {
    "settings": {},
    "is_found": False,
    "sentence": "It cannot be told.",
}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"status": "interrupted"}, "Not all that was planned was measured in b"),
        ({"engine__options": {"--threads": "3"}}, "chosen by hand (--threads) in b"),
        ({"tuning": TUNING}, "were tuned within 10 min for tpot_ms in b, and engine defaults in the others"),
        ({"workload": {"output_tokens": 64}}, "shorter than was asked for"),
        ({"workload": {"prompts": {"source": "synthetic", "tokens": 99}}}, "other prompt lengths than were asked for"),
    ],
)
def test_what_is_only_a_warning(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    both = {"command_line": ["aforo", "run"]}
    runs = [stored(tmp_path / "a", **both), stored(tmp_path / "b", **{**both, **changes})]
    for run in runs:
        run.summary.metrics["prompt_tokens_per_request"] = measured("prompt_tokens_per_request", 8.0)
        run.summary.metrics["output_tokens_per_request"] = measured("output_tokens_per_request", 3.0)
    (found,) = traps(runs)
    assert says in found.sentence
    assert not found.is_barring
    assert all(obstacle(metric, [runs[0]], [runs[1]]) is None for metric in METRICS)


def reached(transport: str | None) -> dict[str, Any] | None:
    cell = {"fleet": "f", "plan_sha256": "0" * 64, "host": "h", "cell": "c", "order": 1, "cells": 1, "round": 1}
    return transport and {**cell, "transport": transport, "attempt": 1, "collected_utc": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("transports", "says"),
    [
        (("ray", "ssh"), "ray against ssh. They leave different things there: on a Ray node Ray's own processes run"),
        (("local", "ray", "ssh"), "local, ray, ssh. They leave different things there: a local one also carries the"),
        (("ray", None), "ray against none (aforo run by itself)"),
        (("ray", "ray"), None),
        (("ssh", None), None),  # nothing of SSH stays on a host that a run by hand has not, too
    ],
)
def test_hosts_that_were_reached_in_different_ways(
    tmp_path: Path, transports: tuple[str | None, ...], says: str | None
) -> None:
    runs = [stored(tmp_path / str(place), fleet=reached(name)) for place, name in enumerate(transports)]
    found = [seen for seen in traps(runs) if seen.id == "transports"]
    assert [seen.is_barring for seen in found] == ([False] if says else [])
    assert not says or says in found[0].sentence


def test_every_trap_has_a_line_of_its_own_in_the_documentation() -> None:
    lines = (ROOT / "docs/comparing.md").read_text("utf-8").splitlines()
    assert [trap.id for trap in TRAPS if sum(line.startswith(f"| `{trap.id}` |") for line in lines) != 1] == []


def test_ids_of_traps_are_unique_and_what_bars_says_what_would_do() -> None:
    assert len({trap.id for trap in TRAPS}) == len(TRAPS)
    for trap in TRAPS:
        assert bool(trap.remedy) >= any(map(trap.bars, METRICS.values()))
