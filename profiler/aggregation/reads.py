"""The reads of successive finished requests in columns: what is asked of each read is computed of all at once."""

from collections.abc import Iterable
from functools import cached_property

from profiler.results.records import RequestRecord
from profiler.stats.pieces import Pieces


class Reads:
    """When reads arrived and how late the client saw them, nanoseconds, a piece for each request."""

    def __init__(self) -> None:
        """Begin with no request."""
        self.arrivals_ns = Pieces("q")  # of token-bearing reads, as offsets from the moment of sending
        self.lags_ns = Pieces("q")  # of reads with a kernel timestamp

    @classmethod
    def of(cls, requests: Iterable[RequestRecord]) -> "Reads":
        """Return those of some requests."""
        reads = cls()
        for request in requests:
            reads.take(request)
        return reads

    def take(self, request: RequestRecord) -> None:
        """Add those of one request."""
        self.arrivals_ns.extend(request.token_arrivals_ns)
        try:
            self.lags_ns.extend(request.read_lag_ns)  # type: ignore[arg-type]  # with None it is refused, at no cost
        except TypeError:
            self.lags_ns.extend([lag_ns for lag_ns in request.read_lag_ns if lag_ns is not None])

    def __len__(self) -> int:
        """How many requests there are."""
        return len(self.arrivals_ns)

    @cached_property
    def token_gaps_ns(self) -> Pieces:
        """The time between each token-bearing read and the next, once all requests are in."""
        return self.arrivals_ns.gaps()
