"""`aforo workloads`: list the shipped workload definitions, print one, print the schema."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profiler.workloads.load import Loaded
    from profiler.workloads.schema import CommonSystem, Workload

app = typer.Typer(help="List workload definitions, print one, or print the schema for your own.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


@app.callback(invoke_without_command=True)
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List the shipped workload definitions."""
    if context.invoked_subcommand is not None:
        return
    from profiler.cli.output import print_json
    from profiler.workloads.load import available

    shipped = available()
    if as_json:
        print_json([loaded.workload.model_dump() for loaded in shipped])
    else:
        _print_table(shipped)


@app.command()
def show(
    workload: Annotated[str, typer.Argument(help="Id of a shipped workload, or path of a .yaml file.")],
    as_json: AsJson = False,
) -> None:
    """Print a definition as it is written, or with --json as it is understood, defaults included."""
    from profiler.cli.output import print_json
    from profiler.workloads.load import load

    loaded = load(workload)
    if as_json:
        print_json(loaded.workload.model_dump())
    else:
        print(loaded.path.read_text("utf-8"), end="")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a definition, for editors and other programs."""
    from profiler.workloads.schema import json_schema_text

    print(json_schema_text(), end="")


def _print_table(shipped: "list[Loaded]") -> None:
    from rich.table import Table
    from rich.text import Text

    from profiler.cli.output import console

    table = Table("workload", "what is asked, and what it stands for", show_lines=True)
    for workload in (loaded.workload for loaded in shipped):
        stands_for = workload.description.partition(". ")[0].rstrip(".")
        table.add_row(workload.id, Text.assemble(_sizes(workload), "\n", (f"{stands_for}.", "dim")))
    table.columns[0].no_wrap = True
    console().print(table)


def _sizes(workload: "Workload") -> str:
    prompts, out = workload.prompts, _out(workload)
    if prompts.source == "synthetic":
        asked = f"{prompts.tokens} tokens in{_system(prompts.system)}, {out}"
    elif prompts.source == "conversations":
        first = f"{prompts.first_tokens} tokens in{_system(prompts.system)}"
        asked = f"conversations of {prompts.turns} turns: {first}, {prompts.turn_tokens} more each turn, {out}"
    elif prompts.source == "trace":
        asked = f"lengths of {prompts.file}"
    else:
        asked = f"rows of {prompts.file} in, {out}"
    return f"{asked}, {_load(workload)}, {workload.repeats} × {workload.requests} requests"


def _out(workload: "Workload") -> str:
    if workload.is_embedding:
        return "a vector out"
    return f"{'at most ' if workload.stop == 'natural' else ''}{workload.output_tokens} tokens out"


def _system(system: "CommonSystem | None") -> str:
    if system is None:
        return ""
    share = "" if system.share == 1 else f" in {system.share:.0%} of requests"
    return f" after a system prompt of {system.tokens}{share}"


def _load(workload: "Workload") -> str:
    load = workload.load
    if load.shape == "replay":
        return f"at its times × {load.time_scale:g}"
    if load.shape == "open-loop":
        return f"{_listed(load.rate_rps)} a second ({load.arrivals})"
    if load.shape == "closed-loop":
        return f"{_listed(load.concurrency)} at a time"
    if load.shape == "saturate":
        return f"1 to {load.max_concurrency} at a time, until throughput stops growing"
    return f"the highest {load.over} at which {load.attainment_ratio:.4g} of the requests meet the SLOs"


def _listed(value: float | Sequence[float]) -> str:
    """Write one number, or several."""
    return ", ".join(f"{part:g}" for part in value) if isinstance(value, Sequence) else f"{value:g}"
