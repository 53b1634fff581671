import os
from pathlib import Path

import pytest

from profiler.files import read_bytes, read_secret, reading


def test_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_bytes(tmp_path / "file") == read_bytes(str(tmp_path / "link"), at_most_bytes=3) == b"abc"
    with reading(tmp_path / "file") as file:
        assert file.read(1) == b"a"


def test_a_file_larger_than_expected_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    with pytest.raises(OSError, match="it has more than 2 bytes"):
        read_bytes(tmp_path / "file", at_most_bytes=2)


def test_a_pipe_without_a_writer_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is a pipe or a device, not a regular file"):
        read_bytes(tmp_path / "pipe")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full", "/dev/tty", "/dev/null"])
def test_a_device_is_refused(device: str) -> None:
    with pytest.raises(OSError, match=r"a pipe or a device|No such"):
        read_bytes(device)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read_bytes(tmp_path)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 300, "no/such", ""])
def test_a_name_that_no_file_can_have_is_an_error_of_the_system(name: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - whichever
        read_bytes(name)


def test_a_secret_comes_out_of_a_pipe(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"key\n")
    os.close(writer)
    assert read_secret(Path(f"/dev/fd/{reader}"), 10, patience_s=60) == b"key\n"
    os.close(reader)
    (tmp_path / "file").write_bytes(b"key")
    assert read_secret(tmp_path / "file", 10, patience_s=60) == b"key"


def test_a_silent_pipe_is_an_error_after_a_while(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    with pytest.raises(OSError, match=r"nothing came out of it within 0\.01 s"):
        read_secret(tmp_path / "pipe", 10, patience_s=0.01)
    os.write(writer, b"x" * 20)
    with pytest.raises(OSError, match="more than 10 bytes"):
        read_secret(tmp_path / "pipe", 10, patience_s=60)
    os.close(writer)
    with pytest.raises(OSError, match="a pipe or a device"):
        read_secret(Path("/dev/zero"), 10, patience_s=60)
