"""The verbs of the command line, with what each of them takes, found in Typer's own declarations."""

import inspect
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, get_args

import typer

_METAVARS = ((bool, ""), (int, "N"), (float, "X"), (Path, "PATH"), (str, "TEXT"))


class Verb(NamedTuple):
    """A verb by its words, with its function."""

    words: str
    function: Callable[..., Any]


class Parameter(NamedTuple):
    """An argument or an option of a verb."""

    name: str
    kind: Any
    default: Any
    info: Any  # of Typer

    @property
    def is_argument(self) -> bool:
        """Whether it is known by its place."""
        return isinstance(self.info, typer.models.ArgumentInfo)

    @property
    def flags(self) -> list[str]:
        """The flags of an option: `--like`, `-l`, `--this/--no-this`."""
        declared = (self.info.default, *(self.info.param_decls or ()))
        return [each for each in declared if isinstance(each, str)] or [f"--{self.name.replace('_', '-')}"]

    @property
    def typed(self) -> str:
        """How it is typed: `--like N`, `-l`, PLACE."""
        if self.is_argument:
            return f"`{self.info.metavar or self.name.upper()}`"
        (first, *others), metavar = self.flags, self.info.metavar
        return ", ".join([f"`{first} {metavar}`" if metavar else f"`{first}`", *(f"`{each}`" for each in others)])


def verbs(app: typer.Typer, words: str) -> Iterator[Verb]:
    """Yield every verb that `--help` shows."""
    for command in app.registered_commands:
        if command.callback is not None and not command.hidden:
            yield Verb(f"{words} {command.name or command.callback.__name__}", command.callback)
    for group in app.registered_groups:
        inner, name = group.typer_instance, f"{words} {group.name}"
        if inner is not None:
            alone = inner.registered_callback
            if alone is not None and alone.callback is not None:
                yield Verb(name, alone.callback)
            yield from verbs(inner, name)


def parameters(function: Callable[..., Any]) -> Iterator[Parameter]:
    """Yield the arguments and options that a function declares."""
    for name, each in inspect.signature(function, eval_str=True).parameters.items():
        if hasattr(each.annotation, "__metadata__"):
            yield Parameter(name, get_args(each.annotation)[0], each.default, each.annotation.__metadata__[0])


def metavar_of(kind: Any) -> str:
    """Return what stands for a value of a type in usage and help: of a switch nothing, of an enumeration all values."""
    types = {kind, *get_args(kind), *(inner for each in get_args(kind) for inner in get_args(each))}
    enumeration = next((each for each in types if isinstance(each, type) and issubclass(each, Enum)), None)
    if enumeration is not None:
        return "|".join(str(each.value) for each in enumeration)
    return next((text for each, text in _METAVARS if each in types), "")


def name_values(app: typer.Typer) -> None:
    """Give every option that says nothing else a short name of its value; Typer would show Python's types."""
    for verb in verbs(app, ""):
        for each in parameters(verb.function):
            if each.info.metavar is None and not each.is_argument:
                each.info.metavar = metavar_of(each.kind)
