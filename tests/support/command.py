"""The real `aforo` command of the environment under test."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

AFORO = str(Path(sys.executable).parent / "aforo")
TINY = "synthetic:tiny-1m/Q8_0"

Aforo = Callable[..., "subprocess.CompletedProcess[str]"]
