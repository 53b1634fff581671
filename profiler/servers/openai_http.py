"""A running OpenAI-compatible endpoint that somebody else started: measured as it is, never stopped."""

import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from profiler.errors import ServerError, UsageError
from profiler.results.manifest import EngineFacts, ModelFacts
from profiler.servers.base import Capabilities, Tick
from profiler.servers.openai_api import prompt_fields, served_models
from profiler.timing.messages import TlsOptions
from profiler.timing.tls import make_context
from profiler.workloads.messages import Message

NAME = "openai"
_PORTS = {"http": 80, "https": 443}

_NOTES = [
    "Started by somebody else: its version, build, arguments and memory are not known here.",
    "Whether it ends a sequence early or reuses a cached prefix is up to it.",
]


class OpenAiEndpoint:
    """An endpoint at `http://HOST:PORT` or `https://HOST:PORT`."""

    pid = None
    capabilities = Capabilities(counts_tokens=False, streams=None, keeps_to_length=False, tells_timings=False)

    def __init__(self, url: str, model: str | None, tls: TlsOptions = TlsOptions()) -> None:  # noqa: B008 - frozen
        """Look at the endpoint. Raises `UsageError` when it cannot be used as asked."""
        scheme, self.host, self.port = _address(url)
        self.tls = tls if scheme == "https" else None
        _check_tls(url, scheme, tls)
        self._url = f"{scheme}://{self.host}:{self.port}/v1"
        self.model_name = _choose(self._served(), model, url)

    def model_facts(self) -> ModelFacts:
        """What is known of the model: its name."""
        return ModelFacts(
            name=self.model_name, source=self._url, path=None, size_bytes=None, sha256=None, is_synthetic=False
        )

    def describe(self) -> EngineFacts:
        """What is known of the engine: where it is."""
        return EngineFacts(name=NAME, url=self._url, notes=_NOTES)

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
        return {
            "model": self.model_name,
            **prompt_fields(api, messages),
            "max_tokens": output_tokens,
            "temperature": temperature,
            "seed": seed,
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    def stop(self) -> None:
        """Do nothing: it is not ours to stop."""

    def _served(self) -> list[str]:
        try:
            return served_models(self.host, self.port, self.tls)
        except ServerError as error:
            is_up = isinstance(error.__cause__, ssl.SSLError)  # it answered, and the sentence says what is wrong
            advice = "" if is_up else " Start the server first, or check the address."
            raise UsageError(f"--url {self._url}: {error}{advice}") from error


def _address(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port. Raises `UsageError` for anything but http[s]://HOST[:PORT][/v1]."""
    parts = urlsplit(url if "//" in url else f"http://{url}")
    try:
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0
    if parts.scheme not in _PORTS or not parts.hostname or not port or parts.path.rstrip("/") not in {"", "/v1"}:
        raise UsageError(f"--url {url}: expected http://HOST:PORT or https://HOST:PORT.")
    return parts.scheme, parts.hostname, port


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
    listed = ", ".join(served) or "none"
    if wanted is not None and wanted not in served:
        raise UsageError(f"--model {wanted}: the endpoint {url} serves {listed}.")
    if wanted is None and len(served) != 1:
        raise UsageError(f"The endpoint {url} serves {listed}. Say which with --model NAME.")
    return wanted or served[0]
