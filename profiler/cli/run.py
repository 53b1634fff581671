"""`aforo run`: measure a model server on this host."""

from typing import TYPE_CHECKING

from profiler.cli.signature import takes
from profiler.errors import InvalidRunError
from profiler.run.options import PANELS, Options

if TYPE_CHECKING:
    from profiler.run.execute import Finished


@takes(Options, PANELS)
def run(options: Options) -> None:
    """Measure a model server on this host: start it, drive it, time every token, write a report.

    Without arguments it takes about two minutes and needs no model of yours; the first time, it builds llama-server.
    """
    from profiler.cli.model_size import confirm_size
    from profiler.cli.progress import shown_progress
    from profiler.run.execute import profile
    from profiler.timing.clock import SystemClock

    if options.url is None:
        confirm_size(options.model, yes=options.yes)
    options = at_local_server(options)
    with shown_progress(quiet=options.quiet) as progress:
        finished = profile(options, progress, SystemClock())
    _show(finished, as_json=options.json, verbose=options.verbose)


def at_local_server(options: Options) -> Options:
    """Return options with the address of the only server that runs here for `--url auto`. Raises `UsageError`."""
    from dataclasses import replace

    from profiler.servers.local_servers import AUTO, look, only_one

    if options.url != AUTO:
        return options
    url, model = only_one(look(), options.model)
    return replace(options, url=url, model=model)


def _show(finished: "Finished", *, as_json: bool, verbose: bool) -> None:
    from profiler.cli.output import print_run

    print_run(finished.folder, finished.manifest, finished.summary, as_json=as_json, verbose=verbose)
    if finished.error is not None:
        raise finished.error
    verdict = finished.summary.verdict
    if verdict is not None and verdict.level == "INVALID":
        raise InvalidRunError(f"INVALID: {verdict.findings[0].sentence} {verdict.findings[0].remedy}")
