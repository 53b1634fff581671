"""Models with random weights in the shape of public ones, as GGUF files.

The speed of a dense model does not depend on the values of its weights, so such a file measures what the
public one would, without a download. Its answers are made-up words: every token of them is printable
ASCII and none ends the generation, so one token is one streamed chunk.

Tokens that must not come out (those that end a generation, and bytes that are not printable ASCII) have
embeddings sixteen times smaller than the others. Embeddings and output layer are one matrix here, so
their logits stay within a fraction of one standard deviation of 0, while the best forty of a vocabulary
of thousands lie beyond two.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING

from profiler.errors import MissingExtraError, ModelError
from profiler.models import ggml, gguf_header, vocabulary
from profiler.models.files import OnProgress, ignore_progress, replacing
from profiler.models.quantisations import Quantisation, RandomBytes
from profiler.models.shapes import Shape
from profiler.units import bytes_to_mib

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFWriter
    from numpy.typing import NDArray

RECIPE = "1.0"
"""Raised whenever the same shape and quantisation would give other bytes."""

MARK = "aforo.synthetic_weights"
"""Metadata key that is true in a file made here."""

QUIET_RATIO = 1 / 16
"""Size of the embeddings of tokens that must not come out, against those of the others."""

SEED = 20_261_120
ROOM_FOR_METADATA_BYTES = 16_000_000

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""ChatML, the format that SmolLM2 uses."""


@dataclass(frozen=True)
class Tensor:
    """A matrix of random weights or, where `deviation` is None, a vector of ones."""

    name: str
    rows: int
    columns: int
    deviation: float | None = None

    @property
    def elements(self) -> int:
        """How many weights it holds."""
        return self.rows * self.columns


def file_name(shape: Shape, quantisation: Quantisation) -> str:
    """Return the name of the file, by the GGUF naming convention."""
    return f"{shape.title}-synthetic-v{RECIPE}-{quantisation.name}.gguf"


def make(shape: Shape, quantisation: Quantisation, directory: Path, on_progress: OnProgress = ignore_progress) -> Path:
    """Return the path of the synthetic model in `directory`, writing the file where it is not there yet.

    The same shape and quantisation give the same bytes on every host. Processes that race each write a
    file of their own and move it into place. Raises MissingExtraError without `gguf` and numpy, and
    ModelError where the folder cannot be written or is full.
    """
    path = directory / file_name(shape, quantisation)
    if _is_whole(path):
        return path
    _need_gguf()
    try:
        with replacing(path) as temporary:
            _check_room(shape, quantisation, temporary.parent)
            _write(temporary, shape, quantisation, on_progress)
    except OSError as error:
        raise ModelError(
            f"The synthetic model {path} could not be written ({error}). "
            "Free some disk space, or set XDG_CACHE_HOME to a folder that can be written."
        ) from error
    return path


def _is_whole(path: Path) -> bool:
    try:
        return path.exists() and bool(gguf_header.read(path).tensors)
    except ModelError:
        return False


def _need_gguf() -> None:
    try:
        import gguf  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise MissingExtraError("The package gguf, which writes synthetic models,", "llama") from None


def _check_room(shape: Shape, quantisation: Quantisation, directory: Path) -> None:
    needed_bytes = sum(_stored_bytes(tensor, quantisation) for tensor in tensors(shape))
    needed_bytes += ROOM_FOR_METADATA_BYTES
    free_bytes = shutil.disk_usage(directory).free
    if free_bytes < needed_bytes:
        raise ModelError(
            f"The synthetic model {file_name(shape, quantisation)} takes {bytes_to_mib(needed_bytes):.0f} MiB, "
            f"and {directory} has {bytes_to_mib(free_bytes):.0f} MiB free. "
            "Free some disk space, or set XDG_CACHE_HOME to a folder with room."
        )


def tensors(shape: Shape) -> Iterator[Tensor]:
    """Yield what a llama.cpp model of the `llama` architecture is made of.

    Matrices are drawn with a variance of 1 / columns, which keeps activations near 1 at any depth.
    """
    queries = shape.heads * shape.head_size
    keys = shape.kv_heads * shape.head_size
    hidden, inner = shape.hidden_size, shape.feed_forward_size
    yield _matrix("token_embd.weight", shape.vocabulary_size, hidden)
    for layer in range(shape.layers):
        yield Tensor(f"blk.{layer}.attn_norm.weight", 1, hidden)
        yield _matrix(f"blk.{layer}.attn_q.weight", queries, hidden)
        yield _matrix(f"blk.{layer}.attn_k.weight", keys, hidden)
        yield _matrix(f"blk.{layer}.attn_v.weight", keys, hidden)
        yield _matrix(f"blk.{layer}.attn_output.weight", hidden, queries)
        yield Tensor(f"blk.{layer}.ffn_norm.weight", 1, hidden)
        yield _matrix(f"blk.{layer}.ffn_gate.weight", inner, hidden)
        yield _matrix(f"blk.{layer}.ffn_up.weight", inner, hidden)
        yield _matrix(f"blk.{layer}.ffn_down.weight", hidden, inner)
    yield Tensor("output_norm.weight", 1, hidden)
    if not shape.has_tied_embeddings:
        yield _matrix("output.weight", shape.vocabulary_size, hidden)


