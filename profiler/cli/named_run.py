"""How a run is named on the command line: one declaration of the argument, with its shell completion."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

_HOW = "a folder, 'latest' or an id of 'aforo list'"
_MOST_SUGGESTED = 50


def meant(text: str) -> Path:
    """Return the folder of the run that is meant. Raises `UsageError`."""
    from profiler.results.naming import find_run

    return find_run(text)


def complete(incomplete: str) -> Iterator[tuple[str, str]]:
    """Suggest `latest` and the short ids of the newest runs; the shell adds folders by itself where none fits."""
    from profiler.results.naming import LATEST, named_runs

    runs = named_runs()
    names = [(LATEST, f"{run.run_id}") for run in runs[:1]] + [(run.short_id, run.run_id) for run in runs]
    yield from [name for name in names if name[0].startswith(incomplete)][:_MOST_SUGGESTED]


RunArgument = Annotated[
    Path, typer.Argument(help=f"A run: {_HOW}.", metavar="RUN", parser=meant, autocompletion=complete)
]
RUNS = typer.Argument(
    help=f"Runs ({_HOW}), or folders that hold some.", metavar="RUN…", parser=meant, autocompletion=complete
)
