"""Finished requests go into the journal, and each is looked at for what it says about the server."""

from profiler.errors import ServerError
from profiler.results.caveats import Caveat
from profiler.results.records import KeptResponse, Outcome, RequestRecord
from profiler.run.context import RunContext
from profiler.run.jobs import Asked
from profiler.servers.openai_api import is_same_model, other_model
from profiler.timing.interpret import to_record, to_text, to_vector
from profiler.timing.messages import Exchange
from profiler.timing.response_text import ResponseText

_MOST_OTHER_MODELS = 3  # named in warnings; a router may answer as any number
_DROPPED = {Outcome.RESET, Outcome.TRUNCATED, Outcome.CONNECT_REFUSED}


class RefusedError(Exception):
    """An endpoint has refused the first request that it was sent, perhaps for one of its fields; how it said so."""


class Responses:
    """The responses of a run, in the order in which their requests finish."""

    def __init__(self, run: RunContext) -> None:
        """Begin before the first one."""
        self._run = run
        self._is_accepted = False  # whether it is known that the endpoint takes what is sent
        self._other_models: set[str] = set()

    def accept(self) -> None:
        """Take no further failure for a refusal."""
        self._is_accepted = True

    def take(self, exchange: Exchange, asked: Asked) -> RequestRecord:
        """Journal one finished request; if its connection was dropped, find out whether the server has died.

        Raises `RefusedError` before anything is journaled, `RecordError`, `ServerError`.
        """
        record = self._read(exchange, asked)
        endpoint, plan = self._run.plan.external, self._run.plan
        if endpoint and not self._is_accepted and endpoint.may_have_refused(record, plan.workload, plan.body):
            raise RefusedError(record.detail)
        self.accept()  # what the endpoint serves once, it does not refuse for its fields
        self._journal(exchange, record, asked)
        self._check_model(record)
        if record.outcome in _DROPPED and plan.server is not None:
            self._run.check_stays_alive()
        return record

    def keep(self, exchange: Exchange, asked: Asked) -> None:
        """Journal a request that had finished when the run was ended. Raises `RecordError`."""
        self._journal(exchange, self._read(exchange, asked), asked)

    def _journal(self, exchange: Exchange, record: RequestRecord, asked: Asked) -> None:
        answers, has_text = self._run.answers, not self._run.plan.workload.is_embedding
        is_read = has_text and (answers is not None or record.language is not None)
        found = to_text(exchange, self._run.plan.credentials.mask) if is_read else ResponseText()
        if has_text and record.language is not None:
            record.response_characters = len(found.text) + len(found.reasoning)
        self._run.requests.append(record)
        if answers is None:
            return
        prompt = asked.prompt(record.index)
        answers.append(
            KeptResponse(
                index=record.index,
                prompt=prompt.digest,
                item=prompt.item,
                references=list(prompt.references),
                text=found.text,
                reasoning=found.reasoning,
                is_damaged=found.is_damaged,
                vector=None if has_text else to_vector(exchange),
                finish_reason=record.finish_reason,
            )
        )

    def _read(self, exchange: Exchange, asked: Asked) -> RequestRecord:
        index, hide = exchange.index, self._run.plan.credentials.mask
        may_be_empty = self._run.plan.workload.stop == "natural"
        tokens = asked.output_tokens(index), asked.prompt_tokens(index)
        record = to_record(exchange, *tokens, hide, may_be_empty=may_be_empty)
        if (text := asked.text(index)) is not None:
            record.language, record.prompt_characters, record.prompt_words, record.prompt_text_tokens = text
        return record

    def _check_model(self, record: RequestRecord) -> None:
        """Warn where an endpoint answers as another model, which an alias does too; end a run whose own server does.

        Aforo names the model of a server that it starts, so another name there is that of another program.
        """
        plan, manifest, answered = self._run.plan, self._run.manifest, record.served_model
        wanted = plan.endpoint.model_name
        if answered is None or is_same_model(wanted, answered):
            return
        if plan.server is not None:
            raise ServerError(
                f"The server was asked for the model {wanted!r} and answered as {answered!r}: another program answers "
                f"on its port {plan.server.address.port}. Try again."
            )
        warning = other_model(plan.credentials.mask(wanted), answered)
        if warning not in manifest.warnings and len(self._other_models) < _MOST_OTHER_MODELS:
            self._other_models.add(answered)
            manifest.warn(Caveat("other-model", warning))
            manifest.engine.response_model = answered
