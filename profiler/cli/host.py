"""`aforo host`: what this machine is."""

from typing import Annotated

import typer


def host(
    json: Annotated[bool, typer.Option("--json", help="Print the facts as run.json keeps them.")] = False,
) -> None:
    """Show what this machine is, as every run records it."""
    from profiler.hosts.detect import describe

    facts = describe()
    if json:
        typer.echo(facts.model_dump_json(indent=2))
        return
    from rich.console import Console

    from profiler.hosts.table import facts_table

    Console().print(facts_table(facts))
