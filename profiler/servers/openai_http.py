"""A running OpenAI-compatible endpoint that somebody else started: measured as it is, never stopped."""

import ipaddress
import socket
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from profiler.errors import ServerError, UsageError
from profiler.results.manifest import EngineFacts, ModelFacts
from profiler.servers.base import Capabilities, Tick
from profiler.servers.credentials import Credentials
from profiler.servers.openai_api import BASE, HttpStatusError, served_models, streamed_body
from profiler.timing.messages import TlsOptions
from profiler.timing.tls import make_context
from profiler.workloads.messages import Message

NAME = "openai"
_PORTS = {"http": 80, "https": 443}
_SHOWN_MODELS = 20
_NO_LIST = {404, 405, 501}  # it has no list of models; it may serve some all the same
_ADVICE = {
    401: "Name the file that holds the key: --api-key-file FILE.",
    403: "The key is not allowed to do this: name the file of another with --api-key-file FILE.",
}

_NOTES = [
    "Started by somebody else: its version, build, arguments and memory are not known here.",
    "Whether it ends a sequence early or reuses a cached prefix is up to it.",
]


class OpenAiEndpoint:
    """An endpoint at `http[s]://HOST[:PORT][/BASE]`."""

    pid = None
    capabilities = Capabilities(counts_tokens=False, streams=None, keeps_to_length=False, tells_timings=False)

    def __init__(
        self,
        url: str,
        model: str | None,
        tls: TlsOptions = TlsOptions(),  # noqa: B008 - frozen
        credentials: Credentials = Credentials(),  # noqa: B008 - frozen
        *,
        is_warm: bool = False,
    ) -> None:
        """Look at the endpoint; `is_warm` says that it may reuse prompts. Raises `UsageError` if it cannot be used."""
        scheme, self.host, self.port, self.base = _address(url)
        self.tls = tls if scheme == "https" else None
        _check_tls(url, scheme, tls)
        self.headers = credentials.headers
        self._credentials = credentials
        self._is_warm = is_warm
        self._notes = [*_NOTES, *credentials.notes()]
        self._is_elsewhere = not is_here(self.host)
        if self._is_elsewhere:
            self._notes.append(
                "It runs on another machine: what this one draws and costs is not set beside its tokens."
            )
        if credentials.headers and not self.tls and self._is_elsewhere:
            self._notes.append("The connection is not encrypted: keys and headers can be read on the way.")
        self._url = f"{scheme}://{self.host}:{self.port}{self.base}"
        self.model_name = self._find_model(model)

    def model_facts(self) -> ModelFacts:
        """What is known of the model: its name."""
        return ModelFacts(
            name=self.model_name, source=self._url, path=None, size_bytes=None, sha256=None, is_synthetic=False
        )

    def describe(self) -> EngineFacts:
        """What is known of the engine: where it is."""
        return EngineFacts(
            name=NAME,
            url=self._url,
            is_elsewhere=self._is_elsewhere,
            prompt_cache="warm" if self._is_warm else None,
            notes=self._notes,
        )

    def start(self, log_path: Path, tick: Tick) -> None:
        """Do nothing: it runs."""

    def check_alive(self) -> None:
        """Do nothing: an endpoint that has gone shows in the outcomes of its requests."""

    def count_tokens(self, text: str) -> int:
        """Raise `ServerError`: the interface has no such call."""
        raise ServerError("An OpenAI-compatible endpoint does not count tokens.")

    def counters(self) -> Mapping[str, float]:
        """Nothing: a metrics page is no part of the interface."""
        return {}

    def request_body(
        self, api: str, messages: Sequence[Message], output_tokens: int, temperature: float, seed: int
    ) -> dict[str, object]:
        """The JSON body that asks for at most this many tokens, streamed, with usage at the end."""
        return streamed_body(self.model_name, api, messages, output_tokens, temperature, seed)

    def stop(self) -> None:
        """Do nothing: it is not ours to stop."""

    def _find_model(self, wanted: str | None) -> str:
        """Return the model to ask for. Raises `UsageError` when that is not clear, or nobody answers."""
        try:
            served = served_models(self.host, self.port, self.tls, self.base, self.headers)
        except HttpStatusError as error:
            if wanted is not None and error.status in _NO_LIST:
                self._notes.append("It does not list its models, so that the name was checked in its answers only.")
                return wanted
            advice = _ADVICE.get(error.status, "Check the address; with --model NAME no list of models is needed.")
            raise UsageError(f"--url {self._url}: {self._credentials.mask(str(error))} {advice}") from None
        except ServerError as error:
            is_up = isinstance(error.__cause__, ssl.SSLError)  # it answered, and the sentence says what is wrong
            advice = "" if is_up else " Start the server first, or check the address."
            raise UsageError(f"--url {self._url}: {self._credentials.mask(str(error))}{advice}") from None
        return _choose([self._credentials.mask(name) for name in served], wanted, self._url)


def is_here(host: str) -> bool:
    """Whether a host is this machine: its address is a loopback one, any (0.0.0.0), or that of an interface of ours."""
    try:
        found = {ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    own = {each.address.partition("%")[0] for addresses in psutil.net_if_addrs().values() for each in addresses}
    return any(address.is_loopback or address.is_unspecified or str(address) in own for address in found)


def _address(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and base path. Raises `UsageError` for anything but http[s]://HOST[:PORT][/BASE].

    The base is `/v1` unless the URL has a path.
    """
    parts = urlsplit(url if "//" in url else f"http://{url}")
    try:
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("--url: expected an address without user, password or query; keys go into --api-key-file.")
    is_path_plain = parts.path.isascii() and parts.path.isprintable() and " " not in parts.path
    if parts.scheme not in _PORTS or not parts.hostname or not port or not is_path_plain:
        raise UsageError(f"--url {url}: expected http://HOST:PORT or https://HOST:PORT, with a base path such as /v1.")
    base = parts.path.rstrip("/")
    for ending in ("/chat/completions", "/completions", "/models"):
        base = base.removesuffix(ending)
    return parts.scheme, parts.hostname, port, base or BASE


def _check_tls(url: str, scheme: str, tls: TlsOptions) -> None:
    """Raise `UsageError` where the options about certificates cannot be followed."""
    if scheme != "https":
        if tls != TlsOptions():
            raise UsageError(f"--url {url}: --ca-file and --insecure are for https://HOST:PORT.")
        return
    try:
        make_context(tls)
    except OSError as error:
        why = error.strerror if error.errno and not isinstance(error, ssl.SSLError) else "it holds no certificate"
        raise UsageError(f"--ca-file {tls.ca_file}: {why}. Expected certificates in PEM form.") from error


def _choose(served: list[str], wanted: str | None, url: str) -> str:
    """Return the model to ask for. Raises `UsageError` when that is not clear."""
    listed = ", ".join(served[:_SHOWN_MODELS]) + (", …" if len(served) > _SHOWN_MODELS else "") or "none"
    if wanted is not None and wanted not in served:
        raise UsageError(f"--model {wanted}: the endpoint {url} serves {listed}.")
    if wanted is None and len(served) != 1:
        raise UsageError(f"The endpoint {url} serves {listed}. Say which with --model NAME.")
    return wanted or served[0]
