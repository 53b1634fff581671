"""`aforo export`: a run in the form of other tools."""

import contextlib
import sys
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from profiler.cli.named_run import RunArgument
from profiler.errors import RecordError, UsageError

if TYPE_CHECKING:
    from profiler.exchange.runs import Opened


class Form(Enum):
    """What --to takes."""

    VLLM = "vllm"
    CSV = "csv"
    PARQUET = "parquet"
    JSONL = "jsonl"
    REFERENCE = "reference"


class TableName(Enum):
    """What --table takes."""

    REQUESTS = "requests"
    METRICS = "metrics"
    SAMPLES = "samples"
    RUNS = "runs"


def export(
    run: RunArgument,
    to: Annotated[
        Form,
        typer.Option(help="vllm: the JSON of vllm bench serve; reference: what reports are set beside; else a table."),
    ],
    out: Annotated[Path | None, typer.Option(help="File to write; standard output unless given.")] = None,
    table: Annotated[
        TableName, typer.Option(help="Which table, as 'aforo query --schema' names them.")
    ] = TableName.REQUESTS,
    point: Annotated[str | None, typer.Option(help="Only this load of a sweep or a search; with --to vllm.")] = None,
) -> None:
    """Write a run in the form of other tools. Parquet needs the extra `query`."""
    from profiler.exchange.exporting import open_for_export

    if point is not None and to is not Form.VLLM:
        raise UsageError(f"--point goes with --to vllm, not with --to {to.value}: its rows name their load themselves.")
    opened = open_for_export(run)
    notes = _warnings(opened)
    if to is Form.REFERENCE:
        with _output(out) as file:
            file.write(_reference(opened))
    elif to is Form.PARQUET:
        _parquet(opened, table, out, notes)
    else:
        with _output(out) as file:
            file.writelines(_text(opened, to, table, point, notes))
    for note in notes:
        print(f"aforo: {note}", file=sys.stderr)


def _warnings(opened: "Opened") -> list[str]:
    verdict = opened.summary.verdict if opened.summary else None
    is_doubtful = verdict is not None and verdict.level == "INVALID"
    return [f"{opened.folder} is INVALID: its numbers are not reliable."] if is_doubtful else []


def _reference(opened: "Opened") -> str:
    """Return what a reference keeps of a run.

    Raises `InvalidRunError` for one that is not plainly VALID, `UsageError` for one of several loads.
    """
    from profiler.errors import InvalidRunError
    from profiler.exchange.references import reference_of
    from profiler.results.folder import RunFolder
    from profiler.run.recompute import summary_of

    manifest, summary = summary_of(RunFolder(opened.folder))
    findings = summary.verdict.findings if summary.verdict else []
    if broken := [found.rule for found in findings if found.rule != "emulated-host"]:
        raise InvalidRunError(
            f"A reference has to be VALID, and this run broke {', '.join(broken)}. Repeat it on a quiet host."
        )
    return reference_of(manifest, summary).model_dump_json(indent=1, exclude_defaults=True) + "\n"


def _text(opened: "Opened", to: Form, table: TableName, point: str | None, notes: list[str]) -> Iterable[str]:
    from profiler.exchange import exporting

    if to is Form.VLLM:
        return [exporting.as_vllm(opened, point)]
    chosen, rows = exporting.rows_of(opened, table.value, notes)
    return exporting.as_csv(chosen, rows) if to is Form.CSV else exporting.as_jsonl(rows)


def _parquet(opened: "Opened", table: TableName, out: Path | None, notes: list[str]) -> None:
    from profiler.exchange.database import write_parquet
    from profiler.exchange.exporting import rows_of

    if out is None:
        raise UsageError("Parquet is not text. Pass a file: --out FILE.parquet")
    chosen, rows = rows_of(opened, table.value, notes)
    write_parquet(chosen, rows, out)


@contextlib.contextmanager
def _output(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise RecordError(f"Cannot write {out}: {error.strerror}. Pass another --out.") from error
