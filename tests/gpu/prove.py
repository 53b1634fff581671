"""Proves Aforo on a machine with an NVIDIA card, nvcc and no network, in ten minutes: `python3 tests/gpu/prove.py`.

It installs what `carry.py` gathered, builds llama-server with CUDA from the carried source, sweeps a synthetic 8B shape
from 1 to 64 requests in flight, keeps one load on for over a minute, and looks whether NVML's counter agrees with
polled power and our samples of the card with `nvidia-smi`. Whatever happens, $OUT (or --out) then holds `summary.md`,
`summary.json`, `logs.tar.gz` and `runs.tar.gz`. Only the standard library is used.

`--rehearse` goes the same way without a card: a build for the CPU, a tiny shape, an NVML and an `nvidia-smi` that are
made up (`tests/support/on_a_gpu_host.py`).
"""

import argparse
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from agreement import Agreement, SmiLine, agreements, read_smi

HERE = Path(__file__).parent
SUPPORT = HERE.parent / "support"
LIMIT_S = 570.0
SWEEP, STEADY = "sweep", "steady"
STEADY_S = 75  # a claim on a counter takes a minute
PACKING_S = 15.0
LONGEST_LOAD_S = 15
DRIVERS = (  # where the driver's library may be
    "/usr/local/nvidia/lib64/libcuda.so.1",
    "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
    "/usr/lib64/libcuda.so.1",
    "/usr/local/cuda/lib64/stubs/libcuda.so",
)


@dataclass(frozen=True)
class Plan:
    """What differs between the proof and its rehearsal."""

    model: str
    loads: str
    steady_load: int
    output_tokens: int
    run: tuple[str, ...]  # what runs Aforo
    is_rehearsal: bool

    @classmethod
    def chosen(cls, *, is_rehearsal: bool) -> "Plan":
        """Return the plan of the proof, or of its rehearsal."""
        if is_rehearsal:
            run = (sys.executable, "-P", str(SUPPORT / "on_a_gpu_host.py"))
            return cls("tiny-1m:Q8_0", "1,2,4", 2, 32, run, is_rehearsal=True)
        return cls(
            "llama-3.1-8b:Q4_0", "1,2,4,8,16,32,64", 16, 128, (sys.executable, "-m", "profiler"), is_rehearsal=False
        )


class Steps:
    """Runs commands one after the other within the time that is left, and keeps how long each took."""

    def __init__(self, out: Path, limit_s: float) -> None:
        self.out = out
        self.taken: list[dict[str, Any]] = []
        self._until_s = time.monotonic() + limit_s

    @property
    def left_s(self) -> float:
        """Time left before what was measured has to be packed."""
        return max(1.0, self._until_s - PACKING_S - time.monotonic())

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Record how long a step took and whether it ended well."""
        print(f"{name} …", flush=True)
        started_s, ended_well = time.monotonic(), False
        try:
            yield
            ended_well = True
        finally:
            took_s = round(time.monotonic() - started_s, 1)
            self.taken.append({"step": name, "seconds": took_s, "ok": ended_well})
            print(f"  {'done' if ended_well else 'FAILED'} in {took_s} s", flush=True)

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        """Start a command whose output goes to a log."""
        with (self.out / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=env, cwd=self.out
            )

    def wait(self, name: str, process: "subprocess.Popen[bytes]", fine: Sequence[int] = (0,)) -> None:
        """Wait for a command. Raises `SystemExit` with the end of its log where it fails or takes too long."""
        try:
            code = process.wait(timeout=self.left_s)
        except subprocess.TimeoutExpired:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=PACKING_S)
            process.kill()
            raise SystemExit(f"{name}: no time left") from None
        if code not in fine:
            tail = (self.out / f"{name}.log").read_text("utf-8", "replace")[-2000:]
            raise SystemExit(f"{name} ended with {code}:\n{tail}")

    def run(self, name: str, command: Sequence[str], env: Mapping[str, str], fine: Sequence[int] = (0,)) -> None:
        """Start a command and wait for it."""
        with self.step(name):
            self.wait(name, self.start(name, command, env), fine)


def main() -> None:
    """Do everything, and leave a summary of what was done however it ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--carried", type=Path, default=HERE / "carried")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT", "gpu-proof")))
    parser.add_argument("--work", type=Path, default=Path("gpu-work"), help="where it builds; may be thrown away")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--limit", type=float, default=LIMIT_S, metavar="SECONDS", help=f"default: {LIMIT_S:g}")
    parser.add_argument("--rehearse", action="store_true", help="without a card")
    asked = parser.parse_args()
    out, work = asked.out.resolve(), asked.work.resolve()
    logs = work / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    steps, plan = Steps(logs, asked.limit), Plan.chosen(is_rehearsal=asked.rehearse)
    problem: str | None = None
    try:
        prove(steps, plan, asked.carried.resolve(), work, asked.jobs)
    except SystemExit as ended:
        problem = str(ended)
    finally:
        report(steps, plan, work, out, problem)
    if problem:
        raise SystemExit(problem)


