"""Does Aforo report the decode speed that an independent reader sees?

One llama-cpp-python server answers the same requests to two clients in turn, A B A B …: Aforo's load driver, and a
plain `http.client` reader that shares no code with it. Both report the mean single-stream decode speed, (tokens − 1)
/ (last − first). The engine's own rate, from its log, stands beside them.

    python benchmarks/agreement.py [--pairs 6] [--requests 8] [--model FILE.gguf]
"""

import argparse
import http.client
import json
import statistics
import tempfile
import time
from pathlib import Path

from profiler.hosts.usable_cpus import usable_cpu_count
from profiler.metrics.latency import decode_tokens_per_s
from profiler.models import facts, locate
from profiler.results.records import Outcome
from profiler.servers.base import Launch
from profiler.servers.llama_cpp_python import LlamaCppPythonServer, read_log
from profiler.servers.openai_api import PATHS, http_request
from profiler.servers.options import EngineOptions
from profiler.timing.driver_client import LoadDriver, load_driver
from profiler.timing.interpret import to_record
from profiler.timing.messages import ClosedLoopPace, Exchange, Job, JobDone
from profiler.units import MS_PER_S, NS_PER_S, s_to_ns
from profiler.workloads import load
from profiler.workloads.messages import Request
from profiler.workloads.prompts import make_prompts


def main() -> None:
    options = arguments()
    model = facts.read(locate.find(options.model).path)
    workload = load.load("quickstart").workload
    server = LlamaCppPythonServer(Launch(model, usable_cpu_count(), 4096, 1, 300), EngineOptions())
    with tempfile.TemporaryDirectory() as folder, load_driver() as driver:
        log = Path(folder) / "server.log"
        try:
            server.start(log, lambda: None)
            prompts = make_prompts(workload, Path(), [options.requests], 1, server.count_tokens)
            bodies = [server.request_body(Request("completions", p.messages, workload.output_tokens)) for p in prompts]
            drive_with_aforo(driver, server, bodies, workload.output_tokens)  # warm-up
            pairs = []
            print(f"{'pair':>4} {'Aforo tok/s':>12} {'http.client tok/s':>18} {'ratio':>8}", flush=True)
            for number in range(1, options.pairs + 1):
                ours = drive_with_aforo(driver, server, bodies, workload.output_tokens)
                theirs = drive_with_http_client(server, bodies)
                pairs.append((ours, theirs))
                print(f"{number:>4} {ours:>12.2f} {theirs:>18.2f} {ours / theirs:>8.4f}", flush=True)
        finally:
            server.stop()
        report(pairs, log.read_text("utf-8", "replace"))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--requests", type=int, default=8, help="requests in each half of a pair")
    parser.add_argument("--model", help="as for `aforo run`")
    return parser.parse_args()


def drive_with_aforo(
    driver: LoadDriver, server: LlamaCppPythonServer, bodies: list[dict[str, object]], output_tokens: int
) -> float:
    """Return the mean decode speed as `aforo run` computes it."""
    requests = driver.spool(http_request(server.address, "completions", body) for body in bodies)
    driver.start(
        Job(
            phase="repeat-1",
            host=server.address.host,
            port=server.address.port,
            pace=ClosedLoopPace(1, max_duration_ns=s_to_ns(600)),
            request_timeout_ns=s_to_ns(60),
            stall_timeout_ns=s_to_ns(60),
            first_index=0,
            requests=requests,
        )
    )
    speeds: list[float] = []
    while True:
        for message in driver.receive(1.0):
            if isinstance(message, Exchange):
                record = to_record(message, output_tokens, None)
                if record.outcome is not Outcome.OK:
                    raise SystemExit(f"a request failed: {record.outcome}: {record.detail}")
                speeds.append(decode_tokens_per_s(record))
            elif isinstance(message, JobDone):
                return statistics.fmean(speeds)


def drive_with_http_client(server: LlamaCppPythonServer, bodies: list[dict[str, object]]) -> float:
    """Return the mean decode speed that a blocking reader in this process sees."""
    speeds = []
    connection = http.client.HTTPConnection(server.address.host, server.address.port)
    for body in bodies:
        connection.request("POST", PATHS["completions"], json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        arrived = []
        while line := response.readline():
            arrived.append((time.monotonic_ns(), line))
        # Parsed afterwards: a reader that is busy takes a processor from the server and slows it down by 1 to 2 %.
        events = [(t, json.loads(line[6:])) for t, line in arrived if line.startswith(b"data: {")]
        stamps_ns = [t for t, event in events if event["choices"][0]["text"]]
        speeds.append((len(stamps_ns) - 1) * NS_PER_S / (stamps_ns[-1] - stamps_ns[0]))
    connection.close()
    return statistics.fmean(speeds)


def report(pairs: list[tuple[float, float]], log: str) -> None:
    ratios = [ours / theirs for ours, theirs in pairs]
    timings = list(read_log(log.splitlines()))
    engine = sum(t.decode_runs for t in timings) * MS_PER_S / sum(t.decode_ms for t in timings)
    ours = statistics.median(ours for ours, _ in pairs)
    print(f"Aforo / http.client: median {statistics.median(ratios):.4f}, {min(ratios):.4f} to {max(ratios):.4f}")
    print(f"Engine's own eval rate: {engine:.2f} tok/s, {100 * (engine / ours - 1):+.1f} % of Aforo's {ours:.2f}")
    print("The engine's rate leaves out sampling, detokenising and the HTTP server.")


if __name__ == "__main__":
    main()
