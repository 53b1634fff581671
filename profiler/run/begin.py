"""The beginning of a run: everything that is known before the first request, written down in `run.json`."""

import platform
from collections.abc import Callable, Sequence

from profiler import __version__
from profiler.cost.facts import resolve
from profiler.cost.prices import places
from profiler.energy.meters import AUTO, NONE, Meters
from profiler.hosts.detect import this_host
from profiler.hosts.roofline import measure_and_keep
from profiler.options import given
from profiler.progress import Progress
from profiler.results.host_facts import HostFacts
from profiler.results.manifest import ClientFacts, EnergyFacts, EngineFacts, Manifest
from profiler.results.points import engine_at
from profiler.run import tune
from profiler.run.caveats import caveats, of_price
from profiler.run.context import ISO, RunContext
from profiler.run.cpus import format_cpus
from profiler.run.options import Options
from profiler.run.plan import Plan
from profiler.servers.options import TUNING
from profiler.servers.secrets import hide_arguments
from profiler.timing.clock import Clock, sample_wall_offset
from profiler.timing.driver_client import LoadDriver


def begin(
    plan: Plan, driver: LoadDriver, meters: Meters, progress: Progress, clock: Clock, tick: Callable[[], None]
) -> RunContext:
    """Describe host, client, engine and meters, and write `run.json`. Raises `RecordError`."""
    host = _host(plan, progress, clock)
    manifest = Manifest(
        tool_version=__version__,
        run_id=plan.folder.path.name,
        status="running",
        started_utc=clock.utc().strftime(ISO),
        command_line=plan.command_line(),
        seed=plan.options.seed,
        nonce=plan.nonce,
        prompts_are_new=plan.nonce is not None and plan.options.nonce is None,
        data_digest=plan.data.digest if plan.data else None,
        workload=plan.workload,
        overrides=plan.overridden,
        limits=dict(plan.limits),
        body=plan.body.facts(),
        model=plan.model,
        lora=plan.lora,
        engine=engine_facts(plan),
        host=host,
        client=_client_facts(plan, driver),
        energy=_energy_facts(plan, meters, host),
        cost=resolve(plan.said, HostFacts() if is_remote(plan) else host, places()),
        tuning=plan.tuning,
        wall_offset_ns=sample_wall_offset().offset_ns,
    )
    for caveat in [*caveats(plan, driver.hello, host), *of_price(manifest.cost.price, clock, plan.options)]:
        manifest.warn(caveat)
    return RunContext(plan, manifest, driver, meters, progress, clock, tick)


def wanted_meters(plan: Plan) -> str:
    """Return which meters are read: of a remote server only named ones, since whoever names one knows what it reads."""
    wanted = plan.options.meters
    return NONE if is_remote(plan) and wanted == AUTO else wanted


def engine_facts(plan: Plan) -> EngineFacts:
    """Return what is known of the engine, and the CPUs that it is pinned to, without secrets of its command line."""
    facts = plan.endpoint.describe()
    cpus = format_cpus(plan.cpus.server) or None
    more = {"cpus": cpus, "command": hide_arguments(facts.command), "options": _tuned(plan.options)}
    found = engine_at(facts.model_copy(update=more), plan.first_point)
    notes = [*found.notes, *(tune.notes(plan.tuning) if plan.tuning else [])]
    return found.model_copy(update={"tuning": _tuning(plan, found), "notes": notes})


def _tuning(plan: Plan, facts: EngineFacts) -> str | None:
    """Say how the settings of the engine were come by; of a server that ran already it is not known."""
    if plan.external:
        return None
    by_hand = f"chosen by hand: {', '.join(facts.options)}" if facts.options else "engine defaults"
    return plan.tuning.words if plan.tuning else by_hand


def _tuned(options: Options) -> dict[str, str]:
    """Return what the user chose of the engine's settings, by flag, without secrets."""
    chosen = [each for each in given(options, Options) if each.name in {"threads", "context_tokens", *TUNING}]
    values = {each.flag: getattr(options, each.name) for each in chosen}
    return {flag: " ".join(hide_arguments([str(each) for each in _listed(value)])) for flag, value in values.items()}


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, tuple) else [value]


def is_remote(plan: Plan) -> bool:
    """Whether the server runs on another machine, about which ours says nothing."""
    return plan.endpoint.describe().is_remote


def _host(plan: Plan, progress: Progress, clock: Clock) -> HostFacts:
    """Describe this host; its limits are measured where that was asked for and none are kept."""
    host = this_host(plan.options.cloud)
    if host.roofline is None and plan.options.roofline:
        host = host.model_copy(update={"roofline": measure_and_keep(host, progress, clock)})
    return host


def _client_facts(plan: Plan, driver: LoadDriver) -> ClientFacts:
    return ClientFacts(
        python=platform.python_version(),
        stamp_source="kernel" if driver.hello.kernel_stamps else "user",
        stamp_note=driver.hello.note,
        is_realtime=driver.hello.is_realtime,
        workers=len(driver.pids),
        cpus=format_cpus(plan.cpus.client) or None,
        cpus_reason=plan.cpus.reason,
    )


def _energy_facts(plan: Plan, meters: Meters, host: HostFacts) -> EnergyFacts:
    """Describe meters and models of the machine that serves."""
    if not is_remote(plan):
        return meters.facts(host)
    if plan.options.meters == AUTO:
        return EnergyFacts(reason="the server runs on another machine, whose meters cannot be read from here")
    return meters.facts(HostFacts())
