"""May these runs be compared? What would make it unsound, what differs on purpose, what is unfair: pure."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from profiler.errors import UsageError
from profiler.metrics.registry import Basis
from profiler.results.engine_facts import EngineFacts
from profiler.results.manifest import Manifest, ModelFacts
from profiler.results.run_set import StoredRun
from profiler.verdict.fairness import TRAPS, fairness
from profiler.verdict.traps import Compared, embodied_of, energy_kind
from profiler.workloads.schema import ConversationPrompts, SyntheticPrompts, Workload

__all__ = ["Mismatch", "check_comparable", "comparable_sets", "differing_settings", "fairness", "mismatches"]

# Keys of a definition that say how long something is measured, or what is thought of it. The SLO is asked by itself.
_OF_NO_MATTER = {
    *("id", "version", "description", "repeats", "until", "max_repeat_s", "warmup_requests", "rounds"),
    *("request_timeout_s", "stall_timeout_s", "slo", "keep_responses", "scorers"),
}
FIELDS = ("workload", "model", "quantisation", "lora", "slo")  # that have to agree, `workload` key by key
_SHAPE = ("architecture", "parameters", "layers", "hidden_size", "heads", "kv_heads", "vocabulary_size")
UNKNOWN = "not known"
_MOST_NAMED = 12  # runs of a refusal that are written out


@dataclass(frozen=True)
class Mismatch:
    """A field in which runs differ, and its value in each, by `StoredRun.name`."""

    field: str
    values: dict[str, str]

    @property
    def sentence(self) -> str:
        """The field and who has which value."""
        return self.told({name: name for name in self.values})

    def told(self, short: Mapping[str, str]) -> str:
        """The same by other names of the runs."""
        by_value = sorted(self.values.items(), key=lambda item: item[1])
        groups = [(value, [short[name] for name, _ in same]) for value, same in groupby(by_value, itemgetter(1))]
        return f"{self.field}: " + "; ".join(f"{value} ({_some(names)})" for value, names in groups)


def mismatches(runs: Sequence[StoredRun]) -> list[Mismatch]:
    """Return what makes a comparison unsound: another workload, model, quantisation, adapter or SLO.

    Threads, engine, host and the like are what a comparison is about. How long was measured is no mismatch either.
    Synthetic models of one shape and quantisation count as the same model, whatever file they are in.
    """
    keys = {key for run in runs for key in _definition(run.manifest)}
    all_synthetic = all(run.manifest.model.is_synthetic for run in runs)
    questions: dict[str, Callable[[Manifest], object]] = {
        "workload": lambda m: m.workload.name,
        **{f"workload.{key}": _asker(key) for key in sorted(keys)},
        "model": lambda m: _shape(m.model) if all_synthetic else _file(m.model),
        "quantisation": lambda m: m.model.quantisation,
        "lora": lambda m: m.lora.sha256[:12] if m.lora else "none",
        "slo": lambda m: m.workload.slo.model_dump(exclude_none=True),
    }
    return _differing(runs, questions)


def may_differ() -> list[str]:
    """Return what `--allow-mismatch` takes: fields, traps, and the keys of a workload one by one."""
    keys = [f"workload.{key}" for key in Workload.model_fields if key not in _OF_NO_MATTER]
    return [*FIELDS, *(trap.id for trap in TRAPS), *keys]


def check_allowed(allowed: Iterable[str]) -> set[str]:
    """Return the names as a set. Raises `UsageError` for one that is no field and no trap."""
    names = set(allowed)
    if unknown := sorted(names - set(may_differ())):
        traps = ", ".join(trap.id for trap in TRAPS)
        raise UsageError(
            f"--allow-mismatch {unknown[0]}: expected a field ({', '.join(FIELDS)}, workload.KEY) or a trap ({traps})."
        )
    return names


def comparable_sets(runs: Sequence[StoredRun], allowed: Iterable[str] = ()) -> list[list[StoredRun]]:
    """Return the runs in sets that measure the same, each in the order given, the set with most runs first.

    `allowed` are fields that may differ within a set.
    """
    fields, sets = check_allowed(allowed), list[list[StoredRun]]()
    for run in runs:
        alike = (one for one in sets if not _barred(mismatches([one[0], run]), fields))
        own = next(alike, None)
        if own is None:
            sets.append([run])
        else:
            own.append(run)
    return sorted(sets, key=len, reverse=True)


def check_comparable(runs: Sequence[StoredRun], allowed: Iterable[str] = ()) -> list[Mismatch]:
    """Return the mismatches that were allowed. Raises `UsageError` for the others, naming field and values.

    `workload` allows every `workload.KEY` as well.
    """
    fields, found = check_allowed(allowed), mismatches(runs)
    if barred := _barred(found, fields):
        raise UsageError(_refusal(runs, barred))
    return found


def _barred(found: Iterable[Mismatch], allowed: Collection[str]) -> list[Mismatch]:
    return [one for one in found if one.field not in allowed and one.field.partition(".")[0] not in allowed]


def _refusal(runs: Sequence[StoredRun], barred: Sequence[Mismatch]) -> str:
    short = {run.name: f"r{number}" for number, run in enumerate(runs, start=1)}
    told = [f"  {name} is {full}" for full, name in short.items()]
    if len(told) > _MOST_NAMED:
        told = [*told[:_MOST_NAMED], f"  … and {len(told) - _MOST_NAMED} more, in the order given"]
    lines = ["These runs do not measure the same thing.", *(f"  {one.told(short)}" for one in barred), *told]
    options = " ".join(f"--allow-mismatch {field}" for field in _shortest(one.field for one in barred))
    return "\n".join([*lines, f"To compare them all the same: {options}"])


def _shortest(fields: Iterable[str]) -> list[str]:
    """Return the fields without those that another one stands for."""
    given = list(fields)
    return [field for field in given if "." not in field or field.partition(".")[0] not in given]


def differing_settings(runs: Sequence[StoredRun]) -> list[Mismatch]:
    """Return what differs between hosts and settings: what a comparison is about, for a table."""
    return _differing(runs, _SETTINGS)


def setting_of(run: Compared, rests_on: Collection[Basis]) -> tuple[str, ...]:
    """Return what makes runs repeats of one setting: equal where host, software, load and workload are the same.

    Of price, grid and meter only what a metric that `rests_on` them has to have in common. Two rented machines of one
    instance type are one host. What says nothing of speed, such as the kernel's build, does not part runs.
    """
    return (*_setting(run, rests_on, _PARTS_NO_RUNS), _text(_definition(run.manifest)))


def deployment_of(run: Compared, rests_on: Collection[Basis]) -> tuple[str, ...]:
    """Return a setting without its load: equal for runs that put several loads on one and the same deployment.

    Slots that nobody chose follow from the load, and do not part runs.
    """
    definition = {key: value for key, value in _definition(run.manifest).items() if key != "load"}
    slots = set() if "--slots" in run.manifest.engine.options else {"slots"}
    return (*_setting(run, rests_on, _PARTS_NO_RUNS | slots), _text(definition))


def _setting(run: Compared, rests_on: Collection[Basis], left_out: Collection[str]) -> tuple[str, ...]:
    manifest = run.manifest
    asked = [manifest.workload.id, _shape(manifest.model), _file(manifest.model)]
    parts = [ask(manifest) for name, ask in _SETTINGS.items() if name not in left_out]
    parts += [manifest.server_host.cloud.instance_type or manifest.host_name]
    parts += [_price(manifest)] if "price" in rests_on else []
    parts += [manifest.cost.input_output_ratio] if "worth" in rests_on else []
    parts += [[one.gco2e_per_kwh for one in manifest.cost.grid], manifest.cost.pue] if "grid" in rests_on else []
    parts += [energy_kind(run.summary)] if "energy" in rests_on else []
    parts += [embodied_of(manifest)] if "embodied" in rests_on else []
    return tuple(map(_text, [*asked, manifest.lora and manifest.lora.sha256, *parts]))


def _differing(runs: Sequence[StoredRun], questions: Mapping[str, Callable[[Manifest], object]]) -> list[Mismatch]:
    answers = {field: _told_apart({run.name: ask(run.manifest) for run in runs}) for field, ask in questions.items()}
    return [Mismatch(field, values) for field, values in answers.items() if len(set(values.values())) > 1]


def _told_apart(answers: Mapping[str, object]) -> dict[str, str]:
    """Return the answers as texts; of mappings only the keys in which they differ."""
    parts = [answer for answer in answers.values() if isinstance(answer, Mapping)]
    if len(parts) < len(answers):
        return {name: _text(answer) for name, answer in answers.items()}
    keys = [
        key for key in dict.fromkeys(chain.from_iterable(parts)) if len({_text(part.get(key)) for part in parts}) > 1
    ]
    return {
        name: ", ".join(f"{key} {_text(part[key])}" for key in keys if key in part) or "none of it"
        for name, part in zip(answers, parts, strict=True)
    }


def _definition(manifest: Manifest) -> dict[str, Any]:
    """Return the part of the resolved workload that says what is asked of a server."""
    workload = manifest.workload
    is_made_up = isinstance(workload.prompts, SyntheticPrompts | ConversationPrompts)  # any number says the same
    return workload.model_dump(mode="json", exclude=_OF_NO_MATTER | ({"requests"} if is_made_up else set()))


def _asker(key: str) -> Callable[[Manifest], object]:
    return lambda manifest: _definition(manifest).get(key)


def _shape(model: ModelFacts) -> Mapping[str, object]:
    return {key: getattr(model, key) for key in _SHAPE}


def _file(model: ModelFacts) -> str:
    if model.sha256 is None:
        return f"{model.name} (file {UNKNOWN})"
    return f"{model.name} ({model.sha256[:12]})"


def _text(value: object) -> str:
    if value is None:
        return UNKNOWN
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _some(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _gpus(manifest: Manifest) -> str:
    return ", ".join(gpu.name or UNKNOWN for gpu in manifest.server_host.gpus) or "none"


def server_of(manifest: Manifest) -> str | None:
    """Return the address of a server that was there before the run; None of one that the run started."""
    return None if manifest.engine.command else manifest.engine.url or None


def _price(manifest: Manifest) -> str | None:
    price, charged = manifest.cost.price, manifest.cost.token_price
    if charged is not None:
        cached = "" if charged.cached_input_per_1m is None else f" ({charged.cached_input_per_1m:g} where cached)"
        return f"{charged.input_per_1m:g} in{cached}, {charged.output_per_1m:g} out, {charged.currency}/1M tokens"
    if price is None:
        return None
    idle = "" if manifest.cost.utilisation_ratio == 1 else f", used {manifest.cost.utilisation_ratio:.0%} of the time"
    return f"{price.per_hour:g} {price.currency}/h, {price.kind_text}{idle}"


def engine_setting(title: str) -> Callable[[Manifest], object]:
    """Return what reads the engine's setting of this title."""
    return lambda manifest: manifest.engine.settings()[title]


