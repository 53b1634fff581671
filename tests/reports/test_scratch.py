import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from profiler.reports.scratch import scratch_folder

_HOLD = """
import sys, time
from profiler.reports.scratch import scratch_folder
with scratch_folder("aforo-test-") as folder:
    (folder / "file").touch()
    print(folder, flush=True)
    time.sleep(600)
"""


def test_what_a_killed_process_left_is_removed_by_the_next_and_what_a_living_one_has_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    command = [sys.executable, "-c", _HOLD]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"TMPDIR": str(tmp_path)}) as killed,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"TMPDIR": str(tmp_path)}) as living,
    ):
        assert killed.stdout is not None
        assert living.stdout is not None
        left, held = (Path(process.stdout.readline().strip()) for process in (killed, living) if process.stdout)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert left.exists()
        with scratch_folder("aforo-test-") as own:
            assert own.is_dir()
            assert not left.parent.exists()
            assert (held / "file").exists()
        assert not own.parent.exists()
        living.kill()
