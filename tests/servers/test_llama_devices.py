"""Which GPUs a build of llama-server fills by itself, from what its program prints."""

from pathlib import Path

import pytest
from support.engines import needed_llama_server

from profiler.servers.engine import Cards
from profiler.servers.llama_devices import cards
from profiler.servers.llama_server import ENGINE
from profiler.servers.options import EngineOptions

HELP = """\
-dev,  --device <dev1,dev2,..>          comma-separated list of devices to use for offloading
-ngl,  --gpu-layers, --n-gpu-layers N   max. number of layers to store in VRAM, either an exact number,
                                        'auto', or 'all' (default: auto)
                                        (env: LLAMA_ARG_N_GPU_LAYERS)
-fit,  --fit [on|off]                   whether to adjust unset arguments to fit in device memory (default: 'on')
"""
OLD_HELP = """\
-ngl,  --gpu-layers, --n-gpu-layers N   number of layers to store in VRAM
-sm,   --split-mode {none,layer,row}    how to split the model across multiple GPUs
"""
TWO = """\
  CUDA0: NVIDIA H200 (143771 MiB, 143240 MiB free)
  CUDA1: NVIDIA H200 (143771 MiB, 1000 MiB free)
"""
MIB = 1024 * 1024
H200S = "CUDA0 (NVIDIA H200), CUDA1 (NVIDIA H200)"


def program(folder: Path, devices: str, known: str = HELP) -> Path:
    (folder / "help").write_text(known)
    (folder / "devices").write_text(f"Available devices:\n{devices}")
    path = folder / "llama-server"
    path.write_text(f"#!/bin/sh\ncase $1 in --help) cat {folder}/help;; --list-devices) cat {folder}/devices;; esac\n")
    path.chmod(0o755)
    return path


def found(folder: Path, devices: str = TWO, known: str = HELP, **options: object) -> Cards | None:
    return cards(program(folder, devices, known), EngineOptions(**options), "")  # type: ignore[arg-type]


def test_what_is_free_on_gpus_is_filled_by_default(tmp_path: Path) -> None:
    assert found(tmp_path) == Cards(H200S, 144_240 * MIB)


@pytest.mark.parametrize(
    "devices",
    [
        "  (none)\n",
        "",
        "  BLAS: OpenBLAS (0 MiB, 0 MiB free)\n",
        "  MTL0: Apple M2 (10922 MiB, 10922 MiB free)\n",
        "  Metal: Apple M2 (10922 MiB, 10922 MiB free)\n",
        "  CUDA0: NVIDIA GB10 (122570 MiB, 118900 MiB free)\n",
        "  CUDA0: Orin (62840 MiB, 60000 MiB free)\n",
        "  Vulkan0: AMD Radeon 780M Graphics (RADV PHOENIX) (24000 MiB, 23000 MiB free)\n",
        "  Vulkan0: Radeon 8060S Graphics (RADV GFX1151) (88000 MiB, 87000 MiB free)\n",
        "  Vulkan0: AMD Radeon Graphics (RADV RENOIR) (16000 MiB, 15000 MiB free)\n",
        "  Vulkan0: Intel(R) UHD Graphics 770 (ADL-S GT1) (24000 MiB, 23000 MiB free)\n",
        "  Vulkan0: Intel(R) Arc(tm) Graphics (MTL) (24000 MiB, 23000 MiB free)\n",
    ],
)
def test_a_build_without_gpus_of_their_own_memory_fills_main_memory(tmp_path: Path, devices: str) -> None:
    assert found(tmp_path, devices) is None


@pytest.mark.parametrize(
    "card", ["Intel(R) Arc(tm) A770 Graphics (DG2)", "AMD Radeon RX 7900 XTX (RADV NAVI31)", "NVIDIA GH200 480GB"]
)
def test_cards_have_a_memory_of_their_own(tmp_path: Path, card: str) -> None:
    assert found(tmp_path, f"  Vulkan0: {card} (16288 MiB, 16000 MiB free)\n") == Cards(
        f"Vulkan0 ({card})", 16_000 * MIB
    )


def test_of_older_builds_it_is_not_known_how_much_goes_there(tmp_path: Path) -> None:
    assert found(tmp_path, known=OLD_HELP) == Cards(H200S, None)


@pytest.mark.parametrize("word", ["-ngl", "--device=none", "--fit", "--n-gpu-layers=7"])
def test_nor_where_the_user_passes_on_where_layers_go(tmp_path: Path, word: str) -> None:
    assert found(tmp_path, engine_args=(word,)) == Cards(H200S, None)


def test_a_number_of_layers_that_was_asked_for_is_asked_elsewhere(tmp_path: Path) -> None:
    assert found(tmp_path, gpu_layers=0) is None


def test_a_program_that_is_not_there_or_does_not_know_the_question_is_no_error(tmp_path: Path) -> None:
    assert ENGINE.cards(EngineOptions(engine_path=tmp_path / "none")) is None
    path = tmp_path / "llama-server"
    path.write_text("#!/bin/sh\necho 'error: invalid argument: --list-devices' >&2; exit 1\n")
    path.chmod(0o755)
    assert ENGINE.cards(EngineOptions(engine_path=path)) is None


def test_the_build_of_this_machine_answers() -> None:
    needed_llama_server()
    there = ENGINE.cards(EngineOptions())
    assert there is None or there.names
