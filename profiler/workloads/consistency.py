"""Keys of a definition that are right by themselves but do not go together."""

from profiler.workloads.mistakes import Mistake
from profiler.workloads.schema import ConversationPrompts, Replay, TracePrompts, Workload


def contradictions(workload: Workload) -> list[Mistake]:
    """Return a sentence for each pair of keys that contradict each other."""
    found = []
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
