"""The model of a run and its adapter, as `run.json` keeps them; whatever is not known is `None`."""

from typing import Literal

from pydantic import Field

from profiler.results.part import Part


class ModelFacts(Part):
    """The model file and what it says of itself; `None` where it is silent."""

    name: str
    source: str = Field(description="Where it came from: a path, hf:repo/file, synthetic:SHAPE/QUANT or a URL.")
    path: str | None
    size_bytes: int | None
    sha256: str | None
    is_synthetic: bool = Field(description="Random weights in the shape of a public model: speed only.")
    architecture: str | None = None
    parameters: int | None = None
    quantisation: str | None = None
    context_length: int | None = None
    decode_weight_bytes: int | None = Field(
        default=None, description="Weights read for one output token, lookup tables and unused experts left out."
    )
    decode_parameters: int | None = Field(default=None, description="Parameters that a token is multiplied with.")
    expert_bytes: int | None = Field(
        default=None, description="Weights of all experts of a mixture, unused ones included; null: it has none."
    )
    expert_ratio: float | None = Field(default=None, description="Share of the experts that one token uses.")
    layers: int | None = None
    hidden_size: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_size: int | None = None
    kv_bytes_per_token: int | None = Field(default=None, description="Keys and values of one token in float16.")
    vocabulary_size: int | None = None
    has_chat_template: bool | None = None
    licence: str | None = None
    languages: list[str] = Field(default=[])
    base_models: list[str] = Field(default=[])
    tags: list[str] = Field(default=[])
    training: str | None = Field(
        default=None, description="base, instruct, chat, preference-tuned or embedding, where it says so."
    )
    fine_tuning: list[str] = Field(
        default=[],
        description="How these weights can be customised: full, lora, qlora; empty: not known. Quantised files take "
        "adapters only.",
    )
    facts_from: dict[str, str] = Field(
        default={},
        description="Which of its files says licence, languages and base models: GGUF or model card.",
    )
    kv_cache_saving: str | None = Field(
        default=None, description="Why a long context takes less than keys and values of all its tokens, where it does."
    )
    end_token_ids: list[int] = Field(default=[], description="Every token that ends a generation.")
    changed_from: str | None = Field(
        default=None, description="SHA-256 of the last run under this name, where the model was another one then."
    )

    @property
    def is_encoder(self) -> bool:
        """Whether it is a BERT, whatever its kind: it looks both ways and ends in a vector, never in a next token."""
        return "bert" in (self.architecture or "")


class LoraFacts(Part):
    """A LoRA adapter: weights that customise a model, kept apart from it."""

    name: str
    path: str
    form: Literal["gguf", "peft"]
    size_bytes: int
    sha256: str
    is_synthetic: bool
    architecture: str | None = None
    base_model: str | None = None
    rank: int = Field(description="The largest, where matrices differ.")
    alpha: float | None = None
    targets: list[str] = Field(default=[], description="Matrices that it changes, by the names of its format.")
    layers: int | None = Field(
        default=None,
        description="One more than the last layer that it changes, which is all of the model's; absent where some were "
        "chosen.",
    )
    parameters: int
