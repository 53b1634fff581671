"""Model servers that run on this machine already: found at their usual ports, recognised by their own marks.

A port says little, for several servers take the same. So each is asked for its list of models, where `owned_by` names
most engines, and else for what one engine alone answers. Nothing leaves the loopback interface, every question is a GET
that loads and generates nothing, and time and bytes are bounded, whatever it is that listens there.
"""

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from shlex import join
from typing import NamedTuple

from profiler.errors import ServerError, UsageError
from profiler.servers.address import BASE, Address
from profiler.servers.openai_api import (
    LLAMA_CPP,
    HttpStatusError,
    call_text,
    listed_entries,
    name_of,
    shown,
    told_context,
)

AUTO = "auto"
"""What `--url` takes for the only server that runs."""
_LOOPBACK = ("127.0.0.1", "::1")
_CONNECT_S = 0.5
_PORT_S = 4.0  # for all questions to one port
_NEEDS_KEY = {http.client.UNAUTHORIZED, http.client.FORBIDDEN}
_EMBEDS = {"embedding", "embeddings"}


class Mark(NamedTuple):
    """What one engine alone answers: a path, and whether an answer, JSON where it is such, is its own."""

    path: str
    is_own: Callable[[object], bool]


def _has(*keys: str) -> Callable[[object], bool]:
    return lambda answer: isinstance(answer, dict) and all(key in answer for key in keys)


def _lists(key: str) -> Callable[[object], bool]:
    """Whether an answer lists models that say this of themselves."""
    return lambda answer: any(key in entry for entry in listed_entries(answer))


@dataclass(frozen=True)
class Kind:
    """A server: where it usually listens, and how it is told from the others there."""

    name: str
    ports: tuple[int, ...]
    owners: frozenset[str] = frozenset()  # `owned_by` in its list of models, in lower case
    mark: Mark | None = None
    version: tuple[str, str] | None = None  # a path, and the key of its answer
    states: str | None = None  # a path that says which models are loaded, and their context
    base: str = BASE


KINDS = (
    Kind(
        name="Ollama",
        ports=(11434,),
        owners=frozenset({"library"}),
        mark=Mark("/", lambda answer: answer == "Ollama is running"),
        version=("/api/version", "version"),
        states="/api/ps",
    ),
    Kind(
        name="LM Studio",
        ports=(1234,),
        owners=frozenset({"organization_owner"}),
        mark=Mark("/api/v0/models", _lists("state")),
        states="/api/v0/models",
    ),
    Kind(
        name="KoboldCpp",
        ports=(5001,),
        owners=frozenset({"koboldcpp"}),
        mark=Mark(
            "/api/extra/version", lambda answer: isinstance(answer, dict) and answer.get("result") == "KoboldCpp"
        ),
        version=("/api/extra/version", "version"),
    ),
    Kind(
        name="llama-server (llama.cpp)",
        ports=(8080,),
        owners=frozenset({LLAMA_CPP}),
        mark=Mark("/props", _has("default_generation_settings", "build_info")),
        version=("/props", "build_info"),
    ),
    Kind("vLLM", (8000,), frozenset({"vllm"}), version=("/version", "version")),
    Kind("SGLang", (30000,), frozenset({"sglang"}), Mark("/get_model_info", _has("model_path", "is_generation"))),
    Kind("TGI", (8080, 3000), mark=Mark("/info", _has("model_id", "router")), version=("/info", "version")),
    Kind("llama-cpp-python", (8000,), frozenset({"me"})),
    Kind("LocalAI", (8080,), mark=Mark("/system", _has("backends", "loaded_models")), version=("/version", "version")),
    Kind("text-generation-webui", (5000,), mark=Mark("/v1/internal/model/info", _has("model_name", "loader"))),
    Kind("TabbyAPI", (5000,), frozenset({"tabbyapi"})),
    Kind("LMDeploy", (23333,), frozenset({"lmdeploy"})),
    Kind("TensorRT-LLM", (8000,), frozenset({"tensorrt_llm"})),
    Kind("Xinference", (9997,), frozenset({"xinference"})),
    Kind("Docker Model Runner", (12434,), frozenset({"docker"}), base="/engines/v1"),
    Kind("Jan", (1337,)),  # recognised by no mark of its own: it passes on what its engines answer
)
PORTS = tuple(dict.fromkeys(port for kind in KINDS for port in kind.ports))
"""Where to look, unless told more."""
UNKNOWN = "OpenAI-compatible server"


@dataclass(frozen=True)
class LocalModel:
    """A model as a server lists it; `None` is not told."""

    name: str
    context_tokens: int | None = None
    is_loaded: bool | None = None
    is_embedding: bool = False


@dataclass(frozen=True)
class LocalServer:
    """A model server that answers on this machine."""

    engine: str
    version: str | None
    port: int
    url: str
    models: tuple[LocalModel, ...] = ()
    needs_key: bool = False

    def command(self, model: LocalModel | None) -> list[str]:
        """Return what to type to measure a model of it; `None` where it does not list them without a key."""
        return [
            *("aforo", "run", *(["embeddings"] if model and model.is_embedding else []), "--url", self.url),
            *("--model", model.name if model else "NAME"),
            *(["--api-key-file", "FILE"] if self.needs_key else []),
        ]


@dataclass(frozen=True)
class Other:
    """A port where something listens that is no model server, and what was seen of it."""

    port: int
    reason: str


@dataclass(frozen=True)
class Look:
    """What was found, by port."""

    ports: tuple[int, ...]
    servers: tuple[LocalServer, ...]
    others: tuple[Other, ...]


