"""The pages of a fleet: written at its end, when it is interrupted, and on demand."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_pages(folder: Path, *, quiet: bool, as_json: bool = False) -> None:
    """Compare all runs of a plan, write the pages into its folder, and say where they are."""
    from profiler.cli.progress import shown_progress
    from profiler.fleet.ending import finish
    from profiler.run.interrupt import Interrupt

    with Interrupt() as interrupt, shown_progress(quiet=quiet) as progress:
        pages = finish(folder, progress, interrupt.check)
    told = sys.stderr if as_json else sys.stdout  # JSON stands alone
    if pages.not_compared and not quiet:
        print(f"aforo: {pages.not_compared}", file=sys.stderr)
    for link in pages.comparisons:
        print(f"{link.text}  {folder / link.file}", file=told)
    print(f"Fleet  {pages.page}", file=told)


def write_page(folder: Path) -> None:
    """Write the page of a plan's state alone, where one was begun. Raises `RunFolderError`, `RecordError`."""
    from profiler.fleet import ending, state

    if state.read(folder).planned is not None:
        ending.write_page(folder)


@contextmanager
def kept_page(folder: Path) -> Iterator[None]:
    """Write the page even where a fleet does not come to its end; what ended it is told, not what the page lacks."""
    from profiler.errors import AforoError, InterruptedRunError

    try:
        yield
    except (AforoError, InterruptedRunError):
        with suppress(AforoError):
            write_page(folder)
        raise
