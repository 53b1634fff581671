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


LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128_256,
    "max_position_embeddings": 131_072,
    "torch_dtype": "bfloat16",
    "eos_token_id": [128_001, 128_009],
}


def _written(folder: Path, config: dict[str, object], **files: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(json.dumps(content))
    return folder


def _weights(path: Path, elements: int) -> None:
    with path.open("wb") as file:
        safetensors_file.write(file, {path.name: TensorInfo("BF16", (elements,))}, [bytes(2 * elements)], {})


def test_no_packing_said_as_null_is_whole_weights(tmp_path: Path) -> None:
    read = facts.read(_written(tmp_path, {**LLAMA, "quantization_config": None}))
    assert (read.quantisation, read.fine_tuning) == ("BF16", ["full", "lora", "qlora"])
    assert read.parameters == 8_030_261_248 == (read.decode_parameters or 0) + 4096 * 128_256  # with its embedding


@pytest.mark.parametrize(
    "others", [("consolidated.safetensors",), ("consolidated.00.safetensors", "adapter_model.safetensors")]
)
def test_weights_that_a_folder_holds_in_two_forms_count_once(folder: Path, others: tuple[str, ...]) -> None:
    before = facts.read(folder)
    for name in others:
        _weights(folder / name, 30)
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.bin"):
        (folder / name).write_bytes(bytes(1000))
    after = facts.read(folder)
    assert (after.parameters, after.size_bytes, after.sha256) == (30, before.size_bytes, before.sha256)


def test_weights_are_those_of_the_index(folder: Path) -> None:
    for number in (1, 2):
        _weights(folder / f"model-0000{number}-of-00002.safetensors", 10)
    index = {"weight_map": {f"w{number}": f"model-0000{number}-of-00002.safetensors" for number in (1, 2)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert facts.read(folder).parameters == 20
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelError, match=r"has 1 of the 2 files that its model\.safetensors\.index\.json lists"):
        facts.read(folder)


def test_pytorchs_weights_count_where_there_are_no_others(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    for name in ("pytorch_model-00001-of-00001.bin", "training_args.bin"):
        (folder / name).write_bytes(bytes(1000))
    assert facts.read(folder).size_bytes == 1000 + (folder / "config.json").stat().st_size


def test_a_snapshot_in_the_hubs_cache_is_called_as_its_repository(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--meta-llama--Llama-3.1-8B-Instruct" / "snapshots" / "0e9e39f249a16976918f"
    read = facts.read(_written(snapshot, LLAMA))
    assert (read.name, read.training) == ("Llama-3.1-8B-Instruct", "instruct")


def test_a_template_of_a_processor_is_one(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text("{}")
    assert facts.read(folder).has_chat_template is False
    (folder / "chat_template.json").write_text('{"chat_template": "{{ messages }}"}')
    assert facts.read(folder).has_chat_template is True


def test_ends_that_the_generation_does_not_say_are_the_models(folder: Path) -> None:
    (folder / "generation_config.json").write_text('{"eos_token_id": null}')
    assert facts.read(folder).end_token_ids == [7]


def test_an_encoder_keeps_no_keys_and_values(tmp_path: Path) -> None:
    read = facts.read(_written(tmp_path, {**CONFIG, "architectures": ["BertModel"], "model_type": "bert"}))
    assert (read.layers, read.heads, read.kv_heads, read.kv_bytes_per_token) == (2, 4, None, None)


def test_a_model_that_sees_has_the_sizes_of_its_text_part(tmp_path: Path) -> None:
    gemma = {
        "architectures": ["Gemma3ForConditionalGeneration"],
        "model_type": "gemma3",
        "torch_dtype": "bfloat16",
        "eos_token_id": [1, 106],
        "vision_config": {"hidden_size": 1152, "num_hidden_layers": 27},
        "text_config": {
            "model_type": "gemma3_text",
            "hidden_size": 3840,
            "num_hidden_layers": 48,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "head_dim": 256,
            "sliding_window": 1024,
            "max_position_embeddings": 131_072,
            "vocab_size": 262_208,
            "eos_token_id": None,
        },
    }
    read = facts.read(_written(tmp_path, gemma))
    assert (read.architecture, read.quantisation, read.end_token_ids) == ("gemma3", "BF16", [1, 106])
    assert (read.layers, read.hidden_size, read.heads, read.kv_heads, read.head_size) == (48, 3840, 16, 8, 256)
    assert (read.context_length, read.vocabulary_size) == (131_072, 262_208)
    assert read.kv_bytes_per_token == 2 * 2 * 48 * 8 * 256
    assert read.kv_cache_saving == "some of its layers keep a window of the context only"
