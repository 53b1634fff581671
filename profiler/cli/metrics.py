"""`aforo metrics`: what is measured, and how."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profiler.metrics.registry import MetricSpec


def metrics(
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the reference page.")] = False,
) -> None:
    """List every metric with its unit, formula and names in other tools."""
    from profiler.cli.output import print_json
    from profiler.metrics import catalogue

    if markdown:
        print(catalogue.markdown(), end="")
    elif json:
        print_json([catalogue.as_data(spec) for spec in catalogue.METRICS.values()])
    else:
        _print_table(list(catalogue.METRICS.values()))


def _print_table(specs: "list[MetricSpec]") -> None:
    from rich.table import Table

    from profiler.cli.output import console

    table = Table("metric", "unit", "formula", "aliases", show_lines=True)
    for spec in specs:
        aliases = "\n".join(f"{tool}: {name}" for tool, name in spec.aliases.items())
        table.add_row(f"{spec.id}\n{spec.label}", spec.unit, spec.formula, aliases)
    console().print(table)
