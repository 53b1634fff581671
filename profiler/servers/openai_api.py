"""The OpenAI-compatible HTTP interface: measured requests, complete to the last byte, and a few plain calls."""

import http.client
import json
import re
from collections.abc import Mapping, Sequence

from profiler import __version__
from profiler.errors import ServerError
from profiler.results.server_message import server_message
from profiler.servers.address import BASE, Address
from profiler.servers.base import Tick, no_tick
from profiler.servers.http_call import LIMIT_S, Reply, exchange
from profiler.servers.secrets import hide_passwords
from profiler.timing.messages import TlsOptions
from profiler.workloads.messages import Message, Request, joined
from profiler.workloads.schema import EMBEDDINGS

PATHS = {"completions": f"{BASE}/completions", "chat": f"{BASE}/chat/completions", EMBEDDINGS: f"{BASE}/embeddings"}
USER_AGENT = f"aforo/{__version__}"
_REDIRECTS = {301, 302, 303, 307, 308}
_NAMES = ("id", "name", "model")
LLAMA_CPP = "llamacpp"
"""What llama-server says under `owned_by` in its list of models."""
_SIBLINGS = frozenset(
    {
        *("mini", "nano", "micro", "lite", "flash", "turbo", "pro", "plus", "ultra", "coder", "distill"),
        *("air", "small", "medium", "large", "max", "thinking", "reasoning", "vl", "vision", "audio"),
        *("embed", "embedding", "rerank", "reranker"),
    }
)
"""Words behind a name that make it that of another model of the same family."""
_CONTEXTS = ("max_model_len", "loaded_context_length", "context_length", "max_context_length", "context_window")
_ERRORS = ("error", "errors", "detail")
_SHOWN_CHARACTERS = 300
_NONE: Mapping[str, str] = {}


def prompt_fields(api: str, messages: Sequence[Message]) -> dict[str, object]:
    """Return the part of a body that carries the messages: one by one in a chat, else joined to one text."""
    if api == "chat":
        return {"messages": [{"role": message.role, "content": message.text} for message in messages]}
    return {"prompt": joined(messages)}


