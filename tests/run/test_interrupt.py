import os
import signal

import pytest

from profiler.errors import InterruptedRunError
from profiler.run.interrupt import Interrupt


def test_the_first_signal_waits_for_a_safe_point() -> None:
    with Interrupt() as interrupt:
        interrupt.check()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(InterruptedRunError) as caught:
            interrupt.check()
    assert caught.value.exit_code == 143


def test_the_second_signal_stops_at_once() -> None:
    with Interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(InterruptedRunError):
            os.kill(os.getpid(), signal.SIGINT)


def test_the_handlers_from_before_come_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupt():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_the_parent_has_set_to_be_ignored_stays_ignored(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)  # as nohup does, and a shell for what it starts with &
    try:
        with Interrupt() as interrupt:
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
            interrupt.check()
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
