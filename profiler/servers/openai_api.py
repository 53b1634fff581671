"""The OpenAI-compatible HTTP interface: measured requests, complete to the last byte, and a few plain calls."""

import http.client
import json
from collections.abc import Mapping, Sequence

from profiler.errors import ServerError
from profiler.timing.messages import TlsOptions
from profiler.timing.tls import explain, make_context
from profiler.workloads.messages import Message, joined

PATHS = {"completions": "/v1/completions", "chat": "/v1/chat/completions"}
_CALL_TIMEOUT_S = 30.0


def prompt_fields(api: str, messages: Sequence[Message]) -> dict[str, object]:
    """Return the part of a body that carries the messages: one by one in a chat, else joined to one text."""
    if api == "chat":
        return {"messages": [{"role": message.role, "content": message.text} for message in messages]}
    return {"prompt": joined(messages)}


def http_request(host: str, port: int, api: str, body: Mapping[str, object]) -> bytes:
    """Serialise a request as it goes over the wire."""
    payload = json.dumps(body, separators=(",", ":")).encode()
    head = (
        f"POST {PATHS[api]} HTTP/1.1\r\n"
        f"Host: {host}:{port}\r\n"
        "Content-Type: application/json\r\n"
        "Accept: text/event-stream\r\n"
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
) -> dict[str, object]:
    """Make a call that is not measured; return its JSON object. Raises `ServerError`."""
    connection = _connection(host, port, tls)
    try:
        payload = None if body is None else json.dumps(body)
        connection.request(method, path, payload, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = (explain(error, host) if isinstance(error, OSError) else None) or error
        raise ServerError(f"The server did not answer {method} {path}: {str(why).rstrip('.')}.") from error
    finally:
        connection.close()
    if response.status != http.client.OK or not isinstance(answer, dict):
        raise ServerError(f"The server answered {method} {path} with HTTP {response.status}: {answer}")
    return answer


def _connection(host: str, port: int, tls: TlsOptions | None) -> http.client.HTTPConnection:
    if tls is None:
        return http.client.HTTPConnection(host, port, timeout=_CALL_TIMEOUT_S)
    return http.client.HTTPSConnection(host, port, timeout=_CALL_TIMEOUT_S, context=make_context(tls))


def served_models(host: str, port: int, tls: TlsOptions | None = None) -> list[str]:
    """Return the names of the models that a server offers. Raises `ServerError`."""
    listed = call_json(host, port, "GET", "/v1/models", tls=tls).get("data")
    entries = listed if isinstance(listed, list) else []
    return [entry["id"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
