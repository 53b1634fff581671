"""How long prompts and responses were, so that runs of unlike work are not compared in silence."""

from profiler.aggregation.observations import Observations
from profiler.aggregation.request import output_tokens, prompt_tokens
from profiler.metrics.latency import NO_REASONING
from profiler.metrics.population import FINISHED_SUMS
from profiler.metrics.registry import NotMeasuredError, per_request, per_run
from profiler.metrics.shown import Shown
from profiler.results.records import RequestRecord


@per_request("Output tokens per request", unit="tokens", group="throughput", better="neither", work="requests")
def output_tokens_per_request(request: RequestRecord) -> float:
    """Tokens of the response: the server's count, or ours where it gives none."""
    if not request.completion_tokens:
        raise NotMeasuredError("the response has no tokens")
    return float(output_tokens(request))


@per_request("Prompt tokens per request", unit="tokens", group="throughput", better="neither", work="requests")
def prompt_tokens_per_request(request: RequestRecord) -> float:
    """Tokens of the prompt, templates included: the server's count, or ours where it gives none."""
    count = prompt_tokens(request)
    if count is None:
        raise NotMeasuredError("the prompt's tokens were not counted")
    return float(count)


@per_run(
    "Share of reasoning tokens",
    unit="ratio",
    group="throughput",
    better="neither",
    over=FINISHED_SUMS,
    short="Reasoning",
    shown=Shown(order=25, of="output", headline="page", loads="page", is_optional=True),
)
def reasoning_token_ratio(seen: Observations) -> float:
    """Tokens of reasoning / output tokens: in the server's count where it tells one, else those that were streamed."""
    if not seen.totals.reasoning_tokens:
        raise NotMeasuredError(NO_REASONING)
    return seen.totals.reasoning_tokens / seen.totals.output_tokens.total
