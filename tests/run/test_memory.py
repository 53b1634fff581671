"""A run's folder is read in memory that does not grow with its length."""

import json
import subprocess
import sys

import pytest
from support.checkout import ROOT

SHORT, LONG = 1_000, 15_000  # requests of 100 tokens; all records of the long run at once would take 150 MiB more
MOST_GROWTH_MIB = 75  # of it, 40 are values that are kept while they are few


def peaks_mib(requests: int) -> dict[str, float]:
    """The largest resident memory of each command that reads a run."""
    script = ROOT / "benchmarks" / "memory.py"
    command = [sys.executable, str(script), "--requests", str(requests), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {cost["command"]: cost["peak_rss_mib"] for cost in json.loads(done.stdout)}


@pytest.mark.skipif(sys.platform == "win32", reason="no wait4 on this system")
def test_fifteen_times_the_requests_take_hardly_more_memory() -> None:
    short, long = peaks_mib(SHORT), peaks_mib(LONG)
    assert set(short) == {"summarize", "report"}
    for command, peak_mib in long.items():
        assert peak_mib - short[command] < MOST_GROWTH_MIB, command
