"""An arm64 machine for those who have none: a real Debian kernel and userland, every instruction imitated by QEMU.

`python tests/arm64_machine.py [FOLDER]` gathers what it boots from: Debian's packages, and the two llama.cpp engines,
compiled here for arm64. About ten minutes on two cores and 2 GB, once. `boot` then starts it with a folder of
files, runs the script among them and brings back what that has written.

It shows that everything works on such a processor. It says nothing of how fast: QEMU is what is fast or slow here.
"""

import argparse
import importlib.metadata
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from steps import check_room, do

from profiler.cache import cache_folder
from profiler.servers import llama_build

NEEDED_GIB = 5.0
SYSTEM = "system-2"  # counted up with every change of what is in it
SUITE = "bookworm"
PYTHON = "3.11"  # of that suite
PACKAGES = (
    "busybox-static,bash,coreutils,libgomp1,libstdc++6,linux-image-cloud-arm64,openssh-server,procps,python3,util-linux"
)
PROCESSOR = "neoverse-n1"  # that of Graviton2; the flags are what it has
MARCH = "armv8.2-a+dotprod+fp16"
NEWEST_GLIBC = 36  # of that suite: 2.36
FIRMWARE = Path("/usr/share/qemu-efi-aarch64/QEMU_EFI.fd")
TOOLS = {
    "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
    "cpio": "cpio",
    "mmdebstrap": "mmdebstrap",
    "qemu-system-aarch64": "qemu-system-arm",
}
DRIVERS = ("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk")
DRIVERS += ("failover", "net_failover", "virtio_net")
ADDRESS = "10.0.2.15"  # of the machine, in QEMU's own network, where this one is 10.0.2.2
RESULT_MIB = 256

TOOLCHAIN = """\
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
"""

# The first program of the machine: mounts what programs expect, runs the script, and writes a tar to the bare disk.
INIT = f"""\
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /out
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox mkdir -p /dev/shm
/bin/busybox mount -t tmpfs none /dev/shm
/bin/busybox mount -t tmpfs none /tmp
for driver in {" ".join(DRIVERS)}; do
  [ -e /drivers/$driver.ko ] && /bin/busybox insmod /drivers/$driver.ko
done
/bin/busybox ip link set lo up
/bin/busybox ip address add {ADDRESS}/24 dev eth0 2>/dev/null && /bin/busybox ip link set eth0 up
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LANG=C.UTF-8 PYTHONPATH=/site OUT=/out
cd /payload
bash run.sh >/out/printed.txt 2>&1
echo $? >/out/exit_code
/bin/busybox tar -cf /dev/vda -C /out .
/bin/busybox sync
/bin/busybox poweroff -f
"""


def default_folder() -> Path:
    """Return where it lives unless the user says otherwise."""
    return cache_folder() / f"arm64-machine-{llama_build.SOURCE_VERSION}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Gather what an imitated arm64 machine boots from.")
    parser.add_argument("folder", type=Path, nargs="?", default=default_folder(), help="[%(default)s]")
    folder = parser.parse_args().folder.expanduser().absolute()
    make(folder)
    print(f"The arm64 machine is ready: {folder}")


def make(folder: Path) -> None:
    """Gather everything; what is there already is not made again. Ends with a message where that fails."""
    check_tools()
    check_room(folder, NEEDED_GIB)
    print(f"Making {folder}; what the tools print is in {folder / 'make.log'}", flush=True)
    (folder / "toolchain.cmake").write_text(TOOLCHAIN, "utf-8")
    for name, step in {SYSTEM: make_system, "llama-server": make_server, "wheels": make_wheel}.items():
        if not (folder / name).exists():
            unfinished = folder / f"{name}.unfinished"
            remove(unfinished)
            step(folder, unfinished)
            unfinished.rename(folder / name)


def check_tools() -> None:
    """End with the command that installs what is missing."""
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    missing += [] if FIRMWARE.exists() else ["qemu-efi-aarch64"]
    if missing:
        raise SystemExit(
            "An arm64 machine needs programs that are not here. Debian, Ubuntu: "
            f"sudo apt-get install --no-install-recommends {' '.join(missing)}"
        )


