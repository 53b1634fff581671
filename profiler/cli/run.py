"""`aforo run`: measure a model server on this host."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.errors import InvalidRunError, UsageError

if TYPE_CHECKING:
    from profiler.run.execute import Finished


def run(
    workload: Annotated[
        str, typer.Argument(help="Id of a shipped workload, or the path of a definition of your own.")
    ] = "quickstart",
    model: Annotated[
        str | None,
        typer.Option(
            help="A .gguf file, a checkpoint's folder (vLLM), hf:REPO/FILE.gguf, hf:REPO (vLLM), or "
            "synthetic:SHAPE/QUANT. Default: random weights in the shape of SmolLM2-135M, made once and kept in the "
            "cache folder."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="Measure a running OpenAI-compatible server, http://HOST:PORT or https://…, instead of starting one."
        ),
    ] = None,
    api_key_file: Annotated[
        Path | None,
        typer.Option(help="With --url: file that holds the key. Default: $AFORO_API_KEY, or else $OPENAI_API_KEY."),
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option(help="With --url: 'Name: value', sent and never written down (repeatable).")
    ] = None,
    body: Annotated[
        list[str] | None,
        typer.Option(
            help="Field that is added to the body of every request (repeatable): ignore_eos=true, 'user=\"me\"'.",
            metavar="KEY=JSON",
        ),
    ] = None,
    omit_field: Annotated[
        list[str] | None,
        typer.Option(
            help="Field that is left out of every request (repeatable): stream_options, seed, temperature. With --url, "
            "those that the server refuses are left out without being asked.",
            metavar="KEY",
        ),
    ] = None,
    max_tokens_field: Annotated[
        str | None,
        typer.Option(
            help="Name of the field that limits the output, such as max_completion_tokens. Default: max_tokens."
        ),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="With --url https://…: certificates to trust, in PEM form.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="With --url https://…: believe any certificate.")
    ] = False,
    engine: Annotated[
        str | None,
        typer.Option(
            help="llama-cpp-python, llama-server or vllm; `aforo engines` lists what is there. Default: the first for "
            "one request in flight, the second for more."
        ),
    ] = None,
    engine_path: Annotated[Path | None, typer.Option(help="The engine's program, or the folder that it is in.")] = None,
    slots: Annotated[
        int | None,
        typer.Option(min=1, help="Requests served at a time. Default: the most in flight; 16 for an open loop."),
    ] = None,
    batch_tokens: Annotated[int | None, typer.Option(min=1, help="llama-server: tokens per batch.")] = None,
    micro_batch_tokens: Annotated[
        int | None, typer.Option(min=1, help="llama-server: tokens computed at once.")
    ] = None,
    kv_cache: Annotated[
        str | None, typer.Option(help="Type of the KV cache's elements: f16, q8_0 … Default: the engine's own.")
    ] = None,
    prompt_cache: Annotated[
        str, typer.Option(help="cold: every prompt is computed whole. warm: prompts that begin alike are reused.")
    ] = "cold",
    gpu_layers: Annotated[int | None, typer.Option(min=0, help="llama-server: layers kept on the GPU.")] = None,
    tensor_parallel: Annotated[int | None, typer.Option(min=1, help="vLLM: GPUs that share each layer.")] = None,
    dtype: Annotated[str | None, typer.Option(help="vLLM: type of the computation, bfloat16 …")] = None,
    quantization: Annotated[str | None, typer.Option(help="vLLM: how the weights are quantised, fp8 …")] = None,
    load_format: Annotated[
        str | None, typer.Option(help="vLLM: dummy makes random weights. Default: where the model has no others.")
    ] = None,
    lora: Annotated[
        Path | None,
        typer.Option(
            help="LoRA adapter that every request uses: a GGUF file for llama.cpp, a PEFT folder for vLLM; see "
            "`aforo models make-lora`."
        ),
    ] = None,
    engine_arg: Annotated[
        list[str] | None, typer.Option(help="Passed on to the engine as it is (repeatable): --engine-arg=--no-mmap")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder in which the run gets a folder of its own.")] = Path("runs"),
    threads: Annotated[
        int | None, typer.Option(help="Threads of the model server. Default: one per fast physical core.")
    ] = None,
    context: Annotated[int | None, typer.Option(help="Context of the model server, in tokens.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of prompts and sampling.")] = 1,
    nonce: Annotated[
        str | None,
        typer.Option(
            help="Make the very prompts of the run that has this nonce in run.json. Default: words that no run has "
            "sent, so that no cache of the server has them."
        ),
    ] = None,
    prompt_tokens: Annotated[int | None, typer.Option(help="Override: length of synthetic prompts.")] = None,
    output_tokens: Annotated[int | None, typer.Option(help="Override: tokens asked for.")] = None,
    system_tokens: Annotated[int | None, typer.Option(help="Override: length of a common system prompt.")] = None,
    system_share: Annotated[float | None, typer.Option(help="Override: share of requests that begin with it.")] = None,
    trace: Annotated[
        Path | None,
        typer.Option(
            help="Override: take the lengths of prompts and answers from this trace, and the times with `aforo run "
            "replay`. Mooncake JSONL, Azure or BurstGPT CSV, or the requests.jsonl of a run."
        ),
    ] = None,
    trace_format: Annotated[
        str | None,
        typer.Option(help="With --trace: mooncake, azure, burstgpt or aforo. Default: told by its first line."),
    ] = None,
    time_scale: Annotated[
        float | None, typer.Option(help="Override: factor on the times of a replay; 0.5 is twice as fast.")
    ] = None,
    max_rows: Annotated[int | None, typer.Option(help="Override: read so many rows of a trace.")] = None,
    clip_tokens: Annotated[int | None, typer.Option(help="Override: cut longer prompts of a trace to this.")] = None,
    concurrency: Annotated[
        str | None, typer.Option(help="Override: requests in flight; 1,2,4 is a sweep.", metavar="N[,N…]")
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(help="Override: open loop, requests per second on average; 0.5,1,2 is a sweep.", metavar="R[,R…]"),
    ] = None,
    saturate: Annotated[
        bool, typer.Option("--saturate", help="Override: from one request in flight up until throughput stops growing.")
    ] = False,
    max_concurrency: Annotated[int | None, typer.Option(help="With --saturate: go no further.")] = None,
    slo_search: Annotated[
        str | None,
        typer.Option(help="Override: find the highest load that keeps the SLOs.", metavar="rate|concurrency"),
    ] = None,
    attainment: Annotated[
        float | None, typer.Option(help="With --slo-search: share of requests, 0.99 for p99.")
    ] = None,
    start_load: Annotated[float | None, typer.Option(help="With --slo-search: the first load that is tried.")] = None,
    most_points: Annotated[int | None, typer.Option(help="With --slo-search: end after this many loads.")] = None,
    slo_ttft_ms: Annotated[float | None, typer.Option(help="Override: SLO, longest time to first token.")] = None,
    slo_tpot_ms: Annotated[float | None, typer.Option(help="Override: SLO, longest time per output token.")] = None,
    slo_e2e_ms: Annotated[float | None, typer.Option(help="Override: SLO, longest time to the last token.")] = None,
    arrivals: Annotated[str, typer.Option(help="With a rate: constant, poisson or gamma.")] = "poisson",
    burstiness: Annotated[float, typer.Option(help="With --arrivals gamma: 1 is Poisson, less is burstier.")] = 1.0,
    warmup_requests: Annotated[int | None, typer.Option(help="Override: requests before measuring.")] = None,
    requests: Annotated[
        int | None,
        typer.Option(
            help="Override: measured requests per repeat, in whole rounds of the slots; four at least in a sweep."
        ),
    ] = None,
    rounds: Annotated[
        int | None,
        typer.Option(help="Override: least number of requests per repeat for each request in flight."),
    ] = None,
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
    client_workers: Annotated[
        int, typer.Option(help="Processes that send and receive; more where one cannot carry the load.")
    ] = 1,
    client_cpus: Annotated[
        str | None,
        typer.Option(help="Processors that the client stays on, like 0-1,4. Default: apart if there are enough."),
    ] = None,
    server_cpus: Annotated[str | None, typer.Option(help="Processors that the model server stays on.")] = None,
    realtime_client: Annotated[
        bool,
        typer.Option(help="Let the client react before other processes, where that is permitted (Linux, root)."),
    ] = True,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            help="RULE=NUMBER: another limit of a rule for this run (repeatable), recorded and shown; `aforo rules` "
            "lists them.",
            metavar="RULE=NUMBER",
        ),
    ] = None,
    meters: Annotated[
        str, typer.Option(help="Energy meters: auto (all that work here), none, or some of nvml,rapl,codecarbon.")
    ] = "auto",
    gpus: Annotated[
        str | None,
        typer.Option(
            help="GPUs whose joules count: all, or indices or UUIDs like 0,1. Default: those that "
            "CUDA_VISIBLE_DEVICES leaves, or else all."
        ),
    ] = None,
    idle_baseline: Annotated[
        float, typer.Option(help="Seconds to meter the machine before any load, with the server up.")
    ] = 0.0,
    price: Annotated[
        float | None, typer.Option(help="What an hour of this machine costs. Default: of the detected instance.")
    ] = None,
    price_input: Annotated[
        float | None, typer.Option(help="With --url: what the endpoint charges for a million prompt tokens.")
    ] = None,
    price_cached_input: Annotated[
        float | None,
        typer.Option(help="With --price-input: the same for prompt tokens that the server reports as cached."),
    ] = None,
    price_output: Annotated[
        float | None, typer.Option(help="With --url: what the endpoint charges for a million output tokens.")
    ] = None,
    currency: Annotated[str, typer.Option(help="Currency of the price, as three letters; never converted.")] = "USD",
    price_kind: Annotated[
        str | None, typer.Option(help="on-demand, spot or reserved. Default: as the instance was bought.")
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option(help="Where the electricity comes from: DEU, US-VA, a cloud region, or gCO2e/kWh as a number."),
    ] = None,
    pue: Annotated[
        float | None, typer.Option(help="Energy of the data centre / of its machines. Default: the provider's, or 1.")
    ] = None,
    embodied: Annotated[
        float | None, typer.Option(help="kgCO2e of making the part of the machine that you use.")
    ] = None,
    cloud: Annotated[
        bool | None,
        typer.Option(
            "--cloud/--no-cloud",
            help="As in `aforo host`: which provider's metadata service may be asked where this machine is rented.",
        ),
    ] = None,
    roofline: Annotated[
        bool,
        typer.Option("--roofline", help="Measure this host's limits first, where none are kept: fifteen seconds."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Make a large synthetic model without asking.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print percentiles, skipped checks and the calibration too.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Measure a model server on this host: start it, drive it, time every token, write a report.

    Without arguments it takes about two minutes and needs no model of yours.
    """
    from profiler.cli.model_size import confirm_size
    from profiler.cli.progress import shown_progress
    from profiler.run.execute import profile
    from profiler.run.options import Options
    from profiler.servers.options import EngineOptions
    from profiler.timing.clock import SystemClock

    spread = {"arrivals": arrivals, "burstiness": burstiness}
    loads = {
        "--rate": rate and {"shape": "open-loop", "rate_rps": _numbers("--rate", rate), **spread},
        "--saturate": saturate and {"shape": "saturate", "max_concurrency": max_concurrency},
        "--slo-search": slo_search
        and {
            "shape": "slo-search",
            "over": slo_search,
            "attainment_ratio": attainment,
            "start": start_load,
            "max_points": most_points,
            **spread,
        },
        "--concurrency": concurrency and {},
    }
    overrides = {
        "load": _only_load(loads),
        "prompts": _traced(trace, trace_format),
        "prompts.tokens": prompt_tokens,
        "prompts.system.tokens": system_tokens,
        "prompts.system.share": system_share,
        "prompts.max_rows": max_rows,
        "prompts.clip_tokens": clip_tokens,
        "load.time_scale": time_scale,
        "output_tokens": output_tokens,
        "load.concurrency": concurrency and _numbers("--concurrency", concurrency),
        "slo.ttft_ms": slo_ttft_ms,
        "slo.tpot_ms": slo_tpot_ms,
        "slo.e2e_ms": slo_e2e_ms,
        "warmup_requests": warmup_requests,
        "requests": requests,
        "rounds": rounds,
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
        nonce=nonce,
        start_timeout_s=start_timeout,
        wire_audit=wire_audit,
        engine=EngineOptions(
            engine=engine,
            engine_path=engine_path,
            slots=slots,
            batch_tokens=batch_tokens,
            micro_batch_tokens=micro_batch_tokens,
            kv_cache=kv_cache,
            prompt_cache=prompt_cache,
            gpu_layers=gpu_layers,
            tensor_parallel=tensor_parallel,
            dtype=dtype,
            quantization=quantization,
            load_format=load_format,
            lora=lora,
            engine_args=tuple(engine_arg or ()),
        ),
        client_workers=client_workers,
        client_cpus=client_cpus,
        realtime_client=realtime_client,
        server_cpus=server_cpus,
        api_key_file=api_key_file,
        headers=tuple(header or ()),
        ca_file=ca_file,
        insecure=insecure,
        meters=meters,
        gpus=gpus,
        idle_baseline_s=idle_baseline,
        price=price,
        price_input=price_input,
        price_cached_input=price_cached_input,
        price_output=price_output,
        currency=currency,
        price_kind=price_kind,
        grid=grid,
        pue=pue,
        embodied_kgco2e=embodied,
        cloud=cloud,
        roofline=roofline,
        limits=tuple(limit or ()),
        body=tuple(body or ()),
        omit_fields=tuple(omit_field or ()),
        max_tokens_field=max_tokens_field,
        overrides={key: value for key, value in overrides.items() if value is not None},
    )
    if url is None:
        confirm_size(model, yes=yes)
    with shown_progress(quiet=quiet) as progress:
        finished = profile(options, progress, SystemClock())
    _show(finished, as_json=json, verbose=verbose)


