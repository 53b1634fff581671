"""How much memory and time do the summary and the report of a long run take?

    python benchmarks/memory.py                       # a million requests of 100 tokens: 15 minutes, 3 GB of disk
    python benchmarks/memory.py --requests 20000
    python benchmarks/memory.py --json                # the figures alone, for another program

Writes the folder of a made-up run (32 streams, three repeats, an engine's log, two samples a second), then has
`aforo summarize` and `aforo report` read it, each in a process of its own, and takes that process's largest resident
memory from the kernel (`wait4`). The folder is deleted afterwards.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path

import msgspec

from profiler.results.folder import RunFolder
from profiler.results.host_facts import CpuFacts, HostFacts
from profiler.results.manifest import ClientFacts, EngineFacts, Manifest, ModelFacts, Phase
from profiler.results.records import Outcome, RequestRecord, Sample
from profiler.servers.llama_cpp_python import NAME
from profiler.units import NS_PER_MS, NS_PER_S, bytes_to_mib
from profiler.workloads.schema import ClosedLoop, Slo, SyntheticPrompts, Workload

TOKENS = 100
SLOTS = 32
REPEATS = 3
_WARMUP_REQUESTS = 64
_STREAMS = 997  # different answers, given in turn
_START_NS = 1000 * NS_PER_S
_LOG = """\
llama_perf_context_print: prompt eval time =     160.21 ms /   128 tokens (    1.25 ms per token)
llama_perf_context_print:        eval time =     810.44 ms /    99 runs   (    8.19 ms per token)
"""


@dataclass(frozen=True)
class Cost:
    """What one command took."""

    command: str
    peak_rss_mib: float
    cpu_s: float
    wall_s: float


def main() -> None:
    """Write, measure, print."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(dir=arguments.dir) as scratch:
        folder = RunFolder(Path(scratch) / "run")
        write(folder, arguments.requests)
        size_bytes = folder.requests.stat().st_size
        costs = [cost(command, folder) for command in ("summarize", "report")]
        page_bytes = folder.report.stat().st_size
    if arguments.json:
        print(json.dumps([asdict(each) for each in costs]))
        return
    print(f"{arguments.requests:,} requests of {TOKENS} tokens: requests.jsonl has {bytes_to_mib(size_bytes):,.0f} MiB")
    for each in costs:
        print(
            f"aforo {each.command:9} {each.peak_rss_mib:7.1f} MiB at most, {each.cpu_s:6.1f} s of processor time, "
            f"{each.wall_s:6.1f} s"
        )
    print(f"report.html has {bytes_to_mib(page_bytes):.1f} MiB")


def cost(command: str, folder: RunFolder) -> Cost:
    """Run a command on a folder in a process of its own."""
    begun_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "profiler", command, str(folder.path)], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, 3}:  # 3: the made-up run is INVALID, which is not the question here
        raise SystemExit(f"aforo {command} ended with {process.returncode}")
    kib = usage.ru_maxrss / 1024 if sys.platform == "darwin" else usage.ru_maxrss
    return Cost(command, kib / 1024, usage.ru_utime + usage.ru_stime, time.monotonic() - begun_s)


