"""What a run will do, decided and checked before anything starts."""

import os
import platform
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex

import psutil

from profiler.cost.facts import Stated, stated
from profiler.cost.prices import places
from profiler.energy import cards, meters
from profiler.errors import UsageError
from profiler.hosts.cgroup import limits
from profiler.hosts.fast_cores import fast_cores
from profiler.hosts.tree import Tree
from profiler.hosts.usable_cpus import usable_cpu_count, usable_cpus
from profiler.models import facts, locate
from profiler.models import lora as lora_files
from profiler.models.files import changed_since
from profiler.options import overrides, words
from profiler.progress import Progress
from profiler.quality.item import Item
from profiler.results.folder import RunFolder, name_folder
from profiler.results.manifest import LoraFacts, ModelFacts, Point, TuningFacts
from profiler.run import settings, sizing, tune
from profiler.run.cpus import CpuSets, choose_cpus, room_for_server
from profiler.run.fit import Fit, available_bytes, fit_depths, gpus_of
from profiler.run.options import Options
from profiler.run.unasked import without_responses
from profiler.search.sizing import ROUNDS_OF_ONE, ROUNDS_OF_SEVERAL
from profiler.search.strategy import first_point, is_one_point
from profiler.search.variants import has_cache_sweep, has_depth, variants_of
from profiler.servers.base import Endpoint, Launch, Tick, no_tick
from profiler.servers.body import BodyChanges, check_omitted, read_changes
from profiler.servers.choose import check_serves_checkpoints, choose, engine_for, provide
from profiler.servers.credentials import Credentials, read_credentials
from profiler.servers.managed import ManagedServer
from profiler.servers.openai_http import OpenAiEndpoint
from profiler.servers.secrets import hide_arguments
from profiler.timing.clock import Clock
from profiler.timing.messages import TlsOptions
from profiler.verdict.limits import parse_limits
from profiler.workloads import load
from profiler.workloads.items import Data
from profiler.workloads.load import Loaded
from profiler.workloads.schema import (
    DataPrompts,
    Workload,
)
from profiler.workloads.traces import Trace

