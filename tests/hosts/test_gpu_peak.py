"""Limits of GPUs: measured by a program that is made up here, else of data sheets; the real one is only compiled."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from profiler.hosts import gpu_peak
from profiler.results.host_facts import GpuFacts, GpuRoofFacts

A100, H100, T4 = "NVIDIA A100-SXM4-80GB", "NVIDIA H100 80GB HBM3", "Tesla T4"
NVCC = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
while [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; shift; done
cp "$(dirname "$0")/program" "$out"; chmod +x "$out"
"""
PROGRAM = """#!/bin/sh
case "$1 $2" in
  "list ") printf '0 8.0 NVIDIA A100-SXM4-80GB\\n1 8.0 NVIDIA A100-SXM4-80GB\\n2 9.0 NVIDIA H100 80GB HBM3\\n';;
  "memory 0") printf 'read 1000 500\\nread 1000 400\\n';;
  "memory 2") echo 'out of memory' >&2; exit 1;;
  "f16 0") printf 'mma.sync-f16-f32 3000 10\\n';;
  "f16 2") printf 'mma.sync-f16-f32 6000 10\\n';;
esac
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an nvcc that compiles nothing, and what it hands out as the program."""
    for name, text in {"nvcc": NVCC, "program": PROGRAM}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(gpu_peak, "compiler", lambda: str(tmp_path / "nvcc"))
    return tmp_path


def gpu(index: int, name: str, capability: str | None = "8.0", *, mig: bool = False) -> GpuFacts:
    return GpuFacts(index=index, name=name, source="nvml", compute_capability=capability, mig_mode=mig)


def roofs(*gpus: GpuFacts) -> Sequence[GpuRoofFacts]:
    return gpu_peak.roofs(gpus)


def test_one_card_of_each_kind_is_measured(folder: Path) -> None:
    first, second, hopper = roofs(gpu(0, A100), gpu(1, A100), gpu(2, H100, "9.0"))
    # the best of 1000 bytes in 500 and in 400 ns
    assert first.memory_bytes_per_s == 2.5e9
    assert (first.how, first.is_data_sheet) == ("read", False)
    assert first.peaks["f16"].operations_per_s == 3e11
    assert first.peaks["f16"].how == "mma.sync-f16-f32"
    assert second == first.model_copy(update={"index": 1})
    # the program printed nothing for int8
    assert (first.peaks["int8"].operations_per_s, first.peaks["int8"].is_data_sheet) == (624e12, True)
    assert first.peaks["fp8"].operations_per_s is None
    assert "no instruction for it; its data sheet does not say" in (first.peaks["fp8"].reason or "")
    # CUDA had no memory left
    assert (hopper.memory_bytes_per_s, hopper.is_data_sheet) == (3350e9, True)
    assert "-gencode=arch=compute_80,code=sm_80 -gencode=arch=compute_90,code=sm_90" in (folder / "asked").read_text()


def test_matrix_units_that_the_program_does_not_fill_have_the_peak_of_the_data_sheet(folder: Path) -> None:
    (hopper,) = roofs(gpu(2, H100, "9.0"))
    assert (hopper.peaks["f16"].operations_per_s, hopper.peaks["f16"].is_data_sheet) == (989.5e12, True)
    assert (hopper.peaks["f16"].how or "").startswith("data sheet: NVIDIA H100 Tensor Core GPU data sheet")


def test_without_a_compiler_data_sheets_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_peak, "compiler", lambda: None)
    known, unknown = roofs(gpu(0, T4, "7.5"), gpu(1, "NVIDIA A10G", "8.6"))
    assert (known.memory_bytes_per_s, known.is_data_sheet) == (320e9, True)
    assert unknown.memory_bytes_per_s is None
    assert unknown.reason == (
        "no nvcc was found; install the CUDA toolkit, then: aforo host roofline --refresh; no data sheet is known of "
        "NVIDIA A10G"
    )
    assert all(peak.operations_per_s is None and peak.reason for peak in unknown.peaks.values())


def test_cards_that_know_no_cuda_start_no_compiler(folder: Path) -> None:
    (amd,) = roofs(gpu(0, "AMD Instinct MI300X", None))
    assert (amd.memory_bytes_per_s, amd.peaks["fp8"].operations_per_s) == (5300e9, 2614.9e12)
    assert not (folder / "asked").exists()


def test_a_card_that_the_environment_hides_is_left_alone(folder: Path) -> None:
    (hidden,) = roofs(gpu(0, "NVIDIA L4", "8.9"))
    assert (hidden.memory_bytes_per_s, hidden.is_data_sheet) == (300e9, True)


def test_a_card_in_slices_has_no_limits_of_its_own(folder: Path) -> None:
    (cut,) = roofs(gpu(0, A100, mig=True))
    assert (cut.memory_bytes_per_s, cut.peaks) == (None, {})
    assert "MIG slices" in (cut.reason or "")


@pytest.mark.parametrize(
    ("nvcc", "program", "reason"),
    [
        ("#!/bin/sh\necho 'nvcc fatal: Unsupported gpu architecture' >&2\nexit 1\n", PROGRAM, "Unsupported gpu arch"),
        (NVCC, "#!/bin/sh\necho 'CUDA driver version is insufficient' >&2\nexit 1\n", "CUDA shows no device: CUDA dr"),
    ],
)
def test_what_fails_is_the_reason(folder: Path, nvcc: str, program: str, reason: str) -> None:
    (folder / "nvcc").write_text(nvcc)
    (folder / "program").write_text(program)
    (found,) = roofs(gpu(0, "NVIDIA A10G", "8.6"))
    assert reason in (found.reason or "")


@pytest.mark.skipif(gpu_peak.compiler() is None, reason="no nvcc")
@pytest.mark.parametrize("number", ["75", "90"])
def test_the_program_compiles(tmp_path: Path, number: str) -> None:
    nvcc = gpu_peak.compiler()
    assert nvcc is not None
    words = [nvcc, "-std=c++17", f"-gencode=arch=compute_{number},code=sm_{number}", "-Werror=all-warnings", "-c"]
    subprocess.run([*words, str(gpu_peak._SOURCE), "-o", str(tmp_path / "o")], check=True)
