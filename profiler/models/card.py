"""Model cards: the front matter of a README.md, and what names and tags say of a model's training.

Format: Hugging Face Hub, "Model Cards", metadata block at the top of the file, YAML between lines of `---`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from profiler.files import reading, whole

Training = Literal["base", "instruct", "chat", "preference-tuned", "embedding"]

CARD = "model card"

_FRONT_MATTER = re.compile(r"\A---\s*\n(?P<yaml>.*?)\n---\s*(?:\n|\Z)", re.DOTALL)
_LONGEST_CARD_BYTES = 4 * 1024 * 1024

_WORDS: dict[str, Training] = {
    # Parts of names and tags, the most telling first.
    "instruct": "instruct",
    "it": "instruct",
    "chat": "chat",
    "conversational": "chat",
    "base": "base",
    "pretrained": "base",
    "pt": "base",
}

_PREFERENCE_WORDS = {"dpo", "rlhf", "orpo", "kto", "ppo", "grpo", "simpo", "ipo"}
"""Ways of training on preferences: whoever names one means it, whatever else the name says."""

_LANGUAGES = {"it", "pt"}
"""Words of names that are languages as tags."""
_BRAZIL = re.compile(r"\bpt[-_]br\b")

_EMBEDDING_TASKS = {"feature-extraction", "sentence-similarity"}


@dataclass(frozen=True)
class Card:
    """What a model card says; empty where it is silent."""

    name: str | None = None
    """`model_name`, or the first entry of `model-index`."""
    licence: str | None = None
    languages: list[str] = field(default_factory=list)
    base_models: list[str] = field(default_factory=list)
    task: str | None = None
    """`pipeline_tag`, such as text-generation."""
    tags: list[str] = field(default_factory=list)


def read(folder: Path) -> Card:
    """Return the model card in a folder; an empty one where there is none, or none that can be read."""
    try:
        with reading(folder / "README.md") as file:
            matter = _FRONT_MATTER.match(file.read(_LONGEST_CARD_BYTES).decode("utf-8-sig", "replace"))
        found = whole(yaml.safe_load(matter["yaml"])) if matter else None
    except (OSError, yaml.YAMLError, ValueError, RecursionError):
        return Card()
    if not isinstance(found, dict):
        return Card()
    stated = _texts(found.get("license"))  # one, though older cards have a list of it
    licence = found.get("license_name") if stated == ["other"] else stated[0] if len(stated) == 1 else None
    task = found.get("pipeline_tag")
    return Card(
        name=_name(found),
        licence=licence if isinstance(licence, str) else None,
        languages=_texts(found.get("language")),
        base_models=_texts(found.get("base_model")),
        task=task if isinstance(task, str) else None,
        tags=_texts(found.get("tags")),
    )


def _name(matter: dict[object, object]) -> str | None:
    index = matter.get("model-index")
    first = index[0] if isinstance(index, list) and index else None
    names = (matter.get("model_name"), first.get("name") if isinstance(first, dict) else None)
    return next((name for name in names if isinstance(name, str) and name), None)


def _texts(value: object) -> list[str]:
    """Return a text, or a list of them, as a list. (YAML reads the language code `no` as false.)"""
    items = value if isinstance(value, list) else [value]
    return ["no" if item is False else item for item in items if isinstance(item, str) or item is False]


def training(names: Iterable[str | None], tags: Iterable[str], task: str | None = None) -> Training | None:
    """Return what a model was trained for, where its names or tags say so; names come before tags."""
    if task in _EMBEDDING_TASKS:
        return "embedding"
    in_names = [_words(_BRAZIL.sub("", (name or "").lower())) for name in names]
    tags = [tag.lower() for tag in tags]
    if any(words & _PREFERENCE_WORDS for words in [*in_names, *map(_words, tags)]):
        return "preference-tuned"
    said = [*in_names, *({tag} - _LANGUAGES for tag in tags)]  # a tag says it as a whole: knowledge-base is no base
    return next((kind for words in said for word, kind in _WORDS.items() if word in words), None)


def _words(text: str) -> set[str]:
    return set(re.split(r"[^a-z]+", text))


def sources(said: Card, file: str = "", **by_file: object) -> dict[str, str]:
    """Return who says each of the facts that a card may say too: `file` where it does, else the card."""
    by_card = {"licence": said.licence, "languages": said.languages, "base_models": said.base_models}
    named = {fact: file for fact, value in by_file.items() if value}
    return {fact: CARD for fact, value in by_card.items() if value} | named
