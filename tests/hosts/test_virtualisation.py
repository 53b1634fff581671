"""Hypervisors, containers and emulators."""

import pytest
from support.recorded_host import Recording

from profiler.hosts.tree import Tree
from profiler.hosts.virtualisation import container, emulation, hypervisor_by_dmi, virtualisation


@pytest.mark.parametrize(
    ("vendor", "product", "hypervisor"),
    [
        ("Amazon EC2", "c7g.xlarge", "Nitro"),
        ("Amazon EC2", "c7g.metal", None),
        ("Microsoft Corporation", "Virtual Machine", "Hyper-V"),
        ("Microsoft Corporation", "Surface Pro", None),
        ("Dell Inc.", "PowerEdge R760", None),
        (None, None, None),
    ],
)
def test_hypervisor_by_dmi(vendor: str | None, product: str | None, hypervisor: str | None) -> None:
    assert hypervisor_by_dmi(vendor, product) == hypervisor


def test_an_x86_host_without_the_flag_is_bare_metal(empty: Recording) -> None:
    assert virtualisation(Tree(empty.root), "x86_64", {}, {"flags": "sse2 avx2"}).is_virtual is False
    assert virtualisation(Tree(empty.root), "aarch64", {}, {"Features": "asimd"}).is_virtual is None


@pytest.mark.parametrize(
    ("kernel", "hypervisor"),
    [
        ("5.15.153.1-microsoft-standard-WSL2", "WSL2"),
        ("4.4.0-19041-Microsoft", None),  # WSL1 translates system calls, there is no virtual machine
        ("6.8.0-45-generic", None),
    ],
)
def test_wsl2_is_named(empty: Recording, kernel: str, hypervisor: str | None) -> None:
    empty.write("proc/sys/kernel/osrelease", f"{kernel}\n")
    found = virtualisation(Tree(empty.root), "x86_64", {}, {"flags": "sse2"})
    assert (found.hypervisor, found.is_virtual) == (hypervisor, hypervisor is not None)


@pytest.mark.parametrize(
    ("path", "engine"),
    [
        (".dockerenv", "docker"),
        ("run/.containerenv", "podman"),
        ("var/run/secrets/kubernetes.io/serviceaccount/token", "kubernetes"),
    ],
)
def test_container(empty: Recording, path: str, engine: str) -> None:
    assert container(Tree(empty.root)) is None
    empty.write(path, "")
    assert container(Tree(empty.root)) == engine


def test_systemd_names_the_container(empty: Recording) -> None:
    empty.write("run/systemd/container", "lxc\n")
    assert container(Tree(empty.root)) == "lxc"


ARM = {"CPU implementer": "0x41", "CPU part": "0xd40"}


@pytest.mark.parametrize(
    ("machine", "kernel_arch", "processor", "sign"),
    [
        ("aarch64", "x86_64", {}, "kernel is x86_64"),  # qemu-user
        ("x86_64", "aarch64", {}, "kernel is aarch64"),  # a translated program on an ARM host
        ("x86_64", "x86_64", {"model name": "QEMU TCG CPU version 2.5+"}, "QEMU TCG"),
        ("aarch64", "aarch64", {"CPU implementer": "0x00", "CPU part": "0x051"}, "'max'"),
        ("aarch64", "aarch64", {**ARM, "BogoMIPS": "125.00"}, "62.5 MHz"),
        ("aarch64", "aarch64", {**ARM, "BogoMIPS": "2100.00"}, None),  # Graviton3
        ("armv8l", "aarch64", {**ARM, "BogoMIPS": "243.75"}, None),  # 32-bit programs run natively
        ("x86_64", None, {"model name": "Intel(R) Xeon(R)", "bogomips": "125.00"}, None),
    ],
)
def test_emulation(machine: str, kernel_arch: str | None, processor: dict[str, str], sign: str | None) -> None:
    reason = emulation(machine, kernel_arch, processor)
    assert (reason is None) if sign is None else (sign in (reason or ""))