def write(folder: RunFolder, requests: int) -> None:
    """Write a run of so many measured requests."""
    folder.create()
    encoder = msgspec.json.Encoder()
    ends_ns: dict[str, int] = {}
    with folder.requests.open("wb") as journal, folder.server_log.open("w", encoding="utf-8") as log:
        for record in records(requests):
            journal.write(encoder.encode(record) + b"\n")
            log.write(_LOG)
            ends_ns[record.phase] = record.finished_ns
    with folder.samples.open("wb") as journal:
        for t_ns in range(_START_NS, max(ends_ns.values()), NS_PER_S // 2):
            journal.write(encoder.encode(_sample(t_ns)) + b"\n")
    folder.write_manifest(_manifest(ends_ns))


def records(requests: int) -> Iterator[RequestRecord]:
    """Yield warm-up and measured requests slot by slot, nearly in order of finishing."""
    chance = random.Random(1)  # noqa: S311 - made-up times, not secrets
    streams = [_stream(chance) for _ in range(_STREAMS)]
    phases = ["warmup"] * _WARMUP_REQUESTS + [
        f"repeat-{number * REPEATS // requests + 1}" for number in range(requests)
    ]
    free_ns = [_START_NS + slot * NS_PER_MS for slot in range(SLOTS)]
    for index, phase in enumerate(phases):
        slot = index % SLOTS
        offsets_ns, lags_ns = streams[index % _STREAMS]
        sent_ns = free_ns[slot] + 50_000
        free_ns[slot] = sent_ns + offsets_ns[-1] + 60_000
        yield RequestRecord(
            index=index,
            phase=phase,
            client_port=40_000 + slot,
            outcome=Outcome.OK,
            http_status=200,
            scheduled_ns=sent_ns - 40_000,
            sent_ns=sent_ns,
            sent_stamp_source="kernel",
            send_call_ns=9_000,
            finished_ns=sent_ns + offsets_ns[-1] + 10_000,
            stamp_source="kernel",
            clock_offset_width_ns=200,
            clock_offset_drift_ns=-9,
            read_offset_ns=offsets_ns,
            read_lag_ns=lags_ns,
            read_bytes=[308, *[253] * TOKENS, 24],
            read_tokens=[0, *[1] * TOKENS, 0],
            prompt_tokens=128,
            completion_tokens=TOKENS,
            completion_tokens_server=TOKENS,
            finish_reason="length",
        )


def _stream(chance: random.Random) -> tuple[list[int], list[int | None]]:
    """Return when the reads of one answer arrive (headers, tokens, the end), and by how much we see them later."""
    first_ns = round(160 * NS_PER_MS * chance.lognormvariate(0, 0.1))
    gaps_ns = [round(8 * NS_PER_MS * chance.lognormvariate(0, 0.1)) for _ in range(TOKENS)]
    offsets_ns = [2_500_000, *accumulate(gaps_ns, initial=first_ns)]
    return offsets_ns, [round(chance.lognormvariate(10.5, 0.6)) for _ in offsets_ns]


def _sample(t_ns: int) -> Sample:
    return Sample(
        t_ns=t_ns,
        server_cpu_cores=7.5 + t_ns % 7 / 10,
        server_rss_bytes=2**30 + t_ns % 2**20,
        host_cpu_ratio=0.95,
        host_steal_ratio=0.001,
        client_cpu_cores=0.2,
    )


def _manifest(ends_ns: dict[str, int]) -> Manifest:
    starts_ns = [_START_NS, *list(ends_ns.values())[:-1]]
    phases = [
        Phase(name=name, start_ns=start_ns, end_ns=end_ns, client_cpu_ns=(end_ns - start_ns) // 5)
        for (name, end_ns), start_ns in zip(ends_ns.items(), starts_ns, strict=True)
    ]
    return Manifest(
        tool_version="0",
        run_id="long-run",
        status="complete",
        started_utc="2026-01-01T00:00:00Z",
        seed=1,
        workload=Workload(
            id="long",
            version=1,
            description="A run that never was.",
            prompts=SyntheticPrompts(source="synthetic", tokens=8),
            output_tokens=1,
            requests=1,
            load=ClosedLoop(shape="closed-loop", concurrency=SLOTS),
            slo=Slo(ttft_ms=200.0, tpot_ms=10.0),
        ),
        model=ModelFacts(name="m", source="s", path=None, size_bytes=None, sha256=None, is_synthetic=True),
        engine=EngineFacts(name=NAME),
        host=HostFacts(name="made-up", cpu=CpuFacts(logical_cpus=8)),
        client=ClientFacts(python="3", stamp_source="kernel", stamp_note="made up"),
        phases=phases,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000_000, help="measured requests")
    parser.add_argument("--dir", type=Path, help="where the folder is made (default: the system's temporary folder)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
