"""`aforo run`: measure a model server on this host."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.errors import InvalidRunError

if TYPE_CHECKING:
    from profiler.run.execute import Finished


def run(
    workload: Annotated[
        str, typer.Argument(help="Id of a shipped workload, or the path of a definition of your own.")
    ] = "quickstart",
    model: Annotated[
        str | None,
        typer.Option(
            help="A .gguf file, hf:REPO/FILE, or synthetic:SHAPE/QUANT. Default: random weights in the shape "
            "of SmolLM2-135M, made once and kept in the cache folder."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="Measure a running OpenAI-compatible server, http://HOST:PORT, instead of starting one."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder in which the run gets a folder of its own.")] = Path("runs"),
    threads: Annotated[
        int | None, typer.Option(help="Threads of the model server. Default: one per physical core.")
    ] = None,
    context: Annotated[int | None, typer.Option(help="Context of the model server, in tokens.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of prompts and sampling.")] = 1,
    prompt_tokens: Annotated[int | None, typer.Option(help="Override: length of synthetic prompts.")] = None,
    output_tokens: Annotated[int | None, typer.Option(help="Override: tokens asked for.")] = None,
    concurrency: Annotated[int | None, typer.Option(help="Override: requests in flight.")] = None,
    rate: Annotated[float | None, typer.Option(help="Override: open loop, requests per second on average.")] = None,
    arrivals: Annotated[str, typer.Option(help="With --rate: constant, poisson or gamma.")] = "poisson",
    burstiness: Annotated[float, typer.Option(help="With --arrivals gamma: 1 is Poisson, less is burstier.")] = 1.0,
    warmup_requests: Annotated[int | None, typer.Option(help="Override: requests before measuring.")] = None,
    requests: Annotated[int | None, typer.Option(help="Override: measured requests per repeat.")] = None,
    repeats: Annotated[int | None, typer.Option(help="Override: repeats of the measured block.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Override: sampling temperature.")] = None,
    max_repeat_s: Annotated[float | None, typer.Option(help="Override: time limit of one repeat.")] = None,
    request_timeout_s: Annotated[float | None, typer.Option(help="Override: time limit of one request.")] = None,
    stall_timeout_s: Annotated[float | None, typer.Option(help="Override: longest silence of a server.")] = None,
    start_timeout: Annotated[float, typer.Option(help="Seconds that the server may take to start.")] = 300.0,
    wire_audit: Annotated[
        bool,
        typer.Option("--wire-audit", help="Capture the wire too, for `aforo audit`: Linux, CAP_NET_RAW (root)."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Measure a model server on this host: start it, drive it, time every token, write a report.

    Without arguments it takes about two minutes and needs no model of yours.
    """
    from profiler.cli.progress import shown_progress
    from profiler.run.execute import profile
    from profiler.run.plan import Options
    from profiler.timing.clock import SystemClock

    open_loop = {"shape": "open-loop", "rate_rps": rate, "arrivals": arrivals, "burstiness": burstiness}
    overrides = {
        "load": None if rate is None else open_loop,
        "prompts.tokens": prompt_tokens,
        "output_tokens": output_tokens,
        "load.concurrency": concurrency,
        "warmup_requests": warmup_requests,
        "requests": requests,
        "repeats": repeats,
        "temperature": temperature,
        "max_repeat_s": max_repeat_s,
        "request_timeout_s": request_timeout_s,
        "stall_timeout_s": stall_timeout_s,
    }
    options = Options(
        workload=workload,
        model=model,
        url=url,
        out=out,
        threads=threads,
        context_tokens=context,
        seed=seed,
        start_timeout_s=start_timeout,
        wire_audit=wire_audit,
        overrides={key: value for key, value in overrides.items() if value is not None},
    )
    with shown_progress(quiet=quiet) as progress:
        finished = profile(options, progress, SystemClock())
    _show(finished, as_json=json)


def _show(finished: "Finished", *, as_json: bool) -> None:
    from profiler.cli.output import print_run

    print_run(finished.folder, finished.manifest, finished.summary, as_json=as_json)
    if finished.error is not None:
        raise finished.error
    verdict = finished.summary.verdict
    if verdict is not None and verdict.level == "INVALID":
        raise InvalidRunError(f"INVALID: {verdict.findings[0].sentence} {verdict.findings[0].remedy}")
