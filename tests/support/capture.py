"""Whether packets can be captured here."""

import pytest

from profiler.errors import UsageError
from profiler.wire_audit.control import require_capture


def need_capture() -> None:
    """Skip where this system or this user may not capture packets."""
    try:
        require_capture()
    except UsageError:
        pytest.skip("packets cannot be captured (CAP_NET_RAW) on this system")
