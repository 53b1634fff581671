"""How many CPUs a process may use."""

import os

import pytest

from profiler.hosts.usable_cpus import usable_cpu_count, usable_cpus


def test_there_are_no_more_usable_cpus_than_there_are() -> None:
    assert 1 <= usable_cpu_count() <= (os.cpu_count() or 1)


def test_without_an_affinity_all_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert usable_cpus() is None
    assert usable_cpu_count() == 6
