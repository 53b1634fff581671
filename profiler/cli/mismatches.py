"""`--allow-mismatch`, as `compare`, `gate` and `check-claim` have it."""

from collections.abc import Sequence

import typer

HELP = "Compare although this differs: workload, grid … (repeatable)."
METAVAR = "FIELD|TRAP"


def complete(incomplete: str) -> Sequence[str]:
    """Return the names that begin like this, for the shell."""
    from profiler.verdict.comparable import may_differ

    return [name for name in may_differ() if name.startswith(incomplete)]


ALLOW_MISMATCH = typer.Option("--allow-mismatch", help=HELP, metavar=METAVAR, autocompletion=complete)