def prove(steps: Steps, plan: Plan, carried: Path, work: Path, jobs: int) -> None:
    """Install, build, measure."""
    env = environment(work, plan)
    site = str(work / "site")
    wheels = ["--no-index", "--find-links", str(carried / "wheels"), "--target", site, "--upgrade"]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", *wheels]
    steps.run("install", [*pip, "aforo[gpu]", "cmake", "ninja"], env)
    shape, quant = plan.model.split(":")
    making = steps.start("model", [*aforo(), "models", "make", shape, "--quant", quant, "--quiet"], env)
    with steps.step("source"):
        unpack_source(carried / "llama.cpp.tar.xz", work)
    cuda = "--no-cuda" if plan.is_rehearsal else "--cuda"
    steps.run("build", [*aforo(), "engines", "build", "llama-server", cuda, "--if-missing", "--jobs", str(jobs)], env)
    with steps.step("model"):
        steps.wait("model", making)
    if not plan.is_rehearsal:  # limits of the card, for MBU and MFU; what follows needs none
        with suppress(SystemExit):
            steps.run("roofline", [*aforo(), "host", "roofline"], env)
    with smi_log(work / "logs" / "nvidia-smi.csv", env):
        measure(steps, plan, work, env)


def measure(steps: Steps, plan: Plan, work: Path, env: Mapping[str, str]) -> None:
    """Sweep the loads, then keep one on for over a minute where time is left."""
    shape, quant = plan.model.split(":")
    common = [*plan.run, "run", "quickstart", "--model", f"synthetic:{shape}/{quant}", "--engine", "llama-server"]
    common += ["--gpu-layers", "99", "--output-tokens", str(plan.output_tokens), "--no-cloud", "--repeats", "1"]
    common += ["--warmup-requests", "1"]
    sweep = ["--concurrency", plan.loads, "--rounds", "6", "--requests", "24", "--max-repeat-s", str(LONGEST_LOAD_S)]
    fine = (0, 3)  # 3: measured, and not to be trusted by its own rules, which say why
    steps.run(SWEEP, [*common, *sweep, "--idle-baseline", "5", "--out", str(work / "runs")], env, fine)
    if steps.left_s < STEADY_S + 20 and not plan.is_rehearsal:
        print(f"{STEADY}: left out, {steps.left_s:.0f} s are too few", flush=True)
        return
    length_s, requests = (10, 200) if plan.is_rehearsal else (STEADY_S, 3000)  # prompts are made beforehand
    steady = ["--concurrency", str(plan.steady_load), "--requests", str(requests), "--max-repeat-s", str(length_s)]
    steps.run(STEADY, [*common, *steady, "--out", str(work / "runs")], env, fine)


def aforo() -> list[str]:
    """Return what runs Aforo where no card is asked."""
    return [sys.executable, "-m", "profiler"]


def environment(work: Path, plan: Plan) -> dict[str, str]:
    """Return the environment of every command: what was installed comes first."""
    site = work / "site"
    path = [str(site / "bin"), os.environ.get("PATH", "")]
    found = {**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(work / "cache"), "COLUMNS": "120"}
    if plan.is_rehearsal:
        path.insert(0, str(made_up_smi(work)))
    else:
        found |= cuda_libraries(work)
    return {**found, "PATH": os.pathsep.join(path)}


def cuda_libraries(
    work: Path, folders: Sequence[str] = tuple(sys.path), drivers: Sequence[str] = DRIVERS
) -> dict[str, str]:
    """Return variables that let CMake and the compilers find what a slim CUDA toolkit has not.

    That is cuBLAS, which PyTorch brings as a Python package, and the driver's own library, by a name to link with.
    Those of the toolkit are found first.
    """
    headers = [one for folder in folders for one in Path(folder).glob("nvidia/*/include/cublas_v2.h")][:1]
    libraries = [one for header in headers for one in header.parents[1].glob("lib/libcublas*.so.*")]
    libraries += [Path(driver) for driver in drivers if Path(driver).exists()][:1]
    links = work / "libraries"
    links.mkdir(parents=True, exist_ok=True)
    for library in libraries:
        link = links / f"{library.name.split('.so')[0]}.so"
        link.unlink(missing_ok=True)
        link.symlink_to(library)
    found = {"CMAKE_LIBRARY_PATH": str(links)}
    for header in headers:
        paths = [str(header.parents[1] / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]
        found |= {"CPATH": str(header.parent), "NVCC_APPEND_FLAGS": f"-I{header.parent}"}
        found["LD_LIBRARY_PATH"] = os.pathsep.join(path for path in paths if path)
    return found


def unpack_source(archive: Path, work: Path) -> None:
    """Put the source where Aforo's own build keeps it, so that it downloads nothing."""
    version = json.loads((archive.parent / "carried.json").read_text("utf-8"))["source"].split()[-1]
    building = work / "cache" / "aforo" / "engines" / f".llama.cpp-{version}.building"
    if (building / "source").exists():
        return
    part = building / "part"
    with tarfile.open(archive) as packed:
        packed.extractall(part, filter="data")
    part.rename(building / "source")


def made_up_smi(work: Path) -> Path:
    """Return a folder with an `nvidia-smi` that shows the made-up card."""
    folder = work / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "nvidia-smi"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P {SUPPORT / "on_a_gpu_host.py"} --as-nvidia-smi "$@"\n')
    program.chmod(0o755)
    return folder


@contextmanager
def smi_log(path: Path, env: Mapping[str, str]) -> Iterator[None]:
    """Write down what nvidia-smi shows twice a second, each line with the clock of our samples in front."""
    fields = ",".join(SmiLine.QUERY)
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits", "--id=0", "--loop-ms=500"]
    with path.open("w") as log, subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(env)) as process:
        reader = threading.Thread(target=_copy, args=(process.stdout, log), daemon=True)
        reader.start()
        try:
            yield
        finally:
            process.terminate()
            reader.join(timeout=5)


