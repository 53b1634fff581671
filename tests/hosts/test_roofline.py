"""The measured limits, and where they are kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from profiler.errors import RecordError
from profiler.hosts import roofline, roofline_cache
from profiler.hosts.check import Moment
from profiler.hosts.detect import this_host
from profiler.hosts.procfs import CpuTimes
from profiler.progress import Silent
from profiler.results.host_facts import (
    CpuFacts,
    GpuFacts,
    HostFacts,
    LimitFacts,
    PeakFacts,
    RooflineFacts,
    VirtualisationFacts,
)
from profiler.timing.clock import SystemClock

PEAKS = {"f32": PeakFacts(operations_per_s=2e9, how="x"), "bf16": PeakFacts(operations_per_s=None, reason="none here")}
KEPT = RooflineFacts(
    fingerprint="0123456789ab",
    measured_utc="2026-01-01T00:00:00Z",
    tool_version="0",
    threads=2,
    memory_bytes_per_s=1e10,
    peaks=PEAKS,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "aforo"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Limits that take no time to measure; yields what was asked for."""
    asked: list[object] = []

    def read(cpus: list[int | None], bytes_each: int, *_: object) -> float:
        asked.append((len(cpus), bytes_each))
        return 1e10

    monkeypatch.setattr("profiler.hosts.check._LOOK_S", 0.0)
    monkeypatch.setattr("profiler.hosts.bandwidth.read_bytes_per_s", read)
    monkeypatch.setattr("profiler.hosts.peak.peaks", lambda threads, _: PEAKS)
    return asked


def host(**facts: object) -> HostFacts:
    return HostFacts(fingerprint="0123456789ab", cpu=CpuFacts(logical_cpus=2), **facts)  # type: ignore[arg-type]


def measure(facts: HostFacts) -> RooflineFacts:
    return roofline.measure(facts, Silent(), SystemClock())


def test_all_limits_and_how_they_were_measured(measured: list[object]) -> None:
    found = measure(host())

    assert (found.fingerprint, found.threads, found.memory_bytes_per_s, found.peaks) == ("0123456789ab", 2, 1e10, PEAKS)
    assert measured == [(2, 512 * 2**20)]
    assert "2 threads, 512 MiB each" in (found.memory_how or "")


@pytest.mark.parametrize(
    ("limits", "threads"),
    [(LimitFacts(), 2), (LimitFacts(share_cores=1.5), 2), (LimitFacts(share_cores=0.3), 1)],
)
def test_a_thread_for_every_processor_of_the_share(limits: LimitFacts, threads: int) -> None:
    assert roofline.thread_count(host(limits=limits)) == threads


def test_an_emulated_host_has_no_limits(measured: list[object]) -> None:
    found = measure(host(virtualisation=VirtualisationFacts(emulated=True, emulated_reason="it says so")))

    assert measured == []
    assert found.memory_bytes_per_s is None
    assert "it says so" in (found.memory_reason or "")
    assert all(peak.operations_per_s is None and peak.reason for peak in found.peaks.values())


def test_a_gpu_is_said_to_be_unmeasured(measured: list[object]) -> None:
    (gpu,) = measure(host(gpus=[GpuFacts(index=0, name="H100", source="nvml")])).gpus

    assert (gpu.name, gpu.memory_bytes_per_s) == ("H100", None)
    assert gpu.reason


def test_memory_that_cannot_be_had_is_a_reason(monkeypatch: pytest.MonkeyPatch, measured: list[object]) -> None:
    def fail(*_: object) -> float:
        raise MemoryError("too much")

    monkeypatch.setattr("profiler.hosts.bandwidth.read_bytes_per_s", fail)
    found = measure(host())

    assert (found.memory_bytes_per_s, "too much" in (found.memory_reason or "")) == (None, True)


@pytest.mark.parametrize(("busy", "stolen", "notes"), [(10, 0, 0), (60, 0, 1), (60, 9, 2)])
def test_a_busy_host_is_noted(
    monkeypatch: pytest.MonkeyPatch, measured: list[object], busy: int, stolen: int, notes: int
) -> None:
    # Of 200 ticks of two processors: 10 are 0.1 of one, 60 are 0.6; 9 are 4.5 % stolen.
    moments = iter([Moment(CpuTimes(), None), Moment(CpuTimes(busy, stolen, 200), None)])
    monkeypatch.setattr("profiler.hosts.check.moment", lambda _: next(moments))

    assert len(measure(host()).notes) == notes


class TestCache:
    def test_what_is_written_is_read(self, cache: Path) -> None:
        file = roofline_cache.write(KEPT)

        assert file.parent.parent == cache
        assert roofline_cache.read(KEPT.fingerprint) == KEPT
        assert roofline_cache.read("ba9876543210") is None

    @pytest.mark.parametrize("text", ["", "{}", "not JSON", "\xff"])
    def test_a_damaged_file_is_none(self, text: str) -> None:
        roofline_cache.write(KEPT).write_bytes(text.encode("latin-1"))

        assert roofline_cache.read(KEPT.fingerprint) is None

    def test_a_file_of_another_host_is_none(self) -> None:
        file = roofline_cache.write(KEPT)
        file.rename(file.with_name("ba9876543210.json"))

        assert roofline_cache.read("ba9876543210") is None

    def test_a_folder_that_cannot_be_written_is_an_error(self, cache: Path) -> None:
        cache.parent.mkdir()
        cache.write_text("a file")

        with pytest.raises(RecordError, match="Cannot keep the roofline"):
            roofline_cache.write(KEPT)

    def test_a_host_is_described_with_what_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("profiler.hosts.detect.describe", host)
        assert this_host(ask_cloud=False).roofline is None
        roofline_cache.write(KEPT)
        assert this_host(ask_cloud=False).roofline == KEPT
