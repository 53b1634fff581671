"""The forms that a report can be written in, and where it goes."""

from enum import StrEnum
from pathlib import Path


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


def form_of(out: Path | None, form: Form | None) -> Form:
    """Return the form that was asked for, or that the ending of the file says; HTML without either.

    Raises `UsageError` for another ending.
    """
    from profiler.errors import UsageError

    if form is not None or out is None:
        return form or Form.HTML
    if out.suffix.lower() not in _SUFFIXES:
        raise UsageError(
            f"--out {out}: its ending does not say the format. Expected {', '.join(_SUFFIXES)}, or --format as well."
        )
    return _SUFFIXES[out.suffix.lower()]


def chosen_form(out: Path | None, form: Form | None, *, json: bool, png: bool) -> Form:
    """Return the one form that --format, --json, --png or the ending of a file ask for. Raises `UsageError`."""
    from profiler.errors import UsageError

    asked = {Form.JSON} if json else set()
    asked |= ({Form.PNG} if png else set()) | ({form} if form else set())
    if len(asked) > 1:
        raise UsageError(
            f"Expected one format, found {' and '.join(sorted(asked))}. Pass one of --format, --json, --png."
        )
    return form_of(out, next(iter(asked), None))


def picture_of(page: str) -> bytes:
    """Return a page as a picture. Raises what `profiler.reports.png.picture` raises."""
    from profiler.reports.png import picture
    from profiler.reports.scratch import scratch_folder

    with scratch_folder("aforo-page-") as folder:
        file = folder / "page.html"
        file.write_text(page, encoding="utf-8")
        return picture(file)


def print_content(content: bytes, form: Form) -> None:
    """Print a report that is text."""
    import sys

    from profiler.cli.output import write_json

    text = content.decode()
    if form is Form.JSON:
        write_json(text)
    else:
        sys.stdout.write(text)


def write_file(file: Path, content: bytes) -> None:
    """Write a file that the user named. Raises `RecordError`."""
    from profiler.errors import RecordError

    try:
        file.write_bytes(content)
    except OSError as error:
        raise RecordError(f"Cannot write {file}: {error.strerror}. Pass --out with another file.") from error
