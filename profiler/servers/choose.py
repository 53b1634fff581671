"""Which engine serves a run, and which engines this machine has."""

from dataclasses import dataclass

from profiler.errors import AforoError, MissingEngineError, ModelError, UsageError
from profiler.models.locate import HUB_FILE
from profiler.progress import Progress
from profiler.servers import openai_http
from profiler.servers.base import Launch, Tick
from profiler.servers.engine import Engine, form_of
from profiler.servers.engines import ENGINES, engine_called
from profiler.servers.managed import ManagedServer
from profiler.servers.options import EngineOptions


@dataclass(frozen=True)
class Availability:
    """An engine, and whether it can be used on this machine."""

    name: str
    is_available: bool
    version: str | None
    path: str | None
    note: str  # what it is for; where it is missing, what to do


def choose(launch: Launch, options: EngineOptions) -> ManagedServer:
    """Return the server for a run, ready to be started. Raises `UsageError`, `ModelError`, `ServerStartError`."""
    return engine_for(launch, options).server(launch, options)


def provide(launch: Launch, options: EngineOptions, progress: Progress, tick: Tick) -> None:
    """Build the engine of a run where it is not here and can be built.

    Raises `UsageError` and `ModelError` as `choose`, `EngineBuildError`, and what `tick` raises.
    """
    engine = engine_for(launch, options)
    if engine.build and _is_missing(engine, options):
        engine.build(progress, tick)


def engine_for(launch: Launch, options: EngineOptions) -> Engine:
    """Return the engine that was asked for, or the default, once options, model and load suit it."""
    engine = _named(options.engine) if options.engine else default_engine(launch, options)
    for option in options.chosen():
        takers = [each.name for each in ENGINES if option.name in {"engine", *each.options}]
        if engine.name not in takers:
            raise UsageError(
                f"{option.flag} is for --engine {' or '.join(takers)}; this run uses {engine.name}. Leave it out."
            )
    check_serves(engine, launch, options)
    return engine


def _named(name: str) -> Engine:
    engine = engine_called(name)
    if engine is None:
        known = ", ".join(each.name for each in ENGINES)
        raise UsageError(f"--engine {name}: expected {known}; --url measures a running endpoint.")
    return engine


def default_engine(launch: Launch, options: EngineOptions) -> Engine:
    """Return the first engine that serves this model and load and is here; the first of all where none is here.

    Raises `UsageError` for a checkpoint where no engine for one is here.
    """
    if form_of(launch) == "checkpoint":
        return check_serves_checkpoints(options)
    serving = [
        each for each in ENGINES if each.serves(launch) and (not options.engine_path or "engine_path" in each.options)
    ]
    return next((each for each in serving if not _is_missing(each, options)), serving[0])


def _is_missing(engine: Engine, options: EngineOptions) -> bool:
    """Whether it is not here; a path that was named wrongly is for `choose` to refuse."""
    try:
        engine.find(options.engine_path)
    except UsageError as error:
        return isinstance(error, MissingEngineError)
    return False


def check_serves_checkpoints(options: EngineOptions) -> Engine:
    """Return the engine that loads checkpoints. Raises `UsageError` where another one was named, or it is not here."""
    fitting = [engine for engine in ENGINES if engine.model_form == "checkpoint"]
    names = " or ".join(engine.name for engine in fitting)
    what = f"model is a checkpoint, which {names} serves; the other engines read .gguf files, such as {HUB_FILE}"
    engine = next((each for each in fitting if options.engine in {None, each.name}), None)
    if engine is None:
        raise UsageError(f"--engine {options.engine}: the {what}. Name one of those, or choose --engine {names}.")
    try:
        engine.find(options.engine_path)
    except UsageError as error:
        raise UsageError(f"The {what}. {error}") from error
    return engine


def check_serves(engine: Engine, launch: Launch, options: EngineOptions) -> None:
    """Raise `UsageError` or `ModelError` where the engine, or the model, does not make what the workload asks for."""
    if launch.is_embedding and not engine.serves_embeddings:
        others = " or ".join(each.name for each in ENGINES if each.serves_embeddings)
        raise UsageError(f"Embeddings are measured on --engine {others}; this run uses {engine.name}.")
    engine.check(launch, options)
    if not launch.is_embedding and launch.model.is_encoder:
        raise UsageError(
            f"The model {launch.model.name} turns texts into vectors and generates nothing, and the workload asks for "
            "tokens. Choose the workload embeddings, or another --model."
        )
    if engine.model_form == "gguf" and form_of(launch) == "checkpoint":
        others = " or ".join(each.name for each in ENGINES if each.model_form == "checkpoint")
        raise ModelError(
            f"The model {launch.model.source} is a folder, and {engine.name} reads .gguf files. "
            f"Name the .gguf file, or choose --engine {others}."
        )
    if engine.most_streams is not None and (launch.streams or 1) > engine.most_streams:
        others = " or ".join(each.name for each in ENGINES if each.serves(launch))
        raise UsageError(
            f"The engine {engine.name} serves {engine.most_streams} request at a time, but the workload keeps "
            f"{launch.streams} in flight. Use --engine {others} (aforo engines says how to get it), or --concurrency "
            f"{engine.most_streams}."
        )


def available() -> list[Availability]:
    """Look at every engine: is it here, and does it run?"""
    external = "Any running OpenAI-compatible endpoint: aforo run --url URL."
    return [*map(_look, ENGINES), Availability(openai_http.NAME, True, None, None, external)]


def _look(engine: Engine) -> Availability:
    try:
        version, path = engine.installed()
    except AforoError as error:
        return Availability(engine.name, False, None, None, str(error))
    return Availability(engine.name, True, version, path, engine.purpose)
