"""Hosts that we could not record: written from published facts, and read like any other."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.written_host import HOSTS

from profiler.hosts.detect import describe
from profiler.hosts.probe import Probe
from profiler.results.host_facts import GpuFacts, HostFacts

MIB = 2**20


Told = Callable[..., HostFacts]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What is read of a host, each read once: some have hundreds of processors."""
    found = dict[str, HostFacts]()

    def read(name: str, **answers: object) -> HostFacts:
        key = f"{name} {sorted(answers.items())}"
        if key not in found:
            written, root = HOSTS[name], tmp_path_factory.mktemp("host")
            probe = Probe(machine=written.machine, **answers)  # type: ignore[arg-type]
            found[key] = describe(written.lay_out(root).root, probe)
        return found[key].model_copy(deep=True)

    return read


@pytest.mark.parametrize(
    ("name", "generation", "microarchitecture"),
    [
        ("graviton2", "AWS Graviton2", "neoverse_n1"),
        ("graviton3", "AWS Graviton3", "neoverse_v1"),
        ("graviton4", "AWS Graviton4", "neoverse_v2"),
        ("altra", "Neoverse-N1", "neoverse_n1"),  # the cores of Graviton2, and no more is known
        ("grace", "NVIDIA Grace", "neoverse_v2"),  # the cores of Graviton4
        ("grace-on-ec2", "NVIDIA Grace", "neoverse_v2"),  # Amazon rents out more than its own processors
        ("cobalt", "Azure Cobalt 100", "neoverse_n2"),
        ("orin", None, "cortex_a78ae"),  # whose features are those of a Neoverse-N1
        ("axion-n4a", "Neoverse-N3", "neoverse_n3"),
        ("xeon-w", None, "sapphirerapids"),  # a workstation's: no Xeon Scalable
        ("sapphire-rapids", "4th generation Intel Xeon Scalable (Sapphire Rapids)", "sapphirerapids"),
        ("emerald-rapids", "5th generation Intel Xeon Scalable (Emerald Rapids)", "emeraldrapids"),
        ("granite-rapids", "Intel Xeon 6 with P-cores (Granite Rapids)", "graniterapids"),
        ("milan", "AMD EPYC 7003 (Milan, Zen 3)", "zen3"),
        ("genoa", "AMD EPYC 9004 (Genoa, Zen 4)", "zen4"),
        ("turin", "AMD EPYC 9005 (Turin, Zen 5)", "zen5"),
        ("h100-host", "4th generation Intel Xeon Scalable (Sapphire Rapids)", "sapphirerapids"),
    ],
)
def test_generation(name: str, generation: str | None, microarchitecture: str, told: Told) -> None:
    cpu = told(name).cpu

    assert (cpu.generation, cpu.microarchitecture) == (generation, microarchitecture)


@pytest.mark.parametrize(
    ("name", "logical", "physical", "sockets", "nodes"),
    [
        ("graviton4", 64, 64, 1, 1),
        ("altra", 80, 80, 1, 1),
        ("sapphire-rapids", 16, 8, 1, 1),
        ("genoa", 16, 16, 1, 1),  # EC2 gives whole cores
        ("turin", 256, 128, 1, 4),
        ("h100-host", 224, 112, 2, 2),
    ],
)
def test_shape(name: str, logical: int, physical: int, sockets: int, nodes: int, told: Told) -> None:
    cpu = told(name).cpu

    assert (cpu.logical_cpus, cpu.physical_cores, cpu.sockets, cpu.numa_nodes) == (logical, physical, sockets, nodes)
    assert cpu.smt is (logical != physical)


@pytest.mark.parametrize(
    ("name", "is_virtual", "hypervisor"),
    [
        ("gce-metal", False, None),
        ("emerald-rapids", True, "KVM"),
        ("h100-host", False, None),
        ("cobalt", True, "Hyper-V"),
    ],
)
def test_machines_that_clouds_rent_out_whole_are_no_guests(
    name: str, is_virtual: bool, hypervisor: str | None, told: Told
) -> None:
    layers = told(name).virtualisation

    assert (layers.is_virtual, layers.hypervisor) == (is_virtual, hypervisor)


