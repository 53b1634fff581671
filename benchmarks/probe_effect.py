"""Does measuring slow the server down? Its own token rate, driven by each client and by nothing but curl.

    python benchmarks/probe_effect.py                                    # about 12 minutes
    python benchmarks/probe_effect.py --llama-server PATH/llama-server   # that engine instead of llama-cpp-python
    python benchmarks/probe_effect.py --save                             # writes benchmarks/results/probe-effect.*

One real server on all cores, one stream, the clients in turn; each round begins one client later than the last. The
rate is the server's own, from its log: tokens / time of all generations of a turn. curl and Aforo send the same
requests; GuideLLM and AIPerf make their own prompts, whose mean length on the server stands beside the rate.
"""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Protocol

import aforo_client
import lineup
import machine
from clients import Client, Load, run

from profiler.hosts.usable_cpus import usable_cpu_count
from profiler.models import facts, locate
from profiler.servers.address import Address
from profiler.servers.base import Launch
from profiler.servers.llama_cpp_python import LlamaCppPythonServer
from profiler.servers.options import EngineOptions
from profiler.servers.process import ServerProcess, free_loopback_port
from profiler.units import MS_PER_S

_BASE = "curl"
_WANTED_RATIO = 0.99
_CONTEXT_TOKENS = 4096
_START_S = 300.0
_LOOK_S = 0.1
_CURL_S = 120
_SETTLE_S = 1.0  # for the server's last lines to reach its log

_PROMPT = re.compile(r"prompt eval time =\s*[\d.]+ ms /\s*(\d+) tokens")
_DECODE = re.compile(r"(?<!prompt )eval time =\s*([\d.]+) ms /\s*(\d+) (?:runs|tokens)")


class _Server(Protocol):
    address: Address
    model_name: str

    def stop(self) -> None: ...


class LlamaServer:
    """llama.cpp's own `llama-server`, one slot."""

    def __init__(self, binary: str, model_path: Path, log: Path) -> None:
        """Start it and wait until it answers."""
        self.address = Address("127.0.0.1", free_loopback_port())
        self.model_name = "probe"
        options = {
            "-m": model_path,
            "-t": usable_cpu_count(),
            "-c": _CONTEXT_TOKENS,
            "-np": 1,
            "--host": self.address.host,
        }
        more = {"--port": self.address.port, "--alias": self.model_name}
        flags = [str(word) for option in (options | more).items() for word in option]
        self._process = ServerProcess([binary, *flags], log, {})
        deadline_s = time.monotonic() + _START_S
        while not self._is_ready():
            self._process.check_alive()
            if time.monotonic() > deadline_s:
                self.stop()
                raise SystemExit(f"llama-server was not ready after {_START_S:g} s. {self._process.log_tail()}")
            time.sleep(_LOOK_S)

    def stop(self) -> None:
        """End it."""
        self._process.stop()

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address.authority}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@dataclass(frozen=True)
class Turn:
    """What the server's log says of one client's turn."""

    client: str
    round: int
    requests: int
    tokens: int
    tokens_per_s: float
    mean_prompt_tokens: float


def main() -> None:
    options = arguments()
    load = Load(duration_s=options.duration, output_tokens=options.output_tokens, api="completions")
    clients = make_clients(options)
    about = machine.describe()
    names = [_BASE, *(client.name for client in clients)]
    turns: list[Turn] = []
    with tempfile.TemporaryDirectory(prefix="aforo-probe-") as work:
        log = Path(work) / "server.log"
        server, engine = start_server(options, log)
        try:
            take_turn(server, log, None, load, 0, Path(work))  # warm-up
            for number in range(1, options.rounds + 1):
                for name in names[(number - 1) % len(names) :] + names[: (number - 1) % len(names)]:
                    client = next((client for client in clients if client.name == name), None)
                    turns.append(take_turn(server, log, client, load, number, Path(work)))
                    print(f"round {number}: {name} {turns[-1].tokens_per_s:.2f} tok/s", flush=True)
        finally:
            server.stop()
    text = show(turns, names, about, engine, lineup.versions_of(clients))
    print(text)
    if options.save:
        document = {"machine": about, "engine": engine, "turns": [asdict(turn) for turn in turns]}
        lineup.save("probe-effect", text, document)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--llama-server", metavar="PATH", help="measure this engine instead of llama-cpp-python")
    parser.add_argument("--model", help="as for `aforo run`")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--duration", type=float, default=15.0, help="seconds of each turn [15]")
    parser.add_argument("--output-tokens", type=int, default=128)
    lineup.add_options(parser)
    return parser.parse_args()


