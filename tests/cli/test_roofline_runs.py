"""`aforo run` and the measured limits of the host, on a real llama.cpp server."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.command import TINY, Aforo

from profiler.hosts import peak

pytestmark = pytest.mark.real_server


def read(out: Path, name: str) -> dict[str, Any]:
    (run,) = out.iterdir()
    found: dict[str, Any] = json.loads((run / name).read_text())
    return found


def test_limits_are_measured_on_request_and_later_runs_know_them(
    tmp_path: Path, aforo: Aforo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    command = ("run", "smoke", "--model", TINY, "--no-cloud", "--meters", "none", "--out")

    aforo(*command, "without")
    assert "Measuring memory bandwidth" in aforo(*command, "measured", "--roofline").stderr
    assert "Measuring memory bandwidth" not in aforo(*command, "kept", "--roofline").stderr

    without, measured = (read(tmp_path / out, "summary.json")["metrics"] for out in ("without", "measured"))
    assert without["mbu_ratio"]["reason"] == "run `aforo host roofline` first, or pass --roofline"
    assert measured["mbu_ratio"]["value"] > 0
    assert (measured["mfu_ratio"]["value"] is not None) == (peak.compiler() is not None)
    assert (
        read(tmp_path / "kept", "run.json")["host"]["roofline"]
        == read(tmp_path / "measured", "run.json")["host"]["roofline"]
    )
