"""llama.cpp's own server: many streams at a time, with continuous batching."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from profiler.errors import AforoError, ServerError, UsageError
from profiler.hosts.usable_cpus import usable_cpu_count
from profiler.models.locate import EMBEDDING
from profiler.progress import Progress
from profiler.results.manifest import EngineFacts
from profiler.servers import llama_build, llama_cpp, llama_devices
from profiler.servers.base import Launch, Tick
from profiler.servers.engine import Cards, Engine, Installed
from profiler.servers.managed import ManagedServer
from profiler.servers.openai_api import call_object, ignore_eos, streamed_body
from profiler.servers.options import EngineOptions
from profiler.servers.programs import ask, find_program, hidden_arguments
from profiler.servers.prometheus import read_counters
from profiler.workloads.messages import Request

NAME = "llama-server"
VARIABLE = "AFORO_LLAMA_SERVER"
REMEDY = f"Build it here (some minutes): aforo engines build {NAME}."

_MICRO_BATCH_TOKENS = 512  # its own default

SLOTS_OF_OPEN_LOOP = 16
"""Slots where arrivals follow a schedule, so that nobody knows how many will be in flight; `--slots` overrides."""

_ENVIRONMENT = "LLAMA_ARG_"  # variables by this prefix set options behind the command line's back
_INSTRUCTIONS = re.compile(r"system_info: .*?\| (.+)")  # after the number of threads
_LOOK_TIMEOUT_S = 60.0

_CONNECTIONS = "Every request has a connection of its own, made before it is sent: the server keeps none open."
_NO_TEMPLATE = "The model has no chat template: the server writes chats in the format ChatML."
_NOTES = {
    "cold": "No prompt is reused: the prompt cache is off, in the server and in every request.",
    "warm": "Prompts that begin alike are reused from the prompt cache, which shortens their TTFT.",
}


def find(engine_path: Path | None = None) -> Path:
    """Return the program: as named, from `$AFORO_LLAMA_SERVER`, as built here, or from PATH.

    Raises `MissingEngineError` where none was named and none is here, `UsageError` where none is at the path named.
    """
    return find_program(NAME, engine_path, VARIABLE, [llama_build.built(NAME)], REMEDY)


def build(progress: Progress, tick: Tick) -> None:
    """Build it for this machine. Raises `EngineBuildError`, and what `tick` raises."""
    jobs = usable_cpu_count()
    progress.note(llama_build.announcement(jobs))
    llama_build.build(progress, tick, jobs)


def version(program: Path) -> tuple[str, str]:
    """Return version and build as the program tells them. Raises `ServerStartError`."""
    said = ask(program, "--version", REMEDY)
    number = re.search(r"^version: (.+)$", said, re.MULTILINE)
    built = re.search(r"^built with (.+)$", said, re.MULTILINE)
    return (number[1] if number else "unknown"), (built[1] if built else "unknown")


def instructions(program: Path) -> str | None:
    """Return what the program says of devices and instruction sets, which it does on its way to loading a model."""
    command = [str(program), "--model", os.devnull, "--port", "0", "--log-verbosity", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LOOK_TIMEOUT_S)
    found = _INSTRUCTIONS.search(done.stdout + done.stderr)
    return found[1].strip(" |") if found else None


class LlamaServer(ManagedServer):
    """`llama-server` on a free loopback port, with one slot per stream."""

    remedy = REMEDY
    counts_tokens = True
    environment: Mapping[str, str] = {"LLAMA_API_KEY": ""}  # one of the user's is not meant for this server

    # It hangs up after a streamed answer without having said so, which a request on the same connection would lose to.
    headers: Mapping[str, str] = {"Connection": "close"}

    def __init__(self, launch: Launch, options: EngineOptions) -> None:
        """Prepare the server. Raises `UsageError` when there is none, `ServerStartError` when it does not run."""
        super().__init__(launch)
        self._options = options
        self._program = find(options.engine_path)
        self._version, self._built_with = version(self._program)
        self._known_flags = set(re.findall(r"--[a-z][a-z-]+", ask(self._program, "--help", REMEDY)))
        self._instructions = instructions(self._program)
        self._slots = options.slots or launch.streams or SLOTS_OF_OPEN_LOOP
        self._batch_tokens, self._micro_batch_tokens = options.batch_tokens, options.micro_batch_tokens
        if launch.is_embedding:  # a text is read in one piece, so the longest must fit into one micro-batch
            self._micro_batch_tokens = options.micro_batch_tokens or max(_MICRO_BATCH_TOKENS, launch.context_tokens)
            self._batch_tokens = options.batch_tokens or self._micro_batch_tokens

    def command(self) -> list[str]:
        """Return the full command line."""
        options: dict[str, object] = {
            "--model": self._launch.model.path or "",
            "--alias": self.model_name,
            "--host": self.address.host,
            "--port": self.address.port,
            "--threads": self._launch.threads,
            "--threads-batch": self._options.threads_batch or self._launch.threads,
            "--parallel": self._slots,
            "--ctx-size": self._launch.context_tokens * self._slots,
            "--batch-size": self._batch_tokens,
            "--ubatch-size": self._micro_batch_tokens,
            "--cache-type-k": self._options.kv_cache,
            "--cache-type-v": self._options.kv_cache,
            "--flash-attn": self._options.flash_attention,
            "--n-gpu-layers": self._options.gpu_layers,
            "--lora": self._launch.lora.path if self._launch.lora else None,
        }
        words = [text for flag, value in options.items() if value is not None for text in (flag, str(value))]
        words += ["--cont-batching", "--metrics", *(["--embedding"] if self._launch.is_embedding else [])]
        return [str(self._program), *words, *self._cache_flags(), *self._switches(), *self._options.engine_args]

    def describe(self) -> EngineFacts:
        """Engine, version, build and every argument."""
        made = llama_build.describe(self._program)
        build = [f"built with {self._built_with}", made and made.source, self._instructions]
        return EngineFacts(
            name=NAME,
            version=self._version,
            build="; ".join(part for part in build if part),
            path=str(self._program),
            command=self.command(),
            url=self.address.url,
            threads=self._launch.threads,
            context_tokens=self._launch.context_tokens,
            slots=self._slots,
            batch_tokens=self._batch_tokens,
            micro_batch_tokens=self._micro_batch_tokens,
            kv_cache=self._options.kv_cache,
            prompt_cache=self._options.cache_state,
            notes=[
                _NOTES[self._options.cache_state],
                _CONNECTIONS,
                *([_NO_TEMPLATE] if self._launch.lacks_template else []),
                *hidden_arguments(_ENVIRONMENT),
            ],
        )

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's own tokens, the beginning-of-text token included. Raises `ServerError`."""
        question = {"content": text, "add_special": True, "parse_special": True}
        tokens = call_object(self.address, "POST", "/tokenize", question, self._tick).get("tokens")
        if not isinstance(tokens, list):
            raise ServerError("The server did not tokenize a text: its answer has no list of tokens.")
        return len(tokens)

    def counters(self) -> Mapping[str, float]:
        """What it has counted since it started. Raises `ServerError`."""
        return read_counters(self.address, self._tick)

    def request_body(self, request: Request) -> dict[str, object]:
        """The JSON body that asks for the tokens of a request, streamed, with usage at the end."""
        asked = streamed_body(self.model_name, request)
        return {**asked, **ignore_eos(request), "cache_prompt": self._options.cache_state == "warm"}

    def is_ready(self) -> bool:
        """Whether it has loaded our model. Raises `ServerStartError` when it serves another."""
        try:
            call_object(self.address, "GET", "/health", tick=self._tick)  # 503 while it loads the model
        except ServerError:
            return False
        return super().is_ready()

    def _cache_flags(self) -> list[str]:
        """Return what switches the prompt cache; newer versions keep prompts in several places."""
        if self._options.cache_state == "warm":
            return ["--cache-prompt"]
        off = {"--cache-reuse": "0", "--cache-ram": "0", "--ctx-checkpoints": "0", "--slot-prompt-similarity": "0"}
        known = [text for flag, value in off.items() if flag in self._known_flags for text in (flag, value)]
        return ["--no-cache-prompt", *known] if "--no-cache-prompt" in self._known_flags else known

    def _switches(self) -> list[str]:
        """Return switches that this version has: no web page; a context of its own for every slot."""
        wanted = ("--no-ui", "--no-webui", "--no-kv-unified")
        found = [flag for flag in wanted if flag in self._known_flags]
        return [flag for flag in found if not (flag == "--no-webui" and "--no-ui" in found)]


