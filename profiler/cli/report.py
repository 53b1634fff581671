"""`aforo report`: the report of a run, in several forms."""

import sys
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profiler.results.folder import RunFolder


class Form(StrEnum):
    """What a report is written as."""

    HTML = "html"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"
    PNG = "png"


_SUFFIXES = {".html": Form.HTML, ".htm": Form.HTML, ".md": Form.MARKDOWN} | {
    f".{form}": form for form in (Form.CSV, Form.JSON, Form.PNG)
}


def report(
    run: Annotated[Path, typer.Argument(help="A run folder.", metavar="RUN")],
    form: Annotated[Form | None, typer.Option("--format", help="Default: html.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write; its ending chooses the format. Default: in the run folder; text is printed."),
    ] = None,
    png: Annotated[bool, typer.Option("--png", help="The same as --format png: the page as a picture.")] = False,
) -> None:
    """Redraw report.html of a run from its records, and print its path; or tell the run in another form."""
    from profiler.errors import RecordError
    from profiler.reports.png import find_browser
    from profiler.results.folder import RunFolder
    from profiler.run.recompute import write_report

    folder, chosen = RunFolder(run), _form(out, Form.PNG if png else form)
    if chosen is Form.PNG:
        find_browser()  # before any work
    if chosen is Form.HTML and out is None:
        write_report(folder)
        print(folder.report)
        return
    content = _content(folder, chosen)
    if out is None and chosen is not Form.PNG:
        sys.stdout.write(content.decode())
        return
    file = out or folder.report.with_suffix(".png")
    try:
        file.write_bytes(content)
    except OSError as error:
        raise RecordError(f"Cannot write {file}: {error.strerror}. Pass --out with another file.") from error
    print(file)


def _form(out: Path | None, form: Form | None) -> Form:
    from profiler.errors import UsageError

    if form is not None or out is None:
        return form or Form.HTML
    if out.suffix.lower() not in _SUFFIXES:
        raise UsageError(
            f"--out {out}: its ending does not say the format. Expected {', '.join(_SUFFIXES)}, or --format as well."
        )
    return _SUFFIXES[out.suffix.lower()]


def _content(folder: "RunFolder", form: Form) -> bytes:
    from profiler.reports import run_text
    from profiler.reports.png import picture
    from profiler.run.recompute import page_of, summary_of

    if form in {Form.HTML, Form.PNG}:
        page = page_of(folder).encode()
        if form is Form.HTML:
            return page
        with TemporaryDirectory(prefix="aforo-report-") as temporary:
            file = Path(temporary) / "report.html"
            file.write_bytes(page)
            return picture(file)
    manifest, summary = summary_of(folder)
    if form is Form.JSON:
        return (summary.model_dump_json(indent=2) + "\n").encode()
    return (run_text.as_csv if form is Form.CSV else run_text.markdown)(manifest, summary).encode()
