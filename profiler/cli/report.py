"""`aforo report`: the report of a run, in several forms."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.cli.forms import Form, form_of, picture_of, print_content, write_file
from profiler.cli.named_run import RunArgument

if TYPE_CHECKING:
    from profiler.results.folder import RunFolder


def report(
    run: RunArgument,
    form: Annotated[Form | None, typer.Option("--format", help="Default: html.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write; its ending chooses the format. Default: in the run folder; text is printed."),
    ] = None,
    png: Annotated[bool, typer.Option("--png", help="The same as --format png: the page as a picture.")] = False,
) -> None:
    """Redraw report.html of a run from its records, and print its path; or write it as Markdown, CSV, JSON or PNG.

    Says how its speed stands beside the reference runs that ship with Aforo, or that there is none like it.
    """
    from profiler.reports.png import find_browser
    from profiler.results.folder import RunFolder, replace
    from profiler.run.recompute import standing_of, write_report

    folder, chosen = RunFolder(run), form_of(out, Form.PNG if png else form)
    if chosen is Form.PNG:
        find_browser()  # before any work
    if chosen is Form.HTML and out is None:
        manifest, summary = write_report(folder)
        print(standing_of(folder, manifest, summary).sentence, file=sys.stderr)
        print(folder.report)
        return
    content = _content(folder, chosen)
    if out is None and chosen is not Form.PNG:
        print_content(content, chosen)
        return
    if out is None:
        picture = folder.report.with_suffix(".png")
        replace(picture, content)
        print(picture)
        return
    write_file(out, content)
    print(out)


def _content(folder: "RunFolder", form: Form) -> bytes:
    from profiler.reports import run_text
    from profiler.run.recompute import markdown_of, page_of, summary_of

    if form in {Form.HTML, Form.PNG}:
        page = page_of(folder)
        return page.encode() if form is Form.HTML else picture_of(page)
    if form is Form.MARKDOWN:
        return markdown_of(folder).encode()
    manifest, summary = summary_of(folder)
    if form is Form.JSON:
        return (summary.model_dump_json(indent=2) + "\n").encode()
    return run_text.as_csv(manifest, summary).encode()
