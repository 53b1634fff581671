"""What the user may choose about an engine: each option is declared once, as a field of `EngineOptions`.

An engine names the fields that it takes (`Engine.options`). This module loads nothing heavy: the command line is made
from it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from profiler.options import Option, check, declared, given, option

_STARTED = {"url": "the server there runs already"}


@dataclass(frozen=True)
class EngineOptions:
    """The server that Aforo starts; `None` leaves the choice to the engine."""

    engine: str | None = option(
        None,
        "One of `aforo engines`. Default: one that fits.",
        metavar="NAME",
        excludes=_STARTED,
    )
    engine_path: Path | None = option(None, "The engine's program, or the folder it is in.", excludes=_STARTED)
    slots: int | None = option(
        None,
        "Server slots. Default: the peak concurrency; 16 in open loops.",
        least=1,
        excludes=_STARTED,
    )
    prompt_cache: str | None = option(
        None,
        "cold: prefill in full. warm: reuse prefixes. cold,warm: both. Default: cold; both with --depth, --shots.",
        choices=("cold", "warm", "cold,warm"),
    )
    kv_cache: str | None = option(
        None, "llama-server, vLLM: KV cache type, such as q8_0.", metavar="TYPE", excludes=_STARTED
    )
    batch_tokens: int | None = option(None, "llama-server, vLLM: batch size, in tokens.", least=1, excludes=_STARTED)
    micro_batch_tokens: int | None = option(
        None, "llama-server: micro-batch size, in tokens.", least=1, excludes=_STARTED
    )
    threads_batch: int | None = option(None, "Prefill threads, llama.cpp.", least=1, excludes=_STARTED)
    flash_attention: str | None = option(
        None, "llama-server: on, off, auto.", metavar="MODE", choices=("on", "off", "auto"), excludes=_STARTED
    )
    gpu_layers: int | None = option(None, "llama-server: layers to offload to the GPU.", least=0, excludes=_STARTED)
    tensor_parallel: int | None = option(None, "vLLM: tensor-parallel size, in GPUs.", least=1, excludes=_STARTED)
    dtype: str | None = option(None, "vLLM: compute data type, such as bfloat16.", metavar="TYPE", excludes=_STARTED)
    quantization: str | None = option(
        None, "vLLM: quantisation of the weights, such as fp8.", metavar="TYPE", excludes=_STARTED
    )
    load_format: str | None = option(
        None,
        "vLLM: how weights are loaded; dummy: random ones.",
        metavar="FORMAT",
        excludes=_STARTED,
    )
    lora: Path | None = option(None, "LoRA adapter: a GGUF file, or a PEFT folder (vLLM).", excludes=_STARTED)
    engine_args: tuple[str, ...] = option(
        (),
        "Pass an argument on: --engine-arg=--no-mmap (repeatable).",
        flag="--engine-arg",
        metavar="ARG",
        excludes=_STARTED,
    )

    def __post_init__(self) -> None:
        """Check what the types cannot. Raises `UsageError`."""
        check(self)

    @property
    def cache_state(self) -> Literal["cold", "warm"]:
        """How the prompt cache is for a server that is started with these."""
        return "warm" if self.prompt_cache == "warm" else "cold"

    def chosen(self) -> list[Option]:
        """Return the options of an engine whose value differs from the default."""
        return list(given(self, EngineOptions))

    def given(self) -> list[str]:
        """Return their flags."""
        return [each.flag for each in self.chosen()]

    def has_argument(self, flag: str) -> bool:
        """Whether a flag of the engine's own is among what is passed on."""
        return any(word.partition("=")[0] == flag for word in self.engine_args)


TUNING = frozenset(each.name for each in declared(EngineOptions)) - {"engine", "engine_path", "lora", "prompt_cache"}
"""Fields by which a user tunes an engine."""

SWEPT = (
    *("prompt_cache", "threads", "threads_batch", "slots", "batch_tokens", "micro_batch_tokens", "kv_cache"),
    *("flash_attention", "gpu_layers", "tensor_parallel", "dtype", "quantization", "engine_path"),
)
"""Fields that a run may sweep over: the keys of `settings` in a workload."""
