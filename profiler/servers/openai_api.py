"""The OpenAI-compatible HTTP interface: measured requests, complete to the last byte, and a few plain calls."""

import http.client
import json
from collections.abc import Mapping, Sequence

from profiler.errors import ServerError
from profiler.timing.messages import TlsOptions
from profiler.timing.tls import explain, make_context
from profiler.workloads.messages import Message, joined
from profiler.workloads.schema import EMBEDDINGS

BASE = "/v1"
PATHS = {"completions": f"{BASE}/completions", "chat": f"{BASE}/chat/completions", EMBEDDINGS: f"{BASE}/embeddings"}
_CALL_TIMEOUT_S = 30.0
_SHOWN_CHARACTERS = 300
_NONE: Mapping[str, str] = {}


def prompt_fields(api: str, messages: Sequence[Message]) -> dict[str, object]:
    """Return the part of a body that carries the messages: one by one in a chat, else joined to one text."""
    if api == "chat":
        return {"messages": [{"role": message.role, "content": message.text} for message in messages]}
    return {"prompt": joined(messages)}


def streamed_body(
    model_name: str, api: str, messages: Sequence[Message], output_tokens: int, temperature: float, seed: int
) -> dict[str, object]:
    """Return the JSON body that asks for at most this many tokens, streamed, with usage at the end."""
    return {
        "model": model_name,
        **prompt_fields(api, messages),
        "max_tokens": output_tokens,
        "temperature": temperature,
        "seed": seed,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def embedding_body(model_name: str, messages: Sequence[Message]) -> dict[str, object]:
    """Return the JSON body that asks for the vector of a text, its numbers written out."""
    return {"model": model_name, "input": joined(messages), "encoding_format": "float"}


class HttpStatusError(ServerError):
    """The server answered with a status other than 200."""

    def __init__(self, status: int, sentence: str) -> None:
        """Remember which."""
        super().__init__(sentence)
        self.status = status


def http_request(
    host: str, port: int, api: str, body: Mapping[str, object], base: str = BASE, headers: Mapping[str, str] = _NONE
) -> bytes:
    """Serialise a request as it goes over the wire; `base` is where the interface begins."""
    payload = json.dumps(body, separators=(",", ":")).encode()
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    wanted = "application/json" if api == EMBEDDINGS else "text/event-stream"
    head = (
        f"POST {base}{PATHS[api].removeprefix(BASE)} HTTP/1.1\r\n"
        f"Host: {host}:{port}\r\n"
        "Content-Type: application/json\r\n"
        f"Accept: {wanted}\r\n"
        f"{more}"
        f"Content-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


def call_json(
    host: str,
    port: int,
    method: str,
    path: str,
    body: Mapping[str, object] | None = None,
    tls: TlsOptions | None = None,
    headers: Mapping[str, str] = _NONE,
) -> dict[str, object]:
    """Make a call that is not measured; return its JSON object. Raises `ServerError`."""
    connection = _connection(host, port, tls)
    try:
        payload = None if body is None else json.dumps(body)
        connection.request(method, path, payload, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
        answer = json.loads(text) if response.status == http.client.OK else None
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = (explain(error, host) if isinstance(error, OSError) else None) or error
        raise ServerError(f"The server did not answer {method} {path}: {str(why).rstrip('.')}.") from error
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise HttpStatusError(
            response.status,
            f"The server answered {method} {path} with HTTP {response.status}: {text[:_SHOWN_CHARACTERS].strip()}",
        )
    return answer


def _connection(host: str, port: int, tls: TlsOptions | None) -> http.client.HTTPConnection:
    if tls is None:
        return http.client.HTTPConnection(host, port, timeout=_CALL_TIMEOUT_S)
    return http.client.HTTPSConnection(host, port, timeout=_CALL_TIMEOUT_S, context=make_context(tls))


def served_models(
    host: str, port: int, tls: TlsOptions | None = None, base: str = BASE, headers: Mapping[str, str] = _NONE
) -> list[str]:
    """Return the names of the models that a server offers. Raises `ServerError`."""
    listed = call_json(host, port, "GET", f"{base}/models", tls=tls, headers=headers).get("data")
    entries = listed if isinstance(listed, list) else []
    return [entry["id"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]


def is_same_model(asked: str, answered: str) -> bool:
    """Whether an answer comes from the model that was asked for.

    Hosted models answer with the name of a snapshot (`m-2026-05-13` for `m`), gateways without the provider (`m` for
    `provider/m`): one name within the other is the same model.
    """
    return asked in answered or answered in asked
