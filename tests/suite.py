"""Run the whole test suite on a fresh machine: `python3 tests/suite.py`.

Needs Python 3.11 with venv, a C and C++ compiler and git; only the standard library is used here. It
makes an environment of its own (.venv-suite), puts tox into it, finds or fetches a Chromium for the
tests that look at pages, runs every tox environment and ends with one summary. Whatever could not
run is named, and makes the suite fail unless `--allow-missing` accepts it.
"""

# Python 3.7 must be able to read this file, in order to say that it is too old.
from __future__ import annotations

import argparse
import importlib.util
import os
import select
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv-suite"
REPORTS = ROOT / ".tox" / "junit"
TESTED = ("wheel", "editable")
TOX_ENVIRONMENTS = ("lint", *TESTED)
TOX = "tox>=4.25"

OLDEST_PYTHON = (3, 11)
SILENCE_S = 60
APT = ("apt-get", "-q", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=30")
APT_TIMEOUT_S = 600
DOWNLOAD_TIMEOUT_S = 900

CHROMIUM_NAMES = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "chrome")
CHROMIUM_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

# How a test says why it did not run: "no kernel stamps on this system" is nothing that could be installed;
# "no Chromium: install one" is a lack, and only --allow-missing accepts it.
NOT_APPLICABLE = "on this system"


class Lacking(Exception):  # noqa: N818 - it is a state of the machine, with the remedy, not an error in here
    """Something that the suite cannot do without and cannot provide."""


@dataclass
class Outcome:
    """What became of one tox environment."""

    name: str
    exit_code: int
    duration_s: float
    passed: int = 0
    failed: int = 0
    not_run: list[tuple[str, str]] = field(default_factory=list)  # (test, reason)
    problem: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether tox was content and the test report is there."""
        return self.exit_code == 0 and self.problem is None and self.failed == 0


def main() -> int:
    """Prepare, run, sum up."""
    options = arguments()
    start_s = time.monotonic()
    try:
        check_machine()
        python = make_environment()
        chromium = find_chromium(python)
        find_program(options.allow_missing, "bubblewrap", "bwrap", "the tests that run generated code")
        find_program(options.allow_missing, "openssh-server", "sshd", "the tests of hosts that are reached by ssh")
    except Lacking as lack:
        say(f"The test suite cannot run: {lack}")
        return 1
    announce(chromium, options.allow_missing)
    outcomes = [run_environment(python, name, chromium) for name in options.only or TOX_ENVIRONMENTS]
    lines, is_good = closing(outcomes, set(options.allow_missing), time.monotonic() - start_s)
    print("", *lines, sep="\n", flush=True)
    return 0 if is_good else 1


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Run the whole test suite on a fresh machine.")
    parser.add_argument(
        "--allow-missing",
        action="append",
        default=[],
        choices=["chromium", "bubblewrap", "openssh-server"],
        help="do not fail for tests that could not run for want of this; they are still listed",
    )
    parser.add_argument("--only", action="append", choices=TOX_ENVIRONMENTS, help="run this part (repeatable)")
    return parser.parse_args()


def say(text: str) -> None:
    """Show a line of progress."""
    print(f"[suite] {text}", flush=True)


# What the machine must have -----------------------------------------------------------------------


def check_machine() -> None:
    """Raise `Lacking` with one line for each thing that is missing."""
    lacks = [python_lack(sys.version_info[:3]), venv_lack(), git_lack(), *compiler_lacks()]
    found = [lack for lack in lacks if lack]
    if found:
        raise Lacking("\n        ".join(found))


def python_lack(version: tuple[int, ...]) -> str | None:
    """Say which Python to use when this one is too old."""
    if version >= OLDEST_PYTHON:
        return None
    names = [f"python3.{minor}" for minor in range(20, 10, -1)]
    newer = next((name for name in names if shutil.which(name)), None)
    remedy = f"Run: {newer} tests/suite.py" if newer else "Install Python 3.11 or newer, with its venv module."
    return f"Python 3.11 or newer is needed and this is {'.'.join(map(str, version))}. {remedy}"


def venv_lack() -> str | None:
    """Say what to install when this Python cannot make environments, as on a bare Debian."""
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return None
    return "this Python cannot make environments (no venv or ensurepip). Debian, Ubuntu: apt-get install python3-venv"


def git_lack() -> str | None:
    """Say that git is needed: tests ask it which files belong to the project."""
    return None if shutil.which("git") else "git was not found. Debian, Ubuntu: apt-get install git"


def compiler_lacks() -> list[str | None]:
    """Say which compilers are missing: the engine under test is compiled from source."""
    return [
        compiler_lack("C", "CC", ("cc", "gcc", "clang"), "gcc"),
        compiler_lack("C++", "CXX", ("c++", "g++", "clang++"), "g++"),
    ]


def compiler_lack(language: str, variable: str, names: tuple[str, ...], package: str) -> str | None:
    """Say what to install when none of these compilers is there."""
    chosen = os.environ.get(variable, "").split()[:1]
    if any(shutil.which(name) for name in (*chosen, *names)):
        return None
    looked_for = ", ".join((*chosen, *names))
    return (
        f"no {language} compiler was found (looked for {looked_for}); llama.cpp is compiled from source. "
        f"Debian, Ubuntu: apt-get install {package}; macOS: xcode-select --install"
    )


# The environment that holds tox -------------------------------------------------------------------


def make_environment() -> str:
    """Return the Python of an environment with tox in it, making it where needed."""
    python = ENVIRONMENT / "bin" / "python"
    if not has_tox(python):
        say("Making .venv-suite with tox in it")
        run_or_lack([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], "venv failed")
        reach = "pip could not install tox (its words are above): check the network or proxy, then run this again"
        run_or_lack([str(python), "-m", "pip", "install", "--quiet", TOX], reach)
    return str(python)


def has_tox(python: Path) -> bool:
    """Whether an earlier environment is there, of this same Python version."""
    question = "import sys, tox; print(sys.version_info[:2])"
    return answer([str(python), "-c", question]) == str(sys.version_info[:2])


def run_or_lack(command: list[str], lack: str) -> None:
    """Run a command that must succeed."""
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        raise Lacking(lack)


def answer(command: list[str], timeout_s: float = 60) -> str | None:
    """Return what a command prints, or `None` when it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


