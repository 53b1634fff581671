"""What a run says of itself before its first number."""

import os
from types import SimpleNamespace
from typing import Any

import pytest
from support.builders import manifest

from profiler.results.caveats import Caveat
from profiler.run import caveats as module
from profiler.run.caveats import caveats
from profiler.run.plan import load_per_core
from profiler.timing.messages import Hello, TlsOptions


def plan(*, is_synthetic: bool = False, tls: TlsOptions | None = None, warnings: tuple[str, ...] = ()) -> Any:
    """As much of a plan as caveats look at."""
    return SimpleNamespace(
        model=SimpleNamespace(is_synthetic=is_synthetic, changed_from=None),
        lora=None,
        tls=tls,
        endpoint=SimpleNamespace(describe=lambda: None),
        cpus=SimpleNamespace(warnings=()),
        warnings=warnings,
        workload=None,
        trace=None,
        data=None,
    )


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without other work, an engine that was built for it, prompts of which there is nothing to say."""
    monkeypatch.setattr(module, "load_per_core", lambda: 0.1)
    monkeypatch.setattr(module, "slow_build", lambda engine, features: None)
    monkeypatch.setattr(module, "prompt_warnings", lambda workload, trace, data: [])


HOST: Any = SimpleNamespace(cpu=SimpleNamespace(isa_features=None), roofline=None)


def found(of: Any, *, kernel: bool = True) -> list[str]:
    return [caveat.id for caveat in caveats(of, Hello(1, kernel, "no such option"), HOST)]


def test_a_run_without_doubts_has_no_caveat() -> None:
    assert found(plan()) == []


def test_each_doubt_has_an_id() -> None:
    doubtful = plan(is_synthetic=True, tls=TlsOptions(is_insecure=True), warnings=("it lists other models",))
    assert found(doubtful, kernel=False) == [
        "synthetic-weights",
        "user-space-timestamps",
        "unchecked-certificate",
        "setup",
    ]


def test_a_busy_host_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load_per_core", lambda: 0.51)
    assert found(plan()) == ["busy-host"]


def test_warnings_and_ids_stand_in_the_same_order() -> None:
    run = manifest()
    run.warnings, run.caveats = [], []
    run.warn(Caveat("busy-host", "It was busy."))
    run.warn(Caveat("prompts", "They are long."))
    assert (run.warnings, run.caveats) == (["It was busy.", "They are long."], ["busy-host", "prompts"])


def test_the_load_average_is_of_all_cpus_whichever_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container with 4 of 64 CPUs: a load of 20 keeps less than a third of the machine busy."""
    monkeypatch.setattr(os, "getloadavg", lambda: (20.0, 20.0, 20.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert load_per_core() == 20 / 64
