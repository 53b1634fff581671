"""Plans by name: the shipped example by its id, a user's own by its path; checked before any host is called."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from profiler.content import content
from profiler.definitions.kind import Kind
from profiler.definitions.mistakes import Mistake
from profiler.definitions.yaml_source import KeyPath
from profiler.errors import FleetError, ModelError, UsageError
from profiler.fleet import run_options
from profiler.fleet.schema import FleetPlan, Host, json_schema
from profiler.models import locate
from profiler.servers.secrets import hide_arguments, hide_passwords, is_secret_name
from profiler.workloads.load import WORKLOADS

_MOST_CELLS = 100_000
_NEEDS_ADDRESS = ("ssh",)
_OF_FILES = (".html", ".json", ".jsonl")
"""How the files end that lie beside the folders of hosts: pages, their data, the state."""


@dataclass(frozen=True)
class Fleet:
    """A plan that has passed every check which needs no host."""

    plan: FleetPlan
    path: Path
    workloads: Mapping[str, str]
    """Each workload as 'aforo run' takes it here: an id, or a path that holds wherever we are."""

    @property
    def hosts(self) -> dict[str, Host]:
        """The hosts by name, in the order of the plan."""
        return {host.name: host for host in self.plan.hosts}


def load(reference: str) -> Fleet:
    """Return the shipped plan with this id, or the one in this .yaml file. Raises `FleetError`."""
    path = PLANS.locate(reference)
    plan = PLANS.read(path)
    found, mistakes = dict[str, str](), list[Mistake]()
    for place, name in enumerate(plan.workloads):
        try:
            found[name] = _workload(name, path.parent)
        except UsageError as error:
            mistakes.append(Mistake(("workloads", place), str(error)))
    if mistakes:
        raise PLANS.refusal(path, mistakes)
    return Fleet(plan, path, found)


def _workload(name: str, folder: Path) -> str:
    """Return a workload as it is named from here, where it can be read. Raises `UsageError`."""
    located = WORKLOADS.locate(name)
    path = name if name in WORKLOADS.shipped() else str((folder / located).absolute())
    WORKLOADS.read(Path(path) if path != name else located)
    return path


def _contradictions(plan: FleetPlan) -> list[Mistake]:
    found = [
        *_twice(plan),
        *_of_folders(plan),
        *_of_hosts(plan),
        *_of_money(plan),
        *_of_run(plan),
        *_of_models(plan),
        *_of_settings(plan),
    ]
    found += _of_size(plan)
    return found + [Mistake(path, _REFUSED) for path in _secrets(plan.model_dump(mode="json"))]


def _twice(plan: FleetPlan) -> list[Mistake]:
    listed: Sequence[tuple[str, Sequence[str]]] = (
        ("hosts", [host.name for host in plan.hosts]),
        ("models", plan.models),
        ("workloads", plan.workloads),
    )
    return [
        Mistake((key, names.index(name)), f"{name!r} is there {count} times. Expected each of {key} once.")
        for key, names in listed
        for name, count in Counter(names).items()
        if count > 1
    ]


def _of_folders(plan: FleetPlan) -> Iterator[Mistake]:
    """Find hosts whose folder could not be told from a file or another host's, also where case does not count."""
    before: dict[str, str] = {}
    for place, host in enumerate(plan.hosts):
        at = ("hosts", place, "name")
        if host.name.lower().endswith(_OF_FILES):
            yield Mistake(at, f"{host.name!r} is the name of a folder beside files of the fleet. Expected one that "
                          f"does not end in {', '.join(_OF_FILES)}.")  # fmt: skip
        other = before.setdefault(host.name.lower(), host.name)
        if other != host.name:
            yield Mistake(at, f"{host.name!r} and {other!r} are one folder where case does not count. Expected names "
                          "that differ in more.")  # fmt: skip


