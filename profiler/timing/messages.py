"""What the profiler and its load driver tell each other, and how a message is framed."""

from __future__ import annotations

import msgspec

from profiler.timing.framing import MAX_RESPONSE_BYTES

LENGTH_BYTES = 4
UNLIMITED = 2**62  # requests, or nanoseconds


class ClosedLoopPace(msgspec.Struct, tag=True, array_like=True):
    """Arguments of `pacing.ClosedLoop`; `concurrency` counts the slots of all workers."""

    concurrency: int
    max_duration_ns: int
    think_ns: int = 0
    ramp_ns: int = 0
    turns: int = 1  # requests of one conversation, which follow one another


class ScheduledPace(msgspec.Struct, tag=True, array_like=True):
    """Arguments of `pacing.Scheduled`: one time for each conversation."""

    due_ns: list[int]
    think_ns: int = 0
    turns: int = 1


class TlsOptions(msgspec.Struct, array_like=True, frozen=True):
    """How far a server's certificate is trusted."""

    ca_file: str | None = None  # certificates in PEM form; None: those of the system
    is_insecure: bool = False  # whatever the certificate says


class Block(msgspec.Struct, array_like=True, frozen=True):
    """A phase of a job; counts are those of all workers, times run from the first request of the block."""

    phase: str
    requests: int  # that it is to send
    first: int = 0  # position in the job of its first request; those left over before it are not sent
    room: int = UNLIMITED  # requests that there are for it: it never goes on beyond them
    limit_ns: int = UNLIMITED  # after which it ends before its requests are sent …
    least: int = 0  # … unless they are fewer than these …
    most_ns: int = UNLIMITED  # … but after this in any case
    least_ns: int = 0  # it lasts at least as long, and sends more requests meanwhile
    step: int = 1  # cut short, it still ends with a whole number of steps: one request from each slot
    is_until_finished: bool = False  # it goes on until as many requests as it was to send have finished
    is_cooldown: bool = False  # the last block: it goes on only while requests of those before it are in flight


class Job(msgspec.Struct, tag=True, array_like=True):
    """Parent to driver: send the requests in the spool, or a stretch of them, at this pace."""

    phase: str
    host: str
    port: int
    pace: ClosedLoopPace | ScheduledPace
    request_timeout_ns: int
    stall_timeout_ns: int
    first_index: int  # position in the run of the first request of the job
    requests: int  # of all workers together
    first_in_spool: int = 0  # where the job's requests begin in the spool
    tls: TlsOptions | None = None
    share: tuple[int, int] = (0, 1)  # pacing.Share
    most_response_bytes: int = MAX_RESPONSE_BYTES
    blocks: list[Block] = []  # which follow one another while the load goes on; none: all is one, `phase`


class Ready(msgspec.Struct, tag=True, array_like=True):
    """Driver to parent: everything that a job needs is at hand."""


class Begin(msgspec.Struct, tag=True, array_like=True):
    """Parent to driver: carry out the job that was made ready; its time counts from `start_ns`."""

    start_ns: int


class Stop(msgspec.Struct, tag=True, array_like=True):
    """Parent to driver: measure no further; after a cool-down, if the job has one, those in flight may finish."""


class NextBlock(msgspec.Struct, tag=True, array_like=True):
    """Parent to driver: the worker that leads has begun this block of the job; so do the others."""

    number: int


class Abandon(msgspec.Struct, tag=True, array_like=True):
    """Parent to driver: end the job now; requests in flight are given up, those that have finished are handed over."""


class Alive(msgspec.Struct, tag=True, array_like=True):
    """Driver to parent, each second of a job: it still comes round."""


class Hello(msgspec.Struct, tag=True, array_like=True):
    """Driver to parent, once: it is up, and this is how it stamps arrivals."""

    pid: int
    kernel_stamps: bool
    note: str
    is_realtime: bool = False  # whether it goes before every process of ordinary priority


class Exchange(msgspec.Struct, tag=True, array_like=True):
    """Driver to parent: one finished request, as raw as it came off the wire."""

    index: int
    phase: str
    ending: str  # a value of results.records.Outcome; "ok" means that the response was complete
    detail: str | None
    scheduled_ns: int
    sent_user_ns: int | None  # when our last send returned
    send_call_ns: int | None
    send_stamp: bytes  # the kernel's stamp of the last byte leaving, struct timespec, or empty
    finished_user_ns: int
    user_ns: list[int]  # per read: when this process had the bytes
    kernel_stamp: list[bytes]  # per read: struct timespec of the wall clock, or empty
    data: list[bytes]  # per read
    offset_first: tuple[int, int, int]  # timing.clock.WallOffset
    offset_last: tuple[int, int, int]
    client_port: int | None = None  # our end of the connection
    first_sent_ns: int | None = None  # on a connection that the server closed without a byte, before it was sent again
    connect_began_ns: int | None = None  # None where an open connection was used


class BlockBegan(msgspec.Struct, tag=True, array_like=True):
    """Driver to parent: the request that is sent now is the first one of a block."""

    number: int
    start_ns: int
    sent: int  # before it, of all workers together
    cpu_ns: list[int]  # processor time since the job began, of each worker


class JobDone(msgspec.Struct, tag=True, array_like=True):
    """Driver to parent: the last request of the job has finished."""

    phase: str
    sent: int
    start_ns: int
    end_ns: int
    cpu_ns: list[int]  # processor time since the job began, of each worker


Message = Job | Ready | Begin | Stop | Abandon | NextBlock | Alive | Hello | Exchange | BlockBegan | JobDone

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """One message with its length in front."""
    body = _encoder.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


class Inbox:
    """Reassembles messages from a byte stream."""

    def __init__(self) -> None:
        """Begin with nothing received."""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Take received bytes; return the messages that are now complete."""
        self._buffer += data
        messages: list[Message] = []
        start = 0
        while len(self._buffer) - start >= LENGTH_BYTES:
            end = start + LENGTH_BYTES + int.from_bytes(self._buffer[start : start + LENGTH_BYTES], "big")
            if len(self._buffer) < end:
                break
            messages.append(_decoder.decode(self._buffer[start + LENGTH_BYTES : end]))
            start = end
        del self._buffer[:start]
        return messages
