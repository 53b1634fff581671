"""Building llama.cpp, with a stand-in for its tools: what is left behind, what is said."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from profiler.errors import EngineBuildError, InterruptedRunError
from profiler.servers import llama_build

# Configures at once; compiles in two steps, as ninja tells them.
CMAKE = """#!/bin/sh
if [ "$1" != --build ]; then
  mkdir -p "$4"; echo configured >> "{told}.log"; echo "$@" > "{told}"; echo "$CXXFLAGS" >> "{told}"; exit 0
fi
echo "[1/2] Building CXX object ggml.cpp.o"
{then}
mkdir -p "$2/bin"
for program in $(echo "$@" | grep -o 'llama-[a-z]*'); do echo new > "$2/bin/$program"; done
echo "[2/2] Linking CXX executable bin/llama-server"
"""


class Stages:
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.done: list[float] = []

    def note(self, text: str) -> None:
        self.seen.append(text)

    def stage(self, text: str, total: float | None = None) -> None:
        self.seen.append(text)

    def advance(self, done: float, note: str = "") -> None:
        self.done.append(done)


@pytest.fixture
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of engines in a cache of its own, with sources that are there already."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def fetched(work: llama_build._Work) -> None:
        work._source.mkdir(exist_ok=True)
        (work._source / "LICENSE").write_text("MIT")

    monkeypatch.setattr(llama_build._Work, "fetch", fetched)
    return tmp_path / "cache" / "aforo" / "engines"


@pytest.fixture
def cmake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a stand-in for CMake first on PATH; its `then` runs between its two steps."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    stand_in(folder, "sleep 0.3")
    return folder


def stand_in(folder: Path, then: str) -> None:
    path = folder / "cmake"
    path.write_text(CMAKE.format(told=folder / "told", then=then))
    path.chmod(0o755)


def build(stages: Stages | None = None, tick: object = lambda: None) -> Path:
    return llama_build.build(stages or Stages(), tick, 2, cuda=False)  # type: ignore[arg-type]


def test_a_build_ends_in_programs_and_a_record_of_how_they_were_made(engines: Path, cmake: Path) -> None:
    seen = cmake / "seen"
    stand_in(cmake, f"until [ -e {seen} ]; do sleep 0.01; done")

    class Watched(Stages):
        def advance(self, done: float, note: str = "") -> None:
            super().advance(done, note)
            seen.touch()

    stages = Watched()
    assert llama_build.built("llama-server") is None
    folder = build(stages)
    assert sorted(path.name for path in folder.iterdir()) == [
        "LICENSE",
        "build.json",
        "llama-server",
    ]
    made = llama_build.describe(folder / "llama-server")
    assert made is not None
    assert made.source == "llama.cpp of llama-cpp-python 0.3.36"
    assert "-DGGML_NATIVE=ON" in made.options
    assert made.cuda is None
    assert 0.5 in stages.done
    assert stages.seen[-1] == "Compiling llama.cpp"
    left = {folder.name, f".{folder.name}.building", "llama.cpp-build.log", ".llama.cpp.lock"}
    assert {path.name for path in engines.iterdir()} == left


def test_the_compiler_is_given_the_header_that_mends_amx(engines: Path, cmake: Path) -> None:
    build()
    assert "gcc_amx_fix.h" in (cmake / "told").read_text()


def test_cuda_is_switched_on_by_an_option(engines: Path, cmake: Path) -> None:
    stand_in(cmake, "")
    nvcc = cmake / "nvcc"
    nvcc.write_text("#!/bin/sh\necho nvcc: release 13\n")
    nvcc.chmod(0o755)
    llama_build.build(Stages(), lambda: None, 2, cuda=True)
    assert "-DGGML_CUDA=ON" in (cmake / "told").read_text()
    assert json.loads((llama_build.home() / "build.json").read_text())["cuda"] == "nvcc: release 13"


def test_a_build_that_fails_shows_its_last_lines_and_leaves_nothing(engines: Path, cmake: Path) -> None:
    stand_in(cmake, "echo 'ggml.cpp:1: error: no such cheese'; exit 2")
    with pytest.raises(EngineBuildError, match="no such cheese") as caught:
        build()
    assert "exit code 2" in str(caught.value)
    assert str(llama_build.log_path()) in str(caught.value)
    assert "it goes on where it stopped" in str(caught.value)
    assert llama_build.built("llama-server") is None


@pytest.mark.parametrize(
    ("printed", "shown", "not_shown"),
    [
        ("[1/9] x\\nFAILED: a.o\\na.cpp:1: error: cheese\\n" + "[2/9] y\\n" * 40, "error: cheese", "[1/9]"),
        ("c++: fatal error: Killed signal terminated program cc1plus", "--jobs 1", "where it stopped"),
        ("x" * 5000, "x …", "x" * 400),
    ],
)
def test_what_a_failed_build_shows_of_its_log(
    engines: Path, cmake: Path, printed: str, shown: str, not_shown: str
) -> None:
    stand_in(cmake, f"printf '{printed}'; exit 1")
    with pytest.raises(EngineBuildError) as caught:
        build()
    assert shown in str(caught.value)
    assert not_shown not in str(caught.value)


def test_a_build_goes_on_where_the_last_one_failed_unless_the_compiler_is_another(
    engines: Path, cmake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(cmake, "touch $2/compiled; exit 1")
    for _ in range(2):
        with pytest.raises(EngineBuildError):
            build()
    compiled = engines / f".{llama_build.home().name}.building" / "tree" / "compiled"
    assert compiled.exists()
    stand_in(cmake, "test ! -e $2/compiled || exit 9")
    with pytest.raises(EngineBuildError, match="exit code 9"):
        build()
    monkeypatch.setenv("CXXFLAGS", "-O1")
    build()
    assert not compiled.exists()


def test_other_programs_are_built_when_they_are_asked_for_beside_those_that_are_there(
    engines: Path, cmake: Path
) -> None:
    build()
    folder = llama_build.build(Stages(), lambda: None, 2, programs=["llama-bench"], cuda=False)
    assert {path.name for path in folder.glob("llama-*")} == {"llama-server", "llama-bench"}


def test_a_further_program_goes_on_from_what_was_compiled_for_the_first(engines: Path, cmake: Path) -> None:
    stand_in(cmake, "test -e $2/compiled && echo reused >> $0.reused; touch $2/compiled")
    build()
    stages = Stages()
    program = llama_build.needed("llama-perplexity", stages, lambda: None, 2)
    assert program == llama_build.home() / "llama-perplexity"
    assert "Building llama-perplexity for this CPU" in stages.seen[0]
    assert (cmake / "cmake.reused").read_text() == "reused\n"
    assert llama_build.needed("llama-perplexity", Stages(), pytest.fail, 2) == program


def test_of_two_builds_at_once_the_second_waits_and_uses_what_the_first_has_built(engines: Path, cmake: Path) -> None:
    stand_in(cmake, "sleep 0.5")
    with ThreadPoolExecutor(2) as pool:
        seen = [Stages(), Stages()]
        folders = list(pool.map(build, seen))
    assert folders == [llama_build.home()] * 2
    assert (cmake / "told.log").read_text().splitlines() == ["configured"]
    assert sorted("Waiting for another build of llama.cpp to end" in stages.seen for stages in seen) == [False, True]


def test_a_compiler_that_does_not_take_several_files_as_one_is_given_them_one_by_one(
    engines: Path, cmake: Path
) -> None:
    stand_in(cmake, f"grep -q SHORTEN=ON {cmake / 'told'} && {{ echo 'error: redefinition'; exit 1; }}")
    assert (build() / "llama-server").exists()
    assert (cmake / "told.log").read_text().splitlines() == ["configured"] * 2
    assert "redefinition" not in llama_build.log_path().read_text()


def test_the_files_that_are_compiled_as_one_are_for_the_pinned_source() -> None:
    assert llama_build.SOURCE_VERSION == "0.3.36", "look through added_to_build.cmake, then change this line"


def test_a_build_says_beforehand_what_it_does_and_how_long_it_takes() -> None:
    text = llama_build.announcement(2)
    assert text.startswith("Building llama-server for this CPU, once: about ")
    assert "min on 2 CPUs" in text


def test_a_build_that_fails_leaves_the_older_one_in_place(engines: Path, cmake: Path) -> None:
    (build() / "llama-server").write_text("old")
    stand_in(cmake, "exit 1")
    with pytest.raises(EngineBuildError):
        build()
    assert (llama_build.home() / "llama-server").read_text() == "old"


def test_a_build_replaces_the_older_one(engines: Path, cmake: Path) -> None:
    (build() / "llama-server").write_text("old")
    build()
    assert (llama_build.home() / "llama-server").read_text() == "new\n"


def test_a_build_that_is_interrupted_ends_its_tools_and_leaves_nothing_that_looks_finished(
    engines: Path, cmake: Path
) -> None:
    stand_in(cmake, f"sleep 600 & echo $! > {cmake / 'pid'}; wait")

    def tick() -> None:
        if (cmake / "pid").exists() and (cmake / "pid").read_text().strip():
            raise InterruptedRunError(2)

    with pytest.raises(InterruptedRunError):
        build(tick=tick)
    child = int((cmake / "pid").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    assert llama_build.built("llama-server") is None
    stand_in(cmake, "")
    assert (build() / "llama-server").exists()


def test_a_disk_without_room_is_said_before_anything_starts(
    engines: Path, cmake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))  # type: ignore[attr-defined]
    with pytest.raises(EngineBuildError, match="XDG_CACHE_HOME"):
        build()


def test_a_machine_without_a_compiler_is_told_what_to_install(
    engines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(EngineBuildError, match="apt-get install gcc"):
        build()


def test_it_is_the_same_source_as_the_embedded_engine() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    assert f"{llama_build.SOURCE}[server]=={llama_build.SOURCE_VERSION}" in project.read_text()
