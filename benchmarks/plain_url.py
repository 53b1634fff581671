"""README's `aforo run WORKLOAD --url URL` against a plain llama-server, many times: not one request may fail.

    python benchmarks/plain_url.py [--runs 50] [--concurrency 1,2,4,8] [--requests 16]

llama-server is started as its own documentation says, without a word about connections: it closes one a moment after
each streamed response, without having announced it. Prints one row for each concurrency and a tally; exits with 1 where
a request failed. The model is a synthetic one of a million parameters.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from profiler.cache import cache_folder
from profiler.servers import llama_server

_AFORO = str(Path(sys.executable).parent / "aforo")
_START_S = 30.0


@contextmanager
def plain_server(model: Path, slots: int) -> Iterator[str]:
    """Start llama-server; yield its URL once it listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--host", "127.0.0.1", "--port", str(port), "--threads", "1", "--parallel", str(slots), "--ctx-size"]
    command = [str(llama_server.find()), "--model", str(model), *options, str(1024 * slots)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_until_it_listens(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_until_it_listens(port: int) -> None:
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as probe:
                probe.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if b" 200 " in probe.recv(64):
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("llama-server did not start to listen.")


def one_run(url: str, concurrency: int, requests: int) -> tuple[Counter[str], int]:
    """Run the smoke workload once; return the outcomes, and how many requests were sent a second time."""
    with tempfile.TemporaryDirectory() as out:
        load = ["--concurrency", str(concurrency), "--requests", str(requests), "--out", out]
        command = [_AFORO, "run", "smoke", "--url", url, *load, "--meters", "none", "--no-cloud", "-q"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        journals = list(Path(out).glob("*/requests.jsonl"))
        if not journals:
            raise SystemExit(f"`{' '.join(command)}` has left no requests: {done.stderr.strip()}")
        records = [json.loads(line) for line in journals[0].read_text().splitlines()]
    return Counter(record["outcome"] for record in records), sum(
        record["first_sent_ns"] is not None for record in records
    )


def main() -> None:
    """Run it all and print the tally."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--concurrency", default="1,2,4,8")
    parser.add_argument("--requests", type=int, default=16)
    parser.add_argument("--model", type=Path, help="a GGUF file; default: a synthetic one in the cache")
    arguments = parser.parse_args()
    model = arguments.model or next(iter((cache_folder() / "models").glob("Tiny-1M*Q8_0.gguf")), None)
    if model is None:
        raise SystemExit("No model: run `aforo models make synthetic:tiny-1m/Q8_0` first, or pass --model FILE.")
    has_failed = False
    print("| in flight | runs | runs without a failure | requests | outcomes | sent a second time |")
    print("|---|---|---|---|---|---|")
    for concurrency in map(int, arguments.concurrency.split(",")):
        outcomes, clean, again = Counter[str](), 0, 0
        with plain_server(model, concurrency) as url:
            for _ in range(arguments.runs):
                seen, resent = one_run(url, concurrency, arguments.requests)
                outcomes += seen
                again += resent
                clean += not set(seen) - {"ok"}
        has_failed = has_failed or clean < arguments.runs
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        print(f"| {concurrency} | {arguments.runs} | {clean} | {outcomes.total()} | {told} | {again} |", flush=True)
    sys.exit(has_failed)


if __name__ == "__main__":
    main()
