"""An engine that is a program of its own: finding it and asking what it is."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from profiler.errors import MissingEngineError, ServerStartError, UsageError
from profiler.files import expanded
from profiler.servers.secrets import without_secrets

_TIMEOUT_S = 180.0  # vLLM imports a whole framework to tell its version


def find_program(
    name: str, engine_path: Path | None, variable: str, others: Sequence[Path | None], remedy: str
) -> Path:
    """Return the program: as named by the user, from `$variable`, one of the others, or from PATH.

    Raises `UsageError`, which ends with the remedy; `MissingEngineError` where none was named and none is here.
    """
    for origin, path in {"--engine-path": engine_path, f"${variable}": os.environ.get(variable)}.items():
        if path:
            return _named(name, origin, Path(path), remedy)
    on_path = shutil.which(name)
    found = [path for path in others if path and path.is_file()] + ([Path(on_path)] if on_path else [])
    if not found:
        raise MissingEngineError(f"No {name} was found. {remedy} Or name one with --engine-path or ${variable}.")
    return found[0]


def _named(name: str, origin: str, path: Path, remedy: str) -> Path:
    try:
        path = expanded(path)
        program = path / name if path.is_dir() else path
        is_program = program.is_file() and os.access(program, os.X_OK)
    except OSError as error:
        raise UsageError(f"{origin} {path}: {error.strerror}. {remedy}") from error
    if not is_program:
        raise UsageError(f"{origin} {path}: expected an executable {name}, or a folder with one in it. {remedy}")
    return program


def ask(program: Path, question: str, remedy: str) -> str:
    """Query the program's version or help; return what it prints. Raises `ServerStartError`."""
    try:
        done = subprocess.run(
            [program, question],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
            env=without_secrets(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerStartError(f"{program} {question} does not run: {error}. {remedy}") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ServerStartError(f"{program} {question} ended with exit code {done.returncode}: {last}. {remedy}")
    return done.stdout + done.stderr


def hidden_arguments(prefix: str) -> list[str]:
    """Name the variables that set options of an engine, for they are not in its command line; no secrets."""
    passed_on = without_secrets(os.environ)
    found = sorted(f"{name}={' '.join(value.split())}" for name, value in passed_on.items() if name.startswith(prefix))
    return [f"Set by the environment: {', '.join(found)}."] if found else []