def make_system(folder: Path, made: Path) -> None:
    """Unpack a Debian for arm64; nothing of it is run, so its packages stay without their set-up."""
    command = ["mmdebstrap", "--architectures=arm64", "--variant=extract", f"--include={PACKAGES}", SUITE, str(made)]
    do(folder / "make.log", f"Debian {SUITE} for arm64", command)


def make_server(folder: Path, made: Path) -> None:
    """Compile llama-server for arm64, with the options that `aforo engines build` uses."""
    log, archive = folder / "make.log", source_archive(folder)
    options = [option for option in llama_build._options(with_cuda=False) if not option.startswith("-DGGML_NATIVE")]
    options += cross_options(folder)
    with tempfile.TemporaryDirectory(prefix="llama.cpp-", dir=folder) as work:
        subprocess.run(["tar", "--extract", "--file", str(archive), "--directory", work], check=True)
        (source,) = Path(work).glob("*/vendor/llama.cpp")
        tree = Path(work) / "tree"
        do(log, "Configuring llama-server", ["cmake", "-S", str(source), "-B", str(tree), *options])
        do(log, "llama-server for arm64", ["cmake", "--build", str(tree), "--target", "llama-server"])
        shutil.move(tree / "bin" / "llama-server", made)


def make_wheel(folder: Path, made: Path) -> None:
    """Compile llama-cpp-python for arm64."""
    off = ["LLAVA_BUILD", *(f"LLAMA_BUILD_{part}" for part in ("APP", "EXAMPLES", "SERVER", "TESTS", "TOOLS"))]
    options = [*cross_options(folder), *(f"-D{name}=OFF" for name in off)]
    # Without isolation: for a foreign platform, pip would fetch foreign build tools. From the cache, it would later
    # install what was made here as if it were for this machine.
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-cache-dir"]
    do(
        folder / "make.log",
        "llama-cpp-python for arm64",
        [*pip, "--wheel-dir", str(made), str(source_archive(folder))],
        {"_PYTHON_HOST_PLATFORM": "linux-aarch64", "CMAKE_ARGS": shlex.join(options), "CXXFLAGS": ""},
    )


def cross_options(folder: Path) -> list[str]:
    """Return what tells CMake to compile for the machine's processor."""
    return [f"-DCMAKE_TOOLCHAIN_FILE={folder / 'toolchain.cmake'}", "-DGGML_NATIVE=OFF", f"-DGGML_CPU_ARM_ARCH={MARCH}"]


def source_archive(folder: Path) -> Path:
    """Return the archive of llama-cpp-python, downloaded once."""
    name, version = llama_build.SOURCE, llama_build.SOURCE_VERSION
    if not any(folder.glob("*.tar.gz")):
        pip = [sys.executable, "-m", "pip", "download", "--dest", str(folder), "--no-deps", "--no-build-isolation"]
        do(folder / "make.log", "The source", [*pip, "--no-binary", name, f"{name}=={version}"])
    (archive,) = folder.glob("*.tar.gz")
    return archive


def boot(folder: Path, payload: Path, out: Path, timeout_s: float, ssh_port: int | None = None) -> int:
    """Run `payload/run.sh` on the machine, with Aforo as it is installed here; return its exit code.

    Its port 22 is `ssh_port` of our loopback, if given; otherwise it has no network. Its `$OUT` comes back as `out`,
    with what it printed in `printed.txt` and what the kernel said in `console.log`.
    Raises `subprocess.TimeoutExpired`, and `CalledProcessError` where the machine ended without a result.
    """
    with tempfile.TemporaryDirectory(prefix="boot-", dir=folder) as name:
        archive, disk = Path(name) / "initrd.gz", Path(name) / "result.img"
        pack(folder, payload, Path(name) / "root", archive)
        with disk.open("wb") as empty:
            empty.truncate(RESULT_MIB * 2**20)
        machine = ["-machine", "virt,gic-version=3", "-cpu", PROCESSOR, "-smp", "2", "-m", "4096", *network(ssh_port)]
        screen = ["-display", "none", "-monitor", "none", "-serial", f"file:{out / 'console.log'}", "-no-reboot"]
        (kernel,) = (folder / SYSTEM / "boot").glob("vmlinuz-*")
        system = ["-bios", str(FIRMWARE), "-kernel", str(kernel), "-initrd", str(archive)]
        start = ["-append", "console=ttyAMA0 rdinit=/init quiet panic=-1"]
        drive = [
            "-drive",
            f"file={disk},format=raw,if=none,id=result",
            "-device",
            "virtio-blk-pci,drive=result,romfile=",
        ]
        words = ["qemu-system-aarch64", *machine, *screen, *system, *start, *drive, *as_a_cloud_instance()]
        subprocess.run(words, stdin=subprocess.DEVNULL, check=True, timeout=timeout_s)
        subprocess.run(["tar", "--extract", "--file", str(disk), "--directory", str(out)], check=True)
    return int((out / "exit_code").read_text())


