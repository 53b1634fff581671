"""What a folder with a `config.json` says of the model in it: a checkpoint as transformers and vLLM read it."""

import re
from pathlib import Path
from typing import Any

from profiler.errors import ModelError
from profiler.models import card, config_facts, config_json, kv_cache, layout, safetensors_file
from profiler.models.files import OnProgress, ignore_progress, sha256_of_all
from profiler.models.gguf_header import Header, TensorInfo
from profiler.models.per_token import PerToken, per_token
from profiler.models.shapes import Shape
from profiler.models.synthetic import MARK
from profiler.results.manifest import ModelFacts

_F16 = 1  # ggml.h, enum ggml_type
_INDEX = "model.safetensors.index.json"
_SNAPSHOT = re.compile(r"models--(?:.+--)?(?P<repository>.+)/snapshots/[^/]+")
_TEMPLATES = ("tokenizer_config.json", "chat_template.json")  # the second one of processors of pictures


def read(folder: Path, source: str | None = None, on_progress: OnProgress = ignore_progress) -> ModelFacts:
    """Return the facts of a model folder.

    Its hash is that of the list of its files with their hashes (config, tokenizer, weights). Raises
    ModelError where there is no `config.json`, or a file is damaged.
    """
    config = config_json.read(_config(folder))
    language = config_facts.language_part(config)
    files = sorted({*_present(folder, "config.json", "tokenizer.json"), *_weights(folder)})
    said = card.read(folder)
    called = _called(folder, source)
    layers, kv_heads, head_size = _cache_sizes(config, language)
    needed = _per_token(folder, config)
    return ModelFacts(
        name=_synthetic_name(folder, config) or called,
        source=source or str(folder),
        path=str(folder.absolute()),
        size_bytes=sum(path.stat().st_size for path in files),
        sha256=sha256_of_all(files, on_progress),
        is_synthetic=config.get(MARK) is True,
        architecture=config_facts.text(config, "model_type"),
        parameters=_parameters(folder, config),
        quantisation=config_facts.quantisation(language),
        decode_weight_bytes=needed.weight_bytes if needed else None,
        decode_parameters=needed.parameters if needed else None,
        expert_bytes=needed.expert_bytes if needed else None,
        expert_ratio=needed.expert_ratio if needed else None,
        context_length=config_facts.context_length(language),
        layers=layers,
        hidden_size=config_facts.hidden_size(language),
        heads=config_facts.heads(language),
        kv_heads=kv_heads,
        head_size=head_size,
        kv_bytes_per_token=kv_cache.f16_bytes_per_token(
            layers, kv_heads, head_size, config_facts.latent_size(language)
        ),
        kv_cache_saving=config_facts.kv_cache_saving(language),
        vocabulary_size=config_facts.vocabulary_size(language),
        has_chat_template=_has_chat_template(folder),
        licence=said.licence,
        languages=said.languages,
        base_models=said.base_models,
        tags=said.tags,
        training=card.training([called], said.tags, said.task),
        fine_tuning=_fine_tuning(language),
        facts_from=card.sources(said),
        end_token_ids=_end_token_ids(folder, config, language),
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
    whole = folder.absolute()
    snapshot = _SNAPSHOT.search(whole.as_posix())
    return snapshot["repository"] if snapshot else whole.name


def _present(folder: Path, *patterns: str) -> list[Path]:
    """Return the files of a folder whose names match, each once."""
    return sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})


def _listed(index: Path) -> set[str]:
    """Return the names of the files that an index says the weights are in; none where there is no index."""
    named = config_json.read(index).get("weight_map") if index.is_file() else None
    return {name for name in named.values() if isinstance(name, str)} if isinstance(named, dict) else set()


def _weights(folder: Path) -> list[Path]:
    """Return the files of the weights, once where a folder holds several forms of them, as transformers and vLLM do.

    Those of the index; else all safetensors but Mistral's own form (`consolidated…`); else PyTorch's, which optimisers
    and arguments of a training lie beside. Raises ModelError where some of those in the index are missing.
    """
    found, listed = _present(folder, "*.safetensors"), _listed(folder / _INDEX)
    if listed and (kept := [path for path in found if path.name in listed]):
        if len(kept) < len(listed):
            raise ModelError(
                f"The model folder {folder} has {len(kept)} of the {len(listed)} files that its {_INDEX} lists. "
                "Download the others, too."
            )
        return kept
    usual = [path for path in found if not path.name.startswith(("consolidated", "adapter_model"))]
    return usual or found or _present(folder, "pytorch_model*.bin", "consolidated*.bin") or _present(folder, "*.bin")


def _synthetic_name(folder: Path, config: dict[str, Any]) -> str | None:
    if config.get(MARK) is not True:
        return None
    return f"{config_json.shape(folder / 'config.json').title} shape, synthetic weights"


def _cache_sizes(config: dict[str, Any], language: dict[str, Any]) -> tuple[int | None, int | None, int | None]:
    """Return layers, key-value heads and head size; a model that ends in a vector keeps no keys and values."""
    is_encoder = "bert" in (config_facts.text(config, "model_type") or "")
    kv_heads = None if is_encoder else config_facts.kv_heads(language)
    return config_facts.layers(language), kv_heads, config_facts.head_size(language)


def _parameters(folder: Path, config: dict[str, Any]) -> int | None:
    """Count what the weights hold; where there are none, or they are packed, what a model of the shape has."""
    weights = [path for path in _weights(folder) if path.suffix == ".safetensors"]
    tensors = [tensor for path in weights for tensor in safetensors_file.read(path).values()]
    if tensors and config_facts.packed(config_facts.language_part(config)) is None:
        return sum(tensor.elements for tensor in tensors)
    try:
        return layout.parameters(config_json.shape(folder / "config.json"))
    except ModelError:
        return None


def _per_token(folder: Path, config: dict[str, Any]) -> PerToken | None:
    """Count as for a GGUF file, for shapes that are known here and stored in two bytes a weight."""
    if config_facts.quantisation(config) not in {"BF16", "F16"}:
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


def _fine_tuning(config: dict[str, Any]) -> list[str]:
    """Return how the weights can be customised: all of them where they are whole, by an adapter where they are packed.

    QLoRA (T. Dettmers et al., 2023) packs whole weights itself. Random weights are not worth customising.
    """
    if config.get(MARK) is True:
        return []
    return ["full", "lora", "qlora"] if config_facts.packed(config) is None else ["lora"]


def _has_chat_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file():
        return True
    said = (config_json.read(path) for name in _TEMPLATES if (path := folder / name).is_file())
    return any(one.get("chat_template") for one in said)


def _end_token_ids(folder: Path, *configs: dict[str, Any]) -> list[int]:
    path = folder / "generation_config.json"
    said = [config_json.read(path)] if path.is_file() else []
    ends = next((end for one in (*said, *configs) if (end := one.get("eos_token_id")) is not None), None)
    ends = ends if isinstance(ends, list) else [ends]
    return sorted({end for end in ends if isinstance(end, int) and not isinstance(end, bool)})
