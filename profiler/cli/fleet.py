"""`aforo fleet`: one plan for many hosts."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Measure many hosts by one plan: hosts × models × workloads × settings.", no_args_is_help=True)

_PLAN = typer.Argument(help="Path of a plan (.yaml), or id of a shipped one: example.", metavar="FLEET.yaml")
_OUT = typer.Option(help="Folder of state and results. Default: runs/ID of the plan.")
_QUIET = typer.Option("--quiet", "-q", help="Show no progress.")


@app.command()
def run(
    plan: Annotated[str, _PLAN],
    out: Annotated[Path | None, _OUT] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on: what is VALID is kept.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look at all hosts, and measure nothing.")] = False,
    ready_only: Annotated[bool, typer.Option("--ready-only", help="Leave hosts out that are not ready.")] = False,
    quiet: Annotated[bool, _QUIET] = False,
) -> None:
    """Measure all cells of a plan, and collect what came of them."""
    from profiler.cli.fleet_progress import shown_fleet
    from profiler.fleet.carry_out import Asked, carry_out
    from profiler.fleet.cells import grid
    from profiler.fleet.load import load
    from profiler.timing.clock import SystemClock

    fleet = load(plan)
    asked = Asked(out or Path("runs") / fleet.plan.id, resume, dry_run, ready_only)
    with shown_fleet(quiet=quiet) as watch:
        carry_out(grid(fleet), asked, watch, SystemClock())
