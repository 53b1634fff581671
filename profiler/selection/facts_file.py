"""`facts.yaml`: what the user says of models, where their files are silent or wrong."""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from profiler.content import content
from profiler.definitions.kind import Kind
from profiler.definitions.mistakes import Mistake
from profiler.errors import FactsError
from profiler.models.card import Training
from profiler.models.licences import LicenceClass
from profiler.results.model_facts import ModelFacts

Text = Annotated[str, Field(min_length=1)]
FineTuning = Literal["full", "lora", "qlora", "hosted"]
_MOST = 10_000_000_000_000_000
_SHA256 = re.compile(r"[0-9a-f]{7,64}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class StatedFacts(_Strict):
    """Facts about the models that a pattern means; what is left out stays as the model's files say."""

    model: Text = Field(
        description="Pattern of the model's name in a run, such as 'SmolLM2-135M*', or the beginning of its SHA-256."
    )
    licence: Text | None = Field(default=None, description="Identifier of the licence, such as apache-2.0.")
    licence_class: LicenceClass | None = Field(
        default=None, description="What it allows, where the identifier is one of your own."
    )
    languages: Annotated[list[Text], Field(min_length=1, max_length=500)] | None = Field(
        default=None, description="Language codes, such as en."
    )
    context_tokens: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = Field(
        default=None, description="Longest context."
    )
    parameters: Annotated[int, Field(ge=1, le=_MOST)] | None = Field(default=None, description="Number of parameters.")
    architecture: Text | None = Field(default=None, description="Such as llama.")
    training: Training | None = Field(default=None, description="What it was trained for.")
    fine_tuning: Annotated[list[FineTuning], Field(min_length=1, max_length=4)] | None = Field(
        default=None, description="How it can be customised; hosted: by its provider."
    )
    source: Text | None = Field(default=None, description="Where that can be read.")
    date: Text | None = Field(default=None, description="When it was read.")

    def is_about(self, model: ModelFacts) -> bool:
        """Whether its pattern means this model, whatever the case."""
        pattern = self.model.lower()
        if _SHA256.fullmatch(pattern) and (model.sha256 or "").startswith(pattern):
            return True
        return fnmatchcase(model.name.lower(), pattern)


class FactsFile(_Strict):
    """The whole of a file of facts."""

    models: Annotated[list[StatedFacts], Field(min_length=1, max_length=500)] = Field(
        description="One entry for each model, or for several by a pattern; the first that states a fact counts."
    )


@cache
def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a file of facts; to be read, not changed."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **FactsFile.model_json_schema()}
    schema["title"] = "Aforo facts about models"
    return schema


def _contradictions(file: FactsFile) -> list[Mistake]:
    stated = set(StatedFacts.model_fields) - {"model", "source", "date"}
    return [
        Mistake(("models", number), f"the entry of {one.model!r} states nothing. Give one of: {', '.join(stated)}.")
        for number, one in enumerate(file.models)
        if all(getattr(one, fact) is None for fact in stated)
    ]


FACTS = Kind("file of facts", FactsFile, json_schema, _contradictions, lambda: content("reports"), FactsError)


def load(path: Path) -> list[StatedFacts]:
    """Read a file of facts. Raises `FactsError`, with file, line and key for everything that is wrong."""
    return FACTS.read(path).models


def stated_of(model: ModelFacts, stated: Iterable[StatedFacts]) -> dict[str, object]:
    """Return what is stated of a model; of several entries about it the first that states a fact counts."""
    found: dict[str, object] = {}
    for one in stated:
        if one.is_about(model):
            found = {**one.model_dump(exclude={"model", "source", "date"}, exclude_none=True), **found}
    return found
