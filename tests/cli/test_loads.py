"""Sweeps and searches on the real command, against a real server of known capacity."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.command import Aforo
from support.scripted_server import in_slots, openai, serve, stream_tokens

TOKENS = 8
PACE_S = 0.02  # a request takes 0.16 s, so that each slot has 6.25 requests/s, 50 tokens/s
SLOT_TOKENS_PER_S = 1 / PACE_S
SIZES = ("--prompt-tokens", "4", "--output-tokens", str(TOKENS), "--warmup-requests", "1")


def known_server(slots: int) -> Any:
    return serve(openai(in_slots(slots, stream_tokens(["tok"] * TOKENS, PACE_S))))


def summary_of(folder: Path) -> dict[str, Any]:
    (run,) = (folder / "runs").iterdir()
    summary: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return summary


def test_a_sweep_measures_every_load_and_names_the_knee(aforo: Aforo, tmp_path: Path) -> None:
    with known_server(slots=2) as port:
        done = aforo(
            "run", "smoke", "--url", f"http://127.0.0.1:{port}", *SIZES, "--requests", "16", "--concurrency", "4,1,2"
        )
    summary = summary_of(tmp_path)
    assert [point["point"]["name"] for point in summary["points"]] == ["c1", "c2", "c4"], done.stderr
    assert [point["requests_ok"] for point in summary["points"]] == [16, 16, 16]
    one, two, four = (point["metrics"]["output_tokens_per_s"]["value"] for point in summary["points"])
    # What the server can give is never exceeded; what a busy machine takes off may hit one load only.
    assert 0.4 < one / SLOT_TOKENS_PER_S < 1.02
    assert 0.4 < two / (2 * SLOT_TOKENS_PER_S) < 1.02
    assert 0.4 < four / (2 * SLOT_TOKENS_PER_S) < 1.02
    assert two > 1.1 * one
    knee = summary["headline"]
    assert knee == summary["conclusion"]["point"]
    assert knee in {"c2", "c4"}
    (chosen,) = (point for point in summary["points"] if point["point"]["name"] == knee)
    assert summary["metrics"]["ttft_ms"] == chosen["metrics"]["ttft_ms"]
    assert f"at {knee[1]} in flight" in " ".join(done.stdout.split())
    (run,) = (tmp_path / "runs").iterdir()
    manifest = json.loads((run / "run.json").read_text())
    assert "--concurrency 4,1,2" in " ".join(manifest["command_line"])
    assert [p["point"] for p in manifest["phases"] if p["name"].endswith("repeat-1")] == ["c1", "c2", "c4"]
    written = (run / "summary.json").read_bytes(), (run / "report.html").read_bytes()
    assert aforo("summarize", str(run)).returncode in {0, 3}
    assert aforo("report", str(run)).returncode in {0, 3}
    assert written == ((run / "summary.json").read_bytes(), (run / "report.html").read_bytes())


def test_saturate_stops_where_throughput_stops_growing(aforo: Aforo, tmp_path: Path) -> None:
    with known_server(slots=4) as port:
        done = aforo("run", "smoke", "--url", f"http://127.0.0.1:{port}", *SIZES, "--requests", "12", "--saturate")
    summary = summary_of(tmp_path)
    names = [point["point"]["name"] for point in summary["points"]]
    assert names[:4] == ["c1", "c2", "c4", "c8"], done.stderr
    assert len(names) <= 5  # a busy machine may make a step look like a gain, but not for long
    assert summary["conclusion"]["point"] in {"c4", "c8"}


@pytest.mark.parametrize(("over", "start"), [("rate", 8), ("concurrency", 1)])
def test_the_highest_load_that_keeps_the_slo_lies_in_the_interval(
    aforo: Aforo, tmp_path: Path, over: str, start: int
) -> None:
    slots = 2  # 12.5 requests/s, and two in flight without waiting; of three, one waits for 80 ms
    search = ("--slo-search", over, "--slo-ttft-ms", "80", "--attainment", "0.75", "--start-load", str(start))
    with known_server(slots) as port:
        done = aforo(
            *("run", "smoke", "--url", f"http://127.0.0.1:{port}", *SIZES, *search),
            *("--requests", "30", "--repeats", "2", "--arrivals", "constant", "--most-points", "6"),
        )
    conclusion = summary_of(tmp_path)["conclusion"]
    assert conclusion["kind"] == "slo-limit", done.stderr
    if over == "concurrency":
        assert conclusion["low"] <= 2 < conclusion["high"] <= 4
    else:
        assert 4 <= conclusion["low"] <= 13
        assert 10 <= conclusion["high"] <= 25
    assert conclusion["sentence"] in " ".join(done.stdout.split())