# A Chromium for the tests that look at pages --------------------------------------------------------


def find_chromium(python: str) -> str | None:
    """Return the path of a Chromium: an installed one, else from apt, else Playwright's."""
    return installed_chromium() or chromium_from_apt() or chromium_from_playwright(python)


def installed_chromium() -> str | None:
    """Return $AFORO_CHROMIUM or the first installed Chrome or Chromium that runs."""
    named = os.environ.get("AFORO_CHROMIUM")
    if named and not runs(named):
        raise Lacking(f"AFORO_CHROMIUM={named} does not run: unset it, or set it to a Chrome or Chromium")
    found = [named, *map(shutil.which, CHROMIUM_NAMES), *CHROMIUM_APPLICATIONS]
    return next((path for path in found if path and not is_snap(path) and runs(path)), None)


def runs(browser: str) -> bool:
    """Whether it is there and tells its version."""
    return answer([browser, "--version"]) is not None


def is_snap(browser: str) -> bool:
    """Whether it is a snap, which cannot open the pages that tests write under /tmp."""
    target = Path(browser).resolve()
    if not target.is_file() or target.name == "snap" or "snap" in target.parts:
        return target.is_file()
    with target.open("rb") as program:
        start = program.read(4096)
    return start.startswith(b"#!") and b"/snap/" in start


def chromium_from_apt() -> str | None:
    """Install Debian's Chromium, as root only; Ubuntu's package is a snap in disguise."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    say("No Chromium is installed: trying apt-get")
    if not succeeds([*APT, "update"], APT_TIMEOUT_S):
        return None
    description = answer(["apt-cache", "show", "chromium"])
    if not description or "snap" in description:
        return None
    succeeds([*APT, "install", "-y", "--no-install-recommends", "chromium"], APT_TIMEOUT_S)
    return installed_chromium()


def chromium_from_playwright(python: str) -> str | None:
    """Download Playwright's Chromium, with the libraries it needs where we may install them."""
    say("Trying Playwright's own Chromium")
    with_libraries = ["--with-deps"] if os.geteuid() == 0 and shutil.which("apt-get") else []
    if not succeeds([python, "-m", "pip", "install", "--quiet", "playwright"], DOWNLOAD_TIMEOUT_S):
        return None
    succeeds([python, "-m", "playwright", "install", *with_libraries, "chromium"], DOWNLOAD_TIMEOUT_S)
    where = (
        "from playwright.sync_api import sync_playwright as start\nwith start() as p: print(p.chromium.executable_path)"
    )
    path = answer([python, "-c", where])
    return path if path and runs(path) else None


def succeeds(command: list[str], timeout_s: float) -> bool:
    """Run a command that may fail, showing what it prints."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # and no daemon is started
    try:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=timeout_s, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        say(f"{command[0]}: {error}")
        return False
    return done.returncode == 0


def announce(chromium: str | None, allowed: list[str]) -> None:
    """Say which browser is used, or what its absence means and what to do."""
    if chromium:
        say(f"Chromium: {chromium}")
        return
    meaning = "as allowed" if "chromium" in allowed else "so this suite will fail"
    say(
        f"No Chromium was found or could be fetched: the tests that look at pages will NOT RUN, {meaning}. "
        "Remedy: install Chrome or Chromium, or set AFORO_CHROMIUM to one."
    )


# Debian's packages, for the tests that need their programs -------------------------------------------


def find_program(allowed: list[str], package: str, program: str, tests: str) -> None:
    """Install a package, as root only, where its program is not here; say what its absence means."""
    if not is_here(program) and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"{package} is not installed: trying apt-get")
        if succeeds([*APT, "update"], APT_TIMEOUT_S):
            succeeds([*APT, "install", "-y", "--no-install-recommends", package], APT_TIMEOUT_S)
    if not is_here(program):
        meaning = "as allowed" if package in allowed else "so this suite will fail"
        say(f"No {package}: {tests} will NOT RUN, {meaning}. Remedy: install {package}.")


def is_here(program: str) -> bool:
    """Whether it is installed; daemons are where only root's PATH leads."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None


