"""vLLM: `vllm serve` on GPUs, or on processors where a build for them is installed.

A build for processors says so in its version (`+cpu`), where vLLM itself looks for it. Left to itself it would take
most of the machine's memory for keys and values, and refuse to start where that is not free, so it is told how much
the run needs.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from profiler.errors import ModelError, ServerError, UsageError
from profiler.results.manifest import EngineFacts
from profiler.servers.base import Launch
from profiler.servers.engine import Engine, Installed
from profiler.servers.managed import ManagedServer, plain
from profiler.servers.openai_api import call_object, ignore_eos, streamed_body
from profiler.servers.options import EngineOptions
from profiler.servers.programs import ask, find_program, hidden_arguments
from profiler.servers.prometheus import read_counters
from profiler.servers.timings import Counters
from profiler.workloads.messages import Request

NAME = "vllm"
VARIABLE = "AFORO_VLLM"
REMEDY = "Install it, in an environment of its own or with: pip install 'aforo[vllm]'."

_WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.gguf")
_BLOCK_TOKENS = 128  # of keys and values, in a build for processors
_LEAST_KV_BYTES = 2**30
_STREAMS_OF_OPEN_LOOP = 16  # for which there is room, where nobody knows how many will be in flight; others wait
_VERSION = re.compile(r"\d+\.\d+[\w.+!-]*")  # PEP 440; what libraries log beside it may begin with a date
_FLOAT32 = {"float", "float32"}
_KV_BYTES = {None: 2.0, "auto": 2.0, "bfloat16": 2.0, "float16": 2.0}  # vllm/config/cache.py, CacheDType; fp8 apart
_LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # what --max-lora-rank may be
_ENVIRONMENT = {  # nothing is reported to anybody, and a model that lies here is not looked up elsewhere
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_API_KEY": "",  # ours is for us alone: it listens on loopback
}
_COUNTED = "Every event tells the usage so far, so that tokens without a text of their own are counted, too."
_NOTES = {
    "cold": "No prompt is reused: prefix caching is off.",
    "warm": "Prompts that begin alike are reused by prefix caching, which shortens their TTFT.",
}


def find(engine_path: Path | None = None) -> Path:
    """Return the program: as named, from `$AFORO_VLLM`, beside this Python, or from PATH. Raises `UsageError`."""
    return find_program(NAME, engine_path, VARIABLE, [Path(sys.executable).with_name(NAME)], REMEDY)


def version(program: Path) -> str:
    """Return the version as the program tells it. Raises `ServerStartError`."""
    lines = ask(program, "--version", REMEDY).strip().splitlines()
    return next((line.strip() for line in reversed(lines) if _VERSION.fullmatch(line.strip())), "unknown")


class VllmServer(ManagedServer):
    """`vllm serve` on a free loopback port."""

    remedy = REMEDY
    counts_tokens = True
    environment = _ENVIRONMENT

    def __init__(self, launch: Launch, options: EngineOptions) -> None:
        """Prepare the server. Raises `UsageError` when there is none, `ModelError` for a model that it cannot load."""
        super().__init__(launch)
        self._options = options
        self._program = find(options.engine_path)
        self._load_format = options.load_format or _load_format(launch.model.path)
        self._version = version(self._program)
        self._is_on_processors = "cpu" in self._version  # as vLLM itself decides
        self._threads = self._threads_asked()
        self._base_name = self.model_name
        if launch.lora is not None:  # vLLM takes an adapter for a model of its own
            self.model_name = f"aforo-lora/{plain(launch.lora.name)}"

    def command(self) -> list[str]:
        """Return the full command line."""
        asked = self._options
        options: dict[str, object] = {
            "--served-model-name": self._base_name,
            "--host": self.address.host,
            "--port": self.address.port,
            "--load-format": self._load_format,
            "--max-model-len": self._launch.context_tokens,
            "--max-num-seqs": asked.slots or self._launch.streams,
            "--max-num-batched-tokens": asked.batch_tokens,
            "--tensor-parallel-size": asked.tensor_parallel,
            "--dtype": asked.dtype,
            "--quantization": asked.quantization,
            "--kv-cache-dtype": asked.kv_cache,
            "--kv-cache-memory-bytes": self._kv_bytes() if self._is_on_processors else None,
        }
        words = [text for flag, value in options.items() if value is not None for text in (flag, str(value))]
        caching = "--enable-prefix-caching" if asked.cache_state == "warm" else "--no-enable-prefix-caching"
        words += ["--runner", "pooling"] if self._launch.is_embedding else []
        words += [caching, *self._adapter_words(), *asked.engine_args]
        return [str(self._program), "serve", self._launch.model.path or "", *words]

    def describe(self) -> EngineFacts:
        """Engine, version and every argument."""
        dummy = ["Random weights (load format dummy)."] if self._load_format == "dummy" else []
        return EngineFacts(
            name=NAME,
            version=self._version,
            path=str(self._program),
            command=self.command(),
            url=self.address.url,
            threads=self._threads,
            context_tokens=self._launch.context_tokens,
            slots=self._options.slots or self._launch.streams,
            batch_tokens=self._options.batch_tokens,
            kv_cache=self._options.kv_cache,
            prompt_cache=self._options.cache_state,
            notes=[
                _NOTES[self._options.cache_state],
                *([] if self._launch.is_embedding else [_COUNTED]),
                *dummy,
                *self._thread_notes(),
                *hidden_arguments("VLLM_"),
            ],
        )

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's own tokens, counted by the server. Raises `ServerError`."""
        count = call_object(
            self.address, "POST", "/tokenize", {"model": self.model_name, "prompt": text}, self._tick
        ).get("count")
        if not isinstance(count, int):
            raise ServerError("The server did not count tokens: its answer has no count.")
        return count

    def counters(self) -> Mapping[str, float]:
        """What it has counted since it started, its histograms among it. Raises `ServerError`."""
        return read_counters(self.address, self._tick)

    def request_body(self, request: Request) -> dict[str, object]:
        """The JSON body that asks for the tokens of a request, streamed, with the usage so far in every event."""
        asked = streamed_body(self.model_name, request)
        usage = {"include_usage": True, "continuous_usage_stats": True}
        return {**asked, "stream_options": usage, **ignore_eos(request)}

    def _threads_asked(self) -> int | None:
        """Return how many threads compute, where that is not left to vLLM. Raises `UsageError` for a build for GPUs."""
        if not self._launch.threads_explicit:
            return None
        if not self._is_on_processors:
            raise UsageError("--threads is for engines that compute on CPUs; this vLLM is for GPUs. Leave it out.")
        own = {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": str(self._launch.threads)}
        self.environment = {**_ENVIRONMENT, **own}
        return self._launch.threads

    def _thread_notes(self) -> list[str]:
        """Say where its threads come from."""
        if not self._is_on_processors:
            return []
        if self._threads is None:
            return ["Threads as vLLM chooses them: one per core, with one left to its scheduler."]
        return ["Threads as asked for, and not bound to CPUs."]

    def _kv_bytes(self) -> int:
        """Return what keys and values of all streams need, in whole blocks."""
        per_token = self._launch.model.kv_bytes_per_token or 0
        per_token *= 2 if self._options.dtype in _FLOAT32 else 1
        blocks = -(-self._launch.context_tokens // _BLOCK_TOKENS) + 1
        streams = self._options.slots or self._launch.streams or _STREAMS_OF_OPEN_LOOP
        return max(_LEAST_KV_BYTES, per_token * blocks * _BLOCK_TOKENS * streams)

    def _adapter_words(self) -> list[str]:
        """Return the options that load the adapter."""
        adapter = self._launch.lora
        if adapter is None:
            return []
        rank = next((rank for rank in _LORA_RANKS if rank >= adapter.rank), adapter.rank)
        modules = f"{self.model_name}={adapter.path}"
        return ["--enable-lora", "--lora-modules", modules, "--max-lora-rank", str(rank)]


def _load_format(path: str | None) -> str:
    """Return how to load a model: random weights where the folder has none. Raises `ModelError`."""
    folder = Path(path or "")
    if not (folder / "config.json").is_file():
        raise ModelError(f"vLLM serves a folder with a config.json, a tokenizer and maybe weights; {path} is none.")
    return "auto" if any(next(folder.glob(pattern), None) for pattern in _WEIGHTS) else "dummy"


def check_template(launch: Launch, options: EngineOptions) -> None:
    """Raise `UsageError` for chats with a model that has no template, which vLLM refuses one by one."""
    if launch.lacks_template and not options.has_argument("--chat-template"):
        raise UsageError(
            f"The model {launch.model.name} has no chat template, and the workload asks for chats, which vLLM then "
            "refuses. Choose a workload of the API completions such as smoke, a model for chats, or name a template: "
            "--engine-arg=--chat-template --engine-arg=FILE."
        )


def kv_element_bytes(kv_type: str | None) -> float | None:
    """Return what an element of the KV cache takes: 1 byte in all fp8 types, else 2 (or 4) as the name says.

    By default it has the type of the model, which is one of two bytes.
    """
    return 1.0 if kv_type and kv_type.startswith("fp8") else _KV_BYTES.get(kv_type)


def _installed() -> Installed:
    program = find()
    return Installed(version(program), str(program))


ENGINE = Engine(
    name=NAME,
    purpose="Several requests at a time, on GPUs; on CPUs with a build for them.",
    remedy=REMEDY,
    find=find,
    installed=_installed,
    server=VllmServer,
    options=frozenset(
        {
            *("engine_path", "engine_args", "slots", "batch_tokens", "kv_cache", "prompt_cache", "lora"),
            *("tensor_parallel", "dtype", "quantization", "load_format"),
        }
    ),
    model_form="checkpoint",
    check=check_template,
    kv_element_bytes=kv_element_bytes,
    counters=Counters(
        gaps_s=("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"),
        made_tokens="vllm:generation_tokens_total",
        prefilled_tokens=("vllm:request_prefill_kv_computed_tokens_sum", "vllm:prompt_tokens_total"),
        prefill_s="vllm:request_prefill_time_seconds_sum",  # from when it takes a request up to its first token
        prompt_tokens="vllm:prompt_tokens_total",
        cached_prompt_tokens="vllm:prompt_tokens_cached_total",
        ttft_s="vllm:time_to_first_token_seconds",
        e2e_s="vllm:e2e_request_latency_seconds",
    ),
)
