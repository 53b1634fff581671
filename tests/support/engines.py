"""Engines that the tests start."""

import os
from pathlib import Path

import pytest

from profiler.errors import UsageError
from profiler.servers import llama_server


def needed_llama_server() -> Path:
    """Return the real program. Only outside the test suite's own environments may it be missing: then skip."""
    try:
        return llama_server.find()
    except UsageError as error:
        if os.environ.get("AFORO_TEST_INSTALLED") == "wheel":
            raise
        pytest.skip(f"no llama-server: {error}")
