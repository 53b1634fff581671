"""`aforo endpoints`: which model servers run on this machine, and how to measure them."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profiler.servers.local_servers import LocalModel, LocalServer, Look

_MOST_MODELS = 20  # of one server, in the terminal


def endpoints(
    port: Annotated[
        list[int] | None, typer.Option("--port", min=1, max=65535, help="Look at this port as well; may be repeated.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """List the model servers that run on this machine, their models, and the command that measures each.

    Looks at the usual ports of Ollama, llama.cpp, LM Studio, vLLM, SGLang and others, on loopback only. Nothing is
    loaded or generated.
    """
    from profiler.cli.output import print_json
    from profiler.servers.local_servers import look

    found = look(port or ())
    if json:
        print_json(_as_data(found))
    else:
        _print(found)


def _as_data(found: "Look") -> dict[str, object]:
    return {
        "servers": [
            {
                "engine": server.engine,
                "version": server.version,
                "url": server.url,
                "needs_key": server.needs_key,
                "models": [_model(server, model) for model in server.models],
            }
            for server in found.servers
        ],
        "others": [{"port": other.port, "reason": other.reason} for other in found.others],
        "ports": list(found.ports),
    }


def _model(server: "LocalServer", model: "LocalModel") -> dict[str, object]:
    return {
        "name": model.name,
        "context_tokens": model.context_tokens,
        "is_loaded": model.is_loaded,
        "is_embedding": model.is_embedding,
        "command": server.command(model),
    }


def _print(found: "Look") -> None:
    from profiler.cli.output import console

    for server in found.servers:
        console().print(_heading(server), style="bold", soft_wrap=True)
        for line in _lines(server):
            print(line)
        print()
    for other in found.others:
        print(f"Port {other.port}: {other.reason}")
    if not found.servers:
        ports = ", ".join(map(str, found.ports))
        print(f"No model server answers on this machine at ports {ports}. Start one, or name another port: --port N.")


def _heading(server: "LocalServer") -> str:
    version = f" {server.version}" if server.version else ""
    return f"{server.engine}{version} at {server.url}"


def _lines(server: "LocalServer") -> list[str]:
    """A line about each model, and one with the command that measures it."""
    from shlex import join

    if not server.models:
        why = "it wants a key before it lists its models" if server.needs_key else "it lists no models"
        return [f"  {why}", f"    {join(server.command(None))}"]
    lines = []
    for model in server.models[:_MOST_MODELS]:
        lines += [f"  {_said(model)}", f"    {join(server.command(model))}"]
    left = len(server.models) - _MOST_MODELS
    return [*lines, f"  and {left} more: aforo endpoints --json"] if left > 0 else lines


def _said(model: "LocalModel") -> str:
    state = {True: "loaded", False: "not loaded", None: None}[model.is_loaded]
    context = f"{model.context_tokens:,} tokens of context" if model.context_tokens else None
    kind = "embeddings" if model.is_embedding else None
    said = ", ".join(filter(None, [kind, state, context]))
    return f"{model.name} ({said})" if said else model.name
