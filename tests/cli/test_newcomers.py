"""Mistakes that a newcomer makes, each answered with what helps."""

import os
import pty
import subprocess
import sys

import pytest
from support.command import Aforo

from profiler.cli.model_size import confirm_size

LARGE = "synthetic:llama-3.1-8b/Q8_0"


def test_an_adapter_that_is_not_there_is_looked_for_under_lora(forked: Aforo) -> None:
    done = forked("run", "smoke", "--lora", "nosuch.gguf", "--quiet")
    assert done.returncode != 0
    assert "There is no LoRA adapter nosuch.gguf. Check the path of --lora" in done.stderr
    assert "--model" not in done.stderr


@pytest.mark.parametrize(
    ("options", "helps"),
    [
        (("--prompt-tokens", "100000"), "or pass a smaller --prompt-tokens"),
        (("--output-tokens", "100000"), "or pass a smaller --output-tokens"),
        (("--prompt-tokens", "100", "--system-tokens", "100000"), "or pass a smaller --system-tokens"),
    ],
)
def test_what_is_too_long_is_what_is_to_be_shortened(forked: Aforo, options: tuple[str, ...], helps: str) -> None:
    done = forked("run", "smoke", *options, "--quiet")
    assert done.returncode == 2
    assert helps in done.stderr
    others = {"--prompt-tokens", "--output-tokens", "--system-tokens"} - {helps.rsplit(maxsplit=1)[-1]}
    assert not any(option in done.stderr for option in others)


@pytest.mark.parametrize(("has_numpy", "minutes"), [(True, 1), (False, 7)])
def test_a_large_synthetic_model_is_announced(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, has_numpy: bool, minutes: int
) -> None:
    """Not on a terminal, or with --yes, it is made: whether the disk has room is checked before the first byte."""
    monkeypatch.setattr("profiler.models.random_bytes.is_numpy_used", lambda: has_numpy)
    confirm_size(LARGE, yes=True)
    text = capsys.readouterr().err
    # 8.03 billion weights of 8.5 bits are 8.5 GB; 85 s at 100 MB/s, 425 s at 20 MB/s
    assert "will be made once: 8.5 GB in" in text
    assert f"about {minutes} min" in text
    confirm_size(LARGE, yes=False)  # pytest's standard input is no terminal
    assert "8.5 GB" in capsys.readouterr().err


@pytest.mark.parametrize("model", [None, "synthetic:smollm2-135m/Q8_0", "some.gguf", "synthetic:llama-3.1-8b/vllm"])
def test_a_small_model_and_one_that_is_not_made_are_not(model: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    confirm_size(model, yes=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("typed", "is_made"), [(b"\n", True), (b"y\n", True), (b"n\n", False), (b"no\n", False)])
def test_on_a_terminal_it_asks(typed: bytes, is_made: bool) -> None:
    ours, theirs = pty.openpty()
    code = f"from profiler.cli.model_size import confirm_size; confirm_size({LARGE!r}, yes=False)"
    os.write(ours, typed)
    asked = subprocess.Popen([sys.executable, "-c", code], stdin=theirs, stderr=theirs)
    assert (asked.wait(300) == 0) == is_made
    os.close(theirs)
    text = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "Go on? [Y/n]" in text
    assert ("No model was made" in text) != is_made
