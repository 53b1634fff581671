import hashlib
import os
from pathlib import Path

import pytest

from profiler.errors import ModelError
from profiler.models import files


def test_replacing_moves_the_whole_file_into_place(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    with files.replacing(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_replacing_leaves_nothing_behind_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_sha256_reports_its_progress(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(5 * 1024 * 1024))
    seen: list[tuple[int, int]] = []
    assert files.sha256(path, lambda done, total: seen.append((done, total))) == (
        hashlib.sha256(path.read_bytes()).hexdigest()
    )
    assert seen == [(4 * 1024 * 1024, 5 * 1024 * 1024), (5 * 1024 * 1024, 5 * 1024 * 1024)]


def test_sha256_is_computed_once_and_again_after_a_change(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    calls: list[int] = []

    def count(done: int, _total: int) -> None:
        calls.append(done)

    first = files.sha256(path, count)
    assert files.sha256(path, count) == first
    assert len(calls) == 1
    status = path.stat()
    path.write_text("two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # same size, same time: only ctime tells
    assert files.sha256(path, count) == hashlib.sha256(b"two").hexdigest()
    assert len(calls) == 2


@pytest.mark.parametrize("memory", ["", "{", "[]", '{"identity": 1}', "\x00"])
def test_a_spoilt_memory_is_done_without(tmp_path: Path, cache: Path, memory: str) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    digest = files.sha256(path)
    (remembered,) = (cache / "sha256").iterdir()
    remembered.write_text(memory)
    assert files.sha256(path) == digest


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert files.sha256(path) == hashlib.sha256(b"one").hexdigest()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none cannot be read: No such file"):
        files.sha256(tmp_path / "none")


def test_a_change_under_the_same_name_is_noticed_once() -> None:
    assert files.changed_since("/a/model.gguf", "one") is None  # never seen before
    assert files.changed_since("/a/model.gguf", "one") is None
    assert files.changed_since("/another.gguf", "two") is None
    assert files.changed_since("/a/model.gguf", "two") == "one"
    assert files.changed_since("/a/model.gguf", "two") is None


def test_changes_go_unnoticed_without_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert files.changed_since("/a/model.gguf", "one") is None
    assert files.changed_since("/a/model.gguf", "two") is None


def test_the_hash_of_several_files_depends_on_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    (tmp_path / "b").write_text("two")
    digest = files.sha256_of_all([tmp_path / "a", tmp_path / "b"])
    lines = f"{hashlib.sha256(b'one').hexdigest()}  a\n{hashlib.sha256(b'two').hexdigest()}  b\n"
    assert digest == hashlib.sha256(lines.encode()).hexdigest()
