"""Packages that only an extra installs."""

import importlib
import os
from types import ModuleType

import pytest


def needed(module: str) -> ModuleType:
    """Import a module. Only outside the test suite's own environments may it be missing: then skip."""
    if os.environ.get("AFORO_TEST_INSTALLED") == "wheel":
        return importlib.import_module(module)
    return pytest.importorskip(module, reason=f"no {module} on this system")
