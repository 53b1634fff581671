"""From runs to `measured.json`: every load of every candidate with all its numbers. Pure."""

from collections.abc import Iterator, Sequence

from profiler import __version__
from profiler.metrics.catalogue import METRICS
from profiler.metrics.registry import MetricSpec, PerRun
from profiler.results.cost_facts import PriceFacts, TokenPriceFacts
from profiler.results.manifest import Manifest
from profiler.results.run_set import StoredRun
from profiler.results.summary import Level
from profiler.selection import measured as to
from profiler.selection.candidate import Candidate, Load, candidates
from profiler.selection.facts import facts_of
from profiler.selection.facts_file import StatedFacts
from profiler.selection.targets import number_of
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import MEAN, Unknown, unit_of
from profiler.summaries.summarize import quantiles_of
from profiler.verdict.contrast import Metric, pooled
from profiler.verdict.traps import account_of

_WORST_FIRST: tuple[Level, ...] = ("INVALID", "VALID with warnings", "VALID")


def measured_file(
    runs: Sequence[StoredRun],
    stated: Sequence[StatedFacts] = (),
    drift_ratio: float | None = None,
    *,
    allow_invalid: bool = False,
) -> to.MeasuredFile:
    """Return everything that was measured in these runs, one entry for each load of each candidate.

    INVALID loads are left out unless `allow_invalid`; then their verdict says so.
    """
    found = candidates(runs, allow_invalid=allow_invalid)
    entries = [_measured(one, load, stated, drift_ratio) for one in found for load in one.loads]
    return to.MeasuredFile(made_by=f"aforo {__version__}", measured=entries)


def _measured(one: Candidate, load: Load, stated: Sequence[StatedFacts], drift_ratio: float | None) -> to.Measured:
    manifest = one.manifest
    numbers, missing = _numbers(load, drift_ratio)
    return to.Measured(
        candidate=one.name,
        label=one.label,
        model=_model(manifest, stated),
        host=_host(manifest),
        engine=to.MeasuredEngine(
            name=manifest.engine.name, version=manifest.engine.version, settings=manifest.engine.settings()
        ),
        workload=manifest.workload.name,
        load=to.MeasuredLoad(name=load.name, amount=load.amount, unit=load.unit),
        price=_price(manifest.cost.price),
        token_price=_token_price(manifest.cost.token_price),
        runs=[run.name for run in load.runs],
        verdict=_verdict(load),
        metrics=numbers,
        not_measured=missing,
    )


def _numbers(load: Load, drift_ratio: float | None) -> tuple[dict[str, to.Number], dict[str, str]]:
    numbers: dict[str, to.Number] = {}
    missing: dict[str, str] = {}
    for key, spec, quantile in _keys():
        found = number_of(load, (spec.id, quantile), drift_ratio)
        if isinstance(found, Unknown) and found.value is None:
            missing.setdefault(spec.id, found.reason)
        else:
            numbers[key] = _number(load, spec, found, _interval(load, (spec.id, quantile), found, drift_ratio))
    return numbers, missing


def _keys() -> Iterator[tuple[str, MetricSpec, str | None]]:
    """Yield every metric that no other has taken the place of, of a distribution its mean and every quantile."""
    for spec in METRICS.values():
        if spec.instead is not None:
            continue
        if isinstance(spec, PerRun):
            yield spec.id, spec, None
            continue
        yield f"{spec.id}.{MEAN}", spec, None
        for quantile in quantiles_of(spec):
            yield f"{spec.id}.{quantile}", spec, quantile


def _number(load: Load, spec: MetricSpec, found: Estimate | Unknown, interval: to.Covers) -> to.Number:
    first = load.runs[0]
    account = account_of(first.summary) if "energy" in spec.rests_on else None
    is_known = isinstance(found, Estimate)
    return to.Number(
        unit=unit_of(first.summary, spec.id),
        better=spec.better,
        group=spec.group,
        value=found.value,
        low=found.low if isinstance(found, Estimate) else None,
        high=found.high if isinstance(found, Estimate) else None,
        interval=interval,
        freedom=found.freedom if isinstance(found, Estimate) else None,
        rests_on=sorted(spec.rests_on),
        meter_class=account.meter_class if account else None,
        meter_scope=account.scope if account else None,
        provenance=_provenance(load, spec),
        note=None if is_known else found.reason if isinstance(found, Unknown) else None,
    )


