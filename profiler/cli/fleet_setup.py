"""`aforo fleet setup`: this version of Aforo on every host of a plan."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profiler.fleet.schema import Host
    from profiler.fleet.setup import Outcome


def setup(
    plan: Annotated[str, typer.Argument(help="Path of a plan (.yaml).", metavar="FLEET.yaml")],
    hosts: Annotated[list[str] | None, typer.Option("--host", help="Only this host (repeatable).")] = None,
    extras: Annotated[
        list[str] | None, typer.Option("--extra", help="With this optional part: quality, gpu, … (repeatable).")
    ] = None,
    engines: Annotated[
        list[str] | None,
        typer.Option("--engine", help="Build this there, too: llama-server, … (repeatable; some minutes)."),
    ] = None,
    wheels: Annotated[
        Path | None,
        typer.Option(help="Folder of wheels that are carried along; then no package index is asked."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Put this version of Aforo into an environment of its own on each host, over ssh or Ray; what is there stays."""
    from profiler.cli.fleet_progress import shown_fleet
    from profiler.fleet.load import load
    from profiler.fleet.setup import Request, set_up_all
    from profiler.run.interrupt import Interrupt

    chosen = _chosen(load(plan).plan.hosts, hosts)
    request = Request(tuple(extras or ()), wheels, _engines(engines))
    with Interrupt() as interrupt, shown_fleet(quiet=quiet) as watch:
        outcomes = set_up_all(chosen, request, watch, interrupt.check)
    _show(outcomes, as_json=json)


def _chosen(hosts: "list[Host]", names: list[str] | None) -> "list[Host]":
    from profiler.errors import UsageError

    unknown = sorted(set(names or ()) - {host.name for host in hosts})
    if unknown:
        there = ", ".join(host.name for host in hosts)
        raise UsageError(f"--host: the plan has no host {', '.join(unknown)}. It has: {there}.")
    return [host for host in hosts if names is None or host.name in names]


def _engines(names: list[str] | None) -> tuple[str, ...]:
    from profiler.errors import UsageError
    from profiler.servers.llama_build import PROGRAMS

    for name in names or ():
        if name not in PROGRAMS:
            raise UsageError(f"--engine: {name!r} cannot be built. Expected: {', '.join(PROGRAMS)}.")
    return tuple(names or ())


def _show(outcomes: "list[Outcome]", *, as_json: bool) -> None:
    """Print what came of each host. Raises `HostError` where one has failed."""
    from dataclasses import asdict

    from rich.table import Table

    from profiler.cli.output import console, print_json
    from profiler.errors import HostError
    from profiler.fleet.setup import SAID

    if as_json:
        print_json([asdict(outcome) for outcome in outcomes])
    else:
        table = Table("host", "aforo", "python", "what to know")
        for each in outcomes:
            table.add_row(each.host, SAID[each.state], each.python or "", each.sentence)
        console().print(table)
    failed = [each.host for each in outcomes if each.state == "failed"]
    if failed:
        raise HostError(
            f"{len(failed)} of {len(outcomes)} hosts could not be set up: {', '.join(failed)}. Mend what is said "
            "above and call the same again; hosts that have it are left as they are."
        )
