"""What makes a comparison of runs unfair although they ran the same workload: one table for every verb. Pure.

Each trap says which metrics it bars. Two numbers of a barred metric are not comparable: no comparison ranks them, a
claim on them is inconclusive, a gate does not pass. Of every other metric the trap is a warning. `--allow-mismatch ID`
turns a bar into a warning. What enters a metric stands in its declaration (`rests_on`, `work`).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from profiler.metrics.catalogue import METRICS
from profiler.metrics.registry import MetricSpec
from profiler.verdict import traps as of
from profiler.verdict import traps_of_work as work
from profiler.verdict.traps import Runs

Bars = Callable[[MetricSpec], bool]


def _nothing(_: MetricSpec) -> bool:
    return False


@dataclass(frozen=True)
class Trap:
    """What to look for among runs (a sentence, or None), and which metrics are not comparable where it is found."""

    id: str
    find: Callable[[Runs], str | None]
    bars: Bars
    remedy: str = ""  # what would make them comparable
    bars_alone: Bars = _nothing  # metrics of which a run by itself carries no claim


@dataclass(frozen=True)
class Found:
    """A trap that runs lie in; `is_barring` where some metric is not comparable for it."""

    id: str
    sentence: str
    is_barring: bool
    remedy: str = ""


def traps(runs: Runs, allowed: Collection[str] = ()) -> list[Found]:
    """Return every trap that two or more runs lie in, those that bar a metric first."""
    found = [
        Found(trap.id, sentence, trap.id not in allowed and any(map(trap.bars, METRICS.values())))
        for trap in TRAPS
        if (sentence := trap.find(runs)) is not None
    ]
    return sorted(found, key=lambda one: not one.is_barring)


def fairness(runs: Runs) -> list[str]:
    """Return a sentence for each trap that two or more runs lie in; none where nothing was found."""
    return [found.sentence for found in traps(runs)]


def obstacle(metric: str, one: Runs, other: Runs, allowed: Collection[str] = ()) -> Found | None:
    """Return why a metric of `one` must not be compared with that of `other`; None where it may be.

    The only place that decides it: comparisons, claims and gates all ask here.
    """
    spec = METRICS[metric]
    return _first([trap for trap in TRAPS if trap.bars(spec)], [*one, *other], allowed)


def obstacle_alone(metric: str, runs: Runs, allowed: Collection[str] = ()) -> Found | None:
    """Return why a metric of these runs of one setting carries no claim by itself; None where it does."""
    spec = METRICS[metric]
    return _first([trap for trap in TRAPS if trap.bars_alone(spec)], runs, allowed)


def remedy_of(trap_id: str) -> str:
    """Return what would make runs comparable that lie in this trap."""
    return next((trap.remedy for trap in TRAPS if trap.id == trap_id), "")


def _first(among: Sequence[Trap], runs: Runs, allowed: Collection[str]) -> Found | None:
    for trap in among:
        if trap.id not in allowed and (sentence := trap.find(runs)) is not None:
            return Found(trap.id, sentence, is_barring=True, remedy=trap.remedy)
    return None


def _rests_on(basis: str) -> Bars:
    return lambda spec: basis in spec.rests_on


def _with_prompts(spec: MetricSpec) -> bool:
    """Whether the work of reading prompts enters the metric."""
    return spec.is_of_speed and spec.work != "decode" and spec.better != "neither"


def _of_requests(spec: MetricSpec) -> bool:
    return spec.work == "requests"


def _of_prompts(spec: MetricSpec) -> bool:
    return spec.work in {"prefill", "requests"}


# In the order in which they are named: what bars first, then warnings, the gravest first.
TRAPS: tuple[Trap, ...] = (
    # A board's joules are not a machine's, and a model's are not a meter's.
    Trap("energy", of.energy, _rests_on("energy"), "Meter the energy of both sides alike."),
    # The meter itself does not vouch for so short a time.
    Trap("energy-window", of.short_window, _rests_on("energy"), "Longer runs.", bars_alone=_rests_on("energy")),
    # The same machine is cheaper by spot than on demand.
    Trap(
        "price-kind",
        of.prices,
        _rests_on("price"),
        "Prices of one kind, term and utilisation on both sides: --price-kind, --price-term, --utilisation.",
    ),
    # The same bill, split otherwise.
    Trap("token-worth", of.token_worth, _rests_on("worth"), "The same --input-output-ratio on both sides."),
    # The same joules, elsewhere.
    Trap("grid", of.grid, _rests_on("grid"), "The same --grid on both sides."),
    Trap("pue", of.pue, _rests_on("grid"), "The same --pue on both sides."),
    # The same machine, made at another cost.
    Trap("embodied", of.embodied, _rests_on("embodied"), "The same --embodied for one machine."),
    # A prompt from the cache is not computed.
    Trap("prompt-cache", of.prompt_cache, _with_prompts, "The same --prompt-cache on both sides."),
    Trap("cached-prompts", of.cached, _with_prompts, "Prompts that are new to both servers."),
    Trap("known-prompts", of.known_prompts, _with_prompts, "Prompts that are new to the server."),
    # The name of a file says nothing of what stands in it.
    Trap("other-data", work.data, _of_prompts, "The same data file and template on both sides."),
    # What is cut off is no answer, and what goes on behind its end is no work that anybody wants.
    Trap("stop-policy", work.stop_policy, _of_requests, "The same --stop on both sides."),
    # A shorter response is a faster request.
    Trap("output-lengths", work.response_lengths, _of_requests, "Responses of one length on both sides."),
    Trap("prompt-lengths", work.prompt_lengths, _of_prompts, "Prompts of one length on both sides."),
    # --force asked for it; the word stands in every output.
    Trap("invalid", of.invalid, _nothing),
    Trap("cut-short", of.cut_short, _nothing),
    # Alike on both sides, or else output-lengths has named it; of one side alone it betters the number.
    Trap("short-responses", work.shorter, _nothing, "Responses as long as asked for.", bars_alone=_of_requests),
    Trap("other-prompts", work.other_prompts, _nothing, "Prompts as long as asked for.", bars_alone=_of_prompts),
    Trap("requests", of.requests, _nothing),
    # What a comparison may be about.
    Trap("tuned", of.tuned, _nothing),
    Trap("threads", of.threads, _nothing),
    Trap("smt", of.smt, _nothing),
    Trap("virtual", of.virtual, _nothing),
    Trap("build", of.build, _nothing),
    Trap("repacked", of.repacked, _nothing),
    Trap("shared-cores", of.shared_cores, _nothing),
    # What waits on a host for its run to end takes a little of it.
    Trap("transports", of.transports, _nothing),
    Trap("regions", of.regions, _nothing),
    Trap("stamps", of.stamps, _nothing),
    Trap("emulated", of.emulated, _nothing),
)