def _copy(lines: IO[str] | None, log: IO[str]) -> None:
    for line in lines or ():
        log.write(f"{time.monotonic_ns()}, {line}")
        log.flush()


def report(steps: Steps, plan: Plan, work: Path, out: Path, problem: str | None) -> None:
    """Pack runs and logs, and write the summary."""
    for name, folder in (("logs", work / "logs"), ("runs", work / "runs")):
        if folder.is_dir():
            with tarfile.open(out / f"{name}.tar.gz", "w:gz") as packed:
                packed.add(folder, arcname=name)
    runs = sorted((path for path in (work / "runs").glob("*") if (path / "summary.json").is_file()), key=_when)
    lines = read_smi(work / "logs" / "nvidia-smi.csv")
    facts = {
        "is_rehearsal": plan.is_rehearsal,
        "problem": problem,
        "steps": steps.taken,
        "longest_step": max(steps.taken, key=lambda step: step["seconds"], default=None),
        "runs": [summary_of(path, lines) for path in runs],
    }
    (out / "summary.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
    (out / "summary.md").write_text(markdown(facts), "utf-8")
    print(markdown(facts), flush=True)


def _when(path: Path) -> float:
    return path.stat().st_mtime


def summary_of(path: Path, lines: Sequence[SmiLine]) -> dict[str, Any]:
    """Return what a run says of itself, and how its samples of the card agree with nvidia-smi."""
    summary = json.loads((path / "summary.json").read_text("utf-8"))
    manifest = json.loads((path / "run.json").read_text("utf-8"))
    points = summary.get("points") or [summary]
    found = agreements([json.loads(line) for line in (path / "samples.jsonl").read_text("utf-8").splitlines()], lines)
    return {
        "run": path.name,
        "gpu": [gpu["name"] for gpu in manifest["host"]["gpus"]],
        "verdict": (summary.get("verdict") or {}).get("level"),
        "loads": [_load(point) for point in points],
        "counter_against_polled_ratio": _value(summary, "energy_disagreement_ratio"),
        "nvidia_smi": [vars(one) | {"agrees": one.agrees} for one in found],
    }


def _load(point: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        *("output_tokens_per_s", "energy_j_per_output_token", "mean_power_w", "peak_vram_bytes", "gpu_busy_ratio"),
        *("mbu_ratio", "mfu_ratio"),
    )
    return {
        "load": (point.get("point") or {}).get("name"),
        "verdict": (point.get("verdict") or {}).get("level"),
        **{name: _value(point, name) for name in names},
        "tpot_ms_p50": ((point["metrics"].get("tpot_ms") or {}).get("quantiles") or {}).get("p50"),
    }


def _value(summary: Mapping[str, Any], name: str) -> float | str | None:
    """Return a metric's value, or why it has none."""
    metric = summary["metrics"].get(name) or {}
    value: float | str | None = metric.get("value")
    return metric.get("reason") if value is None else value


def markdown(facts: Mapping[str, Any]) -> str:
    """Write the summary for people."""
    lines = ["# Rehearsal without a card" if facts["is_rehearsal"] else "# Proof on a card", ""]
    lines += [f"**{facts['problem']}**", ""] if facts["problem"] else []
    lines += ["| step | s | |", "|---|---|---|"]
    lines += [f"| {step['step']} | {step['seconds']} | {'' if step['ok'] else 'failed'} |" for step in facts["steps"]]
    for run in facts["runs"]:
        lines += ["", f"## {run['run']}", "", f"{', '.join(map(str, run['gpu']))}: {run['verdict']}", ""]
        lines += [
            "| load | tokens/s | TPOT p50, ms | J/token | W | GPU memory, bytes | verdict |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [_row(load) for load in run["loads"]]
        lines += ["", f"Counter against polled power: {_shown(run['counter_against_polled_ratio'])}", ""]
        lines += [f"- {Agreement.sentence(one)}" for one in run["nvidia_smi"]]
    return "\n".join(lines) + "\n"


def _row(load: Mapping[str, Any]) -> str:
    names = (
        "load",
        "output_tokens_per_s",
        "tpot_ms_p50",
        "energy_j_per_output_token",
        "mean_power_w",
        "peak_vram_bytes",
    )
    return f"| {' | '.join(_shown(load[name]) for name in names)} | {load['verdict'] or ''} |"


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value if value is not None else "–")


if __name__ == "__main__":
    main()
