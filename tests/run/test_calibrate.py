import sys

import pytest

from profiler.reports.facts import calibration_sentence
from profiler.run.calibrate import calibrate
from profiler.timing.driver_client import load_driver
from profiler.timing.null_server import TOKENS


@pytest.mark.parametrize("concurrency", [1, 8])
def test_the_client_is_compared_with_a_server_that_says_when_it_sent(concurrency: int) -> None:
    with load_driver() as driver:
        found = calibrate(driver, concurrency, lambda: None)
    assert found.concurrency == concurrency
    assert found.tokens >= TOKENS * concurrency
    # A stamp of arrival cannot lie before the token was handed over, but for the uncertainty of the clocks.
    assert -50 < found.arrival_us["p50"] < 20_000
    if sys.platform == "linux":
        assert found.arrival_us["p50"] <= found.user_space_us["p50"]
    assert f"at concurrency {concurrency}," in calibration_sentence(found)
