"""Options of a command, each declared once: a field of a dataclass, with flag, help and conditions as its metadata.

From the declarations come the command's signature (`cli/signature.py`), the checks below, the keys of a workload that
an option overrides, and the command line that repeats a run.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from profiler.errors import UsageError


@dataclass(frozen=True)
class Option:
    """An option, or an argument: how it is typed, explained, checked and repeated."""

    name: str  # of the field
    type: Any  # of its values: a tuple is an option that may be repeated
    default: Any  # the option counts as given where its value differs
    help: str
    flag: str  # --like-this
    off_flag: str | None  # of a switch: what turns it off
    short: str | None = None  # -l
    metavar: str | None = None
    choices: Sequence[str] = ()
    least: float | None = None
    most: float | None = None
    key: str | None = None  # dotted key of the workload that it overrides
    replaces: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # keys of the workload, whole mappings
    read: Callable[[str, Any], object] | None = None  # makes the workload's value of (flag, value)
    needs: Sequence[str] = ()  # options of which one has to be given too
    excludes: Mapping[str, str] = field(default_factory=dict)  # other options, with the reason
    complete: Callable[[str], Sequence[str]] | None = None  # values that begin like this, for the shell
    is_repeated: bool = True  # in the command line that repeats a run
    is_argument: bool = False

    @property
    def is_required(self) -> bool:
        """Whether there is no default."""
        return self.default is MISSING

    @property
    def is_switch(self) -> bool:
        """Whether it is typed without a value."""
        return self.type in {bool, bool | None}

    def is_given(self, values: object) -> bool:
        """Whether an options object has another value than the default."""
        return bool(getattr(values, self.name) != self.default)

    def words(self, value: Any) -> list[str]:
        """Return what to type for a value."""
        if self.is_argument:
            return [str(value)]
        if self.is_switch:
            return [self.flag if value else str(self.off_flag)]
        if isinstance(value, tuple):
            is_joined = any(text.startswith("-") for text in value)
            return [word for text in value for word in ([f"{self.flag}={text}"] if is_joined else [self.flag, text])]
        return [self.flag, f"{value:.12g}" if isinstance(value, float) else str(value)]


def option(
    default: object,
    text: str,
    *,
    flag: str | None = None,
    read: Callable[[str, Any], object] | None = None,
    **more: Any,
) -> Any:
    """Declare an option as a field of a dataclass; its flag is its name unless another is given.

    The default `...` makes it required; `more` are fields of `Option`.
    """
    about = {"help": text, "flag": flag, "read": read, **more}
    return field(metadata=about) if default is ... else field(default=default, metadata=about)


def declared(group: type[Any]) -> tuple[Option, ...]:
    """Return the options that a dataclass declares, those of its bases included."""
    return tuple(_option(each.name, each.type, each.default, dict(each.metadata)) for each in fields(group))


def _option(name: str, kind: Any, default: Any, about: dict[str, Any]) -> Option:
    flag = about.pop("flag") or f"--{name.replace('_', '-')}"
    has_off = default is True or kind == (bool | None)
    off_flag = f"--no-{flag.removeprefix('--')}" if has_off else None
    return Option(name=name, type=kind, default=default, flag=flag, off_flag=off_flag, **about)


def given(values: Any, group: type[Any]) -> Iterator[Option]:
    """Yield the options of a group that differ from their defaults."""
    return (each for each in declared(group) if each.is_given(values))


def words(values: Any) -> list[str]:
    """Return what to type to give the same options again, arguments first."""
    found = sorted(declared(type(values)), key=lambda each: not each.is_argument)
    asked = (each for each in found if each.is_argument or (each.is_repeated and each.is_given(values)))
    return [word for each in asked for word in each.words(getattr(values, each.name))]


def overrides(values: Any) -> dict[str, object]:
    """Return what stands in the place of a workload's own values, by dotted key."""
    asked = list(given(values, type(values)))
    found: dict[str, Any] = {key: dict(mapping) for each in asked for key, mapping in each.replaces.items()}
    for each in asked:
        if each.key is not None:
            parent, _, last = each.key.rpartition(".")
            mapping, name = (found[parent], last) if parent in found else (found, each.key)
            value = getattr(values, each.name)
            mapping[name] = each.read(each.flag, value) if each.read else value
    return found


def check(values: Any) -> None:
    """Raise `UsageError`, a line for each mistake: a value out of range, options that do not go together."""
    asked = {each.name: each for each in given(values, type(values))}
    flags = {each.name: each.flag for each in declared(type(values))}
    mistakes = [_out_of_range(each, getattr(values, each.name)) for each in asked.values()]
    mistakes += [
        f"{each.flag} is for {_either([flags[name] for name in each.needs])}. Pass that as well, or leave it out."
        for each in asked.values()
        if each.needs and not asked.keys() & set(each.needs)
    ]
    mistakes += _conflicts(asked)
    if any(mistakes):
        raise UsageError("\n".join(filter(None, mistakes)))


def _out_of_range(each: Option, value: Any) -> str | None:
    if each.choices and value not in each.choices:
        return f"{each.flag} {value}: expected {_either(each.choices)}."
    if each.least is None:
        return None
    if each.least <= value < math.inf and (each.most is None or value <= each.most):
        return None
    up_to = "or more" if each.most is None else f"to {each.most:g}"
    return f"{' '.join(each.words(value))}: expected {each.least:g} {up_to}."


def _conflicts(asked: Mapping[str, Option]) -> list[str]:
    """Return a sentence for each option that others do not go with, and each reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in asked.values():
        for other, reason in each.excludes.items():
            if other in asked:
                found.setdefault((asked[other].flag, reason), []).append(each.flag)
    return [
        f"{', '.join(flags)} cannot be combined with {other}: {reason}. Leave out one or the other."
        for (other, reason), flags in found.items()
    ]


def _either(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
