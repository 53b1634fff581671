import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from support import gguf_bytes as g
from support.extras import needed

from profiler.errors import ModelError
from profiler.models import facts, kv_cache

WEIGHTS = [g.tensor("blk.0.attn_q.weight", (256, 2), 12, 0), g.tensor("norm", (4,), 0, 288)]


TRAINING_RUN = "Smollm2 135M 8k Lc100K Mix1 Ep2"  # what the metadata of a file of SmolLM2 says


def written(folder: Path, pairs: list[bytes], tensors: list[bytes] | None = None, name: str = "m.gguf") -> Path:
    path = folder / name
    path.write_bytes(g.file(pairs, WEIGHTS if tensors is None else tensors, data_bytes=304))
    return path


def test_all_that_the_metadata_says_is_read(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        [
            g.string_pair("general.architecture", "qwen2"),
            g.string_pair("general.name", "My Model"),
            g.string_pair("general.license", "apache-2.0"),
            g.texts_pair("general.languages", ["en", "es"]),
            g.texts_pair("general.tags", ["code"]),
            g.string_pair("general.finetune", "Instruct"),
            g.number_pair("general.base_model.count", 1),
            g.string_pair("general.base_model.0.name", "My Base"),
            g.string_pair("tokenizer.chat_template", "{{ messages }}"),
            g.number_pair("general.file_type", 15),
            g.number_pair("qwen2.context_length", 32_768),
            g.number_pair("qwen2.block_count", 24),
            g.number_pair("qwen2.embedding_length", 896),
            g.number_pair("qwen2.attention.head_count", 14),
            g.number_pair("qwen2.attention.head_count_kv", 2),
            g.texts_pair("tokenizer.ggml.tokens", ["a", "b", "<|im_end|>"]),
            g.number_pair("tokenizer.ggml.eos_token_id", 1),
        ],
    )
    read = facts.read(path, "hf:me/it/m.gguf")
    assert read.model_dump(exclude={"sha256"}) == {
        "name": "My Model",
        "source": "hf:me/it/m.gguf",
        "path": str(path),
        "size_bytes": path.stat().st_size,
        "is_synthetic": False,
        "architecture": "qwen2",
        "parameters": 516,
        "quantisation": "Q4_K_M",
        "decode_weight_bytes": 304,  # a matrix of 288 bytes and a norm of 16
        "decode_parameters": 516,
        "expert_bytes": None,
        "expert_ratio": None,
        "context_length": 32_768,
        "layers": 24,
        "hidden_size": 896,
        "heads": 14,
        "kv_heads": 2,
        "head_size": 64,
        "kv_bytes_per_token": 12_288,  # keys and values, 24 layers, 2 heads of 64, 2 bytes
        "kv_cache_saving": None,
        "vocabulary_size": 3,
        "has_chat_template": True,
        "licence": "apache-2.0",
        "languages": ["en", "es"],
        "base_models": ["My Base"],
        "tags": ["code"],
        "training": "instruct",
        "fine_tuning": ["lora"],
        "facts_from": {"licence": "GGUF", "languages": "GGUF", "base_models": "GGUF"},
        "end_token_ids": [1, 2],
        "changed_from": None,
    }


