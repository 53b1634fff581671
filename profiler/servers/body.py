"""How the body of a request differs from what Aforo sends by itself: what the user asked for, what a server refuses."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from profiler.errors import UsageError
from profiler.results.manifest import BodyFacts
from profiler.servers.base import Endpoint
from profiler.servers.openai_api import embedding_body
from profiler.servers.secrets import hide_fields
from profiler.workloads.messages import Message, Prompt, Request
from profiler.workloads.schema import EMBEDDINGS, Workload

MAX_TOKENS = "max_tokens"
SHORT = (Message("user", "Hello"),)
"""The messages of a request that is not measured."""

_INSTEAD = {  # fields that are set in another way
    "model": "pass --model",
    "messages": "the workload makes the prompts",
    "prompt": "the workload makes the prompts",
    "input": "the workload makes the prompts",
    MAX_TOKENS: "pass --output-tokens, and --max-tokens-field where it has another name",
    "max_completion_tokens": "pass --output-tokens and --max-tokens-field max_completion_tokens",
    "temperature": "pass --temperature",
    "seed": "pass --seed",
}
_ONLY = {  # values without which a response cannot be measured
    "stream": (True, "tokens can be timed in a stream only"),
    "n": (1, "each request is measured with one response"),
    "best_of": (1, "each request is measured with one response"),
    "echo": (False, "the prompt would come back as tokens"),
    "encoding_format": ("float", "vectors are read as numbers"),
}
_NEVER_OMITTED = {"model", "messages", "prompt", "input", "stream", MAX_TOKENS}


@dataclass(frozen=True)
class BodyChanges:
    """What is added to, left out of and renamed in every body."""

    added: Mapping[str, object] = field(default_factory=dict)
    omitted: Sequence[str] = ()
    refused: Sequence[str] = ()  # left out because the server refused them
    max_tokens_field: str | None = None  # None: max_tokens

    def apply(self, body: Mapping[str, object]) -> dict[str, object]:
        """Return a body with the changes made."""
        gone = {*self.omitted, *self.refused}
        kept = {self._renamed(name): value for name, value in body.items() if name not in gone}
        return {**kept, **self.added}

    def without(self, name: str) -> "BodyChanges":
        """Return the changes that leave out one field more, which the server refused."""
        return replace(self, refused=(*self.refused, name))

    def is_asked(self, name: str) -> bool:
        """Whether the user asked for a field by this name."""
        return name in self.added or name == self.max_tokens_field

    def facts(self) -> BodyFacts:
        """Return what is written down, with keys masked."""
        return BodyFacts(
            added=dict(_shown_fields(self.added)),
            omitted=list(self.omitted),
            refused=list(self.refused),
            max_tokens_field=self.max_tokens_field or MAX_TOKENS,
        )

    def texts(self) -> tuple[str, ...]:
        """Return `KEY=JSON` of each field that is added, with keys masked."""
        return tuple(f"{name}={_json(value)}" for name, value in _shown_fields(self.added).items())

    def _renamed(self, name: str) -> str:
        return self.max_tokens_field or name if name == MAX_TOKENS else name


def make_body(endpoint: Endpoint, request: Request, changes: BodyChanges) -> dict[str, object]:
    """Return the JSON body of one request."""
    if request.api == EMBEDDINGS:
        return changes.apply(embedding_body(endpoint.model_name, request.messages))
    return changes.apply(endpoint.request_body(request))


def request_of(workload: Workload, prompt: Prompt, seed: int) -> Request:
    """Return the request by which a workload sends a prompt."""
    tokens = prompt.output_tokens or workload.output_tokens
    return Request(workload.api, prompt.messages, tokens, workload.stop, workload.temperature, seed, prompt.item)


def short_request(workload: Workload, output_tokens: int = 1, seed: int = 0) -> Request:
    """Return a request like those of a workload that is not measured."""
    return request_of(workload, Prompt(SHORT, None, output_tokens), seed)


def read_changes(fields: Sequence[str], omitted: Sequence[str], max_tokens_field: str | None) -> BodyChanges:
    """Read `KEY=JSON` of each field that is added. Raises `UsageError`."""
    added: dict[str, object] = {}
    for text in fields:
        name, value = _parse(text)
        if name in added:
            raise UsageError(f"--body {name}: it is set twice. Pass it once.")
        added[name] = value
    for name in omitted:
        if name in _NEVER_OMITTED:
            raise UsageError(f"--omit-field {name}: no request can be measured without it.{_renaming(name)}")
        if name in added:
            raise UsageError(f"--omit-field {name}: --body {name} adds it. Pass one of them.")
    if max_tokens_field is not None and not max_tokens_field.isidentifier():
        raise UsageError(f"--max-tokens-field {max_tokens_field}: expected a name such as max_completion_tokens.")
    return BodyChanges(added, tuple(dict.fromkeys(omitted)), (), max_tokens_field)


def check_omitted(changes: BodyChanges, endpoint: Endpoint, workload: Workload) -> None:
    """Raise `UsageError` where a field is to be left out that no request has."""
    body = make_body(endpoint, short_request(workload), BodyChanges())
    for name in changes.omitted:
        if name not in body:
            sent = ", ".join(each for each in body if each not in _NEVER_OMITTED)
            raise UsageError(f"--omit-field {name}: no request of this run has it. Those that can go: {sent}.")


def _renaming(name: str) -> str:
    return " Where it has another name, pass --max-tokens-field." if name == MAX_TOKENS else ""


def _parse(text: str) -> tuple[str, object]:
    """Split `KEY=JSON`. Raises `UsageError`, which does not show the value of what looks like a key."""
    name, equals, written = text.partition("=")
    name = name.strip()
    if not equals or not name or not name.isprintable():
        raise UsageError("--body: expected KEY=JSON, such as ignore_eos=true. (Text is quoted: 'user=\"me\"'.)")
    try:
        value = json.loads(written, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise UsageError(
            f"--body {name}: its value is not JSON. Expected KEY=JSON, such as ignore_eos=true; text is quoted, "
            f"'{name}=\"text\"'."
        ) from None
    _check(name, value)
    return name, value


def _check(name: str, value: object) -> None:
    """Raise `UsageError` for a field that would break the measurement."""
    if name in _INSTEAD:
        raise UsageError(f"--body {name}: Aforo sets this field itself; {_INSTEAD[name]}.")
    if name in _ONLY and (value != _ONLY[name][0] or type(value) is not type(_ONLY[name][0])):
        expected, why = _ONLY[name]
        raise UsageError(f"--body {name}={_json(value)}: {why}. Leave it out, or pass {name}={_json(expected)}.")


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _shown_fields(fields: Mapping[str, object]) -> dict[str, object]:
    hidden = hide_fields(fields)
    return dict(hidden) if isinstance(hidden, Mapping) else {}


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
