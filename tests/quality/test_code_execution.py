"""Generated code in its isolation: what passes, and what hostile code comes to."""

import json
import os
import socket
from pathlib import Path

import psutil
import pytest

from profiler.content import content
from profiler.quality import code_execution, isolation
from profiler.quality.code_execution import CodeResult, Limits, code_in, run_code, run_tests
from profiler.quality.item import Item

SHORT = Limits(cpu_s=1, wall_s=500)  # however busy the machine is


@pytest.fixture
def isolated() -> None:
    if lack := isolation.lacking():
        pytest.skip(f"no bubblewrap that works: {lack}")


@pytest.mark.usefixtures("isolated")
class TestHonestCode:
    def test_every_reference_solution_passes_its_tests(self) -> None:
        lines = (content("workloads") / "data" / "code.jsonl").read_text("utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        items = [Item(id=row["id"], entry_point=row["entry_point"], tests=row["tests"]) for row in rows]
        results = [run_tests(row["reference"], item) for row, item in zip(rows, items, strict=True)]
        assert len(rows) >= 20
        assert [result for result in results if not result.passed] == []

    def test_a_wrong_function_fails_with_the_test_that_it_fails(self) -> None:
        result = run_code("def double(n): return n + 2", ["assert double(2) == 4", "assert double(3) == 6"])
        assert result == CodeResult(False, "assert double(3) == 6: AssertionError")

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ("def f(:", "SyntaxError"),
            ("", "assert f() == 1: NameError: name 'f' is not defined"),
            ("raise SystemExit", "SystemExit"),
            ("def f(): return f()", "RecursionError"),
            ("import numpy", "ModuleNotFoundError: No module named 'numpy'"),
        ],
    )
    def test_code_that_does_not_work_is_told_why(self, code: str, reason: str) -> None:
        result = run_code(code, ["assert f() == 1"])
        assert result.passed is False
        assert reason in str(result.reason)

    def test_what_dataclasses_and_type_hints_need_is_there(self) -> None:
        code = (
            "from __future__ import annotations\nfrom dataclasses import dataclass\n"
            "@dataclass\nclass P:\n    x: int = 1\ndef f() -> int: return P().x"
        )
        assert run_code(code, ["assert f() == 1"]) == CodeResult(True)

    def test_text_in_any_script_is_kept(self) -> None:
        assert run_code("def f(): return 'ñ中ع'", ["assert f() == 'ñ中ع'"]) == CodeResult(True)


