"""How many operations per second the processors' arithmetic reaches, by data type.

`peak.c` is compiled for this very processor where there is a C compiler: the base install brings neither a
compiler nor numpy, and no library at hand measures int8 or AMX without an engine's own overhead around it.
It runs as a process of its own, so that an instruction which is not there ends that process alone.
"""

import os
import platform
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from profiler.results.host_facts import PeakFacts
from profiler.units import NS_PER_S

TYPES = ("f32", "f16", "bf16", "int8")
"""Types whose arithmetic llama.cpp uses, each where the CPU has instructions for it."""

_SOURCE = Path(__file__).with_name("peak.c")
_PASSES, _PASS_MS = 8, 150
COMPILE_LIMIT_S = 60.0
RUN_LIMIT_S = 60.0
_NO_INSTRUCTION = "this CPU or its compiler has no instruction for it"
_NO_COMPILER = "no C compiler was found; install gcc or clang, then: aforo host roofline --refresh"


class UnavailableError(Exception):
    """The peak cannot be measured; the message is the reason."""


def peaks(threads: int, on_type: Callable[[float], None] = lambda _: None) -> dict[str, PeakFacts]:
    """Measure every type with this many threads; what could not be measured carries the reason.

    `on_type` hears the share that is done. Takes about 2 s a type.
    """
    try:
        with _compiled() as program:
            found = {}
            for number, name in enumerate(TYPES):
                found[name] = _peak(program, name, threads)
                on_type((number + 1) / len(TYPES))
            return found
    except UnavailableError as reason:
        return {name: PeakFacts(operations_per_s=None, reason=str(reason)) for name in TYPES}


def compiler() -> list[str] | None:
    """Return the C compiler's command: `$CC`, or the first of cc, gcc and clang on the path."""
    named = shlex.split(os.environ.get("CC", ""))
    candidates = [named] if named else [["cc"], ["gcc"], ["clang"]]
    return next((words for words in candidates if shutil.which(words[0])), None)


@contextmanager
def _compiled() -> Iterator[Path]:
    command = compiler()
    if command is None:
        raise UnavailableError(_NO_COMPILER)
    # GCC and clang take -march for x86 and -mcpu for Arm, where -march alone would not choose the features.
    target = "-march=native" if platform.machine() in {"x86_64", "AMD64"} else "-mcpu=native"
    with tempfile.TemporaryDirectory(prefix="aforo-peak-") as folder:
        program = Path(folder) / "peak"
        answer = run_program([*command, "-O3", target, str(_SOURCE), "-o", str(program), "-lpthread"], COMPILE_LIMIT_S)
        if answer.returncode:
            last = (answer.stderr.strip() or "it says nothing").splitlines()[-1]
            raise UnavailableError(f"{command[0]} could not compile peak.c: {last}")
        yield program


def _peak(program: Path, name: str, threads: int) -> PeakFacts:
    try:
        answer = run_program([str(program), name, str(threads), str(_PASSES), str(_PASS_MS)], RUN_LIMIT_S)
        return best_pass(answer.stdout, answer.returncode)
    except UnavailableError as reason:
        return PeakFacts(operations_per_s=None, reason=str(reason))


def best_pass(printed: str, exit_code: int, nothing: str = _NO_INSTRUCTION) -> PeakFacts:
    """Return the fastest of the passes that `peak` printed, 'KERNEL OPERATIONS NANOSECONDS' a line.

    `nothing` is the reason where it printed none.
    """
    if exit_code == -signal.SIGILL:
        return PeakFacts(operations_per_s=None, reason="the CPU refused an instruction that the compiler chose")
    if exit_code:
        return PeakFacts(operations_per_s=None, reason=f"the measuring program ended with {exit_code}, expected 0")
    passes = [line.rsplit(" ", 2) for line in printed.splitlines()]
    rates = {float(operations) * NS_PER_S / int(took_ns): kernel for kernel, operations, took_ns in passes}
    if not rates:
        return PeakFacts(operations_per_s=None, reason=nothing)
    return PeakFacts(operations_per_s=max(rates), how=rates[max(rates)])


def run_program(words: list[str], limit_s: float) -> subprocess.CompletedProcess[str]:
    """Run a compiler or what it made, with nothing to read. Raises `UnavailableError`."""
    try:
        return subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UnavailableError(f"{words[0]} could not be run: {error}") from error
