"""The command starts fast: `--help` loads nothing that only a verb needs."""

import os
import subprocess
import sys

HEAVY = {
    *("archspec", "gguf", "huggingface_hub", "jinja2", "llama_cpp", "msgspec", "numpy", "plotly", "psutil"),
    *("boto3", "codecarbon", "duckdb", "pydantic", "pynvml", "scipy", "yaml"),
}


def imported_by(*arguments: str) -> set[str]:
    """Return the top-level modules that the command loads."""
    # Coverage would load modules of its own into the process.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-X", "importtime", "-m", "profiler", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def test_help_loads_nothing_heavy() -> None:
    modules = imported_by("--help")

    assert {"profiler", "typer"} <= modules
    assert modules & HEAVY == set()
