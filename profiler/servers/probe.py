"""Short requests to an endpoint that has refused the first one of a run: which of its fields will it not take?

They are left out of every request then, instead of failing all of them. A server that takes what it is sent never gets
one of these. Their prompt is no part of any workload, so no cache is warmed that matters.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from profiler.errors import ServerError, UsageError
from profiler.results.records import Outcome, RequestRecord
from profiler.results.server_message import server_message
from profiler.servers.address import Address
from profiler.servers.base import Endpoint, Tick, no_tick
from profiler.servers.body import MAX_TOKENS, BodyChanges, make_body, short_request
from profiler.servers.http_call import Reply, exchange
from profiler.servers.openai_api import http_request, shown, status_error
from profiler.servers.refusal import refused_field, suggested_limit
from profiler.timing.messages import TlsOptions
from profiler.workloads.schema import EMBEDDINGS, Workload

FEW_TOKENS = 2
_COMPLETION_TOKENS = "max_completion_tokens"
_MOST_TRIES = 12
_OK = 200
_LAST_LINES = 1_000
_LIMIT_S = 120.0
_NOT_IMPLEMENTED = 501  # llama-server's answer to what it was not started for
_FINAL = {*range(300, 500), _NOT_IMPLEMENTED}  # redirects and errors of the client
_BAD_REQUEST = {400, 422}
_MAY_PASS = {408, 425, 429}  # the same request may be taken later
_NAMES_A_FIELD = {400, 404, 405, 409, 415, 422, 500, 501}
_FIXED = {"model", "messages", "prompt", "input", "stream"}  # no request goes without them

MakeBody = Callable[[int, BodyChanges], dict[str, object]]
"""Makes a body that asks for so many tokens."""


@dataclass(frozen=True)
class Probed:
    """What the probe found."""

    changes: BodyChanges
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Probe:
    """Where to ask, and for what."""

    address: Address
    api: str
    make_body: MakeBody
    output_tokens: int  # that the workload asks for
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: TlsOptions | None = None
    limit_s: float = 120.0
    tick: Tick = no_tick

    def carry_out(self, asked: BodyChanges) -> Probed:
        """Ask until the server takes the request; `asked` is what the user wants to be changed.

        Raises `UsageError`, `HttpStatusError` where it refuses whatever is left out, and what `tick` raises. A server
        that fails otherwise is measured as it is.
        """
        changes, tokens, warnings = asked, min(FEW_TOKENS, self.output_tokens), list[str]()
        for _ in range(_MOST_TRIES):
            try:
                reply = self._ask(tokens, changes)
            except ServerError as error:
                return Probed(changes, warnings=[*warnings, f"A short request failed, too. {error}"])
            error_text = _error_text(reply)
            if error_text is None:
                return self._accepted(reply, changes, warnings)
            name = refused_field(error_text, self._can_go(changes)) if _may_name(reply) else None
            if tokens < self.output_tokens and self._may_want_more(reply, error_text, name, changes):
                tokens = self.output_tokens
            elif name is None:
                return self._refused(reply, error_text, changes, warnings)
            else:
                changes = self._without(
                    name, asked, changes, f"HTTP {reply.status}: {shown(server_message(error_text))}"
                )
                warnings.append(_left_out(name, changes, shown(error_text)))
        raise UsageError(f"The server refuses one field after the other, at last {', '.join(changes.refused)}.")

    def _ask(self, tokens: int, changes: BodyChanges) -> Reply:
        request = http_request(self.address, self.api, self.make_body(tokens, changes), self.headers)
        return exchange(self.address, request, self.tls, self.tick, self.limit_s, _is_done)

    def _can_go(self, changes: BodyChanges) -> list[str]:
        return fields_that_can_go(self.make_body(FEW_TOKENS, changes))

    def _may_want_more(self, reply: Reply, error_text: str, name: str | None, changes: BodyChanges) -> bool:
        """Whether it may be the few tokens that it refuses, rather than the field that asks for them."""
        limit = changes.max_tokens_field or MAX_TOKENS
        return reply.status in _BAD_REQUEST and (
            name is None or (name == limit and suggested_limit(error_text, [limit]) is None)
        )

    def _without(self, name: str, asked: BodyChanges, changes: BodyChanges, said: str) -> BodyChanges:
        """Return the changes that do without a field. Raises `UsageError` where the user asked for it."""
        if asked.is_asked(name):
            raise UsageError(
                f"The server refuses {name}, which the command line asks for ({said}). Leave it out, or pass another "
                "value."
            )
        if name == changes.max_tokens_field:
            raise UsageError(
                f"The server refuses {MAX_TOKENS} and {name} ({said}). Name the field that limits its responses with "
                "--max-tokens-field."
            )
        if name == MAX_TOKENS:
            return replace(changes, max_tokens_field=suggested_limit(said, [MAX_TOKENS]) or _COMPLETION_TOKENS)
        return changes.without(name)

    def _accepted(self, reply: Reply, changes: BodyChanges, warnings: list[str]) -> Probed:
        """Read what the response tells. Raises `UsageError` for one that is no stream."""
        told = [_json(reply.body)] if self.api == EMBEDDINGS else _events(reply.body)
        whole = _json(reply.body)
        if self.api != EMBEDDINGS and not told and isinstance(whole, dict) and "choices" in whole:
            raise UsageError(
                "The server answered with one JSON object although a stream was asked for, so that no token can be "
                "timed. Measure a server that streams (server-sent events), or switch streaming on in its gateway."
            )
        return Probed(changes, warnings)

    def _refused(self, reply: Reply, error_text: str, changes: BodyChanges, warnings: list[str]) -> Probed:
        """Raise `HttpStatusError` for what no later request would change; let everything else be measured."""
        if reply.status in _FINAL and reply.status not in _MAY_PASS:
            raise status_error(f"a request of the kind {self.api}", reply)
        failed = f"A short request failed, too (HTTP {reply.status}: {shown(server_message(error_text))})."
        return Probed(changes, warnings=[*warnings, failed])


def make_probe(
    endpoint: Endpoint, workload: Workload, seed: int, tls: TlsOptions | None = None, tick: Tick = no_tick
) -> Probe:
    """Return the probe that asks an endpoint for what the requests of a workload will ask for."""
    return Probe(
        address=endpoint.address,
        api=workload.api,
        make_body=lambda tokens, changes: make_body(endpoint, short_request(workload, tokens, seed), changes),
        output_tokens=workload.output_tokens,
        headers=endpoint.headers,
        tls=tls,
        limit_s=min(workload.request_timeout_s, _LIMIT_S),
        tick=tick,
    )


def fields_that_can_go(body: Mapping[str, object]) -> list[str]:
    """Return the fields of a body that a server may refuse."""
    return [name for name in body if name not in _FIXED]


def may_be_refusal(record: RequestRecord, fields: Collection[str]) -> bool:
    """Whether a failed request may have been refused for its form, or for one of these fields."""
    if record.outcome is Outcome.NO_TOKENS or (record.http_status in _FINAL and record.http_status not in _MAY_PASS):
        return True
    is_error = record.outcome in {Outcome.HTTP_ERROR, Outcome.SERVER_ERROR}
    return is_error and refused_field(record.detail or "", fields) is not None


def _left_out(name: str, changes: BodyChanges, said: str) -> str:
    """Say what was done about a field that the server refuses."""
    done = f"{changes.max_tokens_field} was sent instead" if name == MAX_TOKENS else "it was left out of every request"
    return f"The server refuses {name}: {done}. Its words: {said}"


def _may_name(reply: Reply) -> bool:
    return reply.status == _OK or reply.status in _NAMES_A_FIELD


def _error_text(reply: Reply) -> str | None:
    """Return what the server says where it does not serve the request, within a stream, too; `None` where it does."""
    if reply.status != _OK:
        return reply.body.decode("utf-8", "replace")
    for each in [*_events(reply.body), _json(reply.body)]:
        if isinstance(each, dict) and each.get("error") and isinstance(each["error"], dict | str):
            return json.dumps(each)
    return None


def _is_done(body: bytes) -> bool:
    """Whether a stream has said that it has come to its end, whatever follows."""
    return any(line.replace(b" ", b"").strip() == b"data:[DONE]" for line in body.splitlines()[-_LAST_LINES:])


def _events(body: bytes) -> list[object]:
    """Return what the events of a stream say, those that are JSON."""
    lines = (line.removeprefix(b"data:").strip() for line in body.splitlines() if line.startswith(b"data:"))
    return [said for line in lines if (said := _json(line)) is not None]


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
