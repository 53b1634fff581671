"""Why requests failed, in a sentence, and what to do about the commonest failure."""

from collections.abc import Callable, Collection, Sequence

from profiler.aggregation.failures import of_outcome
from profiler.results.records import Outcome
from profiler.results.summary import Failure
from profiler.verdict.rule import Advice
from profiler.verdict.setup import Setup

_REFUSED = (Outcome.CONNECT_REFUSED, Outcome.CONNECT_FAILED)
_SILENT = (Outcome.NO_RESPONSE, Outcome.STALLED, Outcome.TIMEOUT, Outcome.CONNECT_TIMEOUT)
_HUNG_UP = (Outcome.RESET, Outcome.TRUNCATED, Outcome.SEND_FAILED)
_ODD = (Outcome.MALFORMED_HTTP, Outcome.MALFORMED_SSE, Outcome.NO_TOKENS, Outcome.NO_EMBEDDING)
_NO_KEY = (401, 403)
_TOO_MANY = (429,)
_TOO_SLOW = (408, 502, 503, 504)


def describe(failure: Failure) -> str:
    """Return one kind of failure: how it ended and what the server said, such as "HTTP 400: no such model"."""
    ended = of_outcome(Outcome(failure.outcome), failure.http_status)
    if not failure.text:
        return ended
    return failure.text if failure.text.lower().startswith(ended.lower()) else f"{ended}: {failure.text}"


def sentence(failures: Sequence[Failure], failed: int, requests: int) -> str:
    """Return how many requests failed, and how most of them did."""
    counted = f"{failed:,} of {requests:,} requests failed"
    if not failures:
        return f"{counted}."
    first = failures[0]
    share = "" if first.count == failed else f"{first.count:,} of them "
    return f"{counted}: {share}{describe(first)}"


def _first(outcomes: Collection[Outcome], statuses: Collection[int] = ()) -> Callable[[Setup], bool]:
    """Return whether the commonest failure is one of these."""

    def applies(run: Setup) -> bool:
        if not run.failures:
            return False
        first = run.failures[0]
        is_http = first.outcome == Outcome.HTTP_ERROR and first.http_status in statuses
        return first.outcome in outcomes or is_http

    return applies


def _is_refusal(run: Setup) -> bool:
    """Whether the server refused what most failed requests asked for (a status of 4xx with no remedy of its own)."""
    if not run.failures or run.failures[0].outcome != Outcome.HTTP_ERROR:
        return False
    status = run.failures[0].http_status or 0
    return 400 <= status < 500 and status not in {*_NO_KEY, *_TOO_MANY, *_TOO_SLOW}


def _is_rated(run: Setup) -> bool:
    return _first((), _TOO_MANY)(run)


ADVICE_ON_FAILURES = (
    Advice("The server refuses these requests: check that the model and the server support them.", _is_refusal),
    Advice("Check the key (--api-key-file) and what it may do.", _first((), _NO_KEY)),
    Advice("The server limits the request rate: lower --rate.", lambda run: _is_rated(run) and run.is_open_loop),
    Advice(
        "The server limits the request rate: lower --concurrency, or pass --rate below its limit.",
        lambda run: _is_rated(run) and not run.is_open_loop,
    ),
    Advice("The server or a gateway before it is overloaded or starting: lower the load.", _first((), _TOO_SLOW)),
    Advice("Check that the server runs and listens at this address.", _first(_REFUSED)),
    Advice("Lower the load, or wait longer: --request-timeout-s, --stall-timeout-s.", _first(_SILENT)),
    Advice("The server or a proxy closed these connections: look for its reason in their logs.", _first(_HUNG_UP)),
    Advice("Check that this is an OpenAI-compatible endpoint of the kind that the workload uses.", _first(_ODD)),
    Advice(
        "Every failure is in requests.jsonl, and what the server printed in server.log.", lambda run: not run.is_url
    ),
    Advice("Every failure is in requests.jsonl; the server's own log may tell more.", lambda run: run.is_url),
)
