"""What is said where code cannot be isolated, and the filter of system calls."""

import platform
import struct
from pathlib import Path

import pytest

from profiler.quality import isolation
from profiler.quality.isolation import _MACHINES, lacking, syscall_filter


@pytest.fixture(autouse=True)
def _on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    isolation._refusal.cache_clear()
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


def test_other_systems_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert lacking() == "code can be isolated on Linux on x86_64 and aarch64 only, and this is Darwin on x86_64"


def test_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert lacking() == (
        "bubblewrap (bwrap) is not installed. Install it: apt-get install bubblewrap (Debian, Ubuntu), "
        "dnf install bubblewrap (Fedora, RHEL)."
    )


def test_refused_namespaces_are_told_in_the_words_of_bubblewrap(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refused = tmp_path / "bwrap"
    refused.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    refused.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = str(lacking())
    assert "does not work here (bwrap: setting up uid map: Permission denied). It needs user namespaces" in reason


def verdict(program: bytes, architecture: int, call: int) -> int:
    """Run a filter as the kernel does (Linux, Documentation/networking/filter.rst)."""
    steps = list(struct.iter_unpack("=HBBI", program))
    accumulator, place = 0, 0
    while True:
        code, if_true, if_false, value = steps[place]
        place += 1
        if code == 0x06:
            return value
        if code == 0x20:
            accumulator = {0: call, 4: architecture}[value]
        else:
            holds = accumulator == value if code == 0x15 else accumulator >= value
            place += if_true if holds else if_false


REFUSED, ALLOWED, KILLED = 0x00050001, 0x7FFF0000, 0x80000000


@pytest.mark.parametrize(("machine", "read", "execve"), [("x86_64", 0, 59), ("aarch64", 63, 221)])
def test_the_filter_refuses_what_is_listed_and_nothing_else(machine: str, read: int, execve: int) -> None:
    known = _MACHINES[machine]
    program = syscall_filter(known)
    assert {verdict(program, known.audit_arch, number) for number in known.calls.values()} == {REFUSED}
    assert {verdict(program, known.audit_arch, number) for number in (read, execve)} == {ALLOWED}
    assert verdict(program, 0x40000003, read) == KILLED  # i386 on the same kernel, whose numbers mean other calls


def test_the_second_table_of_x86_is_refused_whole() -> None:
    assert verdict(syscall_filter(_MACHINES["x86_64"]), 0xC000003E, 0x40000000 | 57) == REFUSED


def test_numbers_are_those_of_the_kernel_headers() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("no kernel headers of x86-64 on this system")
    numbers = dict(line.split()[1:3] for line in header.read_text().splitlines() if line.startswith("#define __NR_"))
    assert {name: int(numbers[f"__NR_{name}"]) for name in _MACHINES["x86_64"].calls} == _MACHINES["x86_64"].calls
