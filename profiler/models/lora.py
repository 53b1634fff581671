"""LoRA adapters: what a file says of itself, and adapters with random weights to measure the cost of one.

A matrix W with an adapter works as W + alpha / rank · B · A, with A of rank × columns and B of rows × rank
(Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1).
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod, sqrt
from pathlib import Path
from typing import Any

from profiler.errors import ModelError
from profiler.models import config_json, gguf_header, gguf_writer, layout, quantisations, safetensors_file
from profiler.models.files import OnProgress, ignore_progress, replacing, sha256, sha256_of_all
from profiler.models.gguf_writer import Field, StoredTensor, boolean, f32, text, u32
from profiler.models.random_bytes import SECOND, RandomBytes
from profiler.models.safetensors_file import TensorInfo
from profiler.models.shapes import Shape
from profiler.models.synthetic import MARK, RECIPE, file_stem
from profiler.results.manifest import LoraFacts, ModelFacts

TARGETS = {
    # What the command line calls them: llama.cpp's names of the matrices.
    "attention": ("attn_q", "attn_k", "attn_v", "attn_output"),
    "all": ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"),
}

MODULES = {
    # llama.cpp's name of a matrix: the name in transformers and PEFT.
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}

_LARGEST_ALPHA = 1e30  # a number beyond says nothing
_F16 = 1
_B_DEVIATION = 0.1
"""Size of what an adapter adds, against what the matrix itself gives."""

_PEFT_CONFIG, _PEFT_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_FORMS = "a .gguf adapter, or a PEFT folder with adapter_config.json and adapter_model.safetensors"


@dataclass(frozen=True)
class _Part:
    """A or B of one matrix."""

    layer: int
    target: str
    letter: str
    columns: int
    rows: int
    deviation: float

    @property
    def gguf_name(self) -> str:
        return f"blk.{self.layer}.{self.target}.weight.lora_{self.letter.lower()}"

    @property
    def peft_name(self) -> str:
        return f"base_model.model.model.layers.{self.layer}.{MODULES[self.target]}.lora_{self.letter}.weight"

    def draw(self, random: RandomBytes) -> bytearray:
        return quantisations.DRAWS[_F16](random, self.columns * self.rows, self.deviation)


def name_of(shape: Shape, rank: int, targets: str) -> str:
    """Return the name of a synthetic adapter, without an ending."""
    return f"{file_stem(shape)}-lora-r{rank}-{targets}-synthetic-v{RECIPE}"


def make_gguf(shape: Shape, rank: int, targets: str, path: Path) -> Path:
    """Write an adapter for llama.cpp and return its path; alpha is twice the rank.

    Raises ModelError where the rank or the targets do not suit the shape, or the file cannot be written.
    """
    parts = _parts(shape, rank, targets)
    stored = {StoredTensor(part.gguf_name, (part.columns, part.rows), _F16): part for part in parts}
    random = RandomBytes(SECOND)

    def pieces(tensor: StoredTensor) -> Iterator[bytearray]:
        yield stored[tensor].draw(random)

    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            gguf_writer.write(file, _metadata(shape, rank, targets), list(stored), pieces)
    except OSError as error:
        raise _unwritten(path, error) from error
    return path


def make_peft(shape: Shape, rank: int, targets: str, folder: Path) -> Path:
    """Write an adapter for vLLM, a folder in the form of the PEFT library, and return its path.

    Raises as `make_gguf` does.
    """
    parts = _parts(shape, rank, targets)
    tensors = {part.peft_name: TensorInfo("F16", (part.rows, part.columns)) for part in parts}
    random = RandomBytes(SECOND)
    try:
        with replacing(folder / _PEFT_WEIGHTS) as temporary, temporary.open("wb") as file:
            data = (part.draw(random) for part in parts)
            safetensors_file.write(file, tensors, data, {"format": "pt"})
        with replacing(folder / _PEFT_CONFIG) as temporary:
            temporary.write_text(json.dumps(_peft_config(shape, rank, targets), indent=1), "utf-8")
    except OSError as error:
        raise _unwritten(folder, error) from error
    return folder


def _unwritten(path: Path, error: OSError) -> ModelError:
    return ModelError(
        f"The adapter {path} could not be written ({error.strerror or error}). "
        "Free some disk space, or name another place with --out."
    )


def _parts(shape: Shape, rank: int, targets: str) -> list[_Part]:
    """Return A and B of every matrix that is adapted."""
    if targets not in TARGETS:
        raise ModelError(f"Unknown targets {targets!r}. Known ones: {', '.join(TARGETS)}.")
    if shape.is_embedding:
        raise ModelError(f"The shape {shape.id} takes no adapter here; name one of a model that generates text.")
    if not 1 <= rank <= shape.hidden_size:
        raise ModelError(f"A rank of {rank} does not suit {shape.id}. Pass 1 to {shape.hidden_size}.")
    return list(_adapted(shape, rank, TARGETS[targets]))


def _adapted(shape: Shape, rank: int, targets: tuple[str, ...]) -> Iterator[_Part]:
    for tensor in layout.tensors(shape):
        place = re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", tensor.name)
        if place is None or place[2] not in targets:
            continue
        layer, (columns, rows) = int(place[1]), tensor.dimensions
        yield _Part(layer, place[2], "A", columns, rank, deviation=1 / sqrt(columns))
        yield _Part(layer, place[2], "B", rank, rows, deviation=_B_DEVIATION / sqrt(rank))


def _metadata(shape: Shape, rank: int, targets: str) -> dict[str, Field]:
    return {
        "general.architecture": text(shape.architecture),
        "general.type": text("adapter"),
        "general.name": text(f"LoRA of rank {rank} for the {shape.title} shape ({targets}), synthetic weights"),
        "general.file_type": u32(_F16),
        "adapter.type": text("lora"),
        "adapter.lora.alpha": f32(2.0 * rank),
        MARK: boolean(True),
    }


def _peft_config(shape: Shape, rank: int, targets: str) -> dict[str, Any]:
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": shape.title,
        "r": rank,
        "lora_alpha": 2 * rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "target_modules": [MODULES[target].rpartition(".")[2] for target in TARGETS[targets]],
        MARK: True,
    }


def is_adapter(path: Path) -> bool:
    """Return whether there is an adapter at `path`, whole or damaged, rather than a model."""
    if path.is_dir():
        return (path / _PEFT_CONFIG).exists()
    try:
        return gguf_header.read(path).metadata.get("general.type") == "adapter"
    except ModelError:
        return False


def read(path: Path, on_progress: OnProgress = ignore_progress) -> LoraFacts:
    """Return the facts of an adapter, a GGUF file or a PEFT folder.

    Raises ModelError where there is none, or it is damaged.
    """
    if path.is_dir():
        return _read_peft(path, on_progress)
    if not path.exists():
        raise ModelError(f"There is no LoRA adapter {path}. Check the path of --lora; expected {_FORMS}.")
    header = gguf_header.read(path)
    metadata = header.metadata
    if metadata.get("general.type") != "adapter" or metadata.get("adapter.type") != "lora":
        raise ModelError(f"The file {path} is no LoRA adapter. Expected {_FORMS}.")
    alpha, name, architecture = (
        metadata.get(key) for key in ("adapter.lora.alpha", "general.name", "general.architecture")
    )
    shapes = {tensor.name: tensor.dimensions for tensor in header.tensors}
    return LoraFacts(
        name=name if isinstance(name, str) else path.stem,
        path=str(path.absolute()),
        form="gguf",
        size_bytes=header.size_bytes,
        sha256=sha256(path, on_progress),
        is_synthetic=metadata.get(MARK) is True,
        architecture=architecture if isinstance(architecture, str) else None,
        rank=_rank(path, (shape[-1] for name, shape in shapes.items() if name.endswith(".lora_a"))),
        alpha=alpha if isinstance(alpha, float) else None,
        targets=_targets(re.findall(r"(\w+)\.weight\.lora_a", "\n".join(shapes))),
        layers=_layers(re.findall(r"^blk\.(\d+)\.", "\n".join(shapes), re.MULTILINE)),
        parameters=sum(prod(shape) for shape in shapes.values()),
    )


def _read_peft(folder: Path, on_progress: OnProgress) -> LoraFacts:
    config_path, weights_path = folder / _PEFT_CONFIG, folder / _PEFT_WEIGHTS
    for path in (config_path, weights_path):
        if not path.is_file():
            raise ModelError(f"The folder {folder} holds no {path.name}. Expected {_FORMS}.")
    config = config_json.read(config_path)
    tensors = safetensors_file.read(weights_path)
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    alpha, base = config.get("lora_alpha"), config.get("base_model_name_or_path")
    return LoraFacts(
        name=folder.absolute().name,
        path=str(folder.absolute()),
        form="peft",
        size_bytes=config_path.stat().st_size + weights_path.stat().st_size,
        sha256=sha256_of_all([config_path, weights_path], on_progress),
        is_synthetic=config.get(MARK) is True,
        base_model=base if isinstance(base, str) else None,
        rank=_rank(folder, (shape[0] for name, shape in shapes.items() if name.endswith(".lora_A.weight"))),
        alpha=float(alpha) if isinstance(alpha, int | float) and abs(alpha) < _LARGEST_ALPHA else None,
        targets=_targets(re.findall(r"(\w+)\.lora_A\.weight", "\n".join(shapes))),
        layers=_depth(config, re.findall(r"\.layers\.(\d+)\.", "\n".join(shapes))),
        parameters=sum(tensor.elements for tensor in tensors.values()),
    )


def _rank(path: Path, ranks: Iterable[int]) -> int:
    """Return the largest rank of an adapter, which is what engines reserve room for."""
    found = max(ranks, default=None)
    if found is None:
        raise ModelError(f"The adapter {path} holds no LoRA matrices. Expected {_FORMS}.")
    return found


def _targets(found: list[str]) -> list[str]:
    return list(dict.fromkeys(found))


def _depth(config: dict[str, Any], found: list[str]) -> int | None:
    """Return the depth of the model that an adapter was made for; None where it adapts chosen layers only."""
    return None if config.get("layers_to_transform") is not None else _layers(found)


def _layers(found: list[str]) -> int | None:
    return max(map(int, found)) + 1 if found else None


def check_fits(adapter: LoraFacts, model: ModelFacts) -> None:
    """Raise ModelError where an adapter was plainly made for another model, or for another engine.

    GGUF adapters go with GGUF models, PEFT folders with checkpoint folders; architecture and depth must agree.
    """
    wanted_form = "peft" if model.path is not None and Path(model.path).is_dir() else "gguf"
    if adapter.form != wanted_form:
        raise ModelError(
            f"The adapter {adapter.path} has the {adapter.form} form, expected {wanted_form} for the model "
            f"{model.source}: a .gguf file takes GGUF adapters, a checkpoint's folder takes PEFT folders."
        )
    for what, its, wanted in (
        ("architecture", adapter.architecture, model.architecture),
        ("number of layers", adapter.layers, model.layers),
    ):
        if its is not None and wanted is not None and its != wanted:
            raise ModelError(
                f"The adapter {adapter.name} does not fit the model {model.name}: its {what} is {its}, "
                f"the model's is {wanted}. Name an adapter that was made for this model."
            )
