"""From a plan to what the load driver is told: requests, complete to the last byte, and when they are due."""

from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from msgspec.structs import replace

from profiler.results.manifest import Point
from profiler.run.plan import Plan
from profiler.search.sizing import requests_per_repeat, slots_of, spare_requests, warmup_requests, warmup_room
from profiler.search.strategy import is_one_point
from profiler.servers.body import make_body, request_of
from profiler.servers.openai_api import http_request
from profiler.timing.arrivals import arrival_times_ns
from profiler.timing.driver_client import LoadDriver
from profiler.timing.framing import most_response_bytes
from profiler.timing.messages import UNLIMITED, Block, ClosedLoopPace, Job, ScheduledPace
from profiler.units import s_to_ns
from profiler.verdict.rules import RULES
from profiler.workloads.messages import Prompt, words_of
from profiler.workloads.phases import COOLDOWN, WARMUP, at_point, is_measured, repeat
from profiler.workloads.schema import OpenLoop, Replay, SloSearch

_LONGEST = 10  # times the limit of one repeat: all of them together, where so few requests fit into the limit
_FEWEST = next(int(rule.invalid or 1) for rule in RULES if rule.id == "too-few-samples")
_UNKNOWN = -1


class PromptFacts(NamedTuple):
    """What is remembered of a prompt until its response is there."""

    digest: str
    item: str | None  # which row of a data file
    references: tuple[str, ...]  # what that row says right responses are


class TextFacts(NamedTuple):
    """How long a prompt is as people count, where its language is known."""

    language: str
    characters: int
    words: int | None
    tokens: int | None  # without those of a chat template; None where nobody counted


class Asked:
    """What is kept of each request while its response is awaited: 16 bytes, however long the prompt is."""

    def __init__(self, first_index: int = 0) -> None:
        """Begin without requests; the next one has this index in the run."""
        self._first_index = first_index
        self._prompt_tokens = array("q")
        self._output_tokens = array("q")
        self.most_output_tokens = 0
        self.prompts: list[PromptFacts] = []
        """What each request is about, in order, without its text, where responses are kept; else none."""
        self.texts: list[TextFacts | None] = []
        """The lengths of each prompt, in order, where they are rows of a data file; else none."""

    def __len__(self) -> int:
        """How many requests there are."""
        return len(self._output_tokens)

    def append(self, prompt_tokens: int | None, output_tokens: int) -> None:
        """Note the next request: the length of its prompt, where somebody counted, and the tokens it asks for."""
        self._prompt_tokens.append(_UNKNOWN if prompt_tokens is None else prompt_tokens)
        self._output_tokens.append(output_tokens)
        self.most_output_tokens = max(self.most_output_tokens, output_tokens)

    def prompt_tokens(self, index: int) -> int | None:
        """Length of a prompt in tokens; None where nobody counted."""
        tokens = self._prompt_tokens[index - self._first_index]
        return None if tokens == _UNKNOWN else tokens

    def prompt(self, index: int) -> PromptFacts:
        """What a request is about, where responses are kept."""
        return self.prompts[index - self._first_index]

    def text(self, index: int) -> TextFacts | None:
        """Lengths of a prompt as people count; None where its language is not known."""
        return self.texts[index - self._first_index] if self.texts else None

    def output_tokens(self, index: int) -> int:
        """Tokens that were asked for."""
        return self._output_tokens[index - self._first_index]


def bounded(job: Job, asked: Asked) -> Job:
    """Return a job that gives up a response which is longer than anything that was asked for."""
    return replace(job, most_response_bytes=most_response_bytes(asked.most_output_tokens))


def spool_requests(driver: LoadDriver, plan: Plan, prompts: Iterable[Prompt], first_index: int) -> Asked:
    """Write the requests that send these prompts where the driver finds them; return what to remember of them.

    The prompts are taken one at a time, so that no more than one is in memory.
    """
    asked = Asked(first_index)
    driver.spool(_requests(plan, prompts, first_index, asked))
    return asked


def _requests(plan: Plan, prompts: Iterable[Prompt], first_index: int, asked: Asked) -> Iterator[bytes]:
    workload, endpoint = plan.workload, plan.endpoint
    for index, prompt in enumerate(prompts, start=first_index):
        request = request_of(workload, prompt, plan.options.seed + index)
        body = make_body(endpoint, request, plan.body)
        asked.append(_read_tokens(plan, prompt), request.output_tokens)
        if workload.keep_responses:
            asked.prompts.append(PromptFacts(prompt.digest, prompt.item, prompt.references))
        if prompt.item is not None:
            asked.texts.append(_text_facts(prompt))
        yield http_request(endpoint.address, workload.api, body, endpoint.headers)


def _text_facts(prompt: Prompt) -> TextFacts | None:
    if prompt.language is None:
        return None
    return TextFacts(prompt.language, len(prompt.text), words_of(prompt.text, prompt.language), prompt.tokens)


