"""An externally managed OpenAI-compatible endpoint: it runs already, is measured as it is, and never stopped."""

import ipaddress
import re
import socket
import ssl
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

import psutil

from profiler.errors import ServerError, UsageError
from profiler.results.manifest import EngineFacts, ModelFacts
from profiler.results.records import RequestRecord
from profiler.servers.address import BASE, ENDPOINTS, Address, parse_url
from profiler.servers.base import Endpoint, Tick, no_tick
from profiler.servers.body import BodyChanges, make_body, short_request
from profiler.servers.credentials import Credentials
from profiler.servers.http_call import UnreachableError
from profiler.servers.openai_api import (
    LLAMA_CPP,
    HttpStatusError,
    call_json,
    is_same_model,
    list_models,
    listed_entries,
    model_names,
    name_of,
    shown,
    streamed_body,
    told_context,
)
from profiler.servers.probe import fields_that_can_go, make_probe, may_be_refusal
from profiler.servers.secrets import hide_passwords, is_secret_name
from profiler.timing.messages import TlsOptions
from profiler.timing.tls_session import make_context
from profiler.workloads.messages import Request
from profiler.workloads.schema import Workload

NAME = "openai"
_SHOWN_MODELS = 20
_UNAUTHORISED = 401
_NEEDS_KEY = {_UNAUTHORISED, 403}
_NOT_READY = {502, 503, 504}
_NOT_FOUND = {404, 405, 501}
_TLS_WANTED = re.compile(r"HTTPS (?:port|server)|SSL-enabled server", re.IGNORECASE)  # nginx, Go; Apache
_TUNNELS = {"ssh", "autossh", "kubectl", "sshd", "sshd-session"}  # ssh -L, kubectl port-forward, ssh -R from elsewhere
_OF_STATUS = {
    402: "What was paid for is used up: see to the account that the key belongs to.",
    429: "It takes no more requests for now, by a limit of their rate or of what was paid for. Repeat later.",
    500: "It failed itself: look for the reason in its log. With --model NAME no list of models is needed.",
    **dict.fromkeys(
        _NOT_READY, "It is starting or overloaded, or what stands before it finds no server. Repeat once it answers."
    ),
}

_NOTES = [
    "Externally managed: its version, build, arguments and memory are not known here.",
    "Whether it ends a sequence early or reuses a cached prefix is up to it.",
]


