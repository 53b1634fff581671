"""The rules of trust, as data: which number, which limit, why it matters, what to do."""

from dataclasses import dataclass

from profiler.timing.audit import AGREE_US


@dataclass(frozen=True)
class Rule:
    """A limit on one number of a summary.

    `statistic` is "value" for a scalar; for a distribution a quantile ("p50", "p99") or "n"; for both "half-width":
    that of the mean's 95 % interval / the mean, over requests or, for a scalar, over repeats or slices. A number beyond
    `warn` is doubtful, beyond `invalid` the run is not to be believed; `None` leaves a level out. "Beyond" is above, or
    below where `is_floor`. `instead` is looked at where the metric has no value: embeddings have no tokens.
    """

    id: str
    metric: str
    statistic: str
    warn: float | None
    invalid: float | None
    why: str
    remedy: str
    is_floor: bool = False
    instead: str | None = None

    @property
    def number(self) -> str:
        """The number that is looked at, in words."""
        return self.metric if self.statistic == "value" else f"{self.statistic} of {self.metric}"


RULES = (
    Rule(
        "errors",
        "error_ratio",
        "value",
        0.0,
        0.05,
        "Requests that fail are missing from every latency, so the rest looks better than the service was.",
        "Look at the outcomes in requests.jsonl and at server.log.",
    ),
    Rule(
        "too-few-samples",
        "ttft_ms",
        "n",
        64,
        11,
        "Below 11 requests not even a median, below 64 no p90 can be claimed at 0.99 confidence.",
        "Raise --requests or --repeats.",
        is_floor=True,
        instead="e2e_ms",
    ),
    Rule(
        "late-sends",
        "send_lag_ms",
        "p99",
        5.0,
        50.0,
        "Requests left later than they were due, so the server had less load than the workload says.",
        "Run as root, so that the client may react first, give it a processor of its own, or lower the rate.",
    ),
    Rule(
        "idle-slots",
        "idle_slot_ratio",
        "value",
        0.02,
        0.10,
        "The client kept fewer requests in flight than the workload asks for.",
        "Stop other work on this host, or give the client a processor of its own.",
    ),
    Rule(
        "slow-client",
        "kernel_user_gap_us",
        "p99",
        20_000.0,
        500_000.0,
        "The load driver was kept from its processor. Kernel stamps survive that only while every read is one token.",
        "Run as root, so that the client may react first, or lower the threads of the server by one.",
    ),
    Rule(
        "coalesced-reads",
        "coalesced_read_ratio",
        "value",
        0.02,
        0.20,
        "Tokens that arrive in one read share one stamp: single gaps between tokens (ITL) are not to be trusted.",
        "If the server sends several tokens at once, use TPOT. If the client was late: run as root, or give it a core.",
    ),
    Rule(
        "user-stamps",
        "kernel_stamp_ratio",
        "value",
        0.999,
        None,
        "Arrivals without a kernel stamp carry the time at which this process noticed them, which a busy host delays.",
        "Measure on Linux, without a proxy that terminates the connection in user space.",
        is_floor=True,
    ),
    Rule(
        "token-mismatch",
        "token_mismatch_ratio",
        "value",
        0.005,
        0.05,
        "Client and server disagree about how many tokens were made, so every rate is in doubt.",
        "Check what the server counts (usage) and whether it merges tokens into one event.",
    ),
    Rule(
        "engine-disagrees",
        "engine_gap_ratio",
        "value",
        0.02,
        0.20,
        "The engine itself tells another time between first and last token than the client measured.",
        "Stop other work on this host; look at kernel_user_gap_us and at coalesced reads.",
    ),
    Rule(
        "cached-prompts",
        "unasked_cache_ratio",
        "value",
        0.02,
        0.5,
        "The server had read the beginnings of prompts before, so times to first token are partly those of its cache.",
        "Switch its cache off, or send prompts that begin differently; if reuse is meant, say --prompt-cache warm.",
    ),
    Rule(
        "server-pauses",
        "pause_time_ratio",
        "value",
        0.02,
        0.20,
        "The server stopped in the middle of streams, for over ten times its usual gap.",
        "Look for swapping, other load, or thermal throttling; see the gaps over time in the report.",
    ),
    Rule(
        "littles-law",
        "littles_law_residual_ratio",
        "value",
        0.05,
        0.20,
        "Requests in flight, rate and duration do not fit together: the load was not steady, or records are missing.",
        "Measure for longer: raise --requests.",
    ),
    Rule(
        "wide-interval-ttft",
        "ttft_ms",
        "half-width",
        0.10,
        None,
        "The mean TTFT, of embeddings the mean time to the whole answer, is known only roughly.",
        "Measure for longer: raise --requests or --repeats.",
        instead="e2e_ms",
    ),
    Rule(
        "wide-interval-tpot",
        "tpot_ms",
        "half-width",
        0.05,
        None,
        "The mean time per token, and so the speed, is known only roughly.",
        "Measure for longer: raise --requests or --repeats.",
    ),
    Rule(
        "wide-interval-rate",
        "output_tokens_per_s",
        "half-width",
        0.10,
        None,
        "The token rate differs from repeat to repeat, or within a single one, so it is known only roughly.",
        "Raise --requests or --repeats, or look for what else runs on this host.",
        instead="input_tokens_per_s",
    ),
    Rule(
        "stolen-time",
        "host_steal_ratio",
        "value",
        0.01,
        0.10,
        "The hypervisor gave this machine's processors to others.",
        "Use an instance with dedicated processors, or measure at another time.",
    ),
    Rule(
        "emulated-host",
        "is_emulated_host",
        "value",
        None,
        0.0,
        "A program imitates these processors: the run shows that everything works there, and no speed means anything.",
        "Measure on a processor of that kind. 'aforo host' says what points to an emulation.",
    ),
    Rule(
        "frequency-governor",
        "is_performance_governor",
        "value",
        1.0,
        None,
        "The processors' frequency follows the load, so speed depends on what ran a moment before.",
        "Set it and repeat: sudo cpupower frequency-set --governor performance. 'aforo host' shows it.",
        is_floor=True,
    ),
    Rule(
        "slowing-processors",
        "cpu_slowdown_ratio",
        "value",
        0.05,
        0.20,
        "The processors' frequency fell while measuring, so the mean stands neither for the beginning nor for the end.",
        "Warm up for longer (--warmup-requests), cool the machine, or choose a governor that keeps the frequency.",
    ),
    Rule(
        "throttling",
        "throttle_events",
        "value",
        0.0,
        None,
        "The processors were slowed by heat or a power limit while measuring: another day, another number.",
        "Cool the machine or raise its power limit; or say that this is how it runs.",
    ),
    Rule(
        "other-load",
        "other_cpu_cores",
        "value",
        0.25,
        1.0,
        "Other processes took processors from the server.",
        "Stop them and repeat.",
    ),
    Rule(
        "busy-client",
        "client_busiest_cpu_cores",
        "value",
        0.7,
        0.95,
        "A worker of the load driver is close to filling one core, and one core is all that it can use.",
        "Add a worker with --client-workers, or lower the concurrency or the rate.",
    ),
    Rule(
        "retransmissions",
        "tcp_retransmission_ratio",
        "value",
        0.01,
        None,
        "Each delays some latency by 200 ms or more. The count is that of the whole host, other programs included.",
        "Measure from nearer to the server, or on a quieter network and host.",
    ),
    Rule(
        "wire-audit",
        "wire_stamp_error_us",
        "value",
        None,
        AGREE_US,
        "Our stamps are not those that the kernel gave the same segments on the wire.",
        "Look at 'aforo audit RUN'. Stop other work on this host and repeat; if it stays, please report it.",
    ),
    Rule(
        "clock-width",
        "clock_offset_width_us",
        "value",
        100.0,
        1_000.0,
        "Kernel stamps could be placed on the monotonic clock only within this uncertainty.",
        "Stop other work on this host.",
    ),
    Rule(
        "clock-step",
        "clock_step_ratio",
        "value",
        0.0,
        0.5,
        "The wall clock was set while requests ran; their kernel stamps could not be used.",
        "Let the clock be slewed, not stepped, while measuring (chrony: makestep only at start).",
    ),
    Rule(
        "meter-coverage",
        "energy_coverage_ratio",
        "value",
        0.99,
        None,
        "The energy meter was not read for a part of the steady windows; its mean power stands for that part.",
        "Measure for longer, on a less busy host; look for gaps in the readings of an imported meter.",
        is_floor=True,
    ),
    Rule(
        "meters-disagree",
        "energy_disagreement_ratio",
        "value",
        0.10,
        None,
        "The energy counter and the power readings of the same device tell different stories.",
        "Measure for at least a minute: the counter steps, and short windows cut its steps.",
    ),
    Rule(
        "sample-coverage",
        "sample_coverage_ratio",
        "value",
        0.9,
        None,
        "Processors and memory were not looked at for a part of the measurement.",
        "Measure for at least a few seconds, on a less busy host.",
        is_floor=True,
    ),
)


def limits(rule: Rule) -> tuple[str, str]:
    """Return where a warning begins and where a run becomes INVALID, in words."""
    word = "below" if rule.is_floor else "above"
    warn, invalid = (f"{word} {limit:g}" if limit is not None else "never" for limit in (rule.warn, rule.invalid))
    return warn, invalid


def markdown() -> str:
    """Return the reference page of all rules."""
    lines = [
        "# Rules of trust",
        "",
        "Generated by `aforo rules --markdown`; do not edit.",
        "",
        "Every run is judged by these. One number beyond its second limit makes the run INVALID: it exits with 3 and",
        "its report is watermarked. A number beyond its first limit is a warning. A rule whose number could not be",
        "measured is listed as unchecked, with the reason. A run that did not come to its end is INVALID as well.",
        "",
        "| rule | number | warning | INVALID | why | what to do |",
        "|---|---|---|---|---|---|",
    ]
    for rule in RULES:
        warn, invalid = limits(rule)
        instead = f", else of `{rule.instead}`" if rule.instead else ""
        lines.append(f"| {rule.id} | `{rule.number}`{instead} | {warn} | {invalid} | {rule.why} | {rule.remedy} |")
    return "\n".join(lines) + "\n"
