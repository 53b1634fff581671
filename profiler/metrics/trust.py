"""How far the other numbers can be trusted."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter
from statistics import fmean

from profiler.aggregation.observations import Observations
from profiler.aggregation.pauses import LONG
from profiler.aggregation.reads import Reads
from profiler.metrics.population import (
    ALL_MEASURED,
    BUSIEST,
    DRIVER,
    FINISHED_SUMS,
    HOST_COUNTERS,
    HOST_SAMPLES,
    WHOLE_RUN,
    WINDOWS,
)
from profiler.metrics.registry import NotMeasuredError, per_request, per_run, pooled
from profiler.metrics.shown import Shown
from profiler.results.records import RequestRecord
from profiler.stats.pieces import Pieces
from profiler.stats.quantiles import quantile
from profiler.units import NS_PER_S, NS_PER_US, ns_to_ms, ns_to_us
from profiler.workloads.schema import DataPrompts, SyntheticPrompts

_FEWEST_PER_QUARTER = 2


@per_run(
    "Failed requests",
    unit="ratio",
    group="trust",
    better="lower",
    over=ALL_MEASURED,
    short="Failed",
    share_of=attrgetter("requests"),
    shown=Shown(order=130, compared="shown"),
)
def error_ratio(seen: Observations) -> float:
    """Measured requests with any outcome but ok / measured requests."""
    if not seen.totals.requests:
        raise NotMeasuredError("no measured request ended")
    return 1 - seen.totals.finished / seen.totals.requests


@per_run("Planned requests that were sent", unit="ratio", group="trust", better="higher", over=ALL_MEASURED)
def plan_sent_ratio(seen: Observations) -> float:
    """Measured requests / requests that were planned, where a time limit cut the plan short; else 1."""
    phases = [phase for phase in seen.manifest.phases if phase.is_measured and phase.planned is not None]
    if not phases:
        raise NotMeasuredError("run.json does not say how many requests were planned")
    if not any(phase.cut_short for phase in phases):
        return 1.0
    return min(1.0, seen.totals.requests / max(1, sum(phase.planned or 0 for phase in phases)))


@per_run(
    "Prompt tokens, server-reported against planned", unit="ratio", group="trust", better="lower", over=FINISHED_SUMS
)
def prompt_length_gap_ratio(seen: Observations) -> float:
    """|prompt tokens that the server reports − prompt tokens that were asked for| / those asked for.

    Asked for is what the client counted with the server's tokenizer or, without one, what the workload says. Rows of a
    data file ask for no length: what a chat template adds to them is no gap, what is missing of them is.
    """
    totals = seen.totals
    if not totals.prompts_reported:
        raise NotMeasuredError("the server reports no length of prompts")
    asked = _prompt_tokens_asked(seen)
    if not asked:
        raise NotMeasuredError("the prompts were not counted before they were sent")
    more = totals.prompt_tokens_reported / totals.prompts_reported - asked
    if isinstance(seen.manifest.workload.prompts, DataPrompts):
        more = min(0.0, more)
    return abs(more) / asked


def _prompt_tokens_asked(seen: Observations) -> float | None:
    """Return the mean length of the prompts as they were meant to be."""
    totals, prompts = seen.totals, seen.manifest.workload.prompts
    if totals.prompts_counted == totals.prompts_reported:
        return totals.prompt_tokens_counted / totals.prompts_counted
    if not isinstance(prompts, SyntheticPrompts) or prompts.system or prompts.depth:
        return None
    return prompts.tokens


@per_request("Send lag behind schedule", unit="ms", group="trust", better="lower")
def send_lag_ms(request: RequestRecord) -> float:
    """Request handed to the kernel − moment it was due; where it had to connect first, the beginning of that − due."""
    if request.sent_ns is None:
        raise NotMeasuredError("the request was never sent")
    return ns_to_ms(request.begun_ns - request.scheduled_ns)


@per_request("Time to connect", unit="ms", group="trust", better="lower")
def connect_ms(request: RequestRecord) -> float:
    """Request handed to the kernel − beginning of connecting, of requests without an open connection: TCP and TLS."""
    if request.sent_ns is None or request.connect_began_ns is None:
        raise NotMeasuredError("an open connection was used")
    return ns_to_ms(request.sent_ns - request.connect_began_ns)


@pooled("Lag of the load driver behind the kernel", unit="us", group="trust", better="lower")
def read_lag_us(reads: Reads) -> Pieces:
    """How much later than the kernel the load driver saw a read: the error that user-space timestamps would have."""
    return reads.lags_ns.over(NS_PER_US)


@per_run("Reads with several tokens", unit="ratio", group="trust", better="lower", over=FINISHED_SUMS)
def coalesced_read_ratio(seen: Observations) -> float:
    """Token-bearing reads that held several tokens / token-bearing reads. Their gaps are not reliable."""
    if not seen.totals.token_reads:
        raise NotMeasuredError("no token arrived")
    return seen.totals.token_reads_coalesced / seen.totals.token_reads


@per_run(
    "Reads with several tokens that the client saw late",
    unit="ratio",
    group="trust",
    better="lower",
    over=FINISHED_SUMS,
)
def late_coalesced_read_ratio(seen: Observations) -> float:
    """Token-bearing reads with several tokens that the client saw late / token-bearing reads: it may have merged them.

    Late is after more than a tenth of the time between two tokens of that stream, and more than 0.2 ms, by the kernel's
    timestamp. A client that is prompt finds several tokens in one read only where the server sent them together.
    """
    if not seen.totals.token_reads:
        raise NotMeasuredError("no token arrived")
    return seen.totals.token_reads_late / seen.totals.token_reads


@per_run("Tokens per read", unit="tokens", group="trust", better="neither", over=FINISHED_SUMS)
def tokens_per_read(seen: Observations) -> float:
    """Streamed tokens, in the server's count where it gives one / token-bearing reads: 1 when each arrived alone."""
    if not seen.totals.token_reads:
        raise NotMeasuredError("no token arrived")
    return seen.totals.tokens_read / seen.totals.token_reads


