"""Requests of the OpenAI-compatible HTTP interface, complete to the last byte before they are timed."""

import json
from collections.abc import Mapping

PATHS = {"completions": "/v1/completions", "chat": "/v1/chat/completions"}


def prompt_fields(api: str, prompt: str) -> dict[str, object]:
    """Return the part of a body that carries the prompt."""
    if api == "chat":
        return {"messages": [{"role": "user", "content": prompt}]}
    return {"prompt": prompt}


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
