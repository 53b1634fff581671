"""Workload definitions to test with."""

from pathlib import Path

VALID = """\
id: mine
version: 1
description: For a test.
prompts:
  source: synthetic
  tokens: 8
output_tokens: 4
load:
  shape: closed-loop
requests: 2
"""

DATA = VALID.replace("source: synthetic\n  tokens: 8", "source: data\n  file: {file}\n  column: {column}")


def written(folder: Path, text: str | bytes, name: str = "mine.yaml") -> Path:
    """Write a definition and return its path."""
    path = folder / name
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return path
