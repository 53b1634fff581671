"""Hosts written from published facts where none could be recorded: `/proc` and `/sys` as a kernel lays them out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support.recorded_host import Recording

KIB = 1024
DMI = "sys/devices/virtual/dmi/id"


@dataclass(frozen=True)
class Written:
    """Facts of a host. `caches` are (level, type, KiB, logical CPUs that share one)."""

    machine: str
    cpus: int
    cpuinfo: Mapping[str, str]
    caches: Sequence[tuple[int, str, int, int]]
    threads_per_core: int = 1
    sockets: int = 1
    numa_nodes: int = 1
    memory_gib: int = 32
    dmi: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def lay_out(self, root: Path) -> Recording:
        """Write the files; lscpu is not asked."""
        host = Recording(root, "")
        host.write("proc/cpuinfo", "\n\n".join(self._block(cpu) for cpu in range(self.cpus)) + "\n")
        host.write("proc/meminfo", f"MemTotal: {self.memory_gib * KIB * KIB} kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
        host.write("sys/devices/system/cpu/online", f"0-{self.cpus - 1}\n")
        for cpu in range(self.cpus):
            self._write_cpu(host, cpu)
        for node in range(self.numa_nodes):
            first, last = self._part(node, self.numa_nodes)
            host.write(f"sys/devices/system/node/node{node}/cpulist", f"{first}-{last}\n")
        for path, text in {**{f"{DMI}/{key}": text for key, text in self.dmi.items()}, **self.files}.items():
            host.write(path, text)
        return host

    def _block(self, cpu: int) -> str:
        return "\n".join([f"processor\t: {cpu}", *(f"{key}\t: {value}" for key, value in self.cpuinfo.items())])

    def _write_cpu(self, host: Recording, cpu: int) -> None:
        folder = f"sys/devices/system/cpu/cpu{cpu}"
        host.write(f"{folder}/topology/physical_package_id", f"{cpu * self.sockets // self.cpus}\n")
        host.write(f"{folder}/topology/thread_siblings_list", _group(cpu, self.threads_per_core))
        for index, (level, kind, size_kib, sharing) in enumerate(self.caches):
            cache = f"{folder}/cache/index{index}"
            host.write(f"{cache}/level", f"{level}\n")
            host.write(f"{cache}/type", f"{kind}\n")
            host.write(f"{cache}/size", f"{size_kib}K\n")
            host.write(f"{cache}/shared_cpu_list", _group(cpu, sharing))

    def _part(self, number: int, parts: int) -> tuple[int, int]:
        each = self.cpus // parts
        return number * each, (number + 1) * each - 1


def _group(cpu: int, size: int) -> str:
    first = cpu // size * size
    return f"{first}\n" if size == 1 else f"{first}-{first + size - 1}\n"


N1 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs"
V1 = N1 + " sha3 sha512 sve asimdfhm uscat ilrcpc paca pacg dcpodp svei8mm svebf16 i8mm bf16 dgh rng"
V2 = V1 + " sve2 sveaes svepmull svebitperm svesha3 flagm2 frint bti"
AVX2 = "fpu sse sse2 pni ssse3 fma cx16 sse4_1 sse4_2 movbe popcnt aes xsave avx f16c rdrand abm bmi1 avx2 bmi2"
AVX512 = AVX2 + " avx512f avx512dq avx512cd avx512bw avx512vl avx512_vnni"
AMX = AVX512 + " avx512_bf16 avx_vnni avx512_fp16 amx_bf16 amx_tile amx_int8"
GUEST = " hypervisor"


def _arm(part: str, features: str, bogomips: str) -> dict[str, str]:
    return {
        "BogoMIPS": bogomips,
        "Features": features,
        "CPU implementer": "0x41",
        "CPU architecture": "8",
        "CPU part": part,
    }


def _x86(vendor: str, family: int, model: int, name: str, flags: str) -> dict[str, str]:
    return {
        "vendor_id": vendor,
        "cpu family": str(family),
        "model": str(model),
        "model name": name,
        "stepping": "1",
        "cpu MHz": "2600.000",
        "flags": flags,
    }


def _arm_caches(cpus: int, l2_kib: int, l3_mib: int) -> list[tuple[int, str, int, int]]:
    return [
        (1, "Data", 64, 1),
        (1, "Instruction", 64, 1),
        (2, "Unified", l2_kib, 1),
        (3, "Unified", l3_mib * KIB, cpus),
    ]


def _x86_caches(l1_kib: int, l2_kib: int, l3_mib: int, threads: int, sharing: int) -> list[tuple[int, str, int, int]]:
    return [
        (1, "Data", l1_kib, threads),
        (1, "Instruction", 32, threads),
        (2, "Unified", l2_kib, threads),
        (3, "Unified", l3_mib * KIB, sharing),
    ]


def _ec2(instance_type: str) -> dict[str, str]:
    return {"sys_vendor": "Amazon EC2", "product_name": instance_type, "board_asset_tag": "i-0abcdef1234567890"}


# Parts and features: Linux, arch/arm64/include/asm/cputype.h; cache sizes: the Arm cores' technical reference
# manuals, and what the makers publish of Graviton (AWS), Altra (Ampere) and Grace (NVIDIA).
# Families and models: Linux, intel-family.h and amd.c; cache sizes: ark.intel.com and amd.com.
HOSTS: dict[str, Written] = {
    "graviton2": Written(
        "aarch64", 64, _arm("0xd0c", N1, "243.75"), _arm_caches(64, 1024, 32), dmi=_ec2("c6g.16xlarge"), memory_gib=128
    ),
    "graviton3": Written(
        "aarch64", 48, _arm("0xd40", V1, "2100.00"), _arm_caches(48, 1024, 32), dmi=_ec2("c7g.12xlarge"), memory_gib=96
    ),
    "graviton4": Written(
        "aarch64", 64, _arm("0xd4f", V2, "2000.00"), _arm_caches(64, 2048, 36), dmi=_ec2("c8g.16xlarge"), memory_gib=128
    ),
    "altra": Written(
        "aarch64",
        80,
        _arm("0xd0c", N1, "50.00"),
        _arm_caches(80, 1024, 32),
        dmi={"sys_vendor": "GIGABYTE", "product_name": "R272-P30-JG"},
    ),
    "grace": Written(
        "aarch64",
        72,
        _arm("0xd4f", V2, "2000.00"),
        _arm_caches(72, 1024, 114),
        memory_gib=480,
        dmi={"sys_vendor": "NVIDIA", "product_name": "Grace Hopper"},
    ),
    "grace-on-ec2": Written(
        "aarch64", 72, _arm("0xd4f", V2, "2000.00"), _arm_caches(72, 1024, 114), dmi=_ec2("p6e-gb200.36xlarge")
    ),
    "cobalt": Written(
        "aarch64",
        8,
        {**_arm("0xd49", V2, "2000.00"), "CPU implementer": "0x6d"},
        _arm_caches(8, 1024, 64),
        dmi={"sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"},
    ),
    "orin": Written("aarch64", 12, _arm("0xd42", N1, "62.50"), _arm_caches(12, 256, 2)),  # a Jetson's
    "axion-n4a": Written("aarch64", 8, _arm("0xd8e", V2, "2000.00"), _arm_caches(8, 1024, 64)),
    "xeon-w": Written(
        "x86_64",
        112,
        _x86("GenuineIntel", 6, 0x8F, "Intel(R) Xeon(R) w9-3495X", AMX),
        _x86_caches(48, 2048, 105, 2, 112),
        threads_per_core=2,
    ),
    "gce-metal": Written(
        "x86_64",
        192,
        _x86("GenuineIntel", 6, 0x8F, "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", AMX),
        _x86_caches(48, 2048, 105, 2, 96),
        threads_per_core=2,
        sockets=2,
        dmi={"sys_vendor": "Google", "product_name": "Google Compute Engine"},
    ),
    "sapphire-rapids": Written(
        "x86_64",
        16,
        _x86("GenuineIntel", 6, 143, "Intel(R) Xeon(R) Platinum 8488C", AMX + GUEST),
        _x86_caches(48, 2048, 105, 2, 16),
        threads_per_core=2,
        dmi=_ec2("c7i.4xlarge"),
    ),
    "emerald-rapids": Written(
        "x86_64",
        8,
        _x86("GenuineIntel", 6, 207, "INTEL(R) XEON(R) PLATINUM 8581C CPU @ 2.10GHz", AMX + GUEST),
        _x86_caches(48, 2048, 260, 2, 8),
        threads_per_core=2,
        dmi={"sys_vendor": "Google", "product_name": "Google Compute Engine"},
    ),
    "granite-rapids": Written(
        "x86_64",
        8,
        _x86("GenuineIntel", 6, 173, "Intel(R) Xeon(R) 6975P-C", AMX + " amx_fp16" + GUEST),
        _x86_caches(48, 2048, 480, 2, 8),
        threads_per_core=2,
        dmi=_ec2("c8i.2xlarge"),
    ),
    "milan": Written(
        "x86_64",
        8,
        _x86("AuthenticAMD", 25, 1, "AMD EPYC 7763 64-Core Processor", AVX2 + GUEST),
        _x86_caches(32, 512, 32, 2, 8),
        threads_per_core=2,
        dmi={
            "sys_vendor": "Microsoft Corporation",
            "product_name": "Virtual Machine",
            "chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77",
        },
    ),
    "genoa": Written(
        "x86_64",
        16,
        _x86("AuthenticAMD", 25, 17, "AMD EPYC 9R14", AVX512 + " avx512_bf16" + GUEST),
        _x86_caches(32, 1024, 32, 1, 8),
        dmi=_ec2("c7a.4xlarge"),
    ),
    "turin": Written(
        "x86_64",
        256,
        _x86("AuthenticAMD", 26, 2, "AMD EPYC 9755 128-Core Processor", AVX512 + " avx512_bf16 avx_vnni"),
        _x86_caches(48, 1024, 32, 2, 16),
        threads_per_core=2,
        numa_nodes=4,
        memory_gib=768,
        dmi={"sys_vendor": "Supermicro", "product_name": "AS-2015HS-TNR"},
    ),
    "h100-host": Written(
        "x86_64",
        224,
        _x86("GenuineIntel", 6, 143, "Intel(R) Xeon(R) Platinum 8480C", AMX),
        _x86_caches(48, 2048, 105, 2, 112),
        threads_per_core=2,
        sockets=2,
        numa_nodes=2,
        memory_gib=2048,
        dmi={"sys_vendor": "NVIDIA", "product_name": "DGXH100"},
        files={"sys/devices/system/cpu/intel_pstate/no_turbo": "0\n", "proc/sys/kernel/numa_balancing": "1\n"},
    ),
    "container": Written(
        "x86_64",
        16,
        _x86("AuthenticAMD", 25, 17, "AMD EPYC 9R14", AVX512 + GUEST),
        _x86_caches(32, 1024, 32, 1, 8),
        memory_gib=64,
        files={
            ".dockerenv": "",
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/cgroup.controllers": "cpuset cpu memory\n",
            "sys/fs/cgroup/cpu.max": "350000 100000\n",
            "sys/fs/cgroup/memory.max": str(8 * KIB**3),
            "sys/fs/cgroup/cpuset.cpus.effective": "0-7\n",
        },
    ),
}