@per_run("Implausible tokens in the server's count", unit="ratio", group="trust", better="lower", over=FINISHED_SUMS)
def token_mismatch_ratio(seen: Observations) -> float:
    """Tokens in the server's count that cannot be right / tokens in the server's count.

    Those beyond what was asked for and what was streamed, and those missing where there were more events with text.
    That an event brings several tokens, or one without text, is no contradiction.
    """
    if not seen.totals.tokens_by_server:
        raise NotMeasuredError("the server did not report how many tokens it generated")
    return seen.totals.tokens_contradictory / seen.totals.tokens_by_server


@per_run("Tokens beyond the limit", unit="ratio", group="trust", better="lower", over=FINISHED_SUMS)
def tokens_beyond_limit_ratio(seen: Observations) -> float:
    """Tokens beyond those that each request may have at the most / all tokens: the server does not keep to the limit.

    Reasoning is left out of both sides of the limit, for some servers do not limit it.
    """
    if not seen.totals.tokens_made:
        raise NotMeasuredError("no finished request made a token")
    return seen.totals.tokens_beyond / seen.totals.tokens_made


@per_run("Time in pauses of the server", unit="ratio", group="trust", better="lower", over=FINISHED_SUMS)
def pause_time_ratio(seen: Observations) -> float:
    """Time in gaps longer than ten times the median gap / time in all gaps between tokens: the server stalled.

    During the prefill of a request, other streams may wait: such gaps, ten times longer than usual and for most of
    which another request waited for its first token, count only where they are ten times longer than their own median.
    """
    gaps_ms = seen.values["itl_ms"].ordered()
    if not len(gaps_ms) or not gaps_ms.total:
        raise NotMeasuredError("no two tokens arrived one after the other")
    limit_ms = LONG * quantile(gaps_ms, 0.5)
    paused_ms, explained_ms = gaps_ms.sum_above(limit_ms), seen.explained_pauses_ms.ordered()
    if len(explained_ms):
        usual_ms = max(limit_ms, LONG * quantile(explained_ms, 0.5))
        paused_ms += explained_ms.sum_above(usual_ms) - explained_ms.sum_above(limit_ms)
    return paused_ms / gaps_ms.total


@per_run("CPU time stolen by the hypervisor", unit="ratio", group="trust", better="lower", over=HOST_SAMPLES)
def host_steal_ratio(seen: Observations) -> float:
    """Share of CPU time that the hypervisor gave to others, mean of the samples in the steady windows."""
    shares = [s.host_steal_ratio for s in seen.steady_samples if s.host_steal_ratio is not None]
    if not shares:
        raise NotMeasuredError("no sample of stolen time within the steady windows")
    return sum(shares) / len(shares)


@per_run("CPU frequency", unit="MHz", group="trust", better="neither", over=HOST_SAMPLES)
def cpu_frequency_mhz(seen: Observations) -> float:
    """Frequency of the CPUs, mean of the samples in the steady windows."""
    return fmean(_frequencies_mhz(seen))


