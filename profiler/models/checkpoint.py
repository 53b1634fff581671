"""What a folder with a `config.json` says of the model in it: a checkpoint as transformers and vLLM read it."""

from pathlib import Path
from typing import Any

from profiler.errors import ModelError
from profiler.models import card, config_json, kv_cache, layout, safetensors_file
from profiler.models.files import OnProgress, ignore_progress, sha256_of_all
from profiler.models.gguf_header import Header, TensorInfo
from profiler.models.per_token import PerToken, per_token
from profiler.models.shapes import Shape
from profiler.models.synthetic import MARK
from profiler.results.manifest import ModelFacts

_DTYPES = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}
_HASHED = ("config.json", "tokenizer.json", "*.safetensors", "*.bin")
_F16 = 1  # ggml.h, enum ggml_type


def read(folder: Path, source: str | None = None, on_progress: OnProgress = ignore_progress) -> ModelFacts:
    """Return the facts of a model folder.

    Its hash is that of the list of its files with their hashes (config, tokenizer, weights). Raises
    ModelError where there is no `config.json`, or a file is damaged.
    """
    config = config_json.read(_config(folder))
    files = sorted({path for pattern in _HASHED for path in folder.glob(pattern) if path.is_file()})
    said = card.read(folder)
    called = _called(folder, source)
    layers, kv_heads, head_size = _cache_sizes(config)
    needed = _per_token(folder, config)
    return ModelFacts(
        name=_synthetic_name(folder, config) or called,
        source=source or str(folder),
        path=str(folder.absolute()),
        size_bytes=sum(path.stat().st_size for path in files),
        sha256=sha256_of_all(files, on_progress),
        is_synthetic=config.get(MARK) is True,
        architecture=_text(config, "model_type"),
        parameters=_parameters(folder, config),
        quantisation=_quantisation(config),
        decode_weight_bytes=needed.weight_bytes if needed else None,
        decode_parameters=needed.parameters if needed else None,
        expert_bytes=needed.expert_bytes if needed else None,
        expert_ratio=needed.expert_ratio if needed else None,
        context_length=_count(config, "max_position_embeddings"),
        layers=layers,
        hidden_size=_count(config, "hidden_size"),
        heads=_count(config, "num_attention_heads"),
        kv_heads=kv_heads,
        head_size=head_size,
        kv_bytes_per_token=kv_cache.f16_bytes_per_token(layers, kv_heads, head_size),
        vocabulary_size=_count(config, "vocab_size"),
        has_chat_template=_has_chat_template(folder),
        licence=said.licence,
        languages=said.languages,
        base_models=said.base_models,
        tags=said.tags,
        training=card.training([called], said.tags, said.task),
        fine_tuning=_fine_tuning(config),
        facts_from=card.sources(said),
        end_token_ids=_end_token_ids(folder, config),
    )


def _config(folder: Path) -> Path:
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(
            f"The model folder {folder} holds no config.json. Name a folder that does, or the .gguf file inside it."
        )
    return path


def _called(folder: Path, source: str | None) -> str:
    """Return the name of the repository on the hub, whose cache names folders after commits, or the folder's."""
    if source and source.startswith("hf:"):
        return source.rpartition("/")[2].partition("@")[0]
    return folder.absolute().name


def _synthetic_name(folder: Path, config: dict[str, Any]) -> str | None:
    if config.get(MARK) is not True:
        return None
    return f"{config_json.shape(folder / 'config.json').title} shape, synthetic weights"


def _cache_sizes(config: dict[str, Any]) -> tuple[int | None, int | None, int | None]:
    """Return layers, key-value heads and head size."""
    heads, hidden = _count(config, "num_attention_heads"), _count(config, "hidden_size")
    derived = hidden // heads if heads and hidden else None
    return (
        _count(config, "num_hidden_layers"),
        _count(config, "num_key_value_heads") or heads,
        _count(config, "head_dim") or derived,
    )


def _parameters(folder: Path, config: dict[str, Any]) -> int | None:
    """Count what the weights hold; where there are none, or they are packed, what a model of the shape has."""
    weights = sorted(folder.glob("*.safetensors"))
    tensors = [tensor for path in weights for tensor in safetensors_file.read(path).values()]
    if tensors and "quantization_config" not in config:
        return sum(tensor.elements for tensor in tensors)
    try:
        return layout.parameters(config_json.shape(folder / "config.json"))
    except ModelError:
        return None


def _per_token(folder: Path, config: dict[str, Any]) -> PerToken | None:
    """Count as for a GGUF file, for shapes that are known here and stored in two bytes a weight."""
    if "quantization_config" in config or _quantisation(config) not in {"BF16", "F16"}:
        return None
    try:
        return per_token_of(config_json.shape(folder / "config.json"))
    except ModelError:
        return None


def per_token_of(shape: Shape) -> PerToken:
    """Return what a token takes of a model whose weights all have two bytes."""
    kept = (tensor for tensor in layout.tensors(shape) if tensor.name != layout.ROPE_FACTORS)
    header = Header(0, {}, [TensorInfo(tensor.name, tensor.dimensions, _F16, 0) for tensor in kept])
    return per_token(header)


def _quantisation(config: dict[str, Any]) -> str | None:
    packed = config.get("quantization_config")
    if isinstance(packed, dict):
        method, bits = packed.get("quant_method"), packed.get("bits")
        return f"{method or 'quantised'}{f' {bits} bit' if bits else ''}"
    dtype = _text(config, "torch_dtype") or _text(config, "dtype")
    return _DTYPES.get(dtype, dtype) if dtype else None


def _fine_tuning(config: dict[str, Any]) -> list[str]:
    """Return how the weights can be customised: all of them where they are whole, by an adapter where they are packed.

    QLoRA (T. Dettmers et al., 2023) packs whole weights itself. Random weights are not worth customising.
    """
    if config.get(MARK) is True:
        return []
    return ["lora"] if "quantization_config" in config else ["full", "lora", "qlora"]


def _has_chat_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file():
        return True
    path = folder / "tokenizer_config.json"
    return path.is_file() and bool(config_json.read(path).get("chat_template"))


def _end_token_ids(folder: Path, config: dict[str, Any]) -> list[int]:
    path = folder / "generation_config.json"
    generation = config_json.read(path) if path.is_file() else {}
    ends = generation.get("eos_token_id", config.get("eos_token_id"))
    ends = ends if isinstance(ends, list) else [ends]
    return sorted({end for end in ends if isinstance(end, int) and not isinstance(end, bool)})


def _text(config: dict[str, Any], key: str) -> str | None:
    value = config.get(key)
    return value if isinstance(value, str) else None


def _count(config: dict[str, Any], key: str) -> int | None:
    value = config.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
