"""Whole hosts: recorded ones, one that tells nothing, and the one we run on."""

import json
import os
from collections.abc import Callable

import pytest
from support.recorded_host import Recording

from profiler.hosts.detect import describe
from profiler.hosts.probe import Probe
from profiler.results.host_facts import CacheFacts, HostFacts

Recorded = Callable[[str], Recording]


def told(host: Recording, machine: str) -> HostFacts:
    return describe(host.root, Probe(machine=machine, lscpu=host.lscpu))


def test_an_x86_guest(recording: Recorded) -> None:
    facts = told(recording("x86-guest"), "x86_64")

    assert facts.system == "Debian GNU/Linux 12 (bookworm)"
    assert facts.cpu.vendor == "GenuineIntel"
    assert facts.cpu.model_name == "Intel(R) Xeon(R) Processor"
    assert facts.cpu.isa_level == "x86_64_v4"
    assert {"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8"} <= set(facts.cpu.isa_features)
    assert (facts.cpu.logical_cpus, facts.cpu.physical_cores, facts.cpu.smt) == (2, 2, False)
    assert (facts.cpu.sockets, facts.cpu.numa_nodes) == (1, 1)
    assert facts.cpu.current_frequency_mhz == 2100.0
    assert facts.cpu.governor is None
    assert facts.memory.total_bytes == 24_731_708 * 1024
    assert facts.memory.swap_total_bytes == 0
    assert facts.memory.transparent_hugepages == "madvise"
    assert facts.virtualisation.is_virtual is True
    assert facts.virtualisation.hypervisor == "KVM"
    assert facts.virtualisation.emulated is None


def test_a_guest_is_named_by_its_numbers_where_its_hypervisor_hides_a_feature(recording: Recorded) -> None:
    facts = told(recording("x86-guest"), "x86_64")

    # Model 207 is Emerald Rapids; by features alone it would be an Ice Lake, for 'waitpkg' is hidden.
    assert (facts.cpu.microarchitecture, facts.cpu.microarchitecture_source) == (
        "emeraldrapids",
        "family/model",
    )


def test_caches_are_counted_by_who_shares_them(recording: Recorded) -> None:
    facts = told(recording("x86-guest"), "x86_64")

    # lscpu prints the sums: L1d 96 KiB (2 instances), L1i 64 KiB (2), L2 4 MiB (2), L3 300 MiB (1).
    assert facts.cpu.caches == [
        CacheFacts(level=1, kind="data", size_bytes=48 * 1024, instances=2),
        CacheFacts(level=1, kind="instruction", size_bytes=32 * 1024, instances=2),
        CacheFacts(level=2, kind="unified", size_bytes=2 * 1024**2, instances=2),
        CacheFacts(level=3, kind="unified", size_bytes=300 * 1024**2, instances=1),
    ]


