"""What the parts of `run.json` have in common."""

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """An object within `run.json`; keys that a newer version has added are kept, so that rewriting loses nothing."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())


class Source(Part):
    """Where a number comes from."""

    name: str = Field(description="As the catalogue calls it, or flag: what the user said.")
    title: str
    date: str | None = None
    licence: str | None = None
    url: str | None = None