def _numbers(option: str, text: str) -> float | list[float]:
    """Read a number, or several with commas between them. Raises `UsageError`."""
    try:
        numbers = [_number(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"{option} {text}: expected a number, or several with commas between them: 1,2,4.") from None
    return numbers[0] if len(numbers) == 1 else numbers


def _number(text: str) -> float:
    """Read a number, a whole one as such. Raises `ValueError`."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def _only_load(loads: Mapping[str, object]) -> dict[str, object] | None:
    """Return the load that was asked for, without what was left open. Raises `UsageError` where two were."""
    asked = {option: load for option, load in loads.items() if isinstance(load, dict)}
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} ask for different loads. Pass one of them.")
    return next(({key: v for key, v in load.items() if v is not None} for load in asked.values() if load), None)


def _traced(trace: Path | None, trace_format: str | None) -> dict[str, object] | None:
    """Return the prompts of a trace. Raises `UsageError` for a format without a trace."""
    if trace is None:
        if trace_format is not None:
            raise UsageError(f"--trace-format {trace_format}: expected --trace FILE beside it.")
        return None
    return {"source": "trace", "file": str(trace.absolute()), "format": trace_format}


def _show(finished: "Finished", *, as_json: bool, verbose: bool) -> None:
    from profiler.cli.output import print_run

    print_run(finished.folder, finished.manifest, finished.summary, as_json=as_json, verbose=verbose)
    if finished.error is not None:
        raise finished.error
    verdict = finished.summary.verdict
    if verdict is not None and verdict.level == "INVALID":
        raise InvalidRunError(f"INVALID: {verdict.findings[0].sentence} {verdict.findings[0].remedy}")
