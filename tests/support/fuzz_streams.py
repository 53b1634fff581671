"""Mutated responses against every parser of the load driver: none may fail otherwise than by its own error, nor hang.

`python tests/support/fuzz_streams.py [SECONDS] [SEED]` runs until the time is up and prints how many inputs there were.
"""

import random
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType

from profiler.results.records import Outcome
from profiler.timing.framing import EndFinder, FramingError, events
from profiler.timing.interpret import to_record
from profiler.timing.messages import Exchange

SLOWEST_S = 5.0  # one input of a few kilobytes takes a millisecond
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


_EVENTS = (
    b'data: {"choices":[{"text":" w","finish_reason":null}]}\n\n',
    b'data: {"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"a"}]}]}}]}\r\n\r\n',
    b'event: error\ndata: {"error":{"code":500,"message":"no"}}\n\n',
    b'data: {"choices":null,"usage":{"prompt_tokens":3,"completion_tokens":4.0}}\n\n',
    b'data: {"choices":[{"message":{"content":"x"},"finish_reason":{"type":"abort"}}],"timings":{"prompt_n":1}}\n\n',
    b": ping\n\n",
    b"data:\n\n",
    b"error: {}\n\n",
    b"data: [DONE]\n\n",
)
SEEDS = (
    CHUNKED + b"".join(_chunk(event) for event in _EVENTS) + b"0\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + CHUNKED + _chunk(_EVENTS[0]) + b"0;a=b\r\nX-Sum: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\nContent-Length: 9\nX: a\n b\n\n" + _EVENTS[0],
    b"HTTP/1.0 200 OK\r\n\r\n\xef\xbb\xbf" + b"".join(_EVENTS).replace(b"\n", b"\r"),
    b'HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{"data":[{"embedding":[0.5,1e3]}],"usage":{"prompt_tokens":1}}',
    b'HTTP/1.1 500 Oops\r\ncontent-length: 20, 20\r\n\r\n{"detail":"no model"}',
)
_PIECES = (
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"0",
        b"0\r\n\r\n",
        b"-11",
        b"+5",
        b"0x5",
        b"5_0",
        b"ffffffffffffffff",
        b"data: ",
        b"[DONE]",
    ),
    *(
        b"}\n\n\r\n",
        b"}\r\n\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"Content-Length: 5\r\n",
        b"\xf0\x9f\x91",
        b"\xff",
    ),
    *(
        b"9" * 5000,
        b"[" * 3000,
        b'"\\ud800"',
        b"NaN",
        b"1e999",
        b"-1",
        b"null",
        b"{}",
        b"[]",
        b'"',
        b"\x00",
        b"event: error\n",
    ),
    *(
        b'"error":0',
        b'"choices":{}',
        b'"usage":[]',
        b"Transfer-Encoding: gzip, chunked\r\n",
        b" \t",
        b";" * 40,
        b"a" * 20_000,
    ),
)


def mutated(chance: random.Random) -> bytes:
    """Return a seed with a few of its bytes changed, repeated, left out or replaced by pieces that matter."""
    raw = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(raw) + 1)
        end = min(len(raw), start + chance.choice((0, 0, 1, 2, 8, 60)))
        kind = chance.randrange(4)
        if kind == 0:
            raw[start:end] = chance.choice(_PIECES)
        elif kind == 1:
            raw[start:end] = chance.randbytes(end - start)
        elif kind == 2:
            del raw[start:end]
        else:
            raw[start:start] = raw[start:end] * chance.randint(1, 4)
    return bytes(raw)


def cut(raw: bytes, chance: random.Random) -> list[bytes]:
    """Return the input in reads, as a network may deliver it."""
    points = sorted({chance.randrange(1, len(raw)) for _ in range(chance.randint(0, 9))}) if len(raw) > 1 else []
    return [raw[start:end] for start, end in zip([0, *points], [*points, len(raw)], strict=True)]


def end_of(reads: list[bytes]) -> str:
    """Return what the driver makes of some reads: `complete`, `open`, or `malformed`."""
    finder = EndFinder()
    try:
        for count in range(1, len(reads) + 1):
            if finder.feed(reads[count - 1], reads[:count]):
                return "complete"
        return "complete" if finder.catch_up(reads) else "open"
    except FramingError:
        return "malformed"


def try_one(raw: bytes, chance: random.Random) -> None:
    """Let every parser read an input. Raises what must not be raised."""
    if not raw:
        return
    reads = cut(raw, chance)
    found = end_of(reads)
    assert found == end_of([raw]), (found, reads)
    for ending in (Outcome.OK, Outcome.TRUNCATED):
        record = to_record(_exchange(reads, ending), chance.choice((0, 4)), None)
        assert sum(record.read_tokens) == (record.completion_tokens or 0)
        for text in (record.detail, record.finish_reason, record.served_model):
            (text or "").encode()
    list(events(raw))


def _exchange(reads: list[bytes], ending: str) -> Exchange:
    stamp = struct.pack("@qq", 1, 0)
    return Exchange(
        index=0,
        phase="repeat-1",
        ending=ending,
        detail=None,
        scheduled_ns=0,
        sent_user_ns=1,
        send_call_ns=1,
        send_stamp=stamp,
        finished_user_ns=9,
        user_ns=list(range(len(reads))),
        kernel_stamp=[stamp] * len(reads),
        data=reads,
        offset_first=(0, 10**9, 1),
        offset_last=(9, 10**9, 1),
    )


def fuzz(seed: int, may_go_on: Callable[[int], bool]) -> Iterator[bytes]:
    """Yield each input once it has been read well."""
    chance = random.Random(seed)  # noqa: S311 - inputs must be repeatable, not secret
    done = 0

    def too_slow(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"an input took over {SLOWEST_S} s of CPU time")

    before = signal.signal(signal.SIGVTALRM, too_slow)
    try:
        while may_go_on(done):
            raw = mutated(chance)
            signal.setitimer(signal.ITIMER_VIRTUAL, SLOWEST_S)
            try:
                try_one(raw, chance)
            except BaseException:
                print("input:", raw[:2000], file=sys.stderr)
                raise
            done += 1
            yield raw
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def main() -> None:
    """Run for a while by hand."""
    seconds, seed = (float(sys.argv[1]) if len(sys.argv) > 1 else 60.0), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    end_s = time.monotonic() + seconds
    count = sum(1 for _ in fuzz(seed, lambda done: time.monotonic() < end_s))
    print(f"{count} mutated responses, seed {seed}: none failed otherwise than by its own error, none hung")


if __name__ == "__main__":
    main()
