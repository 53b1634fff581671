"""The rules of trust, as data: which number, which limit, why it matters, what to do."""

from collections.abc import Mapping

from profiler.verdict.advice import (
    FASTER_CLIENT,
    FEWER_THREADS,
    LESS_LOAD,
    MORE_REQUESTS,
    MORE_TIME,
    QUIET_HOST,
    always,
)
from profiler.verdict.failures import ADVICE_ON_FAILURES
from profiler.verdict.rule import Advice, Rule
from profiler.wire_audit.audit import AGREE_US

RULES = (
    Rule(
        id="errors",
        metric="error_ratio",
        warn=0.0,
        invalid=0.05,
        why="Requests that fail are missing from every latency, so the rest looks better than the service was.",
        advice=ADVICE_ON_FAILURES,
    ),
    Rule(
        id="too-few-samples",
        metric="ttft_ms",
        statistic="n",
        called="Requests in steady state",
        warn=64,
        invalid=11,
        why="Below 11 requests not even a median, below 64 no p90 can be claimed at 0.99 confidence.",
        advice=(
            Advice("Mend what made requests fail first.", lambda run: bool(run.failures)),
            MORE_TIME,
            MORE_REQUESTS,
        ),
        is_floor=True,
        instead="e2e_ms",
    ),
    Rule(
        id="too-few-rounds",
        metric="rounds_per_slot",
        warn=5.0,
        invalid=1.0,
        why="With less than one request for each one in flight no load is steady, and with less than five a rate has "
        "no interval.",
        advice=(
            MORE_TIME,
            Advice("Raise --requests to ten times the requests in flight.", lambda run: not run.cut_short),
        ),
        is_floor=True,
    ),
    Rule(
        id="cut-short",
        metric="plan_sent_ratio",
        warn=1.0,
        invalid=None,
        why="Fewer requests than planned stand behind the numbers: intervals are wider, p90 to p99 less certain.",
        advice=(always("Raise --max-repeat-s to send them all, or plan fewer with --requests."),),
        is_floor=True,
    ),
    Rule(
        id="late-sends",
        metric="send_lag_ms",
        statistic="p99",
        warn=5.0,
        invalid=50.0,
        why="Requests left later than they were due, so the server had less load than the workload says.",
        advice=(*FASTER_CLIENT, *LESS_LOAD),
    ),
    Rule(
        id="slow-connects",
        metric="connect_ms",
        statistic="p99",
        warn=200.0,
        invalid=None,
        why="Connections were accepted late: the server's queue of connections was full, or it is far away. A request "
        "waits for its connection before it is sent, so TTFT is without that wait, and a user's is not.",
        advice=(
            always("Let the server keep connections open, or accept more at once (its backlog)."),
            Advice("Measure from nearer to it.", lambda run: run.is_remote),
        ),
    ),
    Rule(
        id="server-overloaded",
        metric="unserved_arrivals_ratio",
        warn=0.10,
        invalid=None,
        why="Requests arrive faster than the server finishes them, so they queue, and latencies grow for as long as "
        "the load lasts. That is how this server takes this load, and no fault of the measurement.",
        advice=(always("Lower --rate for latencies that do not depend on how long the run is."),),
        is_note_shown=True,
    ),
    Rule(
        id="idle-slots",
        metric="idle_slot_ratio",
        warn=0.02,
        invalid=0.10,
        why="The client kept fewer requests in flight than the workload asks for.",
        advice=(QUIET_HOST, *FASTER_CLIENT),
    ),
    Rule(
        id="slow-client",
        metric="read_lag_us",
        statistic="p99",
        warn=20_000.0,
        invalid=500_000.0,
        why="The load driver did not get its CPU. Kernel timestamps survive that only while every read is one token.",
        advice=(*FASTER_CLIENT, FEWER_THREADS, *LESS_LOAD),
    ),
    Rule(
        id="coalesced-reads",
        metric="coalesced_read_ratio",
        warn=0.02,
        invalid=None,
        why="Tokens that arrive in one read share one timestamp: ITL is the time between groups of tokens.",
        advice=(always("Use TPOT, which is of single tokens."),),
    ),
    Rule(
        id="late-reads",
        metric="late_coalesced_read_ratio",
        warn=0.02,
        invalid=0.20,
        why="The load driver was late to read, so tokens that arrived one by one share one timestamp.",
        advice=(*FASTER_CLIENT, QUIET_HOST, *LESS_LOAD),
    ),
    Rule(
        id="user-stamps",
        metric="kernel_timestamp_ratio",
        warn=0.999,
        invalid=None,
        why="Arrivals without a kernel timestamp have the time at which this process saw them; a busy host delays it.",
        advice=(always("Measure on Linux, without a proxy that terminates the connection in user space."),),
        is_floor=True,
    ),
    Rule(
        id="token-mismatch",
        metric="token_mismatch_ratio",
        warn=0.005,
        invalid=0.05,
        why="The server counts more tokens than it was asked for and streamed, or fewer: every rate is in doubt.",
        advice=(always("Check what the server reports as usage."),),
    ),
    Rule(
        id="beyond-limit",
        metric="tokens_beyond_limit_ratio",
        warn=0.05,
        invalid=None,
        why="The server makes longer responses than the workload asks for: latencies and prices are of those.",
        advice=(
            always(
                "Find the field by which this server limits a response, and pass it: --max-tokens-field "
                "max_completion_tokens, or --body KEY=JSON."
            ),
        ),
    ),
    Rule(
        id="engine-disagrees",
        metric="engine_gap_ratio",
        warn=0.02,
        invalid=0.20,
        why="The engine reports another time between first and last token than the client measured.",
        advice=(
            Advice(
                "Look for a proxy in between that holds tokens back: the client's times are those of a user.",
                lambda run: run.is_url,
            ),
            QUIET_HOST,
            always("Look at read_lag_us and at late reads."),
        ),
        is_invalid_by_url=False,
    ),
    Rule(
        id="prompt-length",
        metric="prompt_length_gap_ratio",
        warn=0.05,
        invalid=None,
        why="The server read prompts of another length than the workload asks for: TTFT and input rates are of those.",
        advice=(
            always(
                "Compare runs by the server's count, or choose --prompt-tokens so that it reports the length that you "
                "want: tokenizers and chat templates differ."
            ),
        ),
    ),
    Rule(
        id="cached-prompts",
        metric="unexpected_cache_hit_ratio",
        warn=0.02,
        invalid=None,
        why="The server had computed the beginnings of prompts before, so TTFT is partly that of its prefix cache.",
        advice=(
            always("Switch the server's prefix cache off, or pass --prompt-cache warm if reuse is what you measure."),
        ),
    ),
    Rule(
        id="server-pauses",
        metric="pause_time_ratio",
        warn=0.02,
        invalid=None,
        why="The server stopped in the middle of streams, for over ten times its usual gap.",
        advice=(
            Advice("Look for swapping, other load, or thermal throttling.", lambda run: not run.is_remote),
            always("See the gaps over time in the report."),
        ),
    ),
    Rule(
        id="littles-law",
        metric="littles_law_residual_ratio",
        warn=0.05,
        invalid=0.20,
        why="The records do not account for the load that was put on: some are missing, or slots stood idle.",
        advice=(always("Look whether requests.jsonl is whole."), QUIET_HOST),
    ),
    Rule(
        id="wide-interval-ttft",
        metric="ttft_ms",
        statistic="half-width",
        warn=0.10,
        invalid=None,
        why="The mean TTFT, of embeddings the mean time to the whole response, is known only roughly.",
        advice=(MORE_TIME, MORE_REQUESTS),
        instead="e2e_ms",
    ),
    Rule(
        id="wide-interval-tpot",
        metric="tpot_ms",
        statistic="half-width",
        warn=0.05,
        invalid=None,
        why="The mean time per token, and so the speed, is known only roughly.",
        advice=(MORE_TIME, MORE_REQUESTS),
    ),
    Rule(
        id="wide-interval-rate",
        metric="output_tokens_per_s",
        statistic="half-width",
        warn=0.10,
        invalid=None,
        why="The token rate differs from repeat to repeat, or within a single one, so it is known only roughly.",
        advice=(MORE_TIME, MORE_REQUESTS, always("Look for what else runs on this host.")),
        instead="input_tokens_per_s",
    ),
    Rule(
        id="stolen-time",
        metric="host_steal_ratio",
        warn=0.01,
        invalid=0.10,
        why="The hypervisor gave this machine's CPUs to others.",
        advice=(always("Use an instance with dedicated CPUs, or measure at another time."),),
    ),
    Rule(
        id="emulated-host",
        metric="is_emulated_host",
        warn=None,
        invalid=0.0,
        why="A program emulates these CPUs: the run shows that everything works there, and no speed means anything.",
        advice=(always("Measure on a CPU of that kind. 'aforo host' says what points to an emulation."),),
    ),
    Rule(
        id="frequency-governor",
        metric="is_performance_governor",
        warn=1.0,
        invalid=None,
        why="The CPUs' frequency follows the load, so speed depends on what ran a moment before.",
        advice=(
            always("Set it and repeat: sudo cpupower frequency-set --governor performance. 'aforo host' shows it."),
        ),
        is_floor=True,
        is_about_server_host=True,
    ),
    Rule(
        id="slowing-processors",
        metric="cpu_slowdown_ratio",
        warn=0.05,
        invalid=0.20,
        why="The CPUs' frequency fell while measuring, so the mean stands neither for the beginning nor for the end.",
        advice=(
            always(
                "Warm up for longer (--warmup-requests), cool the machine, or choose a governor that keeps the "
                "frequency."
            ),
        ),
        is_about_server_host=True,
    ),
    Rule(
        id="throttling",
        metric="throttle_events",
        warn=0.0,
        invalid=None,
        why="The CPUs were slowed by heat or a power limit while measuring: another day, another number.",
        advice=(always("Cool the machine or raise its power limit; or state that this is how it runs."),),
        is_about_server_host=True,
    ),
    Rule(
        id="gpu-heat",
        metric="gpu_slowed_by_heat_ratio",
        warn=0.0,
        invalid=None,
        why="A GPU was too hot to keep its clocks while measuring: on a cooler day, or in a better rack, it is faster.",
        advice=(always("Cool it, or warm up for longer (--warmup-requests) and state that this is how it runs."),),
        is_about_gpus=True,
    ),
    Rule(
        id="gpu-power",
        metric="gpu_slowed_by_power_ratio",
        warn=0.05,
        invalid=None,
        why="A limit of power held a GPU's clocks down: under another limit the numbers are others. Many cards reach "
        "theirs whenever they are busy.",
        advice=(always("State the limit with the numbers ('aforo host' shows it), or raise it: nvidia-smi -pl."),),
        is_about_gpus=True,
    ),
    Rule(
        id="gpu-slowdown",
        metric="gpu_slowed_otherwise_ratio",
        warn=0.0,
        invalid=None,
        why="Something else than heat or power held a GPU's clocks down; samples.jsonl has the driver's name for it.",
        advice=(always("Look at 'nvidia-smi -q -d PERFORMANCE' under the same load."),),
        is_about_gpus=True,
    ),
    Rule(
        id="gpu-memory",
        metric="vram_used_ratio",
        warn=0.98,
        invalid=None,
        why="The memory of a GPU was nearly full: engines then refuse requests, let them wait, or move data to the "
        "host's memory.",
        advice=(always("Leave room: a shorter context, fewer slots, a smaller KV cache, or fewer layers on the GPU."),),
        is_about_gpus=True,
    ),
    Rule(
        id="gpu-other-load",
        metric="gpu_other_processes",
        warn=0.0,
        invalid=None,
        why="Other processes had a GPU open as well: its time, memory and joules are partly theirs. How much they "
        "computed is not known.",
        advice=(always("Stop them and repeat: 'nvidia-smi' lists them. Or choose other cards with --gpus."),),
        is_about_gpus=True,
    ),
    Rule(
        id="other-load",
        metric="other_cpu_cores",
        warn=0.25,
        invalid=1.0,
        why="Other processes took CPUs from the server.",
        advice=(always("Stop them and repeat."),),
    ),
    Rule(
        id="busy-client",
        metric="client_busiest_cpu_cores",
        warn=0.7,
        invalid=0.95,
        why="A worker of the load driver is close to filling one core, and one core is all that it can use.",
        advice=(always("Add a worker with --client-workers."), *LESS_LOAD),
    ),
    Rule(
        id="retransmissions",
        metric="tcp_retransmission_ratio",
        warn=0.01,
        invalid=None,
        why="Each loss can delay a token or a request by 200 ms or more. The kernel counts them for the whole host, "
        "other programs included.",
        advice=(
            Advice("Measure from nearer to the server, or on a quieter network.", lambda run: run.is_remote),
            Advice(
                "On loopback segments are lost only where a buffer or a server's queue of connections overflows: see "
                "slow-connects, or stop what else uses the network here.",
                lambda run: not run.is_remote,
            ),
        ),
    ),
    Rule(
        id="wire-audit",
        metric="wire_timestamp_error_us",
        warn=None,
        invalid=AGREE_US,
        why="Our timestamps are not those that the kernel gave the same segments on the wire.",
        advice=(
            always(
                "Look at 'aforo audit RUN'. Stop other work on this host and repeat; if it stays, please report it."
            ),
        ),
    ),
    Rule(
        id="clock-width",
        metric="clock_offset_width_us",
        warn=100.0,
        invalid=1_000.0,
        why="Kernel timestamps could be placed on the monotonic clock only within this uncertainty.",
        advice=(QUIET_HOST,),
    ),
    Rule(
        id="clock-step",
        metric="clock_step_ratio",
        warn=0.0,
        invalid=0.5,
        why="The wall clock was set while requests ran; their kernel timestamps could not be used.",
        advice=(always("Let the clock be slewed, not stepped, while measuring (chrony: makestep only at start)."),),
    ),
    Rule(
        id="meter-coverage",
        metric="energy_coverage_ratio",
        warn=0.99,
        invalid=None,
        why="The energy meter was not read for a part of the steady windows; its mean power stands for that part.",
        advice=(
            always("Measure for longer, on a less busy host; look for gaps in the readings of an imported meter."),
        ),
        is_floor=True,
    ),
    Rule(
        id="meters-disagree",
        metric="energy_disagreement_ratio",
        warn=0.10,
        invalid=None,
        why="The energy counter and the power readings of the same device differ.",
        advice=(always("Measure for at least a minute: the counter steps, and short windows cut its steps."),),
    ),
    Rule(
        id="sample-coverage",
        metric="sample_coverage_ratio",
        warn=0.9,
        invalid=None,
        why="CPU and memory use were not sampled for a part of the measurement.",
        advice=(always("Measure for at least a few seconds, on a less busy host."),),
        is_floor=True,
    ),
)


