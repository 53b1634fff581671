"""Host facts as people see them."""

from profiler.hosts.table import rows
from profiler.results.host_facts import (
    CacheFacts,
    CpuFacts,
    HostFacts,
    LimitFacts,
    MemoryFacts,
    VirtualisationFacts,
)


def test_what_is_unknown_says_so() -> None:
    shown = dict(rows(HostFacts(fingerprint="0123456789ab")))

    assert shown["Fingerprint"] == "0123456789ab"
    assert shown["CPU"] == "unknown, unknown"
    assert shown["Frequency"] == "unknown now, unknown at most, governor unknown, turbo unknown"
    assert shown["Memory"] == "unknown, swap unknown, huge pages unknown"
    assert "Emulated" not in shown


def test_units_are_shown() -> None:
    facts = HostFacts(
        cpu=CpuFacts(
            logical_cpus=8,
            usable_cpus=2,
            physical_cores=4,
            max_frequency_mhz=3200.0,
            caches=[CacheFacts(level=1, kind="data", size_bytes=49152, instances=4)],
        ),
        memory=MemoryFacts(total_bytes=16 * 2**30, swap_total_bytes=0),
        limits=LimitFacts(cgroup_version=2, cpu_limit_cores=1.5, memory_limit_bytes=2**30),
        virtualisation=VirtualisationFacts(emulated=True, emulated_reason="it says so"),
    )

    shown = dict(rows(facts))

    assert shown["Cores"].startswith("4 physical, 8 logical (2 usable)")
    assert shown["Caches"] == "L1d 4 × 48 KiB"
    assert "3,200 MHz at most" in shown["Frequency"]
    assert shown["Memory"].startswith("16.0 GiB, swap 0.0 GiB")
    assert (shown["CPU limit"], shown["Memory limit"]) == ("1.5 cores", "1.0 GiB")
    assert shown["Emulated"] == "yes: it says so; no speed seen here means anything"
