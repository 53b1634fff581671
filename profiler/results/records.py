"""One line of `requests.jsonl` and of `samples.jsonl`.

Times are CLOCK_MONOTONIC nanoseconds of the host that ran the load driver. Read times are offsets
from `sent_ns`, so that a record reads without arithmetic: the TTFT is the offset of the first read
that carries a token.
"""

from enum import StrEnum
from functools import cached_property
from itertools import compress
from typing import Annotated, Literal, Protocol

import msgspec

StampSource = Literal["kernel", "user", "mixed", "none"]
Whole = Annotated[int, msgspec.Meta(gt=-(1 << 62), lt=1 << 62)]  # so that sums and differences fit into every array


class Outcome(StrEnum):
    """How a request ended. Everything but `OK` is an error with a name."""

    OK = "ok"
    CONNECT_REFUSED = "connect_refused"  # nothing listens at the address
    CONNECT_TIMEOUT = "connect_timeout"  # the connection was never accepted
    CONNECT_FAILED = "connect_failed"  # another error of the network stack while connecting
    SEND_FAILED = "send_failed"  # the server hung up before it had the whole request
    NO_RESPONSE = "no_response"  # not one byte within the timeout
    STALLED = "stalled"  # the stream began, then stayed silent for too long
    TIMEOUT = "timeout"  # still streaming when the request's whole time was up
    TRUNCATED = "truncated"  # the connection or the body ended before the stream did
    RESET = "reset"  # the connection was torn down by the server
    HTTP_ERROR = "http_error"  # a status other than 2xx; `http_status` says which
    TOO_LONG = "too_long"  # more bytes than any response to such a request can have
    MALFORMED_HTTP = "malformed_http"  # not HTTP/1.1, or broken chunks
    MALFORMED_SSE = "malformed_sse"  # an event whose data is not the JSON that was expected
    SERVER_ERROR = "server_error"  # the stream carried an error, or a finish reason that is one
    NO_TOKENS = "no_tokens"  # a complete response without a single token
    NO_EMBEDDING = "no_embedding"  # a complete response that is not the JSON of a vector


class ServerTimings(msgspec.Struct, kw_only=True):
    """What llama-server tells of a request in its last chunk, by its own names."""

    cache_n: Whole | None = None  # prompt tokens taken from its prompt cache; older versions do not tell
    prompt_n: Whole  # prompt tokens evaluated
    prompt_ms: float  # from the start of the request's turn to its first token
    predicted_n: Whole  # tokens made
    predicted_ms: float  # from the first token to the last
    draft_n: Whole | None = None  # tokens that a draft proposed, in speculative decoding


