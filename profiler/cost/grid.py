"""How much carbon the electricity of a place carries: every source that speaks of it, side by side."""

from profiler import reference_data
from profiler.errors import UsageError
from profiler.results.manifest import GridEstimate, Source

_FULL_NUMBER = "gCO2e/kWh"


def estimates(place: str) -> list[GridEstimate]:
    """Return what is known of a place: a country (DEU), a US state (US-VA), a cloud region or a number of gCO2e/kWh.

    A cloud region is written us-east-1 or aws:us-east-1. Raises `UsageError` where nothing is known.
    """
    number = _number(place)
    if number is not None:
        said = Source(name="flag", title="said on the command line: --grid")
        return [GridEstimate(gco2e_per_kwh=number, place="as stated", source=said)]
    found = _of_region(*_provider_and_region(place)) or _of_area(place)
    if not found:
        raise UsageError(
            f"--grid {place}: nothing is known of this place. Pass a country by its three letters (DEU), a US state "
            f"(US-VA), a cloud region (us-east-1, gcp:us-east4) or a number of {_FULL_NUMBER} (380)."
        )
    return found


def of_cloud(provider: str, region: str) -> list[GridEstimate]:
    """Return what is known of a cloud region; empty where nothing is."""
    return _of_region(provider, region)


def _number(place: str) -> float | None:
    try:
        value = float(place.removesuffix(_FULL_NUMBER))
    except ValueError:
        return None
    if not 0 <= value < 5_000:
        raise UsageError(f"--grid {place}: expected 0 to 5000 {_FULL_NUMBER}.")
    return value


def _provider_and_region(place: str) -> tuple[str | None, str]:
    provider, colon, region = place.partition(":")
    return (provider, region) if colon else (None, place)


def _of_region(provider: str | None, region: str) -> list[GridEstimate]:
    listed = [
        row
        for row in reference_data.rows("carbon/regions.csv")
        if row["region"] == region and provider in {None, row["provider"]}
    ]
    if not listed:
        return []
    said = [
        GridEstimate(
            gco2e_per_kwh=float(row["gco2e_per_kwh"]),
            place=f"{row['provider']} {region}" + (f", by {row['origin']}" if row["origin"] else ""),
            source=reference_data.source(row["source"]),
        )
        for row in listed
        if row["gco2e_per_kwh"]
    ]
    areas = dict.fromkeys(row["area"] for row in listed if row["area"])
    return said + [estimate for area in areas for estimate in _of_area(area)]


def _of_area(area: str) -> list[GridEstimate]:
    return [
        GridEstimate(
            gco2e_per_kwh=float(row["gco2e_per_kwh"]),
            place=f"{row['name']}, {row['year']}",
            source=reference_data.source(row["source"]),
        )
        for row in reference_data.rows("carbon/areas.csv")
        if row["area"] == area.upper()
    ]