# Running and summing up ---------------------------------------------------------------------------


def run_environment(python: str, name: str, chromium: str | None) -> Outcome:
    """Run one tox environment and read the test report that it leaves."""
    report = REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    say(f"tox run -e {name}" + (": compiles llama.cpp the first time" if name == "wheel" else ""))
    start_s = time.monotonic()
    exit_code = relay([python, "-m", "tox", "run", "-e", name], {**os.environ, "AFORO_CHROMIUM": chromium or ""})
    outcome = Outcome(name, exit_code, time.monotonic() - start_s)
    if name in TESTED:
        read_report(report, outcome)
    return outcome


def relay(command: list[str], environment: dict[str, str]) -> int:
    """Run a command, pass on what it prints, and return its exit code."""
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            pass_on(process)
        except KeyboardInterrupt:  # which the command has received as well: let it tidy up
            process.wait()
            raise
    return process.returncode


def pass_on(process: subprocess.Popen[bytes]) -> None:
    """Show what a process prints as it comes, and a sign of life when it is silent for a minute."""
    start_s = time.monotonic()
    assert process.stdout is not None
    while True:
        readable, _, _ = select.select([process.stdout], [], [], SILENCE_S)
        chunk = os.read(process.stdout.fileno(), 65536) if readable else None
        if chunk == b"" or (chunk is None and process.poll() is not None):
            return
        if chunk is None:
            say(f"still working, {duration(time.monotonic() - start_s)} so far")
            continue
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


def read_report(report: Path, outcome: Outcome) -> None:
    """Count what pytest wrote; a test that was skipped did not run."""
    try:
        cases = ElementTree.parse(report).iter("testcase")  # noqa: S314 - our own pytest wrote it
    except (OSError, ElementTree.ParseError):
        outcome.problem = "left no test report, so no test counts as run"
        return
    for case in cases:
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            outcome.failed += 1
        elif skipped is None or skipped.get("type") == "pytest.xfail":
            outcome.passed += 1
        else:
            test = f"{case.get('classname')}::{case.get('name')}"
            outcome.not_run.append((test, skipped.get("message", "no reason given")))


def closing(outcomes: list[Outcome], allowed: set[str], duration_s: float) -> tuple[list[str], bool]:
    """Return the last lines to print, and whether the suite as a whole is good."""
    not_run = [(outcome.name, *entry) for outcome in outcomes for entry in outcome.not_run]
    lacking = [entry for entry in not_run if not is_accepted(entry[2], allowed)]
    bad = [outcome.name for outcome in outcomes if not outcome.is_good]
    reasons = [f"failed: {', '.join(bad)}"] if bad else []
    reasons += [f"{len(lacking)} tests could not run"] if lacking else []
    passed, failed = sum(o.passed for o in outcomes), sum(o.failed for o in outcomes)
    lines = [
        f"[suite] Closing summary after {duration(duration_s)}",
        *(result_line(outcome) for outcome in outcomes),
        *(f"  NOT RUN   {name}: {test}: {reason}" for name, test, reason in not_run),
        verdict(reasons, len(not_run)),
        f"{passed} passed, {failed} failed, {len(not_run)} skipped",
    ]
    return lines, not reasons


def is_accepted(reason: str, allowed: set[str]) -> bool:
    """Whether a test may stay unrun: it means nothing here, or the user accepts what is missing."""
    return reason.endswith(NOT_APPLICABLE) or reason.lower().startswith(tuple(f"no {thing}" for thing in allowed))


def verdict(reasons: list[str], not_run: int) -> str:
    """Return the one line that says it all."""
    if reasons:
        return f"RESULT: FAILED ({'; '.join(reasons)})"
    return f"RESULT: PASSED, BUT {not_run} TESTS DID NOT RUN (see above)" if not_run else "RESULT: PASSED"


def result_line(outcome: Outcome) -> str:
    """Return one environment's line."""
    word = "passed" if outcome.is_good else "FAILED"
    counts = f"{outcome.passed} passed, {outcome.failed} failed, {len(outcome.not_run)} not run"
    told = outcome.problem or (counts if outcome.name in TESTED else f"exit code {outcome.exit_code}")
    return f"  {word}    {outcome.name:<9} {told}, in {duration(outcome.duration_s)}"


def duration(duration_s: float) -> str:
    """Write 751 s as '12 min 31 s'."""
    minutes, seconds = divmod(round(duration_s), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("Interrupted: no result.")
        sys.exit(130)
