"""What an hour costs, stated after a run: everything that follows from it is computed anew."""

from profiler.cost.facts import resolve, stated
from profiler.cost.options import CostOptions, HourOptions
from profiler.cost.prices import places
from profiler.errors import UsageError
from profiler.options import declared
from profiler.results.folder import RunFolder
from profiler.results.manifest import Manifest
from profiler.results.summary import Summary
from profiler.run.caveats import of_price
from profiler.run.recompute import recompute
from profiler.timing.clock import Clock

_OLD_PRICE = "old-price"


def set_price(folder: RunFolder, options: HourOptions, clock: Clock) -> tuple[Manifest, Summary]:
    """Record a price in a run, and recompute its summary and its report. What was stated of carbon stays.

    Raises `UsageError` where no price is stated or known.
    """
    manifest = folder.read_manifest()
    asked = CostOptions(**{each.name: getattr(options, each.name) for each in declared(HourOptions)})
    found = resolve(stated(asked, places()), manifest.server_host, places())
    if found.price is None:
        raise UsageError(f"{folder.path}: {found.price_reason}.")
    names = ("price", "price_reason", "token_price", "utilisation_ratio", "input_output_ratio")
    cost = manifest.cost.model_copy(update={name: getattr(found, name) for name in names})
    doubts = [pair for pair in zip(manifest.warnings, manifest.caveats, strict=False) if pair[1] != _OLD_PRICE]
    kept = manifest.warnings[len(manifest.caveats) :]  # of an older run, whose warnings have no ids
    changed = manifest.model_copy(
        update={"cost": cost, "warnings": [text for text, _ in doubts] + kept, "caveats": [name for _, name in doubts]}
    )
    for caveat in of_price(cost.price, clock, asked):
        changed.warn(caveat)
    folder.write_manifest(changed)
    return recompute(folder)
