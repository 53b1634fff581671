"""Models with random weights in the shape of public ones, as GGUF files.

The speed of a dense model rests on its shape, and on the values of its weights only so far as kernels do
(docs/models.md has figures), so such a file measures about what the public one would, without a download.
Its answers are made-up words: every token of them is printable ASCII and none ends the generation, so one
token is one streamed chunk.

Tokens that must not come out (those that end a generation, and bytes that are not printable ASCII) have
rows sixteen times smaller than the others in the embeddings and in the output matrix. So their logits stay
within a fraction of one standard deviation of 0, while the best forty of a vocabulary of thousands lie
beyond two.
"""

import hashlib
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

from profiler.errors import ModelError
from profiler.models import gguf_header, gguf_writer, layout, quantisations, vocabulary, wordpiece
from profiler.models.files import OnProgress, ignore_progress, replacing
from profiler.models.gguf_writer import Field, StoredTensor, boolean, f32, i32s, text, texts, u32
from profiler.models.layout import Tensor
from profiler.models.quantisations import Quantisation
from profiler.models.random_bytes import FIRST, SECOND, RandomBytes
from profiler.models.shapes import SHAPES, Shape
from profiler.units import bytes_to_mib

RECIPE = "1.1"
"""Raised whenever the same shape and quantisation would give other bytes."""

MARK = "aforo.synthetic_weights"
"""Metadata key that is true in a file made here."""

ABOUT_WEIGHTS = (
    "Synthetic weights: the speed is near that of a real model of this shape, not the same; the output is meaningless."
)
"""What is said beside every number that was measured with them; docs/models.md has figures."""

QUIET_RATIO = 1 / 16
"""Size of the embeddings of tokens that must not come out, against those of the others."""

_PIECE_ELEMENTS = 4 * 1024 * 1024
"""How many weights are drawn at once; a change of this number changes the files."""