class RequestRecord(msgspec.Struct, kw_only=True, omit_defaults=False, dict=True):
    """One request: when it was due, sent and answered, read by read.

    What many metrics ask of its reads is found once; the reads of a record do not change once they have been asked for.
    """

    index: Whole  # position in the run, warm-up included
    phase: str  # the manifest's phase that it belongs to
    client_port: Whole | None = None  # our end of the connection: where to find it on the wire
    outcome: Outcome
    detail: str | None = None  # a sentence where the outcome is not OK
    http_status: Whole | None = None
    scheduled_ns: Whole  # when it was due
    first_sent_ns: Whole | None = None  # on a connection that the server closed without a byte: this is the second one
    connect_began_ns: Whole | None = None  # when it began to connect, where there was no open connection for it
    sent_ns: Whole | None = None  # when its last byte left
    sent_stamp_source: StampSource = "none"
    send_call_ns: Whole | None = None  # how long our call took: the error that a user-space stamp would have had
    finished_ns: Whole  # when the outcome was known: last byte, or the error
    stamp_source: StampSource = "none"
    clock_offset_width_ns: Whole | None = None  # uncertainty of the kernel-to-monotonic conversion
    clock_offset_drift_ns: Whole | None = None  # how far the wall clock moved against the monotonic one
    read_offset_ns: list[Whole] = []  # arrival of each read, from sent_ns
    read_lag_ns: list[Whole | None] = []  # how much later our process saw it; None without a kernel stamp
    read_bytes: list[Whole] = []
    read_tokens: list[Whole] = []  # tokens in each read, as far as the client can count them
    read_events: list[Whole] = []  # token-bearing events in each read, where they are not as many as the tokens
    prompt_tokens: Whole | None = None  # as the client counted when it made the prompt
    prompt_tokens_server: Whole | None = None  # as the server reported, where it did
    prompt_tokens_cached: Whole | None = None  # of these, how many the server did not read again, where it tells
    asked_tokens: Whole | None = None  # how many tokens the request asked for at most
    completion_tokens: Whole | None = None  # tokens that the client saw: the sum of `read_tokens`
    completion_tokens_server: Whole | None = None  # as the server reported, where it did
    reasoning_tokens: Whole | None = None  # of these, those of reasoning, where the server tells
    hidden_tokens: Whole = 0  # of these, those that it did not stream
    streamed_reasoning_tokens: Whole = 0  # tokens of reasoning that the client saw
    answer_read: Whole | None = None  # where the model reasoned: which read brought the first text of its answer
    first_read_tokens: float | None = None  # estimated, where events brought several and the server told only the sum
    finish_reason: str | None = None
    served_model: str | None = None  # the name under which the server answered
    language: str | None = None  # of the prompt, where the data file tells
    prompt_characters: Whole | None = None  # of a prompt whose language is told
    prompt_words: Whole | None = None  # the same, where the language puts spaces between words
    prompt_text_tokens: Whole | None = None  # the same, without what a chat template adds, where that could be counted
    response_characters: Whole | None = None  # of the response to it; none of an embedding
    server_timings: ServerTimings | None = None  # where the server tells them

    @cached_property
    def token_arrivals_ns(self) -> list[int]:
        """When each token-bearing read arrived, as offsets from the moment of sending."""
        offsets_ns, tokens = self.read_offset_ns, self.read_tokens
        every_read = len(tokens) == len(offsets_ns) and 0 not in tokens
        return offsets_ns if every_read else list(compress(offsets_ns, tokens))

    @property
    def last_byte_ns(self) -> int:
        """When the last byte of a finished request arrived."""
        return _last_byte_ns(self.sent_ns, self.read_offset_ns[-1])

    @property
    def begun_ns(self) -> int:
        """When it took its slot."""
        return begun_ns(self)

    @property
    def ended_ns(self) -> int:
        """When its last byte arrived, or when it failed."""
        return ended_ns(self)


class RequestWithoutSizes(RequestRecord, kw_only=True, dict=True):
    """A record whose `read_bytes` stays undecoded, so that it reads faster."""

    read_bytes: msgspec.Raw = msgspec.Raw(b"[]")  # type: ignore[assignment]


class RequestTimes(msgspec.Struct, kw_only=True):
    """The part of a record that says when a request was under way; its reads are left undecoded, so it reads fast."""

    index: Whole
    phase: str
    outcome: Outcome
    scheduled_ns: Whole
    first_sent_ns: Whole | None = None
    connect_began_ns: Whole | None = None
    sent_ns: Whole | None = None
    finished_ns: Whole
    read_offset_ns: msgspec.Raw = msgspec.Raw(b"[]")

    @property
    def last_byte_ns(self) -> int:
        """When the last byte of a finished request arrived."""
        return _last_byte_ns(self.sent_ns, int(bytes(self.read_offset_ns).rpartition(b",")[2].strip(b"[] ")))


class Timed(Protocol):
    """What `RequestRecord` and `RequestTimes` have in common."""

    index: int
    phase: str
    outcome: Outcome
    scheduled_ns: int
    first_sent_ns: int | None
    connect_began_ns: int | None
    sent_ns: int | None
    finished_ns: int

    @property
    def last_byte_ns(self) -> int:
        """When the last byte of a finished request arrived."""
        ...