def test_the_cores_beside_a_superchips_gpu_are_a_grace_wherever_it_is_rented(told: Told) -> None:
    card = GpuFacts(index=0, source="nvml", name="NVIDIA GB200")

    assert told("graviton4", gpus=(card,)).cpu.generation == "NVIDIA Grace"
    assert (
        told("graviton4", gpus=(GpuFacts(index=0, source="nvml", name="NVIDIA T4G"),)).cpu.generation == "AWS Graviton4"
    )


def test_a_processor_with_two_kinds_of_cores_is_named_by_both(tmp_path: Path) -> None:
    """Of a GB10: CPU 0 is a slow core."""
    parts = (["0xd87"] * 5 + ["0xd85"] * 5) * 2
    blocks = [f"processor\t: {cpu}\nCPU implementer\t: 0x41\nCPU part\t: {part}" for cpu, part in enumerate(parts)]
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("\n\n".join(blocks))

    cpu = describe(tmp_path, Probe(machine="aarch64")).cpu

    assert (cpu.model_name, cpu.microarchitecture) == ("10 × Cortex-A725 + 10 × Cortex-X925", "cortex_a725")


@pytest.mark.parametrize(
    ("name", "has", "lacks"),
    [
        ("graviton2", {"asimddp"}, {"i8mm", "sve", "bf16"}),
        ("graviton3", {"asimddp", "i8mm", "sve", "bf16"}, {"sve2"}),
        ("graviton4", {"i8mm", "sve2", "bf16"}, {"avx2"}),
        ("milan", {"avx2", "fma"}, {"avx512f"}),
        ("genoa", {"avx512_vnni", "avx512_bf16"}, {"amx_int8"}),
        ("sapphire-rapids", {"avx512_vnni", "amx_int8", "amx_bf16"}, {"amx_fp16"}),
        ("granite-rapids", {"amx_int8", "amx_fp16"}, set()),
    ],
)
def test_features_that_matter_to_inference(name: str, has: set[str], lacks: set[str], told: Told) -> None:
    features = set(told(name).cpu.isa_features)

    assert has <= features
    assert not lacks & features


@pytest.mark.parametrize(
    ("name", "last_cache_bytes", "instances"),
    [("graviton3", 32 * MIB, 1), ("grace", 114 * MIB, 1), ("turin", 32 * MIB, 16), ("h100-host", 105 * MIB, 2)],
)
def test_last_cache(name: str, last_cache_bytes: int, instances: int, told: Told) -> None:
    last = told(name).cpu.caches[-1]

    assert (last.level, last.size_bytes, last.instances) == (3, last_cache_bytes, instances)


@pytest.mark.parametrize(
    ("name", "provider", "instance_type"),
    [
        ("graviton4", "aws", "c8g.16xlarge"),
        ("sapphire-rapids", "aws", "c7i.4xlarge"),
        ("emerald-rapids", "gcp", None),
        ("milan", "azure", None),
        ("altra", None, None),
        ("h100-host", None, None),
    ],
)
def test_cloud_that_the_firmware_names(name: str, provider: str | None, instance_type: str | None, told: Told) -> None:
    cloud = told(name).cloud

    assert (cloud.provider, cloud.instance_type) == (provider, instance_type)
    assert cloud.source == ("dmi" if provider else None)


def test_an_h100_host_is_told_apart_by_its_cards(told: Told) -> None:
    cards = tuple(GpuFacts(index=i, source="nvml", name="NVIDIA H100", memory_total_bytes=80 * 2**30) for i in range(8))

    with_cards, without = told("h100-host", gpus=cards), told("h100-host")

    assert len(with_cards.gpus) == 8
    assert with_cards.fingerprint != without.fingerprint
    assert with_cards.cpu.turbo is True
    assert (with_cards.virtualisation.is_virtual, with_cards.virtualisation.system_product) == (False, "DGXH100")


def test_a_container_has_a_share_of_its_machine(told: Told) -> None:
    facts = told("container", usable_cpus=8)

    assert facts.virtualisation.container == "docker"
    assert (facts.limits.cpu_limit_cores, facts.limits.cpuset) == (3.5, "0-7")
    assert facts.limits.share_cores == 3.5  # the least of 8 by affinity, 8 by cpuset and 3.5 by quota
    assert facts.limits.share_memory_bytes == 8 * 2**30  # of 64 GiB
    assert facts.cpu.logical_cpus == 16
