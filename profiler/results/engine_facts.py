"""The model server of a run and what its requests looked like, as `run.json` keeps them."""

from typing import Any, Literal

from pydantic import AliasChoices, Field

from profiler.results.part import Part

PromptCache = Literal["cold", "warm"]


class EngineFacts(Part):
    """The model server: what ran, how it was built and every argument it was given."""

    name: str
    version: str | None = None
    build: str | None = Field(default=None, description="Instruction sets and options compiled in.")
    path: str | None = Field(default=None, description="The program, where it is one of its own.")
    command: list[str] = Field(default=[])
    url: str = ""
    is_remote: bool = Field(
        default=False,
        validation_alias=AliasChoices("is_remote", "is_elsewhere"),  # the latter as earlier versions wrote it
        description="Whether it runs on another machine than Aforo, about which nothing is known here.",
    )
    response_model: str | None = Field(
        default=None, description="What responses call the model, where that is another name than was asked for."
    )
    threads: int | None = None
    context_tokens: int | None = Field(default=None, description="Context of each stream.")
    slots: int | None = Field(default=None, description="Requests that it serves at a time.")
    batch_tokens: int | None = Field(default=None, description="Tokens per batch; null: the engine's default.")
    micro_batch_tokens: int | None = Field(default=None, description="Tokens computed at once; null: its default.")
    kv_cache: str | None = Field(default=None, description="Type of the KV cache's elements; null: its default.")
    prompt_cache: PromptCache | None = Field(
        default=None, description="Whether prompts that begin alike may be reused; null: not known."
    )
    cpus: str | None = Field(default=None, description="Processors that it stays on, such as 0-2; null: any.")
    notes: list[str] = Field(default=[], description="What a reader must know to interpret the numbers.")


class BodyFacts(Part):
    """How the body of every request differs from what Aforo sends by itself; keys are masked."""

    added: dict[str, Any] = Field(default={}, description="Fields that the user added, or replaced.")
    omitted: list[str] = Field(default=[], description="Fields that the user left out.")
    refused: list[str] = Field(default=[], description="Fields left out because the server refused them.")
    max_tokens_field: str = Field(default="max_tokens", description="What carries the most tokens to make.")
