"""The targets and constraints that the options of a command line ask for. Pure."""

from collections.abc import Iterator

from pydantic import ValidationError

from profiler.errors import UsageError
from profiler.selection.answers import Bound
from profiler.selection.fact_constraints import FactConstraint, fact_constraint
from profiler.selection.options import AskedOptions, TargetOptions
from profiler.selection.targets import Target, target
from profiler.workloads.schema import Slo

DEFAULT_ATTAINMENT = 0.99
_ATTAINED = "slo_attainment_ratio"

# Option -> metric and quantile of the target, and whether it is a limit from above.
_TARGETS: dict[str, tuple[str, Bound]] = {
    "ttft_p95": ("ttft_ms.p95", "at most"),
    "ttft_p99": ("ttft_ms.p99", "at most"),
    "tpot_p95": ("tpot_ms.p95", "at most"),
    "tpot_p99": ("tpot_ms.p99", "at most"),
    "e2e_p95": ("e2e_ms.p95", "at most"),
    "e2e_p99": ("e2e_ms.p99", "at most"),
    "per_user_tokens_per_s": ("decode_tokens_per_s.p50", "at least"),
}
# Option -> fact that it constrains.
_FACTS = {
    "licence": "licence",
    "licence_class": "licence_class",
    "language": "languages",
    "context_at_least": "context_tokens",
    "parameters_at_most": "parameters",
    "size_class": "size_class",
    "architecture": "architecture",
    "training": "training",
    "fine_tuning": "fine_tuning",
}


def slo_of(asked: TargetOptions) -> Slo:
    """Return the SLOs of a request that were asked for; stating none where none is given. Raises `UsageError`."""
    limits = {"ttft_ms": asked.slo_ttft_ms, "tpot_ms": asked.slo_tpot_ms, "e2e_ms": asked.slo_e2e_ms}
    try:
        return Slo(**limits)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        flag = f"--slo-{name.replace('_', '-')}"
        raise UsageError(f"{flag} {limits[name]:g}: expected milliseconds above 0, up to a day.") from None


def stated_targets(asked: TargetOptions) -> tuple[Target, ...]:
    """Return the limits that were asked for; none is an answer, too. Raises `UsageError`."""
    return tuple(_targets(asked))


def targets_of(asked: AskedOptions) -> tuple[Target, ...]:
    """Return the limits that were asked for. Raises `UsageError`, also where there is none."""
    found = stated_targets(asked)
    if not found:
        raise UsageError(
            "No target is given. Pass at least one: --ttft-p95 500, --per-user-tokens-per-s 20, --slo-tpot-ms 50, "
            "--at-most METRIC=NUMBER … (--help lists them)."
        )
    return found


def _targets(asked: TargetOptions) -> Iterator[Target]:
    for name, (metric, bound) in _TARGETS.items():
        if (limit := getattr(asked, name)) is not None:
            yield target(f"{metric}={limit!r}", bound)
    yield from (target(text, "at most") for text in asked.at_most)
    yield from (target(text, "at least") for text in asked.at_least)
    if slo_of(asked).is_stated:
        share = DEFAULT_ATTAINMENT if asked.attainment is None else asked.attainment
        yield target(f"{_ATTAINED}={share!r}", "at least")


def constraints_of(asked: AskedOptions) -> tuple[FactConstraint, ...]:
    """Return the constraints on facts. Raises `UsageError`."""
    given = ((fact, getattr(asked, name)) for name, fact in _FACTS.items())
    return tuple(
        fact_constraint(fact, value.split(",") if isinstance(value, str) else value)
        for fact, value in given
        if value is not None
    )
