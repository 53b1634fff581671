"""How wrong is each client? Errors of Aforo, GuideLLM and AIPerf against a server that logs when it sent what.

    python benchmarks/truthfulness.py                      # everything: about 45 minutes
    python benchmarks/truthfulness.py --scenarios c32 --conditions contended --clients aforo --duration 10
    python benchmarks/truthfulness.py --repeats 2 --save   # writes benchmarks/results/truthfulness.md and .json

Every client meets the same server, scenario by scenario, one after the other. "Contended": as many busy processes at
normal priority as there are cores. README.md beside this file says how requests are paired.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import lineup
import machine
import truth
from clients import BenchmarkError, Client, Load, run
from outcome import Outcome, document, show
from truth_errors import errors_ns, lags_ns, spread, steady

CONDITIONS = ("idle", "contended")
_BURST_BYTES = 65_536
_PAUSE_S = 1.0


@dataclass(frozen=True)
class Scenario:
    """What the server does and what is asked of it."""

    name: str
    meaning: str
    load: Load
    server_flags: tuple[str, ...] = ()


_PACE = ("--ttft-ms", "100", "--itl-ms", "10")
_LOAD = Load(duration_s=15, output_tokens=64, concurrency=32)
SCENARIOS = (
    Scenario("c1", "one stream", replace(_LOAD, concurrency=1, duration_s=40), _PACE),
    Scenario("c32", "32 streams", _LOAD, _PACE),
    Scenario("c128", "128 streams", replace(_LOAD, concurrency=128), _PACE),
    Scenario("open50", "open loop, 50 requests/s, constant", replace(_LOAD, rate_rps=50), _PACE),
    Scenario("poisson50", "open loop, 50 requests/s, Poisson", replace(_LOAD, rate_rps=50, arrivals="poisson"), _PACE),
    Scenario("batched", "32 streams, 4 events in one write", _LOAD, (*_PACE, "--tokens-per-chunk", "4")),
    Scenario("multi", "32 streams, 4 tokens in one event", _LOAD, (*_PACE, "--tokens-per-chunk", "4", "--one-event")),
    Scenario(
        "bursts",
        "8 streams in bursts of 64 KB",
        replace(_LOAD, concurrency=8, output_tokens=1800),
        ("--ttft-ms", "100", "--itl-ms", "1", "--burst-bytes", str(_BURST_BYTES)),
    ),
    Scenario("stalls", "32 streams that stall for 300 ms", _LOAD, (*_PACE, "--stall-after", "32", "--stall-ms", "300")),
)


def main() -> None:
    options = arguments()
    clients = lineup.make_clients(options)
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in options.scenarios]
    about, versions = machine.describe(), lineup.versions_of(clients)
    meanings = {scenario.name: scenario.meaning for scenario in scenarios}
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="aforo-truthfulness-") as work:
        binary = truth.build(Path(work))
        for scenario in scenarios:
            for condition, repeat, client in product(options.conditions, range(1, options.repeats + 1), clients):
                print(f"{scenario.name}, {condition}, repeat {repeat}: {client.name} …", end=" ", flush=True)
                try:
                    found = measure(client, scenario, condition, repeat, binary, options)
                except BenchmarkError as error:
                    print(f"no result: {error}", flush=True)
                else:
                    print(found[0].sentence(), flush=True)
                    outcomes += found
            page = show(outcomes, meanings, about, versions)
            if options.save:  # after each scenario: what is there survives whatever comes
                lineup.save("truthfulness", page, document(outcomes, about, versions))
    print(page)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--scenarios", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS))
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--duration", type=float, help="seconds of load for each client instead of the scenario's")
    parser.add_argument("--skip", type=float, default=1.0, help="seconds at the start that do not count [1]")
    parser.add_argument("--fifo", type=int, default=50, help="SCHED_FIFO priority of the server; 0 for none [50]")
    lineup.add_options(parser)
    return parser.parse_args()


def measure(
    client: Client, scenario: Scenario, condition: str, repeat: int, binary: Path, options: argparse.Namespace
) -> Sequence[Outcome]:
    """Run one client through one scenario; return an outcome per way of stamping."""
    load = replace(scenario.load, duration_s=options.duration or scenario.load.duration_s)
    with (
        tempfile.TemporaryDirectory(dir=binary.parent) as folder,
        truth.truth_server(binary, scenario.server_flags, fifo=options.fifo) as server,
        machine.busy(wanted=condition == "contended"),
    ):
        run(client, load, server.url, truth.MODEL, Path(folder))
        server.stop()
        records, log = client.read(Path(folder)), server.truth()
    outcomes = []
    for stamps, seen in records.items():
        counted = steady(truth.pair(seen, log.requests), options.skip)
        found = errors_ns(counted)
        if load.rate_rps is not None and load.arrivals == "constant":
            found["lag"] = lags_ns(log.requests, load.rate_rps, options.skip)
        errors = {name: spread(values) for name, values in found.items()}
        outcomes.append(
            Outcome(scenario.name, condition, repeat, stamps, log.scheduler, len(log.requests), len(counted), errors)
        )
    return outcomes


if __name__ == "__main__":
    main()
