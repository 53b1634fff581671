"""Is a model with random weights as fast as the real one of the same shape and quantisation?

SmolLM2-135M-Instruct in Q4_1 as `real_models.py` gets it, and a synthetic file whose tensors have the same names, sizes
and types (that is checked), each served by llama-server and measured by `aforo run`, in turn: real, synthetic,
synthetic, real, real, … The ratio synthetic / real is that of pairs, with Student's interval of the logarithms. Both
make as many tokens of as long prompts; the real model is kept from ending its answers.

    python benchmarks/weights.py FILE.gguf [--pairs 5] [--save]
"""

import argparse
import json
import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import machine

from profiler.models import ggml, gguf_header, locate
from profiler.results.folder import RunFolder
from profiler.results.run_set import read_runs
from profiler.run.in_turn import Making, make_in_turn
from profiler.stats.between_runs import paired_ratio
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import estimate

SYNTHETIC = "synthetic:smollm2-135m/Q4_1"
METRICS = {"prefill_tokens_per_s": "prefill", "decode_tokens_per_s": "decode"}
SIZES = "--prompt-tokens 512 --output-tokens 96 --requests 16 --repeats 2 --meters none --no-cloud"
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Run:
    """One run: metric to mean, and what its rules say of it."""

    rates: dict[str, float]
    verdict: str


def main() -> None:
    options = arguments()
    here = machine.describe()
    same_tensors = check_same_tensors(Path(options.model))
    with tempfile.TemporaryDirectory(prefix="weights-") as default:
        folder = options.out or Path(default)
        sides = [making(folder, name, model) for name, model in (("real", options.model), ("synthetic", SYNTHETIC))]
        real, synthetic = sides
        make_in_turn(real, synthetic, options.pairs, with_invalid=True, said=lambda text: print(text, flush=True))
        runs = {side.name: [read(path) for path in folders(side.folder)[: options.pairs]] for side in sides}
    ratios = {metric: paired(runs, metric) for metric in METRICS}
    shown = page(here, same_tensors, runs, ratios)
    print("\n".join(shown))
    if options.save:
        RESULTS.joinpath("weights.md").write_text("\n".join(shown) + "\n", "utf-8")
        data = {"machine": here, "runs": {name: list(map(asdict, each)) for name, each in runs.items()}}
        data["ratios"] = {metric: asdict(found) for metric, found in ratios.items()}
        RESULTS.joinpath("weights.json").write_text(json.dumps(data, indent=2) + "\n", "utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--out", type=Path, help="folder for the runs; those that are there already are kept")
    parser.add_argument("--save", action="store_true", help="write weights.md and weights.json to results/")
    return parser.parse_args()


def check_same_tensors(model: Path) -> str:
    """Return how the tensors of both are stored; end where they differ."""
    real, synthetic = (
        {tensor.name: (tensor.dimensions, tensor.tensor_type) for tensor in gguf_header.read(path).tensors}
        for path in (model, locate.find(SYNTHETIC).path)
    )
    differing = sorted(name for name in real.keys() | synthetic.keys() if real.get(name) != synthetic.get(name))
    if differing:
        raise SystemExit(f"{model} and {SYNTHETIC} differ in {len(differing)} tensors, such as {differing[0]}.")
    counts = Counter(ggml.TENSOR_TYPES[kind].name for _, kind in real.values())
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def making(folder: Path, name: str, model: str) -> Making:
    command = (
        f"{shlex.quote(sys.executable)} -P -m profiler run quickstart --model {shlex.quote(model)} {SIZES} --quiet"
    )
    return Making(name, folder / name, command)


def folders(parent: Path) -> list[Path]:
    """Return the run folders in the order in which they were made."""
    return sorted(stored.folder.path for stored in read_runs([parent], allow_invalid=True)[0])


def read(path: Path) -> Run:
    summary = RunFolder(path).read_summary()
    found = {metric: estimate(summary, metric) for metric in METRICS}
    verdict = summary.verdict.level if summary.verdict else "no verdict"
    return Run({metric: each.value or 0.0 for metric, each in found.items()}, verdict)


def paired(runs: dict[str, list[Run]], metric: str) -> Estimate:
    pairs = list(zip(runs["synthetic"], runs["real"], strict=True))
    found = paired_ratio([(new.rates[metric], base.rates[metric]) for new, base in pairs])
    if found is None:
        raise SystemExit(f"{metric} was not measured in every run, or there are fewer than two pairs.")
    return found


def page(
    here: dict[str, object], tensors: str, runs: dict[str, list[Run]], ratios: dict[str, Estimate]
) -> Sequence[str]:
    lines = ["# Real against synthetic weights", "", machine.sentence(here), ""]
    lines += [
        f"Both files: {tensors}. Tokens/s, means of a run (aforo run quickstart {SIZES}). Written by `weights.py`.",
        "",
    ]
    titles = [f"{title} {side}" for title in METRICS.values() for side in ("real", "synthetic", "ratio")]
    lines += [f"| pair | {' | '.join(titles)} | verdicts |", "|---|" + "---|" * (len(titles) + 1)]
    for number, (real, synthetic) in enumerate(zip(runs["real"], runs["synthetic"], strict=True), start=1):
        rates = [(real.rates[metric], synthetic.rates[metric]) for metric in METRICS]
        cells = [f"{base:.2f} | {new:.2f} | {new / base:.4f}" for base, new in rates]
        verdicts = real.verdict if real.verdict == synthetic.verdict else f"{real.verdict}; {synthetic.verdict}"
        lines.append(f"| {number} | {' | '.join(cells)} | {verdicts} |")
    lines += ["", *(sentence(title, ratios[metric]) for metric, title in METRICS.items())]
    return lines


def sentence(title: str, found: Estimate) -> str:
    within = "which holds 1" if found.low <= 1 <= found.high else "which does not hold 1"
    interval = f"95 % interval {found.low:.4f} to {found.high:.4f}, {within}"
    return f"- **{title}**, synthetic / real: {found.value:.4f}, {interval}."


if __name__ == "__main__":
    main()
