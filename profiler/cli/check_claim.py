"""`aforo check-claim`: set a claim beside runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from profiler.cli.mismatches import ALLOW_MISMATCH
from profiler.cli.named_run import RUNS

_EXIT_CODES = {"supported": 0, "refuted": 1, "undecidable": 3}


def check_claim(
    claim: Annotated[
        str | None, typer.Argument(help="Id of a shipped claim, or path of a .yaml file.", metavar="CLAIM")
    ] = None,
    runs: Annotated[list[Path] | None, RUNS] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the shipped claims.")] = False,
    allow_mismatch: Annotated[list[str] | None, ALLOW_MISMATCH] = None,
    drift: Annotated[
        str | None,
        typer.Option(help="How much runs of one setting differ (standard deviation), where it is known.", metavar="3%"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Take INVALID runs too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print for a pull request.")] = False,
) -> None:
    """Check a claim against runs: supported (0), refuted (1) or inconclusive (3), and what would decide it.

    Which run is on which side is read from its host, as the claim says.
    """
    from profiler.cli.output import print_json
    from profiler.cli.percentages import drift_of
    from profiler.errors import UsageError
    from profiler.reports import claims as shown
    from profiler.results.run_set import read_runs
    from profiler.verdict.claim_file import available, load
    from profiler.verdict.claims import check

    if list_all:
        _list([known.model_dump() for known in available()], as_json=json)
        return
    if claim is None or not runs:
        raise UsageError(
            "Expected a claim and run folders: aforo check-claim CLAIM RUN… ('aforo check-claim --list' lists claims)."
        )
    definition = load(claim)
    found, refused = read_runs(runs, allow_invalid=force)
    for folder in refused:
        print(f"Left out: {folder.sentence}", file=sys.stderr)
    checked = check(definition, found, allow_mismatch or (), drift_of(drift))
    if json:
        print_json(shown.document(checked))
    else:
        print(shown.markdown(checked) if markdown else shown.text(checked), end="")
    raise typer.Exit(_EXIT_CODES[checked.answer])


def _list(claims: list[dict[str, object]], *, as_json: bool) -> None:
    from profiler.cli.output import print_json

    if as_json:
        print_json(claims)
        return
    for claim in claims:
        print(f"{claim['id']}  {claim['statement']}")
