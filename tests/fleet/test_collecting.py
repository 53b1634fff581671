"""What comes back from a host is whole and right, or not there."""

import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import pytest
from support.fake_fleet import packed
from support.stored_runs import GOLDEN

from profiler.errors import HostLostError, RecordError
from profiler.fleet.collecting import collect, outcome_of, run_in
from profiler.fleet.messages import JobThere
from profiler.results.folder import RunFolder
from profiler.results.manifest import FleetFacts
from profiler.units import BYTES_PER_MIB

FACTS = FleetFacts(
    fleet="lab", plan_sha256="s", host="a", transport="ssh", cell="c", order=1, cells=2, round=1, attempt=1,
    collected_utc="2026-01-02T00:00:00Z",
)  # fmt: skip
FILES = {f"a-run/{path.name}": path.read_bytes() for path in GOLDEN.iterdir()} | {"stderr.txt": b"said\n"}


def fetched(data: bytes, folder: Path) -> None:
    def fetch(out: BinaryIO) -> None:
        out.write(data)

    collect(fetch, folder, FACTS)


def test_a_run_comes_back_as_it_was_and_says_where_it_is_from(tmp_path: Path) -> None:
    fetched(packed(FILES), tmp_path / "a" / "c.1")
    for name, data in FILES.items():
        if not name.endswith("run.json"):
            assert (tmp_path / "a/c.1" / name).read_bytes() == data
    before, after = json.loads(FILES["a-run/run.json"]), json.loads((tmp_path / "a/c.1/a-run/run.json").read_bytes())
    assert after["fleet"] == FACTS.model_dump()
    assert after["started_utc"] == before["started_utc"]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["c.1"]
    assert run_in(tmp_path / "a/c.1") == tmp_path / "a/c.1/a-run"


def test_a_tar_that_is_cut_off_anywhere_leaves_nothing(tmp_path: Path) -> None:
    data = packed(FILES)
    for size in range(0, len(data) - 600, 499):
        with pytest.raises(HostLostError, match="cut off"):
            fetched(data[:size], tmp_path / "a" / "c.1")
        assert list((tmp_path / "a").iterdir()) == []


def test_what_unpacks_to_more_than_is_free_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = packed({"a": bytes(3 * BYTES_PER_MIB), "b": bytes(3 * BYTES_PER_MIB)})
    assert len(data) < 20_000  # of 6 MiB
    free = 64 * BYTES_PER_MIB + 5 * BYTES_PER_MIB  # 64 stay free, so 5 may be taken
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    with pytest.raises(RecordError, match=r"with b \(3\.00 MiB\) it takes more than is free in .*--resume"):
        fetched(data, tmp_path / "a" / "c.1")
    assert list((tmp_path / "a").iterdir()) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free + BYTES_PER_MIB))
    fetched(data, tmp_path / "a" / "c.1")


@pytest.mark.parametrize(
    ("files", "listed"),
    [
        ({"x": b"1"}, {"x": b"2"}),  # another content
        ({"x": b"1"}, {"x": b"1", "y": b"2"}),  # one that does not come
        ({"x": b"1", "y": b"2"}, {"x": b"1"}),  # one that nobody spoke of
        ({"../x": b"1"}, {"../x": b"1"}),
        ({"/tmp/x-of-a-fleet": b"1"}, {"/tmp/x-of-a-fleet": b"1"}),  # noqa: S108 - it must not be written
    ],
)
def test_other_files_than_the_host_has_are_refused(
    tmp_path: Path, files: dict[str, bytes], listed: dict[str, bytes]
) -> None:
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in listed.items()}
    with pytest.raises(HostLostError):
        fetched(packed(files, hashes), tmp_path / "a" / "c.1")
    assert list((tmp_path / "a").iterdir()) == []
    assert not Path("/tmp/x-of-a-fleet").exists()  # noqa: S108


@pytest.mark.parametrize(
    ("level", "status", "there", "outcome"),
    [
        ("VALID", "complete", JobThere(state="ended", exit_code=0), "VALID"),
        ("VALID with warnings", "complete", JobThere(state="ended", exit_code=0), "VALID"),
        ("INVALID", "complete", JobThere(state="ended", exit_code=3), "INVALID"),
        ("VALID", "complete", JobThere(state="vanished"), "VALID"),  # its supervisor was killed, the run was not
        ("VALID", "running", JobThere(state="vanished"), "lost"),
        ("VALID", "interrupted", JobThere(state="ended", exit_code=130, is_over_limit=True), "over limit"),
        ("VALID", "failed", JobThere(state="ended", exit_code=1, sentence="No."), "failed"),
        ("VALID", "complete", JobThere(state="ended", exit_code=1, sentence="Disk full."), "failed"),
    ],
)
def test_what_came_of_a_job_is_read_off_its_run(
    tmp_path: Path, level: str, status: str, there: JobThere, outcome: str
) -> None:
    fetched(packed(FILES), tmp_path / "c")
    folder = RunFolder(tmp_path / "c/a-run")
    manifest, summary = folder.read_manifest(), folder.read_summary()
    manifest.status = status  # type: ignore[assignment]
    assert summary.verdict is not None
    summary.verdict.level = level  # type: ignore[assignment]
    folder.write_manifest(manifest)
    folder.write_summary(summary)
    assert outcome_of(tmp_path / "c", there)[0] == outcome


def test_a_run_that_was_asked_to_end_is_cancelled(tmp_path: Path) -> None:
    fetched(packed({"stderr.txt": b""}), tmp_path / "c")
    assert outcome_of(tmp_path / "c", JobThere(state="ended", exit_code=130))[0] == "cancelled"
