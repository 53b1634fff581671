"""The size of a server that is to be started: context and requests in flight; and the CPUs of either side."""

from dataclasses import replace
from pathlib import Path

from profiler.errors import UsageError
from profiler.hosts.fast_cores import fast_cpus
from profiler.hosts.tree import Tree
from profiler.hosts.usable_cpus import usable_cpus
from profiler.models import kv_cache
from profiler.results.manifest import ModelFacts
from profiler.run.cpus import CpuSets, choose_cpus, parse_cpus
from profiler.run.options import Options
from profiler.search.sizing import most_rows
from profiler.search.strategy import most_in_flight
from profiler.search.variants import at_depth, variants_of
from profiler.workloads.load import Loaded
from profiler.workloads.schema import ClosedLoop, DataPrompts, Saturate, SloSearch, SyntheticPrompts, Workload
from profiler.workloads.sizes import Size, largest

_HERE = Tree(Path("/"))
_DEFAULT_CONTEXT_TOKENS = 4096
_CHAT_TEMPLATE_TOKENS = 64  # room for what a chat template adds around a prompt …
_CHAT_MESSAGE_TOKENS = 8  # … and around each further message


def streams(workload: Workload) -> int | None:
    """Return how many requests are in flight at most; `None` where arrivals follow a schedule."""
    load = workload.load
    is_closed = isinstance(load, ClosedLoop | Saturate) or (isinstance(load, SloSearch) and load.over == "concurrency")
    return most_in_flight(workload) if is_closed else None


def client_cpus(options: Options) -> CpuSets:
    """Choose CPUs for the client alone, whose server runs already."""
    if not options.client_cpus:
        return cpu_sets(options, threads=None)
    reason = f"as asked: --client-cpus {options.client_cpus}"
    return CpuSets(reason, parse_cpus(options.client_cpus, "--client-cpus", usable_cpus()))


def cpu_sets(options: Options, threads: int | None) -> CpuSets:
    """Choose CPUs for client and server."""
    usable = usable_cpus()
    slow = (usable or frozenset()).difference(fast_cpus(usable or (), _HERE))
    return choose_cpus(options.client_cpus, options.server_cpus, usable, threads, options.client_workers, slow)


def _shorten(loaded: Loaded, excess_tokens: int, output_tokens: int) -> str:
    """Say which option makes a workload shorter by so many tokens, where one does."""
    prompts = loaded.workload.prompts
    if loaded.trace:
        return ", or cut long prompts with --clip-tokens"
    if output_tokens > excess_tokens:
        return ", or pass a smaller --output-tokens"
    if isinstance(prompts, SyntheticPrompts):
        is_system = prompts.system is not None and prompts.system.tokens > prompts.tokens
        return f", or pass a smaller {'--system-tokens' if is_system else '--prompt-tokens'}"
    return ""


def contexts(asked: int | None, loaded: Loaded, model: ModelFacts) -> dict[int | None, int]:
    """Choose the context of each depth of a workload; most have the depth `None` alone. Raises `UsageError`."""
    found = {}
    for depth in dict.fromkeys(variant.depth_tokens for variant in variants_of(loaded.workload)):
        workload = loaded.workload if depth is None else at_depth(loaded.workload, [depth])
        found[depth] = context_tokens(asked, replace(loaded, workload=workload), model)
    return found


def context_tokens(asked: int | None, loaded: Loaded, model: ModelFacts) -> int:
    """Choose a context that holds prompt and output, within what the model was made for."""
    size, limit = _largest(loaded), model.context_length
    needed = size.prompt_tokens + size.output_tokens + template_tokens(size.messages)
    if size.is_guess:  # items that turn out to be longer are left out, by name
        return asked or min(_roomy(needed, loaded.workload), limit or needed + _DEFAULT_CONTEXT_TOKENS)
    where = f" ({size.where}: {size.prompt_tokens} in, {size.output_tokens} out)" if size.where else ""
    why = f"{needed} tokens{where}"
    if limit is not None and needed > limit:
        remedy = _shorten(loaded, needed - limit, size.output_tokens)
        raise UsageError(
            f"The workload {loaded.workload.id} needs a context of {why}, the model {model.name} was made for {limit}. "
            f"Choose another workload or model{remedy}."
        )
    if asked is None:
        return min(_roomy(needed, loaded.workload), limit or needed + _DEFAULT_CONTEXT_TOKENS)
    if asked < needed:
        raise UsageError(f"--context {asked}: the workload {loaded.workload.id} needs at least {why}.")
    return asked


def needed_tokens(loaded: Loaded) -> int:
    """Return the context that prompt and response of the largest request need."""
    size = _largest(loaded)
    return size.prompt_tokens + size.output_tokens + template_tokens(size.messages)


def _largest(loaded: Loaded) -> Size:
    rows = most_rows(loaded.workload, most_in_flight(loaded.workload))
    return largest(loaded.workload, loaded.trace, rows, loaded.data)


def template_tokens(messages: int) -> int:
    """Return the room to leave for what a chat template adds around so many messages."""
    return _CHAT_TEMPLATE_TOKENS + _CHAT_MESSAGE_TOKENS * (messages - 1)


def _roomy(needed: int, workload: Workload) -> int:
    """Leave a single stream room; of many, each gets what it needs, for all of it is taken from memory."""
    is_exact = isinstance(workload.prompts, SyntheticPrompts) and workload.prompts.depth != 0
    if isinstance(workload.prompts, DataPrompts) or (streams(workload) == 1 and not is_exact):
        return max(_DEFAULT_CONTEXT_TOKENS, needed)
    return kv_cache.cells(needed)
