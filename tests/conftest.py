"""Settings of all tests."""

import contextlib

with contextlib.suppress(ImportError):  # the base install is tested without it
    from hypothesis import HealthCheck, settings

    # How long an example takes is the machine's affair: it may be busy.
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")