_NORMAL, _CONTROL = 1, 3  # llama.h, enum llama_token_type
_MEAN_POOLING = 1  # llama.h, enum llama_pooling_type

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""ChatML, the format that SmolLM2 uses."""


def file_name(shape: Shape, quantisation: Quantisation) -> str:
    """Return the name of the file, by the GGUF naming convention."""
    return f"{file_stem(shape)}-synthetic-v{RECIPE}-{quantisation.name}.gguf"


def file_stem(shape: Shape) -> str:
    """Return how file names begin: a shape that is not in the table is told apart by its dimensions."""
    if SHAPES.get(shape.id) == shape:
        return shape.title
    return f"{shape.title}-{hashlib.sha256(repr(shape).encode()).hexdigest()[:8]}"


def make(shape: Shape, quantisation: Quantisation, directory: Path, on_progress: OnProgress = ignore_progress) -> Path:
    """Return the path of the synthetic model in `directory`, writing the file where it is not there yet.

    The same shape and quantisation give the same bytes on every host. Raises as `write` does.
    """
    path = directory / file_name(shape, quantisation)
    if not is_whole(path):
        write(path, shape, quantisation, on_progress)
    return path


def is_whole(path: Path) -> bool:
    """Return whether there is a model at `path` that is not cut short."""
    try:
        return path.exists() and bool(gguf_header.read(path).tensors)
    except ModelError:
        return False


def write(path: Path, shape: Shape, quantisation: Quantisation, on_progress: OnProgress = ignore_progress) -> None:
    """Write the synthetic model to `path`, in place of what is there.

    Processes that race each write a file of their own and move it into place. Raises ModelError
    where the shape cannot be stored this way, or the folder cannot be written or has no room.
    """
    stored = stored_tensors(shape, quantisation)
    metadata = _metadata(shape, quantisation)
    try:
        with replacing(path) as temporary:
            check_room(path, gguf_writer.size_bytes(metadata, stored))
            source = _Weights(shape, stored, on_progress)
            with temporary.open("wb") as file:
                gguf_writer.write(file, metadata, stored, source.pieces)
    except OSError as error:
        raise ModelError(
            f"The synthetic model {path} could not be written ({error.strerror or error}). "
            "Free some disk space, or set XDG_CACHE_HOME to a folder that can be written."
        ) from error


def size_bytes(shape: Shape, quantisation: Quantisation) -> int:
    """Return what the weights of a model take; the vocabulary adds a few MiB."""
    return sum(tensor.stored_bytes for tensor in stored_tensors(shape, quantisation))


def stored_tensors(shape: Shape, quantisation: Quantisation) -> list[StoredTensor]:
    """Return the table of tensors; raises ModelError where the shape cannot be stored this way."""
    return [
        StoredTensor(tensor.name, tensor.dimensions, quantisations.tensor_type(tensor, quantisation, shape))
        for tensor in layout.tensors(shape)
    ]


def check_room(path: Path, needed_bytes: int) -> None:
    """Raise ModelError where the disk of `path`, whose folder exists, has no room for the file."""
    free_bytes = shutil.disk_usage(path.parent).free
    if free_bytes < needed_bytes:
        raise ModelError(
            f"The synthetic model {path.name} takes {bytes_to_mib(needed_bytes):.1f} MiB, "
            f"and {path.parent} has {bytes_to_mib(free_bytes):.1f} MiB free. "
            "Free some disk space, or set XDG_CACHE_HOME to a folder with room."
        )


def _metadata(shape: Shape, quantisation: Quantisation) -> dict[str, Field]:
    tokenizer = _wordpiece(shape.vocabulary_size) if shape.is_embedding else _byte_pairs(shape.vocabulary_size)
    return {**_description(shape, quantisation), **_dimensions(shape), **tokenizer}


def _description(shape: Shape, quantisation: Quantisation) -> dict[str, Field]:
    description = f"Random weights in the shape of {shape.title} ({shape.source}). Measures speed; answers nonsense."
    fields = {
        "architecture": text(shape.architecture),
        "type": text("model"),
        "name": text(f"{shape.title} shape, synthetic weights"),
        "basename": text(shape.basename),
        "finetune": text("synthetic"),
        "version": text(f"v{RECIPE}"),
        "description": text(description),
        "license": text("cc0-1.0"),
        "file_type": u32(quantisation.file_type),
        "quantization_version": u32(2),
    }
    if shape.size_label:
        fields["size_label"] = text(shape.size_label)
    return {**{f"general.{key}": field for key, field in fields.items()}, MARK: boolean(True)}


def _dimensions(shape: Shape) -> dict[str, Field]:
    fields = {
        "context_length": u32(shape.context_tokens),
        "embedding_length": u32(shape.hidden_size),
        "feed_forward_length": u32(shape.feed_forward_size),
        "block_count": u32(shape.layers),
        "attention.head_count": u32(shape.heads),
        "rope.freq_base": f32(shape.rope_theta),
        "vocab_size": u32(shape.vocabulary_size),
    }
    if shape.is_embedding:
        fields["attention.layer_norm_epsilon"] = f32(shape.norm_epsilon)
        fields["attention.causal"] = boolean(False)
        fields["pooling_type"] = u32(_MEAN_POOLING)
    else:
        fields["attention.layer_norm_rms_epsilon"] = f32(shape.norm_epsilon)
        fields["attention.head_count_kv"] = u32(shape.kv_heads)
        fields["attention.key_length"] = u32(shape.head_size)
        fields["attention.value_length"] = u32(shape.head_size)
        fields["rope.dimension_count"] = u32(shape.head_size)
    return {f"{shape.architecture}.{key}": field for key, field in fields.items()}


def _byte_pairs(size: int) -> dict[str, Field]:
    words = vocabulary.make(size)
    control = len(vocabulary.CONTROL_TOKENS)
    return {
        "tokenizer.ggml.model": text("gpt2"),
        "tokenizer.ggml.pre": text("smollm"),
        "tokenizer.ggml.tokens": texts(words.tokens),
        "tokenizer.ggml.token_type": i32s([_CONTROL] * control + [_NORMAL] * (size - control)),
        "tokenizer.ggml.merges": texts(words.merges),
        "tokenizer.ggml.bos_token_id": u32(0),
        "tokenizer.ggml.eos_token_id": u32(0),
        "tokenizer.ggml.add_bos_token": boolean(False),
        "tokenizer.ggml.add_space_prefix": boolean(False),
        "tokenizer.chat_template": text(CHAT_TEMPLATE),
    }


def _wordpiece(size: int) -> dict[str, Field]:
    pieces = wordpiece.make(size)
    special = len(pieces.special_ids)
    return {
        "tokenizer.ggml.model": text("bert"),
        "tokenizer.ggml.tokens": texts(pieces.tokens),
        "tokenizer.ggml.token_type": i32s([_CONTROL] * special + [_NORMAL] * (size - special)),
        "tokenizer.ggml.token_type_count": u32(2),
        "tokenizer.ggml.bos_token_id": u32(wordpiece.START),
        "tokenizer.ggml.cls_token_id": u32(wordpiece.START),
        "tokenizer.ggml.eos_token_id": u32(wordpiece.SEPARATOR),
        "tokenizer.ggml.seperator_token_id": u32(wordpiece.SEPARATOR),  # misspelt in the format itself
        "tokenizer.ggml.unknown_token_id": u32(wordpiece.UNKNOWN),
        "tokenizer.ggml.padding_token_id": u32(wordpiece.PAD),
        "tokenizer.ggml.mask_token_id": u32(wordpiece.MASK),
    }


class _Weights:
    """Draws the weights of a model, tensor by tensor, in pieces of bounded size."""

    def __init__(self, shape: Shape, stored: list[StoredTensor], on_progress: OnProgress) -> None:
        self._tensors = {tensor.name: tensor for tensor in layout.tensors(shape)}
        self._random, self._quiet_random = RandomBytes(FIRST), RandomBytes(SECOND)
        self._quiet_ids = [] if shape.is_embedding else vocabulary.quiet_ids()
        self._on_progress = on_progress
        self._done_bytes, self._total_bytes = 0, sum(tensor.stored_bytes for tensor in stored)

    def pieces(self, stored: StoredTensor) -> Iterator[bytes | bytearray]:
        """Yield the stored bytes of a tensor."""
        for values in self._values(self._tensors[stored.name], stored.tensor_type):
            yield values
            self._done_bytes += len(values)
            self._on_progress(self._done_bytes, self._total_bytes)

    def _values(self, tensor: Tensor, tensor_type: int) -> Iterator[bytes | bytearray]:
        if tensor.deviation is None:
            yield _given(tensor)
            return
        draw, (columns, rows) = quantisations.DRAWS[tensor_type], tensor.dimensions
        quiet_ids = self._quiet_ids if tensor.name in layout.TOKEN_ROWS else []
        rows_at_once = max(1, _PIECE_ELEMENTS // columns)
        for first in range(0, rows, rows_at_once):
            count = min(rows_at_once, rows - first)
            values = draw(self._random, count * columns, tensor.deviation)
            quiet = [row - first for row in quiet_ids if first <= row < first + count]
            small = draw(self._quiet_random, len(quiet) * columns, tensor.deviation * QUIET_RATIO)
            _replace_rows(values, quiet, small, len(values) // count)
            yield values


def _given(tensor: Tensor) -> bytes:
    """Return the values of a tensor that is not random, as float32."""
    values = tensor.values if isinstance(tensor.values, tuple) else (tensor.values,) * tensor.elements
    return struct.pack(f"<{tensor.elements}f", *values)


def _replace_rows(values: bytearray, rows: list[int], others: bytearray, row_bytes: int) -> None:
    """Put the rows that `others` holds, one after the other, in the place of these."""
    for index, row in enumerate(rows):
        values[row * row_bytes : (row + 1) * row_bytes] = others[index * row_bytes : (index + 1) * row_bytes]
