"""The embedded engine: the server of llama-cpp-python, one stream at a time.

Facts that this file lives by, for version 0.3.36: a new request interrupts the one in flight unless told
otherwise; there is no usage in its streams; its log holds llama.cpp's own timing of every request.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from importlib.util import find_spec

from profiler.errors import MissingExtraError, ServerError, ServerStartError, UsageError
from profiler.results.manifest import EngineFacts
from profiler.servers.base import Capabilities, Launch
from profiler.servers.engine_log import EngineTiming
from profiler.servers.llama_build import AMX_FIX
from profiler.servers.openai_api import call_object, prompt_fields
from profiler.servers.options import EngineOptions
from profiler.servers.started import StartedServer
from profiler.workloads.messages import Message

NAME = "llama-cpp-python"
REMEDY = (
    f"Build it here (some minutes): CXXFLAGS=\"-include '{AMX_FIX}'\" {sys.executable} -m pip install "
    "--force-reinstall --no-cache-dir --no-deps llama-cpp-python"
)
_NEVER = -1e9  # a logit bias that no token survives

_NOTES = [
    "One request at a time: the server answers the next one when it has finished with the last.",
    "It keeps what it computed for the last request: a prompt that begins like the one before is read faster.",
]

# The server computes on whichever thread of its pool is free, and each has OpenMP threads of its own. As soon as two
# have them, libgomp counts more threads than processors and lets them sleep at each of the hundreds of barriers of a
# token, after 100 turns of waiting: on two virtual processors a token then took 31 ms instead of 14. "active" makes
# that 1,000 turns, and the count keeps idle threads from waiting on for minutes (libgomp manual, GOMP_SPINCOUNT).
_OPENMP = {"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": "300000"}


class LlamaCppPythonServer(StartedServer):
    """`python -m llama_cpp.server` on a free loopback port."""

    remedy = REMEDY
    capabilities = Capabilities(counts_tokens=True, streams=1, keeps_to_length=True, tells_timings=True)

    def __init__(self, launch: Launch, options: EngineOptions) -> None:
        """Prepare the server. Raises `MissingExtraError` without the engine, `UsageError` for several streams."""
        super().__init__(launch)
        check_streams(launch.streams)
        self._build = check_installed()
        self._model = launch.model
        self._openmp = {name: os.environ.get(name, value) for name, value in _OPENMP.items()}
        self.environment: Mapping[str, str] = {"PYTHONUNBUFFERED": "1", **self._openmp}

    def command(self) -> list[str]:
        """Return the full command line."""
        options: dict[str, object] = {
            "model": self._model.path or "",
            "model_alias": self.model_name,
            "host": self.host,
            "port": self.port,
            "n_ctx": self._launch.context_tokens,
            "n_threads": self._launch.threads,
            "n_threads_batch": self._launch.threads,
            "interrupt_requests": False,
            "verbose": True,
        }
        if self._launch.lora is not None:
            options["lora_path"] = self._launch.lora.path
        flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        return [sys.executable, "-P", "-m", "llama_cpp.server", *flags]

    def describe(self) -> EngineFacts:
        """Engine, version, build and every argument."""
        return EngineFacts(
            name=NAME,
            version=version(),
            build=self._build,
            command=self.command(),
            url=self.url,
            threads=self._launch.threads,
            context_tokens=self._launch.context_tokens,
            slots=1,
            notes=[*_NOTES, f"OpenMP: {' '.join(f'{name}={value}' for name, value in self._openmp.items())}."],
        )

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's own tokens, counted by the server. Raises `ServerError`."""
        answer = call_object(self.address, "POST", "/extras/tokenize/count", {"input": text}, self._tick)
        count = answer.get("count")
        if not isinstance(count, int):
            raise ServerError(f"The server did not count tokens; it answered {answer!r}.")
        return count

    def counters(self) -> Mapping[str, float]:
        """Nothing: it has no metrics page."""
        return {}

    def request_body(
        self, api: str, messages: Sequence[Message], output_tokens: int, temperature: float, seed: int
    ) -> dict[str, object]:
        """The JSON body that asks for exactly this many tokens, streamed.

        The engine has no `ignore_eos`; a bias on every end token does the same. Synthetic models never
        choose one, and go without the bias, which costs time in sampling.
        """
        body: dict[str, object] = {
            "model": self.model_name,
            **prompt_fields(api, messages),
            "max_tokens": output_tokens,
            "temperature": temperature,
            "seed": seed,
            "stream": True,
        }
        if not self._model.is_synthetic:
            body["logit_bias"] = {str(token): _NEVER for token in self._model.end_token_ids}
        return body


def check_streams(streams: int | None) -> None:
    """Raise `UsageError` for a load that this engine cannot carry."""
    if streams is not None and streams > 1:
        raise UsageError(
            f"The engine {NAME} serves one request at a time, but the workload keeps {streams} in flight. "
            "Use --engine llama-server (aforo engines says how to get it), or --concurrency 1."
        )


def version() -> str | None:
    """Return the version that is installed."""
    try:
        return metadata.version("llama-cpp-python")
    except metadata.PackageNotFoundError:
        return None


def check_installed() -> str:
    """Return what the library says of its own build.

    Raises `MissingExtraError` when it is not installed, `ServerStartError` when it cannot be loaded.
    """
    if find_spec("llama_cpp") is None:
        raise MissingExtraError("The llama-cpp-python engine", "llama")
    code = "import llama_cpp; print(llama_cpp.llama_print_system_info().decode())"
    result = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    if result.returncode == 0:
        return result.stdout.strip()
    why = f"signal {-result.returncode}" if result.returncode < 0 else result.stderr.strip()[-300:]
    raise ServerStartError(f"llama-cpp-python is installed but cannot be loaded ({why}). {REMEDY}")


_PROMPT = re.compile(r"prompt eval time =\s*([\d.]+) ms /\s*(\d+) tokens")
_DECODE = re.compile(r"(?<!prompt )eval time =\s*([\d.]+) ms /\s*(\d+) runs")


def read_log(lines: Iterable[str]) -> Iterator[EngineTiming]:
    """Yield llama.cpp's timing of each completed request, in order."""
    prompt: tuple[float, int] | None = None
    for line in lines:
        if found := _PROMPT.search(line):
            prompt = (float(found[1]), int(found[2]))
        elif (found := _DECODE.search(line)) and prompt is not None:
            yield EngineTiming(prompt[1], prompt[0], int(found[2]), float(found[1]))
            prompt = None
