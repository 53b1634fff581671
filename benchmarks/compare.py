"""How long `aforo compare` takes and how large its page is, with many runs made from a real one.

    python benchmarks/compare.py RUN [--runs 200] [--requests 10000] [--keep FOLDER]

Every run made has other numbers, another host, price and class of energy, and a journal of `--requests` requests: the
real run's, repeated. The verb reads summaries only, so the journals should cost nothing; they are there to show it.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PAGE_LIMIT_BYTES = 10_000_000
TIME_LIMIT_S = 30.0
HOSTS = {  # instance type: price in USD per hour, speed against the real run, class of its energy
    "c7g.2xlarge": (0.2900, 1.00, "model"),
    "c7i.2xlarge": (0.3570, 1.10, "model"),
    "c7a.2xlarge": (0.4106, 1.25, "wall"),
    "g6.xlarge": (0.8048, 4.00, "counter"),
    "g5.xlarge": (1.0060, 3.20, "polled"),
}
SCOPES = {"model": "whole machine", "wall": "whole machine", "counter": "GPU boards", "polled": "GPU boards"}


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        make(options.run, folder, options.runs, options.requests)
        page = folder / "comparison.html"
        command = [sys.executable, "-m", "profiler", "compare", str(folder), "--out", str(page), "--quiet", "--force"]
        started = time.perf_counter()
        subprocess.run(command, check=True)
        took_s = time.perf_counter() - started
        size = page.stat().st_size
    print(f"{options.runs} runs of {options.requests} requests: {took_s:.1f} s, page {size / 1e6:.2f} MB")
    if took_s > TIME_LIMIT_S or size > PAGE_LIMIT_BYTES:
        sys.exit(f"expected at most {TIME_LIMIT_S:.0f} s and {PAGE_LIMIT_BYTES / 1e6:.0f} MB")


def make(real: Path, folder: Path, count: int, requests: int) -> list[Path]:
    """Write `count` runs below `folder` and return their folders."""
    manifest = json.loads((real / "run.json").read_text("utf-8"))
    summary = json.loads((real / "summary.json").read_text("utf-8"))
    journal = _journal(real, requests) if requests else b""
    made = []
    for number in range(1, count + 1):
        chance = random.Random(number)  # noqa: S311 - made-up numbers, not secrets
        path = folder / f"run-{number:03}"
        path.mkdir(parents=True, exist_ok=True)
        (path / "requests.jsonl").write_bytes(journal)
        _write(path / "run.json", varied_manifest(manifest, number, chance))
        _write(path / "summary.json", varied_summary(summary, number, chance))
        made.append(path)
    return made


def host_of(number: int) -> str:
    """The instance type of a run."""
    return list(HOSTS)[number % len(HOSTS)]


def varied_manifest(manifest: dict[str, Any], number: int, chance: random.Random) -> dict[str, Any]:
    """The same run on another host, at another price."""
    name = host_of(number)
    per_hour, _, meter_class = HOSTS[name]
    threads = chance.choice((2, 4, 8))
    source = {"name": "made up", "title": "made up for a benchmark"}
    price = {"per_hour": per_hour, "currency": "USD", "kind": "on-demand", "instance_type": name, "source": source}
    return manifest | {
        "run_id": f"{manifest['run_id']}-{number:03}",
        "host": manifest["host"] | {"name": f"host-{number}", "cloud": {"instance_type": name}},
        "engine": manifest["engine"] | {"threads": threads},
        "cost": manifest["cost"] | {"price": price, "price_reason": None},
        "energy": manifest["energy"] | {"meter_class": meter_class, "scope": SCOPES[meter_class]},
    }


def varied_summary(summary: dict[str, Any], number: int, chance: random.Random) -> dict[str, Any]:
    """The same summary with every rate and latency changed, and energy of the host's class."""
    _, speed, meter_class = HOSTS[host_of(number)]
    factor = speed * chance.uniform(0.8, 1.25)
    metrics = {name: _scaled(name, metric, factor, chance) for name, metric in summary["metrics"].items()}
    joules = 2.0 / factor * chance.uniform(0.9, 1.1)
    metrics |= _energy(joules, meter_class, chance)
    metrics["mbu_ratio"] = _scalar("ratio", min(0.95, 0.22 * factor), chance)
    scope = SCOPES[meter_class]
    account = {
        "meter_class": meter_class,
        "scope": scope,
        "gross_j": [1e3, 1e3],
        "idle_j": None,
        "net_j": None,
        "coverage_ratio": 1.0,
        "provenance": "made up",
        "parts": {},
    }
    verdict = summary["verdict"] or {"level": "VALID"}
    return summary | {
        "run_id": f"{summary['run_id']}-{number:03}",
        "metrics": metrics,
        "energy": [account],
        "verdict": verdict,
    }


def _energy(joules: float, meter_class: str, chance: random.Random) -> dict[str, Any]:
    carbon = joules * 1e6 / 3.6e6 * 350
    if meter_class != "model":
        return {
            "energy_j_per_output_token": _scalar("J/token", joules, chance),
            "gco2e_per_1m_output_tokens": _scalar("gCO2e/1M tokens", carbon, chance),
        }
    return {
        "energy_j_per_output_token": _band("J/token", joules),
        "gco2e_per_1m_output_tokens": _band("gCO2e/1M tokens", carbon),
    }


def _scalar(unit: str, value: float, chance: random.Random) -> dict[str, Any]:
    repeats = [value * chance.uniform(0.985, 1.015) for _ in range(3)]
    return {"kind": "scalar", "unit": unit, "value": sum(repeats) / 3, "per_repeat": repeats}


def _band(unit: str, value: float) -> dict[str, Any]:
    return {"kind": "scalar", "unit": unit, "value": None, "low": value * 0.6, "high": value * 1.8, "reason": "model"}


def _scaled(name: str, metric: dict[str, Any], factor: float, chance: random.Random) -> dict[str, Any]:
    if name.endswith("_per_s") and metric.get("value") is not None:
        return _scalar(metric["unit"], metric["value"] * factor, chance)
    if metric["kind"] != "distribution" or not name.endswith("_ms"):
        return metric
    return _times(metric, chance.uniform(0.97, 1.03) / factor)


def _times(value: Any, by: float, key: str = "") -> Any:
    """Every number of a distribution times a factor, but its count."""
    if isinstance(value, dict):
        return {name: _times(inner, by, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_times(inner, by, key) for inner in value]
    return value * by if isinstance(value, float) and key != "n" else value


def _journal(real: Path, requests: int) -> bytes:
    lines = (real / "requests.jsonl").read_bytes().splitlines(keepends=True)
    return b"".join(lines[number % len(lines)] for number in range(requests))


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a real run folder, such as tests/golden/v1-smoke")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--keep", type=Path, help="make the runs here and leave them")
    return parser.parse_args()


if __name__ == "__main__":
    main()
