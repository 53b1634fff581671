"""Advice that several rules give, each piece with the runs that it is true of."""

from profiler.verdict.rule import Advice


def always(text: str) -> Advice:
    """Advice that is true of every run."""
    return Advice(text)


MORE_TIME = Advice("Raise --max-repeat-s: its limit cut the plan short.", lambda run: bool(run.cut_short))
MORE_REQUESTS = Advice("Raise --requests or --repeats.", lambda run: not run.cut_short)
FASTER_CLIENT = (
    Advice(
        "Run as root, so that the load driver gets real-time priority (SCHED_FIFO).",
        lambda run: not run.is_realtime and not run.is_realtime_refused,
    ),
    Advice(
        "Leave out --no-realtime-client, so that the load driver gets real-time priority.",
        lambda run: run.is_realtime_refused and not run.is_realtime,
    ),
    Advice("Give the load driver a CPU of its own (--client-cpus).", lambda run: not run.is_pinned),
)
LESS_LOAD = (
    Advice("Lower --rate.", lambda run: run.is_open_loop),
    Advice("Lower --concurrency.", lambda run: not run.is_open_loop),
)
FEWER_THREADS = Advice(
    "Give the server one thread less (--threads).", lambda run: not run.is_url and (run.threads or 0) > 1
)
QUIET_HOST = always("Stop other work on this host.")