def begun_ns(request: Timed) -> int:
    """Return when a request took its slot: when it was sent first, or began to connect; if never, when it was due.

    A client that waits for a server to accept its connection keeps its slot busy.
    """
    if request.first_sent_ns is not None:
        return request.first_sent_ns
    if request.connect_began_ns is not None:
        return request.connect_began_ns
    return request.scheduled_ns if request.sent_ns is None else request.sent_ns


def ended_ns(request: Timed) -> int:
    """Return when the last byte of a request arrived, or when it failed."""
    return request.last_byte_ns if request.outcome is Outcome.OK else request.finished_ns


def _last_byte_ns(sent_ns: int | None, offset_ns: int) -> int:
    assert sent_ns is not None  # noqa: S101 - a finished request has been sent
    return sent_ns + offset_ns


class EnergyReading(msgspec.Struct, kw_only=True):
    """What one channel of an energy meter had counted at one moment."""

    channel: str
    t_ns: Whole
    energy_j: float  # since the meter was opened
    covered_ns: Whole | None = None  # time that its readings vouch for; None: all of it, as a counter does
    power_w: float | None = None  # the power of the moment, where that is what an external meter shows


SlowedBy = Literal["heat", "power", "other"]


class CardReading(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one GPU showed at one moment; None is what its driver does not tell."""

    card: str  # as its source numbers it, such as nvml:0
    busy_ratio: float | None = None  # share of the driver's last interval (up to 1 s) in which it computed something
    memory_used_bytes: int | None = None  # by all processes, and by the driver itself
    memory_total_bytes: int | None = None
    temperature_c: float | None = None
    sm_clock_mhz: float | None = None
    memory_clock_mhz: float | None = None
    power_w: float | None = None
    slowed_by: dict[str, SlowedBy] | None = None  # what holds its clocks down, by the driver's own names
    other_processes: int | None = None  # that may compute on it, beside the server's


class Sample(msgspec.Struct, kw_only=True):
    """Utilisation at one moment."""

    t_ns: Whole
    server_cpu_cores: float | None = None  # cores that the server's process tree keeps busy
    server_rss_bytes: Whole | None = None
    host_cpu_ratio: float | None = None  # share of all cores busy, 0 to 1; without what was stolen
    host_steal_ratio: float | None = None  # share taken by the hypervisor, where the kernel tells
    client_cpu_cores: float | None = None  # cores that the load driver keeps busy
    cpu_frequency_mhz: float | None = None  # mean of a few CPUs, where the kernel tells the real one
    throttle_events: Whole | None = None  # slowed by heat or a power limit, since the host started; x86 only
    tcp_retransmissions: Whole | None = None  # segments that the host sent again, since it started
    tcp_needless_retransmissions: Whole | None = None  # of these, those sent without the loss of data
    energy: list[EnergyReading] = []  # of every channel, where energy is metered
    cards: list[CardReading] = []  # of every GPU that is in use, where there is one


class KeptResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The text of one response; its times and outcome stand in the record of the same index."""

    index: int
    prompt: str | None = None  # `id` of what was sent, in prompts.jsonl
    item: str | None = None  # which row of a data file was asked about
    references: list[str] = []  # what that row says right responses are
    reference: str | None = None  # the only one, as earlier versions wrote it
    text: str = ""
    reasoning: str = ""
    vector: list[float] | None = None  # of an embedding
    is_damaged: bool = False  # its bytes were not UTF-8
    finish_reason: str | None = None


class KeptMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One message of a prompt; where it is long, its beginning and its end, and how many characters lie between."""

    role: str
    text: str
    rest: str = ""
    left_out: int = 0


class KeptPrompt(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What was sent to the server, system prompt and worked examples included; a line of `prompts.jsonl`, once each."""

    id: str
    messages: list[KeptMessage]


class CodeRun(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What came of the tests of one response that is code, run with `--run-code`; a line of `code.jsonl`."""

    index: int
    passed: bool | None = None  # whether it passed all tests; None: it was not run
    reason: str | None = None  # what failed, or why it was not run
