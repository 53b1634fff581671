"""The size of a KV cache as predicted, and what a real llama-server sets aside."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.engines import needed_llama_server
from support.launch import launch

from profiler.models import facts, quantisations, synthetic
from profiler.models.kv_cache import allocated_bytes
from profiler.models.shapes import SHAPES, Shape
from profiler.servers.llama_cpp import kv_element_bytes
from profiler.servers.llama_server import LlamaServer
from profiler.servers.options import EngineOptions
from profiler.units import BYTES_PER_MIB

DECODERS = [shape for shape in SHAPES.values() if not shape.is_embedding]


def narrow(shape: Shape, **changes: int) -> Shape:
    """Return a shape with the layers and heads of another and next to no weights: a Llama, which takes such heads."""
    small = {"hidden_size": 64, "feed_forward_size": 64, "vocabulary_size": 8192, **changes}
    return replace(shape, **small, basename="Narrow", family="llama", rope_scaling=None)


def set_aside_bytes(shape: Shape, folder: Path, kv_cache: str, context_tokens: int, slots: int) -> tuple[float, int]:
    """Return what a real server says it allocates for keys and values, and what is predicted."""
    path = synthetic.make(shape, quantisations.named("Q8_0"), folder)
    said = facts.read(path)
    options = EngineOptions(
        engine_path=needed_llama_server(), kv_cache=kv_cache, engine_args=("--log-verbosity", "4", "--no-warmup")
    )
    server = LlamaServer(launch(said, streams=slots, context_tokens=context_tokens), options)
    server.start(folder / "log", lambda: None)
    server.stop()
    path.unlink()
    (told,) = re.findall(r"KV buffer size = +([\d.]+) MiB", (folder / "log").read_text("utf-8"))
    predicted = allocated_bytes(said, kv_element_bytes(kv_cache) or 0, context_tokens, slots)
    return float(told) * BYTES_PER_MIB, predicted or 0


@pytest.mark.real_server
@pytest.mark.parametrize("shape", DECODERS, ids=lambda shape: shape.id)
def test_the_layers_and_heads_of_every_shape(shape: Shape, tmp_path: Path) -> None:
    told, predicted = set_aside_bytes(narrow(shape), tmp_path, "f16", 500, 3)
    assert predicted == pytest.approx(told, rel=0.05)


@pytest.mark.real_server
@pytest.mark.parametrize(("kv_heads", "kv_cache"), [(8, "f16"), (8, "q8_0"), (2, "q8_0"), (2, "q4_0")])
def test_heads_that_share_keys_and_values_and_such_that_do_not(kv_heads: int, kv_cache: str, tmp_path: Path) -> None:
    shape = narrow(SHAPES["llama-3.2-1b"], heads=8, kv_heads=kv_heads)
    told, predicted = set_aside_bytes(shape, tmp_path, kv_cache, 2048, 1)
    assert predicted == pytest.approx(told, rel=0.05)


@pytest.mark.real_server
def test_the_whole_smallest_model_with_the_longest_context_that_it_was_made_for(tmp_path: Path) -> None:
    told, predicted = set_aside_bytes(SHAPES["smollm2-135m"], tmp_path, "f16", 8192, 1)
    assert predicted == pytest.approx(told, rel=0.05)
