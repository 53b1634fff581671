"""`aforo import`: take in the result of another tool, kept apart from runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profiler.results.imported import Imported


def import_result(
    file: Annotated[
        Path,
        typer.Argument(
            help="A result of vllm bench, guidellm, aiperf, llama-bench, llama-benchy, inference-perf, genai-bench, "
            "SGLang's bench or llm-d's benchmark report.",
            metavar="FILE",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Where its folder is made.")] = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="Print what was taken in as JSON.")] = False,
) -> None:
    """Take in the result of another tool. It has no trust block, and is never compared with runs."""
    from profiler.cli.output import write_json
    from profiler.exchange import importing
    from profiler.timing.clock import SystemClock

    folder, imported = importing.import_result(file, out, SystemClock().utc())
    if json:
        write_json(imported.model_dump_json(indent=2) + "\n")
        return
    _print(imported)
    print(f"Folder  {folder}")


def _print(imported: "Imported") -> None:
    from profiler.cli.rows import print_rows, printable
    from profiler.results.imported import NO_TRUST

    version = f" {imported.tool_version}" if imported.tool_version else ""
    print(f"{printable(imported.tool + version)}, {printable(imported.model or 'model not named')}")
    print(NO_TRUST)
    columns = ("load", "metric", "value or mean", "p50", "p90", "p95", "p99", "unit")
    rows = [
        (point.name, name, metric.value, *(metric.quantiles.get(q) for q in columns[3:7]), metric.unit)
        for point in imported.points
        for name, metric in point.metrics.items()
        if metric.value is not None
    ]
    print_rows(columns, rows, "table")
    if not rows:
        why = {metric.reason for point in imported.points for metric in point.metrics.values()}
        print(f"It has no numbers: {why.pop() if len(why) == 1 else 'none of its keys holds one'}.")
    for note in imported.notes:
        print(printable(note))
