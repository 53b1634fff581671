"""`aforo audit`: compare the timestamps of a run with those of the wire."""

from typing import TYPE_CHECKING, Annotated

import typer

from profiler.cli.named_run import RunArgument
from profiler.errors import InvalidRunError

if TYPE_CHECKING:
    from profiler.wire_audit.audit import Audit


def audit(
    run: RunArgument,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Compare the timestamps of a run with those that the kernel gave every segment on the wire.

    Exits with 3 where they do not agree, or where the capture cannot tell.
    """
    from profiler.results.folder import RunFolder
    from profiler.wire_audit.audit import audit as compare
    from profiler.wire_audit.wire_file import WIRE_FILE, read_wire

    folder = RunFolder(run)
    folder.read_manifest()
    outcome = compare(folder.read_requests(), read_wire(run / WIRE_FILE))
    if json:
        import msgspec

        from profiler.cli.output import write_json

        write_json(msgspec.json.format(msgspec.json.encode(outcome), indent=2).decode() + "\n")
    else:
        _print(outcome)
    if not outcome.agrees:
        raise InvalidRunError(outcome.verdict)


def _print(outcome: "Audit") -> None:
    from rich.table import Table

    from profiler.cli.output import console

    table = Table("our timestamp − the wire's, µs", "n", "p50", "p99 of |x|", "max of |x|")
    for name, spread in (("arrival of a read", outcome.arrival), ("sending of a request", outcome.sent)):
        if spread is not None:
            figures = (spread.p50_us, spread.p99_abs_us, spread.max_abs_us)
            table.add_row(name, str(spread.count), *(f"{value:.1f}" for value in figures))
    console().print(table)
    print(
        f"{outcome.segments} segments captured, {outcome.drops} packets dropped by the ring; {outcome.reads_found} of "
        f"{outcome.reads} reads found, {outcome.reads_merged} of them merged several segments."
    )
    if outcome.agrees:
        print(outcome.verdict)
