"""A server that does nothing but stream, and says in every token when it sent it.

The text of each token is the CLOCK_MONOTONIC nanosecond at which it is handed to the kernel, so a client on the same
machine can tell how far off its own stamps are.

Started as `python -m profiler.timing.null_server`. Prints its port; ends when its standard input does.
"""

import asyncio
import contextlib
import re
import sys
import time

TOKENS = 20
GAP_S = 0.002

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            await reader.readexactly(int(length[1]) if length else 0)
            await _stream(writer)
    writer.close()


async def _stream(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD)
    for _ in range(TOKENS):
        await asyncio.sleep(GAP_S)
        event = b'data: {"choices":[{"text":"%d"}]}\n\n' % time.monotonic_ns()
        writer.write(b"%x\r\n%s\r\n" % (len(event), event))
    writer.write(b"0\r\n\r\n")


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve())
