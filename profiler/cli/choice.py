"""Reading the runs of a choice, and delivering its answer in whatever form was asked for."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from profiler.cli.forms import Form, chosen_form, picture_of, print_content, write_file
from profiler.cli.page_options import PageOptions

if TYPE_CHECKING:
    from profiler.reports.choice.document import Document
    from profiler.results.run_set import StoredRun


def form_asked(options: PageOptions) -> Form:
    """Return the form that is written or printed; that a picture cannot be taken is said before any work."""
    from profiler.reports.png import find_browser

    form = Form(options.form) if options.form else None
    chosen = chosen_form(options.out, form, json=options.json, png=options.png)
    if chosen is Form.PNG:
        find_browser()
    return chosen


def read(paths: Sequence[Path], *, force: bool) -> "list[StoredRun]":
    """Read runs; what cannot be taken is named. Raises `InvalidRunError` or `UsageError` where nothing is left."""
    from profiler.errors import InvalidRunError, UsageError
    from profiler.results.run_set import find_runs, read_runs

    runs, refused = read_runs(paths, allow_invalid=force)
    if not runs:
        sentences = "\n".join(one.sentence for one in refused) or "No run was named."
        raise (InvalidRunError if any(find_runs(paths)) else UsageError)(sentences)
    for one in refused:
        print(f"aforo: left out: {one.sentence}", file=sys.stderr)
    return runs


def price_notes(runs: "Iterable[StoredRun]") -> list[str]:
    """Say which prices of the runs are old."""
    from profiler.cost.age import notice
    from profiler.timing.clock import SystemClock

    today = SystemClock().utc().date()
    return list(dict.fromkeys(text for run in runs if (text := notice(run.manifest.cost.price, today))))


def deliver(document: "Document", chosen: Form, options: PageOptions, default: str) -> None:
    """Write the page and print the answer; or print the content, and nothing else."""
    from profiler.cli.output import console
    from profiler.reports.choice.text import for_terminal

    file = options.out or {Form.HTML: Path(f"{default}.html"), Form.PNG: Path(f"{default}.png")}.get(chosen)
    if file is None:
        print_content(_content(document, chosen), chosen)
        return
    write_file(file, _content(document, chosen))
    if not options.quiet:
        console().print(for_terminal(document))
    print(f"Page  {file}" if chosen in {Form.HTML, Form.PNG} else f"File  {file}")


def _content(document: "Document", form: Form) -> bytes:
    from profiler.reports.choice import page, text

    match form:
        case Form.PNG:
            return picture_of(page.render(document))
        case Form.HTML:
            return page.render(document).encode()
        case Form.MARKDOWN:
            return text.as_markdown(document).encode()
        case Form.CSV:
            return text.as_csv(document).encode()
        case Form.JSON:
            return text.as_json(document).encode()
