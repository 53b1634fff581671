"""Carbon of making the machine: as stated, else of its family where that is published. What is not known is never 0."""

from collections import Counter
from collections.abc import Sequence

from profiler import reference_data
from profiler.results.host_facts import GpuFacts, HostFacts
from profiler.results.manifest import EmbodiedFacts, Source

_REMEDY = "pass --embodied, or see the operational carbon alone"


def stated(kgco2e: float) -> EmbodiedFacts:
    """Return what the user said of all that is reserved, GPUs included."""
    life_h, life_source = reference_data.constant("server_life")
    flag = Source(name="flag", title="said on the command line: --embodied")
    return EmbodiedFacts(kgco2e=(kgco2e, kgco2e), life_h=life_h, method=f"as stated, {life_source.title}", source=flag)


def of_host(host: HostFacts) -> tuple[EmbodiedFacts | None, str | None]:
    """Return the carbon of making the reserved part of a machine, or why it is not known."""
    vcpus = host.cpu.logical_cpus
    if vcpus is None:
        return None, "how many CPUs are reserved is not known: pass --embodied"
    family = (host.cloud.instance_type or "").partition(".")[0]
    table = reference_data.rows("carbon/embodied-aws.csv") if host.cloud.provider == "aws" else ()
    row = next((row for row in table if row["family"] == family), None)
    if row is None:
        whose = f"the {family} family's machine" if family else "this machine"
        others = "" if host.gpus else ", and other families differ sixfold"
        around = " around its GPUs" if host.gpus else ""
        reason = f"what making {whose}{around} emitted is not published{others}: {_REMEDY}"
        return None, ". ".join([reason, *_of_gpus(host.gpus)])
    if host.gpus:  # the families that are listed have none
        return None, f"the {family} family is listed without GPUs, and this machine has some: {_REMEDY}"
    share = vcpus * float(row["kgco2e_per_machine"]) / int(row["machine_vcpus"])
    life_h, _ = reference_data.constant("server_life")
    return EmbodiedFacts(
        kgco2e=(share, share),
        life_h=life_h,
        method=f"{vcpus} vCPUs of the machine of the {family} family",
        source=reference_data.source(row["source"]),
    ), None


def _of_gpus(gpus: Sequence[GpuFacts]) -> list[str]:
    """Say what making each kind of GPU emitted, or that it is not known."""
    return [_of_kind(name, count) for name, count in Counter(gpu.name for gpu in gpus).items()]


def _of_kind(name: str | None, count: int) -> str:
    table = reference_data.rows("carbon/embodied-gpus.csv")
    row = next((row for row in table if f" {name}".endswith(f" {row['name_ends_in']}")), None)
    if row is None:
        return f"Of making its GPUs ({name or 'of unknown name'}) it is not known either"
    return f"Of making its GPUs it is {count} × {row['kgco2e']} kgCO2e ({reference_data.source(row['source']).title})"
