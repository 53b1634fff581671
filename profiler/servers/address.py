"""Where an OpenAI-compatible interface is: scheme, host, port, base path, and a query that goes with every request."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from profiler.errors import UsageError
from profiler.servers.secrets import is_secret_name

BASE = "/v1"
_PORTS = {"http": 80, "https": 443}
ENDPOINTS = ("/chat/completions", "/completions", "/embeddings", "/models", "/responses")
"""Paths below a base that people copy together with it."""
_ONE_SLASH = re.compile(r"https?:(?!//)", re.IGNORECASE)  # http:/HOST names no host of that name
_FORM = "expected http://HOST:PORT or https://HOST:PORT, with a base path such as /v1"


@dataclass(frozen=True)
class Address:
    """An interface at `SCHEME://HOST[:PORT]BASE[?QUERY]`; an IPv6 host has no brackets here."""

    host: str
    port: int
    base: str = BASE
    query: str = ""
    scheme: str = "http"

    @property
    def is_tls(self) -> bool:
        """Whether it is asked over TLS."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Host and port as the `Host` header has them (RFC 9110 §7.2): brackets around IPv6, no default port."""
        host = f"[{self.host.partition('%')[0]}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole of it, its port always written out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.base}" + (f"?{self.query}" if self.query else "")

    def target(self, path: str) -> str:
        """Return what the request line asks for: a path below the base, and the query."""
        return f"{self.base}{path}" + (f"?{self.query}" if self.query else "")


def parse_url(url: str) -> Address:
    """Read the address of an endpoint, a full one such as …/v1/chat/completions too; the base is /v1 where it has none.

    Raises `UsageError`, which shows nothing that may be a password.
    """
    if "@" in url:
        raise UsageError(
            "--url: expected an address without user and password; keys go into --api-key-file. "
            "An @ within a path is written %40."
        )
    parts = _split(url)
    if parts.fragment:
        raise UsageError("--url: expected an address without a fragment (#…). Leave it out.")
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if is_secret_name(name):
            raise UsageError(
                f"--url: its query holds a key ({name}). Keys go into --api-key-file, or into --header 'Name: value'."
            )
    base = parts.path.rstrip("/")
    base = next((base.removesuffix(ending) for ending in ENDPOINTS if base.endswith(ending)), base)
    return Address(parts.host, parts.port, base.rstrip("/") or BASE, parts.query, parts.scheme)


@dataclass(frozen=True)
class _Parts:
    scheme: str
    host: str
    port: int
    path: str
    query: str
    fragment: str


def _split(url: str) -> _Parts:
    """Take a URL apart. Raises `UsageError` for anything but http[s]://HOST[:PORT][/PATH][?QUERY]."""
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        port = _PORTS.get(parts.scheme, 0) if parts.port is None else parts.port
        host = "" if _ONE_SLASH.match(url) else _ascii(parts.hostname or "")
    except ValueError:  # a bad port, brackets that do not match, a host that no name can have
        raise UsageError(f"--url {_shown(url)}: {_FORM}.") from None
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in _PORTS or not host or not port or not (is_plain or host != parts.hostname):
        raise UsageError(f"--url {_shown(url)}: {_FORM}.")
    return _Parts(parts.scheme, host, port, parts.path, parts.query, parts.fragment)


def _ascii(host: str) -> str:
    """Return a host as it goes over the wire (RFC 5891). Raises `ValueError`."""
    if not host.isascii():
        return host.encode("idna").decode()  # a UnicodeError is a ValueError
    if not host.isprintable() or any(mark in host for mark in " <>\"'\\^`{|}"):
        raise ValueError(host)
    return host


def _shown(url: str) -> str:
    """Return a URL without its query, in one line of printable characters."""
    text = url.partition("?")[0]
    return "".join(mark if mark.isprintable() else "�" for mark in text)[:200]
