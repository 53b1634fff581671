"""vLLM: `vllm serve` on GPUs, or on processors where a build for them is installed."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from profiler.errors import ModelError, ServerError
from profiler.results.manifest import EngineFacts
from profiler.servers.base import Capabilities, Launch
from profiler.servers.openai_api import call_json, streamed_body
from profiler.servers.options import EngineOptions
from profiler.servers.programs import ask, find_program, hidden_arguments
from profiler.servers.prometheus import read_counters
from profiler.servers.started import StartedServer
from profiler.workloads.messages import Message

NAME = "vllm"
VARIABLE = "AFORO_VLLM"
REMEDY = "Install it, in an environment of its own or with: pip install 'aforo[vllm]'."

_WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.gguf")
_ENVIRONMENT = {  # nothing is reported to anybody, and a model that lies here is not looked up elsewhere
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_API_KEY": "",  # ours is for us alone: it listens on loopback
}
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
    return next((line.strip() for line in reversed(lines) if line[:1].isdigit()), "unknown")


class VllmServer(StartedServer):
    """`vllm serve` on a free loopback port."""

    environment = _ENVIRONMENT
    capabilities = Capabilities(counts_tokens=True, streams=None, keeps_to_length=True, tells_timings=True)

    def __init__(self, launch: Launch, options: EngineOptions) -> None:
        """Prepare the server. Raises `UsageError` when there is none, `ModelError` for a model that it cannot load."""
        super().__init__(launch)
        self._options = options
        self._program = find(options.engine_path)
        self._load_format = options.load_format or _load_format(launch.model.path)
        self._version = version(self._program)

    def command(self) -> list[str]:
        """Return the full command line."""
        asked = self._options
        options: dict[str, object] = {
            "--served-model-name": self.model_name,
            "--host": self.host,
            "--port": self.port,
            "--load-format": self._load_format,
            "--max-model-len": self._launch.context_tokens,
            "--max-num-seqs": asked.slots or self._launch.streams,
            "--max-num-batched-tokens": asked.batch_tokens,
            "--tensor-parallel-size": asked.tensor_parallel,
            "--dtype": asked.dtype,
            "--quantization": asked.quantization,
            "--kv-cache-dtype": asked.kv_cache,
        }
        words = [text for flag, value in options.items() if value is not None for text in (flag, str(value))]
        caching = "--enable-prefix-caching" if asked.prompt_cache == "warm" else "--no-enable-prefix-caching"
        return [str(self._program), "serve", self._launch.model.path or "", *words, caching, *asked.engine_args]

    def describe(self) -> EngineFacts:
        """Engine, version and every argument."""
        dummy = ["Random weights (load format dummy)."] if self._load_format == "dummy" else []
        return EngineFacts(
            name=NAME,
            version=self._version,
            path=str(self._program),
            command=self.command(),
            url=self.url,
            context_tokens=self._launch.context_tokens,
            slots=self._options.slots or self._launch.streams,
            batch_tokens=self._options.batch_tokens,
            kv_cache=self._options.kv_cache,
            prompt_cache=self._options.prompt_cache,
            notes=[_NOTES[self._options.prompt_cache], *dummy, *hidden_arguments("VLLM_")],
        )

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's own tokens, counted by the server. Raises `ServerError`."""
        count = call_json(self.host, self.port, "POST", "/tokenize", {"model": self.model_name, "prompt": text}).get(
            "count"
        )
        if not isinstance(count, int):
            raise ServerError("The server did not count tokens: its answer has no count.")
        return count

    def counters(self) -> Mapping[str, float]:
        """What it has counted since it started, its histograms among it. Raises `ServerError`."""
        return read_counters(self.host, self.port)

    def request_body(
        self, api: str, messages: Sequence[Message], output_tokens: int, temperature: float, seed: int
    ) -> dict[str, object]:
        """The JSON body that asks for exactly this many tokens, streamed, with usage at the end."""
        return {**streamed_body(self.model_name, api, messages, output_tokens, temperature, seed), "ignore_eos": True}


def _load_format(path: str | None) -> str:
    """Return how to load a model: random weights where the folder has none. Raises `ModelError`."""
    folder = Path(path or "")
    if not (folder / "config.json").is_file():
        raise ModelError(f"vLLM serves a folder with a config.json, a tokenizer and maybe weights; {path} is none.")
    return "auto" if any(next(folder.glob(pattern), None) for pattern in _WEIGHTS) else "dummy"
