"""`aforo prices`: what instance types cost."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profiler.cost.prices import Offer

app = typer.Typer(help="What instance types cost, with date and source.", no_args_is_help=True)


@app.command("show")
def show(
    instance_type: Annotated[str, typer.Argument(help="Such as c7g.4xlarge.", metavar="TYPE")],
    region: Annotated[str | None, typer.Option(help="Only this region.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show every price that is known of an instance type. Works offline: see 'aforo prices refresh'."""
    from profiler.cache import cache_folder
    from profiler.cli.output import print_json
    from profiler.cost.prices import REFRESHED, offers
    from profiler.errors import UsageError

    found = offers(instance_type, region, refreshed=cache_folder() / REFRESHED)
    if not found:
        raise UsageError(
            f"No price of {instance_type}{f' in {region}' if region else ''} is known. Expected an EC2 type like "
            "c7g.4xlarge; 'aforo prices refresh --region REGION' asks AWS. With 'aforo run', pass --price."
        )
    if json:
        print_json([_as_dict(offer) for offer in found])
        return
    for offer in found:
        _print(offer)
    missing = {"on-demand", "spot", "reserved"} - {offer.price.kind for offer in found}
    print(f"Not known: {', '.join(sorted(missing))}. Say it with 'aforo run --price … --price-kind …'.")


@app.command("refresh")
def refresh(
    region: Annotated[str, typer.Option(help="AWS region.")] = "us-east-1",
) -> None:
    """Ask the AWS Price List for on-demand prices (Linux, shared). Needs the extra `aws` and credentials."""
    from profiler.cache import cache_folder
    from profiler.cost.prices import REFRESHED
    from profiler.cost.refresh import refresh as ask
    from profiler.timing.clock import SystemClock

    print(ask(region, SystemClock().utc(), cache_folder() / REFRESHED))


def _print(offer: "Offer") -> None:
    from profiler.reports.energy import price_text, source_text

    print(price_text(offer.price))
    memory = f"{offer.memory_mib / 1024:g} GiB" if offer.memory_mib else None
    gpus = f"{offer.gpus or ''} {offer.gpu or 'GPU'}".strip() if offer.gpu or offer.gpus else None
    vcpus = f"{offer.vcpus} vCPUs" if offer.vcpus else None
    print("  " + (", ".join(filter(None, [offer.architecture, vcpus, memory, gpus])) or "size not known"))
    print(f"  source: {source_text(offer.price.source)}")


def _as_dict(offer: "Offer") -> dict[str, object]:
    size = {name: getattr(offer, name) for name in ("architecture", "vcpus", "memory_mib", "gpu", "gpus")}
    return {**offer.price.model_dump(), **size}
