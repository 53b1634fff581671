"""Settings of all tests."""

import contextlib
import os
import sys

with contextlib.suppress(ImportError):  # the base install is tested without it
    from hypothesis import HealthCheck, settings

    # How long an example takes is the machine's affair: it may be busy.
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")

# Threads of an engine sleep while they wait for one another. Beside other tests, one that spins keeps the processor
# from the thread it waits for: a token of a millisecond takes seconds.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "0")


def pytest_unconfigure() -> None:
    """Close what llama_cpp opens when it is imported and leaves open to the end, where it would be reported."""
    if module := sys.modules.get("llama_cpp._utils"):
        module.outnull_file.close()
        module.errnull_file.close()
