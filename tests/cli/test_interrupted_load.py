"""Finished requests are not lost when a run is interrupted while its profiler lags behind the load driver."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
from support import scripted_server as server
from support.command import AFORO


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_the_driver_has_finished_is_journaled(tmp_path: Path, number: signal.Signals) -> None:
    served = 0

    def script(connection: server.socket.socket, request: bytes) -> None:
        nonlocal served
        served += 1  # before the answer: a client may have finished with it before this thread goes on
        server.stream_tokens(["a", "b", "c", "d"])(connection, request)

    def wait_until_served(count: int) -> None:
        deadline_s = time.monotonic() + 300
        while served < count and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert served >= count

    with server.serve(server.openai(script)) as port:
        command = [AFORO, "run", "smoke", "--url", f"http://127.0.0.1:{port}", "--meters", "none", "--no-cloud", "-q"]
        load = ["--requests", "100000", "--output-tokens", "4", "--warmup-requests", "0", "--out", str(tmp_path)]
        with subprocess.Popen([*command, *load], stderr=subprocess.PIPE, text=True) as run:
            wait_until_served(50)
            run.send_signal(signal.SIGSTOP)  # the profiler, not its driver
            wait_until_served(served + 400)
            run.send_signal(number)
            run.send_signal(signal.SIGCONT)
            _, error = run.communicate(timeout=300)
    assert run.returncode == 128 + number, error
    (journal,) = tmp_path.glob("*/requests.jsonl")
    # One was in flight, and one may have been sent whole just before its connection was closed.
    assert served - 2 <= len(journal.read_text().splitlines()) <= served
