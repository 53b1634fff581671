"""The server of llama-cpp-python, one stream at a time.

Facts that this file lives by, for version 0.3.36: a new request interrupts the one in flight unless told
otherwise; there is no usage in its streams; its log holds llama.cpp's own timing of every request; it reuses what a
prompt has in common with the last one.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from profiler.errors import MissingEngineError, ServerError, ServerStartError
from profiler.results.manifest import EngineFacts
from profiler.servers import llama_cpp
from profiler.servers.base import Launch
from profiler.servers.engine import Engine, Installed
from profiler.servers.llama_build import AMX_FIX
from profiler.servers.managed import ManagedServer
from profiler.servers.openai_api import PATHS, call_object, prompt_fields
from profiler.servers.options import EngineOptions
from profiler.servers.timings import EngineTiming
from profiler.workloads.messages import Message, Request, Role, joined

NAME = "llama-cpp-python"
REMEDY = (
    f"Build it here (some minutes): CXXFLAGS=\"-include '{AMX_FIX}'\" {sys.executable} -m pip install "
    "--force-reinstall --no-cache-dir --no-deps llama-cpp-python"
)
_NEVER = -1e9  # a logit bias that no token survives

_ONE_AT_A_TIME = "One request at a time: the server answers the next one when it has finished with the last."
_CACHE_NOTES = {
    "cold": "No prompt is reused: what it keeps of the last one is forgotten before each (Llama.reset).",
    "warm": "It keeps what it computed for the last request: a prompt that begins like the one before is read faster, "
    "which shortens its TTFT.",
}
_MODULES = {"cold": "profiler.servers.llama_cpp_cold", "warm": "llama_cpp.server"}
_NO_TEMPLATE = "The model has no chat template: the engine writes chats in the format of Llama 2."
_TEMPLATE = "Its streams carry no usage; a chat's prompt is counted with its template, as the engine itself counts one."

# The server computes on whichever thread of its pool is free, and each has OpenMP threads of its own. As soon as two
# have them, libgomp counts more threads than processors and lets them sleep at each of the hundreds of barriers of a
# token, after 100 turns of waiting: on two virtual processors a token then took 31 ms instead of 14. "active" makes
# that 1,000 turns, and the count keeps idle threads from waiting on for minutes (libgomp manual, GOMP_SPINCOUNT).
_OPENMP = {"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": "300000"}


class LlamaCppPythonServer(ManagedServer):
    """`python -m llama_cpp.server` on a free loopback port."""

    remedy = REMEDY
    counts_tokens = True

    def __init__(self, launch: Launch, options: EngineOptions) -> None:
        """Prepare the server. Raises `MissingEngineError` without the engine."""
        super().__init__(launch)
        self._build = check_installed()
        self._model = launch.model
        self._prompt_cache = options.cache_state
        self._threads_batch = options.threads_batch or launch.threads
        self._template_tokens: dict[tuple[Role, ...], int] = {}
        self._openmp = {name: os.environ.get(name, value) for name, value in _OPENMP.items()}
        self.environment: Mapping[str, str] = {"PYTHONUNBUFFERED": "1", **self._openmp}

    def command(self) -> list[str]:
        """Return the full command line."""
        options: dict[str, object] = {
            "model": self._model.path or "",
            "model_alias": self.model_name,
            "host": self.address.host,
            "port": self.address.port,
            "n_ctx": self._launch.context_tokens,
            "n_threads": self._launch.threads,
            "n_threads_batch": self._threads_batch,
            "interrupt_requests": False,
            "verbose": True,
        }
        if self._launch.lora is not None:
            options["lora_path"] = self._launch.lora.path
        flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        return [sys.executable, "-P", "-m", _MODULES[self._prompt_cache], *flags]

    def describe(self) -> EngineFacts:
        """Engine, version, build and every argument."""
        return EngineFacts(
            name=NAME,
            version=version(),
            build=self._build,
            command=self.command(),
            url=self.address.url,
            threads=self._launch.threads,
            context_tokens=self._launch.context_tokens,
            slots=1,
            prompt_cache=self._prompt_cache,
            notes=[
                _ONE_AT_A_TIME,
                _CACHE_NOTES[self._prompt_cache],
                *([_TEMPLATE] if self._launch.api == "chat" else []),
                *([_NO_TEMPLATE] if self._launch.lacks_template else []),
                f"OpenMP: {' '.join(f'{name}={value}' for name, value in self._openmp.items())}.",
            ],
        )

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's own tokens, counted by the server. Raises `ServerError`."""
        answer = call_object(self.address, "POST", "/extras/tokenize/count", {"input": text}, self._tick)
        count = answer.get("count")
        if not isinstance(count, int):
            raise ServerError(f"The server did not count tokens; it answered {answer!r}.")
        return count

    def template_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens that the chat template puts around messages: the same for all with these roles, so asked once.

        Raises `ServerError`.
        """
        roles = tuple(message.role for message in messages)
        if roles not in self._template_tokens:
            short = [Message(role, "a") for role in roles]
            body = {"model": self.model_name, **prompt_fields("chat", short), "max_tokens": 1}
            usage = call_object(self.address, "POST", PATHS["chat"], body, self._tick).get("usage")
            counted = usage.get("prompt_tokens") if isinstance(usage, dict) else None
            if not isinstance(counted, int):
                raise ServerError("The server did not tell how many tokens a chat has: its answer has no usage.")
            self._template_tokens[roles] = counted - self.count_tokens(joined(short))
        return self._template_tokens[roles]

    def request_body(self, request: Request) -> dict[str, object]:
        """The JSON body that asks for exactly the tokens of a request, unless it ends by itself, streamed.

        The engine has no `ignore_eos`; a bias on every end token does the same. Synthetic models never
        choose one, and go without the bias, which costs time in sampling.
        """
        body: dict[str, object] = {
            "model": self.model_name,
            **prompt_fields(request.api, request.messages),
            "max_tokens": request.output_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "stream": True,
        }
        if request.stop == "length" and not self._model.is_synthetic:
            body["logit_bias"] = {str(token): _NEVER for token in self._model.end_token_ids}
        return body


def version() -> str | None:
    """Return the version that is installed."""
    try:
        return metadata.version("llama-cpp-python")
    except metadata.PackageNotFoundError:
        return None


def find(engine_path: Path | None = None) -> None:
    """Look for the package, which no path names. Raises `MissingEngineError`."""
    if find_spec("llama_cpp") is None:
        raise MissingEngineError(
            "The llama-cpp-python engine is not installed. Install it with: pip install 'aforo[llama]'"
        )


def check_installed() -> str:
    """Return what the library says of its own build.

    Raises `MissingEngineError` when it is not installed, `ServerStartError` when it cannot be loaded.
    """
    find()
    code = "import llama_cpp; print(llama_cpp.llama_print_system_info().decode())"
    result = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    if result.returncode == 0:
        return result.stdout.strip()
    why = f"signal {-result.returncode}" if result.returncode < 0 else result.stderr.strip()[-300:]
    raise ServerStartError(f"llama-cpp-python is installed but cannot be loaded ({why}). {REMEDY}")


_TIMING = re.compile(r"eval time =\s*([\d.]+) ms /\s*(\d+) (tokens|runs)")  # begins with what is searched for fast


def read_log(lines: Iterable[str]) -> Iterator[EngineTiming]:
    """Yield llama.cpp's timing of each completed request, in order."""
    prompt: tuple[float, int] | None = None
    for line in lines:
        found = _TIMING.search(line)
        if not found:
            continue
        is_prompt = line.endswith("prompt ", 0, found.start())
        if is_prompt and found[3] == "tokens":
            prompt = float(found[1]), int(found[2])
        elif not is_prompt and found[3] == "runs" and prompt is not None:
            yield EngineTiming(prompt[1], prompt[0], int(found[2]), float(found[1]))
            prompt = None


def _installed() -> Installed:
    check_installed()
    return Installed(version(), sys.prefix)


ENGINE = Engine(
    name=NAME,
    purpose="One request at a time.",
    remedy=REMEDY,
    find=find,
    installed=_installed,
    server=LlamaCppPythonServer,
    options=frozenset({"prompt_cache", "lora", "threads_batch"}),
    model_form="gguf",
    most_streams=1,
    serves_embeddings=False,
    read_log=read_log,
    kv_element_bytes=llama_cpp.kv_element_bytes,
    repacked=llama_cpp.REPACKED,
    unused_instructions=llama_cpp.unused_instructions,
)
