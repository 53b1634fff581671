from profiler.reports.facts import Fact, facts, host_name
from profiler.results.host_facts import HostFacts


def test_nested_facts_become_rows():
    found = facts({"slo": {"ttft_ms": 200.0, "e2e_ms": None}, "is_synthetic": True, "size_bytes": 2**20}, absent="none")
    assert found == [
        Fact("SLO: TTFT", "200\u00a0ms"),
        Fact("SLO: E2E", "none"),
        Fact("Synthetic", "yes"),
        Fact("Size", "1.00\u00a0MiB"),
    ]


def test_lists_are_joined_and_long_ones_folded():
    short, long, nested = facts({"a": [1, 2], "b": list(range(20)), "c": [{"level": 1}, {"level": 2}]})[:3]
    assert short.text == "1, 2"
    assert (long.text, long.folded) == ("20 entries", ", ".join(map(str, range(20))))
    assert nested == Fact("C: 1: level", "1")


def test_long_text_is_folded():
    assert facts({"build": "x" * 400}) == [Fact("Build", "400 characters", "x" * 400)]


def test_the_name_of_a_host():
    assert host_name(HostFacts(name="bench-01")) == "bench-01"
    assert host_name(HostFacts()) == "unnamed host"
