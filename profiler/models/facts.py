"""What a model says of itself: the metadata of a GGUF file, or the files of a checkpoint folder."""

import re
from collections import Counter
from pathlib import Path

from profiler.errors import ModelError
from profiler.models import card, checkpoint, ggml, gguf_header, kv_cache
from profiler.models.config_facts import COMPRESSED, STATE, WINDOW
from profiler.models.files import OnProgress, ignore_progress, sha256
from profiler.models.gguf_header import Header, Value
from profiler.models.layout import ROPE_FACTORS
from profiler.models.per_token import per_token
from profiler.models.synthetic import MARK
from profiler.results.manifest import ModelFacts

_END_KEYS = ("eos", "eot", "eom", "fim_pad", "fim_rep", "fim_sep")
"""`tokenizer.ggml.KEY_token_id` of tokens at which llama.cpp ends a generation."""

_END_TEXTS = {
    # Turn and text ends that llama.cpp knows by their text (llama-vocab.cpp, load of special_eog_ids).
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
    "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
    "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
    "<｜end▁of▁sentence｜>", "[e~[",
}  # fmt: skip

_FILL_IN_TEXTS = {
    # Fill-in-the-middle padding, repository and file separators end a generation, too. llama.cpp takes
    # one of each group, in no fixed order; all of them are named here.
    "fim_pad": ("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
    "fim_rep": ("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"),
    "fim_sep": ("<|file_sep|>",),
}

_NOT_ENDS = (
    # (texts that are all in the vocabulary, text that then ends nothing)
    ({"<|return|>", "<|call|>"}, "<|end|>"),
    ({"<|return|>", "<|calls|>"}, "<|end|>"),
    ({"<|flush|>", "<|call|>"}, "<|end|>"),
    ({"<|flush|>", "<|calls|>"}, "<|end|>"),
    ({"<|tool_response>"}, "</s>"),
)

_DEFAULT_END_ID = {"llama": 2, "gpt2": 11, "t5": 1}
"""End of sequence by tokenizer model where the metadata names none."""

_MOST_BASE_MODELS = 16

_ADAPTERS = ["lora"]  # a GGUF file is made for inference: llama.cpp loads adapters beside it, and trains none of it

_KV_CACHE_SAVINGS = {  # by key of the metadata: Gemma, gpt-oss; DeepSeek; Mamba and hybrids of it; LFM2; RWKV
    "attention.sliding_window": WINDOW,
    "attention.kv_lora_rank": COMPRESSED,
    "ssm.state_size": STATE,
    "shortconv.l_cache": STATE,
    "wkv.head_size": STATE,
}

_UNTELLING = re.compile(r".{1,3}|(sha256[-_])?[0-9a-f]{16,}|(ggml[-_])?(model|weights)([-_.].*)?", re.IGNORECASE)
"""Names of files that say nothing of the model: blobs by their hash, ggml-model-q4_0, model."""

_GUESSED_FILE_TYPE = 1024
"""Bit of `general.file_type` that says that the type was guessed (llama.h)."""


def read(path: Path, source: str | None = None, on_progress: OnProgress = ignore_progress) -> ModelFacts:
    """Return the facts of the GGUF file or checkpoint folder at `path`; `source` is what the user called it.

    Where the metadata is silent, a model card beside the file is asked. The hash of a big file takes a
    while the first time: `on_progress` hears of it. Raises ModelError where the file is missing, damaged,
    truncated, or not a whole model.
    """
    if path.is_dir():
        return checkpoint.read(path, source, on_progress)
    header = gguf_header.read(path)
    _check_is_model(path, header)
    needed = per_token(header)
    architecture = _text(header, "general.architecture")
    tokens = _texts(header, "tokenizer.ggml.tokens")
    said = card.read(path.parent)
    layers = _number(header, f"{architecture}.block_count")
    kv_heads = _number(header, f"{architecture}.attention.head_count_kv")
    head_size = _head_size(header, architecture)
    licence, languages = _licence(header), _texts(header, "general.languages")
    base_models, own_tags = _base_models(header), _texts(header, "general.tags")
    tags = own_tags or said.tags
    training = _training(header, path, tags, said.task)
    is_synthetic = header.metadata.get(MARK) is True
    return ModelFacts(
        name=_name(header, path, said.name),
        source=source or str(path),
        path=str(path.absolute()),
        size_bytes=header.size_bytes,
        sha256=sha256(path, on_progress),
        is_synthetic=is_synthetic,
        architecture=architecture,
        parameters=sum(tensor.elements for tensor in header.tensors if tensor.name != ROPE_FACTORS),
        quantisation=_quantisation(header),
        decode_weight_bytes=needed.weight_bytes,
        decode_parameters=needed.parameters,
        expert_bytes=needed.expert_bytes,
        expert_ratio=needed.expert_ratio,
        context_length=_number(header, f"{architecture}.context_length"),
        layers=layers,
        hidden_size=_number(header, f"{architecture}.embedding_length"),
        heads=_number(header, f"{architecture}.attention.head_count"),
        kv_heads=kv_heads,
        head_size=head_size,
        kv_bytes_per_token=kv_cache.f16_bytes_per_token(
            layers, kv_heads, head_size, _latent_size(header, architecture)
        ),
        kv_cache_saving=_kv_cache_saving(header, architecture),
        vocabulary_size=len(tokens) or _number(header, f"{architecture}.vocab_size"),
        has_chat_template="tokenizer.chat_template" in header.metadata,
        licence=licence or said.licence,
        languages=languages or said.languages,
        base_models=base_models or said.base_models,
        tags=tags,
        training=training,
        fine_tuning=[] if is_synthetic or training == "embedding" else _ADAPTERS,
        facts_from=card.sources(said, "GGUF", licence=licence, languages=languages, base_models=base_models),
        end_token_ids=end_token_ids(header.metadata),
    )


def _name(header: Header, path: Path, card_name: str | None) -> str:
    """Return what a model is called: by its file, its card or its metadata, the first that tells.

    People know a file's name; `general.name` is often the training run's ("Smollm2 135M 8k Lc100K Mix1 Ep2").
    """
    named = _text(header, "general.name")
    if header.metadata.get(MARK) is True:
        return named or path.stem
    return path.stem if not _UNTELLING.fullmatch(path.stem) else card_name or named or path.stem


def _head_size(header: Header, architecture: str | None) -> int | None:
    """Return the length of a key, which is a head's share of the hidden size where nothing else is said."""
    named = _number(header, f"{architecture}.attention.key_length")
    hidden = _number(header, f"{architecture}.embedding_length")
    heads = _number(header, f"{architecture}.attention.head_count")
    return named or (hidden // heads if hidden and heads else None)


def _latent_size(header: Header, architecture: str | None) -> int | None:
    """Return the length of what is kept of a token in place of its keys and values, where these are compressed.

    Of files that were converted before llama.cpp could do so, all are kept (llama-kv-cache.cpp, is_mla).
    """
    is_kept_compressed = _number(header, f"{architecture}.attention.key_length_mla") is not None
    return _number(header, f"{architecture}.attention.key_length") if is_kept_compressed else None


def _kv_cache_saving(header: Header, architecture: str | None) -> str | None:
    found = {why: size for key, why in _KV_CACHE_SAVINGS.items() if (size := _number(header, f"{architecture}.{key}"))}
    context = _number(header, f"{architecture}.context_length")
    if context is not None and found.get(WINDOW, 0) >= context:
        del found[WINDOW]  # Phi-3: a window that holds all
    return next(iter(found), None)


def _licence(header: Header) -> str | None:
    """Return the identifier of the licence; the name of one that has none."""
    licence = _text(header, "general.license")
    return _text(header, "general.license.name") or licence if licence in {None, "other"} else licence


def _base_models(header: Header) -> list[str]:
    count = _number(header, "general.base_model.count") or 0
    names = (_text(header, f"general.base_model.{number}.name") for number in range(min(count, _MOST_BASE_MODELS)))
    return [name for name in names if name]


def _training(header: Header, path: Path, tags: list[str], task: str | None) -> card.Training | None:
    if any(key.endswith(".pooling_type") for key in header.metadata):
        return "embedding"
    names = [_text(header, "general.finetune"), _text(header, "general.name"), path.stem]
    return None if header.metadata.get(MARK) is True else card.training(names, tags, task)


def _check_is_model(path: Path, header: Header) -> None:
    kind = _text(header, "general.type") or "model"
    if kind != "model":
        raise ModelError(f"The file {path} holds a part of the type {kind!r}, expected a model. Name the model.")
    if not header.tensors:
        raise ModelError(f"The model file {path} holds no weights. Name a file that does.")
    parts = _number(header, "split.count") or 1
    if parts > 1:
        raise ModelError(
            f"The model file {path} is one of {parts} parts, expected one whole file. "
            "Join the parts with: llama-gguf-split --merge FIRST-PART OUTPUT.gguf"
        )


def end_token_ids(metadata: dict[str, Value]) -> list[int]:
    """Return the ids of all tokens at which llama.cpp ends a generation, smallest first.

    These are the tokens that the metadata names, and tokens with a text that is known to end a turn.
    """
    tokens = metadata.get("tokenizer.ggml.tokens")
    texts = [str(token) for token in tokens] if isinstance(tokens, list) else []
    ends = _ids_named(metadata) | _ids_known_by_text(texts, _unnamed_groups(metadata))
    ends -= _ids_of(texts, {not_end for present, not_end in _NOT_ENDS if present <= set(texts)})
    return sorted(end for end in ends if 0 <= end < len(texts))


def _ids_named(metadata: dict[str, Value]) -> set[int]:
    tokenizer = str(metadata.get("tokenizer.ggml.model"))
    default = {"eos": _DEFAULT_END_ID[tokenizer]} if tokenizer in _DEFAULT_END_ID else {}
    named = (metadata.get(f"tokenizer.ggml.{key}_token_id", default.get(key)) for key in _END_KEYS)
    return {value for value in named if isinstance(value, int)}


def _unnamed_groups(metadata: dict[str, Value]) -> set[str]:
    """Return the texts that fill in for fill-in-the-middle tokens that the metadata does not name."""
    groups = (key for key in _FILL_IN_TEXTS if f"tokenizer.ggml.{key}_token_id" not in metadata)
    return {text for key in groups for text in _FILL_IN_TEXTS[key]}


def _ids_known_by_text(texts: list[str], more: set[str]) -> set[int]:
    return _ids_of(texts, _END_TEXTS | more)


def _ids_of(texts: list[str], wanted: set[str]) -> set[int]:
    return {index for index, text in enumerate(texts) if text in wanted}


def _quantisation(header: Header) -> str | None:
    """Name the file type, or else the tensor type that takes the most bytes."""
    file_type = _number(header, "general.file_type")
    if file_type is not None and (name := ggml.FILE_TYPES.get(file_type & ~_GUESSED_FILE_TYPE)):
        return name
    sizes: Counter[int] = Counter()
    for tensor in header.tensors:
        sizes[tensor.tensor_type] += tensor.stored_bytes
    known = ggml.TENSOR_TYPES.get(sizes.most_common(1)[0][0])
    return known.name if known else None


def _text(header: Header, key: str) -> str | None:
    value = header.metadata.get(key)
    return value if isinstance(value, str) else None


def _texts(header: Header, key: str) -> list[str]:
    value = header.metadata.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _number(header: Header, key: str) -> int | None:
    value = header.metadata.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
