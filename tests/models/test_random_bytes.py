import sys

import pytest
from support.extras import needed

from profiler.models.random_bytes import FIRST, SECOND, RandomBytes, Start

STARTS = {20_261_120: FIRST, 20_261_121: SECOND}


@pytest.fixture
def without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a base install."""
    for module in ("numpy", "numpy.random"):
        monkeypatch.setitem(sys.modules, module, None)


@pytest.mark.parametrize("seed", STARTS)
def test_a_stream_starts_as_numpy_starts_it_for_the_seed(seed: int) -> None:
    state = needed("numpy.random").PCG64(seed).state["state"]
    assert Start(state["state"], state["inc"]) == STARTS[seed]


@pytest.mark.parametrize("seed", STARTS)
@pytest.mark.parametrize("has_numpy", [True, False])
def test_the_stream_is_that_of_numpy(seed: int, has_numpy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 70_000  # more than are drawn at once in plain Python
    expected = needed("numpy.random").PCG64(seed).random_raw(count).astype("<u8").tobytes()
    if not has_numpy:
        monkeypatch.setitem(sys.modules, "numpy.random", None)
    random = RandomBytes(STARTS[seed])
    parts = [random.uint8(size) for size in (8, 0, 13, 8 * (count - 3))]  # of 13 bytes, 3 more are thrown away
    assert parts == [expected[:8], b"", expected[8:21], expected[24:]]


@pytest.mark.usefixtures("without_numpy")
def test_without_numpy_the_bytes_are_the_known_ones() -> None:
    assert RandomBytes(FIRST).uint8(12).hex() == "8128febe3652aebc7f616576"
    assert RandomBytes(SECOND).uint8(12).hex() == "acd0c45d31ec16a32812e1cf"


@pytest.mark.usefixtures("without_numpy")
def test_signed_bytes_reach_from_minus_127_to_127() -> None:
    drawn, signed = RandomBytes(FIRST).uint8(100_000), RandomBytes(FIRST).int8(100_000)
    assert min(memoryview(drawn).cast("b")) == -128
    assert min(memoryview(signed).cast("b")) == -127
    assert drawn.replace(b"\x80", b"\x7f") == signed
