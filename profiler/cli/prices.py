"""`aforo prices`: what instance types cost."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.cli.named_run import complete, meant
from profiler.cli.signature import takes
from profiler.cost.options import HourOptions
from profiler.options import check, option

if TYPE_CHECKING:
    from datetime import date

    from profiler.cost.offer import Offer
    from profiler.cost.overview import Overview


@dataclass(frozen=True, kw_only=True)
class SetOptions(HourOptions):
    """A run, and what an hour of its machine costs."""

    run: Path = option(..., "A run (folder, 'latest', id).", is_argument=True, complete=complete)
    json: bool = option(False, "Print the summary as JSON.")

    def __post_init__(self) -> None:
        """Raise `UsageError` for options that are out of range, or do not go together."""
        check(self)


app = typer.Typer(help="What instance types cost, with date and source.")

AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
_MOST_NAMED = 3  # of a cell
_MOST_BAD = 20  # rows that are named one by one
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@app.callback(invoke_without_command=True)
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List every list of prices: where it comes from, what it holds and how old it is."""
    if context.invoked_subcommand is not None:
        return
    from dataclasses import asdict

    from profiler.cli.output import print_json
    from profiler.cli.rows import print_rows
    from profiler.cost.overview import overview
    from profiler.cost.prices import places, price_lists

    found = [overview(listed, _today()) for listed in price_lists(places())]
    if as_json:
        print_json([asdict(each) for each in found])
        return
    columns = ("list", "origin", "prices", "providers", "regions", "kinds", "currency", "oldest", "days old")
    print_rows(columns, [_row(each) for each in found], "table")
    for each in found:
        if each.is_old:
            age = "no date" if each.age_days is None else f"prices that are {each.age_days} days old"
            print(f"{each.name} has {age}. Import newer ones: aforo prices import FILE.")


@app.command("show")
def show(
    instance_type: Annotated[str, typer.Argument(help="Such as c7g.4xlarge.", metavar="TYPE")],
    region: Annotated[str | None, typer.Option(help="Only this region.")] = None,
    json: AsJson = False,
) -> None:
    """Show every price that is known of an instance type. Works offline: see 'aforo prices refresh'."""
    from profiler.cli.output import print_json
    from profiler.cost.offer import KINDS
    from profiler.cost.prices import offers, places
    from profiler.errors import UsageError

    found = offers(instance_type, region, where=places())
    if not found:
        raise UsageError(
            f"No price of {instance_type}{f' in {region}' if region else ''} is known. Expected a type like "
            "c7g.4xlarge; 'aforo prices import FILE' takes yours in, 'aforo prices refresh --region REGION' asks AWS. "
            "With 'aforo run', pass --price."
        )
    if json:
        print_json([_as_dict(offer) for offer in found])
        return
    for offer in found:
        _print(offer, _today())
    missing = set(KINDS) - {offer.price.kind for offer in found}
    if missing:
        print(f"Not known: {', '.join(sorted(missing))}. Say it with 'aforo run --price … --price-kind …'.")


