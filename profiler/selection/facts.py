"""What is known of a candidate besides its numbers, for constraints; what nobody says stays unknown. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from profiler.models.licences import LicenceClass, licence_class
from profiler.results.model_facts import ModelFacts
from profiler.selection.facts_file import StatedFacts, stated_of

SizeClass = Literal["tiny", "small", "medium", "large"]
SIZE_CLASSES: tuple[SizeClass, ...] = get_args(SizeClass)
_BOUNDS: tuple[tuple[float, SizeClass], ...] = ((1e9, "tiny"), (1e10, "small"), (1e11, "medium"))
STATED = "facts.yaml"


@dataclass(frozen=True)
class Facts:
    """Facts about a candidate's model; None, or an empty tuple, where nobody says.

    `sources` says of each fact that is known who says it.
    """

    name: str
    licence: str | None
    licence_class: LicenceClass
    languages: tuple[str, ...]
    context_tokens: int | None
    parameters: int | None
    size_class: SizeClass | None
    architecture: str | None
    training: str | None
    fine_tuning: tuple[str, ...]
    sources: dict[str, str]


def size_class(parameters: int | None) -> SizeClass | None:
    """Return tiny below 10⁹ parameters, small below 10¹⁰, medium below 10¹¹, else large; None where not known."""
    if parameters is None:
        return None
    return next((name for bound, name in _BOUNDS if parameters < bound), "large")


def facts_of(model: ModelFacts, stated: Iterable[StatedFacts] = ()) -> Facts:
    """Return what a run recorded of its model; what the user states counts before it.

    A licence that the user names takes its class with it, unless that is stated too.
    """
    said = stated_of(model, stated)
    own: dict[str, object] = {
        "licence": model.licence,
        "languages": tuple(model.languages),
        "context_tokens": model.context_length,
        "parameters": model.parameters,
        "architecture": model.architecture,
        "training": model.training,
        "fine_tuning": tuple(model.fine_tuning),
    }
    known: dict[str, Any] = {fact: _plain(said.get(fact, value)) for fact, value in own.items()}
    known["licence_class"] = said.get("licence_class") or licence_class(known["licence"])
    sources = {fact: _source(model, fact) for fact, value in own.items() if value not in (None, ())}
    sources |= dict.fromkeys(said, STATED)
    return Facts(name=model.name, size_class=size_class(known["parameters"]), sources=sources, **known)


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _source(model: ModelFacts, fact: str) -> str:
    return model.facts_from.get(fact, "model file")
