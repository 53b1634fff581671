"""What a wheel built from the source distribution holds."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from support.checkout import ROOT, tracked


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution, and the wheel from that, with the hatchling that is installed here."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel_names(built: Path) -> set[str]:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_holds_every_content_file(wheel_names: set[str]) -> None:
    expected = {f"profiler/_content/{path}" for path in tracked("workloads", "hosts", "reports")}

    assert expected
    assert expected - wheel_names == set()


def test_it_holds_every_module_and_the_typing_marker(wheel_names: set[str]) -> None:
    expected = set(tracked("profiler"))

    assert "profiler/py.typed" in expected
    assert expected - wheel_names == set()


def test_it_holds_nothing_else(wheel_names: set[str]) -> None:
    top_level = {name.partition("/")[0] for name in wheel_names}

    assert {name for name in top_level if not name.endswith(".dist-info")} == {"profiler"}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel_names)


def test_the_source_distribution_can_be_tested(built: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {"pyproject.toml", "tox.ini", "tests/suite.py", "LICENSE", "README.md"} <= names
