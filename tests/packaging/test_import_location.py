"""The package under test is the one that tox installed, also in every Python that a test starts."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from support.checkout import ROOT

import profiler

HOW = os.environ.get("AFORO_TEST_INSTALLED", "")

pytestmark = pytest.mark.skipif(not HOW, reason="only tox says how the package is installed")


def expected() -> Path:
    site_packages = Path(sysconfig.get_path("purelib"))
    return {"wheel": site_packages, "editable": ROOT}[HOW] / "profiler"


def test_in_this_process() -> None:
    assert Path(profiler.__file__).resolve().parent == expected().resolve()


def test_in_a_process_started_from_the_checkout() -> None:
    where = [sys.executable, "-c", "import profiler; print(profiler.__file__)"]
    shown = subprocess.run(where, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    assert Path(shown).resolve().parent == expected().resolve()


def test_the_command_is_installed() -> None:
    command = shutil.which("aforo", path=sysconfig.get_path("scripts"))
    assert command is not None
    shown = subprocess.run([command, "--help"], capture_output=True, text=True, check=False)

    assert shown.returncode == 0, shown.stderr
    assert "run" in shown.stdout
