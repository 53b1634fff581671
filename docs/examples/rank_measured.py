"""Rank the candidates of a measured.json by TOPSIS, with pymcdm: python rank_measured.py measured.json 500

Of every candidate the load with the least cost is taken whose TTFT p95 surely is at most so many milliseconds: the
upper end of its interval counts. What is ranked then are cost, TTFT and energy of a token.
"""

import json
import sys
from pathlib import Path

import numpy as np
from pymcdm.methods import TOPSIS

CRITERIA = {"cost_per_1m_output_tokens": 0.5, "ttft_ms.p95": 0.25, "energy_j_per_output_token": 0.25}


def best_load(loads, limit_ms):
    """Return the cheapest believed load that keeps the limit and has every criterion; None where there is none."""
    able = [
        one
        for one in loads
        if one["verdict"]["level"] != "INVALID"
        and all(one["metrics"].get(name, {}).get("value") is not None for name in CRITERIA)
        and (one["metrics"]["ttft_ms.p95"]["high"] or float("inf")) <= limit_ms
    ]
    return min(able, key=lambda one: one["metrics"]["cost_per_1m_output_tokens"]["value"], default=None)


def main(path, limit_ms):
    """Print the candidates with their scores, the best first."""
    document = json.loads(Path(path).read_text("utf-8"))
    if document["format"] != "aforo-measured-scores" or document["format_version"] != 1:
        sys.exit(f"{path}: expected aforo-measured-scores, version 1")
    by_candidate = {}
    for one in document["measured"]:
        by_candidate.setdefault(one["candidate"], []).append(one)
    chosen = [found for loads in by_candidate.values() if (found := best_load(loads, limit_ms))]
    if len(chosen) < 2:
        sys.exit(f"{len(chosen)} candidates keep the limit with every criterion: there is nothing to rank")
    for name in CRITERIA:  # a meter's class, and a currency, must be the same for all
        kinds = {(one["metrics"][name]["unit"], one["metrics"][name]["meter_class"]) for one in chosen}
        if len(kinds) > 1:
            sys.exit(f"{name} is not comparable: {sorted(map(str, kinds))}")

    table = np.array([[one["metrics"][name]["value"] for name in CRITERIA] for one in chosen])
    directions = np.array([1 if chosen[0]["metrics"][name]["better"] == "higher" else -1 for name in CRITERIA])
    scores = TOPSIS()(table, np.array(list(CRITERIA.values())), directions)
    for score, one in sorted(zip(scores, chosen, strict=True), key=lambda pair: -pair[0]):
        print(f"{score:.3f}  {one['label']} at {one['load']['amount']:g} {one['load']['unit']}")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
