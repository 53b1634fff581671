"""Shapes from the `config.json` that comes with a model, as the transformers library writes it."""

import sys
from pathlib import Path
from typing import Any

from profiler.errors import ModelError
from profiler.files import parse_json, read_bytes
from profiler.models.shapes import Family, Llama3Rope, Shape
from profiler.models.vocabulary import smallest_size

FAMILIES: dict[str, Family] = {
    "LlamaForCausalLM": "llama",
    "MistralForCausalLM": "mistral",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
}
"""By name in `architectures`."""

LARGEST_FILE_BYTES = 256 * 1024 * 1024  # tokenizer_config.json of the largest vocabularies has a tenth

_ROPE_THETA = 10_000.0  # what transformers takes where the file is silent
_NORM_EPSILON = 1e-6

# What no model comes near; sizes beyond are damage or a joke, and would be reckoned with for hours.
_MOST = {"num_hidden_layers": 10_000, "num_attention_heads": 100_000, "head_dim": 65_536, "vocab_size": 10_000_000}
_MOST_OF_ANYTHING = 1 << 40
_LONGEST_SHOWN = 40


def read(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; raises ModelError where there is none."""
    try:
        found = parse_json(read_bytes(path, LARGEST_FILE_BYTES))
    except OSError as error:
        raise ModelError(f"The file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ModelError(f"The file {path} is not JSON ({error}). Download it again.") from None
    if not isinstance(found, dict):
        raise ModelError(f"The file {path} holds no JSON object, expected {{…}}. Download it again.")
    return found


def shape(path: Path) -> Shape:
    """Return the shape that a `config.json` describes.

    Raises ModelError where the file cannot be read, misses a size, or describes a model of another make.
    """
    config = _Config(path, read(path))
    hidden, heads = config.count("hidden_size"), config.count("num_attention_heads")
    found = Shape(
        basename=_name(path, config.values),
        size_label="",
        family=_family(path, config.values),
        hidden_size=hidden,
        feed_forward_size=config.count("intermediate_size"),
        layers=config.count("num_hidden_layers"),
        heads=heads,
        kv_heads=config.count("num_key_value_heads", heads),
        head_size=config.count("head_dim", hidden // heads),
        vocabulary_size=config.count("vocab_size"),
        context_tokens=config.count("max_position_embeddings"),
        rope_theta=config.number(config.rope().get("rope_theta"), _ROPE_THETA),
        norm_epsilon=config.number(config.values.get("rms_norm_eps"), _NORM_EPSILON),
        has_tied_embeddings=config.values.get("tie_word_embeddings") is True,
        source=f"{path.name} of {_name(path, config.values)}",
        rope_scaling=_scaling(path, config),
    )
    _check(path, found, config.values)
    return found


class _Config:
    """The values of a file, with complaints that name the file and the key."""

    def __init__(self, path: Path, values: dict[str, Any]) -> None:
        self._path = path
        self.values = values

    def count(self, key: str, default: int | None = None) -> int:
        """Return a positive whole number; `default` where the key is missing or null."""
        value = self.values.get(key)
        value = default if value is None else value
        most = _MOST.get(key, _MOST_OF_ANYTHING)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise ModelError(f"{self._path}: {key} is {_shown(value)}, expected a whole number from 1 to {most}.")
        return value

    def number(self, value: object, default: float) -> float:
        """Return a positive number; `default` where there is none. Raises ModelError for an infinite one, or 0."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            return default
        if not 0 < value <= sys.float_info.max:
            raise ModelError(f"{self._path}: a setting is {_shown(value)}, expected a number above 0.")
        return float(value)

    def rope(self) -> dict[str, Any]:
        """Return all that concerns rotary positions, where older or newer files keep it."""
        parts = (self.values.get(key) for key in ("rope_scaling", "rope_parameters"))
        found = {"rope_theta": self.values.get("rope_theta")}
        for part in parts:
            if isinstance(part, dict):
                found |= part
        return found


def _family(path: Path, config: dict[str, Any]) -> Family:
    names = config.get("architectures")
    names = names if isinstance(names, list) else []
    for name in names:
        if isinstance(name, str) and name in FAMILIES:
            return FAMILIES[name]
    raise ModelError(
        f"{path}: the architecture {', '.join(map(str, names)) or 'is not named'}"
        f"{' cannot be made' if names else ''}. Known architectures: {', '.join(FAMILIES)}."
    )


def _scaling(path: Path, config: _Config) -> Llama3Rope | None:
    rope = config.rope()
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind == "default":
        return None
    if kind != "llama3":
        raise ModelError(f"{path}: rotary positions of the type {kind!r} are not known. Known: default, llama3.")
    low, high = config.number(rope.get("low_freq_factor"), 1.0), config.number(rope.get("high_freq_factor"), 4.0)
    if low >= high:
        raise ModelError(f"{path}: low_freq_factor is {low:g}, expected less than high_freq_factor, {high:g}.")
    return Llama3Rope(
        factor=config.number(rope.get("factor"), 8.0),
        low_frequency_factor=low,
        high_frequency_factor=high,
        original_context_tokens=round(config.number(rope.get("original_max_position_embeddings"), 8192)),
    )


def _check(path: Path, found: Shape, config: dict[str, Any]) -> None:
    if found.heads % found.kv_heads:
        raise ModelError(
            f"{path}: {found.heads} attention heads cannot share {found.kv_heads} key-value heads; "
            "num_attention_heads must be a multiple of num_key_value_heads."
        )
    if found.head_size % 2:
        raise ModelError(f"{path}: head_dim is {found.head_size}, expected an even number.")
    if found.vocabulary_size < smallest_size():
        raise ModelError(
            f"{path}: vocab_size is {found.vocabulary_size}; a synthetic vocabulary takes {smallest_size()} or more."
        )
    for key in ("attention_bias", "mlp_bias"):
        if found.family != "qwen2" and config.get(key):
            raise ModelError(f"{path}: {key} is set, and a {found.family} shape is made without biases.")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _name(path: Path, config: dict[str, Any]) -> str:
    """Return the last part of the name that the model was saved under, or else its folder's name."""
    saved_as = config.get("_name_or_path")
    name = saved_as.rstrip("/").rpartition("/")[2] if isinstance(saved_as, str) else ""
    return name or path.absolute().parent.name or "model"


def describe(shape: Shape, mark: str) -> dict[str, Any]:
    """Return the `config.json` of a shape; `mark` is the key that says that its weights are synthetic."""
    architecture = next(name for name, family in FAMILIES.items() if family == shape.family)
    config: dict[str, Any] = {
        "_name_or_path": shape.title,
        "architectures": [architecture],
        "model_type": shape.family,
        "hidden_act": "silu",
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.feed_forward_size,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_size,
        "vocab_size": shape.vocabulary_size,
        "max_position_embeddings": shape.context_tokens,
        "rope_theta": shape.rope_theta,
        "rms_norm_eps": shape.norm_epsilon,
        "tie_word_embeddings": shape.has_tied_embeddings,
        "attention_dropout": 0.0,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "torch_dtype": "bfloat16",
        mark: True,
    }
    if shape.family == "mistral":
        config["sliding_window"] = None
    if shape.rope_scaling is not None:
        config["rope_scaling"] = {
            "rope_type": "llama3",
            "factor": shape.rope_scaling.factor,
            "low_freq_factor": shape.rope_scaling.low_frequency_factor,
            "high_freq_factor": shape.rope_scaling.high_frequency_factor,
            "original_max_position_embeddings": shape.rope_scaling.original_context_tokens,
        }
    return config
