"""Sizes from configurations in the words of several families; right values by their published architectures."""

import pytest

from profiler.models import config_facts

DEEPSEEK_V3: dict[str, object] = {
    "model_type": "deepseek_v3",
    "hidden_size": 7168,
    "num_hidden_layers": 61,
    "num_attention_heads": 128,
    "num_key_value_heads": 128,
    "kv_lora_rank": 512,
    "qk_rope_head_dim": 64,
    "qk_nope_head_dim": 128,
    "v_head_dim": 128,
}
FALCON_7B: dict[str, object] = {
    "hidden_size": 4544,
    "num_hidden_layers": 32,
    "num_attention_heads": 71,
    "num_kv_heads": 71,
    "multi_query": True,
    "new_decoder_architecture": False,
}
FALCON_40B = {**FALCON_7B, "num_attention_heads": 128, "num_kv_heads": 8, "new_decoder_architecture": True}
CHATGLM = {"num_layers": 40, "num_attention_heads": 32, "multi_query_group_num": 2, "kv_channels": 128}
MPT = {"n_layers": 32, "n_heads": 32, "d_model": 4096, "attn_config": {"kv_n_heads": 4}}
GPT2 = {"n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024}
GPT_BIG_CODE = {"n_layer": 40, "n_head": 48, "n_embd": 6144, "multi_query": True}
OPEN_ELM = {"num_kv_heads": [3, 3, 4], "num_query_heads": [12, 12, 16], "head_dim": 64}
NEMOTRON = {"num_attention_heads": 64, "num_key_value_heads": None, "hidden_size": 8192, "block_configs": [{}]}


@pytest.mark.parametrize(
    ("config", "heads", "head_size"),
    [
        (DEEPSEEK_V3, 128, 192),
        (FALCON_7B, 1, 64),
        (FALCON_40B, 8, 35),
        (CHATGLM, 2, 128),
        (MPT, 4, 128),
        (GPT2, 12, 64),
        (GPT_BIG_CODE, 1, 128),
        (OPEN_ELM, None, 64),
        (NEMOTRON, None, 128),
        ({"num_attention_heads": 32, "hidden_size": 4096, "num_key_value_heads": 8}, 8, 128),
        ({}, None, None),
    ],
)
def test_heads_of_keys_and_values(config: dict[str, object], heads: int | None, head_size: int | None) -> None:
    assert (config_facts.kv_heads(config), config_facts.head_size(config)) == (heads, head_size)


def test_sizes_by_other_names() -> None:
    assert (config_facts.layers(GPT2), config_facts.hidden_size(GPT2), config_facts.context_length(GPT2)) == (
        *(12, 768),
        1024,
    )
    assert config_facts.vocabulary_size({"padded_vocab_size": 151_552}) == 151_552


def test_compressed_keys_take_what_is_kept_of_them() -> None:
    assert config_facts.latent_size(DEEPSEEK_V3) == 512 + 64
    assert config_facts.latent_size(FALCON_7B) is None


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (DEEPSEEK_V3, config_facts.COMPRESSED),
        ({"sliding_window": 4096, "max_position_embeddings": 32_768}, config_facts.WINDOW),  # Mistral 7B v0.1
        ({"sliding_window": None, "max_position_embeddings": 32_768}, None),  # v0.3
        ({"sliding_window": 32_768, "use_sliding_window": False, "max_position_embeddings": 131_072}, None),  # Qwen2.5
        ({"sliding_window": 262_144, "max_position_embeddings": 131_072}, None),  # Phi-3.5: a window that holds all
        ({"sliding_window": 128, "layer_types": ["sliding_attention", "full_attention"]}, config_facts.WINDOW),
        ({"sliding_window": 128, "layer_types": ["full_attention", "full_attention"]}, None),
        ({"layer_types": ["linear_attention", "full_attention"]}, config_facts.STATE),
        ({"full_attention_interval": 4}, config_facts.STATE),  # Qwen3-Next
        ({"state_size": 16}, config_facts.STATE),  # Mamba
        ({"layer_types": None}, None),
    ],
)
def test_why_a_long_context_takes_less(config: dict[str, object], says: str | None) -> None:
    assert config_facts.kv_cache_saving(config) == says


@pytest.mark.parametrize(
    ("packed", "called"),
    [
        ({"quant_method": "awq", "bits": 4}, "awq 4 bit"),
        ({"quant_method": "gptq", "bits": 8}, "gptq 8 bit"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": False}, "bitsandbytes 4 bit"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": False, "load_in_8bit": True}, "bitsandbytes 8 bit"),
        ({"quant_method": "fp8", "activation_scheme": "dynamic"}, "fp8"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "modelopt nvfp4"),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}},
            },
            "compressed-tensors fp8",
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int"}}},
            },
            "compressed-tensors 4 bit",
        ),
        ({}, "quantised"),
        (None, "BF16"),
    ],
)
def test_packed_weights_are_told_apart(packed: object, called: str) -> None:
    assert config_facts.quantisation({"torch_dtype": "bfloat16", "quantization_config": packed}) == called


def test_what_is_inside_a_part_about_text_counts() -> None:
    omni = {"thinker_config": {"text_config": {"num_hidden_layers": 28, "torch_dtype": None}}, "torch_dtype": "float16"}
    found = config_facts.language_part(omni)
    assert (config_facts.layers(found), config_facts.quantisation(found)) == (28, "F16")
    endless: dict[str, object] = {}
    endless["text_config"] = endless
    assert config_facts.layers(config_facts.language_part(endless)) is None
