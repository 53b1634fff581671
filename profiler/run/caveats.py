"""What a reader of the numbers must know from the start of a run."""

from collections.abc import Iterator

from profiler.cost.age import notice
from profiler.cost.options import CostOptions
from profiler.models.synthetic import ABOUT_WEIGHTS
from profiler.results.caveats import Caveat
from profiler.results.host_facts import HostFacts
from profiler.results.manifest import PriceFacts
from profiler.run.plan import Plan, load_per_core
from profiler.servers.engines import slow_build
from profiler.timing.clock import Clock
from profiler.timing.messages import Hello
from profiler.workloads.sizes import prompt_warnings

_BUSY_LOAD_PER_CORE = 0.5


def caveats(plan: Plan, hello: Hello, host: HostFacts) -> list[Caveat]:
    """Return them in the order in which they are shown."""
    slow = slow_build(plan.endpoint.describe(), host.cpu.isa_features)
    return [
        *_of_model(plan),
        *_of_client(plan, hello),
        *([Caveat("slow-build", slow)] if slow else []),
        *(Caveat("shared-cpus", text) for text in plan.cpus.warnings),
        *(
            Caveat("roofline-incomplete", f"Roofline: {note}")
            for note in (host.roofline.notes if host.roofline else ())
        ),
        *(Caveat("setup", text) for text in plan.warnings),
        *(Caveat("prompts", text) for text in prompt_warnings(plan.workload, plan.trace, plan.data)),
        *_of_other_work(),
    ]


def of_price(price: PriceFacts | None, clock: Clock, options: CostOptions) -> list[Caveat]:
    """Return what must be known of the price that the run is given."""
    text = notice(price, clock.utc().date(), options.price_max_age)
    return [Caveat("old-price", text)] if text else []


def _of_model(plan: Plan) -> Iterator[Caveat]:
    model, lora = plan.model, plan.lora
    if model.is_synthetic:
        yield Caveat("synthetic-weights", ABOUT_WEIGHTS)
    if lora is not None:
        weights = "synthetic weights" if lora.is_synthetic else "not the model alone"
        yield Caveat("lora-adapter", f"Measured with the LoRA adapter {lora.name}, rank {lora.rank}: {weights}.")
    if model.changed_from is not None:
        yield Caveat(
            "model-changed",
            f"{model.source} is not the model that the last run under this name measured: its SHA-256 began with "
            f"{model.changed_from[:12]}, now with {(model.sha256 or '')[:12]}. Do not compare the two.",
        )


def _of_client(plan: Plan, hello: Hello) -> Iterator[Caveat]:
    if not hello.kernel_stamps:
        text = f"Arrivals are timestamped in user space: {hello.note}. A busy host makes them late."
        yield Caveat("user-space-timestamps", text)
    if plan.tls is not None and plan.tls.is_insecure:
        text = "The endpoint's certificate was not checked (--insecure): any server could have answered."
        yield Caveat("unchecked-certificate", text)


def _of_other_work() -> Iterator[Caveat]:
    load = load_per_core()
    if load is not None and load > _BUSY_LOAD_PER_CORE:
        yield Caveat(
            "busy-host",
            f"The host was busy before the run: load average {load:.2f} per core, expected below "
            f"{_BUSY_LOAD_PER_CORE}. Stop other work and repeat.",
        )
