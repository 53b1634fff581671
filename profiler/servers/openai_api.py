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
    ours = {"Host": address.authority, "User-Agent": USER_AGENT}
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
    return reply.body.decode("utf-8", "replace")


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
        raise ServerError(f"The server answered {method} {target} with no JSON: {shown(text)}") from error


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
    said = f" to {shown(location)}" if location else f": {text}" if text else "."
    return HttpStatusError(reply.status, f"The server answered {what} with HTTP {reply.status}{said}", location)


def shown(text: str) -> str:
    """The beginning of what a server sent, on one line and safe to print, without passwords of URLs."""
    line = hide_passwords(" ".join("".join(mark if mark.isprintable() else " " for mark in text).split()))
    return line if len(line) <= _SHOWN_CHARACTERS else line[:_SHOWN_CHARACTERS] + "…"


def served_models(
    address: Address, tls: TlsOptions | None = None, headers: Mapping[str, str] = _NONE, tick: Tick = no_tick
) -> list[str]:
    """Return the names of the models that a server lists. Raises `ServerError`, and what `tick` raises.

    Lists come as `{"data": [{"id": …}]}` (OpenAI), bare (Together AI), as `{"models": [{"name": …}]}` (Ollama), and as
    an object whose keys are the names.
    """
    return _names(call_json(address, "GET", address.target("/models"), tls=tls, headers=headers, tick=tick))


def _names(listed: object) -> list[str]:
    """Return the names in a list of models, whatever its form."""
    if isinstance(listed, dict):
        inner = next((listed[key] for key in ("data", "models") if isinstance(listed.get(key), list | dict)), None)
        if inner is not None:
            return _names(inner)
        return [name for name, each in listed.items() if isinstance(each, dict)]
    entries = listed if isinstance(listed, list) else []
    names = [_name(entry) if isinstance(entry, dict) else entry for entry in entries]
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name))


def _name(entry: Mapping[str, object]) -> object:
    return next((entry[key] for key in _NAMES if entry.get(key)), None)


def is_same_model(asked: str, answered: str) -> bool:
    """Whether an answer comes from the model that was asked for.

    Hosted models answer with the name of a snapshot (`m-2026-05-13` for `m`), gateways without the provider (`m` for
    `provider/m`): one name within the other, by whole words and in any case, is the same model; `m-4` is not `m-4o`,
    nor `m-3.1`.
    """
    short, long = sorted((asked.casefold(), answered.casefold()), key=len)
    return bool(short) and re.search(rf"(?<![a-z0-9]){re.escape(short)}(?![a-z0-9]|\.[0-9])", long) is not None


def other_model(asked: str, answered: str) -> str:
    """Say that responses name another model than was asked for: an alias, a router, or another model indeed."""
    return (
        f"Asked for the model {asked!r}, the endpoint answers as {answered!r}. Check that it is the one to be "
        "measured: an alias or a router may stand for any."
    )
