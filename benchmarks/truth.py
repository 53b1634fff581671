"""The truth server as a process, its log, and which of its requests is which of a client's."""

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

from clients import BenchmarkError, Seen

from profiler.units import NS_PER_MS, NS_PER_S

MODEL = "truth"
_SOURCE = Path(__file__).with_name("truth_server.c")
_START_S = 10.0
_STOP_S = 60.0
_NEAR_NS = 50 * NS_PER_MS


class Sent(NamedTuple):
    """One request as the server answered it, on CLOCK_MONOTONIC."""

    identity: int  # its number in the response id
    arrived_ns: int  # the kernel had the last byte of the request
    received_ns: int  # the server had it
    chunk_ns: list[int]  # when each chunk went into send()
    return_ns: list[int]  # when each came out of it
    tokens: int
    chunks: int  # how many it meant to send
    events_per_chunk: int

    @property
    def is_complete(self) -> bool:
        """Whether every chunk went out."""
        return len(self.chunk_ns) == self.chunks


@dataclass
class Truth:
    """What a server's log says."""

    scheduler: str
    requests: list[Sent]
    buckets: dict[str, list[int]]  # with --quiet: chunks, tokens and requests per `bucket_ns`
    bucket_ns: int = 0
    start_ns: int = 0


@dataclass
class TruthServer:
    """A running truth server."""

    process: "subprocess.Popen[bytes]"
    port: int
    log_path: Path

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End it, which makes it write its log."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def truth(self) -> Truth:
        """Read the log that it left."""
        return read_log(self.log_path)


def build(folder: Path) -> Path:
    """Compile the server into a folder. Raises `SystemExit` with one sentence."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise SystemExit("The truth server needs a C compiler, and there is no cc, gcc or clang. Install one.")
    binary = folder / "truth_server"
    result = subprocess.run(
        [compiler, "-O2", "-o", str(binary), str(_SOURCE), "-lm"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if result.returncode:
        raise SystemExit(f"{compiler} could not compile {_SOURCE.name}: {result.stderr.strip()[-400:]}")
    return binary


@contextmanager
def truth_server(binary: Path, flags: Sequence[str], *, fifo: int = 0) -> Iterator[TruthServer]:
    """Start a server on a free port of the loopback; its log can be read once the block has ended."""
    handle, log = tempfile.mkstemp(prefix="truth-", suffix=".jsonl", dir=binary.parent)
    os.close(handle)
    priority = ["--fifo", str(fifo)] if fifo else []
    process = subprocess.Popen([str(binary), "--log", log, "--model", MODEL, *priority, *flags], stdout=subprocess.PIPE)
    server = TruthServer(process, 0, Path(log))
    try:
        server.port = _port(process)
        yield server
    finally:
        server.stop()


def _port(process: "subprocess.Popen[bytes]") -> int:
    assert process.stdout is not None  # noqa: S101 - opened by the caller
    readable, _, _ = select.select([process.stdout], [], [], _START_S)
    words = process.stdout.readline().split() if readable else []
    if len(words) != 2:
        raise SystemExit("The truth server did not start; what it said stands above.")
    return int(words[1])


def read_log(path: Path) -> Truth:
    """Read a server's log."""
    with path.open(encoding="utf-8") as file:
        header = json.loads(file.readline())
        rows = [json.loads(line) for line in file]
    if rows and "bucket_ns" in rows[0]:
        buckets = {name: rows[0][name] for name in ("chunks", "tokens", "requests")}
        return Truth(header["scheduler"], [], buckets, rows[0]["bucket_ns"], rows[0]["start_ns"])
    return Truth(header["scheduler"], [_sent(row, one_event=header["one_event"]) for row in rows], {})


def _sent(row: dict[str, Any], *, one_event: bool) -> Sent:
    received_ns, offsets_ns = row["received_ns"], row["sent_ns"]
    absolute_ns = [received_ns + offset_ns for offset_ns in offsets_ns]
    tokens, per_chunk = row["tokens"], row["tokens_per_chunk"]
    return Sent(
        identity=row["id"],
        arrived_ns=row["arrived_ns"],
        received_ns=received_ns,
        chunk_ns=absolute_ns[::2],
        return_ns=absolute_ns[1::2],
        tokens=tokens,
        chunks=ceil(tokens / per_chunk),
        events_per_chunk=1 if one_event else per_chunk,
    )


def pair(seen: Sequence[Seen], sent: Sequence[Sent]) -> list[tuple[Seen, Sent]]:
    """Find the server's record of each of a client's requests.

    By the number in the response id where the client keeps it. Where it does not, by order: a single thread sends one
    request after the other, and the kernel hands each to the server's socket within that send, so the n-th sent is
    the n-th that arrived. Both sides must then count the same requests. Raises `BenchmarkError` where they do not.
    """
    if any(record.identity is not None for record in seen):
        by_identity = {record.identity: record for record in sent}
        return [(record, by_identity[record.identity]) for record in seen if record.identity in by_identity]
    ours = sorted(((record.sent_ns, record) for record in seen if record.sent_ns is not None), key=lambda one: one[0])
    if not ours:
        return []
    first_ns, last_ns = ours[0][0] - NS_PER_S, ours[-1][0] + NS_PER_S
    theirs = sorted((record for record in sent if first_ns <= record.arrived_ns <= last_ns), key=_arrival)
    far = any(abs(sent_ns - there.arrived_ns) > _NEAR_NS for (sent_ns, _), there in zip(ours, theirs, strict=False))
    if far or len(ours) != len(theirs):
        raise BenchmarkError(f"the client recorded {len(ours)} requests and the server {len(theirs)}: no pairs.")
    return [(here, there) for (_, here), there in zip(ours, theirs, strict=True)]


def _arrival(record: Sent) -> int:
    return record.arrived_ns
