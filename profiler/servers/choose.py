"""Which engine serves a run, and which engines this machine has."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from profiler.errors import AforoError, UsageError
from profiler.models.facts import check_is_file
from profiler.models.locate import EMBEDDING, HUB_FILE
from profiler.servers import llama_cpp_python, llama_server, openai_http, vllm
from profiler.servers.base import Launch
from profiler.servers.managed import ManagedServer
from profiler.servers.options import EngineOptions

_STARTED: Mapping[str, Callable[[Launch, EngineOptions], ManagedServer]] = {
    llama_cpp_python.NAME: llama_cpp_python.LlamaCppPythonServer,
    llama_server.NAME: llama_server.LlamaServer,
    vllm.NAME: vllm.VllmServer,
}

_PROGRAMS = (llama_server.NAME, vllm.NAME)
_KNOWN_TO: Mapping[str, tuple[str, ...]] = {  # option: the engines that have it
    "--engine-path": _PROGRAMS,
    "--engine-arg": _PROGRAMS,
    "--slots": _PROGRAMS,
    "--batch-tokens": _PROGRAMS,
    "--micro-batch-tokens": (llama_server.NAME,),
    "--kv-cache": _PROGRAMS,
    "--prompt-cache": (llama_cpp_python.NAME, *_PROGRAMS),
    "--gpu-layers": (llama_server.NAME,),
    "--tensor-parallel": (vllm.NAME,),
    "--dtype": (vllm.NAME,),
    "--quantization": (vllm.NAME,),
    "--load-format": (vllm.NAME,),
}


@dataclass(frozen=True)
class Availability:
    """An engine, and whether it can be used on this machine."""

    name: str
    is_available: bool
    version: str | None
    path: str | None
    note: str  # what it is for; where it is missing, what to do


def choose(launch: Launch, options: EngineOptions) -> ManagedServer:
    """Return the server for a run, ready to be started. Raises `UsageError`, `ServerStartError`."""
    name = options.engine or _default(launch, options)
    if name not in _STARTED:
        raise UsageError(f"--engine {name}: expected {', '.join(_STARTED)}; --url measures a running endpoint.")
    for flag in options.given():
        engines = _KNOWN_TO.get(flag, tuple(_STARTED))
        if name not in engines:
            raise UsageError(f"{flag} is for --engine {' or '.join(engines)}; this run uses {name}. Leave it out.")
    _check_answers(launch, name, options)
    if name != vllm.NAME:
        check_is_file(launch.model)
    return _STARTED[name](launch, options)


def check_serves_checkpoints(options: EngineOptions) -> None:
    """Raise `UsageError` where another engine was asked for than the one that loads checkpoints, or it is not here."""
    what = f"model is a checkpoint, which {vllm.NAME} serves; llama.cpp reads .gguf files, such as {HUB_FILE}"
    if options.engine not in {None, vllm.NAME}:
        raise UsageError(f"--engine {options.engine}: the {what}. Name one of those, or choose --engine {vllm.NAME}.")
    try:
        vllm.find(options.engine_path)
    except UsageError as error:
        raise UsageError(f"The {what}. {error}") from error


def _check_answers(launch: Launch, name: str, options: EngineOptions) -> None:
    """Raise `UsageError` where the engine, or the model, does not make what the workload asks for."""
    if launch.is_embedding and name == llama_cpp_python.NAME:
        raise UsageError(f"Embeddings are measured on --engine {' or '.join(_PROGRAMS)}; this run uses {name}.")
    if launch.is_embedding and name == llama_server.NAME and not _has_pooling(launch, options):
        raise UsageError(
            f"The model {launch.model.name} makes tokens and says of no way to make one vector of a text (pooling), "
            f"and the workload asks for vectors. Leave --model out, name one such as {EMBEDDING}, or say how: "
            "--engine-arg=--pooling --engine-arg=mean."
        )
    if launch.lacks_template and name == vllm.NAME and not _is_given(options, "--chat-template"):
        raise UsageError(
            f"The model {launch.model.name} has no chat template, and the workload asks for chats, which vLLM then "
            "refuses. Choose a workload of the API completions such as smoke, a model for chats, or name a template: "
            "--engine-arg=--chat-template --engine-arg=FILE."
        )
    if not launch.is_embedding and launch.model.is_encoder:
        raise UsageError(
            f"The model {launch.model.name} turns texts into vectors and generates nothing, and the workload asks for "
            "tokens. Choose the workload embeddings, or another --model."
        )


def _has_pooling(launch: Launch, options: EngineOptions) -> bool:
    """Whether llama-server can make one vector of a text: an encoder, a file that says how, or the user."""
    return _is_given(options, "--pooling") or launch.model.is_encoder or launch.model.training == "embedding"


def _is_given(options: EngineOptions, flag: str) -> bool:
    return any(word.partition("=")[0] == flag for word in options.engine_args)


def _default(launch: Launch, options: EngineOptions) -> str:
    """vLLM for a checkpoint; the embedded engine for one stream, llama-server otherwise. Raises `UsageError`.

    In an open loop any number of requests may be in flight, and a server of one stream would be measured by its queue.
    """
    if Path(launch.model.path or "").is_dir():
        check_serves_checkpoints(options)
        return vllm.NAME
    if launch.streams == 1 and not options.engine_path and not launch.is_embedding:
        return llama_cpp_python.NAME
    try:
        llama_server.find(options.engine_path)
    except UsageError as error:
        if launch.is_embedding:
            raise UsageError(f"Embeddings are measured on {llama_server.NAME} here. {error}") from error
        load = "sends requests when they are due" if launch.streams is None else f"keeps {launch.streams} in flight"
        raise UsageError(
            f"The workload {load}; the embedded engine serves one request at a time, and {llama_server.NAME} serves "
            f"several. {error}"
        ) from error
    return llama_server.NAME


def available() -> list[Availability]:
    """Look at every engine: is it here, and does it run?"""
    return [
        _look(llama_cpp_python.NAME, "Embedded; one request at a time.", _look_at_llama_cpp_python),
        _look(llama_server.NAME, "Several requests at a time.", _look_at_llama_server),
        _look(vllm.NAME, "Several requests at a time, on GPUs; on processors with a build for them.", _look_at_vllm),
        Availability(
            openai_http.NAME, True, None, None, "Any running OpenAI-compatible endpoint: aforo run --url URL."
        ),
    ]


def _look(name: str, purpose: str, look: Callable[[], tuple[str | None, str]]) -> Availability:
    try:
        version, path = look()
    except AforoError as error:
        return Availability(name, False, None, None, str(error))
    return Availability(name, True, version, path, purpose)


def _look_at_llama_cpp_python() -> tuple[str | None, str]:
    llama_cpp_python.check_installed()
    return llama_cpp_python.version(), sys.prefix


def _look_at_llama_server() -> tuple[str | None, str]:
    program = llama_server.find()
    return llama_server.version(program)[0], str(program)


def _look_at_vllm() -> tuple[str | None, str]:
    program = vllm.find()
    return vllm.version(program), str(program)
