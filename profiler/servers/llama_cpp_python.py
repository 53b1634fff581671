"""The embedded engine: the server of llama-cpp-python, one stream at a time.

Facts that this file lives by, for version 0.3.36: a new request interrupts the one in flight unless told
otherwise; there is no usage in its streams; its log holds llama.cpp's own timing of every request.
"""

import re
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from profiler.errors import MissingExtraError, ServerError, ServerStartError, UsageError
from profiler.results.manifest import EngineFacts, ModelFacts
from profiler.servers.base import Tick
from profiler.servers.engine_log import EngineTiming
from profiler.servers.openai_api import call_json, prompt_fields, served_models
from profiler.servers.process import REBUILD, ServerProcess, free_loopback_port

NAME = "llama-cpp-python"
_LOOK_S = 0.1
_NEVER = -1e9  # a logit bias that no token survives

_NOTES = [
    "One request at a time: the server answers the next one when it has finished with the last.",
    "Prompts differ from their first token on, so its prefix cache holds nothing that could flatter the TTFT.",
]


class LlamaCppPythonServer:
    """`python -m llama_cpp.server` on a free loopback port."""

    host = "127.0.0.1"
    can_count_tokens = True

    def __init__(self, model: ModelFacts, threads: int, context_tokens: int, start_timeout_s: float) -> None:
        """Prepare the server. Raises `MissingExtraError` when the engine is not installed."""
        if find_spec("llama_cpp") is None:
            raise MissingExtraError("The llama-cpp-python engine", "llama")
        self._model = model
        self._threads = threads
        self._context_tokens = context_tokens
        self._start_timeout_s = start_timeout_s
        self._alias = f"aforo/{model.name}"
        self._build = _build_flags()
        self._process: ServerProcess | None = None
        self.port = free_loopback_port()

    @property
    def pid(self) -> int:
        """Root of the server's process tree."""
        return self._running().pid

    @property
    def model_name(self) -> str:
        """The name under which it serves the model."""
        return self._alias

    def command(self) -> list[str]:
        """Return the full command line."""
        options = {
            "model": self._model.path or "",
            "model_alias": self._alias,
            "host": self.host,
            "port": self.port,
            "n_ctx": self._context_tokens,
            "n_threads": self._threads,
            "n_threads_batch": self._threads,
            "interrupt_requests": False,
            "verbose": True,
        }
        flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        return [sys.executable, "-P", "-m", "llama_cpp.server", *flags]

    def describe(self) -> EngineFacts:
        """Engine, version, build and every argument."""
        return EngineFacts(
            name=NAME,
            version=_version(),
            build=self._build,
            command=self.command(),
            url=f"http://{self.host}:{self.port}/v1",
            threads=self._threads,
            context_tokens=self._context_tokens,
            notes=_NOTES,
        )

    def start(self, log_path: Path, tick: Tick) -> None:
        """Start it and return once it answers with our model's name. Raises `ServerStartError`."""
        self._process = ServerProcess(self.command(), log_path, {"PYTHONUNBUFFERED": "1"})
        deadline_s = time.monotonic() + self._start_timeout_s
        while not self._is_ready():
            self._process.check_alive()
            if time.monotonic() > deadline_s:
                raise ServerStartError(
                    f"The server was not ready after {self._start_timeout_s:g} s. Allow more with --start-timeout. "
                    + self._process.log_tail()
                )
            tick()
            time.sleep(_LOOK_S)

    def check_alive(self) -> None:
        """Raise `ServerDiedError` when it has ended."""
        self._running().check_alive()

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's own tokens, counted by the server. Raises `ServerError`."""
        answer = call_json(self.host, self.port, "POST", "/extras/tokenize/count", {"input": text})
        count = answer.get("count")
        if not isinstance(count, int):
            raise ServerError(f"The server did not count tokens; it answered {answer!r}.")
        return count

    def request_body(
        self, api: str, prompt: str, output_tokens: int, temperature: float, seed: int
    ) -> dict[str, object]:
        """The JSON body that asks for exactly this many tokens, streamed.

        The engine has no `ignore_eos`; a bias on every end token does the same. Synthetic models never
        choose one, and go without the bias, which costs time in sampling.
        """
        body: dict[str, object] = {
            "model": self._alias,
            **prompt_fields(api, prompt),
            "max_tokens": output_tokens,
            "temperature": temperature,
            "seed": seed,
            "stream": True,
        }
        if not self._model.is_synthetic:
            body["logit_bias"] = {str(token): _NEVER for token in self._model.end_token_ids}
        return body

    def stop(self) -> None:
        """End it and everything that it started."""
        if self._process is not None:
            self._process.stop()

    def _running(self) -> ServerProcess:
        if self._process is None:
            raise ServerError("The server has not been started.")
        return self._process

    def _is_ready(self) -> bool:
        try:
            names = served_models(self.host, self.port)
        except ServerError:
            return False
        if self._alias not in names:
            raise ServerStartError(
                f"Another program answers on port {self.port}: it serves {names}, not {self._alias!r}. Try again."
            )
        return True


def check_concurrency(concurrency: int) -> None:
    """Raise `UsageError` for a load that this engine cannot carry."""
    if concurrency > 1:
        raise UsageError(
            f"The engine {NAME} serves one request at a time, but the workload asks for a concurrency of "
            f"{concurrency}. Use --concurrency 1."
        )


def _version() -> str | None:
    try:
        return version("llama-cpp-python")
    except PackageNotFoundError:
        return None


def _build_flags() -> str:
    """Return what the library says of its own build. Raises `ServerStartError` when it cannot be loaded."""
    code = "import llama_cpp; print(llama_cpp.llama_print_system_info().decode())"
    result = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    if result.returncode == 0:
        return result.stdout.strip()
    why = f"signal {-result.returncode}" if result.returncode < 0 else result.stderr.strip()[-300:]
    raise ServerStartError(
        f"llama-cpp-python is installed but cannot be loaded ({why}). Rebuild it on this host: {REBUILD}"
    )


_PROMPT = re.compile(r"prompt eval time =\s*([\d.]+) ms /\s*(\d+) tokens")
_DECODE = re.compile(r"(?<!prompt )eval time =\s*([\d.]+) ms /\s*(\d+) runs")


def read_log(log: str) -> list[EngineTiming]:
    """Return llama.cpp's timing of each completed request, in order."""
    timings: list[EngineTiming] = []
    prompt: tuple[float, int] | None = None
    for line in log.splitlines():
        if found := _PROMPT.search(line):
            prompt = (float(found[1]), int(found[2]))
        elif (found := _DECODE.search(line)) and prompt is not None:
            timings.append(EngineTiming(prompt[1], prompt[0], int(found[2]), float(found[1])))
            prompt = None
    return timings