_NONCE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NONCE_BYTES = 4
_HERE = Tree(Path("/"))


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before the server starts."""

    options: Options
    workload: Workload
    data_dir: Path
    trace: Trace | None
    data: Data | None
    expects: Sequence[Item]  # what each row of the data expects of an answer, where answers are kept
    overridden: list[str]
    model: ModelFacts
    lora: LoraFacts | None
    endpoint: Endpoint  # where its requests go
    folder: RunFolder
    said: Stated  # of money and carbon
    cpus: CpuSets
    tls: TlsOptions | None = None
    credentials: Credentials = field(default_factory=Credentials)
    limits: Mapping[str, float] = field(default_factory=dict)  # of rules, by their id
    body: BodyChanges = field(default_factory=BodyChanges)
    warnings: Sequence[str] = ()
    nonce: str | None = None  # of the prompts; None where Aforo makes none
    launch: Launch | None = None  # of the server that is to be started, but for what points differ in
    contexts: Mapping[int | None, int] = field(default_factory=dict)  # of each stream, by depth
    tuning: TuningFacts | None = None  # the search that its settings come from
    served: Point | None = None  # whose server `endpoint` is; None: the first one

    @property
    def server(self) -> ManagedServer | None:
        """The server that is to be started; `None` where it runs already."""
        return self.endpoint if isinstance(self.endpoint, ManagedServer) else None

    @property
    def external(self) -> OpenAiEndpoint | None:
        """The endpoint that is managed externally, where it is."""
        return self.endpoint if isinstance(self.endpoint, OpenAiEndpoint) else None

    @property
    def first_point(self) -> Point:
        """The first that is measured."""
        return first_point(self.workload)

    @property
    def is_restarted(self) -> bool:
        """Whether points take servers that differ."""
        load = self.first_point
        return len({self._server_key(each.at(load)) for each in variants_of(self.workload)}) > 1

    def is_served(self, point: Point) -> bool:
        """Whether the server of now is the one that a point takes."""
        return self._server_key(point) == self._server_key(self.served or self.first_point)

    def _server_key(self, point: Point) -> tuple[object, ...]:
        return self.contexts.get(point.depth_tokens), point.visit, tuple(sorted(point.settings.items()))

    def as_served(self, point: Point) -> Point:
        """Return a point with what of its server follows from its depth, or from the program that it names."""
        own: dict[str, str | None] = {}
        if point.depth_tokens is not None and point.depth_tokens in self.contexts:
            own["context_tokens"] = str(self.contexts[point.depth_tokens])
        if "engine_path" in point.settings:
            facts = self.endpoint.describe()
            own |= {"version": facts.version, "build": facts.build}
        known = {name: text for name, text in own.items() if text is not None}
        return point.model_copy(update={"settings": {**point.settings, **known}}) if known else point

    def server_at(self, point: Point) -> ManagedServer:
        """Return the server that a point takes, where the one before was. Raises `UsageError`, `ServerError`."""
        assert self.launch is not None  # noqa: S101 - only a managed server is started anew
        options = replace(self.options, engine=self.endpoint.describe().name)
        context_tokens = self.contexts.get(point.depth_tokens, self.launch.context_tokens)
        server = _server(replace(self.launch, context_tokens=context_tokens), options, point)
        server.address = self.endpoint.address
        return server

    def command_line(self) -> list[str]:
        """Return what to type to repeat this run: its options, and what was decided for it; no secret.

        A nonce that was drawn is left out: the repeated run, too, shall send prompts that the server has not seen.
        """
        engine, asked = self.endpoint.describe(), self.options
        decided = replace(
            asked,
            engine=asked.engine or (None if self.external else engine.name),
            model=self.model.name if self.external else self.model.source,
            threads=None if self.workload.settings.threads else engine.threads,
            context_tokens=asked.context_tokens if len(self.contexts) > 1 else engine.context_tokens,
            trace=asked.trace and asked.trace.absolute(),
            data=asked.data and asked.data.absolute(),
            template=asked.template and asked.template.absolute(),
            body=self.body.texts(),
            omit_fields=(*self.body.omitted, *self.body.refused),
            max_tokens_field=self.body.max_tokens_field,
        )
        return hide_arguments(["aforo", "run", *words(decided)])


@dataclass(frozen=True)
class _Target:
    """Where the requests go, and what was found out about it."""

    endpoint: Endpoint
    model: ModelFacts
    cpus: CpuSets
    lora: LoraFacts | None = None
    tls: TlsOptions | None = None
    credentials: Credentials = field(default_factory=Credentials)
    warnings: Sequence[str] = ()
    launch: Launch | None = None
    contexts: Mapping[int | None, int] = field(default_factory=dict)
    fit: Fit | None = None


def make_plan(options: Options, progress: Progress, clock: Clock, tick: Tick = no_tick) -> Plan:
    """Load and check everything; leave nothing behind but cached models. Raises `UsageError` and what `tick` raises."""
    said, rule_limits = _said(options), parse_limits(options.limits)
    loaded = load.load(options.workload, {**overrides(options), **settings.swept(options)})
    loaded = _with_rounds(settings.narrowed(_with_cache(loaded, options), options), options)
    loaded = replace(loaded, workload=tune.tuning(loaded.workload, options)) if options.tune else loaded
    nonce = _nonce(options.nonce, loaded.workload)
    changes = read_changes(options.body, options.omit_fields, options.max_tokens_field)
    target = (_external if options.url else _to_start)(options, loaded, progress, tick)
    loaded = replace(loaded, workload=target.fit.workload) if target.fit else loaded
    workload, not_kept = without_responses(options, loaded.workload)
    check_omitted(changes, target.endpoint, loaded.workload)
    if options.wire_audit and target.tls is not None:
        raise UsageError("--wire-audit compares plain bytes, and this endpoint speaks TLS. Run without it.")
    return Plan(
        options=options,
        workload=workload,
        data_dir=loaded.folder,
        trace=loaded.trace,
        overridden=list(loaded.overridden),
        model=target.model,
        lora=target.lora,
        endpoint=target.endpoint,
        said=said,
        folder=_new_folder(options.out, clock, target.endpoint.describe().name, target.model, loaded.workload),
        cpus=target.cpus,
        tls=target.tls,
        credentials=target.credentials,
        limits=rule_limits,
        body=changes,
        data=loaded.data,
        expects=loaded.expects,
        warnings=[*target.warnings, *not_kept],
        nonce=nonce,
        launch=target.launch,
        contexts=target.contexts,
    )


def _with_cache(loaded: Loaded, options: Options) -> Loaded:
    """Let the one state of the prompt cache that was asked for stand where a workload sweeps over both."""
    workload = loaded.workload
    if options.prompt_cache not in {"cold", "warm"} or not has_cache_sweep(workload):
        return loaded
    one_state = workload.settings.model_copy(update={"prompt_cache": [options.prompt_cache]})
    return replace(loaded, workload=workload.model_copy(update={"settings": one_state}))


def _cache(options: Options, point: Point) -> str:
    """Return the state of the prompt cache at a point."""
    asked = options.prompt_cache if options.prompt_cache in {"cold", "warm"} else "cold"
    return point.settings.get("prompt_cache", asked)


def _external(options: Options, loaded: Loaded, progress: Progress, tick: Tick) -> _Target:
    """Look at a server that runs already. Raises `UsageError`, `ServerError` and what `tick` raises."""
    progress.stage("Looking at the endpoint")
    settings.check_no_server(loaded.workload)
    credentials = read_credentials(options.api_key_file, options.headers)
    tls = TlsOptions(str(options.ca_file) if options.ca_file else None, options.insecure)
    is_warm = options.prompt_cache == "warm"
    endpoint = OpenAiEndpoint(str(options.url), options.model, tls, credentials, is_warm=is_warm, tick=tick)
    model = endpoint.model_facts()
    fit = fit_depths(loaded, options, model, None, endpoint.told_context(tick)) if has_depth(loaded.workload) else None
    for note in fit.left_out if fit else ():
        progress.note(note)
    return _Target(
        endpoint=endpoint,
        model=model,
        cpus=sizing.client_cpus(options),
        tls=endpoint.tls,
        credentials=credentials,
        warnings=[*endpoint.warnings, *(fit.left_out if fit else ())],
        fit=fit,
    )


def _to_start(options: Options, loaded: Loaded, progress: Progress, tick: Tick) -> _Target:
    """Find model and engine, and choose the size of the server.

    Raises `UsageError`, `ModelError`, `ServerError`, `EngineBuildError` and what `tick` raises.
    """
    model = _find_model(options, loaded.workload, progress)
    lora = _adapter(options.lora, model)
    fit = fit_depths(loaded, options, model, available_bytes(_HERE), cards=lambda: gpus_of(options))
    for note in fit.notes:
        progress.note(note)
    loaded = replace(loaded, workload=fit.workload)
    progress.stage("Looking at the engine")
    contexts = sizing.contexts(options.context_tokens, loaded, model)
    point = first_point(loaded.workload)
    launch = _launch(options, loaded, model, lora, contexts[point.depth_tokens])
    if options.build:
        provide(launch, options, progress, tick)
    every = settings.every_options(options, loaded.workload)
    cpus = sizing.cpu_sets(options, max(map(_threads, every)))
    launch = replace(launch, cpus=cpus.server)
    _check_each(launch, options, loaded.workload, every)
    server = _server(launch, options, point)
    return _Target(server, model, cpus, lora, warnings=fit.left_out, launch=launch, contexts=contexts, fit=fit)


def _check_each(launch: Launch, options: Options, workload: Workload, every: Sequence[Options]) -> None:
    """Raise `UsageError` for a setting that the engine of a run has not, or a program that is not there."""
    if not workload.settings.of_server():
        return
    engine = engine_for(launch, options)
    settings.check_taken(workload, engine)
    for each in every:
        engine.find(each.engine_path)


def _server(launch: Launch, options: Options, point: Point) -> ManagedServer:
    """Return the server that a point takes. Raises `UsageError`, `ServerError`."""
    own = settings.options_at(options, point.settings)
    launch = replace(launch, threads=_threads(own), threads_explicit=own.threads is not None)
    return choose(launch, replace(own, prompt_cache=_cache(options, point)))


def _with_rounds(loaded: Loaded, options: Options) -> Loaded:
    """Let a number of requests that was asked for stand; where several loads share it, each still gets four rounds."""
    if options.requests is None or options.rounds is not None:
        return loaded
    rounds = ROUNDS_OF_ONE if is_one_point(loaded.workload) else ROUNDS_OF_SEVERAL
    return replace(loaded, workload=loaded.workload.model_copy(update={"rounds": rounds}))


def _nonce(asked: str | None, workload: Workload) -> str | None:
    """Return what makes the prompts of this run new to a server, unless that of another run was asked for."""
    if asked is not None and not _NONCE.fullmatch(asked):
        raise UsageError(f"--nonce {asked}: expected 1 to 64 letters, digits, '.', '_' or '-'.")
    if not isinstance(workload.prompts, DataPrompts):
        return asked or token_hex(_NONCE_BYTES)
    if asked is not None:
        raise UsageError(
            f"--nonce is for prompts that Aforo makes; those of {workload.id} are rows of a file. Leave it out."
        )
    return None


def _said(options: Options) -> Stated:
    """Check what was said of energy, money and carbon."""
    meters.check_wanted(options.meters)
    if options.gpus is not None:
        cards.check_wanted(options.gpus)
    return stated(options, places())


def _find_model(options: Options, workload: Workload, progress: Progress) -> ModelFacts:
    progress.stage("Finding the model")
    if locate.is_checkpoint_on_hub(options.model):
        check_serves_checkpoints(options)  # before gigabytes are downloaded for nothing
    asked = options.model or (locate.EMBEDDING if workload.is_embedding else None)
    located = locate.find(asked, lambda done, total: progress.advance(done / total if total else 0))
    model = facts.read(located.path, located.source)
    if model.sha256 is not None:
        model.changed_from = changed_since(located.identity, model.sha256)
    return model


def _adapter(path: Path | None, model: ModelFacts) -> LoraFacts | None:
    """Read the adapter that was asked for. Raises `ModelError` where there is none, or it does not fit."""
    if path is None:
        return None
    adapter = lora_files.read(path)
    lora_files.check_fits(adapter, model)
    return adapter


def _launch(options: Options, loaded: Loaded, model: ModelFacts, lora: LoraFacts | None, context_tokens: int) -> Launch:
    return Launch(
        model=model,
        threads=_threads(options),
        context_tokens=context_tokens,
        streams=sizing.streams(loaded.workload),
        start_timeout_s=options.start_timeout_s,
        lora=lora,
        threads_explicit=options.threads is not None,
        api=loaded.workload.api,
    )


def _new_folder(out: Path, clock: Clock, engine: str, model: ModelFacts, workload: Workload) -> RunFolder:
    """Name its folder: UTC, host, engine, model and workload."""
    stamp = clock.utc().strftime("%Y%m%dT%H%M%SZ")
    return RunFolder(name_folder(out, [stamp, platform.node() or "host", engine, model.name, workload.id]))


def load_per_core() -> float | None:
    """Return the load average of the last minute per CPU, where the system tells: it is of all, usable or not."""
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except OSError:
        return None


def server_threads(options: Options) -> int:
    """Return how many threads a server gets that is started with these options. Raises `UsageError`."""
    return _threads(options)


def _threads(options: Options) -> int:
    """Default to one thread per fast physical core that may be used.

    A container's quota counts, too: with more threads than that the kernel halts all of them again and again.
    """
    asked = options.threads
    room = room_for_server(options.client_cpus, options.server_cpus, usable_cpus())
    usable = room or usable_cpu_count()
    if asked is None:
        quota = limits(_HERE).cpu_limit_cores
        return min(_cores(options, room, usable), max(1, int(quota or usable)))
    if not 1 <= asked <= usable:
        raise UsageError(f"--threads {asked}: the server may use {usable} logical CPUs. Pass 1 to {usable}.")
    return asked


def _cores(options: Options, room: int | None, usable: int) -> int:
    """Return how many cores the server may use; where the kernel does not say which, by their share of all."""
    physical, logical = psutil.cpu_count(logical=False), psutil.cpu_count(logical=True)
    allowed: Collection[int] | None = usable_cpus()
    if room is not None:
        allowed = choose_cpus(
            options.client_cpus, options.server_cpus, usable_cpus(), None, options.client_workers
        ).server
    found = fast_cores(allowed, _HERE) if allowed else None
    share = max(1, usable * physical // logical) if physical and logical else usable
    return min(physical or usable, usable, found or share)
