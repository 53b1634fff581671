"""Keys of a definition that are right by themselves but do not go together."""

from profiler.definitions.mistakes import Mistake
from profiler.quality.catalogue import SCORERS
from profiler.workloads.schema import ConversationPrompts, DataPrompts, Replay, TracePrompts, Workload

_OF_TOKENS = ("ttft_ms", "tpot_ms")  # what an answer without tokens does not have


def contradictions(workload: Workload) -> list[Mistake]:
    """Return a sentence for each pair of keys that contradict each other."""
    found = [*_about_embeddings(workload), *_about_scorers(workload)]
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
    if workload.keep_responses and not isinstance(workload.prompts, DataPrompts):
        sentence = "'keep_responses' keeps the vectors of the rows of a data file, and there is none: leave it out."
        found.append(Mistake(("keep_responses",), sentence))
    if isinstance(workload.prompts, DataPrompts) and workload.prompts.shots != 0:
        sentence = "'prompts.shots' shows worked examples, and a vector answers nothing: leave it out."
        found.append(Mistake(("prompts", "shots"), sentence))
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


def _about_scorers(workload: Workload) -> list[Mistake]:
    """Return what a workload says of scores that its answers cannot have."""
    if workload.scorers is None and workload.correct is None:
        return []
    key, of = ("correct" if workload.scorers is None else "scorers"), ("vector" if workload.is_embedding else "text")
    found = []
    if not isinstance(workload.prompts, DataPrompts):
        sentence = (
            f"{key!r} is about answers to the rows of a data file, but 'prompts.source' is "
            f"{workload.prompts.source!r}: expected 'data'."
        )
        found.append(Mistake((key,), sentence))
    if not workload.keep_responses:
        found.append(Mistake((key,), f"{key!r} is about answers that are kept: expected 'keep_responses: true'."))
    for place, name in enumerate(workload.scorers or []):
        if SCORERS[name].of != of:
            sentence = (
                f"the scorer {name!r} is about {SCORERS[name].of}s, and 'api: {workload.api}' answers with {of}s. "
                f"Expected one of {', '.join(one for one, scorer in SCORERS.items() if scorer.of == of)}."
            )
            found.append(Mistake(("scorers", place), sentence))
    if workload.correct and workload.scorers is not None and workload.correct.scorer not in workload.scorers:
        sentence = f"'correct.scorer' is {workload.correct.scorer!r}: expected one of 'scorers'."
        found.append(Mistake(("correct", "scorer"), sentence))
    return found
