"""`aforo list`: the runs below a folder."""

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.errors import UsageError

if TYPE_CHECKING:
    from profiler.results.listing import Line

_SHOWN_AT_MOST = 50


class VerdictName(Enum):
    """What --verdict takes."""

    VALID = "valid"
    WARNINGS = "warnings"
    INVALID = "invalid"
    UNFINISHED = "no-summary"
    UNREADABLE = "unreadable"
    IMPORTED = "imported"


def list_runs(
    path: Annotated[Path, typer.Argument(help="A folder with run folders, however deep.", metavar="[PATH]")] = Path(
        "runs"
    ),
    limit: Annotated[
        int | None, typer.Option(help="At most so many, the newest; 0: all. [50; all with --json, --csv]")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Only hosts whose name contains this.")] = None,
    model: Annotated[str | None, typer.Option(help="Only models whose name contains this.")] = None,
    workload: Annotated[str | None, typer.Option(help="Only workloads whose id contains this.")] = None,
    verdict: Annotated[VerdictName | None, typer.Option(help="Only runs with this verdict.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print as CSV.")] = False,
) -> None:
    """List the runs below a folder, the newest first, with short id, verdict and headline numbers."""
    from profiler.cli.rows import form
    from profiler.metrics.catalogue import listed
    from profiler.results.listing import Wanted, find, lines

    if limit is not None and limit < 0:
        raise UsageError(f"--limit {limit} is less than 0. Pass how many runs to list, or 0 for all.")
    wanted_form = form(as_json=json, as_csv=csv)
    found = find(path)
    wanted = Wanted(host, model, workload, _level(verdict))
    kept = [line for line in lines(found, listed()) if wanted.keeps(line)]
    most = limit if limit is not None else _SHOWN_AT_MOST if wanted_form == "table" else 0
    shown = kept[:most] if most else kept
    if wanted_form == "table":
        _print_table(shown)
        _print_rest(path, kept, shown, len(found.foreign))
    else:
        _print_data(shown, wanted_form)


def _level(verdict: VerdictName | None) -> str | None:
    """Return the verdict as a line has it."""
    from profiler.results.imported import NO_TRUST
    from profiler.results.listing import UNFINISHED, UNREADABLE

    levels = {
        VerdictName.VALID: "VALID",
        VerdictName.WARNINGS: "VALID with warnings",
        VerdictName.INVALID: "INVALID",
        VerdictName.UNFINISHED: UNFINISHED,
        VerdictName.UNREADABLE: UNREADABLE,
        VerdictName.IMPORTED: NO_TRUST,
    }
    return None if verdict is None else levels[verdict]


def _print_data(shown: "Sequence[Line]", wanted_form: str) -> None:
    from profiler.cli.rows import print_rows
    from profiler.metrics.catalogue import listed

    about = (
        "id",
        "run_id",
        "started_utc",
        "verdict",
        "status",
        "host",
        "engine",
        "model",
        "workload",
        "requests_ok",
        "requests_failed",
    )
    of_fleet = ("fleet", "cell", "transport", "collected_utc")
    headlines = listed()
    columns = [*about, *headlines, "currency", "folder", "note", *of_fleet]
    rows = [
        [
            *(getattr(line, name) for name in about),
            *(line.numbers.get(name) for name in headlines),
            line.currency,
            str(line.folder),
            line.note,
            *(getattr(line.fleet, name) for name in of_fleet),
        ]
        for line in shown
    ]
    print_rows(columns, rows, "json" if wanted_form == "json" else "csv")


def _print_table(shown: "Sequence[Line]") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from profiler.cli.output import console

    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    # Only the second column gives way where the terminal is narrow.
    table.add_column("measured (UTC)\nid", no_wrap=True)
    table.add_column(Text("model\nhost, engine, workload", overflow="ellipsis", no_wrap=True))
    table.add_column("verdict", no_wrap=True)
    for name in ("tokens/s", "TTFT ms", "TPOT ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in shown:
        about = (f"{_when(line)}\n{_plain(line.id)}", _subject(line), _two_lines(line.verdict))
        latencies = (_number(line, name) for name in ("ttft_ms.p50", "tpot_ms.p50"))
        table.add_row(*(Text(text, overflow="ellipsis", no_wrap=True) for text in about), _rate(line), *latencies)
    if shown:
        console().print(table)


def _when(line: "Line") -> str:
    return _plain(line.started_utc)[:16].replace("T", " ")


def _subject(line: "Line") -> str:
    doing = [_plain(text) for text in (line.host, line.engine, line.workload) if text]
    return f"{_plain(line.model or line.folder.name)}\n{', '.join(doing)}"


def _two_lines(verdict: str) -> str:
    return verdict.replace("with ", "with\n").replace(": ", ":\n")


def _plain(text: str | None) -> str:
    from profiler.cli.rows import printable

    return printable(text) if text else "\N{EN DASH}"


def _rate(line: "Line") -> str:
    """The rate of output tokens; of embeddings, which have none, that of input tokens, marked as such."""
    output, input_ = (f"{kind}_tokens_per_s" for kind in ("output", "input"))
    has_input_only = line.numbers.get(output) is None and line.numbers.get(input_) is not None
    return f"{_number(line, input_)}\nof input" if has_input_only else _number(line, output)


def _number(line: "Line", name: str) -> str:
    """A number in the form that it has on every page, in the unit of its column."""
    from profiler.number_format import scale

    value = line.numbers.get(name)
    if value is None:
        return "\N{EN DASH}"
    return scale(value, "", interval=line.intervals.get(name)).number(value)


def _print_rest(path: Path, kept: "Sequence[Line]", shown: "Sequence[Line]", foreign: int) -> None:
    """Say what the table does not show."""
    from profiler.cli.rows import printable
    from profiler.number_format import count
    from profiler.results.listing import notes

    if not kept:
        print(f"No such runs in {path}.")
    elif len(shown) < len(kept):
        print(f"The newest {len(shown)} of {len(kept):,}; --limit 0 lists all.")
    for note in notes(shown):
        print(printable(note))
    if foreign:
        print(f"{count(foreign, 'other folder')} in {path} {'holds' if foreign == 1 else 'hold'} no run.")
