"""Carbon of making GPU hosts: what is published is said with its source, and what is not is not 0."""

import pytest

from profiler import reference_data
from profiler.cost import embodied
from profiler.cost.prices import offers
from profiler.results.host_facts import CloudFacts, CpuFacts, GpuFacts, HostFacts


def host(instance: str | None, *gpus: str) -> HostFacts:
    return HostFacts(
        cpu=CpuFacts(logical_cpus=192),
        cloud=CloudFacts(provider="aws" if instance else None, instance_type=instance),
        gpus=[GpuFacts(index=i, source="nvml", name=name) for i, name in enumerate(gpus)],
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        # 1,312 kg for a baseboard of eight, and 2,274 kg
        ("NVIDIA H100 80GB HBM3", "8 × 164 kgCO2e (NVIDIA HGX H100 Product Carbon Footprint"),
        ("NVIDIA B200", "8 × 284.25 kgCO2e (NVIDIA HGX B200 Product Carbon Footprint"),
        ("NVIDIA A100-SXM4-40GB", "8 × 127.6 kgCO2e (Cradle to gate of one A100 SXM 40 GB"),
        ("NVIDIA A100-SXM4-80GB", "its GPUs (NVIDIA A100-SXM4-80GB) it is not known either"),
        ("NVIDIA GB200", "its GPUs (NVIDIA GB200) it is not known either"),
        ("NVIDIA H100 PCIe", "its GPUs (NVIDIA H100 PCIe) it is not known either"),
    ],
)
def test_of_a_gpu_host_the_parts_are_told_and_the_whole_is_not_known(name: str, said: str) -> None:
    facts, reason = embodied.of_host(host("p5.48xlarge", *[name] * 8))
    assert facts is None
    assert (reason or "").startswith(
        "what making the p5 family's machine around its GPUs emitted is not published: pass"
    )
    assert said in (reason or "")


def test_a_family_that_is_listed_without_gpus_does_not_stand_for_one_with_some() -> None:
    without, _ = embodied.of_host(host("c5.24xlarge"))
    assert without is not None
    assert embodied.of_host(host("c5.24xlarge", "NVIDIA L4"))[0] is None


def test_what_is_stated_is_of_all() -> None:
    assert embodied.stated(3_000).kgco2e == (3_000, 3_000)


def test_eighths_of_a_baseboard() -> None:
    kg = {row["gpu"]: float(row["kgco2e"]) for row in reference_data.rows("carbon/embodied-gpus.csv")}
    assert (kg["H100 SXM 80 GB"], kg["B200 SXM"]) == (1312 / 8, 2274 / 8)


@pytest.mark.parametrize(
    ("instance", "place", "kind", "usd", "gpus"),
    [
        ("Standard_ND96isr_H100_v5", ("azure", "eastus"), "on-demand", 98.32, 8),
        ("a3-highgpu-8g", ("gcp", "us-central1"), "on-demand", 88.49, 8),
        ("a3-highgpu-8g", ("gcp", "us-central1"), "spot", 50.6095, 8),
        ("p5.48xlarge", ("aws", "us-east-1"), "on-demand", 55.04, 8),
    ],
)
def test_eight_h100_have_a_price_at_three_providers(
    instance: str, place: tuple[str, str], kind: str, usd: float, gpus: int
) -> None:
    (offer,) = [one for one in offers(instance) if one.price.kind == kind]
    assert (offer.price.provider, offer.price.region) == place
    assert (offer.price.per_hour, offer.gpus, offer.gpu) == (usd, gpus, "h100")
    assert offer.price.source.licence == "Apache-2.0"