def network(ssh_port: int | None) -> list[str]:
    """Have it reached from our loopback, and reach nothing itself."""
    if ssh_port is None:
        return ["-nic", "none"]
    forward = f"hostfwd=tcp:127.0.0.1:{ssh_port}-{ADDRESS}:22"
    return ["-netdev", f"user,id=net,restrict=on,{forward}", "-device", "virtio-net-pci,netdev=net,romfile="]


def as_a_cloud_instance() -> list[str]:
    """Have the firmware say what it says on a Graviton2 instance, so that the way through `aforo host` is the same."""
    tables = [
        "type=1,manufacturer=Amazon EC2,product=c6g.large",
        "type=2,manufacturer=Amazon EC2,asset=i-00000000000000000",
        "type=3,manufacturer=Amazon EC2,asset=Amazon EC2",
        "type=4,manufacturer=AWS,version=AWS Graviton2",
    ]
    return [word for table in tables for word in ("-smbios", table)]


def pack(folder: Path, payload: Path, root: Path, archive: Path) -> None:
    """Put system, Python packages and payload into one archive, which the machine keeps in memory."""
    subprocess.run(["cp", "--archive", str(folder / SYSTEM), str(root)], check=True)  # device files as such
    modules = {path.stem: path for path in (root / "lib" / "modules").rglob("*.ko")}
    (root / "drivers").mkdir()
    for name in DRIVERS:
        if name in modules:
            shutil.copy(modules[name], root / "drivers")
    for unneeded in ("boot", "lib/modules", "usr/share/doc", "usr/share/locale", "usr/share/man"):
        remove(root / unneeded)
    install(folder, root / "site")
    shutil.copytree(payload, root / "payload")
    shutil.copy(folder / "llama-server", root / "payload")
    (root / "init").write_text(INIT, "utf-8")
    (root / "init").chmod(0o755)
    with archive.open("wb") as packed:
        packing = "find . -print0 | cpio --null --create --format=newc --quiet | gzip -1"
        subprocess.run(["sh", "-c", packing], cwd=root, stdout=packed, check=True)


def install(folder: Path, site: Path) -> None:
    """Install for arm64 what Aforo needs, then Aforo itself as it is installed here."""
    ours = importlib.metadata.distribution("aforo")
    needed = [line.partition(";")[0] for line in ours.requires or [] if "extra ==" not in line]
    engine = f"{llama_build.SOURCE}[server]=={llama_build.SOURCE_VERSION}"
    tags = ["linux_aarch64", "manylinux2014_aarch64"]
    tags += [f"manylinux_2_{minor}_aarch64" for minor in range(17, NEWEST_GLIBC + 1)]
    foreign = ["--only-binary", ":all:", "--python-version", PYTHON, *(f"--platform={tag}" for tag in tags)]
    pip = [sys.executable, "-m", "pip", "install", "--target", str(site), "--find-links", str(folder / "wheels")]
    do(folder / "make.log", "Python packages for arm64", [*pip, *foreign, *needed, engine])
    for file in ours.files or []:
        if ".." not in file.parts:
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(str(file.locate())), site / file)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
