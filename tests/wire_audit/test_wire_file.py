"""`wire.bin`, written and read back; cut off; damaged; written while the clock was being set."""

from pathlib import Path

import pytest

from profiler.errors import RunFolderError
from profiler.timing.clock import WallOffset
from profiler.wire_audit.frames import Segment
from profiler.wire_audit.wire_file import MAGIC, WireWriter, read_wire

MS = 1_000_000
WALL = 1_000_000_000_000  # how far the wall clock is ahead


def offset(at_ms: int, moved_ns: int = 0) -> WallOffset:
    return WallOffset(at_ms * MS, WALL + moved_ns, 100)


def captured(at_ms: int, port: int = 40_000, sequence: int = 7) -> Segment:
    return Segment(WALL + at_ms * MS, port, False, sequence, 100)


def write(path: Path, *batches: tuple[list[Segment], int, WallOffset]) -> Path:
    file = path / "wire.bin"
    writer = WireWriter(file, offset(0))
    for segments, drops, taken in batches:
        writer.append(segments, drops, taken)
    writer.close()
    return file


WHOLE = (
    ([captured(1), Segment(WALL + 2 * MS, 65_535, True, 2**32 - 1, 2**20)], 3, offset(100)),
    ([captured(150)], 0, offset(200)),
    ([], 4, offset(300)),
)


def test_what_is_written_is_read_back_on_the_monotonic_clock(tmp_path: Path) -> None:
    capture = read_wire(write(tmp_path, *WHOLE))
    assert capture.segments == [
        Segment(1 * MS, 40_000, False, 7, 100),
        Segment(2 * MS, 65_535, True, 2**32 - 1, 2**20),
        Segment(150 * MS, 40_000, False, 7, 100),
    ]
    assert (capture.drops, capture.stepped, capture.is_complete) == (7, 0, True)


def test_a_clock_that_is_slewed_is_followed(tmp_path: Path) -> None:
    # The wall gains 50 µs in 100 ms (500 ppm). At 40 ms it has gained 20: 40 ms + 20 µs of wall are 40 ms.
    segment = captured(40)._replace(stamp_ns=WALL + 40 * MS + 20_000)
    capture = read_wire(write(tmp_path, ([segment], 0, offset(100, moved_ns=50_000)), ([], 0, offset(200, 50_000))))
    assert capture.segments[0].stamp_ns == pytest.approx(40 * MS, abs=20)


def test_segments_around_a_step_of_the_clock_are_left_out(tmp_path: Path) -> None:
    stepped = 2_000 * MS
    after = Segment(WALL + stepped + 250 * MS, 40_000, False, 9, 100)
    capture = read_wire(
        write(
            tmp_path,
            ([captured(50)], 0, offset(100)),
            ([captured(150), captured(160)], 0, offset(200, stepped)),
            ([after], 0, offset(300, stepped)),
            ([], 0, offset(400, stepped)),
        )
    )
    assert [segment.stamp_ns for segment in capture.segments] == [50 * MS, 250 * MS]
    assert capture.stepped == 2


def test_a_file_that_was_cut_off_anywhere_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    file = write(tmp_path, *WHOLE)
    data = file.read_bytes()
    counts = []
    for length in range(len(data)):
        file.write_bytes(data[:length])
        capture = read_wire(file)
        assert not capture.is_complete
        counts.append(len(capture.segments))
    assert counts == sorted(counts)
    assert set(counts) == {0, 2, 3}  # whole batches


def test_another_file_and_another_version_are_named(tmp_path: Path) -> None:
    file = tmp_path / "wire.bin"
    for data in (b"not a capture", MAGIC[:-1] + b"2" + bytes(24)):
        file.write_bytes(data)
        with pytest.raises(RunFolderError, match=r"begins with .*, expected b'aforowi1'.*pip install --upgrade"):
            read_wire(file)


def test_a_run_without_a_capture_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"Repeat it with --wire-audit, as root"):
        read_wire(tmp_path / "wire.bin")
