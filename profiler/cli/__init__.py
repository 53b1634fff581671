"""The command line: one file per verb; parse, call, print, exit — nothing else.

Nothing heavy is imported before a verb runs, so that `aforo --help` answers at once.
"""

import sys
from typing import Annotated, NoReturn

import typer

from profiler import __version__
from profiler.cli import (
    answers,
    audit,
    breakeven,
    cheapest,
    check_claim,
    compare,
    decide,
    endpoints,
    energy,
    engines,
    export,
    export_scores,
    fleet,
    fleet_host,
    fleet_setup,
    gate,
    host,
    import_result,
    list_runs,
    metrics,
    models,
    prices,
    quantisations,
    query,
    reference,
    report,
    rules,
    run,
    score,
    streams,
    summarize,
    verbs,
    workloads,
)
from profiler.errors import AforoError, UsageError

app = typer.Typer(
    name="aforo",
    help="Measure how fast, how cheaply and how cleanly this host serves a language model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("summarize")(summarize.summarize)
app.command("report")(report.report)
app.command("answers")(answers.answers)
app.command("gate")(gate.gate)
app.command("compare")(compare.compare)
app.command("cheapest")(cheapest.cheapest)
app.command("breakeven")(breakeven.breakeven)
app.command("decide")(decide.decide)
app.command("audit")(audit.audit)
app.command("check-claim")(check_claim.check_claim)
app.command("list")(list_runs.list_runs)
app.command("query")(query.query)
app.command("export")(export.export)
app.command("export-scores")(export_scores.export_scores)
app.command("import")(import_result.import_result)
app.add_typer(workloads.app, name="workloads")
app.command("endpoints")(endpoints.endpoints)
app.add_typer(engines.app, name="engines")
app.add_typer(energy.app, name="energy")
app.add_typer(prices.app, name="prices")
app.add_typer(models.app, name="models")
app.command("score")(score.score)
app.command("quantisations")(quantisations.quantisations)
app.command("metrics")(metrics.metrics)
app.command("rules")(rules.rules)
app.add_typer(host.app, name="host")
fleet.app.command()(fleet_setup.setup)
app.add_typer(fleet.app, name="fleet")
app.command("fleet-host", hidden=True)(fleet_host.fleet_host)
app.command("cli-reference", hidden=True)(reference.cli_reference)
verbs.name_values(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"aforo {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the `aforo` command; errors of our own become one sentence and an exit code."""
    streams.prepare()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except AforoError as error:
        _end(str(error), error.exit_code)
    except OSError as error:
        _end(_sentence(error), UsageError.exit_code)


def _end(sentence: str, exit_code: int) -> NoReturn:
    print(f"aforo: {sentence}", file=sys.stderr)
    sys.exit(exit_code)


def _sentence(error: OSError) -> str:
    """Say what the system refused, of a file that no reader has spoken about."""
    subject = f"{error.filename} cannot be used" if error.filename else "The system refused what this needs"
    return f"{subject}: {error.strerror or error}. Check the name, and who may read and write there."