@per_run("Fall of the CPU frequency while measuring", unit="ratio", group="trust", better="lower", over=HOST_SAMPLES)
def cpu_slowdown_ratio(seen: Observations) -> float:
    """1 − mean frequency in the last quarter of the samples / in the first quarter, 0 where it rose."""
    sampled = _frequencies_mhz(seen)
    quarter = len(sampled) // 4
    if quarter < _FEWEST_PER_QUARTER:
        raise NotMeasuredError(f"only {len(sampled)} samples of the frequency within the steady windows")
    return max(0.0, 1 - fmean(sampled[-quarter:]) / fmean(sampled[:quarter]))


def _frequencies_mhz(seen: Observations) -> list[float]:
    steady = [s.cpu_frequency_mhz for s in seen.steady_samples]
    sampled = [mhz for mhz in steady if mhz is not None]
    if not steady:
        raise NotMeasuredError("no sample within the steady windows")
    if not sampled:
        raise NotMeasuredError("the kernel does not report the real CPU frequency here, as in most guests")
    return sampled


@per_run("Frequency governor is performance", unit="yes/no", group="trust", better="higher", over=WHOLE_RUN)
def is_performance_governor(seen: Observations) -> float:
    """Whether the frequency governor of every CPU is performance: 1 is yes, 0 is no."""
    governor = seen.manifest.host.cpu.governor
    if not governor:
        raise NotMeasuredError("the kernel shows no frequency governor here, as in most guests")
    return float(governor == "performance")


@per_run("Emulated CPUs", unit="yes/no", group="trust", better="lower", over=WHOLE_RUN)
def is_emulated_host(seen: Observations) -> float:
    """Whether a program imitates the CPUs, as QEMU does without KVM: 1 is yes, 0 is that nothing points to it."""
    if seen.manifest.engine.is_remote:
        raise NotMeasuredError("nothing is known of what lies between the server and its CPUs")
    return float(bool(seen.manifest.host.virtualisation.emulated))


@per_run("Thermal and power throttling events", unit="events", group="trust", better="lower", over=HOST_COUNTERS)
def throttle_events(seen: Observations) -> float:
    """Times that a core or a package was slowed by heat or by a power limit, around the steady windows."""
    return _increase(seen, [(s.t_ns, s.throttle_events) for s in seen.samples], "the kernel counts no throttling here")


@per_run("TCP retransmissions after a loss", unit="segments/request", group="trust", better="lower", over=HOST_COUNTERS)
def tcp_retransmission_ratio(seen: Observations) -> float:
    """TCP segments that this host, whatever the program, sent again after a loss around the steady windows / requests.

    The kernel's RetransSegs − TCPDSACKRecv − TCPSynRetrans / finished requests: without probes of segments that had
    arrived, and without connections that a full backlog made wait.
    """
    counted = [(s.t_ns, s.tcp_retransmissions) for s in seen.samples]
    if not seen.totals.ended_well.total:
        raise NotMeasuredError("no request finished")
    sent_again = _increase(seen, counted, "the kernel's TCP counters cannot be read here")
    if not sent_again:
        return 0.0
    counted = [(s.t_ns, s.tcp_needless_retransmissions) for s in seen.samples]
    needless = _increase(seen, counted, "it was not counted which segments were sent again without a loss")
    return max(0, sent_again - needless) / seen.totals.ended_well.total


def _increase(seen: Observations, counted: Sequence[tuple[int, int | None]], absent: str) -> int:
    """Add up how a counter grew from the last sample before each window to the first one after it.

    A repeat has the samples of its own phase alone, so it may count a little less at its edges than all together.
    """
    known = [(t_ns, count) for t_ns, count in counted if count is not None]
    if not counted:
        raise NotMeasuredError("no sample around the steady windows")
    if not known:
        raise NotMeasuredError(absent)
    if not seen.windows:
        raise NotMeasuredError(seen.why_not_steady)
    times_ns = [t_ns for t_ns, _ in known]
    total = 0
    for window in seen.windows:
        before = max(0, bisect_right(times_ns, window.start_ns) - 1)
        after = min(len(known) - 1, bisect_left(times_ns, window.end_ns))
        if after == before:
            raise NotMeasuredError("too few samples around the steady windows")
        total += known[after][1] - known[before][1]
    return total


@per_run("Difference between our timestamps and the wire's", unit="us", group="trust", better="lower", over=WHOLE_RUN)
def wire_timestamp_error_us(seen: Observations) -> float:
    """Larger p99 of |our timestamp − the timestamp of its last segment on the wire|, of reads and of requests sent."""
    if seen.wire is None:
        raise NotMeasuredError("the run was made without --wire-audit")
    if seen.wire.error_us is None:
        raise NotMeasuredError(seen.wire.verdict)
    return seen.wire.error_us


