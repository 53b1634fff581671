"""The signature of a verb, made from the options that are declared for it."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Annotated, Any, TypeVar

import typer

from profiler.cli.verbs import metavar_of
from profiler.options import Option, declared

T = TypeVar("T")

_WIDEST_CHOICES = 16  # characters; a wider column would leave the sentences beside it no room


def takes(
    options: type[T], panels: Sequence[tuple[str | None, type]], arguments: Mapping[str, Any] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a function of an options object the command line of its groups, each in a panel of its own.

    `arguments` are annotations of Typer for what the function takes besides, by keyword.
    """

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        @wraps(verb)
        def called(**given: Any) -> None:
            own = {name: given.pop(name) for name in arguments or {}}
            verb(options(**{name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}), **own)

        parameters = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
            for name, annotation in (arguments or {}).items()
        ]
        parameters += [_parameter(each, panel) for panel, group in panels for each in declared(group)]
        parameters.sort(key=lambda each: isinstance(each.annotation.__metadata__[0], typer.models.OptionInfo))
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by `inspect`
        return called

    return decorate


def _parameter(each: Option, panel: str | None) -> inspect.Parameter:
    kind = list[str] if isinstance(each.default, tuple) else each.type
    default = inspect.Parameter.empty if each.is_required else each.default
    default = list(default) if isinstance(default, tuple) else default
    info: Any = _argument(each) if each.is_argument else _info(each, panel)
    return inspect.Parameter(
        each.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
    )


def _argument(each: Option) -> Any:
    return typer.Argument(help=each.help, metavar=each.name.upper(), autocompletion=each.complete)


def _info(each: Option, panel: str | None) -> Any:
    flags = f"{each.flag}/{each.off_flag}" if each.off_flag else each.flag
    return typer.Option(
        *filter(None, (flags, each.short)),
        help=each.help,
        metavar=each.metavar or _choices(each) or metavar_of(each.type),
        rich_help_panel=panel,
        show_default=not each.is_switch and "Default:" not in each.help,
        autocompletion=(lambda: list(each.choices)) if each.choices else each.complete,
    )


def _choices(each: Option) -> str:
    """Return the choices as they are typed, or NAME where they are too wide and stand in the help."""
    typed = "|".join(each.choices)
    return "NAME" if len(typed) > _WIDEST_CHOICES else typed
