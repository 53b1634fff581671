from pathlib import Path
from tempfile import TemporaryFile

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.timing.spool import SpoolReader, write_spool


@given(st.lists(st.binary(max_size=40)))
def test_what_is_written_is_read(requests: list[bytes]) -> None:
    with TemporaryFile() as file:
        assert write_spool(file, requests) == len(requests)
        reader = SpoolReader(file.fileno())
        assert [reader[position] for position in range(len(reader))] == requests


def test_a_spool_is_replaced_by_a_shorter_one(tmp_path: Path) -> None:
    with (tmp_path / "spool").open("w+b") as file:
        write_spool(file, [b"long " * 100] * 50)
        write_spool(file, [b"a", b"", b"bc"])
        reader = SpoolReader(file.fileno())
        assert [reader[position] for position in range(3)] == [b"a", b"", b"bc"]


@pytest.mark.parametrize("kept", [0, 3, 20, 40])
def test_a_spool_that_was_cut_off_is_not_believed(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "spool"
    with path.open("w+b") as file:
        write_spool(file, [b"request"] * 3)
        file.truncate(kept)
        with pytest.raises(ValueError, match="spool"):
            SpoolReader(file.fileno())


def test_requests_that_fill_a_disk_fill_no_memory(tmp_path: Path) -> None:
    request = b"x" * 1000
    process = psutil.Process()
    with (tmp_path / "spool").open("w+b") as file:
        before_bytes = process.memory_info().rss
        assert write_spool(file, (request for _ in range(200_000))) == 200_000
        reader = SpoolReader(file.fileno())
        assert reader[199_999] == request
        # 200 MB of requests; their ends are 1.6 MB, held twice for a moment.
        assert process.memory_info().rss - before_bytes < 20_000_000
