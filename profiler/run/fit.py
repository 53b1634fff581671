"""Which depths of context fit: into what the model was made for, and with model and KV cache into memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import psutil

from profiler.errors import UsageError
from profiler.hosts.cgroup import limits
from profiler.hosts.tree import Tree
from profiler.models import kv_cache
from profiler.number_format import plain_quantity
from profiler.results.manifest import ModelFacts
from profiler.run import sizing
from profiler.run.options import Options
from profiler.run.settings import every_options
from profiler.search.variants import at_depth, variants_of
from profiler.servers.engine import Cards, Engine
from profiler.servers.engines import ENGINES, engine_called
from profiler.servers.llama_server import SLOTS_OF_OPEN_LOOP
from profiler.workloads.load import Loaded
from profiler.workloads.schema import Workload

BUFFERS_RATIO = 0.1
"""Room for what an engine computes in, beside model and KV cache, as a share of these."""


class Fit(NamedTuple):
    """A workload with the depths that fit, what of them is told before anything starts, and what was left out."""

    workload: Workload
    notes: Sequence[str] = ()
    left_out: Sequence[str] = ()


class _Needs(NamedTuple):
    """What a server takes of memory; `None` where the sizes are not known or another memory holds them."""

    model_bytes: int
    token_bytes: float  # keys and values of one token, of all slots

    def bytes(self, context_tokens: int) -> float:
        return (self.model_bytes + self.token_bytes * context_tokens) * (1 + BUFFERS_RATIO)

    def most_tokens(self, room_bytes: int) -> int:
        return int((room_bytes / (1 + BUFFERS_RATIO) - self.model_bytes) / self.token_bytes)


class _Room(NamedTuple):
    """Memory that a server may take, and which that is."""

    bytes: int
    words: str


def fit_depths(
    loaded: Loaded,
    options: Options,
    model: ModelFacts,
    room_bytes: int | None,
    served_tokens: int | None = None,
    cards: Callable[[], Cards | None] = lambda: None,
) -> Fit:
    """Return a workload without the depths that do not fit, each named with how far it would go.

    `room_bytes` is the memory of the machine that a server may take, `served_tokens` the context of one that runs
    already; `None` where that is not known. `cards` looks for the GPUs that it fills first, and is called where there
    are depths. Raises `UsageError` where none fits.
    """
    workload = loaded.workload
    depths = [each for each in dict.fromkeys(v.depth_tokens for v in variants_of(workload)) if each is not None]
    if not depths:
        return Fit(workload)
    needs, found = _needs(options, loaded, model), cards() if room_bytes is not None else None
    room = _room(room_bytes, found)
    beside = sizing.needed_tokens(replace(loaded, workload=at_depth(workload, 0)))
    most, why = _most_tokens(options, model, needs, room, served_tokens)
    fitting = [depth for depth in depths if most is None or depth + beside <= most]
    left_out = [
        f"Depth {depth:,} was left out: with prompt and response it takes {depth + beside:,} tokens, and {why}. Depths "
        f"up to {max(0, (most or 0) - beside):,} fit."
        for depth in depths
        if depth not in fitting
    ]
    if not fitting:
        raise UsageError("\n".join(left_out))
    notes = [*left_out, *_announced(max(fitting) + beside, needs, room, model), *_not_judged(needs, found)]
    return Fit(at_depth(workload, fitting), notes, left_out)


def available_bytes(tree: Tree) -> int:
    """Return the memory that is free for a server on this machine, or in the control group of this process."""
    free_bytes = int(psutil.virtual_memory().available)
    limit_bytes = limits(tree).memory_limit_bytes
    return free_bytes if limit_bytes is None else min(free_bytes, limit_bytes)


def gpus_of(options: Options) -> Cards | None:
    """Return the GPUs that the engine of a run fills by itself; its program is asked."""
    engine = _engine(options)
    return engine.cards(options) if engine is not None else None


def _engine(options: Options) -> Engine | None:
    return engine_called(options.engine) if options.engine else ENGINES[0]


def _room(main_bytes: int | None, cards: Cards | None) -> _Room | None:
    """Return what a server may take: of the machine, and of GPUs that it fills before; `None` where not known."""
    if main_bytes is None or (cards is not None and cards.free_bytes is None):
        return None
    if cards is None or cards.free_bytes is None:
        return _Room(main_bytes, f"{plain_quantity(main_bytes, 'bytes')} of main memory")
    both, of_cards, of_main = (
        plain_quantity(size, "bytes") for size in (main_bytes + cards.free_bytes, cards.free_bytes, main_bytes)
    )
    return _Room(
        main_bytes + cards.free_bytes, f"{both} of memory ({of_cards} of {cards.names}, {of_main} of the machine)"
    )


def _not_judged(needs: _Needs | None, cards: Cards | None) -> list[str]:
    if needs is None or cards is None or cards.free_bytes is not None:
        return []
    return [
        f"Whether a context fits into memory is not predicted: the server has {cards.names}, and how much of the model "
        "goes there is not known. --gpu-layers sets it; 0 is none."
    ]


def _most_tokens(
    options: Options, model: ModelFacts, needs: _Needs | None, room: _Room | None, served_tokens: int | None
) -> tuple[int | None, str]:
    """Return the longest context that fits, and what is short beyond it."""
    found: list[tuple[int, str]] = []
    if model.context_length is not None:
        found.append((model.context_length, f"the model {model.name} was made for {model.context_length:,}"))
    if served_tokens is not None:
        found.append((served_tokens, f"the server says that it has {served_tokens:,}"))
    if options.context_tokens is not None:
        found.append((options.context_tokens, f"--context allows {options.context_tokens:,}"))
    if needs is not None and room is not None:
        most = needs.most_tokens(room.bytes) // kv_cache.CELLS_AT_ONCE * kv_cache.CELLS_AT_ONCE
        sizes = (
            f"{plain_quantity(needs.model_bytes, 'bytes')} of model and {plain_quantity(needs.token_bytes, 'bytes')}"
        )
        found.append((max(0, most), f"{room.words} are available for {sizes} of KV cache per token"))
    return min(found, default=(None, ""))


def _needs(options: Options, loaded: Loaded, model: ModelFacts) -> _Needs | None:
    """Return what the server takes of memory; where --gpu-layers says how much goes where, that is not known here.

    Nor of a model that keeps less than all tokens of a context: a depth that fits is not to be left out.
    """
    if model.kv_cache_saving is not None:
        return None
    engine = _engine(options)
    elements = kv_cache.elements_per_token(model)
    if engine is None or engine.model_form != "gguf" or options.gpu_layers or elements is None or not model.size_bytes:
        return None
    every = every_options(options, loaded.workload)  # of a sweep over settings that which takes most
    usual = (sizing.streams(loaded.workload) or SLOTS_OF_OPEN_LOOP) if "slots" in engine.options else 1
    slots = [each.slots or usual for each in every]
    sizes = [size for each in every if (size := engine.kv_element_bytes(each.kv_cache)) is not None]
    if len(sizes) < len(every):
        return None
    return _Needs(model.size_bytes, elements * max(size * count for size, count in zip(sizes, slots, strict=True)))


def _announced(context_tokens: int, needs: _Needs | None, room: _Room | None, model: ModelFacts) -> list[str]:
    if model.kv_cache_saving is not None:
        return [f"How much memory a context of {model.name} takes is not predicted: {model.kv_cache_saving}."]
    if needs is None or room is None:
        return []
    taken, token = (plain_quantity(size, "bytes") for size in (needs.bytes(context_tokens), needs.token_bytes))
    return [
        f"The deepest context, {context_tokens:,} tokens, takes {taken} of {room.words}: {token} of KV cache per token."
    ]
