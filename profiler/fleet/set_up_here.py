"""Makes an environment with Aforo in it, on the host where this runs. Its text is sent there: standard library only.

One argument: JSON with `wheel` (its file name), `sha256`, `version`, `extras`, `is_offline`, `folder` (below the home
folder) and `has_files`. With `has_files`, a tar of wheels comes on standard input; without, nothing is changed, and the
answer says whether it is needed. Progress goes to standard error, a line now and then, which may be empty; the answer,
JSON, to standard output: `state` (there, needed, made, failed), `sentence`, `python`.

Environments are named after version and digest of the wheel. The last thing that is written is the link `environment`,
so what it leads to is whole.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import select
import shutil
import subprocess
import sys
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

NEEDED_MIB = 400
_LAST_LINES = 12
_SIGN_OF_LIFE_S = 5.0
_FREE_SPACE = "Free some space there."


class Lacking(Exception):  # noqa: N818 - it is a state of the host, with the remedy
    """What the host has not, and what to do."""


def main() -> None:
    """Answer what was asked."""
    asked = json.loads(sys.argv[1])
    answer = {"python": platform.python_version(), "sentence": ""}
    try:
        answer["state"] = _set_up(asked)
    except (Lacking, OSError, tarfile.TarError) as error:
        answer |= {"state": "failed", "sentence": str(error)}
    print(json.dumps(answer))


def _set_up(asked: dict[str, Any]) -> str:
    home = Path.home() / asked["folder"]
    whole = home / "environments" / f"{asked['version']}-{asked['sha256'][:12]}"
    if _is_whole(whole, asked):
        _link(home / "environment", whole)
        return "there"
    _check(home)
    if not asked["has_files"]:
        return "needed"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "environment.lock").open("w") as lock:
        _wait_for(lock)
        if not _is_whole(whole, asked):  # another may have made it meanwhile
            _make(whole, asked)
    _link(home / "environment", whole)
    return "made"


def _is_whole(environment: Path, asked: dict[str, Any]) -> bool:
    """Whether it was finished, with all that is asked for now."""
    had = _extras_in(environment, asked)
    return had is not None and set(asked["extras"]) <= set(had)


def _extras_in(environment: Path, asked: dict[str, Any]) -> list[str] | None:
    """Return the extras of an environment that was finished; None for one that was not, or of another wheel."""
    with suppress(OSError, ValueError):
        had = json.loads((environment / "aforo.json").read_text("utf-8"))
        if had["sha256"] == asked["sha256"]:
            return list(had["extras"])
    return None


def _check(home: Path) -> None:
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        raise Lacking(
            f"Python {platform.python_version()} there cannot make environments (no {', no '.join(missing)}). "
            "Debian, Ubuntu: apt-get install python3-venv"
        )
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free_mib = shutil.disk_usage(there).free // 2**20
    if free_mib < NEEDED_MIB:
        raise Lacking(f"{there} has room for {free_mib} MiB, and {NEEDED_MIB} are needed. {_FREE_SPACE}")


def _wait_for(lock: IO[str]) -> None:
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        _say("Waiting for another set-up on this host")
        select.select([], [], [], _SIGN_OF_LIFE_S)


def _make(environment: Path, asked: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory(prefix="aforo-setup-", dir=environment.parents[1]) as name:
        files = Path(name)
        with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as sent:
            for member in sent:
                file = sent.extractfile(member)
                if file is not None:
                    (files / Path(member.name).name).write_bytes(file.read())
        wheel = files / asked["wheel"]
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != asked["sha256"]:
            raise Lacking("The wheel did not arrive whole. Run the set-up again.")
        had_extras = _extras_in(environment, asked)
        if had_extras is None:  # else only extras are added: a run may be using it
            _say("Making a Python environment")
            _run([sys.executable, "-m", "venv", "--clear", str(environment)], "the environment could not be made", "")
        asked = {**asked, "extras": sorted({*asked["extras"], *(had_extras or [])})}
        _install(environment, wheel, files, asked)
    had = {"sha256": asked["sha256"], "version": asked["version"], "extras": asked["extras"]}
    (environment / "aforo.json").write_text(json.dumps(had), "utf-8")


def _install(environment: Path, wheel: Path, files: Path, asked: dict[str, Any]) -> None:
    _say("Installing Aforo")
    extras = f"[{','.join(asked['extras'])}]" if asked["extras"] else ""
    where = ["--no-index", "--find-links", str(files)] if asked["is_offline"] else []
    python = str(environment / "bin" / "python")
    remedy = (
        "The folder of --wheels needs a wheel of every package for the Python and CPU of this host."
        if asked["is_offline"]
        else "See that the host reaches a package index (its pip configuration), or carry wheels there: --wheels DIR."
    )
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off", *where]
    _run([*pip, f"{wheel}{extras}"], "pip could not install it", remedy)
    told = subprocess.run([environment / "bin" / "aforo", "--version"], capture_output=True, text=True, check=False)
    if asked["version"] not in told.stdout:
        last = (told.stderr.strip() or told.stdout.strip() or "nothing").splitlines()[-1]
        raise Lacking(f"Aforo was installed and does not start: 'aforo --version' said {last!r}.")


def _run(command: list[str], failure: str, remedy: str) -> None:
    """Run a tool to its end, handing on what it says."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as tool:
        assert tool.stdout is not None  # noqa: S101 - it is a pipe
        lines, rest = list[str](), b""
        while True:
            if not select.select([tool.stdout], [], [], _SIGN_OF_LIFE_S)[0]:
                _say("")
                continue
            piece = os.read(tool.stdout.fileno(), 65536)
            if not piece:
                break
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                lines.append(line.decode("utf-8", "replace"))
                _say(f"  {lines[-1]}")
    if tool.returncode != 0:
        last = [line for line in lines if line.strip()][-_LAST_LINES:]
        is_full = any("No space left on device" in line for line in last)
        said = "\n".join(f"  {line}" for line in last)
        raise Lacking(f"{failure} (exit code {tool.returncode}).\n{said}\n{_FREE_SPACE if is_full else remedy}".strip())


def _link(link: Path, environment: Path) -> None:
    """Let the link lead there, in one step."""
    with suppress(OSError):
        if link.resolve(strict=True) == environment.resolve():
            return
    beside = link.with_name(f".environment-{os.getpid()}")
    beside.symlink_to(environment, target_is_directory=True)
    beside.replace(link)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
