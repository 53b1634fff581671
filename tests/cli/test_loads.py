"""Sweeps and searches on the real command, against a real server of known capacity."""

import json
import re
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from support.command import ALONE, Aforo
from support.rates import of_one_slot
from support.scripted_server import for_at_most, in_slots, openai, serve, stream_tokens

from profiler.results.folder import RunFolder

TOKENS = 8
PACE_S = 0.02  # a request takes 0.16 s, so that each slot has 6.25 requests/s, 50 tokens/s
SLOT_TOKENS_PER_S = 1 / PACE_S
SIZES = ("--prompt-tokens", "4", "--output-tokens", str(TOKENS), "--warmup-requests", "1", *ALONE)


def known_server(slots: int) -> Any:
    return serve(openai(in_slots(slots, stream_tokens(["tok"] * TOKENS, PACE_S))))


def summary_of(folder: Path) -> dict[str, Any]:
    (run,) = (folder / "runs").iterdir()
    summary: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return summary


def rates_of(summary: dict[str, Any]) -> dict[str, float]:
    """By load, in the order of measuring."""
    return {p["point"]["name"]: p["metrics"]["output_tokens_per_s"]["value"] for p in summary["points"]}


def load(point: dict[str, Any]) -> float:
    return float(point["rate_rps"] or point["concurrency"])


def of_first_load(folder: Path) -> float:
    """The rate at one request in flight, by the times recorded."""
    (run,) = (folder / "runs").iterdir()
    first = [request for request in RunFolder(run).read_requests() if request.phase.startswith("c1/")]
    after_ns = [request.begun_ns for request in first if request.phase == "c1/cooldown"]
    measured = [request for request in first if request.phase == "c1/repeat-1"]
    return of_one_slot(measured, TOKENS, min(after_ns, default=None))


def test_a_sweep_measures_every_load_and_names_the_knee(aforo: Aforo, tmp_path: Path) -> None:
    with known_server(slots=2) as port:
        done = aforo(
            "run", "smoke", "--url", f"http://127.0.0.1:{port}", *SIZES, "--requests", "16", "--concurrency", "4,1,2"
        )
    summary = summary_of(tmp_path)
    assert [point["point"]["name"] for point in summary["points"]] == ["c1", "c2", "c4"], done.stderr
    assert [point["requests_ok"] for point in summary["points"]] == [16, 16, 16]
    rates = rates_of(summary)
    assert rates["c1"] == pytest.approx(of_first_load(tmp_path))
    # The server takes its time for each request, so each one in flight brings no more; a busy machine brings less.
    assert all(0 < rate <= int(name[1:]) * SLOT_TOKENS_PER_S for name, rate in rates.items())
    knee = next(name for name, rate in rates.items() if rate >= 0.95 * max(rates.values()))
    assert summary["headline"] == summary["conclusion"]["point"] == knee
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
    rates = rates_of(summary)
    assert list(rates) == [f"c{2**step}" for step in range(len(rates))], done.stderr
    values = list(rates.values())
    gains = [values[step] >= 1.05 * max(values[:step]) for step in range(1, len(values))]
    assert gains == [True] * (len(gains) - 1) + [False]  # each step but the last was worth 5 %
    assert summary["conclusion"]["point"] == next(name for name in rates if rates[name] >= 0.95 * max(values))


@pytest.mark.parametrize(("over", "start"), [("rate", 8), ("concurrency", 1)])
def test_the_highest_load_that_keeps_the_slo_lies_in_the_interval(
    aforo: Aforo, tmp_path: Path, over: str, start: int
) -> None:
    slots = 2  # 12.5 requests/s, and two in flight without waiting; of three, one waits for 80 ms
    search = ("--slo-search", over, "--slo-ttft-ms", "80", "--attainment", "0.75", "--start-load", str(start))
    with known_server(slots) as port:
        done = aforo(
            *("run", "smoke", "--url", f"http://127.0.0.1:{port}", *SIZES, *search),
            *("--requests", "12", "--repeats", "2", "--arrivals", "constant", "--most-points", "5"),
        )
    summary = summary_of(tmp_path)
    conclusion = summary["conclusion"]
    assert conclusion["kind"] == "slo-limit", done.stderr
    # Loads at which both repeats, one, or none kept the SLO, in ascending order: the interval is where it changes.
    kept = {}
    for point in sorted(summary["points"], key=lambda point: load(point["point"])):
        shares = point["metrics"]["slo_attainment_ratio"]["per_repeat"]
        kept[load(point["point"])] = sum(share >= 0.75 for share in shares)
    assert conclusion["low"] == max(takewhile(lambda each: kept[each] == 2, kept), default=None)
    assert conclusion["high"] == min(takewhile(lambda each: kept[each] == 0, reversed(kept)), default=None)
    assert 2 <= len(kept) <= 5
    assert conclusion["sentence"] in " ".join(done.stdout.split())


def test_a_server_that_takes_four_at_a_time_serves_four_users(aforo: Aforo, tmp_path: Path) -> None:
    limits = ("--slo-e2e-ms", "60000", "--requests", "16")
    with serve(openai(for_at_most(4, stream_tokens(["tok"] * TOKENS, 0.01)))) as port:
        aforo("run", "smoke", "--url", f"http://127.0.0.1:{port}", *SIZES, *limits, "--concurrency", "1,4,5")
    summary = summary_of(tmp_path)
    (run,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(
        r"Serves 4 users at [\d,.]+ tokens/s each within the SLO; from 5 on requests fail\.", summary["capacity"]
    )
    assert f'<p class="capacity">{summary["capacity"]}</p>' in (run / "report.html").read_text()
    again = aforo("summarize", str(run))
    assert again.stdout.splitlines()[-1] == summary["capacity"]
