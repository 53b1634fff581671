"""Whatever a machine's files hold, or do not hold, it is described: with gaps, never with a crash."""

import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.recorded_host import Recording

from profiler.hosts.check import Look, check, moment
from profiler.hosts.detect import describe
from profiler.hosts.probe import Probe
from profiler.hosts.table import rows
from profiler.hosts.tree import Tree
from profiler.results.host_facts import HostFacts

CPU = "sys/devices/system/cpu"
PATHS = [
    *("proc/cpuinfo", "proc/meminfo", "proc/stat", "proc/self/cgroup", "proc/sys/kernel/arch", "etc/os-release"),
    *("proc/sys/kernel/numa_balancing", "proc/pressure/memory", "run/systemd/container"),
    *(f"{CPU}/online", f"{CPU}/intel_pstate/no_turbo", f"{CPU}/cpu0/topology/thread_siblings_list"),
    *(f"{CPU}/cpu0/topology/physical_package_id", f"{CPU}/cpu0/regs/identification/midr_el1"),
    *(f"{CPU}/cpu0/cache/index0/{leaf}" for leaf in ("level", "size", "type", "shared_cpu_list")),
    *(f"{CPU}/cpu0/cpufreq/{leaf}" for leaf in ("cpuinfo_max_freq", "scaling_cur_freq", "scaling_governor")),
    *(f"{CPU}/cpu0/thermal_throttle/core_throttle_count", "sys/devices/system/node/node0/cpulist"),
    *("sys/kernel/mm/transparent_hugepage/enabled", "sys/fs/cgroup/cgroup.controllers", "sys/fs/cgroup/cpu.max"),
    *("sys/fs/cgroup/memory.max", "sys/fs/cgroup/cpuset.cpus.effective", "sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
    *(f"sys/devices/virtual/dmi/id/{leaf}" for leaf in ("sys_vendor", "product_name", "chassis_asset_tag")),
]
WORDS = [
    *("processor : 0", "flags : fma", "cpu family : 6", "model : 143", "CPU part : 0xd40", "CPU implementer : 0x41"),
    *("cpu MHz : 1.2.3", "cpu MHz : ²", "cpu MHz : nan", "cpu  1 2 3 4 5 6 7 8", "cpu ² ² ² ² ² ² ² ²", "Tcp: 1"),
    *("MemTotal: ² kB", "MemTotal: -1 kB", "MemTotal: 0 kB", "SwapTotal: 9 kB", "SwapFree: 10 kB"),
    *("some avg10=x", "some avg10", "0::/../..", "1:cpu,memory:/\0", "0-3", "3-0", "0-99999999999", "-1", "²", "max"),
    *("max 100000", "0 0", "100000 ²", "48K", "²K", "-3K", "Data", "[", "[always] [never]", "Amazon EC2", "Google"),
]
texts = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(WORDS), max_size=6).map("\n".join))
answers = st.one_of(
    st.none(),
    texts,
    st.sampled_from(['{"lscpu": [7]}', '{"lscpu": [{"field": 3}]}', '{"lscpu": [{"field": "CPU(s):", "data": [1]}]}']),
)


@settings(max_examples=150)
@given(
    files=st.dictionaries(st.sampled_from(PATHS), texts),
    machine=st.sampled_from(["x86_64", "aarch64", "armv7l", "riscv64", ""]),
    lscpu=answers,
    usable_cpus=st.none() | st.integers(1, 4),
)
@example(
    files={"sys/kernel/mm/transparent_hugepage/enabled": "["}, machine="x86_64", lscpu=None, usable_cpus=None
)  # brackets around nothing
def test_it_is_described(files: dict[str, str], machine: str, lscpu: str | None, usable_cpus: int | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        host = Recording(Path(folder), "")
        for path, text in files.items():
            host.write(path, text)

        facts = describe(host.root, Probe(machine=machine, lscpu=lscpu, usable_cpus=usable_cpus))
        look = Look(Tree(host.root), facts, moment(host.root), moment(host.root), frozenset({0}))

        assert HostFacts.model_validate_json(facts.model_dump_json()) == facts
        assert len(facts.fingerprint) == 12
        assert all(isinstance(text, str) and text for row in rows(facts) for text in row)
        assert all(report.seen != "" for report in check(look))