def check_pooling(launch: Launch, options: EngineOptions) -> None:
    """Raise `UsageError` for vectors of a model that neither is an encoder nor says how to pool, nor the user."""
    pools = launch.model.is_encoder or launch.model.training == "embedding" or options.has_argument("--pooling")
    if launch.is_embedding and not pools:
        raise UsageError(
            f"The model {launch.model.name} makes tokens and says of no way to make one vector of a text (pooling), "
            f"and the workload asks for vectors. Leave --model out, name one such as {EMBEDDING}, or say how: "
            "--engine-arg=--pooling --engine-arg=mean."
        )


def _installed() -> Installed:
    program = find()
    return Installed(version(program)[0], str(program))


def _cards(options: EngineOptions) -> Cards | None:
    try:
        program = find(options.engine_path)
    except AforoError:  # whoever starts it says so
        return None
    return llama_devices.cards(program, options, REMEDY)


ENGINE = Engine(
    name=NAME,
    purpose="The default for .gguf files; several requests at a time.",
    remedy=REMEDY,
    find=find,
    installed=_installed,
    server=LlamaServer,
    options=frozenset(
        {
            *("engine_path", "engine_args", "slots", "batch_tokens", "micro_batch_tokens"),
            *("kv_cache", "prompt_cache", "gpu_layers", "lora", "threads_batch", "flash_attention"),
        }
    ),
    model_form="gguf",
    check=check_pooling,
    build=build,
    cards=_cards,
    kv_element_bytes=llama_cpp.kv_element_bytes,
    repacked=llama_cpp.REPACKED,
    unused_instructions=llama_cpp.unused_instructions,
)
