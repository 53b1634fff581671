"""Running a program that nobody has read: bubblewrap around it, a filter of system calls beneath it.

Such a program sees the system's programs and libraries and one Python, all read-only: no home, no `/proc`, no network,
no device but the harmless ones, no environment, no place to write to. It has namespaces of its own for users,
processes, mounts, network, IPC and host name, no capabilities, and dies with whoever started it.

The filter takes away what limits of a process cannot bound: further processes and threads, shared memory that outlives
its mapping, and further namespaces, in which it would have rights again. A limit on processes would not do: the kernel
does not apply it to root, whom containers run as.

Sources: bwrap(1); Linux, Documentation/userspace-api/seccomp_filter.rst, uapi/linux/filter.h and seccomp.h, and the
tables of system calls (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
"""

import platform
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

PROGRAM = "bwrap"
_SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store", "/etc/ld.so.cache")
_TRY_S = 20.0
_INSTALL = "Install it: apt-get install bubblewrap (Debian, Ubuntu), dnf install bubblewrap (Fedora, RHEL)."
_PERMIT = (
    "It needs user namespaces. In a container: run it with --security-opt seccomp=unconfined or --privileged. "
    "Ubuntu 24.04 and newer: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0."
)


class Isolated(NamedTuple):
    """How to start something isolated."""

    command: list[str]
    rules: int  # a descriptor that it has to inherit


class _Machine(NamedTuple):
    """A processor as the kernel's filters know it: its number (linux/audit.h) and its system calls by name."""

    audit_arch: int
    calls: dict[str, int]
    foreign_from: int | None = None  # calls from this number on are of another table


_SINCE_2019 = {"io_uring_setup": 425, "clone3": 435}  # the same number on all processors
_MACHINES = {
    "x86_64": _Machine(
        audit_arch=0xC000003E,
        calls={
            **_SINCE_2019, "shmget": 29, "clone": 56, "fork": 57, "vfork": 58, "ptrace": 101, "mount": 165,
            "add_key": 248, "request_key": 249, "keyctl": 250, "unshare": 272, "perf_event_open": 298, "setns": 308,
            "memfd_create": 319, "bpf": 321, "userfaultfd": 323,
        },
        foreign_from=0x40000000,
    ),
    "aarch64": _Machine(
        audit_arch=0xC00000B7,
        calls={
            **_SINCE_2019, "mount": 40, "unshare": 97, "ptrace": 117, "shmget": 194, "add_key": 217,
            "request_key": 218, "keyctl": 219, "clone": 220, "perf_event_open": 241, "setns": 268,
            "memfd_create": 279, "bpf": 280, "userfaultfd": 282,
        },
    ),
}  # fmt: skip

_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF_LD+W+ABS, BPF_JMP+JEQ/JGE+K, BPF_RET+K
_NUMBER_OFFSET, _ARCH_OFFSET = 0, 4  # of struct seccomp_data
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | 1  # the last one: EPERM


def lacking() -> str | None:
    """Return why nothing can be isolated on this machine and what to do about it; `None` where it can."""
    if platform.system() != "Linux" or platform.machine() not in _MACHINES:
        what = f"{platform.system()} on {platform.machine()}"
        return f"code can be isolated on Linux on {' and '.join(_MACHINES)} only, and this is {what}"
    program = shutil.which(PROGRAM)
    if program is None:
        return f"bubblewrap ({PROGRAM}) is not installed. {_INSTALL}"
    said = _refusal(program)
    return said and f"bubblewrap does not work here ({said}). {_PERMIT}"


@cache
def _refusal(program: str) -> str | None:
    """Return what bubblewrap says where it cannot isolate a program that does nothing, else `None`."""
    try:
        with isolated_python(["-c", ""], program) as (command, rules):
            done = subprocess.run(command, pass_fds=[rules], env={}, capture_output=True, check=False, timeout=_TRY_S)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
    return None if done.returncode == 0 else (last or [f"exit code {done.returncode}"])[0]


@contextmanager
def isolated_python(arguments: Sequence[str], program: str | None = None) -> Iterator[Isolated]:
    """Yield how to run a bare Python isolated.

    It is the interpreter behind the environment that this one runs in, with its standard library and nothing installed.
    Raises `OSError`.
    """
    with tempfile.TemporaryFile() as rules:
        rules.write(syscall_filter(_MACHINES[platform.machine()]))
        rules.seek(0)
        python = Path(sys.executable).resolve()
        bare = [str(python), "-I", "-S", "-B", "-X", "utf8"]
        options = _options(python.parent, rules.fileno())
        yield Isolated([program or shutil.which(PROGRAM) or PROGRAM, *options, "--", *bare, *arguments], rules.fileno())


def _options(programs: Path, rules: int) -> list[str]:
    own = sorted({sys.base_prefix, sys.base_exec_prefix, str(programs)})
    readable = [part for path in (*_SYSTEM, *own) for part in ("--ro-bind-try", path, path)]
    apart = ["--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534", "--hostname", "isolated"]
    fixed = [part for path in ("/dev", "/") for part in ("--remount-ro", path)]
    rights = ["--cap-drop", "ALL", "--new-session", "--die-with-parent", "--seccomp", str(rules)]
    return [*apart, *readable, "--dev", "/dev", *fixed, "--chdir", "/", *rights]


def syscall_filter(machine: _Machine) -> bytes:
    """Return the filter as the kernel takes it (array of struct sock_filter): what is not refused is allowed."""
    steps = [_step(_LOAD, _ARCH_OFFSET), _step(_IF_EQUAL, machine.audit_arch, skip_if_true=1), _step(_RETURN, _KILL)]
    steps.append(_step(_LOAD, _NUMBER_OFFSET))
    if machine.foreign_from is not None:
        steps += [_step(_IF_AT_LEAST, machine.foreign_from, skip_if_false=1), _step(_RETURN, _REFUSE)]
    for number in sorted(machine.calls.values()):
        steps += [_step(_IF_EQUAL, number, skip_if_false=1), _step(_RETURN, _REFUSE)]
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def _step(code: int, value: int, *, skip_if_true: int = 0, skip_if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, skip_if_true, skip_if_false, value)
