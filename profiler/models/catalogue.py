"""The shapes that can be made here: what each takes, and which are made already."""

from dataclasses import dataclass
from pathlib import Path

from profiler.cache import cache_folder
from profiler.models import checkpoint, checkpoint_form, kv_cache, layout, quantisations, synthetic
from profiler.models.card import CARD
from profiler.models.gguf_header import Header, TensorInfo
from profiler.models.locate import FOR_VLLM, shape_of, split_name
from profiler.models.per_token import PerToken, per_token
from profiler.models.quantisations import QUANTISATIONS, Quantisation
from profiler.models.shapes import SHAPES, Shape
from profiler.results.manifest import ModelFacts


@dataclass(frozen=True)
class Entry:
    """A shape, and what its forms take."""

    id: str
    architecture: str
    parameters: int
    context_tokens: int
    kv_bytes_per_token: int | None
    size_bytes: dict[str, int]
    """By quantisation: what the weights take."""
    made: dict[str, str]
    """By quantisation, or `vllm`: path in the cache."""
    source: str


def entries() -> list[Entry]:
    """Return every shape, smallest first."""
    models = cache_folder() / "models"
    return sorted((_entry(shape, models) for shape in SHAPES.values()), key=lambda entry: entry.parameters)


def _entry(shape: Shape, models: Path) -> Entry:
    paths = {name: models / synthetic.file_name(shape, quantisation) for name, quantisation in QUANTISATIONS.items()}
    made = {name: str(path) for name, path in paths.items() if synthetic.is_whole(path)}
    folder = models / checkpoint_form.folder_name(shape)
    if (folder / "config.json").exists():
        made[FOR_VLLM] = str(folder)
    return Entry(
        id=shape.id,
        architecture=shape.architecture,
        parameters=layout.parameters(shape),
        context_tokens=shape.context_tokens,
        kv_bytes_per_token=_kv_bytes_per_token(shape),
        size_bytes={name: synthetic.size_bytes(shape, quantisation) for name, quantisation in QUANTISATIONS.items()},
        made=made,
        source=shape.source,
    )


def _kv_bytes_per_token(shape: Shape) -> int | None:
    if shape.is_embedding:
        return None
    return kv_cache.f16_bytes_per_token(shape.layers, shape.kv_heads, shape.head_size)


def cached(name: str) -> Path | None:
    """Return the path of a synthetic model, named as after `synthetic:`, where it is made already.

    Raises ModelError where there is no such shape or quantisation.
    """
    shape_name, quantisation_name = split_name(name)
    shape, models = shape_of(shape_name), cache_folder() / "models"
    if quantisation_name == FOR_VLLM:
        folder = models / checkpoint_form.folder_name(shape)
        return folder if (folder / "config.json").exists() else None
    path = models / synthetic.file_name(shape, quantisations.named(quantisation_name))
    return path if synthetic.is_whole(path) else None


def _per_token(shape: Shape, quantisation: Quantisation) -> PerToken:
    stored = synthetic.stored_tensors(shape, quantisation)
    rows = [TensorInfo(tensor.name, tensor.dimensions, tensor.tensor_type, 0) for tensor in stored]
    return per_token(Header(0, {}, rows))


def expected_facts(name: str) -> ModelFacts:
    """Return what the facts of a synthetic model will be, without making it; path and hash are None.

    Raises as `cached` does.
    """
    shape_name, quantisation_name = split_name(name)
    shape = shape_of(shape_name)
    is_gguf = quantisation_name != FOR_VLLM
    quantisation = quantisations.named(quantisation_name) if is_gguf else None
    needed = _per_token(shape, quantisation) if quantisation else checkpoint.per_token_of(shape)
    return ModelFacts(
        name=f"{shape.title} shape, synthetic weights",
        source=f"synthetic:{name}",
        path=None,
        size_bytes=synthetic.size_bytes(shape, quantisation) if quantisation else None,
        sha256=None,
        is_synthetic=True,
        architecture=shape.architecture if is_gguf else shape.family,
        parameters=layout.parameters(shape),
        quantisation=quantisation.name if quantisation else "BF16",
        decode_weight_bytes=needed.weight_bytes,
        decode_parameters=needed.parameters,
        expert_bytes=needed.expert_bytes,
        expert_ratio=needed.expert_ratio,
        context_length=shape.context_tokens,
        layers=shape.layers,
        hidden_size=shape.hidden_size,
        heads=shape.heads,
        kv_heads=None if shape.is_embedding else shape.kv_heads,
        head_size=shape.head_size,
        kv_bytes_per_token=_kv_bytes_per_token(shape),
        vocabulary_size=shape.vocabulary_size,
        has_chat_template=not shape.is_embedding,
        licence="cc0-1.0",
        facts_from={"licence": "GGUF" if quantisation else CARD},
        training="embedding" if shape.is_embedding else None,
    )