def test_a_model_card_beside_the_file_fills_the_gaps(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(
        "---\nlicense: mit\nlanguage: [de]\nbase_model: me/base\npipeline_tag: sentence-similarity\n---\n# It\n"
    )
    read = facts.read(written(tmp_path, [g.texts_pair("general.languages", ["en"])]))
    assert (read.licence, read.languages, read.base_models, read.training) == ("mit", ["en"], ["me/base"], "embedding")
    assert read.facts_from == {"licence": "model card", "languages": "GGUF", "base_models": "model card"}
    assert read.fine_tuning == []  # of an embedding model llama.cpp takes no adapter


def test_a_licence_of_its_own_has_a_name(tmp_path: Path) -> None:
    pairs = [g.string_pair("general.license", "other"), g.string_pair("general.license.name", "llama3.2")]
    assert facts.read(written(tmp_path, pairs)).licence == "llama3.2"


def test_rotary_factors_are_no_parameters(tmp_path: Path) -> None:
    weights = [g.tensor("norm.weight", (4,), 0, 0), g.tensor("rope_freqs.weight", (32,), 0, 32)]
    assert facts.read(written(tmp_path, [], weights)).parameters == 4


def test_a_longer_key_than_a_head_s_share_is_read(tmp_path: Path) -> None:
    pairs = [
        g.string_pair("general.architecture", "llama"),
        g.number_pair("llama.embedding_length", 64),
        g.number_pair("llama.attention.head_count", 2),
        g.number_pair("llama.attention.key_length", 128),
    ]
    assert facts.read(written(tmp_path, pairs)).head_size == 128
    assert facts.read(written(tmp_path, pairs[:3])).head_size == 32
    assert facts.read(written(tmp_path, pairs[:2])).head_size is None


@pytest.mark.parametrize(
    ("file", "card", "name"),
    [
        ("SmolLM2-135M-Instruct-Q4_K_M.gguf", "", "SmolLM2-135M-Instruct-Q4_K_M"),
        ("SmolLM2-135M-Instruct-Q4_K_M.gguf", "---\nmodel_name: Card\n---\n", "SmolLM2-135M-Instruct-Q4_K_M"),
        ("ggml-model-q8_0.gguf", "---\nmodel_name: SmolLM2 135M Instruct\n---\n", "SmolLM2 135M Instruct"),
        ("model.gguf", "---\nmodel-index:\n- name: smollm2\n  results: []\n---\n", "smollm2"),
        ("model.gguf", "---\nmodel-index: 5\nmodel_name: [1]\n---\n", TRAINING_RUN),
        # A blob of Ollama or of the hub's cache.
        (
            "sha256-74701a8c35f6c8d9a4b91f3f3497643001d63e0c7a84e085bed452548fa88d45",
            "",
            TRAINING_RUN,
        ),
        ("model.gguf", "", TRAINING_RUN),
    ],
)
def test_a_model_is_called_what_people_call_it(tmp_path: Path, file: str, card: str, name: str) -> None:
    """Not by the name of a training run in its metadata, unless nothing else tells."""
    pairs = [
        g.string_pair("general.architecture", "llama"),
        g.string_pair("general.name", TRAINING_RUN),
    ]
    (tmp_path / "README.md").write_text(card)
    assert facts.read(written(tmp_path, pairs, name=file)).name == name


def test_a_silent_file_gives_none_and_is_named_after_itself(tmp_path: Path) -> None:
    read = facts.read(written(tmp_path, []))
    assert read.name == "m"
    assert read.source == str(tmp_path / "m.gguf")
    assert read.quantisation == "Q4_K"  # the tensor type that takes the most bytes
    assert read.end_token_ids == []
    unknown = (read.architecture, read.context_length, read.layers, read.heads, read.vocabulary_size, read.licence)
    assert unknown == (None,) * 6


def test_values_of_the_wrong_type_are_as_good_as_none(tmp_path: Path) -> None:
    read = facts.read(
        written(
            tmp_path,
            [
                g.string_pair("general.architecture", "llama"),
                g.string_pair("llama.block_count", "two"),
                g.pair("llama.context_length", g.BOOL, b"\x01"),
                g.number_pair("general.name", 5),
                g.string_pair("general.languages", "en"),
                g.pair("llama.attention.head_count_kv", g.ARRAY, struct.pack("<IQ2I", g.U32, 2, 1, 2)),
            ],
        )
    )
    assert (read.layers, read.context_length, read.name, read.languages, read.kv_heads) == (None, None, "m", [], None)


def test_a_guessed_file_type_and_an_unknown_one(tmp_path: Path) -> None:
    assert facts.read(written(tmp_path, [g.number_pair("general.file_type", 1024 + 7)])).quantisation == "Q8_0"
    assert facts.read(written(tmp_path, [g.number_pair("general.file_type", 999)])).quantisation == "Q4_K"
    unknown = [g.tensor("t", (4,), 200, 0)]
    assert facts.read(written(tmp_path, [], unknown)).quantisation is None


@pytest.mark.parametrize(
    ("pairs", "tensors", "says"),
    [
        ([], [], "holds no weights"),
        ([g.number_pair("split.count", 3)], None, r"one of 3 parts, expected one whole file\. Join"),
        ([g.string_pair("general.type", "adapter")], None, "a part of the type 'adapter', expected a model"),
    ],
)
def test_what_is_not_a_whole_model_is_named(
    tmp_path: Path, pairs: list[bytes], tensors: list[bytes] | None, says: str
) -> None:
    with pytest.raises(ModelError, match=says):
        facts.read(written(tmp_path, pairs, tensors))


@pytest.mark.parametrize(
    ("metadata", "ids"),
    [
        ({}, []),
        ({"tokenizer.ggml.eos_token_id": 3, "tokenizer.ggml.eot_token_id": 1}, [1, 3]),
        ({"tokenizer.ggml.eos_token_id": 99}, []),  # outside the vocabulary
        ({"tokenizer.ggml.eos_token_id": "3"}, []),
        ({"tokenizer.ggml.model": "llama"}, [2]),  # its default
        ({"tokenizer.ggml.model": "llama", "tokenizer.ggml.eos_token_id": 0}, [0]),
        ({"tokenizer.ggml.model": "unheard-of"}, []),
    ],
)
def test_end_tokens_are_named_by_the_metadata(metadata: dict[str, facts.Value], ids: list[int]) -> None:
    assert facts.end_token_ids({"tokenizer.ggml.tokens": ["a", "b", "c", "d"], **metadata}) == ids


@pytest.mark.parametrize(
    ("tokens", "ids"),
    [
        (["<|im_start|>", "<|im_end|>", "<|endoftext|>", "</s>", "<|eot_id|>", "<end_of_turn>"], [1, 2, 3, 4, 5]),
        (["<|end|>", "<|return|>"], [0, 1]),
        (["<|end|>", "<|return|>", "<|call|>"], [1, 2]),  # gpt-oss: ends a message, not the answer
        (["<|end|>", "<|flush|>", "<|calls|>"], [1, 2]),
        (["</s>", "<|tool_response>"], [1]),
        (["<|fim_pad|>", "<reponame>", "<|file_sep|>", "<|fim_prefix|>"], [0, 1, 2]),
    ],
)
def test_end_tokens_are_known_by_their_text(tokens: list[str], ids: list[int]) -> None:
    assert facts.end_token_ids({"tokenizer.ggml.tokens": list(tokens)}) == ids


IS_END = """\
import json, sys
from llama_cpp import Llama, llama_vocab_is_eog
llama = Llama(sys.argv[1], vocab_only=True, verbose=False)
print(json.dumps([token for token in range(llama.n_vocab()) if llama_vocab_is_eog(llama._model.vocab, token)]))
"""

VOCABULARIES = [
    ({}, ["<|im_start|>", "<|im_end|>", "</s>", "<s>", "<unk>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"]),
    ({"eos": 1}, ["x", "y", "<|end|>", "<|return|>", "<|call|>", "<eos>", "[EOS]", "[e~[", "<turn|>"]),
    ({"eos": 0, "eot": 1, "eom": 2, "fim_pad": 3}, ["a", "b", "c", "d", "e", "<|fim_pad|>", "[PAD]"]),
    ({}, ["<|end|>", "<|return|>", *"abcdefghi", "eleventh", "<|endoftext|>"]),
    ({"eos": 0}, sorted(facts._END_TEXTS - {"<|return|>", "<|calls|>", "<|tool_response>", "<|call|>", "<|flush|>"})),
]


@pytest.mark.parametrize(("named", "special"), VOCABULARIES)
def test_llama_cpp_ends_at_the_same_tokens(tmp_path: Path, named: dict[str, int], special: list[str]) -> None:
    needed("llama_cpp")
    tokens = [*special, *(f"w{number}" for number in range(20))]
    pairs = [
        g.string_pair("general.architecture", "llama"),
        g.string_pair("tokenizer.ggml.model", "gpt2"),
        g.string_pair("tokenizer.ggml.pre", "smollm"),
        g.texts_pair("tokenizer.ggml.tokens", tokens),
        g.texts_pair("tokenizer.ggml.merges", ["w 1"]),
        *(g.number_pair(f"tokenizer.ggml.{key}_token_id", value) for key, value in named.items()),
    ]
    path = written(tmp_path, pairs)
    done = subprocess.run([sys.executable, "-c", IS_END, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert facts.read(path).end_token_ids == json.loads(done.stdout)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("gemma3.attention.sliding_window", "some of its layers keep a window of the context only"),
        ("gemma3.attention.kv_lora_rank", "its keys and values are compressed"),
        ("gemma3.ssm.state_size", "some of its layers keep a state in place of the context"),
        ("other.attention.sliding_window", None),
    ],
)
def test_a_model_that_keeps_less_than_all_tokens_of_a_context_says_why(
    tmp_path: Path, key: str, says: str | None
) -> None:
    path = written(tmp_path, [g.string_pair("general.architecture", "gemma3"), g.number_pair(key, 512)])
    assert facts.read(path).kv_cache_saving == says


def test_a_window_that_holds_the_whole_context_saves_nothing(tmp_path: Path) -> None:
    architecture = g.string_pair("general.architecture", "phi3")
    window = g.number_pair("phi3.attention.sliding_window", 262_144)
    path = written(tmp_path, [architecture, g.number_pair("phi3.context_length", 131_072), window])
    assert facts.read(path).kv_cache_saving is None


@pytest.mark.parametrize(
    ("newer", "kv_heads", "key", "elements"),
    [
        ({"attention.key_length_mla": 192}, 1, 576, 512 + 64),
        ({}, 128, 192, 128 * 2 * 192),  # llama.cpp keeps all of a file that was converted before it could do better
    ],
)
def test_compressed_keys_take_what_is_kept_of_them(
    tmp_path: Path, newer: dict[str, int], kv_heads: int, key: int, elements: int
) -> None:
    numbers = {
        "block_count": 61,
        "attention.head_count": 128,
        "attention.head_count_kv": kv_heads,
        "attention.key_length": key,
        "attention.kv_lora_rank": 512,
        "rope.dimension_count": 64,
        **newer,
    }
    pairs = [g.number_pair(f"deepseek2.{name}", value) for name, value in numbers.items()]
    read = facts.read(written(tmp_path, [g.string_pair("general.architecture", "deepseek2"), *pairs]))
    assert read.kv_bytes_per_token == 61 * elements * 2
    assert kv_cache.elements_per_token(read) == 61 * elements
    assert read.kv_cache_saving == "its keys and values are compressed"