@app.command("refresh")
def refresh(
    region: Annotated[str, typer.Option(help="AWS region.")] = "us-east-1",
) -> None:
    """Ask the AWS Price List for on-demand prices (Linux, shared). Needs the extra `aws` and credentials."""
    from profiler.cache import cache_folder
    from profiler.cost.prices import places
    from profiler.cost.refresh import refresh as ask
    from profiler.timing.clock import SystemClock

    print(ask(region, SystemClock().utc(), places().refreshed or cache_folder()))


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV of your own, or one that gpuhunt wrote.", metavar="FILE")],
    name: Annotated[str | None, typer.Option(help="Name of the list; an earlier one is replaced.")] = None,
    currency: Annotated[str | None, typer.Option(help="Of rows that name none.", metavar="CODE")] = None,
    provider: Annotated[str | None, typer.Option(help="Of rows that name none. gpuhunt: the name of FILE.")] = None,
    date: Annotated[str | None, typer.Option(help="Day of the prices. Default: that of FILE.", metavar="DAY")] = None,
    source: Annotated[str | None, typer.Option(help="Where they come from. Default: the name of FILE.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Take in prices, with source and date. Runs find them by instance type and region, before any other list.

    A CSV of your own has the columns instance_type, price_per_hour and currency and, where known, provider, region,
    kind, term_months, upfront, architecture, vcpus, memory_gib, gpu, gpus, date, source, url.
    """
    from profiler.cli.progress import shown_progress
    from profiler.cost.price_file import Defaults, read, text
    from profiler.cost.stated_prices import check_currency
    from profiler.results.folder import replace

    stem = _name(name or file.stem)
    if currency is not None:
        check_currency(currency)
    defaults = Defaults(currency, provider, date or _day_of(file), source or file.name)
    with shown_progress(quiet=quiet) as progress:
        progress.stage(f"Reading {file.name}")
        found = read(file, defaults)
    _say_bad(found.bad, found.unread, file, has_good=bool(found.rows))
    kept = _folder() / f"{stem}.csv"
    replace(kept, text(found.rows))
    days = sorted({row["date"] for row in found.rows})
    of = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    print(f"{len(found.rows):,} prices of {of}, source {defaults.source}: {kept}")


@takes(SetOptions, [(None, SetOptions)])
def set_price(options: SetOptions) -> None:
    """State what an hour of the machine of a run costs, after the run, and recompute it.

    Without options it takes the list price of the detected instance type, as of today.
    """
    from profiler.cli.output import print_run
    from profiler.results.folder import RunFolder
    from profiler.run.price import set_price as set_price_of
    from profiler.timing.clock import SystemClock

    folder = RunFolder(meant(str(options.run)))
    manifest, summary = set_price_of(folder, options, SystemClock())
    print_run(folder, manifest, summary, as_json=options.json)


app.command("set")(set_price)


def _name(text: str) -> str:
    from profiler.errors import UsageError

    if not _NAME.fullmatch(text):
        raise UsageError(f"{text!r} is no name of a list. Pass --name with letters, digits, '.', '_' and '-'.")
    return text


def _day_of(file: Path) -> str:
    """Return the day on which a file was last written; nothing is known of one that is not there."""
    from datetime import UTC, datetime

    from profiler.errors import UsageError

    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC).date().isoformat()
    except (OSError, ValueError, OverflowError) as error:
        raise UsageError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _folder() -> Path:
    from profiler.cost.prices import imported_folder
    from profiler.errors import RecordError

    folder = imported_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordError(f"{folder} cannot be made: {error.strerror}. Set XDG_DATA_HOME to another folder.") from error
    return folder


def _say_bad(bad: list[str], unread: list[str], file: Path, *, has_good: bool) -> None:
    """Name what was left out. Raises `UsageError` where nothing is left."""
    import sys

    from profiler.errors import UsageError

    named = [*bad[:_MOST_BAD], *([f"… and {len(bad) - _MOST_BAD:,} more"] if len(bad) > _MOST_BAD else [])]
    if not has_good:
        raise UsageError("\n".join([f"{file} has no price that can be taken in.", *named]))
    if unread:
        print(f"aforo: not read: column {', '.join(unread)}", file=sys.stderr)
    for sentence in named:
        print(f"aforo: left out: {sentence}", file=sys.stderr)


def _today() -> "date":
    from profiler.timing.clock import SystemClock

    return SystemClock().utc().date()


def _row(each: "Overview") -> tuple[object, ...]:
    cells = (each.providers, each.regions, each.kinds, each.currencies)
    return (each.name, each.origin, each.prices, *map(_some, cells), each.oldest, each.age_days)


def _some(values: list[str]) -> str | None:
    if not values:
        return None
    more = f" and {len(values) - _MOST_NAMED} more" if len(values) > _MOST_NAMED else ""
    return ", ".join(values[:_MOST_NAMED]) + more


def _print(offer: "Offer", today: "date") -> None:
    from profiler.cost.age import notice
    from profiler.reports.energy import price_text, source_text

    print(price_text(offer.price))
    memory = f"{offer.memory_mib / 1024:g} GiB" if offer.memory_mib else None
    gpus = f"{offer.gpus or ''} {offer.gpu or 'GPU'}".strip() if offer.gpu or offer.gpus else None
    vcpus = f"{offer.vcpus} vCPUs" if offer.vcpus else None
    print("  " + (", ".join(filter(None, [offer.architecture, vcpus, memory, gpus])) or "size not known"))
    print(f"  source: {source_text(offer.price.source)}")
    if old := notice(offer.price, today):
        print(f"  {old}")


def _as_dict(offer: "Offer") -> dict[str, object]:
    size = {name: getattr(offer, name) for name in ("architecture", "vcpus", "memory_mib", "gpu", "gpus")}
    return {**offer.price.model_dump(), **size}
