"""`aforo fleet`: one plan for many hosts."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profiler.fleet.cells import Grid
    from profiler.fleet.estimate import Estimate
    from profiler.fleet.status import FleetStatus

app = typer.Typer(help="Measure many hosts by one plan: hosts × models × workloads × settings.", no_args_is_help=True)


def _complete(incomplete: str) -> Sequence[str]:
    """Suggest shipped plans; the shell adds files by itself where none fits."""
    from profiler.fleet.load import PLANS

    return [name for name in PLANS.shipped() if name.startswith(incomplete)]


_PLAN = typer.Argument(
    help="Path of a plan (.yaml), or id of a shipped one: example.", metavar="FLEET.yaml", autocompletion=_complete
)
_OUT = typer.Option(help="Folder of state and results. Default: runs/ID, by the plan's id.")
_QUIET = typer.Option("--quiet", "-q", help="Show no progress.")
_JSON = typer.Option("--json", help="Print JSON.")


@app.command()
def plan(
    plan: Annotated[str | None, _PLAN] = None,
    json: Annotated[bool, _JSON] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a plan.")] = False,
    example: Annotated[bool, typer.Option("--example", help="Print a plan to begin with.")] = False,
) -> None:
    """Check a plan, and show its cells with time and cost at the longest. No host is called."""
    from profiler.cli.output import console, print_json
    from profiler.errors import UsageError
    from profiler.fleet.load import PLANS
    from profiler.fleet.schema import json_schema

    if schema:
        print_json(json_schema())
    elif example:
        print(PLANS.shipped()["example"].read_text("utf-8"), end="")
    elif plan is None:
        raise UsageError("Expected a plan: aforo fleet plan FLEET.yaml ('aforo fleet plan --example' prints one).")
    else:
        grid, estimate = _planned(plan)
        from profiler.fleet.tables import plan_document, plan_table

        if json:
            print_json(plan_document(grid, estimate))
        else:
            console().print(plan_table(grid, estimate))


@app.command()
def run(
    plan: Annotated[str, _PLAN],
    out: Annotated[Path | None, _OUT] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on: what is VALID is kept.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look at all hosts, and measure nothing.")] = False,
    ready_only: Annotated[bool, typer.Option("--ready-only", help="Leave hosts out that are not ready.")] = False,
    json: Annotated[bool, _JSON] = False,
    quiet: Annotated[bool, _QUIET] = False,
) -> None:
    """Measure all cells of a plan, and collect what came of them.

    All hosts are looked at before anything is measured. Ctrl-C ends the cells in progress and keeps the state; --resume
    goes on, and takes in what has ended on hosts meanwhile. Ends with 3 where cells are INVALID, with 1 where some were
    not measured.
    """
    from profiler.cli.fleet_pages import kept_page
    from profiler.cli.fleet_progress import shown_fleet
    from profiler.cli.output import print_json
    from profiler.fleet.carry_out import Asked, carry_out
    from profiler.fleet.status import FleetStatus
    from profiler.fleet.tables import ready_document
    from profiler.timing.clock import SystemClock

    grid, estimate = _planned(plan)
    asked = Asked(_folder(out, grid), resume, dry_run, ready_only)
    with kept_page(asked.out), shown_fleet(quiet=quiet) as watch:
        came = carry_out(grid, estimate, asked, watch, SystemClock())
    if isinstance(came, FleetStatus):
        _end(came, as_json=json, quiet=quiet)
    elif json:
        print_json(ready_document(grid, came))
    elif not quiet:
        print(f"All hosts of {grid.fleet.plan.id} are ready{' that are not left out' if ready_only else ''}.")


@app.command()
def collect(
    plan: Annotated[str, _PLAN],
    out: Annotated[Path | None, _OUT] = None,
    json: Annotated[bool, _JSON] = False,
    quiet: Annotated[bool, _QUIET] = False,
) -> None:
    """Take in what has ended on hosts since they were lost or left, and begin nothing."""
    from profiler.cli.fleet_progress import shown_fleet
    from profiler.fleet.carry_out import collect as collected
    from profiler.timing.clock import SystemClock

    grid, estimate = _planned(plan)
    with shown_fleet(quiet=quiet) as watch:
        status = collected(grid, estimate, _folder(out, grid), watch, SystemClock())
    _end(status, as_json=json, quiet=quiet)


@app.command()
def status(
    plan: Annotated[str, _PLAN],
    out: Annotated[Path | None, _OUT] = None,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Show how far a plan has come, from its state alone: no host is asked. A folder of results does as well.

    Draws its page, fleet.html, anew.
    """
    from profiler.cli.fleet_pages import write_page
    from profiler.cli.output import console, print_json
    from profiler.fleet.status import status_of
    from profiler.fleet.tables import status_table

    folder = _folder_of(plan, out)
    found = status_of(folder)
    if json:
        print_json(found.document())
    else:
        console().print(status_table(found))
    write_page(folder)  # last: how it stands is told where no page can be written


@app.command()
def report(
    plan: Annotated[str, _PLAN],
    out: Annotated[Path | None, _OUT] = None,
    quiet: Annotated[bool, _QUIET] = False,
) -> None:
    """Compare again what came back, and draw the pages anew. No host is asked. A folder of results does as well."""
    from profiler.cli.fleet_pages import write_pages

    write_pages(_folder_of(plan, out), quiet=quiet)


def _folder_of(plan: str, out: Path | None) -> Path:
    """Return the folder of results that is meant by a plan, or by itself."""
    from profiler.fleet.load import PLANS

    if out is None and Path(plan).is_dir():
        return Path(plan)
    return out or Path("runs") / PLANS.read(PLANS.locate(plan)).id


def _planned(plan: str) -> "tuple[Grid, Estimate]":
    from profiler.fleet.cells import grid
    from profiler.fleet.estimate import estimate
    from profiler.fleet.load import load

    made = grid(load(plan))
    return made, estimate(made)


def _folder(out: Path | None, grid: "Grid") -> Path:
    return out or Path("runs") / grid.fleet.plan.id


def _end(status: "FleetStatus", *, as_json: bool, quiet: bool) -> None:
    """Write the pages, print how it stands, and end with what that amounts to."""
    from profiler.cli.fleet_pages import write_pages
    from profiler.cli.output import console, print_json
    from profiler.fleet.tables import status_table

    if as_json:
        print_json(status.document())
    else:
        console().print(status_table(status))
        print(f"Results  {status.folder}")
    write_pages(Path(status.folder), quiet=quiet, as_json=as_json)
    error = status.error()
    if error is not None:
        raise error
