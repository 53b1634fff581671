"""Which engine serves a run, and which engines there are."""

from collections.abc import Callable, Mapping

from profiler.errors import UsageError
from profiler.servers import llama_cpp_python, llama_server
from profiler.servers.base import Launch, Server
from profiler.servers.options import EngineOptions

_STARTED: Mapping[str, Callable[[Launch, EngineOptions], Server]] = {
    llama_cpp_python.NAME: llama_cpp_python.LlamaCppPythonServer,
    llama_server.NAME: llama_server.LlamaServer,
}

_KNOWN_TO: Mapping[str, tuple[str, ...]] = {  # option: the engines that have it
    "--engine-path": (llama_server.NAME,),
    "--slots": (llama_server.NAME,),
    "--batch-tokens": (llama_server.NAME,),
    "--micro-batch-tokens": (llama_server.NAME,),
    "--kv-cache": (llama_server.NAME,),
    "--prompt-cache": (llama_server.NAME,),
    "--gpu-layers": (llama_server.NAME,),
}


def choose(launch: Launch, options: EngineOptions) -> Server:
    """Return the server for a run, ready to be started. Raises `UsageError`, `ServerStartError`."""
    name = options.engine or (llama_server.NAME if options.engine_path else _default(launch))
    if name not in _STARTED:
        raise UsageError(f"--engine {name}: expected {' or '.join(_STARTED)}; --url measures a running endpoint.")
    for flag in options.given():
        engines = _KNOWN_TO.get(flag, tuple(_STARTED))
        if name not in engines:
            raise UsageError(f"{flag} is for --engine {' or '.join(engines)}; this run uses {name}. Leave it out.")
    return _STARTED[name](launch, options)


def _default(launch: Launch) -> str:
    """The embedded engine for one stream, llama-server for several. Raises `UsageError` when there is none."""
    if (launch.streams or 1) == 1:
        return llama_cpp_python.NAME
    try:
        llama_server.find()
    except UsageError as error:
        raise UsageError(
            f"The workload keeps {launch.streams} requests in flight; the embedded engine serves one request at a "
            f"time, and {llama_server.NAME} serves several. {error}"
        ) from error
    return llama_server.NAME
