"""How runs are found that asked for other work, or got other work: how long texts are, and what ends them. Pure."""

from profiler.verdict.traps import SAME_LENGTH_RATIO, Runs, different, number, some
from profiler.workloads.schema import Prompts, SyntheticPrompts, TracePrompts

_WHOLE_FROM = 1000  # tokens; beyond, parts of one say nothing


def response_lengths(runs: Runs) -> str | None:
    """Responses of different mean length."""
    found = _lengths(runs, "output_tokens_per_request")
    if found is None:
        return None
    remedy = (
        "a model that says less looks faster by the request. Compare by the token, or by the correct answer."
        if all(run.manifest.workload.stop == "natural" for run in runs)
        else "a server that ends a sequence early looks faster: ask for the same length on both sides (ignore_eos)."
    )
    return (
        f"Output lengths differ: responses have {found} on average. Whole requests are not the same work, and {remedy}"
    )


def data(runs: Runs) -> str | None:
    """Rows of data files that are not the same, or are asked by another template."""
    if len(different(runs, lambda run: run.data_digest)) < 2:
        return None
    return (
        "The rows of the data file, or the template that asks them, are not the same: neither prompts nor answers are "
        "of the same work."
    )


def stop_policy(runs: Runs) -> str | None:
    """Responses that end at their length, and responses that the model ends."""
    if len(different(runs, lambda run: run.workload.stop)) < 2:
        return None
    return (
        "Some responses end at the length that was asked for (stop: length), others where the model ends them (stop: "
        "natural): neither whole requests nor the texts are the same work."
    )


def prompt_lengths(runs: Runs) -> str | None:
    """Prompts of different mean length."""
    found = _lengths(runs, "prompt_tokens_per_request")
    return None if found is None else f"Prompt lengths differ: {found} on average, as the servers count them."


def _lengths(runs: Runs, metric: str) -> str | None:
    means = {run.name: mean for run in runs if (mean := number(run, metric)) is not None}
    if not means or max(means.values()) - min(means.values()) <= SAME_LENGTH_RATIO * max(means.values()):
        return None
    return f"from {_tokens(min(means.values()))} to {_tokens(max(means.values()))} tokens"


def shorter(runs: Runs) -> str | None:
    """Responses shorter than was asked for."""
    short = [
        f"{_tokens(mean)} of {_tokens(asked)} ({run.name})"
        for run in runs
        if run.manifest.workload.stop == "length"
        and not isinstance(run.manifest.workload.prompts, TracePrompts)  # each row says for itself how long
        and (mean := number(run, "output_tokens_per_request")) is not None
        and mean < (1 - SAME_LENGTH_RATIO) * (asked := run.manifest.workload.output_tokens)
    ]
    if not short:
        return None
    return f"Responses are shorter than was asked for, in tokens on average: {some(short)}. They ended early."


def other_prompts(runs: Runs) -> str | None:
    """Prompts of another length than was asked for."""
    other = [
        f"{_tokens(mean)} for {_tokens(asked)} ({run.name})"
        for run in runs
        if (mean := number(run, "prompt_tokens_per_request")) is not None
        and (asked := _asked(run.manifest.workload.prompts)) is not None
        and abs(mean - asked) > SAME_LENGTH_RATIO * asked
    ]
    if not other:
        return None
    return (
        f"The servers count other prompt lengths than were asked for, in tokens on average: {some(other)}. A chat "
        "template, or another tokenizer, makes the difference."
    )


def _asked(prompts: Prompts) -> float | None:
    """Return the mean length that is asked for, of prompts alike at every load: context and system prompt included."""
    if not isinstance(prompts, SyntheticPrompts) or isinstance(prompts.depth, list):
        return None
    system = prompts.system
    return prompts.tokens + prompts.depth + (system.tokens * system.share if system else 0.0)


def _tokens(mean: float) -> str:
    return f"{mean:,.0f}" if mean >= _WHOLE_FROM else f"{mean:.4g}"
