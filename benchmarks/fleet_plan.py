"""How long does it take to check, estimate and lay out a plan for many hosts?

    python benchmarks/fleet_plan.py                            # 50 hosts × 20 workloads
    python benchmarks/fleet_plan.py --hosts 200 --settings 4

Calls `aforo fleet plan … --json` as people do, in a process of its own, five times, and prints what each took, with
`aforo --version` beside it: what every call takes. On a busy machine only the time of a CPU says something.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from profiler.workloads.load import WORKLOADS

TIMES = 5


def plan_of(hosts: int, workloads: int, settings: int) -> str:
    names = list(WORKLOADS.shipped())[:workloads]
    told = [f"  - {{name: h{n}, transport: ssh, address: bench@10.0.{n // 250}.{n % 250}}}" for n in range(hosts)]
    threads = ", ".join(map(str, range(1, settings + 1)))
    return "\n".join(
        [
            "id: made-up",
            "hosts:",
            *told,
            "models: [synthetic:smollm2-135m/Q8_0]",
            f"workloads: [{', '.join(names)}]",
            f"settings: {{threads: [{threads}]}}",
        ]
    )


def taken(*words: str) -> str:
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "profiler", *words], check=True, stdout=subprocess.DEVNULL)
    after, whole_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{whole_s:.2f} s, {cpu_s:.2f} s of a CPU"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--workloads", type=int, default=20)
    parser.add_argument("--settings", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.yaml"
        path.write_text(plan_of(asked.hosts, asked.workloads, asked.settings))
        print(f"{asked.hosts} hosts × {asked.workloads} workloads × {asked.settings} settings")
        for _ in range(TIMES):
            print(f"{taken('fleet', 'plan', str(path), '--json')}  (--version: {taken('--version')})")


if __name__ == "__main__":
    main()
