"""Synthetic models for vLLM: a folder with everything but weights, for `vllm serve DIR --load-format dummy`.

vLLM then draws the weights itself, where they are needed. The tokenizer is the one of the GGUF form, so a
prompt of N words has N tokens here, too.
"""

import json
from pathlib import Path
from typing import Any

from profiler.errors import ModelError
from profiler.models import config_json, vocabulary
from profiler.models.files import replacing
from profiler.models.shapes import Shape
from profiler.models.synthetic import CHAT_TEMPLATE, MARK, RECIPE, file_stem

_SPLIT_WORDS = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""Where GPT-2 cuts a text before it merges bytes (its released encoder)."""


def folder_name(shape: Shape) -> str:
    """Return the name of the folder."""
    return f"{file_stem(shape)}-synthetic-v{RECIPE}-vllm"


def make(shape: Shape, folder: Path) -> Path:
    """Write the files into `folder`, made where need be, and return it.

    Raises ModelError for an embedding shape, and where the folder cannot be written.
    """
    if shape.is_embedding:
        raise ModelError(f"The shape {shape.id} has no form for vLLM. Make it as GGUF, without --for.")
    contents = {
        "tokenizer.json": _tokenizer(shape.vocabulary_size),
        "tokenizer_config.json": _tokenizer_config(shape),
        "generation_config.json": {"bos_token_id": 0, "eos_token_id": 0, "do_sample": True},
        "config.json": config_json.describe(shape, MARK),
    }
    try:
        for name, content in contents.items():
            with replacing(folder / name) as temporary:
                temporary.write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")
        with replacing(folder / "README.md") as temporary:
            temporary.write_text(_card(shape), "utf-8")
    except OSError as error:
        raise ModelError(
            f"The synthetic model {folder} could not be written ({error.strerror or error}). "
            "Name a folder that can be written with --out."
        ) from error
    return folder


def _tokenizer(size: int) -> dict[str, Any]:
    """Return a byte-level BPE tokenizer, as the tokenizers library stores it."""
    words = vocabulary.make(size)
    special = [
        {"id": number, "content": content, "special": True, "normalized": False}
        | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
        for number, content in enumerate(vocabulary.CONTROL_TOKENS)
    ]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": _SPLIT_WORDS}, "behavior": "Isolated", "invert": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: number for number, token in enumerate(words.tokens)},
            "merges": words.merges,
        },
    }


def _tokenizer_config(shape: Shape) -> dict[str, Any]:
    text_end, _, turn_end = vocabulary.CONTROL_TOKENS
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": shape.context_tokens,
        "bos_token": text_end,
        "eos_token": text_end,
        "pad_token": text_end,
        "additional_special_tokens": [turn_end],
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }


def _card(shape: Shape) -> str:
    return (
        "---\nlicense: cc0-1.0\npipeline_tag: text-generation\ntags: [synthetic]\n---\n"
        f"# {shape.title} shape, synthetic weights\n\n"
        f"Shape: {shape.source}. There are no weights here: serve it with `--load-format dummy`, which draws random "
        "ones. Measures speed; answers nonsense.\n"
    )
