from profiler.results.manifest import EngineFacts
from profiler.servers.engines import slow_build
from profiler.servers.llama_cpp import unused_instructions

ZEN_4 = ["f16c", "fma", "avx2", "avx512f", "avx512_vnni", "avx512_bf16"]
GRAVITON_3 = ["asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve"]
GENERIC = "CPU : SSE3 = 1 | SSSE3 = 1 | AVX = 1 | AVX2 = 1 | F16C = 1 | FMA = 1 | LLAMAFILE = 1 | REPACK = 1 | "


def engine(build: str | None, name: str = "llama-server") -> EngineFacts:
    return EngineFacts(name=name, build=build)


def test_a_build_for_any_x86_processor_leaves_avx_512_unused() -> None:
    assert unused_instructions(GENERIC, ZEN_4) == ["AVX512", "AVX512_VNNI", "AVX512_BF16"]
    assert unused_instructions(GENERIC, ["f16c", "fma", "avx2"]) == []


def test_a_build_for_any_arm_processor_leaves_its_dot_products_unused() -> None:
    assert unused_instructions("CPU : NEON = 1 | ARM_FMA = 1 | ", GRAVITON_3) == [
        *("FP16_VA", "DOTPROD", "MATMUL_INT8", "SVE")
    ]
    native = "CPU : NEON = 1 | FP16_VA = 1 | MATMUL_INT8 = 1 | SVE = 1 | DOTPROD = 1 | SVE_CNT = 32 | "
    assert unused_instructions(native, GRAVITON_3) == []


def test_devices_are_listed_before_the_processor() -> None:
    build = f"built with cc; CUDA : ARCHS = 900 | USE_GRAPHS = 1 | {GENERIC}"
    assert unused_instructions(build, ["avx2", "amx_int8"]) == ["AMX_INT8"]


def test_a_build_that_does_not_say_is_not_blamed() -> None:
    for build in (None, "", "built with GNU 12.2.0"):
        assert unused_instructions(build, ZEN_4) == []


def test_the_warning_names_the_engine_and_the_way_out() -> None:
    said = slow_build(engine(GENERIC), ZEN_4)
    assert said is not None
    assert said.startswith("llama-server was compiled without AVX512, AVX512_VNNI, AVX512_BF16, which")
    assert said.endswith("aforo engines build llama-server.")
    embedded = slow_build(engine(GENERIC, "llama-cpp-python"), ZEN_4)
    assert embedded is not None
    assert "pip install --force-reinstall --no-cache-dir" in embedded
    assert slow_build(engine(GENERIC, "vllm"), ZEN_4) is None
    assert slow_build(engine(GENERIC), ["avx2"]) is None