def _interval(load: Load, metric: Metric, found: Estimate | Unknown, drift_ratio: float | None) -> to.Covers:
    """Say what an interval covers; of runs that are all alike it is that within one of them."""
    if isinstance(found, Unknown):
        return "none"
    if found.is_exact:
        return "exact"
    if found.freedom is None and (found.value is None or len(load.runs) == 1):
        return "open"
    are_alike = len(set(pooled(load.runs, metric).values)) == 1
    return "within the run" if are_alike and drift_ratio is None else "between runs"


def _provenance(load: Load, spec: MetricSpec) -> str:
    manifest, summary = load.runs[0].manifest, load.runs[0].summary
    parts = []
    if "energy" in spec.rests_on and (account := account_of(summary)) is not None:
        parts.append(f"energy: {account.provenance}")
    if "price" in spec.rests_on and (price := manifest.cost.price or manifest.cost.token_price) is not None:
        parts.append(f"price: {price.source.title}{f', {price.source.date}' if price.source.date else ''}")
    if "grid" in spec.rests_on:
        parts += [f"grid: {one.source.title}, {one.place}" for one in manifest.cost.grid]
    if spec.group in {"latency", "throughput"}:
        parts.append(f"client, {manifest.client.stamp_source} timestamps")
    return "; ".join(parts) or "records of the run"


def _model(manifest: Manifest, stated: Sequence[StatedFacts]) -> to.MeasuredModel:
    model = manifest.model
    facts = facts_of(model, stated)
    return to.MeasuredModel(
        name=model.name,
        quantisation=model.quantisation,
        sha256=model.sha256,
        is_synthetic=model.is_synthetic,
        parameters=facts.parameters,
        size_class=facts.size_class,
        architecture=facts.architecture,
        context_tokens=facts.context_tokens,
        licence=facts.licence,
        licence_class=facts.licence_class,
        languages=list(facts.languages),
        training=facts.training,
        fine_tuning=list(facts.fine_tuning),
        facts_from=facts.sources,
    )


def _host(manifest: Manifest) -> to.MeasuredHost:
    host = manifest.server_host
    return to.MeasuredHost(
        name=host.name or "unnamed host",
        architecture=host.machine,
        processor=host.cpu.generation or host.cpu.model_name,
        logical_cpus=host.cpu.logical_cpus,
        memory_bytes=host.memory.total_bytes,
        gpus=[gpu.name or "not known" for gpu in host.gpus],
        provider=host.cloud.provider,
        instance_type=host.cloud.instance_type,
        region=host.cloud.region,
    )


def _price(price: PriceFacts | None) -> to.MeasuredPrice | None:
    if price is None:
        return None
    source = price.source
    return to.MeasuredPrice(
        per_hour=price.per_hour, currency=price.currency, kind=price.kind, source=source.title, date=source.date
    )


def _token_price(price: TokenPriceFacts | None) -> to.MeasuredTokenPrice | None:
    if price is None:
        return None
    charged = price.model_dump(include=set(TokenPriceFacts.model_fields) - {"source"})
    return to.MeasuredTokenPrice(**charged, source=price.source.title, date=price.source.date)


def _verdict(load: Load) -> to.MeasuredVerdict:
    verdicts = [run.summary.verdict for run in load.runs if run.summary.verdict is not None]
    levels = {verdict.level for verdict in verdicts}
    rules = dict.fromkeys(finding.rule for verdict in verdicts for finding in verdict.findings)
    return to.MeasuredVerdict(level=next((one for one in _WORST_FIRST if one in levels), None), rules=list(rules))
