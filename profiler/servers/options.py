"""What the user may choose about an engine: each option is declared once, as a field of `EngineOptions`.

An engine names the fields that it takes (`Engine.options`). This module loads nothing heavy: the command line is made
from it.
"""

from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from profiler.errors import UsageError

_KEY = "option"


@dataclass(frozen=True)
class EngineOption:
    """One option of the command line: its field in `EngineOptions`, its flag and what its values may be."""

    name: str
    flag: str
    help: str
    value_type: type  # of one value: str, int, Path
    default: object
    minimum: int | None = None
    choices: Sequence[str] = ()
    is_repeatable: bool = False

    def flags(self, value: object) -> list[str]:
        """Return the arguments that choose a value; each of a repeatable option is one word, as it may begin with -."""
        if isinstance(value, tuple):
            return [f"{self.flag}={each}" for each in value]
        return [self.flag, str(value)]


def _option(
    help_text: str,
    value_type: type = str,
    *,
    default: object = None,
    flag: str | None = None,
    minimum: int | None = None,
    choices: Sequence[str] = (),
) -> Any:
    """Declare a field; its flag is its name unless another is given."""
    about = {"help": help_text, "value_type": value_type, "flag": flag, "minimum": minimum, "choices": choices}
    return field(default=default, metadata={_KEY: about})


@dataclass(frozen=True)
class EngineOptions:
    """Values of the options; `None` leaves the choice to the engine."""

    engine: str | None = _option("Engine to start; `aforo engines` lists them. Default: by model and load.")
    engine_path: Path | None = _option(  # noqa: RUF009 - it declares a field
        "The engine's program, or the folder that holds it.", Path
    )
    slots: int | None = _option(
        "Concurrent requests served. Default: the workload's peak; 16 for an open loop.", int, minimum=1
    )
    batch_tokens: int | None = _option("Tokens per batch.", int, minimum=1)
    micro_batch_tokens: int | None = _option("llama-server: tokens per micro-batch.", int, minimum=1)
    kv_cache: str | None = _option("Type of the KV cache's elements: f16, q8_0 … Default: the engine's.")
    prompt_cache: str = _option(
        "cold: every prompt is computed whole. warm: common prefixes are reused.",
        default="cold",
        choices=("cold", "warm"),
    )
    gpu_layers: int | None = _option("llama-server: layers kept on the GPU.", int, minimum=0)
    tensor_parallel: int | None = _option("vLLM: GPUs that share each layer.", int, minimum=1)
    dtype: str | None = _option("vLLM: type of the computation, bfloat16 …")
    quantization: str | None = _option("vLLM: quantisation of the weights, fp8 …")
    load_format: str | None = _option("vLLM: dummy makes random weights. Default: where the model has none.")
    lora: Path | None = _option(  # noqa: RUF009 - it declares a field
        "LoRA adapter of every request: a GGUF file (llama.cpp) or PEFT folder (vLLM).", Path
    )
    engine_args: tuple[str, ...] = _option(
        "Passed to the engine as it is (repeatable): --engine-arg=--no-mmap.", default=(), flag="--engine-arg"
    )

    def __post_init__(self) -> None:
        """Check what the types cannot. Raises `UsageError`."""
        for option in OPTIONS:
            value = getattr(self, option.name)
            if option.choices and value not in option.choices:
                raise UsageError(f"{option.flag} {value}: expected {' or '.join(option.choices)}.")

    def chosen(self) -> list[EngineOption]:
        """Return the options whose value differs from the default."""
        return [option for option in OPTIONS if getattr(self, option.name) != option.default]

    def given(self) -> list[str]:
        """Return the flags of what differs from the default."""
        return [option.flag for option in self.chosen()]

    def flags(self) -> list[str]:
        """Return what to type to choose the same again."""
        return [text for option in self.chosen() for text in option.flags(getattr(self, option.name))]

    def has_argument(self, flag: str) -> bool:
        """Whether a flag of the engine's own is among what is passed on."""
        return any(word.partition("=")[0] == flag for word in self.engine_args)


def _declared(declared: "Field[Any]") -> EngineOption:
    """Return the option that a field declares."""
    assert declared.default is not MISSING  # noqa: S101 - `_option` gives every field one
    about = dict(declared.metadata[_KEY])
    about["flag"] = about["flag"] or f"--{declared.name.replace('_', '-')}"
    return EngineOption(
        name=declared.name,
        default=declared.default,
        is_repeatable=isinstance(declared.default, tuple),
        **about,
    )


OPTIONS: tuple[EngineOption, ...] = tuple(_declared(each) for each in fields(EngineOptions))
"""Every option of an engine, in the order of the command line."""