# Settings that two runs may differ in and still be repeats of each other; the host and what is paid are asked apart.
_PARTS_NO_RUNS = {
    *(
        "host",
        "fingerprint",
        "kernel",
        "memory bytes",
        "client CPUs",
        "client workers",
        "timestamps",
        "Aforo",
        "tuning",
    ),
    *("energy meter", "energy scope", "price", "grid gCO2e/kWh", "PUE"),
}
_SETTINGS: dict[str, Callable[[Manifest], object]] = {
    "host": lambda m: m.host_name,
    "fingerprint": lambda m: m.server_host.fingerprint or None,
    "server": server_of,
    "instance type": lambda m: m.server_host.cloud.instance_type,
    "architecture": lambda m: m.server_host.machine,
    "CPU": lambda m: m.server_host.cpu.generation or m.server_host.cpu.model_name,
    "physical cores": lambda m: m.server_host.cpu.physical_cores,
    "logical CPUs": lambda m: m.server_host.cpu.logical_cpus,
    "memory bytes": lambda m: m.server_host.memory.total_bytes,
    "GPUs": _gpus,
    "kernel": lambda m: m.server_host.kernel,
    **{title: engine_setting(title) for title in EngineFacts(name="").settings()},
    "client CPUs": lambda m: m.client.cpus,
    "client workers": lambda m: m.client.workers,
    "timestamps": lambda m: m.client.stamp_source,
    "quantisation": lambda m: m.model.quantisation,
    "energy meter": lambda m: m.energy.meter_class,
    "energy scope": lambda m: m.energy.scope,
    "price": _price,
    "grid gCO2e/kWh": lambda m: [estimate.gco2e_per_kwh for estimate in m.cost.grid] or None,
    "PUE": lambda m: m.cost.pue,
    "Aforo": lambda m: m.tool_version,
}
