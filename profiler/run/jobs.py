"""From a plan to what the load driver is told: requests, complete to the last byte, and when they are due."""

from array import array
from collections.abc import Iterable, Iterator

from profiler.results.manifest import Point
from profiler.run.plan import Plan
from profiler.servers.body import make_body
from profiler.servers.openai_api import http_request
from profiler.timing.arrivals import arrival_times_ns
from profiler.timing.load import LoadDriver
from profiler.timing.messages import ClosedLoopPace, Job, ScheduledPace
from profiler.units import s_to_ns
from profiler.workloads.messages import Prompt
from profiler.workloads.schema import ClosedLoop, OpenLoop, Replay, SloSearch
from profiler.workloads.traces import Trace

WARMUP = "warmup"

_UNKNOWN = -1


class Asked:
    """What is kept of each request while its answer is awaited: 16 bytes, however long the prompt is."""

    def __init__(self) -> None:
        """Begin without requests."""
        self._prompt_tokens = array("q")
        self._output_tokens = array("q")

    def __len__(self) -> int:
        """How many requests there are."""
        return len(self._output_tokens)

    def append(self, prompt_tokens: int | None, output_tokens: int) -> None:
        """Note the next request: the length of its prompt, where somebody counted, and the tokens it asks for."""
        self._prompt_tokens.append(_UNKNOWN if prompt_tokens is None else prompt_tokens)
        self._output_tokens.append(output_tokens)

    def prompt_tokens(self, position: int) -> int | None:
        """Length of a prompt in tokens; None where nobody counted."""
        tokens = self._prompt_tokens[position]
        return None if tokens == _UNKNOWN else tokens

    def output_tokens(self, position: int) -> int:
        """Tokens that were asked for."""
        return self._output_tokens[position]


def spool_requests(driver: LoadDriver, plan: Plan, prompts: Iterable[Prompt], first_index: int) -> Asked:
    """Write the requests that send these prompts where the driver finds them; return what to remember of them.

    The prompts are taken one at a time, so that no more than one is in memory.
    """
    asked = Asked()
    driver.spool(_requests(plan, prompts, first_index, asked))
    return asked


def _requests(plan: Plan, prompts: Iterable[Prompt], first_index: int, asked: Asked) -> Iterator[bytes]:
    workload, server = plan.workload, plan.server
    for index, prompt in enumerate(prompts, start=first_index):
        output_tokens = prompt.output_tokens or workload.output_tokens
        seed = plan.options.seed + index
        body = make_body(server, workload, prompt.messages, output_tokens, seed, plan.body)
        asked.append(prompt.tokens, output_tokens)
        yield http_request(server.address, workload.api, body, server.headers)


def make_job(plan: Plan, point: Point, phase: str, first_index: int, first_in_spool: int, requests: int) -> Job:
    """Return the job that sends a stretch of the spooled requests as one phase of the run, at the load of a point."""
    workload, server = plan.workload, plan.server
    return Job(
        phase=phase,
        host=server.host,
        port=server.port,
        pace=_pace(plan, point, phase, requests, plan.options.seed + first_index),
        request_timeout_ns=s_to_ns(workload.request_timeout_s),
        stall_timeout_ns=s_to_ns(workload.stall_timeout_s),
        first_index=first_index,
        requests=requests,
        first_in_spool=first_in_spool,
        tls=plan.tls,
    )


def _pace(plan: Plan, point: Point, phase: str, requests: int, seed: int) -> ClosedLoopPace | ScheduledPace:
    workload, load, turns = plan.workload, plan.workload.load, plan.workload.turns
    max_duration_ns = s_to_ns(workload.max_repeat_s)
    if isinstance(load, Replay):
        return _replay(plan.trace, load, phase, requests, max_duration_ns)
    think_ns = s_to_ns(load.think_time_s) if isinstance(load, ClosedLoop | OpenLoop) else 0
    if point.rate_rps is not None and isinstance(load, OpenLoop | SloSearch):
        arrivals = -(-requests // turns)
        due_ns = arrival_times_ns(load.arrivals, point.rate_rps, arrivals, max_duration_ns, seed, load.burstiness)
        return ScheduledPace(due_ns, think_ns, turns)
    ramp_ns = s_to_ns(load.ramp_up_s) if isinstance(load, ClosedLoop) else 0
    return ClosedLoopPace(point.concurrency or 1, max_duration_ns, think_ns, ramp_ns, turns)


def _replay(
    trace: Trace | None, load: Replay, phase: str, requests: int, max_duration_ns: int
) -> ClosedLoopPace | ScheduledPace:
    """Return the times of a trace from its first row on; the warm-up, which has no times, goes one by one."""
    if trace is None or phase.rpartition("/")[2] == WARMUP:
        return ClosedLoopPace(1, max_duration_ns)
    due_ns = (round(time_ns * load.time_scale) for time_ns in trace.due_ns[:requests])
    return ScheduledPace([time_ns for time_ns in due_ns if time_ns < max_duration_ns])
