"""`aforo energy`: meters of this machine, and readings of other ones."""

from pathlib import Path
from typing import Annotated

import typer

from profiler.cli.named_run import RunArgument

app = typer.Typer(help="Energy meters of this machine, and readings of an external one.", no_args_is_help=True)


@app.command("show")
def show(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Show which meters work here, what models say of this machine, and why it is no better."""
    from profiler.cli.output import console, write_json
    from profiler.energy.meters import AUTO, Meters
    from profiler.hosts.detect import describe
    from profiler.reports.energy import energy_rows
    from profiler.timing.clock import SystemClock

    with Meters(AUTO, SystemClock()) as meters:
        facts = meters.facts(describe())
    if json:
        write_json(facts.model_dump_json(indent=2) + "\n")
        return
    from rich.table import Table

    table = Table(title=f"Energy: {facts.meter_class}", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for row in energy_rows(facts, []):
        table.add_row(row.label, row.text + (f"\n{row.folded}" if row.folded else ""))
    console().print(table)


@app.command("import")
def import_meter(
    run: RunArgument,
    csv: Annotated[
        Path,
        typer.Argument(help="Readings of the meter: columns timestamp and watts, wh, kwh or joules.", metavar="CSV"),
    ],
    timezone: Annotated[
        str | None, typer.Option(help="Of times without one: UTC, +01:00 or a name like Europe/Berlin.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Import the readings of a wall plug or a PDU into a run, beside its own meters, and recompute it."""
    from profiler.cli.output import print_run
    from profiler.results.folder import RunFolder
    from profiler.run.wall import import_meter as import_file

    folder = RunFolder(run)
    manifest, summary = import_file(folder, csv, timezone)
    print_run(folder, manifest, summary, as_json=json)
