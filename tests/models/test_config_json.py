import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from profiler.errors import ModelError
from profiler.models import config_json, shapes

LLAMA31_8B: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "max_position_embeddings": 131072,
    "model_type": "llama",
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-05,
    "rope_scaling": {
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
        "rope_type": "llama3",
    },
    "rope_theta": 500000.0,
    "tie_word_embeddings": False,
    "vocab_size": 128256,
}

NAMED = {"basename", "size_label", "source"}


def written(folder: Path, **changes: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps({**LLAMA31_8B, **changes}))
    return path


def dimensions(shape: shapes.Shape) -> dict[str, Any]:
    return {key: value for key, value in asdict(shape).items() if key not in NAMED}


def test_the_file_of_a_public_model_gives_its_shape(tmp_path: Path) -> None:
    read = config_json.shape(written(tmp_path))
    assert dimensions(read) == dimensions(shapes.LLAMA31_8B)
    assert read.title == tmp_path.name
    assert config_json.shape(written(tmp_path, _name_or_path="meta-llama/Llama-3.1-8B")).title == "Llama-3.1-8B"


def test_newer_files_keep_rotary_positions_together(tmp_path: Path) -> None:
    rope = {**LLAMA31_8B["rope_scaling"], "rope_theta": 500000.0}
    path = written(tmp_path, rope_scaling=None, rope_theta=None, rope_parameters=rope)
    assert dimensions(config_json.shape(path)) == dimensions(shapes.LLAMA31_8B)


@pytest.mark.parametrize("shape", [one for one in shapes.SHAPES.values() if not one.is_embedding], ids=lambda s: s.id)
def test_what_is_described_is_read(tmp_path: Path, shape: shapes.Shape) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config_json.describe(shape, "mark")))
    assert dimensions(config_json.shape(path)) == dimensions(shape)


def test_what_a_file_leaves_out_has_the_usual_value(tmp_path: Path) -> None:
    path = written(tmp_path, num_key_value_heads=None, rope_scaling=None, rope_theta=None, rms_norm_eps=None)
    read = config_json.shape(path)
    assert (read.kv_heads, read.head_size, read.rope_scaling, read.rope_theta, read.norm_epsilon) == (
        *(32, 128, None, 10_000.0, 1e-6),
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"architectures": ["MixtralForCausalLM"]},
            r"MixtralForCausalLM cannot be made\. Known architectures: LlamaForCausalLM, Mistral",
        ),
        ({"architectures": None}, r"the architecture is not named\. Known architectures"),
        ({"hidden_size": "big"}, r"hidden_size is 'big', expected a whole number"),
        ({"num_hidden_layers": 0}, r"num_hidden_layers is 0, expected a whole number from 1 to 10000"),
        ({"num_hidden_layers": 2**64}, r"num_hidden_layers is 18446744073709551616, expected a whole number from 1 to"),
        ({"hidden_size": 10**4000}, r"hidden_size is 10{39}…, expected"),
        ({"vocab_size": 2**63}, r"vocab_size is 9223372036854775808, expected"),
        ({"rope_theta": 1e999}, r"a setting is inf, expected a number above 0"),
        ({"rms_norm_eps": -1e-6}, r"a setting is -1e-06, expected a number above 0"),
        ({"rope_scaling": {"type": "llama3", "factor": 0}}, r"a setting is 0, expected a number above 0"),
        (
            {"rope_scaling": {"type": "llama3", "low_freq_factor": 4, "high_freq_factor": 4}},
            r"low_freq_factor is 4, expected less than high_freq_factor, 4",
        ),
        ({"vocab_size": None}, r"vocab_size is None"),
        ({"vocab_size": 1000}, r"vocab_size is 1000; a synthetic vocabulary takes 7580 or more"),
        ({"num_key_value_heads": 5}, r"32 attention heads cannot share 5"),
        ({"head_dim": 65}, r"head_dim is 65, expected an even number"),
        ({"rope_scaling": {"type": "yarn"}}, r"type 'yarn' are not known\. Known: default, llama3"),
        ({"attention_bias": True}, r"attention_bias is set, and a llama shape is made without"),
    ],
)
def test_what_cannot_be_made_is_named(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    with pytest.raises(ModelError, match=says) as caught:
        config_json.shape(written(tmp_path, **changes))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(("text", "says"), [("{", "is not JSON"), ("[]", "holds no JSON object"), ("\xff", "not JSON")])
def test_a_damaged_file_is_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text, "latin-1")
    with pytest.raises(ModelError, match=says):
        config_json.shape(path)
    with pytest.raises(ModelError, match="none cannot be read: No such file"):
        config_json.shape(tmp_path / "none")
