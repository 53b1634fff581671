"""How far off are this client's stamps on this host? Measured against a null server before each run."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from profiler.child import read_line, start_python
from profiler.errors import DriverError
from profiler.results.manifest import Calibration
from profiler.stats.quantiles import quantile
from profiler.timing.driver_client import LoadDriver
from profiler.timing.interpret import to_record
from profiler.timing.messages import ClosedLoopPace, Exchange, Job, JobDone
from profiler.timing.null_server import TOKENS
from profiler.units import ns_to_us, s_to_ns

_REQUESTS_PER_SLOT = 20
_MOST_SLOTS = 32  # more would test the null server
_START_TIMEOUT_S = 20.0
_DURATION_NS = s_to_ns(1.0)
_STAMPS = re.compile(rb'"text":"(\d+)"')
_REQUEST = b"POST /v1/completions HTTP/1.1\r\nHost: null\r\nContent-Length: 2\r\n\r\n{}"


def calibrate(driver: LoadDriver, concurrency: int, tick: Callable[[], None]) -> Calibration:
    """Drive the null server for about a second and compare stamps. Raises `DriverError`."""
    slots = min(concurrency, _MOST_SLOTS)
    requests = driver.spool([_REQUEST] * (slots * _REQUESTS_PER_SLOT))
    with _null_server() as port:
        driver.start(
            Job(
                phase="calibrate",
                host="127.0.0.1",
                port=port,
                pace=ClosedLoopPace(slots, _DURATION_NS),
                request_timeout_ns=s_to_ns(10),
                stall_timeout_ns=s_to_ns(10),
                first_index=0,
                requests=requests,
            )
        )
        exchanges: list[Exchange] = []
        while True:
            for message in driver.receive(0.1):
                if isinstance(message, Exchange):
                    exchanges.append(message)
                elif isinstance(message, JobDone):
                    return _compare(exchanges, slots)
            tick()


@contextmanager
def _null_server() -> Iterator[int]:
    with start_python(["-m", "profiler.timing.null_server"]) as process:
        try:
            line = read_line(process, _START_TIMEOUT_S)
            if not line.isdigit():
                raise DriverError("The null server for the self-calibration did not start.")
            yield int(line)
        finally:
            process.kill()


def _compare(exchanges: Sequence[Exchange], slots: int) -> Calibration:
    """Set our stamps beside the null server's own."""
    arrival_us: list[float] = []
    user_us: list[float] = []
    for exchange in exchanges:
        record = to_record(exchange, TOKENS, None)
        for position, data in enumerate(exchange.data):
            stamps = _STAMPS.findall(data)
            if len(stamps) == 1 and record.sent_ns is not None:  # a coalesced read has the stamp of its last token only
                truth_ns = int(stamps[0])
                arrival_us.append(ns_to_us(record.sent_ns + record.read_offset_ns[position] - truth_ns))
                user_us.append(ns_to_us(exchange.user_ns[position] - truth_ns))
    return Calibration(
        concurrency=slots,
        tokens=sum(len(_STAMPS.findall(data)) for exchange in exchanges for data in exchange.data),
        arrival_us=_spread(arrival_us),
        user_space_us=_spread(user_us),
    )


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {name: quantile(ordered, q) for name, q in (("p50", 0.5), ("p99", 0.99))} if ordered else {}