def test_an_arm_host_that_dmi_calls_amazon(recording: Recorded) -> None:
    facts = told(recording("arm-c7g-imitation"), "aarch64")

    assert facts.cpu.vendor == "ARM"
    assert facts.cpu.model_name == "AWS Graviton3 (Neoverse-V1)"
    assert (facts.cpu.microarchitecture, facts.cpu.microarchitecture_source) == ("neoverse_v1", "part")
    assert facts.cpu.isa_features == [*("asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "svei8mm", "svebf16")]
    assert (facts.cpu.logical_cpus, facts.cpu.physical_cores, facts.cpu.sockets) == (4, 4, 1)
    assert facts.cpu.caches == []  # this kernel lists caches without their sizes
    assert facts.virtualisation.system_product == "c7g.xlarge"
    assert (facts.virtualisation.is_virtual, facts.virtualisation.hypervisor) == (True, "Nitro")


def test_an_emulated_host_is_told_by_its_timer(recording: Recorded) -> None:
    facts = told(recording("arm-c7g-imitation"), "aarch64")

    assert facts.virtualisation.emulated is True
    assert "62.5 MHz" in (facts.virtualisation.emulated_reason or "")


def test_the_same_part_elsewhere_is_no_graviton(recording: Recorded) -> None:
    facts = told(recording("arm-devicetree"), "aarch64")

    assert facts.cpu.model_name == "Neoverse-N1"
    assert facts.cpu.sockets == 1  # from /sys: lscpu prints '-' here
    assert facts.virtualisation.system_vendor is None
    assert facts.virtualisation.is_virtual is None


def test_an_imitation_of_graviton2(recording: Recorded) -> None:
    facts = told(recording("arm-c6g-imitation"), "aarch64")

    assert (facts.cpu.generation, facts.cpu.microarchitecture) == ("AWS Graviton2", "neoverse_n1")
    assert (facts.cloud.provider, facts.cloud.instance_type) == ("aws", "c6g.xlarge")
    assert facts.virtualisation.emulated is True


def test_a_processor_that_is_none_has_no_generation_whatever_dmi_says(recording: Recorded) -> None:
    facts = told(recording("arm-c8g-imitation"), "aarch64")  # qemu's 'max' in a guest that claims to be a c8g

    assert facts.cpu.generation is None
    assert facts.cloud.instance_type == "c8g.xlarge"
    assert {"i8mm", "sve2", "bf16"} <= set(facts.cpu.isa_features)
    assert facts.virtualisation.emulated is True


def test_an_epyc_guest_in_a_container(recording: Recorded) -> None:
    facts = told(recording("x86-epyc-guest"), "x86_64")

    assert facts.cpu.generation == "AMD EPYC 7003 (Milan, Zen 3)"
    assert facts.cpu.caches[-1] == CacheFacts(level=3, kind="unified", size_bytes=32 * 1024**2, instances=1)
    # 6022 of 776352 ticks
    assert facts.cpu.steal_since_boot_ratio == 6022 / 776352
    assert (facts.virtualisation.container, facts.virtualisation.hypervisor) == ("docker", "KVM")
    assert facts.cloud.provider is None


def test_the_register_names_the_core_where_cpuinfo_does_not(recording: Recorded) -> None:
    host = recording("arm-c6g-imitation")
    host.write("proc/cpuinfo", "processor : 0\nFeatures : asimd\n")

    # 0x414fd0c1: implementer 0x41, variant 4, architecture 0xf, part 0xd0c, revision 1
    assert told(host, "aarch64").cpu.microarchitecture == "neoverse_n1"


def test_an_unknown_number_of_sockets_is_unknown(recording: Recorded) -> None:
    host = recording("arm-devicetree")
    for cpu in (0, 1):
        host.write(f"sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id", "-1")

    assert told(host, "aarch64").cpu.sockets is None


def test_a_host_that_tells_nothing_is_described_with_nothing(empty: Recording) -> None:
    facts = describe(empty.root, Probe(machine="riscv64"))

    told = facts.model_dump(exclude={"fingerprint", "python", "machine"}, exclude_none=True)
    assert told == {
        "cpu": {"isa_features": [], "caches": []},
        "memory": {},
        "virtualisation": {},
        "limits": {},
        "gpus": [],
        "cloud": {},
    }


def test_garbage_is_unknown_too(empty: Recording) -> None:
    empty.write("proc/cpuinfo", "processor : 0\ncpu family : six\ncpu MHz : 1.2.3\n")
    empty.write("proc/meminfo", "MemTotal: lots kB\n")
    empty.write("proc/self/cgroup", "nonsense\n")
    empty.write("sys/devices/system/cpu/cpu0/cache/index0/size", "big")

    facts = describe(empty.root, Probe(machine="x86_64", lscpu='{"lscpu": [7]}'))

    assert (facts.cpu.family, facts.cpu.current_frequency_mhz, facts.cpu.caches) == (None, None, [])
    assert facts.memory.total_bytes is None


def test_cpufreq_gives_frequency_and_governor(recording: Recorded) -> None:
    host = recording("arm-devicetree")
    for cpu, current_khz in ((0, 1_000_000), (1, 2_000_000)):
        folder = f"sys/devices/system/cpu/cpu{cpu}/cpufreq"
        host.write(f"{folder}/cpuinfo_max_freq", "3000000\n")
        host.write(f"{folder}/scaling_cur_freq", f"{current_khz}\n")
        host.write(f"{folder}/scaling_governor", "schedutil\n")

    cpu_facts = told(host, "aarch64").cpu

    assert cpu_facts.max_frequency_mhz == 3000.0
    assert cpu_facts.current_frequency_mhz == 1500.0  # mean of 1000 and 2000 MHz
    assert cpu_facts.governor == "schedutil"


def test_two_cpus_of_one_core_are_smt(recording: Recorded) -> None:
    host = recording("x86-guest")
    for cpu in (0, 1):
        host.write(f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", "0-1")

    cpu_facts = describe(host.root, Probe(machine="x86_64")).cpu

    assert (cpu_facts.physical_cores, cpu_facts.threads_per_core, cpu_facts.smt) == (1, 2, True)


def test_without_files_the_answers_are_used(empty: Recording) -> None:
    """The way of macOS, which has neither /proc nor lscpu."""
    probe = Probe(
        machine="arm64",
        system="Darwin 15.1",
        logical_cpus=10,
        physical_cores=10,
        memory_bytes=2**34,
        cpu_brand="Apple M4",
        microarchitecture="m4",
    )

    facts = describe(empty.root, probe)

    assert (facts.system, facts.cpu.model_name, facts.cpu.microarchitecture) == (
        "Darwin 15.1",
        "Apple M4",
        "m4",
    )
    assert (facts.cpu.physical_cores, facts.cpu.smt, facts.memory.total_bytes) == (10, False, 2**34)


class TestFingerprint:
    def test_is_the_same_for_another_machine_of_the_same_type(self, recording: Recorded) -> None:
        host = recording("x86-guest")
        first = describe(host.root, Probe(machine="x86_64", name="a", kernel="6.1.0", usable_cpus=2))
        host.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1234000")
        host.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave")
        second = describe(host.root, Probe(machine="x86_64", name="b", kernel="6.8.0", usable_cpus=1))

        assert first.name != second.name
        assert first.fingerprint == second.fingerprint
        assert len(first.fingerprint) == 12

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("proc/meminfo", "MemTotal: 8388608 kB"),
            ("sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "0"),
            ("sys/devices/virtual/dmi/id/product_name", "c7i.large"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000"),
        ],
    )
    def test_differs_for_a_different_host(self, recording: Recorded, path: str, text: str) -> None:
        host = recording("x86-guest")
        before = told(host, "x86_64").fingerprint
        host.write(path, text)

        assert told(host, "x86_64").fingerprint != before


def test_this_machine_is_described_quickly_and_fits_in_json() -> None:
    describe()  # what is imported and read for the first time is not what is timed
    start_s = sum(os.times()[:4])
    facts = describe()
    cpu_s = sum(os.times()[:4]) - start_s

    assert cpu_s < 0.5  # of this process and of those that it asks
    assert facts.cpu.logical_cpus
    assert facts.memory.total_bytes
    assert json.loads(facts.model_dump_json())["machine"] == facts.machine
    assert describe().fingerprint == facts.fingerprint
