"""Limits of control groups."""

import pytest
from support.recorded_host import Recording

from profiler.hosts import cgroup
from profiler.hosts.tree import Tree
from profiler.results.host_facts import LimitFacts


@pytest.mark.parametrize(
    ("quota", "period", "cores"),
    [
        ("150000", "100000", 1.5),
        ("max", "100000", None),  # version 2: no limit
        ("-1", "100000", None),  # version 1: no limit
        ("100000", "0", None),
        (None, None, None),
    ],
)
def test_cpu_limit(quota: str | None, period: str | None, cores: float | None) -> None:
    assert cgroup.cpu_limit_cores(quota, period) == cores


@pytest.mark.parametrize(
    ("text", "limit_bytes"),
    [("1073741824", 2**30), ("max", None), ("9223372036854771712", None), (None, None)],
)
def test_memory_limit(text: str | None, limit_bytes: int | None) -> None:
    assert cgroup.memory_limit_bytes(text) == limit_bytes


def test_membership() -> None:
    text = "12:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc:1\n0::/user.slice\n"

    assert cgroup.membership(text) == {
        "cpu": "/docker/abc",
        "cpuacct": "/docker/abc",
        "memory": "/docker/abc:1",
        "": "/user.slice",
    }


def test_version_2_takes_the_tightest_limit_on_the_way_up(empty: Recording) -> None:
    empty.write("proc/self/cgroup", "0::/a/b")
    empty.write("sys/fs/cgroup/cgroup.controllers", "cpu memory")
    empty.write("sys/fs/cgroup/a/cpu.max", "200000 100000")
    empty.write("sys/fs/cgroup/a/b/cpu.max", "max 100000")
    empty.write("sys/fs/cgroup/a/memory.max", "max")
    empty.write("sys/fs/cgroup/a/b/memory.max", "4096")

    assert cgroup.limits(Tree(empty.root)) == LimitFacts(
        cgroup_version=2, cpu_limit_cores=2.0, memory_limit_bytes=4096, share_cores=2.0, share_memory_bytes=4096
    )


@pytest.mark.parametrize("mount", ["cpu,cpuacct", "cpuacct,cpu"])
def test_version_1_where_two_controllers_share_a_mount_without_links(empty: Recording, mount: str) -> None:
    empty.write("proc/self/cgroup", f"4:{mount}:/a\n3:memory:/a")
    empty.write(f"sys/fs/cgroup/{mount}/a/cpu.cfs_quota_us", "200000")
    empty.write(f"sys/fs/cgroup/{mount}/a/cpu.cfs_period_us", "100000")

    assert cgroup.limits(Tree(empty.root)).cpu_limit_cores == 2.0


def test_memory_that_is_taken_back_beyond_a_size_is_limited_to_it(empty: Recording) -> None:
    """memory.high of version 2, MemoryHigh of systemd: processes above it are held up and their pages taken."""
    empty.write("proc/self/cgroup", "0::/a")
    empty.write("sys/fs/cgroup/cgroup.controllers", "memory")
    empty.write("sys/fs/cgroup/a/memory.max", "max")
    empty.write("sys/fs/cgroup/a/memory.high", "2147483648")

    assert cgroup.limits(Tree(empty.root)).memory_limit_bytes == 2**31


def test_version_2_inside_a_container_has_the_limit_at_the_root(empty: Recording) -> None:
    empty.write("proc/self/cgroup", "0::/")
    empty.write("sys/fs/cgroup/cgroup.controllers", "cpu memory")
    empty.write("sys/fs/cgroup/cpu.max", "50000 100000")

    assert cgroup.limits(Tree(empty.root)).cpu_limit_cores == 0.5


def test_version_1_falls_back_to_the_mounted_group(empty: Recording) -> None:
    # A container sees its own group mounted as the root while the path is still the host's.
    empty.write("proc/self/cgroup", "4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n")
    empty.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000")
    empty.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000")
    empty.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "8192")

    assert cgroup.limits(Tree(empty.root)) == LimitFacts(
        cgroup_version=1, cpu_limit_cores=3.0, memory_limit_bytes=8192, share_cores=3.0, share_memory_bytes=8192
    )


def test_no_control_groups_at_all(empty: Recording) -> None:
    assert cgroup.limits(Tree(empty.root)) == LimitFacts()


@pytest.mark.parametrize(
    ("version_file", "cpuset_file"),
    [("cgroup.controllers", "cpuset.cpus.effective"), ("cpuset/tasks", "cpuset/cpuset.effective_cpus")],
)
def test_a_cpuset_is_a_limit_where_it_leaves_cpus_out(empty: Recording, version_file: str, cpuset_file: str) -> None:
    empty.write("sys/devices/system/cpu/online", "0-15")
    empty.write(f"sys/fs/cgroup/{version_file}", "")
    empty.write(f"sys/fs/cgroup/{cpuset_file}", "0-3,8")

    found = cgroup.limits(Tree(empty.root), usable_cpus=16, memory_bytes=2**30)

    assert (found.cpuset, found.share_cores) == ("0-3,8", 5.0)
    assert found.share_memory_bytes == 2**30


def test_a_cpuset_of_all_cpus_is_none(empty: Recording) -> None:
    empty.write("sys/devices/system/cpu/online", "0-3")
    empty.write("sys/fs/cgroup/cgroup.controllers", "cpuset")
    empty.write("sys/fs/cgroup/cpuset.cpus.effective", "0-3")

    found = cgroup.limits(Tree(empty.root), usable_cpus=2)

    assert (found.cpuset, found.share_cores) == (None, 2.0)
