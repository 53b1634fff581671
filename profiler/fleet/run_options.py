"""Options of `aforo run` as a plan has them: by name, each value of the type that the option takes."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, get_args

from profiler.definitions.mistakes import show
from profiler.errors import UsageError
from profiler.options import Option, declared, given
from profiler.run.options import Options

_OF_THE_PLAN = {
    **dict.fromkeys(("workload", "model", "settings"), "the plan has a key of its own for it"),
    **dict.fromkeys(("price", "price_kind", "currency", "instance", "region"), "it is a key of the host"),
    **dict.fromkeys(("out", "yes", "json", "verbose", "quiet"), "'aforo fleet' decides it"),
    "headers": "it may hold a key. Name a variable such as AFORO_API_KEY in the host's 'environment' instead",
}


def typed(values: Mapping[str, object]) -> dict[str, Any]:
    """Return values of a plan as `Options` takes them. Raises `UsageError` for what is none of its options."""
    return {option.name: _value(option, value) for option, value in map(_known, values.items())}


def mistakes(values: Mapping[str, object]) -> dict[str, str]:
    """Return a sentence for each name of a plan that is no option, or has a value that does not fit."""
    found = {}
    for name, value in values.items():
        try:
            _value(*_known((name, value)))
        except UsageError as error:
            found[name] = str(error)
    return found


def words(options: Options) -> list[str]:
    """Return what to type behind `aforo run`: the workload, and every option that is not left at its default."""
    asked = list(given(options, Options))
    return [options.workload, *(w for each in asked if not each.is_argument for w in each.words(_of(options, each)))]


def _of(options: Options, option: Option) -> Any:
    return getattr(options, option.name)


@cache
def _by_name() -> dict[str, Option]:
    """Return the options by what a plan may call them: the name of the field, or the flag without its dashes."""
    every = declared(Options)
    return {name: each for each in every for name in (each.name, each.flag.removeprefix("--").replace("-", "_"))}


def _known(item: tuple[str, object]) -> tuple[Option, object]:
    name, value = item
    option = _by_name().get(name.replace("-", "_"))
    if option is None:
        near = get_close_matches(name, _by_name(), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"'aforo run' has no option {name!r}.{hint} 'aforo run --help' lists all.")
    if option.name in _OF_THE_PLAN:
        raise UsageError(f"{name!r} cannot stand here: {_OF_THE_PLAN[option.name]}.")
    return option, value


def _value(option: Option, value: object) -> Any:
    kinds = {option.type, *get_args(option.type)}
    if isinstance(option.default, tuple):
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
        raise _refusal(option, value, "a list of texts")
    if bool in kinds:
        if isinstance(value, bool):
            return value
        raise _refusal(option, value, "true or false")
    if kinds & {int, float}:
        if isinstance(value, bool) or not isinstance(value, int if float not in kinds else (int, float)):
            raise _refusal(option, value, "a number" if float in kinds else "a whole number")
        return float(value) if float in kinds else value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _refusal(option, value, "a text")
    if Path not in kinds:
        return str(value)
    if is_relative(str(value)):
        raise UsageError(relative(str(value)))
    return Path(str(value))


def is_relative(path: str) -> bool:
    """Whether a path leads to different places here and on a host, where a run begins in the folder of its job."""
    return not Path(path).is_absolute() and not path.startswith("~")


def relative(path: str) -> str:
    """Say what is wrong with it."""
    return (
        f"{show(path)} is a relative path, and a run on a host begins in a folder of its own. Expected where it is on "
        "the host: /PATH, or ~/PATH below the home folder there."
    )


def _refusal(option: Option, value: object, form: str) -> UsageError:
    return UsageError(f"{option.name!r} is {show(value)}: expected {form}. {option.help}")
