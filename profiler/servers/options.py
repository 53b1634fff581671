"""What the user may choose about an engine."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_args

from profiler.errors import UsageError
from profiler.results.manifest import PromptCache

_ENGINE_ARG = "--engine-arg"  # repeatable, one argument each


@dataclass(frozen=True)
class EngineOptions:
    """Options that some engines know; `None` leaves the choice to the engine."""

    engine: str | None = None
    engine_path: Path | None = None
    slots: int | None = None  # requests that are served at a time
    batch_tokens: int | None = None
    micro_batch_tokens: int | None = None
    kv_cache: str | None = None  # type of its elements: f16, q8_0, …
    prompt_cache: str = "cold"
    gpu_layers: int | None = None
    tensor_parallel: int | None = None  # cards that share each layer
    dtype: str | None = None  # of the computation
    quantization: str | None = None  # method by which the weights were quantised
    load_format: str | None = None  # dummy: random weights
    lora: Path | None = None  # adapter that every request uses
    engine_args: tuple[str, ...] = ()  # passed on as they are

    def __post_init__(self) -> None:
        """Check what the types cannot. Raises `UsageError`."""
        if self.prompt_cache not in get_args(PromptCache):
            raise UsageError(f"--prompt-cache {self.prompt_cache}: expected cold or warm.")

    def given(self) -> dict[str, object]:
        """Return what differs from the default, by the option's flag."""
        values = {_flag(field.name): getattr(self, field.name) for field in fields(self)}
        defaults = {_flag(field.name): field.default for field in fields(self)}
        return {flag: value for flag, value in values.items() if value != defaults[flag]}

    def flags(self) -> list[str]:
        """Return what to type to choose the same again."""
        given = self.given()
        words = [text for flag, value in given.items() if flag != _ENGINE_ARG for text in (flag, str(value))]
        return [*words, *(f"{_ENGINE_ARG}={text}" for text in self.engine_args)]


def _flag(name: str) -> str:
    return _ENGINE_ARG if name == "engine_args" else "--" + name.replace("_", "-")
