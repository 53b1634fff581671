"""llama.cpp's tools: what they are told, how far they are, what is read from what they print; then the real ones."""

from collections.abc import Callable
from pathlib import Path

import pytest

from profiler.errors import AforoError, InterruptedRunError, UsageError
from profiler.models import quantisations, shapes, synthetic
from profiler.servers import llama_build
from profiler.servers.llama_tools import SCORED_TOKENS, Tools, logits_bytes
from profiler.workloads.words import WORDS

# Printed by llama-perplexity of llama-cpp-python 0.3.36, shortened.
OF_BASE = """\
0.00.412.629 I perplexity: calculating perplexity over 4 chunks, n_ctx=512, batch_size=512, n_seq=1
0.36.140.742 I perplexity: 9.67 seconds per pass - ETA 0.58 minutes
[1]44.5120,[2]56.8756,[3]59.8479,[4]64.4746,
Final estimate: PPL = 64.4746 +/- 6.95972
"""
TOO_SHORT = """\
perplexity: you need at least 1024 tokens to evaluate perplexity with a context of 512
perplexity: the data file you provided tokenizes to only 731 tokens
"""
OF_OTHER = """\
kl_divergence: computing over 4 chunks, n_ctx=512, batch_size=512, n_seq=1
chunk             PPL               ln(PPL(Q)/PPL(base))          KL Divergence              Δp RMS
   1      51.2257 ±   11.1892       0.14048 ±    0.03616       0.14122 ±    0.00773     8.437 ±  0.938 %

====== Perplexity statistics ======
Mean PPL(Q)                   :  70.750366 ±   7.689909
Mean PPL(base)                :  64.474458 ±   6.959700
Mean PPL(Q)/PPL(base)         :   1.097339 ±   0.020340

====== KL divergence statistics ======
Mean    KLD:   0.136247 ±   0.003324
Maximum KLD:   1.218167
99.9%   KLD:   0.806395
99.0%   KLD:   0.559842

====== Token probability statistics ======
Mean    Δp: -1.543 ± 0.222 %
Same top p: 76.078 ± 1.336 %
"""


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    """Return a program that prints a text, writes `logits` where it is told to, and ends with an exit code."""

    def make(prints: str, exit_code: int = 0, waits: str = "") -> Path:
        said, path = tmp_path / "said", tmp_path / "llama-tool"
        said.write_text(prints, "utf-8")
        touch = 'while [ $# -gt 1 ]; do [ "$1" = --kl-divergence-base ] && echo x > "$2"; shift; done'
        path.write_text(f"#!/bin/sh\n{touch}\ncat {said}\n{waits}\nexit {exit_code}\n")
        path.chmod(0o755)
        return path

    return make


class Shares(list[float]):
    """How far it was said to be."""


def tools(tmp_path: Path, tick: Callable[[], None] = lambda: None, shares: Shares | None = None) -> Tools:
    return Tools(tmp_path / "log", 2, (shares if shares is not None else Shares()).append, tick)


def test_the_chunks_of_the_base_are_read(tmp_path: Path, program: Callable[..., Path]) -> None:
    shares = Shares()
    seen = tmp_path / "seen"

    def once_seen() -> None:
        if shares:
            seen.touch()

    of_base = program(OF_BASE, waits=f"until [ -e {seen} ]; do sleep 0.01; done")
    chunks = tools(tmp_path, once_seen, shares).save_base(of_base, tmp_path, tmp_path, 20, tmp_path / "l")
    assert chunks == 4
    assert shares[-1] == 1.0


def test_a_text_that_is_too_short_is_told_with_its_tokens(tmp_path: Path, program: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match=r"has 731 tokens in the model .*; expected 1024"):
        tools(tmp_path).save_base(program(TOO_SHORT), tmp_path, tmp_path, 20, tmp_path / "l")


def test_the_statistics_are_read(tmp_path: Path, program: Callable[..., Path]) -> None:
    found = tools(tmp_path).divergence(program(OF_OTHER), tmp_path, tmp_path / "l", 4)
    assert found.tokens == 4 * 255
    assert (found.mean_kld, found.mean_kld_error, found.p99_kld) == (0.136247, 0.003324, 0.559842)
    assert (found.same_top_ratio, found.same_top_error) == (pytest.approx(0.76078), pytest.approx(0.01336))
    assert (found.perplexity, found.base_perplexity) == (70.750366, 64.474458)


@pytest.mark.parametrize(("prints", "exit_code"), [("out of memory\n", 1), ("kl_divergence: failed reading\n", 0)])
def test_a_program_that_fails_is_told_with_its_last_lines(
    tmp_path: Path, program: Callable[..., Path], prints: str, exit_code: int
) -> None:
    with pytest.raises(AforoError, match=prints.strip()):
        tools(tmp_path).divergence(program(prints, exit_code), tmp_path, tmp_path / "l", 4)


def test_an_interrupted_one_leaves_neither_a_process_nor_half_a_file(
    tmp_path: Path, program: Callable[..., Path]
) -> None:
    def interrupt() -> None:
        raise InterruptedRunError(2)

    target = tmp_path / "made.gguf"
    slow = program("[ 1/ 272]", waits=f"echo half > {tmp_path}/.made.gguf.part; sleep 600")
    with pytest.raises(InterruptedRunError):
        tools(tmp_path, interrupt).quantise(slow, tmp_path, target, "Q4_0")
    assert not list(tmp_path.glob("*made.gguf*"))


def test_the_size_of_predictions_by_hand() -> None:
    """SmolLM2 has 49,152 tokens: 2 bytes each and 4 more numbers, 255 of 512 tokens a chunk; 100.3 MB were written."""
    assert logits_bytes(49_152, 4) == 4 * (255 * 2 * 49_156 + 2048)
    assert logits_bytes(49_152, 4) == pytest.approx(100_286_452, rel=0.001)


# With the real programs -----------------------------------------------------------------------------


@pytest.mark.real_server
def test_a_model_differs_from_itself_by_nothing_and_from_fewer_bits_by_something(tmp_path: Path) -> None:
    perplexity, quantize = map(llama_build.built, (llama_build.PERPLEXITY, llama_build.QUANTIZE))
    if perplexity is None or quantize is None:
        pytest.skip("no llama-perplexity: aforo engines build llama-perplexity llama-quantize")
    base, fewer = synthetic.make(shapes.TINY_1M, quantisations.named("F16"), tmp_path), tmp_path / "fewer.gguf"
    text, logits = tmp_path / "text", tmp_path / "logits"
    text.write_text(" ".join(WORDS[number * 7 % len(WORDS)] for number in range(1600)), "utf-8")
    work = tools(tmp_path)
    work.quantise(quantize, base, fewer, "Q4_0")
    chunks = work.save_base(perplexity, base, text, 2, logits)
    same, other = (work.divergence(perplexity, model, logits, chunks) for model in (base, fewer))
    assert chunks == 2
    assert same.tokens == 2 * SCORED_TOKENS
    assert same.mean_kld == pytest.approx(0, abs=1e-3)  # the predictions of the base are kept in 16 bits
    assert same.same_top_ratio > 0.99
    assert other.mean_kld > 10 * abs(same.mean_kld)
    assert other.same_top_ratio < same.same_top_ratio
    assert other.base_perplexity == pytest.approx(same.base_perplexity)
