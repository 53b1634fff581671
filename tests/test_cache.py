"""Where the cache folder is on each system."""

import sys
from pathlib import Path

import pytest

from profiler.cache import cache_folder, data_folder
from profiler.errors import ModelError


def test_the_cache_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "aforo"


@pytest.mark.parametrize(
    ("platform", "xdg", "folder"),
    [
        ("linux", "", "/home/me/.cache/aforo"),
        ("linux", "relative/is/ignored", "/home/me/.cache/aforo"),
        ("darwin", "", "/home/me/Library/Caches/aforo"),
        ("darwin", "/cache", "/cache/aforo"),
    ],
)
def test_the_cache_folder_of_each_system(monkeypatch: pytest.MonkeyPatch, platform: str, xdg: str, folder: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("XDG_CACHE_HOME", xdg)
    monkeypatch.setenv("HOME", "/home/me")
    assert cache_folder() == Path(folder)


def test_a_user_without_a_home_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(ModelError, match="Set XDG_CACHE_HOME"):
        cache_folder()


@pytest.mark.parametrize(
    ("platform", "xdg", "folder"),
    [
        ("linux", "", "/home/me/.local/share/aforo"),
        ("linux", "/data", "/data/aforo"),
        ("darwin", "", "/home/me/Library/Application Support/aforo"),
    ],
)
def test_the_data_folder_of_each_system(monkeypatch: pytest.MonkeyPatch, platform: str, xdg: str, folder: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("XDG_DATA_HOME", xdg)
    monkeypatch.setenv("HOME", "/home/me")
    assert data_folder() == Path(folder)
