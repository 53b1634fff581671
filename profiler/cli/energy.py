"""`aforo energy`: meters of this machine, and readings of other ones."""

from typing import Annotated

import typer

app = typer.Typer(help="Energy meters of this machine, and readings of an external one.", no_args_is_help=True)


@app.command("show")
def show(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Show which meters work here, what models say of this machine, and why it is no better."""
    from profiler.energy.meters import AUTO, Meters
    from profiler.hosts.detect import describe
    from profiler.reports.energy import energy_rows
    from profiler.timing.clock import SystemClock

    with Meters(AUTO, SystemClock()) as meters:
        facts = meters.facts(describe().model_dump(mode="json"))
    if json:
        print(facts.model_dump_json(indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Energy: {facts.meter_class}", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for row in energy_rows(facts, []):
        table.add_row(row.label, row.text + (f"\n{row.folded}" if row.folded else ""))
    Console().print(table)