def look(more_ports: Sequence[int] = ()) -> Look:
    """Look at the usual ports and at these, all at once; takes a few seconds at most."""
    ports = tuple(dict.fromkeys([*more_ports, *PORTS]))
    with ThreadPoolExecutor(len(ports)) as pool:
        found = list(pool.map(_at_port, ports))
    return Look(
        ports,
        tuple(each for each in found if isinstance(each, LocalServer)),
        tuple(each for each in found if isinstance(each, Other)),
    )


def only_one(found: Look, model: str | None) -> tuple[str, str | None]:
    """Return URL and model of the only server that runs, for `--url auto`. Raises `UsageError`.

    Of several servers the one that lists the model; of several models the only one that is loaded.
    """
    several = found.servers
    if model is not None and len(several) > 1:
        several = tuple(server for server in several if any(each.name == model for each in server.models))
    if len(several) != 1:
        commands = "".join(
            f"\n  {join(server.command(each))}" for server in found.servers for each in server.models or [None]
        )
        seen = f"{len(found.servers)} answer" if found.servers else "none answers"
        raise UsageError(
            f"--url auto: expected one model server on this machine, and {seen} at the usual ports. "
            + (f"Say which:{commands}" if found.servers else "Start it first, or say where: --url http://HOST:PORT.")
        )
    (server,) = several
    loaded = [each for each in server.models if each.is_loaded] if len(server.models) > 1 else []
    return server.url, model or (loaded[0].name if len(loaded) == 1 else None)


def _at_port(port: int) -> LocalServer | Other | None:
    host = next((each for each in _LOOPBACK if _listens(each, port)), None)
    if host is None:
        return None
    try:
        return _identified(_Answers(host, port))
    except ServerError as error:
        return Other(port, str(error))


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), _CONNECT_S):
            return True
    except OSError:
        return False


class _Answers:
    """What a port answers; each path is asked once, and all of them within a time."""

    def __init__(self, host: str, port: int) -> None:
        self._address = Address(host, port)
        self._until_s = time.monotonic() + _PORT_S
        self._seen: dict[str, object] = {}
        self.port = port
        self.locked: set[str] = set()  # paths that are answered to a key only

    @property
    def needs_key(self) -> bool:
        """Whether a key was asked for."""
        return bool(self.locked)

    def url(self, base: str) -> str:
        whole = replace(self._address, base=base).url
        return whole.removesuffix(BASE) if base == BASE else whole

    def to(self, path: str) -> object:
        """Return what a path answers: JSON where it is such, else text; `None` where it answers with another status.

        Raises `ServerError` where the first one answers with no HTTP, or not in time; of later ones that is no answer.
        """
        if path not in self._seen:
            self._seen[path] = self._ask(path)
        return self._seen[path]

    def _ask(self, path: str) -> object:
        left_s = max(0.1, self._until_s - time.monotonic())
        try:
            text = call_text(self._address, "GET", path, limit_s=left_s)
        except HttpStatusError as error:
            if error.status in _NEEDS_KEY:
                self.locked.add(path)
            return None
        except ServerError:
            if not self._seen:
                raise
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text


def _identified(answers: _Answers) -> LocalServer | Other:
    bases = dict.fromkeys(kind.base for kind in KINDS if kind.base == BASE or answers.port in kind.ports)
    base, entries = next(((each, found) for each in bases if (found := _entries(answers, each))), (BASE, []))
    needs_key = answers.needs_key
    kind = _kind_of(answers, entries)
    if kind is None and not entries and not needs_key:
        return Other(answers.port, "it answers HTTP, but lists no models")
    version, models = _version(answers, kind), tuple(_models(answers, kind, entries))
    is_locked = kind is not None and kind.version is not None and kind.version[0] in answers.locked
    return LocalServer(
        engine=kind.name if kind else UNKNOWN,
        version=version,
        port=answers.port,
        url=answers.url(kind.base if kind else base),
        models=models,
        needs_key=is_locked or (needs_key and not entries),  # llama-server lists its models to anybody
    )


def _entries(answers: _Answers, base: str) -> Sequence[Mapping[str, object]]:
    return listed_entries(answers.to(f"{base}/models"))


def _kind_of(answers: _Answers, entries: Sequence[Mapping[str, object]]) -> Kind | None:
    """Return the kind that its list of models names, else the one whose mark it shows, usual ones here first."""
    owners = {str(entry.get("owned_by")).lower() for entry in entries}
    for kind in KINDS:
        if owners & kind.owners:
            return kind
    here_first = sorted(KINDS, key=lambda kind: answers.port not in kind.ports)
    return next((kind for kind in here_first if kind.mark and kind.mark.is_own(answers.to(kind.mark.path))), None)


def _version(answers: _Answers, kind: Kind | None) -> str | None:
    if kind is None or kind.version is None:
        return None
    path, key = kind.version
    answer = answers.to(path)
    told = answer.get(key) if isinstance(answer, dict) else None
    return told if isinstance(told, str) and told == shown(told) else None


def _models(answers: _Answers, kind: Kind | None, entries: Sequence[Mapping[str, object]]) -> Iterator[LocalModel]:
    """Return the models that are listed, with what the server says of their state."""
    told = None if kind is None or kind.states is None else answers.to(kind.states)
    states = {name_of(entry): entry for entry in listed_entries(told)}
    props = answers.to("/props") if kind is not None and LLAMA_CPP in kind.owners else None
    for entry in entries:
        name = name_of(entry)
        if name is None or name != shown(name):  # a name that cannot be printed is no model's
            continue
        state = states.get(name, {})
        yield LocalModel(
            name,
            told_context(state) or told_context(entry, props),
            None if told is None else state.get("state", "loaded" if state else "not-loaded") == "loaded",
            str(state.get("type")).lower() in _EMBEDS,
        )
