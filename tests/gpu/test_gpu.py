"""What of the proof on a card needs no card: the comparison with nvidia-smi, and which files are carried."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # as `python tests/gpu/prove.py` has it

import carry
import prove
from agreement import FEWEST, Agreement, SmiLine, agreements, read_smi

S = 1_000_000_000
MIB = 2**20


def line(t_s: float, *values: float | None) -> SmiLine:
    return SmiLine(round(t_s * S), values)


def sample(t_s: float, **reading: Any) -> dict[str, Any]:
    return {"t_ns": round(t_s * S), "cards": [{"card": "nvml:0", **reading}, {"card": "nvml:1", "busy_ratio": 0.0}]}


def compared(samples: list[dict[str, Any]], lines: list[SmiLine]) -> dict[str, Agreement]:
    return {one.reading: one for one in agreements(samples, lines)}


def test_readings_are_compared_with_the_line_nearest_in_time() -> None:
    # ours at 0, 1, …, 11 s; theirs 0.2 s later, and one that is 0.7 s from any of ours
    samples = [sample(t, busy_ratio=0.97, memory_used_bytes=1000 * MIB, power_w=300 + t) for t in range(12)]
    lines = [line(t + 0.2, 95, 1010, None, 1755, 2619, 340 + t) for t in range(12)]
    found = compared(samples, lines)
    assert (found["busy_ratio"].n, found["busy_ratio"].difference) == (12, pytest.approx(2.0))
    assert (found["memory_used_bytes"].difference, found["memory_used_bytes"].agrees) == (pytest.approx(10.0), True)
    # 40 W apart; a tenth of the median of 340 to 351 W is 34.55 W
    assert (found["power_w"].difference, found["power_w"].limit) == (pytest.approx(40), pytest.approx(34.55))
    assert found["power_w"].agrees is False
    # not told by one of the two
    assert (found["temperature_c"].n, found["temperature_c"].agrees) == (0, None)
    assert (found["sm_clock_mhz"].n, found["sm_clock_mhz"].agrees) == (0, None)


def test_moments_too_far_apart_or_too_few_say_nothing() -> None:
    lines = [line(0.7, 95, None, None, None, None, None)]
    assert compared([sample(0.0, busy_ratio=0.95)], lines)["busy_ratio"].n == 0
    few = compared([sample(0.7, busy_ratio=0.95)] * (FEWEST - 1), lines)["busy_ratio"]
    assert (few.n, few.agrees) == (FEWEST - 1, None)


def test_a_log_of_nvidia_smi(tmp_path: Path) -> None:
    log = tmp_path / "smi.csv"
    log.write_text("17, 97, 41984, 71, 1755, 2619, 300.12\n18, [N/A], 1, 2, 3, 4, 5\n19, 97, 419\nNo devices\n")
    first, second = read_smi(log)
    assert (first.t_ns, first.values) == (17, (97, 41984, 71, 1755, 2619, 300.12))
    assert second.values[0] is None
    assert read_smi(tmp_path / "missing") == []


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("CMakeLists.txt", True),
        ("ggml/src/ggml-cuda/template-instances/fattn-vec-instance-f16-f16.cu", True),
        ("ggml/src/ggml-cpu/ggml-cpu.c", True),
        ("ggml/src/ggml-quants.c", True),
        ("ggml/src/ggml-vulkan/ggml-vulkan.cpp", False),
        ("tools/server/server.cpp", True),
        ("tools/server/tests/unit/test_chat.py", False),
        ("tools/ui/CMakeLists.txt", True),
        ("scripts/ui-assets.cmake", True),  # which the server's build runs, with or without its pages
        ("scripts/sync-ggml.sh", False),
        ("tools/ui/src/app.html", False),
        ("models/ggml-vocab-llama-bpe.gguf", False),
        ("docs/build.md", False),
    ],
)
def test_which_files_of_the_source_are_carried(name: str, needed: bool) -> None:
    assert carry.is_compiled(name) is needed


def test_what_a_slim_toolkit_has_not_is_found(tmp_path: Path) -> None:
    package, driver = tmp_path / "site" / "nvidia" / "cu13", tmp_path / "libcuda.so.1"
    for file in ("include/cublas_v2.h", "lib/libcublas.so.13", "lib/libcublasLt.so.13"):
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        (package / file).write_text("")
    driver.write_text("")
    found = prove.cuda_libraries(tmp_path / "work", [str(tmp_path / "site")], ["/nowhere", str(driver)])
    assert found["CPATH"] == str(package / "include")
    links = Path(found["CMAKE_LIBRARY_PATH"])
    assert {path.name: path.resolve() for path in links.iterdir()} == {
        "libcublas.so": package / "lib/libcublas.so.13",
        "libcublasLt.so": package / "lib/libcublasLt.so.13",
        "libcuda.so": driver,
    }
    assert set(prove.cuda_libraries(tmp_path / "other", [str(tmp_path)], [])) == {"CMAKE_LIBRARY_PATH"}


def test_a_failed_step_is_kept_with_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now_s=0.0)
    monkeypatch.setattr(prove.time, "monotonic", lambda: clock.now_s)
    steps = prove.Steps(tmp_path, 100.0)
    with pytest.raises(SystemExit), steps.step("build"):
        clock.now_s = 60.0
        raise SystemExit("no compiler")
    assert steps.taken == [{"step": "build", "seconds": 60.0, "ok": False}]
    assert steps.left_s == 25.0  # 100 − 60 − 15 for packing
