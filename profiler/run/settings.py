"""Settings of the server that a run sweeps over: as typed, as the engine takes them, and as options at a point."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from profiler.errors import UsageError
from profiler.options import Option, declared
from profiler.run.options import Options
from profiler.search.variants import variants_of
from profiler.servers.engine import Engine
from profiler.servers.engines import ENGINES
from profiler.servers.options import SWEPT
from profiler.workloads.load import Loaded
from profiler.workloads.schema import Workload

_OPTIONS = {each.name: each for each in declared(Options)}
_OF_EVERY_ENGINE = {"threads"}


def swept(options: Options) -> dict[str, object]:
    """Return the values of each setting that was typed as NAME=V,V…, by dotted key of a workload. Raises `UsageError`.

    Several states of the prompt cache may be named by its own option, too.
    """
    states = (options.prompt_cache or "").split(",")
    found: dict[str, object] = {"settings.prompt_cache": states} if len(states) > 1 else {}
    for text in options.settings:
        name, values = _read(text)
        key = f"settings.{name}"
        if key in found or getattr(options, name) is not None:
            raise UsageError(f"--settings {text}: {name} was given before. Say it once, with all its values.")
        found[key] = values
    return found


def narrowed(loaded: Loaded, options: Options) -> Loaded:
    """Let an option that was given stand where a workload sweeps over it."""
    swept_over = loaded.workload.settings
    given = [name for name in swept_over.of_server() if getattr(options, name) is not None]
    if not given:
        return loaded
    settings = swept_over.model_copy(update=dict.fromkeys(given))
    return replace(loaded, workload=loaded.workload.model_copy(update={"settings": settings}))


def options_at(options: Options, settings: Mapping[str, str]) -> Options:
    """Return the options as they are with these settings of the server. Raises `UsageError` for one out of range."""
    own: dict[str, Any] = {name: _typed(_OPTIONS[name], text) for name, text in settings.items() if name in SWEPT}
    return replace(options, **own)


def every_options(options: Options, workload: Workload) -> list[Options]:
    """Return the options of each combination of settings, in the order of measuring. Raises `UsageError`."""
    return [options_at(options, dict(server)) for server in dict.fromkeys(v.server for v in variants_of(workload))]


def check_taken(workload: Workload, engine: Engine) -> None:
    """Raise `UsageError` for a setting that the engine of a run has not, with those that it has."""
    for name in workload.settings.of_server():
        if not _takes(engine, name):
            known = ", ".join(each for each in SWEPT if _takes(engine, each))
            others = [other.name for other in ENGINES if _takes(other, name)]
            raise UsageError(
                f"settings.{name}: {engine.name} has no such setting; it has {known}. Leave it out"
                + (f", or choose --engine {' or '.join(others)}." if others else ".")
            )


def check_no_server(workload: Workload) -> None:
    """Raise `UsageError` for settings of a server that runs already."""
    if asked := workload.settings.of_server():
        raise UsageError(
            f"The workload {workload.id} sweeps over settings of the server ({', '.join(asked)}), and one that runs "
            "already is not started anew. Leave --url out, or 'settings' out of the workload."
        )


def _takes(engine: Engine, name: str) -> bool:
    return name in engine.options | _OF_EVERY_ENGINE


def _read(text: str) -> tuple[str, list[object]]:
    typed, _, values = text.partition("=")
    name = typed.strip().removeprefix("--").replace("-", "_")
    if name not in SWEPT:
        near = get_close_matches(name, SWEPT, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"--settings {text}: expected one of {', '.join(SWEPT)}, as threads=4,8.{hint}")
    parts = [part.strip() for part in values.split(",")]
    try:
        if "" in parts:
            raise ValueError
        return name, [value if isinstance(value, int) else part for part, value in _each(name, parts)]
    except ValueError:
        form = "4,8,16" if int in _kinds(_OPTIONS[name]) else "A,B"
        raise UsageError(f"--settings {text}: expected values with commas between them: {name}={form}.") from None


def _each(name: str, parts: list[str]) -> list[tuple[str, object]]:
    return [(part, _typed(_OPTIONS[name], part)) for part in parts]


def _typed(option: Option, text: str) -> int | Path | str:
    """Return the value of an option that a text stands for. Raises `ValueError`."""
    kinds = _kinds(option)
    return int(text) if int in kinds else Path(text) if Path in kinds else text


def _kinds(option: Option) -> tuple[type, ...]:
    return tuple(getattr(option.type, "__args__", (option.type,)))
