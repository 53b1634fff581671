"""What a metric measures, so that no thing counts twice in a score under two names. Pure."""

from profiler.metrics.catalogue import METRICS
from profiler.metrics.registry import MetricSpec

_WORK = "the work that an hour brings"
_PROMPT = "the time until the first token"
_TOKEN = "the time of a token"  # noqa: S105 - no secret
_ENERGY = "the energy of the work"


def measured_twice(one: str, other: str) -> str | None:
    """Say what two metrics both measure; None where they measure different things.

    At a fixed price per hour, a cost per token is that price over the rate, so the two are one thing, and so is the
    embodied carbon of an hour. Carbon is energy times the intensity of the grid. End-to-end latency holds both the time
    to the first token and that of the others, and the cost of a correct answer the share of those.
    """
    if one == other:
        return "the same metric"
    both = _things(METRICS[one]) & _things(METRICS[other])
    return " and ".join(sorted(both)) or None


def _things(spec: MetricSpec) -> set[str]:
    of_answers = {"correct_ratio"} if spec.kind == "per-correct-answer" else set()
    if "energy" in spec.rests_on:
        return {_ENERGY, *of_answers}
    if spec.rests_on & {"price", "embodied"}:
        return {_WORK, *of_answers}
    if spec.unit == "ratio" or spec.group not in {"latency", "throughput"}:
        return {spec.id}
    if spec.work == "decode":
        return {_TOKEN}
    if spec.work == "prefill":
        return {_PROMPT}
    return {_PROMPT, _TOKEN} if spec.group == "latency" else {_WORK}
