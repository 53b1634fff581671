"""The engines that Aforo can start, in the order in which they are chosen."""

from collections.abc import Collection, Sequence

from profiler.results.manifest import EngineFacts
from profiler.servers import llama_cpp_python, llama_server, vllm
from profiler.servers.engine import Engine

ENGINES: Sequence[Engine] = (llama_server.ENGINE, llama_cpp_python.ENGINE, vllm.ENGINE)


def engine_called(name: str) -> Engine | None:
    """Return the engine of this name; `None` for one that Aforo cannot start, such as an external endpoint."""
    return next((engine for engine in ENGINES if engine.name == name), None)


def slow_build(facts: EngineFacts, features: Collection[str]) -> str | None:
    """Say what a build leaves unused of a CPU with these features, and what to do; `None` where it is not known."""
    engine = engine_called(facts.name)
    unused = engine.unused_instructions(facts.build, features) if engine else ()
    if not engine or not unused:
        return None
    return (
        f"{engine.name} was compiled without {', '.join(unused)}, which this CPU has: what was measured may be "
        f"the build's limit, not the hardware's. {engine.remedy}"
    )
