"""Gathers what `prove.py` takes along to a machine with an NVIDIA card and no network.

`python tests/gpu/carry.py [FOLDER] [--python 3.12 …]` writes wheels (Aforo itself, what it needs, CMake and Ninja) and
the part of llama.cpp's source that llama-server and its CUDA kernels are compiled from, 60 MB at most in all.
"""

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from profiler.servers.llama_build import SOURCE, SOURCE_VERSION

HERE = Path(__file__).parent
CARRIED = HERE / "carried"
SOURCE_FILE, WHEELS, FACTS = "llama.cpp.tar.xz", "wheels", "carried.json"
MOST_BYTES = 60_000_000
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
BUILD_TOOLS = ("cmake>=3.21", "ninja>=1.11")

_KEPT = {"CMakeLists.txt", "LICENSE", "licenses", "cmake", "common", "ggml", "include", "src", "tools", "vendor"}
_ONE_BY_ONE = {"scripts/ui-assets.cmake"}
_BACKENDS = {"blas", "cpu", "cuda"}  # of ggml; every other one is for hardware that is not there
_LEFT_OUT = (
    "tools/ui/src/",
    "tools/ui/tests/",
    "tools/ui/static/",
    "tools/ui/.storybook/",
    "tools/server/tests/",
    "tools/server/bench/",
    "tools/mtmd/tests/",
)


def main() -> None:
    """Gather everything and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=CARRIED)
    parser.add_argument(
        "--python", action="append", default=[], metavar="3.N", help="of the machine; default: this one"
    )
    parser.add_argument(
        "--source", type=Path, help=f"archive of {SOURCE} {SOURCE_VERSION}; default: downloaded (77 MB)"
    )
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    gather_wheels(asked.folder / WHEELS, asked.python)
    gather_source(asked.folder / SOURCE_FILE, asked.source)
    sizes = {path.name: path.stat().st_size for path in sorted(asked.folder.rglob("*")) if path.is_file()}
    total = sum(size for name, size in sizes.items() if name != FACTS)
    facts = {"source": f"{SOURCE} {SOURCE_VERSION}", "bytes": total, "sizes": sizes}
    (asked.folder / FACTS).write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
    print(f"{asked.folder}: {total / 1e6:.1f} MB in {len(sizes)} files")
    if total > MOST_BYTES:
        raise SystemExit(f"That is more than the {MOST_BYTES / 1e6:.0f} MB that may be carried; name fewer --python.")


def gather_wheels(folder: Path, pythons: list[str]) -> None:
    """Build Aforo's wheel, and download what it needs for each version of Python."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    folder.mkdir(exist_ok=True)
    for old in folder.glob("aforo-*.whl"):
        old.unlink()
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(HERE.parents[1])], check=True)
    (own,) = folder.glob("aforo-*.whl")
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    for python in pythons or [f"{sys.version_info.major}.{sys.version_info.minor}"]:
        wanted = ["--only-binary", ":all:", "--python-version", python, *platforms]
        subprocess.run([*pip, "download", "--dest", str(folder), *wanted, f"{own}[gpu]", *BUILD_TOOLS], check=True)


def gather_source(archive: Path, source: Path | None) -> None:
    """Write the part of llama.cpp that is compiled."""
    with tempfile.TemporaryDirectory() as folder:
        whole = source or _download(Path(folder))
        with tarfile.open(whole) as packed, tarfile.open(archive, "w:xz", preset=6) as part:
            for member, name in _compiled(packed):
                member.name, member.pax_headers = name, {}  # which hold long names as they were
                member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
                part.addfile(member, packed.extractfile(member) if member.isfile() else None)


def _download(folder: Path) -> Path:
    wanted = ["--no-deps", "--no-binary", SOURCE, f"{SOURCE}=={SOURCE_VERSION}"]
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "download", "--dest", str(folder), *wanted], check=True)
    (archive,) = folder.glob("*.tar.gz")
    return archive


def _compiled(packed: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, str]]:
    """Yield what is needed of the archive, by its name within llama.cpp."""
    for member in packed:
        name = "/".join(Path(member.name).parts[3:])
        if Path(member.name).parts[1:3] == ("vendor", "llama.cpp") and name and is_compiled(name):
            yield member, name


def is_compiled(name: str) -> bool:
    """Whether a file of llama.cpp is needed for llama-server on x86 and CUDA."""
    if name.split("/", maxsplit=1)[0] not in _KEPT:
        return name in _ONE_BY_ONE
    if name.startswith("ggml/src/ggml-"):
        backend = name.removeprefix("ggml/src/ggml-").split("/")[0]
        return "/" not in name.removeprefix("ggml/src/") or backend in _BACKENDS
    return not name.startswith(_LEFT_OUT)


if __name__ == "__main__":
    main()