def _read_tokens(plan: Plan, prompt: Prompt) -> int | None:
    """Return how many tokens the server reads, a chat's template among them where only we can count them."""
    if prompt.tokens is None or plan.workload.api != "chat":
        return prompt.tokens
    return prompt.tokens + plan.endpoint.template_tokens(prompt.messages)


class Layout:
    """What is sent at one load, in order: how many requests, how many prompts there are for them, and in which jobs.

    One job carries warm-up, repeats and cool-down, so that the load goes on from one to the next. Each replay of a
    trace is a job of its own: its times begin anew.
    """

    def __init__(self, plan: Plan, point: Point, first_index: int) -> None:
        """Take the index in the run of the first request."""
        workload = plan.workload
        self._plan, self._point, self._first_index = plan, point, first_index
        self._is_replay = isinstance(workload.load, Replay)
        self.warmup = warmup_requests(workload, point)
        self.requests = requests_per_repeat(workload, point)
        room = self.warmup if self._is_replay else warmup_room(workload, point)
        spare = 0 if self._is_replay else spare_requests(workload, point)
        self.rooms = [self._whole(count) for count in (room, *[self.requests] * workload.repeats, spare)]

    def _named(self, phase: str) -> str:
        return phase if is_one_point(self._plan.workload) else at_point(self._point.name, phase)

    def _whole(self, requests: int) -> int:
        """Return room for whole conversations."""
        turns = self._plan.workload.turns
        return -(-requests // turns) * turns

    def jobs(self) -> list[Job]:
        """Return the jobs, each with its blocks."""
        blocks = [block for block in self._blocks() if block.requests]
        if not self._is_replay:
            return [self._job(blocks, self._pace())]
        return [self._job([replace(block, first=0)], self._replay(block), block.first) for block in blocks]

    def _blocks(self) -> list[Block]:
        warm_room, *repeats, spare = self.rooms
        firsts = list(accumulate(self.rooms, initial=0))
        blocks = [self._warmup(warm_room)]
        blocks += [self._repeat(number, firsts[number]) for number in range(1, len(repeats) + 1)]
        return [*blocks, Block(self._named(COOLDOWN), spare, first=firsts[-2], is_cooldown=True)]

    def _warmup(self, room: int) -> Block:
        ramp_ns = s_to_ns(self._plan.workload.ramp_up_s)
        return Block(
            self._named(WARMUP),
            self.warmup,
            room=room,
            limit_ns=self._limit_ns + ramp_ns,
            least=slots_of(self._point),
            least_ns=ramp_ns,
            step=slots_of(self._point),
            is_until_finished=self._point.rate_rps is not None,
        )

    def _repeat(self, number: int, first: int) -> Block:
        repeats = self._plan.workload.repeats
        return Block(
            self._named(repeat(number)),
            self.requests,
            first=first,
            limit_ns=self._limit_ns,
            least=-(-_FEWEST // repeats),
            most_ns=max(self._limit_ns, _LONGEST * self._limit_ns // repeats),
            step=slots_of(self._point),
        )

    @property
    def _limit_ns(self) -> int:
        return s_to_ns(self._plan.workload.max_repeat_s)

    def _job(self, blocks: list[Block], pace: ClosedLoopPace | ScheduledPace, first: int = 0) -> Job:
        workload, address = self._plan.workload, self._plan.endpoint.address
        return Job(
            phase=blocks[0].phase,
            host=address.host,
            port=address.port,
            pace=pace,
            request_timeout_ns=s_to_ns(workload.request_timeout_s),
            stall_timeout_ns=s_to_ns(workload.stall_timeout_s),
            first_index=self._first_index + first,
            requests=blocks[0].requests if self._is_replay else sum(self.rooms),
            first_in_spool=first,
            tls=self._plan.tls,
            blocks=blocks,
        )

    def _pace(self) -> ClosedLoopPace | ScheduledPace:
        workload, point = self._plan.workload, self._point
        load, turns, think_ns = workload.load, workload.turns, s_to_ns(workload.think_time_s)
        if point.rate_rps is not None and isinstance(load, OpenLoop | SloSearch):
            arrivals, seed = [room // turns for room in self.rooms], self._plan.options.seed + self._first_index
            due_ns = arrival_times_ns(load.arrivals, point.rate_rps, arrivals, seed, load.burstiness)
            return ScheduledPace(due_ns, think_ns, turns)
        return ClosedLoopPace(slots_of(point), UNLIMITED, think_ns, s_to_ns(workload.ramp_up_s), turns)

    def _replay(self, block: Block) -> ClosedLoopPace | ScheduledPace:
        """Return the times of a trace from its first row on; the warm-up, which has no times, goes one by one."""
        trace, load = self._plan.trace, self._plan.workload.load
        if trace is None or not isinstance(load, Replay) or not is_measured(block.phase):
            return ClosedLoopPace(1, self._limit_ns)
        due_ns = (round(time_ns * load.time_scale) for time_ns in trace.due_ns[: block.requests])
        return ScheduledPace([time_ns for time_ns in due_ns if time_ns < self._limit_ns])
