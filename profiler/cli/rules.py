"""`aforo rules`: what a run is judged by."""

from typing import Annotated

import typer


def rules(
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the reference page.")] = False,
) -> None:
    """List the rules of trust: which number, which limit, why it matters, what to do."""
    from dataclasses import asdict

    from profiler.verdict import rules as table

    if markdown:
        print(table.markdown(), end="")
    elif json:
        from json import dumps

        print(dumps([asdict(rule) for rule in table.RULES], indent=2, ensure_ascii=False))
    else:
        _print_table()


def _print_table() -> None:
    from rich.console import Console
    from rich.table import Table

    from profiler.verdict.rules import RULES, limits

    shown = Table("rule", "number", "warning", "INVALID", "why, and what to do", show_lines=True)
    for rule in RULES:
        shown.add_row(rule.id, rule.number, *limits(rule), f"{rule.why} [dim]{rule.remedy}[/dim]")
    Console().print(shown)
