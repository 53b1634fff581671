"""Asking the machine itself."""

import subprocess
from collections.abc import Callable

import pytest

from profiler.hosts import probe


def failing(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError("lscpu"),
        subprocess.TimeoutExpired("lscpu", 5.0),
        subprocess.CalledProcessError(1, "lscpu"),
    ],
)
def test_lscpu_that_is_missing_hangs_or_fails_is_unknown(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr("profiler.hosts.probe.sys.platform", "linux")
    monkeypatch.setattr("profiler.hosts.probe.subprocess.check_output", failing(error))

    assert probe.this_machine().lscpu is None


def test_a_counter_that_fails_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profiler.hosts.probe.psutil.virtual_memory", failing(OSError("no such file")))

    asked = probe.this_machine()

    assert asked.memory_bytes is None
    assert asked.logical_cpus
