"""What the requests of one repeat add up to: everything that a metric of a run needs of them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from profiler.aggregation.failures import Failures, NotedFailures
from profiler.aggregation.request import (
    contradictory_tokens,
    first_token_ns,
    last_token_ns,
    meets,
    output_tokens,
    prompt_tokens,
    reasoning_tokens,
    streamed_tokens,
    streaming_ns,
    tokens_after_first_read,
    tokens_beyond_limit,
)
from profiler.results.records import Outcome, RequestRecord
from profiler.servers.timings import EngineTiming
from profiler.stats.covered import Covered, Spans
from profiler.stats.in_turn import InTurn
from profiler.timing.clock import was_stepped
from profiler.workloads.schema import Slo

_SEVERAL = 2  # tokens in one read
_PROMPT_NS = 200_000  # a client that sees a read so soon is not late, however fast tokens come
_LATE = 10  # else it is late from this part of the time between two tokens on


@dataclass
class EngineTotals:
    """The engine's own timings, added up over the measured requests.

    `compared` is about those that ended well and whose timing spans what the client sees.
    """

    requests: int = 0
    prompt_tokens: int = 0
    prompt_ms: float = 0.0
    decode_runs: int = 0
    decode_ms: float = 0.0
    compared_client_ns: int = 0  # from the first token to the last
    compared_engine_ms: float = 0.0

    def take(self, timing: EngineTiming, streamed_ns: int | None) -> None:
        """Add one request, which streamed for so long; `None` if it failed."""
        self.requests += 1
        self.prompt_tokens += timing.prompt_tokens
        self.prompt_ms += timing.prompt_ms
        self.decode_runs += timing.decode_runs
        self.decode_ms += timing.decode_ms
        if timing.covers_sampling and streamed_ns is not None:
            self.compared_client_ns += streamed_ns
            self.compared_engine_ms += timing.decode_ms

    def add(self, other: "EngineTotals") -> None:
        """Add those of another repeat."""
        _add(self, other)


@dataclass
class Amount:
    """Something that each request of a window brings, added up, and weighed by how long the requests took."""

    total: float = 0
    times_ns: float = 0  # each request's amount × its duration

    def take(self, amount: float, duration_ns: int) -> None:
        """Add what one request brings."""
        self.total += amount
        self.times_ns += amount * duration_ns

    def __add__(self, other: "Amount") -> "Amount":
        """Add up two."""
        return Amount(self.total + other.total, self.times_ns + other.times_ns)


@dataclass
class Totals:
    """Sums over the requests of a steady window.

    `outcomes` and `failures` are of all measured requests. Down to `busy_ns_squared` all requests sent in the window
    count, from there on only those of them that ended well.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: Failures = field(default_factory=Failures)
    sent: int = 0
    busy_ns: int = 0  # how long they took
    busy_ns_squared: float = 0.0  # the same, each squared
    ended_well: Amount = field(default_factory=Amount)
    good: Amount = field(default_factory=Amount)  # requests that met every objective
    output_tokens: Amount = field(default_factory=Amount)
    prompt_tokens: Amount = field(default_factory=Amount)
    reasoning_tokens: float = 0.0  # of the output tokens
    prompts_unknown: int = 0  # whose length is not known
    reads: int = 0
    reads_unstamped: int = 0  # without a kernel timestamp
    token_reads: int = 0  # with at least one token
    token_reads_coalesced: int = 0  # with several
    token_reads_late: int = 0  # of these, the ones that may have piled up because the client was late to read
    tokens_read: int = 0
    prompts_tokens: int = 0  # lengths of the prompts, where they are known
    prompts_ns: int = 0  # for each of these, the time to the first token
    prompts_reported: int = 0  # whose length the server reports
    prompts_counted: int = 0  # of these, the ones that the client had counted
    prompt_tokens_reported: int = 0
    prompt_tokens_counted: int = 0
    prompt_tokens_told: int = 0  # of prompts of which the server tells how much it had in its cache
    prompt_tokens_cached: int = 0  # how much it had
    streaming_ns: int = 0  # from first token to last, request by request
    streamed: Covered = field(default_factory=Covered)  # when at least one request was between first token and last
    steps: float = 0.0  # tokens after the first read, of requests whose tokens did not all arrive together
    steps_context_tokens: float = 0.0  # for each of these, the mean length of what was there before
    context_tokens: int = 0  # lengths of prompt and answer together
    context_tokens_squared: int = 0  # the same, each squared
    tokens_by_server: int = 0  # as the server counts them, where it does
    tokens_contradictory: int = 0  # of these, those that cannot be right, request by request
    tokens_made: int = 0  # in the server's count or ours
    tokens_beyond: int = 0  # of these, those that are more than were asked for, request by request
    tokens_drafted: int = 0  # by a model or rule that the server lets guess, as it tells
    clock_steps: int = 0  # requests during which the wall clock was stepped
    clock_offset_widths: int = 0  # requests for which the width was sampled
    clock_offset_width_ns: int = 0  # the largest

    @classmethod
    def noted(cls) -> "Totals":
        """Return sums for another to `add`, which is then as if it had taken the requests itself.

        What depends on the order in which requests come (sums of fractions, above all) is noted and added up there.
        """
        sums = ("busy_ns_squared", "reasoning_tokens", "steps", "steps_context_tokens")
        in_turn: dict[str, Any] = {
            "failures": NotedFailures(),
            "streamed": Spans(),
            **{name: InTurn() for name in sums},
        }
        return cls(**in_turn)

    @property
    def requests(self) -> int:
        """Measured requests, whatever their outcome."""
        return self.outcomes.total()

    @property
    def finished(self) -> int:
        """Measured requests that ended well, in a window or not."""
        return self.outcomes[Outcome.OK]

    def count(self, request: RequestRecord) -> None:
        """Note how a measured request ended, in the window or not."""
        self.outcomes[request.outcome] += 1
        if request.outcome is not Outcome.OK:
            self.failures.take(request)

    def take(self, request: RequestRecord, slo: Slo) -> None:
        """Add one request that was sent in the window."""
        duration_ns = request.ended_ns - request.begun_ns
        self.sent += 1
        self.busy_ns += duration_ns
        self.busy_ns_squared += duration_ns**2
        if request.outcome is Outcome.OK:
            self._take_amounts(request, duration_ns, slo)
            self._take_reads(request)
            self._take_decoding(request)
            self._take_counts(request)
            self._take_clock(request)

    def add(self, other: "Totals") -> None:
        """Add those of another repeat."""
        width_ns = max(self.clock_offset_width_ns, other.clock_offset_width_ns)
        _add(self, other)
        self.clock_offset_width_ns = width_ns

    def _take_reads(self, request: RequestRecord) -> None:
        tokens = request.read_tokens
        token_reads = len(tokens) - tokens.count(0)
        coalesced = token_reads - tokens.count(1)
        self.reads += len(request.read_lag_ns)
        self.reads_unstamped += request.read_lag_ns.count(None)
        self.token_reads += token_reads
        self.token_reads_coalesced += coalesced
        self.tokens_read += streamed_tokens(request) if token_reads else 0
        self.token_reads_late += _late_reads(request) if coalesced or request.read_events else 0

    def _take_decoding(self, request: RequestRecord) -> None:
        first_ns, last_ns = first_token_ns(request), last_token_ns(request)
        prompt, made = prompt_tokens(request) or 0, output_tokens(request)
        if prompt:
            self.prompts_tokens += prompt
            self.prompts_ns += first_ns
        self.context_tokens += prompt + made
        self.context_tokens_squared += (prompt + made) ** 2
        if last_ns > first_ns:
            sent_ns = request.sent_ns or 0
            self.streaming_ns += last_ns - first_ns
            self.streamed.add(sent_ns + first_ns, sent_ns + last_ns)
            steps = tokens_after_first_read(request)
            self.steps += steps
            self.steps_context_tokens += steps * (prompt + made / 2)

    def _take_counts(self, request: RequestRecord) -> None:
        if request.prompt_tokens_server:
            self.prompts_reported += 1
            self.prompt_tokens_reported += request.prompt_tokens_server
            self.prompts_counted += request.prompt_tokens is not None
            self.prompt_tokens_counted += request.prompt_tokens or 0
        if request.prompt_tokens_cached is not None:
            self.prompt_tokens_told += prompt_tokens(request) or 0
            self.prompt_tokens_cached += request.prompt_tokens_cached
        self.tokens_made += output_tokens(request)
        if request.server_timings is not None:
            self.tokens_drafted += request.server_timings.draft_n or 0
        self.tokens_beyond += tokens_beyond_limit(request)
        if (request.completion_tokens_server or 0) > 0:
            self.tokens_by_server += output_tokens(request)
            self.tokens_contradictory += contradictory_tokens(request)

    def _take_clock(self, request: RequestRecord) -> None:
        self.clock_steps += was_stepped(request.clock_offset_drift_ns or 0)
        if request.clock_offset_width_ns is not None:
            self.clock_offset_widths += 1
            self.clock_offset_width_ns = max(self.clock_offset_width_ns, request.clock_offset_width_ns)

    def _take_amounts(self, request: RequestRecord, duration_ns: int, slo: Slo) -> None:
        length = prompt_tokens(request)
        self.ended_well.take(1, duration_ns)
        self.good.take(meets(slo, request), duration_ns)
        self.output_tokens.take(output_tokens(request), duration_ns)
        self.prompt_tokens.take(length or 0, duration_ns)
        self.prompts_unknown += length is None
        self.reasoning_tokens += reasoning_tokens(request)


def _late_reads(request: RequestRecord) -> int:
    """Return how many reads hold several events and were seen so late that they may have piled up meanwhile.

    The tokens of one event arrive together, however late they are seen.
    """
    events = request.read_events or request.read_tokens
    if max(events, default=0) < _SEVERAL:
        return 0
    token_ns = streaming_ns(request) / max(1.0, tokens_after_first_read(request))
    limit_ns = max(_PROMPT_NS, token_ns / _LATE)
    lags = zip(events, request.read_lag_ns, strict=True)
    return sum(count >= _SEVERAL and lag_ns is not None and lag_ns > limit_ns for count, lag_ns in lags)


def _add(ours: EngineTotals | Totals, other: EngineTotals | Totals) -> None:
    """Add up all fields."""
    for name, value in vars(other).items():
        setattr(ours, name, getattr(ours, name) + value)
