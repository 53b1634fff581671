"""The knobs: what each shows and advises, on hosts made for it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.recorded_host import Recording
from support.written_host import HOSTS

from profiler.hosts.check import KNOBS, KnobReport, Look, Moment, check, look, moment
from profiler.hosts.detect import describe
from profiler.hosts.probe import Probe
from profiler.hosts.procfs import CpuTimes
from profiler.hosts.tree import Tree
from profiler.results.host_facts import CpuFacts, HostFacts, LimitFacts, MemoryFacts

Checked = Callable[..., KnobReport]
STILL = Moment(CpuTimes(), None)


@pytest.fixture
def checked(empty: Recording) -> Checked:
    """Check one knob of a host that has these facts and files."""

    def run(
        knob: str,
        host: HostFacts | None = None,
        after: Moment = STILL,
        cpus: frozenset[int] = frozenset(),
        **files: str,
    ) -> KnobReport:
        for path, text in files.items():
            empty.write(path.replace("__", "/"), text)
        seen = Look(Tree(empty.root), host or HostFacts(), Moment(CpuTimes(), 0), after, cpus)
        return next(report for report in check(seen) if report.knob == knob)

    return run


def cpu_host(**facts: object) -> HostFacts:
    return HostFacts(cpu=CpuFacts(**facts))  # type: ignore[arg-type]


def memory_host(**facts: object) -> HostFacts:
    return HostFacts(memory=MemoryFacts(**facts))  # type: ignore[arg-type]


def test_a_host_that_tells_nothing_gets_no_advice(empty: Recording) -> None:
    reports = check(Look(Tree(empty.root), HostFacts(), STILL, STILL))

    assert [(report.seen, report.advice) for report in reports] == [(None, None)] * len(KNOBS)
    assert all(report.why for report in reports)


@pytest.mark.parametrize(("stolen", "seen", "is_advised"), [(2, "1.0%", False), (3, "1.5%", True)])
def test_steal(checked: Checked, stolen: int, seen: str, is_advised: bool) -> None:
    report = checked("steal", after=Moment(CpuTimes(busy=0, stolen=stolen, total=200), None))

    assert (seen in (report.seen or ""), report.advice is not None) == (True, is_advised)


@pytest.mark.parametrize(("busy", "seen", "is_advised"), [(25, "0.25 of 2", False), (60, "0.60 of 2", True)])
def test_other_load(checked: Checked, busy: int, seen: str, is_advised: bool) -> None:
    # 25 of 200 ticks of both processors: 12.5 % of 2 is a quarter of one.
    report = checked("other load", cpu_host(logical_cpus=2), Moment(CpuTimes(busy=busy, total=200), None))

    assert (seen in (report.seen or ""), report.advice is not None) == (True, is_advised)


@pytest.mark.parametrize(
    ("knob", "host", "seen", "advice"),
    [
        ("governor", cpu_host(governor="performance"), "performance", None),
        ("governor", cpu_host(governor="powersave+schedutil"), "powersave+schedutil", "cpupower"),
        ("turbo", cpu_host(turbo=True), "allowed", None),
        ("turbo", cpu_host(turbo=False), "forbidden", "Compare like with like"),
        ("swap", memory_host(swap_total_bytes=0), "none", None),
        ("swap", memory_host(swap_total_bytes=2**30, swap_used_bytes=0), "0 MiB used", None),
        ("swap", memory_host(swap_total_bytes=2**30, swap_used_bytes=2**20), "1 MiB used", "swapoff"),
        ("huge pages", memory_host(transparent_hugepages="madvise"), "madvise", None),
        ("huge pages", memory_host(transparent_hugepages="never"), "never", "tee"),
        ("SMT siblings", cpu_host(smt=False, threads_per_core=1), "one thread a core", None),
        ("SMT siblings", cpu_host(smt=True, threads_per_core=2, physical_cores=8), "2 threads", "--threads 8"),
        ("NUMA balancing", cpu_host(numa_nodes=1), "one node", None),
        ("NUMA binding", cpu_host(numa_nodes=1), "one node", None),
        (
            "container share",
            HostFacts(
                cpu=CpuFacts(logical_cpus=16, usable_cpus=8), limits=LimitFacts(cpu_limit_cores=3.5, share_cores=3.5)
            ),
            "3.5 of 16",
            "--threads 3",
        ),
        (
            "container share",
            HostFacts(cpu=CpuFacts(logical_cpus=4, usable_cpus=4), limits=LimitFacts(share_cores=4.0)),
            "4 of 4",
            None,
        ),
    ],
)
def test_settings(checked: Checked, knob: str, host: HostFacts, seen: str, advice: str | None) -> None:
    report = checked(knob, host)

    assert seen in (report.seen or "")
    assert (report.advice is None) if advice is None else (advice in (report.advice or ""))


@pytest.mark.parametrize(
    ("allowed", "quota", "threads"),
    [
        ({0, 1, 2, 3, 4, 5, 6, 7}, None, 4),
        ({0, 1, 2, 3}, None, 2),  # of a machine with 64 cores: more would be refused
        ({0, 1, 2, 3}, 1.5, 1),
        (set(), None, 64),  # which ones may be used is not known
        (set(), 8.0, 8),
    ],
)
def test_one_thread_for_each_core_that_may_be_used(
    checked: Checked, allowed: set[int], quota: float | None, threads: int
) -> None:
    cpu = CpuFacts(smt=True, threads_per_core=2, physical_cores=64, logical_cpus=128)
    topology = "sys__devices__system__cpu__cpu{}__topology__thread_siblings_list"
    siblings = {topology.format(number): f"{number // 2 * 2}-{number // 2 * 2 + 1}" for number in range(8)}
    host = HostFacts(cpu=cpu, limits=LimitFacts(cpu_limit_cores=quota))

    report = checked("SMT siblings", host, cpus=frozenset(allowed), **siblings)

    assert (report.advice or "").endswith(f"--threads {threads}.")


@pytest.mark.parametrize(("setting", "seen", "is_advised"), [("1", "on, 2 nodes", True), ("0", "off, 2 nodes", False)])
def test_numa_balancing(checked: Checked, setting: str, seen: str, is_advised: bool) -> None:
    report = checked("NUMA balancing", cpu_host(numa_nodes=2), proc__sys__kernel__numa_balancing=setting)

    assert (report.seen, report.advice is not None) == (seen, is_advised)


@pytest.mark.parametrize(("cpus", "nodes", "is_advised"), [({0, 5}, 2, True), ({4, 5}, 1, False)])
def test_numa_binding(checked: Checked, cpus: set[int], nodes: int, is_advised: bool) -> None:
    report = checked(
        "NUMA binding",
        cpu_host(numa_nodes=2),
        cpus=frozenset(cpus),
        sys__devices__system__node__node0__cpulist="0-3",
        sys__devices__system__node__node1__cpulist="4-7",
    )

    assert (report.seen, report.advice is not None) == (f"free to run on {nodes} of 2 nodes", is_advised)


@pytest.mark.parametrize(
    ("stalled", "available_kib", "is_advised"),
    [("0.50", 500, False), ("2.00", 500, True), ("0.00", 50, True), ("0.00", 0, True)],
)
def test_memory_pressure(checked: Checked, stalled: str, available_kib: int, is_advised: bool) -> None:
    report = checked(
        "memory pressure",
        memory_host(total_bytes=1000 * 1024),
        proc__pressure__memory=f"some avg10={stalled} avg60=0.00 avg300=0.00 total=1\nfull avg10=9.00",
        proc__meminfo=f"MemAvailable: {available_kib} kB",
    )

    assert report.seen == f"stalled {float(stalled):.1f}% of the last 10 s, {available_kib // 10}% of memory available"
    assert (report.advice is not None) is is_advised


@pytest.mark.parametrize(("events", "seen", "is_advised"), [(0, "0 times", False), (2, "2 times", True)])
def test_throttling(checked: Checked, events: int, seen: str, is_advised: bool) -> None:
    report = checked("throttling", after=Moment(CpuTimes(), events))

    assert (seen in (report.seen or ""), report.advice is not None) == (True, is_advised)


def test_a_server_with_two_sockets(tmp_path: Path) -> None:
    root = HOSTS["h100-host"].lay_out(tmp_path).root
    host = describe(root, Probe(machine="x86_64"))
    seen = Look(Tree(root), host, moment(root), moment(root), frozenset(range(224)))
    advised = {report.knob for report in check(seen) if report.advice}

    assert advised == {"NUMA balancing", "NUMA binding", "SMT siblings"}


def test_this_machine_is_looked_at_for_a_second() -> None:
    class Patient:
        slept_s = 0.0

        def sleep(self, duration_s: float) -> None:
            self.slept_s += duration_s

    clock = Patient()
    reports = check(look(describe(), clock))  # type: ignore[arg-type]

    assert clock.slept_s == 1.0
    assert len(reports) == len(KNOBS)
