"""`aforo query`: ask all runs below a folder in SQL."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from profiler.errors import UsageError


def query(
    sql: Annotated[str | None, typer.Argument(help="One SELECT.", metavar="SQL")] = None,
    runs: Annotated[Path, typer.Option("--runs", help="A folder with run folders, however deep, or one run.")] = Path(
        "runs"
    ),
    schema: Annotated[bool, typer.Option("--schema", help="Print the tables and their columns.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print as CSV.")] = False,
) -> None:
    """Ask all runs below a folder in SQL (DuckDB), read-only. Needs the extra `query`."""
    from profiler.cli.rows import form, print_rows, printable
    from profiler.exchange import database, tables
    from profiler.exchange import runs as found

    if schema:
        print(tables.schema())
        return
    if sql is None:
        raise UsageError("No SQL was given. Pass one SELECT, such as 'SELECT * FROM runs'; see --schema.")
    wanted = form(as_json=json, as_csv=csv)
    opened = found.open_runs(runs)
    answer = database.ask(sql, opened)
    for note in opened.notes:
        print(f"aforo: {printable(note)}", file=sys.stderr)
    names = database.named_once(answer.columns) if wanted == "json" else answer.columns
    print_rows(names, answer.rows, wanted)
