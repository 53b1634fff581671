"""What real servers answer to a field that they do not know; wordings from their documentation and issue trackers."""

import json

import pytest

from profiler.servers.refusal import refused_field, suggested_limit

FIELDS = ["max_tokens", "temperature", "seed", "stream_options", "ignore_eos", "top_k"]

OPENAI = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."


@pytest.mark.parametrize(
    ("said", "field"),
    [
        # OpenAI, with and without the place of its own
        ({"error": {"message": OPENAI, "param": "max_tokens", "code": "unsupported_parameter"}}, "max_tokens"),
        ({"error": {"message": OPENAI}}, "max_tokens"),
        (
            {
                "error": {
                    "message": "Unsupported value: 'temperature' does not support 0.0 with this model. Only the "
                    "default (1) value is supported.",
                    "param": "temperature",
                }
            },
            "temperature",
        ),
        ({"error": {"message": "bad", "param": "stream_options.include_usage"}}, "stream_options"),
        # Azure
        ({"error": {"message": "Unrecognized request argument supplied: stream_options"}}, "stream_options"),
        # FastAPI; the input that it repeats names everything
        (
            {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "stream_options"],
                        "msg": "Extra inputs are not permitted",
                        "input": {"seed": 1, "max_tokens": 2},
                    }
                ]
            },
            "stream_options",
        ),
        # Mistral
        (
            {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"]}]}},
            "seed",
        ),
        # vLLM: the same as text
        (
            {
                "object": "error",
                "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'ignore_eos'), 'input': True}]",
                "code": 400,
            },
            "ignore_eos",
        ),
        # serde, as in TGI and mistral.rs: the fields that it knows are listed behind
        ("Failed to deserialize the JSON body: unknown field `seed`, expected one of `max_tokens`, `n`", "seed"),
        # Gemini, a list of one error
        (
            [{"error": {"code": 400, "message": 'Invalid JSON payload received. Unknown name "seed": Cannot find'}}],
            "seed",
        ),
        # JSON Schema
        ({"error": "Additional properties are not allowed ('top_k' was unexpected)"}, "top_k"),
        # LiteLLM
        ({"error": {"message": "openai does not support parameters: ['seed'], for model=m."}}, "seed"),
        # Groq
        ({"error": {"message": "property 'ignore_eos' is unsupported"}}, "ignore_eos"),
        # Amazon Bedrock
        ({"message": "Malformed input request: #: extraneous key [stream_options] is not permitted"}, "stream_options"),
        # xAI and gateways in Java
        ("Argument not supported on this model: streamOptions", "stream_options"),
        # Databricks, Anthropic
        ({"error": {"message": "seed: Extra inputs are not permitted"}}, "seed"),
        # nothing of ours
        ({"error": {"message": "The model `m` does not exist"}}, None),
        ({"error": {"message": "seeds and maximum_tokens"}}, None),
        ("", None),
        ("[" * 50_000, None),
        ({"error": {"param": None, "message": None}}, None),
        ({"detail": [{"loc": ["body", 0, "prompt"]}]}, None),
    ],
)
def test_the_field_that_an_error_names(said: object, field: str | None) -> None:
    text = said if isinstance(said, str) else json.dumps(said)
    assert refused_field(text, FIELDS) == field


def test_another_name_for_the_limit() -> None:
    assert suggested_limit(OPENAI, ["max_tokens"]) == "max_completion_tokens"
    assert suggested_limit("use max_new_tokens", ["max_tokens"]) == "max_new_tokens"
    assert suggested_limit("max_tokens is too small", ["max_tokens"]) is None
