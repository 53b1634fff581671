"""Type checkers find the types of the installed package."""

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
from profiler.content import content
reveal_type(content("hosts"))
content("nowhere")
"""


def test_mypy_resolves_the_package(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="no mypy: tox installs it")
    mypy = [sys.executable, "-m", "mypy", "--no-incremental", "-c", CODE]
    told = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, check=False).stdout

    assert 'Revealed type is "pathlib.Path"' in told, told
    assert "incompatible type \"Literal['nowhere']\"" in told, told
