from support.extras import needed

from profiler.models import ggml


def test_tensor_types_are_those_of_gguf() -> None:
    constants = needed("gguf.constants")
    for number, known in ggml.TENSOR_TYPES.items():
        kind = constants.GGMLQuantizationType(number)
        assert known == (kind.name, *constants.GGML_QUANT_SIZES[kind])


def test_file_types_are_those_of_gguf() -> None:
    constants = needed("gguf.constants")
    for number, name in ggml.FILE_TYPES.items():
        assert constants.LlamaFileType(number).name == ("ALL_F32" if name == "F32" else f"MOSTLY_{name}")


def test_stored_bytes_count_whole_blocks() -> None:
    assert ggml.stored_bytes(10, ggml.F32) == 40
    assert ggml.stored_bytes(64, 8) == 68  # Q8_0: two blocks of 34 bytes
    assert ggml.stored_bytes(33, 8) == 68
    assert ggml.stored_bytes(33, 99) is None
