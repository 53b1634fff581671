"""What lies between us and the hardware: a hypervisor, a container, an emulator."""

from profiler.hosts.tree import Tree
from profiler.results.host_facts import VirtualisationFacts

_DMI = "sys/devices/virtual/dmi/id"

# What DMI says of guests whose kernel names no hypervisor, which is the rule on ARM.
_HYPERVISOR_BY_VENDOR = {
    "Amazon EC2": "Nitro",
    "Google": "KVM",
    "QEMU": "QEMU",
    "VMware, Inc.": "VMware",
    "Xen": "Xen",
    "innotek GmbH": "VirtualBox",
}

_RENTS_METAL = {"Amazon EC2", "Google"}  # by the same name as guests

_WSL2 = "WSL2"

_CONTAINER_FILES = {
    "var/run/secrets/kubernetes.io": "kubernetes",
    "run/.containerenv": "podman",
    ".dockerenv": "docker",
}


def virtualisation(tree: Tree, machine: str, lscpu: dict[str, str], processor: dict[str, str]) -> VirtualisationFacts:
    """Put together what the kernel, DMI and the file system say; `processor` is of `/proc/cpuinfo`."""
    vendor, product = tree.text(f"{_DMI}/sys_vendor"), tree.text(f"{_DMI}/product_name")
    told = lscpu.get("Hypervisor vendor")
    by_dmi = None if vendor in _RENTS_METAL and _shows(processor) is False else hypervisor_by_dmi(vendor, product)
    hypervisor = _WSL2 if is_wsl2(tree) else told or by_dmi
    reason = emulation(machine, tree.text("proc/sys/kernel/arch"), processor)
    return VirtualisationFacts(
        is_virtual=True if hypervisor else _shows(processor),
        hypervisor=hypervisor,
        container=container(tree),
        system_vendor=vendor,
        system_product=product,
        emulated=True if reason else None,
        emulated_reason=reason,
    )


def _shows(processor: dict[str, str]) -> bool | None:
    """Whether a processor is a guest's: on x86 it has a flag, whose absence tells too; on ARM it tells nothing."""
    return "hypervisor" in processor["flags"].split() if "flags" in processor else None


def is_wsl2(tree: Tree) -> bool:
    """Whether this is Linux within Windows: its kernel is Microsoft's own, a virtual machine."""
    kernel = (tree.text("proc/sys/kernel/osrelease") or "").lower()
    return "microsoft" in kernel and "wsl2" in kernel


def hypervisor_by_dmi(vendor: str | None, product: str | None) -> str | None:
    """Tell the hypervisor from the system's vendor; an instance type with 'metal' has none."""
    if "metal" in (product or ""):
        return None
    if vendor == "Microsoft Corporation":
        return "Hyper-V" if product == "Virtual Machine" else None
    return _HYPERVISOR_BY_VENDOR.get(vendor or "")


def container(tree: Tree) -> str | None:
    """Name the container engine that left its mark, or `None`."""
    for path, engine in _CONTAINER_FILES.items():
        if tree.exists(path):
            return engine
    return tree.text("run/systemd/container")


def emulation(machine: str, kernel_arch: str | None, processor: dict[str, str]) -> str | None:
    """Say why instructions must be interpreted here, or `None` where there is no sign of it."""
    if kernel_arch and _family(kernel_arch) != _family(machine):
        return f"the kernel is {kernel_arch} while programs are {machine}"
    if processor.get("model name", "").startswith("QEMU TCG CPU"):
        return "the CPU calls itself QEMU TCG"
    if (processor.get("CPU implementer"), processor.get("CPU part")) == ("0x00", "0x051"):
        return "the CPU number is that of QEMU's 'max' model"
    if "CPU implementer" in processor and processor.get("BogoMIPS") == "125.00":
        return "the ARM timer ticks at 62.5 MHz (BogoMIPS 125.00), which is QEMU's own default"
    return None


def _family(machine: str) -> str:
    if machine.startswith(("aarch64", "arm")):
        return "arm"
    return "x86" if machine in {"x86_64", "amd64", "i386", "i586", "i686"} else machine