class OpenAiEndpoint(Endpoint):
    """An endpoint at `http[s]://HOST[:PORT][/BASE][?QUERY]`."""

    def __init__(
        self,
        url: str,
        model: str | None,
        tls: TlsOptions = TlsOptions(),  # noqa: B008 - frozen
        credentials: Credentials = Credentials(),  # noqa: B008 - frozen
        *,
        is_warm: bool = False,
        tick: Tick = no_tick,
    ) -> None:
        """Look at the endpoint; `is_warm` says that it may reuse prompts.

        Raises `UsageError` if it cannot be used, and what `tick` raises.
        """
        self.address = parse_url(url)
        self.tls = tls if self.address.is_tls else None
        _check_tls(self.address.url, self.address.scheme, tls)
        self.headers = credentials.headers
        self.warnings: list[str] = []
        self._tick = tick
        self._credentials = credentials
        self._is_warm = is_warm
        self._listing: object = None
        self._served: list[str] = []
        self._notes = [*_NOTES, *credentials.notes()]
        is_local = is_here(self.address.host)
        tunnel = tunnel_at(self.address.port) if is_local else None
        self._is_remote = tunnel is not None or not is_local
        if tunnel is not None:
            self._notes.append(f"Its port here is one that {tunnel} hands on to another machine.")
        if self._is_remote:
            self._notes.append(
                "It runs on another machine: what this one draws and costs is not set beside its tokens."
            )
        if credentials.headers and not self.tls and self._is_remote and tunnel is None:
            self._notes.append("The connection is not encrypted: keys and headers can be read on the way.")
        self.model_name = self._find_model(model)

    def may_have_refused(self, record: RequestRecord, workload: Workload, changes: BodyChanges) -> bool:
        """Whether a failed request may have been refused for what was in it."""
        return may_be_refusal(record, fields_that_can_go(make_body(self, short_request(workload), changes)))

    def probe(self, workload: Workload, seed: int, changes: BodyChanges) -> BodyChanges:
        """Find out by short requests with which changes the endpoint takes a request; return them.

        Raises `UsageError` where it takes none, and what the `tick` raises.
        """
        try:
            probed = make_probe(self, workload, seed, self.tls, self._tick).carry_out(changes)
        except HttpStatusError as error:
            raise self._refusal(error, _advice(error, workload.api, self._served, self._credentials)) from None
        except UsageError as error:
            raise UsageError(f"--url {self.address.url}: {self._credentials.mask(str(error))}") from None
        self.warnings += [self._credentials.mask(warning) for warning in probed.warnings]
        return probed.changes

    def model_facts(self) -> ModelFacts:
        """What is known of the model: its name."""
        return ModelFacts(
            name=self._credentials.mask(self.model_name),
            source=self.address.url,
            path=None,
            size_bytes=None,
            sha256=None,
            is_synthetic=False,
        )

    def describe(self) -> EngineFacts:
        """What is known of the engine: where it is."""
        return EngineFacts(
            name=NAME,
            url=self.address.url,
            is_remote=self._is_remote,
            prompt_cache="warm" if self._is_warm else None,
            notes=self._notes,
        )

    def request_body(self, request: Request) -> dict[str, object]:
        """The JSON body that asks for at most this many tokens, streamed, with usage at the end."""
        return streamed_body(self.model_name, request)

    def told_context(self, tick: Tick = no_tick) -> int | None:
        """Return how many tokens of context it says that a request may have; `None` where it does not say.

        vLLM and SGLang say it in their lists of models; llama-server is asked for its `/props`. Raises what `tick`
        raises.
        """
        entry = next((one for one in listed_entries(self._listing) if name_of(one) == self.model_name), {})
        if str(entry.get("owned_by")).lower() != LLAMA_CPP:
            return told_context(entry)
        path = self.address.base.removesuffix(BASE) + "/props"
        try:
            return told_context(
                entry, call_json(self.address, "GET", path, tls=self.tls, headers=self.headers, tick=tick)
            )
        except ServerError:
            return told_context(entry)

    def _find_model(self, asked: str | None) -> str:
        """Return the model to ask for. Raises `UsageError` where none is named and the endpoint lists not just one."""
        try:
            self._listing = list_models(self.address, self.tls, self.headers, self._tick)
            self._served = model_names(self._listing)
        except HttpStatusError as error:
            if asked is None or self._elsewhere(error) is not None or error.status == _UNAUTHORISED:
                raise self._refusal(error, _list_advice(error, self._credentials)) from None
            self._notes.append("It does not list its models, so that the name was checked in its answers only.")
        except ServerError as error:
            is_up = not isinstance(error, UnreachableError) and not isinstance(error.__cause__, ssl.SSLError)
            if asked is None or not is_up:
                raise self._refusal(error, _list_advice(error, self._credentials)) from None
            self._notes.append(f"It did not list its models: {self._credentials.mask(str(error))}")
        else:
            self._note_list(asked)
        if asked is None and len(self._served) != 1:
            raise UsageError(f"The endpoint {self.address.url} serves {self._listed()}. Say which with --model NAME.")
        return asked or self._served[0]

    def _note_list(self, asked: str | None) -> None:
        """Note where the endpoint does not list the model that it is asked for; it may serve it all the same."""
        if asked is not None and not self._served:
            self._notes.append("Its list of models is empty, so that the name was checked in its answers only.")
        elif asked is not None and not any(is_same_model(asked, name) for name in self._served):
            self.warnings.append(f"The endpoint does not list the model {asked!r}; it lists {self._listed()}.")

    def _listed(self) -> str:
        """Name the models that are listed."""
        return _listed([self._credentials.mask(name) for name in self._served])

    def _refusal(self, error: ServerError, advice: str) -> UsageError:
        """Return the error that says what the endpoint said, and what to do."""
        if (target := self._elsewhere(error)) is not None:
            advice = _redirected(target)
        elif isinstance(error, UnreachableError):
            advice += _unused_proxy(self.address)
        said = f"{error} {self._credentials.mask(advice)}".strip()
        return UsageError(f"--url {self.address.url}: {self._credentials.mask(said)}")

    def _elsewhere(self, error: ServerError) -> str | None:
        """Return where to it redirects; `None` where it does not, or to another form of the same address."""
        if not isinstance(error, HttpStatusError) or error.location is None:
            return None
        target = urljoin(f"{self.address.url.partition('?')[0]}/", error.location).partition("?")[0]
        try:
            there = parse_url(target)
        except UsageError:
            return target
        return None if replace(there, query=self.address.query) == self.address else target


