import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.builders import MS, manifest, request

from profiler.errors import RecordError, RunFolderError, UsageError
from profiler.results.folder import Journal, RunFolder, make_free, name_folder, replace
from profiler.results.records import Outcome
from profiler.run.recompute import summary_of


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    made.create()
    return made


def test_a_manifest_comes_back_as_it_was(folder: RunFolder) -> None:
    folder.write_manifest(manifest(repeats=2))
    assert folder.read_manifest() == manifest(repeats=2)


def test_what_a_newer_version_adds_is_neither_refused_nor_lost(folder: RunFolder) -> None:
    document = manifest().model_dump(mode="json")
    for part in (document, document["host"], document["host"]["cpu"], document["workload"]["load"], document["model"]):
        part["of a newer version"] = {"a": [1]}
    (folder.path / "run.json").write_text(json.dumps(document), "utf-8")
    read = folder.read_manifest()
    folder.write_manifest(read)
    assert json.loads((folder.path / "run.json").read_text("utf-8")) == document
    assert summary_of(folder)[0] == read


def test_a_fact_of_another_kind_is_named(folder: RunFolder) -> None:
    document = manifest().model_dump(mode="json")
    document["host"]["cpu"]["logical_cpus"] = "many"
    (folder.path / "run.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(RunFolderError, match=r"host\.cpu\.logical_cpus: .*damaged, or a newer Aforo wrote it"):
        folder.read_manifest()


def test_requests_come_back_as_they_were(folder: RunFolder) -> None:
    journal = Journal(folder.requests)
    for index in range(3):
        journal.append(request(index))
    journal.close()
    assert list(folder.read_requests()) == [request(0), request(1), request(2)]


def test_requests_can_be_read_as_often_as_needed_and_their_times_alone(folder: RunFolder) -> None:
    written = [request(0), request(1, arrivals_ms=(10,)), request(2, arrivals_ms=(), outcome=Outcome.STALLED)]
    journal = Journal(folder.requests)
    for record in written:
        journal.append(record)
    journal.close()
    stored = folder.read_requests()
    assert list(stored) == list(stored) == written
    times = list(stored.times())
    assert [t.last_byte_ns for t in times[:2]] == [record.last_byte_ns for record in written[:2]] == [30 * MS, 10 * MS]
    for seen, record in zip(times, written, strict=True):
        assert (seen.phase, seen.outcome, seen.sent_ns) == (record.phase, record.outcome, record.sent_ns)
        assert (seen.scheduled_ns, seen.finished_ns) == (record.scheduled_ns, record.finished_ns)


def test_a_line_that_was_cut_off_is_passed_over(folder: RunFolder) -> None:
    journal = Journal(folder.requests)
    journal.append(request(0))
    journal.append(request(1))
    journal.close()
    whole = folder.requests.read_bytes()
    for cut in (1, 40, len(whole) // 2 - 1):
        folder.requests.write_bytes(whole[:-cut])
        assert list(folder.read_requests()) == [request(0)]


def test_a_damaged_line_is_named(folder: RunFolder) -> None:
    folder.requests.write_text('{"index": "x"}\n')
    with pytest.raises(RunFolderError, match=r"requests\.jsonl, line 1.*damaged"):
        list(folder.read_requests())


def test_no_journal_is_no_request(folder: RunFolder) -> None:
    assert list(folder.read_requests()) == []
    assert folder.read_samples() == []
    assert list(folder.read_server_log()) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", r"cannot be read: it is damaged or cut off \(.*\)\. Restore a copy of it, or repeat the run\."),
        ("[]", "expected a JSON object"),
        ('{"format_version": 99}', "Install a newer Aforo"),
        ('{"format_version": "one"}', "format_version is 'one'"),
        ('{"format_version": 1}', "damaged"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_a_sentence(folder: RunFolder, text: str, says: str) -> None:
    (folder.path / "run.json").write_text(text)
    with pytest.raises(RunFolderError, match=says):
        folder.read_manifest()


def test_a_damaged_summary_can_be_written_anew(folder: RunFolder) -> None:
    (folder.path / "summary.json").write_text("{")
    with pytest.raises(RunFolderError, match=f"damaged or cut off .* aforo summarize {folder.path}"):
        folder.read_summary()


def test_a_folder_without_a_manifest_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="not a run folder"):
        RunFolder(tmp_path).read_manifest()


def test_a_full_disk_is_a_sentence_and_leaves_the_old_file() -> None:
    # /dev/full takes every open and refuses every write, as a full disk does.
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    journal = Journal(Path("/dev/full"))
    with pytest.raises(RecordError, match=r"No space left.*--out"):
        journal.append(request())
    journal.close()


def test_replacing_leaves_nothing_else_behind(tmp_path: Path) -> None:
    replace(tmp_path / "a.json", "1")
    replace(tmp_path / "a.json", "2")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.json", "2")]
    with pytest.raises(RecordError):
        replace(tmp_path / "missing" / "a.json", "1")


_MAKE = """
import sys
from pathlib import Path
from profiler.results.folder import make_free
sys.stdin.readline()
for round in range(50):
    print(make_free(Path(sys.argv[1]) / f"round-{round}"))
"""


def test_of_runs_that_begin_in_the_same_second_each_has_a_folder_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _MAKE, str(tmp_path)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("begin\n")
        process.stdin.flush()
    made = [line for process in processes for line in process.communicate()[0].splitlines()]
    assert len(set(made)) == len(made) == 6 * 50
    assert {Path(line) for line in made} == set(tmp_path.iterdir())


def test_a_folder_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    assert [make_free(tmp_path / "a" / "run").name for _ in range(3)] == ["run", "run-2", "run-3"]
    (tmp_path / "file").touch()
    assert make_free(tmp_path / "file").name == "file-2"


def test_a_name_fits_into_what_file_systems_allow(tmp_path: Path) -> None:
    assert make_free(name_folder(tmp_path, ["long" * 90, "é" * 200, *["x" * 80] * 9])).is_dir()


def test_a_folder_that_cannot_hold_runs_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        name_folder(tmp_path / "file", ["a"])
    with pytest.raises(UsageError, match="cannot be used: File name too long"):
        name_folder(tmp_path / ("x" * 300), ["a"])
    with pytest.raises(RecordError, match="Cannot write"):
        RunFolder(tmp_path / "file" / "run").create()


def test_a_folder_that_was_taken_away_is_named(folder: RunFolder) -> None:
    folder.write_manifest(manifest())
    folder.check_is_there()
    (folder.path / "run.json").unlink()
    folder.discard()
    with pytest.raises(RecordError, match=r"is gone: it was removed or moved while the run was at work.*Repeat it"):
        folder.check_is_there()
    folder.discard()


def test_links_in_a_folder_of_somebody_else_are_not_written_through(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "run"
    ours.write_text("ours")
    theirs.mkdir()
    for name in ("report.html", "report.png", "summary.json", "wall.jsonl"):
        (theirs / name).symlink_to(ours)
        replace(theirs / name, b"new")
        assert not (theirs / name).is_symlink()
    assert ours.read_text() == "ours"


def test_numbers_of_400_digits_and_contradictions_are_damage_of_the_folder(folder: RunFolder) -> None:
    folder.write_manifest(manifest())
    journal = Journal(folder.requests)
    journal.append(request(0))
    journal.close()
    sound = folder.requests.read_text()
    for damaged in (
        sound.replace('"read_offset_ns":[', '"read_offset_ns":[' + "9" * 330),
        sound.replace('"scheduled_ns":', '"scheduled_ns":' + str(2**62)),
        sound.replace('"sent_ns":0', '"sent_ns":null'),
    ):
        assert damaged != sound
        folder.requests.write_text(damaged)
        with pytest.raises(RunFolderError, match=r"cannot be computed with|The file is damaged"):
            summary_of(folder)


def test_a_text_of_digits_is_no_number(folder: RunFolder) -> None:
    said = request(0)
    said.detail = "id:12345678901234567890,[99999999999999999999"
    journal = Journal(folder.requests)
    journal.append(said)
    journal.close()
    assert list(folder.read_requests()) == [said]
