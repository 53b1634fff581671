"""From a plan to what the load driver is told: requests, complete to the last byte, and when they are due."""

from collections.abc import Sequence

from profiler.results.manifest import Point
from profiler.run.plan import Plan
from profiler.servers.openai_api import http_request
from profiler.timing.arrivals import arrival_times_ns
from profiler.timing.messages import ClosedLoopPace, Job, ScheduledPace
from profiler.units import s_to_ns
from profiler.workloads.prompts import Prompt
from profiler.workloads.schema import ClosedLoop, OpenLoop, SloSearch, Workload


def make_job(plan: Plan, point: Point, phase: str, prompts: Sequence[Prompt], first_index: int) -> Job:
    """Return the job that sends these prompts as one phase of the run, at the load of a point."""
    workload, server = plan.workload, plan.server
    seed = plan.options.seed + first_index
    bodies = (
        server.request_body(workload.api, prompt.text, workload.output_tokens, workload.temperature, seed + position)
        for position, prompt in enumerate(prompts)
    )
    return Job(
        phase=phase,
        host=server.host,
        port=server.port,
        pace=_pace(workload, point, len(prompts), seed),
        request_timeout_ns=s_to_ns(workload.request_timeout_s),
        stall_timeout_ns=s_to_ns(workload.stall_timeout_s),
        first_index=first_index,
        requests=[http_request(server.host, server.port, workload.api, body) for body in bodies],
    )


def _pace(workload: Workload, point: Point, requests: int, seed: int) -> ClosedLoopPace | ScheduledPace:
    load, max_duration_ns = workload.load, s_to_ns(workload.max_repeat_s)
    if point.rate_rps is not None and isinstance(load, OpenLoop | SloSearch):
        due_ns = arrival_times_ns(load.arrivals, point.rate_rps, requests, max_duration_ns, seed, load.burstiness)
        return ScheduledPace(due_ns)
    think_s, ramp_s = (load.think_time_s, load.ramp_up_s) if isinstance(load, ClosedLoop) else (0.0, 0.0)
    return ClosedLoopPace(point.concurrency or 1, max_duration_ns, s_to_ns(think_s), s_to_ns(ramp_s))
