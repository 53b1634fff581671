"""What is printed: nothing that a terminal or a build service obeys, in any encoding, to any descriptor."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.command import AFORO
from support.stored_runs import GOLDEN

from profiler.cli import streams
from profiler.cli.streams import Shown, printable

PROFILER = Path(streams.__file__).parents[1]

# Name, what is printed, what is shown.
HOSTILE = [
    ("colour", "a\x1b[31mb", "ab"),
    ("eight-bit colour", "a\x9b31mb", "ab"),
    ("cursor", "a\x1b[2J\x1b[1;1Hb", "ab"),
    ("title", "a\x1b]0;owned\x07b", "ab"),
    ("link", "a\x1b]8;;http://x\x1b\\b", "ab"),
    ("clipboard", "a\x1b]52;c;AAAA\x07b", "ab"),
    ("device string", "a\x1bP1$r\x1b\\b", "ab"),
    ("charset", "a\x1b(0b", "ab"),
    ("reset", "a\x1bcb", "ab"),
    ("cut off", "a\x1b[", "a"),
    ("lone", "a\x1b", "a"),
    ("carriage return", "INVALID\rVALID  ", "INVALIDVALID  "),
    ("backspace", "a\x08\x08b", "ab"),
    ("bell, null, delete", "\x07a\x00b\x7f", "ab"),
    ("next line", "a\x85b", "ab"),
    ("right to left", "a\u202eb\u2066c\u200fd", "abcd"),
    ("other ends of lines", "a\u2028b\u2029c", "abc"),
    ("tab and line feed stay", "a\tb\nc", "a\tb\nc"),
    ("letters stay", "Größe − 5 µs, 模型 😀", "Größe − 5 µs, 模型 😀"),
]


@pytest.mark.parametrize(("text", "shown"), [row[1:] for row in HOSTILE], ids=[row[0] for row in HOSTILE])
def test_terminal_escapes_are_not_printed(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::warning::x\n", ": :warning::x\n"),
        ("a\n  ::error file=a::x\n", "a\n  : :error file=a::x\n"),
        ("\x1b[0m::set-output name=a::x", ": :set-output name=a::x"),
        ("see a ::b\n", "see a ::b\n"),
        ("::1 is an address\n", "::1 is an address\n"),
        ("##[error]x", "# #[error]x"),
        ("a ##vso[task.complete]x", "a # #vso[task.complete]x"),
        ("##teamcity[buildStop]", "# #teamcity[buildStop]"),
        ("## Heading\n", "## Heading\n"),
    ],
)
def test_a_build_service_finds_no_commands(text: str, shown: str) -> None:
    file = io.StringIO()
    Shown(file, is_needed=True).write(text)
    assert file.getvalue() == shown


def test_a_command_is_found_over_several_writes_and_ours_pass() -> None:
    file = io.StringIO()
    shown = Shown(file, is_needed=True)
    for piece in ("a", "::b::c", "\n", "  ", "::warning::x\n"):
        shown.write(piece)
    shown.write_commands(["::notice::fine"])
    assert file.getvalue() == "a::b::c\n  : :warning::x\n::notice::fine\n"


def run(words: Sequence[str], redirection: str = "", **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """Run the command by a shell that can close and redirect descriptors."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", AFORO, *words],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_descriptors_lose_nothing(closed: str) -> None:
    assert run(["workloads"], closed).returncode == 0
    refused = run(["workloads", "show", "no-such"], closed)
    assert refused.returncode == 2
    assert (b"no-such" in refused.stderr) is ("2>&-" not in closed)


def test_every_file_gets_a_number_above_the_standard_ones() -> None:
    code = "import os; from profiler.cli import streams; streams.prepare(); print(os.open('/', os.O_RDONLY))"
    command = ["sh", "-c", 'exec "$@" <&- 2>&-', "sh", sys.executable, "-c", code]
    assert int(subprocess.run(command, capture_output=True, check=True).stdout) > 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("words", [["workloads"], ["rules", "--json"], ["metrics", "--markdown"], ["--help"]])
