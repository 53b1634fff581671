"""Keys of a definition that are right by themselves but do not go together."""

from profiler.definitions.mistakes import Mistake
from profiler.workloads.schema import ConversationPrompts, Replay, TracePrompts, Workload

_OF_TOKENS = ("ttft_ms", "tpot_ms")  # what an answer without tokens does not have


def contradictions(workload: Workload) -> list[Mistake]:
    """Return a sentence for each pair of keys that contradict each other."""
    found = _about_embeddings(workload)
    prompts, requests = workload.prompts, workload.requests
    if isinstance(workload.load, Replay) and not isinstance(prompts, TracePrompts):
        sentence = (
            f"'load.shape' is 'replay', but 'prompts.source' is {prompts.source!r}: only a trace has times to replay. "
            "Expected 'trace' (on the command line: --trace FILE), or another shape."
        )
        found.append(Mistake(("load", "shape"), sentence))
    if isinstance(prompts, ConversationPrompts) and requests % prompts.turns:
        below = requests - requests % prompts.turns
        nearest = f"{below} or {below + prompts.turns}" if below else f"{prompts.turns}"
        sentence = f"'requests' is {requests}: expected whole conversations of {prompts.turns} turns, say {nearest}."
        found.append(Mistake(("requests",), sentence))
    return found


def _about_embeddings(workload: Workload) -> list[Mistake]:
    """Return what a workload says of output tokens that its endpoint does not make."""
    if not workload.is_embedding:
        sentence = f"'output_tokens' is 0, but 'api' is {workload.api!r}: expected 1 or more, or 'api: embeddings'."
        return [] if workload.output_tokens else [Mistake(("output_tokens",), sentence)]
    found = []
    if workload.keep_responses:
        found.append(
            Mistake(("keep_responses",), "'keep_responses' keeps text, and an embedding has none: leave it out.")
        )
    if workload.output_tokens:
        sentence = f"'output_tokens' is {workload.output_tokens}, but an embedding has none: expected 0."
        found.append(Mistake(("output_tokens",), sentence))
    if isinstance(workload.prompts, ConversationPrompts | TracePrompts):
        sentence = (
            f"'prompts.source' is {workload.prompts.source!r}, which is about answers of many tokens: expected "
            "'synthetic' or 'data' with 'api: embeddings'."
        )
        found.append(Mistake(("prompts", "source"), sentence))
    for name in _OF_TOKENS:
        if getattr(workload.slo, name) is not None:
            sentence = f"'slo.{name}' is about output tokens, and embeddings have none: use 'slo.e2e_ms'."
            found.append(Mistake(("slo", name), sentence))
    if workload.until is not None and workload.until.metric in _OF_TOKENS:
        sentence = f"'until.metric' is {workload.until.metric!r}, and embeddings have no tokens: expected 'e2e_ms'."
        found.append(Mistake(("until", "metric"), sentence))
    return found
