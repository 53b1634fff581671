"""`aforo rules`: what a run is judged by."""

from typing import Annotated

import typer


def rules(
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the reference page.")] = False,
) -> None:
    """List the rules of trust: which number, which limit, why it matters, what to do."""
    from profiler.cli.output import print_json
    from profiler.verdict import rules as table

    if markdown:
        print(table.markdown(), end="")
    elif json:
        print_json([table.as_data(rule) for rule in table.RULES])
    else:
        _print_table()


def _print_table() -> None:
    from rich.table import Table
    from rich.text import Text

    from profiler.cli.output import console
    from profiler.verdict.rules import RULES, limits

    shown = Table("rule", "number", "warning", "INVALID", "why, and what to do", show_lines=True)
    for rule in RULES:
        shown.add_row(rule.id, rule.number, *limits(rule), Text.assemble(rule.why, " ", (rule.remedy, "dim")))
    console().print(shown)
