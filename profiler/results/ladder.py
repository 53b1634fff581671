"""`quantisations-….json`: one model stored in several ways, and what each is in predictions, size, speed and price."""

import msgspec


class Divergence(msgspec.Struct, kw_only=True, frozen=True):
    """How far the next-token predictions of a model are from those of the base, over the scored tokens of a text.

    `…_error` is the standard error over tokens, as llama.cpp computes it: tokens are taken as independent.
    """

    tokens: int
    mean_kld: float  # nats: mean Kullback-Leibler divergence, from the base's predictions to the model's
    mean_kld_error: float
    p99_kld: float
    same_top_ratio: float  # share of the tokens for which both think the same one the most likely
    same_top_error: float
    perplexity: float
    base_perplexity: float


class Figure(msgspec.Struct, kw_only=True, frozen=True):
    """A metric of the run of a rung, with its 95 % interval; `reason` says why there is no value."""

    unit: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


class Rung(msgspec.Struct, kw_only=True):
    """One file."""

    name: str
    path: str
    sha256: str | None
    quantisation: str | None
    size_bytes: int
    bits_per_weight: float | None
    made_from: str | None = None  # the file that it was quantised from here; None: it was given
    divergence: Divergence | None = None
    no_divergence: str | None = None
    run: str | None = None  # the folder of its run
    verdict: str | None = None
    no_run: str | None = None
    figures: dict[str, Figure] = {}  # by metric


class Ladder(msgspec.Struct, kw_only=True):
    """All files; the first is the base, the least quantised of those that were given."""

    tool_version: str
    started_utc: str
    text: str
    text_sha256: str
    chunks: int | None = None  # of the text, that were scored
    context_tokens: int
    run_command: str | None = None
    notes: list[str] = []
    rungs: list[Rung]