@per_run("CPU cores busy with other processes", unit="cores", group="trust", better="lower", over=HOST_SAMPLES)
def other_cpu_cores(seen: Observations) -> float:
    """Cores kept busy by neither the server nor the load driver, mean of the samples in the steady windows."""
    cores = float(seen.manifest.host.cpu.logical_cpus or 0)
    if not cores:
        raise NotMeasuredError("the number of CPUs is not known")
    others = [
        sample.host_cpu_ratio * cores - sample.server_cpu_cores - (sample.client_cpu_cores or 0.0)
        for sample in seen.steady_samples
        if sample.host_cpu_ratio is not None and sample.server_cpu_cores is not None
    ]
    if not others:
        raise NotMeasuredError("no sample of the server's CPU use within the steady windows")
    return max(0.0, sum(others) / len(others))


@per_run(
    "Steady state that samples of CPU and memory cover", unit="ratio", group="trust", better="higher", over=WINDOWS
)
def sample_coverage_ratio(seen: Observations) -> float:
    """Share of the steady windows that lies at most one second after a sample, or after their beginning.

    One side alone: a sample vouches for the second after it, so a gap of two seconds between samples counts as half.
    """
    if not seen.window_ns:
        raise NotMeasuredError(seen.why_not_steady)
    covered_ns = 0
    for window in seen.windows:
        times_ns = [sample.t_ns for sample in seen.samples if window.holds(sample.t_ns)]
        edges_ns = [window.start_ns, *times_ns, window.end_ns]
        covered_ns += sum(min(later - earlier, NS_PER_S) for earlier, later in pairwise(edges_ns))
    return covered_ns / seen.window_ns


@per_run(
    "Requests during which the wall clock was set", unit="ratio", group="trust", better="lower", over=FINISHED_SUMS
)
def clock_step_ratio(seen: Observations) -> float:
    """Finished requests during which the wall clock was stepped by over 1 ms / finished requests."""
    if not seen.totals.ended_well.total:
        raise NotMeasuredError("no request finished")
    return seen.totals.clock_steps / seen.totals.ended_well.total


@per_run("Reads with a kernel timestamp", unit="ratio", group="trust", better="higher", over=FINISHED_SUMS)
def kernel_timestamp_ratio(seen: Observations) -> float:
    """Reads timestamped by the kernel / reads, of finished requests."""
    if not seen.totals.reads:
        raise NotMeasuredError("nothing was read")
    return 1 - seen.totals.reads_unstamped / seen.totals.reads


@per_run("CPU cores used by the load driver", unit="cores", group="trust", better="lower", over=DRIVER)
def client_cpu_cores(seen: Observations) -> float:
    """CPU time of the load driver / duration of the measured phases."""
    used_ns = duration_ns = 0
    for phase in seen.manifest.phases:
        if phase.is_measured and phase.end_ns is not None and phase.client_cpu_ns is not None:
            used_ns += phase.client_cpu_ns
            duration_ns += phase.end_ns - phase.start_ns
    if not duration_ns:
        raise NotMeasuredError("no measured phase has ended")
    return used_ns / duration_ns


@per_run("CPU use of the busiest load driver", unit="cores", group="trust", better="lower", over=BUSIEST)
def client_busiest_cpu_cores(seen: Observations) -> float:
    """CPU time of the load driver's busiest worker / duration of the phase; the highest measured phase counts."""
    used_cores = [
        used_ns / (phase.end_ns - phase.start_ns)
        for phase in seen.manifest.phases
        if phase.is_measured and phase.end_ns is not None and phase.end_ns > phase.start_ns
        # a run folder that does not say had one worker
        if (used_ns := phase.client_busiest_cpu_ns or phase.client_cpu_ns) is not None
    ]
    if not used_cores:
        raise NotMeasuredError("no measured phase has ended")
    return max(used_cores)


@per_run(
    "Uncertainty between the wall clock and the monotonic clock",
    unit="us",
    group="trust",
    better="lower",
    over=FINISHED_SUMS,
)
def clock_offset_width_us(seen: Observations) -> float:
    """Largest uncertainty of the conversion from the kernel's wall-clock timestamps to the monotonic clock."""
    if not seen.totals.clock_offset_widths:
        raise NotMeasuredError("no clock offset was sampled")
    return ns_to_us(seen.totals.clock_offset_width_ns)