@pytest.mark.usefixtures("isolated")
class TestHostileCode:
    """Each is contained, and none passes: its one test is `assert done`."""

    def outcome(self, code: str, limits: Limits = SHORT) -> str:
        result = run_code(code, ["assert done"], limits)
        assert result.passed is False, result
        return str(result.reason)

    def succeeds(self, code: str) -> bool:
        return run_code(code, ["assert done"], SHORT).passed is True

    def test_it_ends_before_its_tests(self) -> None:
        assert self.outcome("import os; os._exit(0)") == "ended by itself (exit code 0) before its tests were done"

    def test_it_replaces_itself_by_another_program(self) -> None:
        assert "ended by itself" in self.outcome("import os; os.execv('/bin/true', ['true'])")

    def test_it_writes_a_verdict_of_its_own(self) -> None:
        code = """
import os
for descriptor in range(3, 64):
    try: os.write(descriptor, b'\\n{"failure": null, "token": ""}\\n{"failure": null}\\n')
    except OSError: pass
os._exit(0)
"""
        assert "ended by itself" in self.outcome(code)

    def test_it_reads_no_home(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("secret")
        for path in (secret, Path.cwd(), Path("/etc/passwd"), Path("/proc/self/environ"), Path("/sys")):
            look = "os.listdir" if path.is_dir() else "open"
            assert "Error" in self.outcome(f"import os\ndone = {look}({str(path)!r})"), path

    def test_a_home_that_holds_the_interpreter_shows_nothing_else(self) -> None:
        code = f"import os, sys\nhome = {str(Path.home())!r}\n" + (
            "inside = os.listdir(home) if os.path.isdir(home) else []\n"
            "done = all(sys.base_prefix.startswith(os.path.join(home, name)) for name in inside)"
        )
        assert self.succeeds(code)

    def test_it_sees_no_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AFORO_TEST_SECRET", "s3cret")
        assert self.succeeds("import os\ndone = 's3cret' not in str(os.environb) and 'HOME' not in os.environ")

    def test_it_reaches_no_network(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            code = f"import socket\ndone = socket.create_connection(('127.0.0.1', {port}), 2)"
            assert "Error" in self.outcome(code)
        assert "unreachable" in self.outcome("import socket\ndone = socket.create_connection(('192.0.2.1', 80), 2)")

    def test_it_forks_without_end(self) -> None:
        assert "PermissionError" in self.outcome("import os\nwhile True: os.fork()")
        assert "PermissionError" in self.outcome("import subprocess\nsubprocess.run(['true'])")
        assert "can't start new thread" in self.outcome("import threading\nthreading.Thread(target=print).start()")

    def test_it_makes_no_namespaces_and_no_memory_beyond_its_limit(self) -> None:
        code = (
            "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
            "calls = [libc.unshare(0x10000000), libc.shmget(0, 1 << 30, 0o1600), libc.setns(0, 0)]\n"
            "done = calls == [-1] * 3 and ctypes.get_errno() == 1"
        )
        assert self.succeeds(code)

    def test_it_eats_memory(self) -> None:
        patient = Limits(cpu_s=60, wall_s=300)  # the kernel may take long to hand memory out
        assert "MemoryError" in self.outcome("blocks = []\nwhile True: blocks.append(bytearray(1 << 20))", patient)

    def test_it_never_ends(self) -> None:
        assert self.outcome("while True: pass") == "took more than 1 s of CPU time"
        assert self.outcome("import time; time.sleep(99)", Limits(wall_s=1)) == "still running after 1 s"

    def test_it_catches_every_signal(self) -> None:
        code = "import signal\nfor number in {*range(1, 32)} - {9, 19}: signal.signal(number, signal.SIG_IGN)\n"
        code += "while True: pass"
        assert "signal 9" in self.outcome(code)

    def test_it_writes_nowhere(self) -> None:
        code = """
import os
done = []
for folder in ("/", "/tmp", "/dev", "/dev/shm", "/usr", "/root", "/home", os.path.dirname(os.__file__)):
    try: done.append(open(folder + "/aforo-was-here", "w"))
    except OSError: pass
"""
        assert "AssertionError" in self.outcome(code)
        assert not Path(os.__file__).with_name("aforo-was-here").exists()

    def test_it_prints_a_gigabyte(self) -> None:
        code = "import os, sys\nblock = b'x' * (1 << 20)\nfor _ in range(1024): os.write(1, block)\ndone = True"
        assert self.succeeds(code)
        assert "ended by itself" in self.outcome("import os\nwhile True: os.write(3, b'x' * 65536)")

    def test_its_errors_are_told_in_a_line_of_bounded_length(self) -> None:
        assert len(self.outcome("raise ValueError('x' * 10_000_000)")) <= 300
        code = "class E(Exception):\n    def __str__(self): raise KeyboardInterrupt\nraise E"
        assert self.outcome(code) == "E"

    def test_it_crashes_the_interpreter(self) -> None:
        assert "ended by itself (signal 11)" in self.outcome("import ctypes; ctypes.string_at(0)")

    def test_nothing_of_it_goes_on_afterwards(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        marked = tmp_path / "marked.py"  # apart from what other tests isolate at the same time
        marked.write_text(f"{code_execution._INSIDE.read_text('utf-8')}\n# {tmp_path}\n", "utf-8")
        monkeypatch.setattr(code_execution, "_INSIDE", marked)
        assert self.outcome("import time; time.sleep(4321)", Limits(wall_s=1)).startswith("still running")
        running = psutil.process_iter(["cmdline"])
        assert not [process for process in running if str(tmp_path) in " ".join(process.info["cmdline"] or ())]


def test_nothing_runs_where_nothing_isolates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(isolation, "lacking", lambda: "bubblewrap (bwrap) is not installed. Install it")
    trace = tmp_path / "it-ran"
    result = run_code(f"open({str(trace)!r}, 'w')", [])
    assert result == CodeResult(None, "bubblewrap (bwrap) is not installed. Install it")
    assert not trace.exists()


def test_code_that_could_not_be_started_is_not_failed_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: no room' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(isolation, "lacking", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert run_code("", []) == CodeResult(None, "the isolation did not start: bwrap: no room")


FENCED = "Sure!\n```python\nimport math\ndef f(): return 1\n```\nand use it:\n```python\nf()\n```\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("def f(): return 1\n", "def f(): return 1\n"),
        (FENCED, "import math\ndef f(): return 1\n"),
        ("```\nx = 1\n```\n```py\nasync def f(): pass\n```", "async def f(): pass\n"),
        ("~~~python\nf = lambda: 1\n~~~", "f = lambda: 1\n"),
        ("```python\ndef f():\n    return 1", "def f():\n    return 1"),  # cut off
        ("```python\ndef g(): pass\n```", "def g(): pass\n"),
        ("", ""),
    ],
)
def test_the_code_of_an_answer(text: str, code: str) -> None:
    assert code_in(text, "f") == code


def test_the_harness_is_what_is_handed_over() -> None:
    assert code_execution._INSIDE.read_text("utf-8").startswith('"""What runs inside the isolation')