def make_clients(options: argparse.Namespace) -> list[Client]:
    """Return the chosen clients. Raises `SystemExit` without curl."""
    if shutil.which("curl") is None:
        raise SystemExit("The base of this comparison is curl, which is not installed. Install curl.")
    return lineup.make_clients(options)


def start_server(options: argparse.Namespace, log: Path) -> tuple[_Server, str]:
    """Start the engine on all cores; return it and its name."""
    model = facts.read(locate.find(options.model).path)
    if options.llama_server:
        return LlamaServer(options.llama_server, Path(str(model.path)), log), f"llama-server, {model.name}"
    server = LlamaCppPythonServer(Launch(model, usable_cpu_count(), _CONTEXT_TOKENS, 1, _START_S), EngineOptions())
    try:
        server.start(log, lambda: None)
    except BaseException:
        server.stop()
        raise
    return server, f"llama-cpp-python {server.describe().version}, {model.name}"


def take_turn(server: _Server, log: Path, client: Client | None, load: Load, number: int, work: Path) -> Turn:
    """Let one client, or curl, drive the server for a while; return what the server's log says of it."""
    start_bytes = log.stat().st_size
    url = f"http://{server.address.authority}"
    if client is None:
        drive_with_curl(url, load, server.model_name)
    else:
        run(client, load, url, server.model_name, work / f"{number}-{client.name}", detailed=False)
    time.sleep(_SETTLE_S)
    with log.open("rb") as file:
        file.seek(start_bytes)
        text = file.read().decode("utf-8", "replace")
    return read_turn(text, client.name if client else _BASE, number)


def read_turn(text: str, client: str, number: int) -> Turn:
    """Add up the server's timings of one turn."""
    prompts = [int(tokens) for tokens in _PROMPT.findall(text)]
    decodes = [(float(spent_ms), int(tokens)) for spent_ms, tokens in _DECODE.findall(text)]
    spent_ms, tokens = sum(d[0] for d in decodes), sum(d[1] for d in decodes)
    if not tokens:
        raise SystemExit(f"The server's log holds no timings of {client}'s requests.")
    return Turn(client, number, len(decodes), tokens, tokens * MS_PER_S / spent_ms, sum(prompts) / len(prompts))


def drive_with_curl(url: str, load: Load, model: str) -> None:
    """Send one request after the other, each with a curl of its own that throws the answer away."""
    end_s = time.monotonic() + load.duration_s
    for body in aforo_client.bodies(load, model):
        if time.monotonic() >= end_s:
            return
        command = ["curl", "--silent", "--show-error", "--fail", "--no-buffer", "--output", "/dev/null"]
        header = ["--header", "Content-Type: application/json"]
        words = [*command, *header, "--data-binary", json.dumps(body), f"{url}/v1/completions"]
        subprocess.run(words, check=True, timeout=_CURL_S)


def show(
    turns: Sequence[Turn],
    names: Sequence[str],
    about: dict[str, object],
    engine: str,
    versions: Mapping[str, str],
) -> str:
    """Return the page."""
    rows = []
    base = {turn.round: turn.tokens_per_s for turn in turns if turn.client == _BASE}
    for name in names:
        chosen = [turn for turn in turns if turn.client == name]
        ratios = [turn.tokens_per_s / base[turn.round] for turn in chosen]
        verdict = ""
        if name == "aforo":
            verdict = "met" if median(ratios) >= _WANTED_RATIO else "**not met**"
        rows.append(
            f"| {name} {versions.get(name, '')} | {median(turn.tokens_per_s for turn in chosen):.2f} "
            f"| **{median(ratios):.4f}** ({min(ratios):.4f} to {max(ratios):.4f}) "
            f"| {sum(turn.requests for turn in chosen)} "
            f"| {sum(turn.mean_prompt_tokens for turn in chosen) / len(chosen):.0f} | {verdict} |"
        )
    return "\n".join(
        [
            "# Does measuring slow the server down?",
            "",
            "The server's own decode rate in its log, one stream, medians over the rounds; ratios within a round. "
            "Written by `benchmarks/probe_effect.py`.",
            "",
            f"{engine}, {usable_cpu_count()} threads. {machine.sentence(about)}",
            "",
            f"| driven by | tokens/s | ratio to curl | requests | mean prompt tokens | wanted: ≥ {_WANTED_RATIO} |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    main()