def limits(rule: Rule) -> tuple[str, str]:
    """Return where a warning begins and where a run becomes INVALID, as text."""
    word = "below" if rule.is_floor else "above"
    warn, invalid = (f"{word} {limit:g}" if limit is not None else "never" for limit in (rule.warn, rule.invalid))
    return warn, invalid


def as_data(rule: Rule) -> Mapping[str, object]:
    """Return a rule for JSON."""
    hidden = {"advice", "called", "is_limit_set", "is_note_shown", "is_invalid_by_url"}
    return {
        **{name: value for name, value in vars(rule).items() if name not in hidden},
        "what": rule.what,
        "remedy": rule.remedy,
    }


def markdown() -> str:
    """Return the reference page of all rules."""
    lines = [
        "# Rules of trust",
        "",
        "Generated by `aforo rules --markdown`; do not edit.",
        "",
        "Every run is judged by these. INVALID means that the measurement went wrong, never that a server behaves as",
        "servers do: one number beyond its second limit, and the run exits with 3 and its report is watermarked. A",
        "number beyond its first limit is a warning. A rule whose number could not be measured is listed as skipped,",
        "with the reason. A run that did not come to its end is INVALID as well. `--limit RULE=NUMBER` sets the limit",
        "of INVALID for one run (of the warning, where a rule has no other); it is recorded and shown. Of what to do,",
        "a run names only what is not in use in it already.",
        "",
        "| rule | number | warning | INVALID | why | what to do |",
        "|---|---|---|---|---|---|",
    ]
    for rule in RULES:
        warn, invalid = limits(rule)
        instead = f", else of `{rule.instead}`" if rule.instead else ""
        lines.append(f"| {rule.id} | `{rule.number}`{instead} | {warn} | {invalid} | {rule.why} | {rule.remedy} |")
    return "\n".join(lines) + "\n"
