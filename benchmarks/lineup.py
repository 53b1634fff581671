"""What the side-by-side benchmarks have in common: which clients take part, and where results are kept."""

import argparse
import json
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from aforo_client import Aforo
from clients import Client
from peers import AiPerf, GuideLlm, default_folder

CLIENTS = ("aforo", "guidellm", "aiperf")
RESULTS = Path(__file__).with_name("results")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let the user choose the clients, and whether results are kept."""
    parser.add_argument("--clients", nargs="+", choices=CLIENTS, default=list(CLIENTS))
    parser.add_argument(
        "--driver-only", action="store_true", help="Aforo's load driver without the rest of the command"
    )
    parser.add_argument(
        "--peers-dir", type=Path, default=default_folder(), help="environments of the peers [%(default)s]"
    )
    parser.add_argument("--save", action="store_true", help=f"write page and data to {RESULTS.name}/ beside the script")


def end_on_sigterm() -> None:
    """Make SIGTERM end the benchmark as Ctrl-C does, so that it ends what it started."""

    def stop(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, stop)


def make_clients(options: argparse.Namespace) -> list[Client]:
    """Return the chosen clients; peers that are missing are installed."""
    end_on_sigterm()
    makers: dict[str, Callable[[], Client]] = {
        "aforo": lambda: Aforo(driver_only=options.driver_only),
        "guidellm": lambda: GuideLlm(options.peers_dir.resolve()),
        "aiperf": lambda: AiPerf(options.peers_dir.resolve()),
    }
    return [makers[name]() for name in options.clients]


def versions_of(clients: list[Client]) -> dict[str, str]:
    """Return the version of each client."""
    return {client.name: client.version for client in clients}


def sentence(versions: Mapping[str, str]) -> str:
    """Return the versions as a line of text."""
    return "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."


def save(name: str, page: str, document: Mapping[str, object]) -> None:
    """Write a page and its data below `results/`."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(page, "utf-8")
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"Saved to {RESULTS}.")
