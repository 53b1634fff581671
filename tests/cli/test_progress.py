"""What of a run's progress is seen on a terminal, and what where there is none."""

import io
from contextlib import redirect_stderr

import pytest
from rich.console import Console

from profiler.cli import progress
from profiler.cli.progress import shown_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(shown: progress.run_progress.Progress) -> None:
    shown.note("No llama-server was found.")
    shown.stage("Compiling", total=1)
    shown.advance(0.43, "about 2 min left")
    shown.stage("Measuring, repeat 1 of 3", total=22)
    shown.advance(12, "412 tokens/s · TTFT p50 23.1 ms · 40 s left")


def test_without_a_terminal_there_are_lines_and_few_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    with redirect_stderr(stderr), shown_progress(quiet=False) as shown:
        run(shown)
        monkeypatch.setattr(progress, "_LINE_EACH_S", 0.0)
        shown.advance(13, "400 tokens/s")
    assert stderr.getvalue().splitlines() == [
        "aforo: No llama-server was found.",
        "aforo: Compiling",
        "aforo: Measuring, repeat 1 of 3",
        "aforo:   13/22 · 400 tokens/s",
    ]


@pytest.mark.parametrize("width", [80, 200])
def test_a_terminal_shows_count_and_figures_behind_the_stage(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    screen = Terminal()
    monkeypatch.setattr(progress, "console", lambda stderr: Console(file=screen, width=width, force_terminal=True))
    with redirect_stderr(screen), shown_progress(quiet=False) as shown:
        run(shown)
    text = screen.getvalue()
    assert "No llama-server was found." in text
    assert "12/22" in text
    assert "412 tokens/s" in text
    assert ("━" in text) == (width == 200)


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress(quiet=True) as shown:
        run(shown)
    assert capsys.readouterr().err == ""