def _redirected(target: str) -> str:
    """Say what to do about a redirect."""
    path = urlsplit(target).path.rstrip("/")
    if not path or path.endswith(ENDPOINTS):
        return f"It redirects, and requests are measured where they are sent: pass --url {hide_passwords(target)}"
    return (
        "It redirects to what is no interface of models, such as a page to sign in at. Pass what lets requests pass, a "
        "key with --api-key-file FILE or --header 'Name: value', or an address behind it."
    )


def _unused_proxy(address: Address) -> str:
    """Say that a proxy was not used, where the environment names one for such an address."""
    proxies = urllib.request.getproxies_environment()
    if address.scheme not in proxies or urllib.request.proxy_bypass(address.host):
        return ""
    return (
        f" The environment names a proxy for {address.scheme}://, and Aforo uses none: it measures what it can connect "
        "to by itself."
    )


def _list_advice(error: ServerError, credentials: Credentials) -> str:
    """Say what to do about a list of models that cannot be had."""
    if isinstance(error, HttpStatusError) and (about_key := _key_advice(error.status, credentials)) is not None:
        return about_key
    if isinstance(error, HttpStatusError) and error.status in _OF_STATUS:
        return _OF_STATUS[error.status]
    if isinstance(error, HttpStatusError) and _TLS_WANTED.search(str(error)):
        return "It speaks TLS on this port: use https:// instead of http://."
    if isinstance(error.__cause__, ssl.SSLError):  # it answered, and the sentence says what is wrong
        return ""
    if isinstance(error, UnreachableError):
        return "Start the server first, or check the address."
    return "Check the address; with --model NAME no list of models is needed."


def _key_advice(status: int, credentials: Credentials) -> str | None:
    """Say what to do about a status of 401 or 403: where a key was sent, that one was refused."""
    if status not in _NEEDS_KEY:
        return None
    origin = credentials.origin or ("--header" if any(map(is_secret_name, credentials.headers)) else None)
    if origin is None:
        return "Name the file that holds the key: --api-key-file FILE."
    if status == _UNAUTHORISED:
        return f"The key from {origin} was refused: check that it is whole and valid, or pass --api-key-file FILE."
    return f"The key from {origin} is not allowed to do this. Pass one that is, with --api-key-file FILE."


def _advice(error: HttpStatusError, api: str, served: Sequence[str], credentials: Credentials) -> str:
    """Say what to do about a request that is refused."""
    if (about_key := _key_advice(error.status, credentials)) is not None:
        return about_key
    if error.status in _NOT_FOUND:
        listed = f" It lists the models {_listed(served)}." if served else ""
        return f"Check the address, --model, and that the endpoint has the API of this workload ({api}).{listed}"
    return "Change the request with --body, --omit-field or --max-tokens-field, or choose another workload."


def _listed(names: Sequence[str]) -> str:
    """Name models in one printable line, whatever their names are."""
    return ", ".join(map(shown, names[:_SHOWN_MODELS])) + (", …" if len(names) > _SHOWN_MODELS else "") or "none"


def is_here(host: str) -> bool:
    """Whether a host is this machine: its address is a loopback one, any (0.0.0.0), or that of an interface of ours."""
    try:
        found = {ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    own = {each.address.partition("%")[0] for addresses in psutil.net_if_addrs().values() for each in addresses}
    return any(address.is_loopback or address.is_unspecified or str(address) in own for address in found)


def tunnel_at(port: int) -> str | None:
    """Return the program that hands a port of this machine on to another one; `None` where none is seen to."""
    try:
        listening = {
            each.pid
            for each in psutil.net_connections("tcp")
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port and each.pid
        }
        names = {psutil.Process(pid).name() for pid in listening}
    except (psutil.Error, OSError):
        return None
    return min(names & _TUNNELS, default=None)


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
