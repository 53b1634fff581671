"""The wheel that is put together here is the one that the build tool makes."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.checkout import ROOT, tracked

from profiler import __version__
from profiler.fleet import wheel


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = wheel.of_this_version()
    path = tmp_path_factory.mktemp("ours") / made.name
    path.write_bytes(made.data)
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def requirements(metadata: bytes) -> set[str]:
    """As sets of words, for one requirement can be written in several ways."""
    lines = [line for line in metadata.decode().splitlines() if line.startswith("Requires-Dist: ")]
    return {line.replace(" ", "").replace("(", "").replace(")", "").replace('"', "'") for line in lines}


def test_every_tracked_file_is_in_it_byte_for_byte(ours: Path, built: Path) -> None:
    mine, theirs = contents(ours), contents(built)
    content = {f"profiler/_content/{name}" for name in tracked("workloads", "hosts", "reports")}
    names = {*tracked("profiler"), *content}
    assert names <= theirs.keys()
    assert {name for name in names if mine.get(name) != theirs[name]} == set()


def test_it_asks_for_the_same_packages_and_gives_the_same_command(ours: Path, built: Path) -> None:
    mine, theirs, folder = contents(ours), contents(built), f"aforo-{__version__}.dist-info"
    assert len(requirements(mine[f"{folder}/METADATA"])) > 20
    assert requirements(mine[f"{folder}/METADATA"]) == requirements(theirs[f"{folder}/METADATA"])
    assert mine[f"{folder}/entry_points.txt"].split() == theirs[f"{folder}/entry_points.txt"].split()
    assert mine[f"{folder}/licenses/LICENSE"] == theirs[f"{folder}/licenses/LICENSE"]
    assert b"Root-Is-Purelib: true" in mine[f"{folder}/WHEEL"]
    assert b"Tag: py3-none-any" in mine[f"{folder}/WHEEL"]


def test_pip_installs_it_and_what_is_installed_makes_the_same_wheel_again(ours: Path, tmp_path: Path) -> None:
    target = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(tmp_path), str(ours)]
    subprocess.run(target, check=True, capture_output=True)
    code = "from profiler.fleet import wheel; print(wheel.__file__, wheel.of_this_version().sha256)"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, check=True
    )
    assert said.stdout.decode().split() == [
        str(tmp_path / "profiler/fleet/wheel.py"),
        hashlib.sha256(ours.read_bytes()).hexdigest(),
    ]


def test_the_same_code_makes_the_same_bytes() -> None:
    first = wheel.of_this_version()
    wheel.of_this_version.cache_clear()
    assert wheel.of_this_version() == first