def _matrix(name: str, rows: int, columns: int) -> Tensor:
    return Tensor(name, rows, columns, deviation=1 / sqrt(columns))


def _stored_bytes(tensor: Tensor, quantisation: Quantisation) -> int:
    stored_as = ggml.F32 if tensor.deviation is None else quantisation.tensor_type
    return ggml.stored_bytes(tensor.elements, stored_as) or 0


def _write(path: Path, shape: Shape, quantisation: Quantisation, on_progress: OnProgress) -> None:
    from gguf import GGUFWriter  # noqa: PLC0415 - an extra

    words = vocabulary.make(shape.vocabulary_size)
    writer = GGUFWriter(path, "llama")
    try:
        _describe(writer, shape, quantisation)
        _add_tokenizer(writer, words)
        _write_tensors(writer, shape, quantisation, words.quiet_ids, on_progress)
    finally:
        writer.close()


def _describe(writer: GGUFWriter, shape: Shape, quantisation: Quantisation) -> None:
    writer.add_name(f"{shape.title} shape, synthetic weights")
    writer.add_basename(shape.basename)
    writer.add_size_label(shape.size_label)
    writer.add_finetune("synthetic")
    writer.add_version(f"v{RECIPE}")
    writer.add_description(
        f"Random weights in the shape of {shape.title} ({shape.source}). Measures speed; answers nonsense."
    )
    writer.add_license("cc0-1.0")
    writer.add_bool(MARK, True)
    writer.add_file_type(quantisation.file_type)
    writer.add_quantization_version(2)
    writer.add_context_length(shape.context_tokens)
    writer.add_embedding_length(shape.hidden_size)
    writer.add_feed_forward_length(shape.feed_forward_size)
    writer.add_block_count(shape.layers)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head_size)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_layer_norm_rms_eps(shape.rms_epsilon)
    writer.add_vocab_size(shape.vocabulary_size)


def _add_tokenizer(writer: GGUFWriter, words: vocabulary.Vocabulary) -> None:
    from gguf import TokenType  # noqa: PLC0415 - an extra

    control = len(vocabulary.CONTROL_TOKENS)
    normal = len(words.tokens) - control
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(words.tokens)
    writer.add_token_types([int(TokenType.CONTROL)] * control + [int(TokenType.NORMAL)] * normal)
    writer.add_token_merges(words.merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _write_tensors(
    writer: GGUFWriter, shape: Shape, quantisation: Quantisation, quiet_ids: list[int], on_progress: OnProgress
) -> None:
    import numpy as np  # noqa: PLC0415 - an extra
    from gguf import GGMLQuantizationType  # noqa: PLC0415 - an extra

    total_bytes = sum(_stored_bytes(tensor, quantisation) for tensor in tensors(shape))
    for tensor in tensors(shape):
        is_matrix = tensor.deviation is not None
        writer.add_tensor_info(
            tensor.name,
            (tensor.rows, tensor.columns) if is_matrix else (tensor.columns,),
            np.dtype(np.float32),
            _stored_bytes(tensor, quantisation),
            GGMLQuantizationType(quantisation.tensor_type) if is_matrix else GGMLQuantizationType.F32,
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    random, done_bytes = RandomBytes(SEED), 0
    for tensor in tensors(shape):
        values = _values(tensor, quantisation, random, quiet_ids)
        writer.write_tensor_data(values)
        done_bytes += values.nbytes
        on_progress(done_bytes, total_bytes)


def _values(tensor: Tensor, quantisation: Quantisation, random: RandomBytes, quiet_ids: list[int]) -> NDArray[np.uint8]:
    """Return the stored bytes of a tensor."""
    import numpy as np  # noqa: PLC0415 - an extra

    if tensor.deviation is None:
        return np.ones(tensor.elements, dtype="<f4").view(np.uint8)
    values = quantisation.draw(random, tensor.elements, tensor.deviation)
    if tensor.name in {"token_embd.weight", "output.weight"}:
        elements = len(quiet_ids) * tensor.columns
        quiet = quantisation.draw(random, elements, tensor.deviation * QUIET_RATIO)
        values.reshape(tensor.rows, -1)[quiet_ids] = quiet.reshape(len(quiet_ids), -1)
    return values
