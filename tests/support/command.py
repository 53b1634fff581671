"""The real `aforo` command of the environment under test."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

AFORO = str(Path(sys.executable).parent / "aforo")
TINY = "synthetic:tiny-1m/Q8_0"
# A run that is not about energy starts sooner without meters; on a busy machine a response may take minutes.
ALONE = ("--meters", "none", "--no-cloud", "--request-timeout-s", "300", "--stall-timeout-s", "300")

Aforo = Callable[..., "subprocess.CompletedProcess[str]"]
