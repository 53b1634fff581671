"""`aforo host`: host facts, preflight checks and the measured roofline."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profiler.results.host_facts import RooflineFacts

app = typer.Typer(help="Show what this machine is, as every run records it.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True)
def host(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print the facts as run.json keeps them.")] = False,
    cloud: Annotated[
        bool | None,
        typer.Option(
            "--cloud/--no-cloud",
            help="Ask the metadata services of AWS, Google Cloud and Azure where the firmware names none of them; "
            "or none. Default: ask the one that the firmware names. 1 s at most.",
        ),
    ] = None,
) -> None:
    """Show what this machine is, as every run records it."""
    if context.invoked_subcommand is not None:
        return
    from profiler.cli.output import console, write_json
    from profiler.hosts.detect import this_host

    facts = this_host(cloud)
    if json:
        write_json(facts.model_dump_json(indent=2) + "\n")
        return
    from profiler.hosts.table import facts_table

    console().print(facts_table(facts))


@app.command()
def check(json: _Json = False) -> None:
    """Preflight: look for one second for sources of interference, and say what to do. Changes nothing.

    The exit code is 0 whatever is seen: advice is no error.
    """
    from profiler.cli.output import console, print_json
    from profiler.hosts.check import check as check_all
    from profiler.hosts.check import look
    from profiler.hosts.detect import describe
    from profiler.timing.clock import SystemClock

    reports = check_all(look(describe(), SystemClock()))
    if json:
        print_json([report.model_dump() for report in reports])
        return
    from profiler.hosts.table import check_table

    console().print(check_table(reports))


@app.command()
def roofline(
    refresh: Annotated[bool, typer.Option("--refresh", help="Measure again, whatever is kept.")] = False,
    json: _Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Measure this host's memory bandwidth and arithmetic peaks, once: about fifteen seconds, all CPUs.

    Kept in the cache folder for this kind of host; every later run says how near it came to them.
    """
    from profiler.cli.output import console, write_json

    found = _roofline(refresh=refresh, quiet=quiet)
    if json:
        write_json(found.model_dump_json(indent=2) + "\n")
        return
    from profiler.hosts.table import roofline_table

    console().print(roofline_table(found))


def _roofline(*, refresh: bool, quiet: bool) -> "RooflineFacts":
    from profiler.cli.progress import shown_progress
    from profiler.hosts import roofline_cache
    from profiler.hosts.detect import describe
    from profiler.hosts.roofline import measure_and_keep
    from profiler.timing.clock import SystemClock

    facts = describe()
    kept = None if refresh else roofline_cache.read(facts.fingerprint)
    if kept is not None:
        return kept
    with shown_progress(quiet=quiet) as progress:
        return measure_and_keep(facts, progress, SystemClock())
