"""Builds llama.cpp's own programs from the source that llama-cpp-python ships, for the processor at hand.

The package index is the only place that is asked: the source archive of llama-cpp-python holds a pinned llama.cpp,
so the server built here is the same code as that engine. A build is put in its place with one rename, so that what
has the name of a finished build is one. Until then everything is in a folder that a lock keeps for one build at a time;
it stays (140 MB), so that the next build goes on where one was interrupted and a further program costs its own files.
"""

import fcntl
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
from profiler.servers.build_step import BuildStep
from profiler.units import BYTES_PER_MIB

SOURCE = "llama-cpp-python"
SOURCE_VERSION = "0.3.36"
SERVER = "llama-server"
QUANTIZE, PERPLEXITY = "llama-quantize", "llama-perplexity"
PROGRAMS = (SERVER, "llama-bench", QUANTIZE, PERPLEXITY)
AMX_FIX = Path(__file__).with_name("gcc_amx_fix.h")

_ADDED = Path(__file__).with_name("added_to_build.cmake")
_INCLUDE = f"-DCMAKE_PROJECT_llama.cpp_INCLUDE={_ADDED}"  # CMake reads it after its own definitions
_SHORTEN = "-DAFORO_SHORTEN="
_BUILD_TOOLS = {"cmake": "cmake>=3.21", "ninja": "ninja>=1.11"}  # from the package index where they are missing
_BACKEND = "scikit-build-core>=0.9"  # which pip asks for the metadata of what it downloads
_OLDEST_CMAKE = (3, 21)
_COMPILERS = (("C", "CC", ("cc", "gcc"), "gcc"), ("C++", "CXX", ("c++", "g++"), "g++"))
_COMPILER_VARIABLES = ("CC", "CXX", "CFLAGS", "CXXFLAGS")
_NOT_NEEDED = ("docs", "models", "tests")  # folders of the source, most of its bytes
_ROOM_BYTES = 1024 * BYTES_PER_MIB
_COMPILING_CPU_S = 480.0  # of a CPU of 2022; for an estimate
_LOOK_S = 0.1
_FREE_SPACE = "Free some space, or set XDG_CACHE_HOME to a folder with room."
_NETWORK = "Check the network, and pip's settings of index and proxy."
_OFF = (
    "BUILD_SHARED_LIBS",  # so that a program can be moved
    "LLAMA_ALL_WARNINGS",
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
    """A finished build, as its `build.json` describes it."""

    source: str  # what it was built from, with its version
    options: list[str]  # CMake's
    compiler: str  # the first line of `c++ --version`
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


def announcement(jobs: int, program: str = SERVER) -> str:
    """Return what a build will do and how long that usually takes, in a sentence or two."""
    minutes = max(1, round(_COMPILING_CPU_S / jobs / 60 + 0.5))
    cpus = "one CPU" if jobs == 1 else f"{jobs} CPUs"
    return (
        f"Building {program} for this CPU, once: about {minutes} min on {cpus} "
        f"(llama.cpp as {SOURCE} {SOURCE_VERSION} ships it, kept in {home()})."
    )


def build(
    progress: Progress, tick: Tick, jobs: int, *, programs: Sequence[str] = (SERVER,), cuda: bool | None = None
) -> Path:
    """Build the programs, and those of an older build too; return their folder.

    `cuda=None` builds for CUDA where `has_cuda`. Waits for a build that is under way, and goes on with one that was
    interrupted. Raises `EngineBuildError`, and whatever `tick` raises; either way nothing is left that looks finished.
    """
    with_cuda = has_cuda() if cuda is None else cuda
    _check_machine(with_cuda=with_cuda)
    engines = home().parent
    try:
        engines.mkdir(parents=True, exist_ok=True)
        with _alone(engines / ".llama.cpp.lock", progress, tick) as has_waited:
            if not (has_waited and all(map(built, programs))):
                _check_room(engines)
                log_path().unlink(missing_ok=True)
                wanted = [name for name in PROGRAMS if name in programs or built(name)]
                _Work(engines / f".{home().name}.building", progress, tick).build(jobs, wanted, with_cuda=with_cuda)
    except OSError as error:
        raise EngineBuildError(f"llama.cpp could not be built in {engines}: {error}. {_FREE_SPACE}") from error
    return home()


@contextmanager
def _alone(lock: Path, progress: Progress, tick: Tick) -> Iterator[bool]:
    """Hold the lock, which ends with the process; yield whether another build had it first."""
    has_waited = False
    with lock.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not has_waited:
                    progress.stage("Waiting for another build of llama.cpp to end")
                has_waited = True
                tick()
                time.sleep(_LOOK_S)
        yield has_waited


class _Work:
    """One build in its folder, which stays for the next one."""

    def __init__(self, folder: Path, progress: Progress, tick: Tick) -> None:
        self._folder = folder
        self._progress = progress
        self._tools = folder / "tools"
        self._source = folder / "source"
        self._tree = folder / "tree"
        self._step = BuildStep(log_path(), self._tools / "bin", f" -include '{AMX_FIX}'", progress, tick)

    def build(self, jobs: int, programs: Sequence[str], *, with_cuda: bool) -> None:
        """Do what is left to do, and put the programs in their place."""
        self._folder.mkdir(exist_ok=True)
        self.fetch()
        options = _options(with_cuda=with_cuda)
        self._compile(jobs, programs, options)
        self._collect(programs, options, with_cuda=with_cuda)

    def fetch(self) -> None:
        """Get build tools and source, unless an earlier build has."""
        if self._source.exists():  # which is put there last
            return
        shutil.rmtree(self._folder)
        self._folder.mkdir()
        self._progress.stage("Getting the build tools")
        self._step.run([sys.executable, "-m", "venv", str(self._tools)], "a Python environment could not be made")
        pip = [str(self._tools / "bin" / "python"), "-m", "pip"]
        self._step.run([*pip, "install", *_missing_tools()], "pip could not install the build tools", _NETWORK)
        self._progress.stage(f"Downloading the source ({SOURCE} {SOURCE_VERSION}, 77 MB)")
        wanted = ["--no-deps", "--no-build-isolation", "--no-binary", SOURCE, f"{SOURCE}=={SOURCE_VERSION}"]
        download = [*pip, "download", "--dest", str(self._folder), *wanted]
        self._step.run(download, "pip could not download the source", _NETWORK)
        self._unpack()

    def _unpack(self) -> None:
        (archive,) = self._folder.glob("*.tar.gz")
        part = self._folder / "part"
        with tarfile.open(archive) as packed:
            if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and newer
                packed.extraction_filter = tarfile.data_filter
            packed.extractall(part, _needed(packed))  # noqa: S202 - the index's checksum was verified by pip
        archive.unlink()
        (source,) = part.glob("*/vendor/llama.cpp")
        source.rename(self._source)

    def _compile(self, jobs: int, programs: Sequence[str], options: list[str]) -> None:
        """Configure and compile; what an earlier build compiled with the same compiler and options is kept."""
        key = json.dumps([options, _compiler(), *(os.environ.get(name) for name in _COMPILER_VARIABLES)])
        key_file = self._tree / "aforo-key.json"
        if not key_file.exists() or key_file.read_text("utf-8") != key:
            shutil.rmtree(self._tree, ignore_errors=True)
        try:
            self._make(jobs, programs, [*options, _INCLUDE, f"{_SHORTEN}ON"])
        except EngineBuildError:  # some compiler may not take several files as one, or not have the memory
            log_path().unlink(missing_ok=True)
            self._make(jobs, programs, [*options, _INCLUDE, f"{_SHORTEN}OFF"])
        finally:
            if self._tree.exists():
                key_file.write_text(key, "utf-8")

    def _make(self, jobs: int, programs: Sequence[str], options: list[str]) -> None:
        self._progress.stage("Configuring")
        configure = ["cmake", "-S", str(self._source), "-B", str(self._tree), *options]
        self._step.run(configure, "cmake could not configure the build")
        self._progress.stage("Compiling llama.cpp", total=1)
        compile_ = ["cmake", "--build", str(self._tree), "--target", *programs, "-j", str(jobs)]
        self._step.run(compile_, "the compiler failed")

    def _collect(self, programs: Sequence[str], options: list[str], *, with_cuda: bool) -> None:
        finished = self._folder / "finished"
        shutil.rmtree(finished, ignore_errors=True)
        finished.mkdir()
        for program in programs:
            shutil.move(self._tree / "bin" / program, finished / program)
        shutil.copy(self._source / "LICENSE", finished / "LICENSE")
        facts = Build(
            source=f"llama.cpp of {SOURCE} {SOURCE_VERSION}",
            options=options,
            compiler=_compiler(),
            cuda=_first_line(["nvcc", "--version"]) if with_cuda else None,
        )
        (finished / "build.json").write_text(json.dumps(asdict(facts), indent=2) + "\n", "utf-8")
        with _aside(home()):
            finished.rename(home())


def needed(program: str, progress: Progress, tick: Tick, jobs: int) -> Path:
    """Return the path of one of the `PROGRAMS`, building it where it is missing. Raises as `build` does."""
    found = built(program)
    if found is None:
        progress.note(announcement(jobs, program))
        found = build(progress, tick, jobs, programs=[program]) / program
    return found


def _options(*, with_cuda: bool) -> list[str]:
    """Return CMake's options: for this very processor (x86 and ARM alike), one file per program."""
    options = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=ON"]
    options += [f"-D{name}=OFF" for name in _OFF]
    options += [f"-DLLAMA_BUILD_COMMIT={SOURCE}-{SOURCE_VERSION}"]  # what `--version` says
    return [*options, "-DGGML_CUDA=ON", "-DGGML_CUDA_NCCL=OFF"] if with_cuda else options


def _missing_tools() -> list[str]:
    """Return what pip has to install: what reads the source's metadata, and tools that are missing or too old."""
    missing = [requirement for tool, requirement in _BUILD_TOOLS.items() if shutil.which(tool) is None]
    found = re.search(r"(\d+)\.(\d+)", _first_line(["cmake", "--version"])) if shutil.which("cmake") else None
    if found and (int(found[1]), int(found[2])) < _OLDEST_CMAKE:
        missing.append(_BUILD_TOOLS["cmake"])
    return [_BACKEND, *missing]


def _needed(packed: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the members below `NAME/vendor/llama.cpp` that are compiled."""
    for member in packed:
        parts = Path(member.name).parts
        if parts[1:3] == ("vendor", "llama.cpp") and len(parts) > 3 and parts[3] not in _NOT_NEEDED:
            yield member


def _check_room(folder: Path) -> None:
    """Raise `EngineBuildError` where the disk is too full to begin."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < _ROOM_BYTES:
        raise EngineBuildError(
            f"{folder} has room for {free_bytes / BYTES_PER_MIB:.0f} MiB; building takes about "
            f"{_ROOM_BYTES / BYTES_PER_MIB:.0f} MiB. {_FREE_SPACE}"
        )


def _check_machine(*, with_cuda: bool) -> None:
    """Raise `EngineBuildError` with a remedy for what pip cannot provide."""
    for language, variable, names, package in _COMPILERS:
        if not any(map(shutil.which, (*os.environ.get(variable, "").split()[:1], *names))):
            raise EngineBuildError(
                f"No {language} compiler was found (looked for {', '.join(names)}), and {SERVER} is compiled for the "
                f"CPU that it is measured on. Debian, Ubuntu: apt-get install {package}; macOS: "
                "xcode-select --install"
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


def _compiler() -> str:
    """Return the first line of what the C++ compiler says of itself."""
    return _first_line([*(os.environ.get("CXX", "").split()[:1] or ["c++"]), "--version"])


def _first_line(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return ""
    return (done.stdout.strip().splitlines() or [""])[0]
