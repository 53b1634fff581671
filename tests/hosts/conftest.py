"""Recorded hosts, laid out as files."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from support.recorded_host import Recording

RECORDINGS = Path(__file__).parent / "recordings"


@pytest.fixture
def recording(tmp_path: Path) -> Callable[[str], Recording]:
    """Lay a recording out as files, which a test may then change."""

    def lay_out(name: str) -> Recording:
        recorded = yaml.safe_load((RECORDINGS / f"{name}.yaml").read_text(encoding="utf-8"))
        host = Recording(tmp_path / name, recorded["lscpu"])
        for path, text in recorded["files"].items():
            host.write(path, text)
        return host

    return lay_out


@pytest.fixture
def empty(tmp_path: Path) -> Recording:
    """A host that tells nothing."""
    return Recording(tmp_path, "")