def test_a_full_device_is_a_sentence(words: list[str]) -> None:
    done = run(words, ">/dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith(b"aforo: Standard output could not be written: No space left on device.")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_what_cannot_be_said_on_standard_error_is_no_failure() -> None:
    assert run(["workloads"], "2>/dev/full").returncode == 0
    assert run(["workloads", "show", "no-such"], "2>/dev/full").returncode == 2


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "ascii:strict", "cp437"])
@pytest.mark.parametrize("words", [["rules"], ["metrics", "--markdown"], ["workloads"], ["summarize", "RUN"]])
def test_an_encoding_that_lacks_characters_gets_plain_ones(tmp_path: Path, encoding: str, words: list[str]) -> None:
    folder = copied(tmp_path)
    done = run([word.replace("RUN", str(folder)) for word in words], PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode(encoding.partition(":")[0])


def test_minus_signs_and_dashes_stay_what_they_are_in_ascii() -> None:
    code = "from profiler.cli import streams; streams.prepare(); print('−5.3 %, 10–12 µs, 3 × é, ≤ 模')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert done.stdout == b"-5.3 %, 10-12 us, 3 x e, <= ?\n"


def test_json_loses_nothing_in_ascii() -> None:
    plain, ascii_only = (run(["metrics", "--json"], PYTHONIOENCODING=encoding) for encoding in ("utf-8", "ascii"))
    assert json.loads(plain.stdout) == json.loads(ascii_only.stdout)
    assert max(ascii_only.stdout) < 128 < max(plain.stdout)


HOSTILE_NAME = "m\x1b]0;owned\x07\x9b31m\u202e\n::warning::x ##vso[y]z [bold]b[/bold] :smile:"


def copied(folder: Path, model: str | None = None) -> Path:
    """A copy of the golden run, if need be of another model."""
    run_folder = folder / "run"
    run_folder.mkdir()
    for file in GOLDEN.iterdir():
        (run_folder / file.name).write_bytes(file.read_bytes())
    if model is not None:
        document = json.loads((run_folder / "run.json").read_text("utf-8"))
        document["model"]["name"] = model
        document["warnings"] = [model]
        (run_folder / "run.json").write_text(json.dumps(document))
    return run_folder


@pytest.mark.parametrize(
    "words",
    [
        ["summarize", "RUN"],
        ["summarize", "RUN", "--json"],
        ["report", "RUN", "--format", "markdown"],
        ["report", "RUN", "--format", "csv"],
        ["compare", "RUN", "RUN"],
        ["compare", "RUN", "RUN", "--format", "markdown"],
        ["compare", "RUN", "RUN", "--json"],
        ["list", "RUN"],
        ["list", "RUN", "--csv"],
        ["list", "RUN", "--json"],
        ["export", "RUN", "--to", "csv", "--table", "runs"],
        ["export", "RUN", "--to", "vllm"],
        ["gate", "RUN", "RUN", "--force"],
        ["gate", "RUN", "RUN", "--force", "--annotations"],
    ],
    ids=" ".join,
)
def test_a_run_folder_of_somebody_else_moves_no_cursor_and_gives_no_orders(tmp_path: Path, words: list[str]) -> None:
    folder = copied(tmp_path, HOSTILE_NAME)
    out = ["--out", str(tmp_path / "c.html")] if words == ["compare", "RUN", "RUN"] else []
    done = run([word.replace("RUN", str(folder)) for word in words] + out)
    text = (done.stdout + done.stderr).decode()
    assert "Traceback" not in text
    assert printable(text) == text
    orders = [line for line in text.splitlines() if line.lstrip().startswith("::")]
    assert orders == [] or "--annotations" in words
    assert "::warning::x" not in [line.strip()[:12] for line in text.splitlines()]
    assert "##vso[" not in text
    if words in (["summarize", "RUN"],):
        assert "[bold]b[/bold] :smile:" in " ".join(text.split())


def test_tables_and_json_are_printed_by_their_owner_only() -> None:
    """Whoever made a console of rich, or printed JSON by hand, would print what others wrote as it is."""
    by_hand = re.compile(
        r"rich\.console import .*Console|typer\.echo|print\(.*(dumps|model_dump_json)\(|sys\.stdout\.write"
    )
    found = {
        (file.name, match.group())
        for file in (PROFILER / "cli").glob("*.py")
        for match in by_hand.finditer(file.read_text("utf-8"))
        if file.name != "output.py"
    }
    assert found <= {("forms.py", "sys.stdout.write")}  # Markdown and CSV, which `Shown` cleans


def test_a_picture_in_a_run_folder_of_somebody_else_is_written_over_no_file_of_ours(tmp_path: Path) -> None:
    folder, ours = copied(tmp_path), tmp_path / "ours"
    ours.write_bytes(b"ours")
    (folder / "report.png").symlink_to(ours)
    (folder / "report.html").symlink_to(ours)
    (folder / "summary.json").unlink()
    (folder / "summary.json").symlink_to(ours)
    for words in (["summarize", str(folder)], ["report", str(folder)]):
        assert run(words).returncode == 0
    assert ours.read_bytes() == b"ours"


def test_cells_of_somebody_else_are_no_formulas(tmp_path: Path) -> None:
    folder = copied(tmp_path, "=HYPERLINK(1)")
    for words in (["list", str(folder), "--csv"], ["export", str(folder), "--to", "csv", "--table", "runs"]):
        done = run(words)
        assert b"'=HYPERLINK(1)" in done.stdout
        assert b",=HYPERLINK" not in done.stdout
