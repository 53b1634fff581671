import json
from pathlib import Path

import pytest

from profiler.errors import ModelError
from profiler.models import checkpoint_form, facts, safetensors_file
from profiler.models.safetensors_file import TensorInfo
from profiler.models.shapes import LLAMA32_1B, NOMIC_EMBED, TINY_1M

CONFIG = {
    "architectures": ["OlmoForCausalLM"],
    "model_type": "olmo",
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "max_position_embeddings": 2048,
    "vocab_size": 100,
    "torch_dtype": "bfloat16",
    "eos_token_id": 7,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint of an architecture that cannot be made here."""
    folder = tmp_path / "Some-7B-Instruct"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    with (folder / "model.safetensors").open("wb") as file:
        safetensors_file.write(file, {"a": TensorInfo("BF16", (10, 3))}, [bytes(60)], {})
    (folder / "README.md").write_text("---\nlicense: mit\nlanguage: en\nbase_model: me/base\n---\n")
    return folder


def test_a_checkpoint_is_read(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    (folder / "generation_config.json").write_text('{"eos_token_id": [9, 8]}')
    read = facts.read(folder)
    size_bytes = sum((folder / name).stat().st_size for name in ("config.json", "model.safetensors"))
    assert read.model_dump(exclude={"sha256", "path", "source"}, exclude_defaults=True) == {
        "name": "Some-7B-Instruct",
        "size_bytes": size_bytes,
        "is_synthetic": False,
        "architecture": "olmo",
        "parameters": 30,
        "quantisation": "BF16",
        "context_length": 2048,
        "layers": 2,
        "hidden_size": 64,
        "heads": 4,
        "kv_heads": 4,
        "head_size": 16,
        "kv_bytes_per_token": 512,  # keys and values, 2 layers, 4 heads of 16, 2 bytes
        "vocabulary_size": 100,
        "has_chat_template": True,
        "licence": "mit",
        "languages": ["en"],
        "base_models": ["me/base"],
        "training": "instruct",
        "fine_tuning": ["full", "lora", "qlora"],
        "facts_from": {"licence": "model card", "languages": "model card", "base_models": "model card"},
        "end_token_ids": [8, 9],
    }


def test_packed_weights_are_not_counted(folder: Path) -> None:
    config = {**CONFIG, "quantization_config": {"quant_method": "awq", "bits": 4}}
    (folder / "config.json").write_text(json.dumps(config))
    read = facts.read(folder)
    assert (read.quantisation, read.parameters) == ("awq 4 bit", None)


def test_the_hash_is_that_of_all_files(folder: Path) -> None:
    before = facts.read(folder).sha256
    assert facts.read(folder).sha256 == before
    (folder / "tokenizer.json").write_text("{}")
    assert facts.read(folder).sha256 != before


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("config.json", "{", "config.json is not JSON"),
        ("generation_config.json", "[]", "generation_config.json holds no JSON object"),
        ("tokenizer_config.json", "\x00", "tokenizer_config.json is not JSON"),
        ("model.safetensors", "nothing", "truncated or no safetensors file"),
    ],
)
def test_a_damaged_file_is_named(folder: Path, name: str, content: str, says: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(ModelError, match=says):
        facts.read(folder)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no config\.json\. Name a folder that does, or the \.gguf file"):
        facts.read(tmp_path)


def test_a_synthetic_one_says_so(tmp_path: Path) -> None:
    read = facts.read(checkpoint_form.make(LLAMA32_1B, tmp_path / "it"))
    assert read.is_synthetic
    assert read.name == "Llama-3.2-1B shape, synthetic weights"
    assert (read.parameters, read.licence, read.quantisation) == (1_235_814_400, "cc0-1.0", "BF16")
    assert (read.has_chat_template, read.end_token_ids, read.kv_bytes_per_token) == (True, [0], 32_768)
    assert read.decode_parameters == 1_235_814_400  # its output matrix is the embedding
    assert read.decode_weight_bytes == 2 * 1_235_814_400


def test_a_checkpoint_of_the_hub_is_called_as_its_repository(folder: Path) -> None:
    snapshot = folder.rename(folder.parent / "0123456789abcdef")  # as the hub's client names it
    read = facts.read(snapshot, "hf:me/Other-7B-Chat@main")
    assert (read.name, read.training) == ("Other-7B-Chat", "chat")


def test_an_embedding_shape_has_no_such_form(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has no form for vLLM"):
        checkpoint_form.make(NOMIC_EMBED, tmp_path)


def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(ModelError, match="Name a folder that can be written with --out"):
        checkpoint_form.make(TINY_1M, Path("/dev/null/model"))
