"""A real TCP server on loopback whose answer to each connection is a script."""

import itertools
import json
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"

Script = Callable[[socket.socket, bytes], None]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(payload: object) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def token(text: str, finish_reason: str | None = None) -> bytes:
    return event({"choices": [{"text": text, "finish_reason": finish_reason}]})


def chat_token(text: str | None, finish_reason: str | None = None) -> bytes:
    return event(
        {"choices": [{"delta": {"content": text} if text is not None else {}, "finish_reason": finish_reason}]}
    )


DONE = b"data: [DONE]\n\n"


def read_request(connection: socket.socket) -> bytes:
    """Read one request; empty when the client has gone."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        data = connection.recv(65536)
        if not data:
            return b""
        raw += data
    head, _, body = raw.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def stream_tokens(texts: list[str], pause_s: float = 0.0, finish_reason: str = "length") -> Script:
    """Stream a token at every beat as chunked events, then close the stream properly; a late one delays no other."""

    def script(connection: socket.socket, request: bytes) -> None:
        start_s = time.monotonic()
        connection.sendall(HEAD)
        for position, text in enumerate(texts):
            time.sleep(max(0.0, start_s + (position + 1) * pause_s - time.monotonic()))
            reason = finish_reason if position == len(texts) - 1 else None
            connection.sendall(chunk(token(text, reason)))
        connection.sendall(chunk(DONE) + LAST_CHUNK)

    return script


def openai(script: Script, model: str = "scripted") -> Script:
    """Answer /v1/models with one model's name, and everything else by the script."""

    def dispatch(connection: socket.socket, request: bytes) -> None:
        if not request.startswith(b"GET /v1/models"):
            script(connection, request)
            return
        body = json.dumps({"object": "list", "data": [{"id": model, "object": "model"}]}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    return dispatch


def in_slots(slots: int, script: Script) -> Script:
    """Carry out a script for so many requests at a time; others wait in the order in which they came.

    A semaphore would not do: a connection that has just been answered takes its slot again before a waiting one wakes.
    """
    tickets = itertools.count()
    turn = threading.Condition()
    finished = 0

    def wait(connection: socket.socket, request: bytes) -> None:
        nonlocal finished
        with turn:
            ticket = next(tickets)
            turn.wait_for(lambda: ticket < finished + slots)
        try:
            script(connection, request)
        finally:
            with turn:
                finished += 1
                turn.notify_all()

    return wait


def for_at_most(slots: int, script: Script) -> Script:
    """Carry out a script for so many requests at a time; further ones are refused as those of a full server are."""
    free = threading.Semaphore(slots)

    def answer(connection: socket.socket, request: bytes) -> None:
        if not free.acquire(blocking=False):
            connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            return
        try:
            script(connection, request)
        finally:
            free.release()

    return answer


def together(count: int, script: Script) -> Script:
    """Carry out a script for all requests as soon as so many have arrived."""
    numbers, are_there = itertools.count(1), threading.Event()

    def wait(connection: socket.socket, request: bytes) -> None:
        if next(numbers) == count:
            are_there.set()
        are_there.wait(60)
        script(connection, request)

    return wait


def wait_until_read(connection: socket.socket) -> None:
    """Wait until the process at the other end, on this machine, has taken all bytes out of its socket. Linux only."""
    client, server = (f":{end[1]:04X}" for end in (connection.getpeername(), connection.getsockname()))
    is_there = sys.platform == "linux"
    while is_there:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        queues = [row[4] for row in rows if row[1].endswith(client) and row[2].endswith(server)]
        is_there = any(int(queue.partition(":")[2], 16) for queue in queues)
        time.sleep(0.001)


def send_bytes(*pieces: bytes, pause_s: float = 0.0) -> Script:
    """Send these pieces, then hang up."""

    def script(connection: socket.socket, request: bytes) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause_s)
        connection.close()

    return script


def reset_after(*pieces: bytes) -> Script:
    """Send these pieces, then tear the connection down with a TCP reset."""

    def script(connection: socket.socket, request: bytes) -> None:
        for piece in pieces:
            connection.sendall(piece)
        time.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return script


def stay_silent_after(*pieces: bytes) -> Script:
    """Send these pieces, then nothing, with the connection left open until the client leaves."""

    def script(connection: socket.socket, request: bytes) -> None:
        for piece in pieces:
            connection.sendall(piece)
        connection.recv(1)

    return script


@contextmanager
def serve(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve a script on a free loopback port, one thread a connection; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    connections: list[socket.socket] = []

    def answer(connection: socket.socket) -> None:
        try:  # the end may come before the beginning
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
                connections.append(connection)
            while request := read_request(connection):
                script(connection, request)
        except OSError:
            return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            connection.close()
        thread.join(1)
