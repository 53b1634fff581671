"""Model files to test with."""

from pathlib import Path

import pytest

from profiler.models import quantisations, shapes, synthetic


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, so that no test touches the user's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "aforo"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest synthetic model; not to be changed."""
    folder = tmp_path_factory.mktemp("models")
    return synthetic.make(shapes.TINY_1M, quantisations.named("Q8_0"), folder)
