"""Which references a run is set beside: of the same work, shape, engine and CPU generation."""

from typing import Any

from support.loads import swept

from profiler.results.host_facts import CpuFacts, HostFacts
from profiler.results.run_set import StoredRun
from profiler.verdict.references import beside

ZEN4 = CpuFacts(generation="AMD EPYC 9004 (Genoa, Zen 4)", model_name="AMD EPYC 9R14")


def run(name: str, cpu: CpuFacts = ZEN4, engine: str = "llama-server", **more: Any) -> StoredRun:
    made = swept(name, {1: (100.0, 50.0)}, **more)
    made.manifest.host = HostFacts(name=name, cpu=cpu)
    made.manifest.engine = made.manifest.engine.model_copy(update={"name": engine})
    return made


def test_the_same_setting_on_another_host_is_alike() -> None:
    reference = run("vm")
    assert beside(run("own"), [reference]).alike == (reference,)


def test_a_run_is_not_set_beside_itself() -> None:
    only = run("own")
    assert beside(only, [only]) == beside(only, [])
    assert beside(only, []).lacks is None


def test_what_differs_is_said_from_the_work_on() -> None:
    own = run("own")
    other_work = run("a", workload={"output_tokens": 7})
    other_shape = run("b", model={"layers": 7})
    warm = run("e")
    warm.manifest.engine = warm.manifest.engine.model_copy(update={"prompt_cache": "warm"})
    other_engine, other_cpu = run("c", engine="vllm"), run("d", cpu=CpuFacts(generation="AWS Graviton3"))
    assert beside(own, [other_work]).lacks == "none is of this workload and load"
    assert beside(own, [other_work, other_shape]).lacks == "none is of this model shape and quantisation"
    assert beside(own, [other_shape, other_engine]).lacks == "none was made with this engine"
    assert beside(own, [other_engine, warm]).lacks == "none was made with these settings of the engine"
    assert beside(own, [other_engine, other_cpu]).lacks == "none was made on this CPU generation"


def test_an_slo_is_no_matter_and_an_unknown_cpu_is_like_none() -> None:
    other = run("vm", workload={"slo": {"ttft_ms": 1.0}})
    assert beside(run("own"), [other]).alike == (other,)
    unknown = CpuFacts()
    assert not beside(run("own", cpu=unknown), [run("vm", cpu=unknown)]).alike


def test_without_a_generation_the_name_of_the_cpu_counts() -> None:
    old = CpuFacts(model_name="Some CPU 3000")
    assert beside(run("own", cpu=old), [run("vm", cpu=old)]).alike
