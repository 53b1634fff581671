"""The cells of a plan: which command runs on which host, and in which order. A function of the plan alone."""

import hashlib
import itertools
import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from profiler.cost.options import HourOptions
from profiler.errors import UsageError
from profiler.fleet import run_options
from profiler.fleet.load import Fleet
from profiler.fleet.schema import Host
from profiler.fleet.sent import Sent, sent
from profiler.options import words
from profiler.run.options import Options
from profiler.run.settings import options_at

OUT = Path("runs")  # beside the command, in the folder of its job
_KEY_DIGITS = 8
_LONGEST_PART = 40
_LONGEST_PARTS = 160  # all of them: hosts take names of 200, with round, digest and attempt behind these


@dataclass(frozen=True)
class Setting:
    """One combination of settings of the server, by option; none of them: the engine's defaults."""

    values: tuple[tuple[str, str], ...] = ()

    @property
    def words(self) -> str:
        """How people read it: threads=4, kv-cache=q8_0."""
        return ", ".join(f"{name.replace('_', '-')}={value}" for name, value in self.values)


@dataclass(frozen=True)
class Cell:
    """One `aforo run` on one host."""

    host: str
    model: str
    workload: str  # as the plan names it
    setting: Setting
    round: int  # from 1
    options: Options
    command: tuple[str, ...]  # behind `aforo`
    key: str
    """Names it in folders and in the state: two cells of one key measure the same on the same host."""


class Grid:
    """The cells of a plan."""

    def __init__(self, fleet: Fleet) -> None:
        """Take a plan. Raises `UsageError` where its options do not go together."""
        self.fleet = fleet
        self.sent = {name: sent(name, path) for name, path in fleet.workloads.items()}
        self._sha256 = fleet.plan.sha256
        self._made: dict[tuple[str, ...], tuple[Options, tuple[str, ...]]] = {}
        self.of_host = {host.name: self._cells(host) for host in fleet.plan.hosts}

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """All cells by key."""
        return {cell.key: cell for cells in self.of_host.values() for cell in cells}

    def _cells(self, host: Host) -> list[Cell]:
        """Return the cells of a host in the order of measuring.

        Settings take their turn at each pair of model and workload, A B, and all pairs theirs in each round, so that
        a drift of the host meets all. The order of pairs is drawn anew for each round, from the plan's digest.
        """
        plan, settings, price = self.fleet.plan, settings_of(self.fleet), words(hour_options(host))
        found = []
        chance = random.Random(self._sha256 + host.name)  # noqa: S311 - the same plan gives the same order
        for number in range(1, plan.rounds + 1):
            pairs = list(itertools.product(plan.models, plan.workloads))
            chance.shuffle(pairs)
            found += [self._cell(host, price, *pair, each, number) for pair in pairs for each in settings]
        return found

    def _cell(self, host: Host, price: list[str], model: str, workload: str, setting: Setting, number: int) -> Cell:
        options, measured = self._measured(host, model, self.sent[workload], setting)
        about = [host.name, measured, self.sent[workload].sha256, number]  # its price may change: nothing is repeated
        digest = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:_KEY_DIGITS]
        parts = [_short(model), Path(workload).stem, *(value for pair in setting.values for value in pair)]
        key = ".".join([".".join(map(_plain, parts))[:_LONGEST_PARTS], f"r{number}", digest])
        return Cell(host.name, model, workload, setting, number, options, (*measured, *price), key)

    def _measured(self, host: Host, model: str, workload: Sent, setting: Setting) -> tuple[Options, tuple[str, ...]]:
        """Return options and command line of a cell but for its price; made once for all hosts that share them."""
        values: dict[str, Any] = {**self.fleet.plan.run, **host.run}
        made = (json.dumps(values, sort_keys=True, default=str), model, workload.reference, str(setting.values))
        if made not in self._made:
            base = Options(workload=workload.reference, model=model, out=OUT, yes=True, **run_options.typed(values))
            options = options_at(base, dict(setting.values))
            self._made[made] = options, ("run", *run_options.words(options))
        return self._made[made]


def settings_of(fleet: Fleet) -> Sequence[Setting]:
    """Return every combination of the plan's settings, in the order of the file; without any, the defaults."""
    settings = fleet.plan.settings
    listed: Mapping[str, Sequence[str]] = {
        **settings.of_server(),
        **({"prompt_cache": list(settings.prompt_cache)} if settings.prompt_cache else {}),
    }
    return [Setting(tuple(zip(listed, values, strict=True))) for values in itertools.product(*listed.values())]


def hour_options(host: Host) -> HourOptions:
    """Return what an hour of a host costs, as options of a run."""
    return HourOptions(
        price=host.price,
        price_kind=host.price_kind,
        currency=host.currency,
        instance=host.instance,
        region=host.region,
    )


def _short(model: str) -> str:
    """Return a model's name without where it is from."""
    kind, colon, name = model.partition(":")
    return name if colon and kind in {"synthetic", "hf"} else Path(model).stem


def _plain(text: str) -> str:
    """Keep what is safe in the name of a folder."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_")[:_LONGEST_PART] or "x"


def grid(fleet: Fleet) -> Grid:
    """Return the cells of a plan. Raises `UsageError`, with the plan's name, where its options do not go together."""
    try:
        return Grid(fleet)
    except UsageError as error:
        raise UsageError(f"{fleet.path}: {error}") from None
