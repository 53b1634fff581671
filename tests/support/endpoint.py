"""An OpenAI-compatible endpoint in a process of its own: `python -m support.endpoint '{"pause_s": 0.01}'`.

It prints its port, streams tokens, one thread a connection, and can be told to misbehave.
"""

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

from support.scripted_server import DONE, HEAD, LAST_CHUNK, chunk, event, serve, token

TESTS = str(Path(__file__).parents[1])
MODELS = json.dumps({"data": [{"id": "scripted"}]}).encode()


_gaps_s: list[float] = []  # as long as they were on this machine


class Endpoint(NamedTuple):
    url: str
    process: "subprocess.Popen[str]"


@contextmanager
def endpoint(
    *,
    tokens: int = 8,
    pause_s: float = 0.002,  # before each token
    per_event: int = 1,  # tokens in each segment
    says_tokens: int | None = None,  # usage, where it is not the truth
    stall_s: float = 0.0,  # a stop in the middle of every third answer; 30 of its usual gaps where those are longer
    die_after: int | None = None,  # answers
    stop_after: int | None = None,  # answers, in the middle of the next one
) -> Iterator[Endpoint]:
    """Start one; it is gone when the block ends."""
    behaviour = {
        "tokens": tokens,
        "pause_s": pause_s,
        "per_event": per_event,
        "says_tokens": tokens if says_tokens is None else says_tokens,
        "stall_s": stall_s,
        "die_after": die_after,
        "stop_after": stop_after,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "support.endpoint", json.dumps(behaviour)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([TESTS, os.environ.get("PYTHONPATH", "")])},
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield Endpoint(f"http://127.0.0.1:{int(process.stdout.readline())}", process)
        finally:
            process.kill()


def main() -> None:
    """Serve until killed, or until whoever started this is gone."""
    behaviour = json.loads(sys.argv[1])
    answers = count()

    def answer(connection: socket.socket, request: bytes) -> None:
        if request.startswith(b"GET "):
            length = str(len(MODELS)).encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n" + MODELS)
            return
        number = next(answers)
        if number == behaviour["die_after"]:
            os._exit(1)
        if number == behaviour["stop_after"]:
            connection.sendall(HEAD + chunk(token("x")))
            os.kill(os.getpid(), signal.SIGSTOP)
        _stream(connection, behaviour, stall=number % 3 == 2)

    with serve(answer) as port:
        print(port, flush=True)
        sys.stdin.read()


def _stream(connection: socket.socket, behaviour: dict[str, float], *, stall: bool) -> None:
    total = int(behaviour["tokens"])
    connection.sendall(HEAD)
    for first in range(0, total, int(behaviour["per_event"])):
        began_s = time.monotonic()
        time.sleep(behaviour["pause_s"])
        _gaps_s.append(time.monotonic() - began_s)
        if stall and behaviour["stall_s"] and first == total // 2:
            time.sleep(max(behaviour["stall_s"], 30 * statistics.median(_gaps_s)))
        ends = range(first, min(total, first + int(behaviour["per_event"])))
        connection.sendall(b"".join(chunk(token("x", "length" if i == total - 1 else None)) for i in ends))
    usage = event({"choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": behaviour["says_tokens"]}})
    connection.sendall(chunk(usage) + chunk(DONE) + LAST_CHUNK)


if __name__ == "__main__":
    main()