def _of_hosts(plan: FleetPlan) -> Iterator[Mistake]:
    for place, host in enumerate(plan.hosts):
        at = ("hosts", place)
        if host.transport in _NEEDS_ADDRESS and host.address is None:
            yield Mistake(at, f"the host {host.name} has no 'address', which the transport {host.transport} needs.")
        own = {"address": ("ssh", "ray"), "node": ("ray",), "ssh_options": ("ssh",)}
        for key, transports in own.items():
            if getattr(host, key) is not None and host.transport not in transports:
                yield Mistake((*at, key), f"{key!r} is for {' and '.join(transports)}, and this host is reached by "
                              f"{host.transport}. Leave it out.")  # fmt: skip
        if host.price is not None and host.instance is not None:
            yield Mistake((*at, "instance"), "the host has a 'price' and an 'instance', which has one. Leave one out.")
        if host.region is not None and host.instance is None:
            yield Mistake((*at, "region"), "'region' is for an 'instance'. Give one, or leave it out.")


def _of_money(plan: FleetPlan) -> Iterator[Mistake]:
    if plan.limits.money is None:
        return
    for place, host in enumerate(plan.hosts):
        if host.price is None and host.instance is None:
            sentence = f"the money is limited, and the host {host.name} has neither 'price' nor 'instance'."
            yield Mistake(("hosts", place), f"{sentence} Give one (0.000001 where it costs nothing).")
        elif host.price is not None and host.currency != plan.limits.currency:
            yield Mistake(
                ("hosts", place, "currency"),
                f"the price is in {host.currency}, the limit in {plan.limits.currency}; nothing is converted.",
            )


def _of_run(plan: FleetPlan) -> Iterator[Mistake]:
    places: list[tuple[KeyPath, Mapping[str, object]]] = [(("run",), plan.run)]
    places += [(("hosts", place, "run"), host.run) for place, host in enumerate(plan.hosts)]
    for path, values in places:
        yield from (Mistake((*path, name), text) for name, text in run_options.mistakes(values).items())


def _of_models(plan: FleetPlan) -> Iterator[Mistake]:
    are_files = not any("url" in values for values in (plan.run, *(host.run for host in plan.hosts)))
    for place, name in enumerate(plan.models):
        try:
            locate.check_name(name)
        except ModelError as error:
            yield Mistake(("models", place), str(error))
        if are_files and not name.startswith(("synthetic:", "hf:")) and run_options.is_relative(name):
            yield Mistake(("models", place), run_options.relative(name))


def _of_settings(plan: FleetPlan) -> Iterator[Mistake]:
    for path in plan.settings.engine_path or ():
        if run_options.is_relative(path):
            yield Mistake(("settings", "engine_path"), run_options.relative(path))


_REFUSED = (
    "this looks like a secret, and plans are kept and shown. Set a variable where you call 'aforo fleet', and list "
    "its name under 'environment' of the host."
)


def _of_size(plan: FleetPlan) -> Iterator[Mistake]:
    settings = math.prod(map(len, plan.settings.of_server().values())) * len(plan.settings.prompt_cache or [""])
    number = len(plan.hosts) * len(plan.models) * len(plan.workloads) * settings * plan.rounds
    if number > _MOST_CELLS:
        yield Mistake(("hosts",), f"hosts × models × workloads × settings × rounds are {number:,} cells. Expected "
                      f"{_MOST_CELLS:,} at the most: write several plans.")  # fmt: skip


_GIVEN = re.compile(r"([\w-]+)=(?!(?:yes|no)\b)(?=[^\s&])")
"""What is given a value anywhere in a text: SetEnv=HF_TOKEN=x, ?page=1&key=x; PasswordAuthentication=no is a switch."""


def _secrets(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield where a text is a secret by its name, by an option before it, or as a password within a URL."""
    if isinstance(value, dict):
        for key, each in value.items():
            if isinstance(each, str) and is_secret_name(key):
                yield (*path, key)
            else:
                yield from _secrets(each, (*path, key))
    elif isinstance(value, list):
        texts = [each if isinstance(each, str) else "" for each in value]
        hidden = hide_arguments(texts)
        for place, each in enumerate(value):
            if texts[place] != hidden[place]:
                yield (*path, place)
            else:
                yield from _secrets(each, (*path, place))
    elif isinstance(value, str) and (hide_passwords(value) != value or any(map(is_secret_name, _GIVEN.findall(value)))):
        yield path


PLANS = Kind("plan", FleetPlan, json_schema, _contradictions, lambda: content("hosts") / "fleets", FleetError)
