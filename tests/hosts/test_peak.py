"""Arithmetic peaks: the program that measures them, and what is made of its words."""

import platform
import signal
import subprocess
from pathlib import Path

import pytest

from profiler.hosts import peak

needs_compiler = pytest.mark.skipif(peak.compiler() is None, reason="there is no C compiler on this system")


def test_the_fastest_pass_counts() -> None:
    # 4e9 operations in 2 s, then in 1 s
    found = peak.best_pass("avx2-fma 4000000000 2000000000\navx2-fma 4000000000 1000000000\n", 0)

    assert (found.operations_per_s, found.how, found.reason) == (4e9, "avx2-fma", None)


def test_the_name_of_a_kernel_may_have_spaces() -> None:
    assert peak.best_pass("as the compiler does 10 1000000000\n", 0).how == "as the compiler does"


@pytest.mark.parametrize(
    ("printed", "exit_code", "sign"),
    [("", 0, "no instruction"), ("", -signal.SIGILL, "refused an instruction"), ("x 1 1", 3, "ended with 3")],
)
def test_no_peak_has_a_reason(printed: str, exit_code: int, sign: str) -> None:
    found = peak.best_pass(printed, exit_code)

    assert found.operations_per_s is None
    assert sign in (found.reason or "")


def test_without_a_compiler_nothing_is_measured_and_the_remedy_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CC", raising=False)

    found = peak.peaks(threads=1)

    assert set(found) == set(peak.TYPES)
    assert all(entry.operations_per_s is None and "install gcc" in (entry.reason or "") for entry in found.values())


def test_a_compiler_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "broken-cc"
    broken.write_text("#!/bin/sh\necho 'no headers here' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", f"{broken} -m64")

    assert peak.compiler() == [str(broken), "-m64"]
    assert "no headers here" in (peak.peaks(threads=1)["f32"].reason or "")


@needs_compiler
def test_the_compiler_gives_no_warning(tmp_path: Path) -> None:
    command = [*(peak.compiler() or []), "-O3", "-Wall", "-Wextra", str(peak._SOURCE), "-o", str(tmp_path / "peak")]
    shown = subprocess.run([*command, "-lpthread"], capture_output=True, text=True, check=True)

    assert shown.stderr == ""


@needs_compiler
@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are x86-64 targets: none to compile on this system")
@pytest.mark.parametrize(
    ("target", "instructions"),
    [
        ("sapphirerapids", {"tdpbssd", "tdpbf16ps", "vpdpbusd", "vdpbf16ps", "vfmadd132ps"}),
        ("cascadelake", {"vpdpbusd", "vfmadd132ps"}),
        ("skylake-avx512", {"vpmaddubsw", "vfmadd132ps"}),
        ("haswell", {"vpmaddubsw", "vfmadd132ps"}),
    ],
)
def test_each_target_repeats_its_best_instructions(target: str, instructions: set[str], tmp_path: Path) -> None:
    """What cannot run here can be compiled: no loop has been optimised away."""
    assembly = tmp_path / "peak.s"
    command = [*(peak.compiler() or []), "-O3", f"-march={target}", "-S", str(peak._SOURCE), "-o", str(assembly)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(f"the compiler does not know {target} on this system")
    words = assembly.read_text().split()

    assert instructions <= set(words)
    assert all(words.count(name) >= (4 if name.startswith("tdp") else 12) for name in instructions)


@needs_compiler
def test_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peak, "_PASSES", 2)
    monkeypatch.setattr(peak, "_PASS_MS", 10)
    heard: list[float] = []

    found = peak.peaks(threads=2, on_type=heard.append)

    assert heard == [0.25, 0.5, 0.75, 1.0]
    assert 1e7 < (found["f32"].operations_per_s or 0) < 1e15
    assert found["f32"].how
    assert all(entry.operations_per_s or entry.reason for entry in found.values())