def streamed_body(model_name: str, request: Request) -> dict[str, object]:
    """Return the JSON body that asks for at most this many tokens, streamed, with usage at the end."""
    return {
        "model": model_name,
        **prompt_fields(request.api, request.messages),
        "max_tokens": request.output_tokens,
        "temperature": request.temperature,
        "seed": request.seed,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def ignore_eos(request: Request) -> dict[str, object]:
    """Return the field that keeps llama-server and vLLM going past the end of a sequence, for a length."""
    return {"ignore_eos": True} if request.stop == "length" else {}


def embedding_body(model_name: str, messages: Sequence[Message]) -> dict[str, object]:
    """Return the JSON body that asks for the vector of a text, its numbers written out."""
    return {"model": model_name, "input": joined(messages), "encoding_format": "float"}


class HttpStatusError(ServerError):
    """The server answered with a status other than 200."""

    def __init__(self, status: int, sentence: str, location: str | None = None) -> None:
        """Remember which, and where to the server redirects."""
        super().__init__(sentence)
        self.status = status
        self.location = location


def http_request(address: Address, api: str, body: Mapping[str, object], headers: Mapping[str, str] = _NONE) -> bytes:
    """Serialise a request to be measured as it goes over the wire."""
    accepted = "application/json" if api == EMBEDDINGS else "text/event-stream"
    return _serialised(
        address, "POST", address.target(PATHS[api].removeprefix(BASE)), body, {"Accept": accepted, **headers}
    )


def _serialised(
    address: Address, method: str, target: str, body: Mapping[str, object] | None, headers: Mapping[str, str]
) -> bytes:
    """Serialise any request; the given headers replace ours, whatever the case of their names."""
    payload = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    ours = {"Host": address.authority, "User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if body is not None:
        ours |= {"Content-Type": "application/json", "Content-Length": str(len(payload))}
    given = {name.lower() for name in headers}
    sent = {name: value for name, value in ours.items() if name.lower() not in given} | dict(headers)
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + payload


def call_text(
    address: Address,
    method: str,
    target: str,
    body: Mapping[str, object] | None = None,
    tls: TlsOptions | None = None,
    headers: Mapping[str, str] = _NONE,
    tick: Tick = no_tick,
    limit_s: float = LIMIT_S,
) -> str:
    """Make a call that is not measured; return the text of its response. Raises `ServerError`, what `tick` raises."""
    given = {name.lower() for name in headers}
    ours = {"Accept": "*/*", "Connection": "close"}
    more = {name: value for name, value in ours.items() if name.lower() not in given}
    reply = exchange(address, _serialised(address, method, target, body, {**more, **headers}), tls, tick, limit_s)
    if reply.status != http.client.OK:
        raise status_error(f"{method} {target}", reply)
    return reply.body.decode("utf-8-sig", "replace")


def call_json(
    address: Address,
    method: str,
    target: str,
    body: Mapping[str, object] | None = None,
    tls: TlsOptions | None = None,
    headers: Mapping[str, str] = _NONE,
    tick: Tick = no_tick,
) -> object:
    """Make a call that is not measured; return what its JSON says. Raises `ServerError`, and what `tick` raises."""
    text = call_text(address, method, target, body, tls, headers, tick)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        said = shown(text) or "its body is empty."
        raise ServerError(f"The server answered {method} {target} with no JSON: {said}") from error


def call_object(
    address: Address,
    method: str,
    target: str,
    body: Mapping[str, object] | None = None,
    tick: Tick = no_tick,
) -> dict[str, object]:
    """Make a call that is not measured; return its JSON object. Raises `ServerError`, and what `tick` raises."""
    answer = call_json(address, method, target, body, tick=tick)
    if not isinstance(answer, dict):
        raise ServerError(f"The server answered {method} {target} without a JSON object: {shown(str(answer))}")
    return answer


def status_error(what: str, reply: Reply) -> HttpStatusError:
    """Return the error that says what a status other than 200 means."""
    text = shown(server_message(reply.body.decode("utf-8", "replace")))
    location = reply.location if reply.status in _REDIRECTS else None
    said = f" to {shown(location)}" if location else f": {text}" if text else ""
    sentence = f"The server answered {what} with HTTP {reply.status}{said}"
    end = "" if sentence.endswith((".", "!", "?", "…")) else "."
    return HttpStatusError(reply.status, sentence + end, location)


def shown(text: str) -> str:
    """The beginning of what a server sent, on one line and safe to print, without passwords of URLs."""
    line = hide_passwords(" ".join("".join(mark if mark.isprintable() else " " for mark in text).split()))
    return line if len(line) <= _SHOWN_CHARACTERS else line[:_SHOWN_CHARACTERS] + "…"


def served_models(
    address: Address, tls: TlsOptions | None = None, headers: Mapping[str, str] = _NONE, tick: Tick = no_tick
) -> list[str]:
    """Return the names of the models that a server lists. Raises `ServerError`, and what `tick` raises."""
    return model_names(list_models(address, tls, headers, tick))


def list_models(
    address: Address, tls: TlsOptions | None = None, headers: Mapping[str, str] = _NONE, tick: Tick = no_tick
) -> object:
    """Return a server's list of models as it came. Raises `ServerError`, and what `tick` raises."""
    target = address.target("/models")
    listed = call_json(address, "GET", target, tls=tls, headers=headers, tick=tick)
    if isinstance(listed, dict) and _inner(listed) is None and any(listed.get(key) for key in _ERRORS):
        raise ServerError(
            f"The server answered GET {target} with an error: {shown(server_message(json.dumps(listed)))}"
        )
    return listed


def listed_entries(listed: object) -> list[Mapping[str, object]]:
    """Return what is said of each model in a list, whatever its form; a bare name is an entry of its own."""
    if isinstance(listed, dict):
        inner = _inner(listed)
        named = inner.items() if isinstance(inner, dict) else ()
        return [{"id": name, **each} for name, each in named if isinstance(each, dict)] or listed_entries(inner)
    found = listed if isinstance(listed, list) else []
    return [entry if isinstance(entry, dict) else {"id": entry} for entry in found]


def name_of(entry: Mapping[str, object]) -> str | None:
    """Return the name under which a listed model is asked for."""
    name = next((entry[key] for key in _NAMES if entry.get(key)), None)
    return name if isinstance(name, str) else None


def told_context(entry: Mapping[str, object], props: object = None) -> int | None:
    """Return how many tokens of context a server says that a listed model has; `None` where it does not say.

    `max_model_len` of vLLM and SGLang, `n_ctx` of a slot from `/props` or the list of llama-server,
    `loaded_context_length` of LM Studio, `context_length` of a model that Ollama has loaded, `context_window` of Groq.
    """
    settings = props.get("default_generation_settings") if isinstance(props, dict) else None
    meta = entry.get("meta")
    told = [each.get("n_ctx") for each in (settings, meta) if isinstance(each, dict)]
    told += [entry.get(key) for key in _CONTEXTS]
    return next((each for each in told if type(each) is int and each > 0), None)


def _inner(listed: Mapping[str, object]) -> object:
    found = [listed[key] for key in ("data", "models") if isinstance(listed.get(key), list | dict)]
    return next((each for each in found if each), found[0] if found else None)


def model_names(listed: object) -> list[str]:
    """Return the names in a list of models.

    Lists come as `{"data": [{"id": …}]}` (OpenAI), bare (Together AI), as `{"models": [{"name": …}]}` (Ollama), and as
    an object whose keys are the names.
    """
    if isinstance(listed, dict) and _inner(listed) is None:
        return [name for name, each in listed.items() if isinstance(each, dict)]
    names = [name_of(entry) for entry in listed_entries(listed)]
    return list(dict.fromkeys(name for name in names if name is not None))


def is_same_model(asked: str, answered: str) -> bool:
    """Whether an answer comes from the model that was asked for.

    Hosted models answer with the name of a snapshot (`m-2026-05-13` for `m`), gateways without the provider (`m` for
    `provider/m`): one name within the other, by whole words and in any case, is the same model; `m-4` is not `m-4o`,
    nor `m-4.1`, nor `m-4-1`, nor `m-4-mini`.
    """
    short, long = sorted((asked.casefold(), answered.casefold()), key=len)
    found = (
        re.search(rf"(?<![a-z0-9]){re.escape(short)}(?![a-z0-9]|\.[0-9]|-[0-9](?![a-z0-9]))", long) if short else None
    )
    return found is not None and _SIBLINGS.isdisjoint(re.split(r"[^a-z]+", long[found.end() :]))


def other_model(asked: str, answered: str) -> str:
    """Say that responses name another model than was asked for: an alias, a router, or another model indeed."""
    return (
        f"Asked for the model {asked!r}, the endpoint answers as {answered!r}. Check that it is the one to be "
        "measured: an alias or a router may stand for any."
    )
