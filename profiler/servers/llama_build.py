"""Builds llama.cpp's own programs from the source that llama-cpp-python ships, for the processor at hand.

The package index is the only place that is asked: the source archive of llama-cpp-python holds a pinned llama.cpp,
so the server built here is the same code as the embedded engine. A build is put in its place with one rename,
so that what has the name of a finished build is one.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from profiler.cache import cache_folder
from profiler.errors import EngineBuildError
from profiler.progress import Progress
from profiler.servers.base import Tick
from profiler.servers.process import ServerProcess
from profiler.units import BYTES_PER_MIB

SOURCE = "llama-cpp-python"
SOURCE_VERSION = "0.3.36"
AMX_FIX = Path(__file__).with_name("gcc_amx_fix.h")
PROGRAMS = ("llama-server", "llama-bench", "llama-quantize")

_BUILD_TOOLS = ("scikit-build-core>=0.9", "cmake>=3.21", "ninja>=1.11")
_ROOM_BYTES = 1024 * BYTES_PER_MIB
_ELSEWHERE = "Free some space, or set XDG_CACHE_HOME to a folder with room."
_LOOK_S = 0.1
_LOG_TAIL_LINES = 15
_STEP = re.compile(r"^\[(\d+)/(\d+)\] ", re.MULTILINE)  # ninja: [12/345] Building …
_OFF = (
    "BUILD_SHARED_LIBS",  # so that a program can be moved
    "LLAMA_BUILD_APP",
    "LLAMA_BUILD_EXAMPLES",
    "LLAMA_BUILD_TESTS",
    "LLAMA_BUILD_UI",
    "LLAMA_CURL",
    "LLAMA_OPENSSL",
    "LLAMA_USE_PREBUILT_UI",
)


@dataclass(frozen=True)
class Build:
    """A finished build, as its `build.json` tells it."""

    source: str  # what it was built from, with its version
    options: list[str]  # what CMake was told
    compiler: str  # the first line of what the compiler says of itself
    cuda: str | None  # release of the CUDA compiler; None for processors only


def home() -> Path:
    """Return the folder of the finished build; it need not exist."""
    return cache_folder() / "engines" / f"llama.cpp-{SOURCE_VERSION}"


def log_path() -> Path:
    """Return where a build writes what its tools print."""
    return cache_folder() / "engines" / "llama.cpp-build.log"


def built(program: str) -> Path | None:
    """Return the path of a program of a finished build, or `None`."""
    path = home() / program
    return path if path.is_file() else None


def describe(program: Path) -> Build | None:
    """Return how a program was built, where it was built here."""
    try:
        return Build(**json.loads((program.parent / "build.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def has_cuda() -> bool:
    """Whether there is a CUDA compiler, and a card to compile for."""
    return shutil.which("nvcc") is not None and Path("/dev/nvidiactl").exists()


def build(progress: Progress, tick: Tick, jobs: int, *, cuda: bool | None = None) -> Path:
    """Build the programs; return their folder. `cuda=None` builds for CUDA where `has_cuda`.

    Raises `EngineBuildError`, and whatever `tick` raises; either way nothing is left that looks finished.
    """
    with_cuda = has_cuda() if cuda is None else cuda
    _check_machine(with_cuda=with_cuda)
    engines = home().parent
    try:
        engines.mkdir(parents=True, exist_ok=True)
        _check_room(engines)
        log_path().unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building-", dir=engines, ignore_cleanup_errors=True) as name:
            work = _Work(Path(name), progress, tick)
            work.fetch()
            work.compile(jobs, _options(with_cuda=with_cuda), with_cuda=with_cuda)
            _put_in_place(work.finished)
    except OSError as error:
        raise EngineBuildError(f"llama.cpp could not be built in {engines}: {error}. {_ELSEWHERE}") from error
    return home()


class _Work:
    """One build in its temporary folder."""

    def __init__(self, folder: Path, progress: Progress, tick: Tick) -> None:
        self._folder = folder
        self._progress = progress
        self._tick = tick
        self._bin = folder / "tools" / "bin"
        self.finished = folder / "finished"

    def fetch(self) -> None:
        """Make an environment with the build tools; download and unpack the source."""
        self._progress.stage("Getting the build tools")
        self._run([sys.executable, "-m", "venv", str(self._folder / "tools")], "a Python environment could not be made")
        pip = [str(self._bin / "python"), "-m", "pip"]
        tools = [tool for tool in _BUILD_TOOLS if shutil.which(tool.partition(">")[0]) is None]
        self._run([*pip, "install", *tools], "pip could not install the build tools")
        self._progress.stage(f"Downloading the source ({SOURCE} {SOURCE_VERSION})")
        wanted = ["--no-deps", "--no-build-isolation", "--no-binary", SOURCE, f"{SOURCE}=={SOURCE_VERSION}"]
        self._run([*pip, "download", "--dest", str(self._folder), *wanted], "pip could not download the source")
        (archive,) = self._folder.glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and newer
                packed.extraction_filter = tarfile.data_filter
            packed.extractall(self._folder / "source")  # noqa: S202 - the index's checksum was verified by pip

    def compile(self, jobs: int, options: Sequence[str], *, with_cuda: bool) -> None:
        """Configure, compile, and collect the programs."""
        (source,) = (self._folder / "source").glob("*/vendor/llama.cpp")
        tree = str(self._folder / "tree")
        self._progress.stage("Configuring")
        self._run(["cmake", "-S", str(source), "-B", tree, *options], "cmake could not configure the build")
        self._progress.stage("Compiling llama.cpp", total=1)
        targets = ["--target", *PROGRAMS, "-j", str(jobs)]
        self._run(["cmake", "--build", tree, *targets], "the compiler failed")
        self.finished.mkdir()
        for program in PROGRAMS:
            shutil.move(self._folder / "tree" / "bin" / program, self.finished / program)
        shutil.copy(source / "LICENSE", self.finished / "LICENSE")
        facts = Build(
            source=f"llama.cpp of {SOURCE} {SOURCE_VERSION}",
            options=list(options),
            compiler=_first_line(["c++", "--version"]),
            cuda=_cuda_release() if with_cuda else None,
        )
        (self.finished / "build.json").write_text(json.dumps(asdict(facts), indent=2) + "\n", "utf-8")

    def _run(self, command: list[str], failure: str) -> None:
        """Run one step under a warden, so that nothing of it outlives us; follow ninja's count."""
        environment = {
            "PATH": os.pathsep.join([str(self._bin), os.environ.get("PATH", os.defpath)]),
            "CXXFLAGS": f"{os.environ.get('CXXFLAGS', '')} -include '{AMX_FIX}'".strip(),
            "NINJA_STATUS": "[%f/%t] ",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        process = ServerProcess(command, log_path(), environment)
        try:
            with log_path().open(encoding="utf-8", errors="replace") as log:
                while (code := process.exit_code()) is None:
                    self._follow(log.read())
                    self._tick()
                    time.sleep(_LOOK_S)
        finally:
            process.stop()
        if code != 0:
            raise EngineBuildError(
                f"llama.cpp could not be built: {failure} (exit code {code}). "
                f"The whole log: {log_path()}\n{_tail(log_path())}"
            )

    def _follow(self, text: str) -> None:
        steps = _STEP.findall(text)
        if steps:
            self._progress.advance(int(steps[-1][0]) / int(steps[-1][1]))


def _options(*, with_cuda: bool) -> list[str]:
    """Return CMake's options: for this very processor (x86 and ARM alike), one file per program."""
    options = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=ON"]
    options += [f"-D{name}=OFF" for name in _OFF]
    options += [f"-DLLAMA_BUILD_COMMIT={SOURCE}-{SOURCE_VERSION}"]  # what `--version` says
    return [*options, "-DGGML_CUDA=ON", "-DGGML_CUDA_NCCL=OFF"] if with_cuda else options


def _check_room(folder: Path) -> None:
    """Raise `EngineBuildError` where the disk is too full to begin."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < _ROOM_BYTES:
        raise EngineBuildError(
            f"{folder} has room for {free_bytes / BYTES_PER_MIB:.0f} MiB; building takes about "
            f"{_ROOM_BYTES / BYTES_PER_MIB:.0f} MiB. {_ELSEWHERE}"
        )


def _check_machine(*, with_cuda: bool) -> None:
    """Raise `EngineBuildError` with a remedy for what pip cannot provide."""
    for language, names, package in (("C", ("cc", "gcc"), "gcc"), ("C++", ("c++", "g++"), "g++")):
        if not any(map(shutil.which, (*os.environ.get({"C": "CC"}.get(language, "CXX"), "").split()[:1], *names))):
            raise EngineBuildError(
                f"No {language} compiler was found (looked for {', '.join(names)}). Debian, Ubuntu: "
                f"apt-get install {package}; macOS: xcode-select --install"
            )
    if with_cuda and not shutil.which("nvcc"):
        raise EngineBuildError("No CUDA compiler (nvcc) was found. Install the CUDA toolkit, or build without --cuda.")


@contextmanager
def _aside(path: Path) -> Iterator[None]:
    """Move an older build out of the way; bring it back if the new one cannot take its place."""
    old = Path(tempfile.mkdtemp(prefix=".old-", dir=path.parent)) / path.name
    if path.exists():
        path.rename(old)
    try:
        yield
    except OSError:
        if old.exists():
            old.rename(path)
        raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)


def _put_in_place(finished: Path) -> None:
    with _aside(home()):
        finished.rename(home())


def _first_line(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return (done.stdout.strip().splitlines() or [""])[0]


def _cuda_release() -> str:
    return _first_line(["nvcc", "--version"])


def _tail(path: Path) -> str:
    lines = path.read_text("utf-8", "replace").strip().splitlines()
    return "\n".join(f"  {line}" for line in lines[-_LOG_TAIL_LINES:])
