"""Which failures a run saw, the commonest first, in the server's own text."""

import re
from collections import Counter

from profiler.results.records import Outcome, RequestRecord
from profiler.results.server_message import one_line, server_message
from profiler.results.summary import Failure

_MOST_KINDS = 100  # told apart; further ones count with the others of the same outcome
_MOST_SHOWN = 5
_VARYING = re.compile(
    r"[0-9a-f]{6,}|\d+", re.IGNORECASE
)  # ids of requests, ports, times: the same failure all the same
_Kind = tuple[str, int | None, str]


class Failures:
    """Counts failed requests by outcome, HTTP status and message."""

    def __init__(self) -> None:
        """Begin with none."""
        self._counts: Counter[_Kind] = Counter()
        self._texts: dict[_Kind, str] = {}

    def take(self, request: RequestRecord) -> None:
        """Add a request that failed."""
        self._take(request.outcome, request.http_status, request.detail)

    def _take(self, outcome: Outcome, http_status: int | None, detail: str | None) -> None:
        text = one_line(server_message(detail or ""))
        status = http_status if outcome is Outcome.HTTP_ERROR else None
        kind = (str(outcome), status, _VARYING.sub("#", text))
        if kind not in self._counts and len(self._counts) >= _MOST_KINDS:
            kind = (str(outcome), status, "")
        self._counts[kind] += 1
        self._texts.setdefault(kind, text)

    def __add__(self, later: "Failures | NotedFailures") -> "Failures":
        """Return both together; those that were only noted are taken one by one."""
        if isinstance(later, NotedFailures):
            for failure in later.failures:
                self._take(*failure)
            return self
        both = Failures()
        both._counts = self._counts + later._counts
        both._texts = {**later._texts, **self._texts}
        return both

    def commonest(self) -> list[Failure]:
        """Return a few kinds, the commonest first."""
        return [
            Failure(outcome=kind[0], http_status=kind[1], count=count, text=self._texts[kind])
            for kind, count in self._counts.most_common(_MOST_SHOWN)
        ]


class NotedFailures:
    """Notes failed requests in the order in which they come, for `Failures` to take them in turn."""

    def __init__(self) -> None:
        """Begin with none."""
        self.failures: list[tuple[Outcome, int | None, str | None]] = []

    def take(self, request: RequestRecord) -> None:
        """Note a request that failed."""
        self.failures.append((request.outcome, request.http_status, request.detail))


def of_outcome(outcome: Outcome, http_status: int | None) -> str:
    """Return a failure by its outcome alone, such as "HTTP 503"."""
    is_status = outcome is Outcome.HTTP_ERROR and http_status is not None
    return f"HTTP {http_status}" if is_status else outcome.replace("_", " ")
