"""The model server of a run and what its requests looked like, as `run.json` keeps them."""

from functools import cache
from typing import Any, Literal

from pydantic import AliasChoices, Field

from profiler.results.part import Part

PromptCache = Literal["cold", "warm"]


class EngineFacts(Part):
    """The model server: what ran, how it was built and every argument it was given.

    A field with a title is a setting in which runs that are compared may differ.
    """

    name: str = Field(title="engine")
    version: str | None = Field(default=None, title="engine version")
    build: str | None = Field(default=None, title="build", description="Instruction sets and options compiled in.")
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
    threads: int | None = Field(default=None, title="threads")
    context_tokens: int | None = Field(default=None, title="context tokens", description="Context of each stream.")
    slots: int | None = Field(default=None, title="slots", description="Requests that it serves at a time.")
    batch_tokens: int | None = Field(
        default=None, title="batch tokens", description="Tokens per batch; null: the engine's default."
    )
    micro_batch_tokens: int | None = Field(
        default=None, title="micro-batch tokens", description="Tokens computed at once; null: its default."
    )
    kv_cache: str | None = Field(
        default=None, title="KV cache", description="Type of the KV cache's elements; null: its default."
    )
    prompt_cache: PromptCache | None = Field(
        default=None,
        title="prompt cache",
        description="Whether prompts that begin alike may be reused; null: not known.",
    )
    cpus: str | None = Field(
        default=None, title="server CPUs", description="CPUs that it stays on, such as 0-2; null: any."
    )
    options: dict[str, str] = Field(
        default={},
        title="engine options",
        description="Settings of the engine that the user chose, by flag; all others were left to Aforo or the engine.",
    )
    tuning: str | None = Field(
        default=None,
        title="tuning",
        description="engine defaults, chosen by hand, or tuned within a time; null: not known.",
    )
    notes: list[str] = Field(default=[], description="What a reader must know to interpret the numbers.")

    @property
    def version_number(self) -> str | None:
        """The version without the build that some engines put in brackets behind it."""
        return self.version and self.version.partition(" (")[0]

    def settings(self) -> dict[str, object]:
        """Return the settings by their titles; of the options only those that no other setting shows."""
        own = {name: self.own_options() if name == "options" else getattr(self, name) for name in _titles()}
        return {title: own[name] for name, title in _titles().items()}

    def own_options(self) -> dict[str, str]:
        """Return the options that no other setting shows, by flag."""
        shown = {f"--{name.replace('_', '-')}" for name in _titles()} | {"--context"}
        return {flag: value for flag, value in self.options.items() if flag not in shown}


@cache
def _titles() -> dict[str, str]:
    """Titles of the settings by the names of their fields."""
    return {name: field.title for name, field in EngineFacts.model_fields.items() if field.title}


class BodyFacts(Part):
    """How the body of every request differs from what Aforo sends by itself; keys are masked."""

    added: dict[str, Any] = Field(default={}, description="Fields that the user added, or replaced.")
    omitted: list[str] = Field(default=[], description="Fields that the user left out.")
    refused: list[str] = Field(default=[], description="Fields left out because the server refused them.")
    max_tokens_field: str = Field(default="max_tokens", description="What carries the most tokens to make.")
