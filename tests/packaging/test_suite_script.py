"""`tests/suite.py`: what it refuses, what it counts, and that nothing unrun is shown as passed."""

import ast
import os
import sys
from pathlib import Path

import pytest
import suite
from suite import Outcome, closing, is_accepted, read_report

CASES = """<testsuites><testsuite>
<testcase classname="tests.a" name="good"/>
<testcase classname="tests.a" name="expected"><skipped type="pytest.xfail" message="known"/></testcase>
<testcase classname="tests.a" name="bad"><failure message="no"/></testcase>
<testcase classname="tests.a" name="broken"><error message="setup"/></testcase>
<testcase classname="tests.a" name="page"><skipped type="pytest.skip" message="no Chromium: install one"/></testcase>
</testsuite></testsuites>"""


def wheel(**counts: object) -> Outcome:
    return Outcome(**{"name": "wheel", "exit_code": 0, "duration_s": 61.0, "passed": 5, **counts})  # type: ignore[arg-type]


def bare_debian(monkeypatch: pytest.MonkeyPatch, folder: Path, description: str) -> None:
    """Pretend to be root on a machine that has nothing but an apt, which installs a browser into `folder`."""
    browser = f"{folder}/chromium"
    install = f'case "$*" in *install*) echo "#!/bin/sh" > {browser}; /bin/chmod +x {browser};; esac'
    for name, script in (("apt-get", install), ("apt-cache", f'echo "{description}"')):
        program = folder / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("AFORO_CHROMIUM", raising=False)
    monkeypatch.setattr(suite, "CHROMIUM_APPLICATIONS", ())
    monkeypatch.setattr(suite.os, "geteuid", lambda: 0)


class TestMachine:
    def test_an_old_python_can_at_least_read_the_script(self) -> None:
        ast.parse(Path(suite.__file__).read_text(encoding="utf-8"), feature_version=(3, 7))

    def test_an_old_python_is_told_which_newer_one_is_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(suite.shutil, "which", lambda name: name if name == "python3.12" else None)

        lack = suite.python_lack((3, 9, 2))

        assert lack is not None
        assert "this is 3.9.2. Run: python3.12 tests/suite.py" in lack
        assert suite.python_lack((3, 11, 0)) is None

    def test_every_lack_is_named_with_its_remedy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(suite.shutil, "which", lambda _: None)
        monkeypatch.setattr(suite.importlib.util, "find_spec", lambda _: None)

        with pytest.raises(suite.Lacking) as lack:
            suite.check_machine()

        for remedy in ("python3-venv", "install git", "install gcc", "install g++"):
            assert remedy in str(lack.value)


class TestChromium:
    def test_a_named_one_that_does_not_run_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AFORO_CHROMIUM", "/no/such/browser")

        with pytest.raises(suite.Lacking, match="/no/such/browser does not run"):
            suite.installed_chromium()

    def test_a_snap_is_not_taken(self, tmp_path: Path) -> None:
        wrapper, program = tmp_path / "chromium-browser", tmp_path / "chromium"
        wrapper.write_text('#!/bin/sh\nexec /snap/bin/chromium "$@"\n', encoding="utf-8")
        program.write_text('#!/bin/sh\nexec /usr/lib/chromium/chromium "$@"\n', encoding="utf-8")

        assert suite.is_snap(str(wrapper))
        assert not suite.is_snap(str(program))

    def test_debians_is_installed_with_apt(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        bare_debian(monkeypatch, tmp_path, "Description: web browser")

        assert suite.installed_chromium() is None
        assert suite.chromium_from_apt() == str(tmp_path / "chromium")

    def test_ubuntus_is_a_snap_and_is_left_alone(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        bare_debian(monkeypatch, tmp_path, "Description: Transitional package - chromium snap")

        assert suite.chromium_from_apt() is None
        assert not (tmp_path / "chromium").exists()

    def test_without_root_apt_is_not_tried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(suite.os, "geteuid", lambda: 1000)

        assert suite.chromium_from_apt() is None


class TestRelay:
    def test_output_passes_through_with_signs_of_life_and_the_exit_code(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(suite, "SILENCE_S", 0.05)
        slow = "import sys, time; print('begin', flush=True); time.sleep(0.5); print('end'); sys.exit(3)"

        assert suite.relay([sys.executable, "-c", slow], dict(os.environ)) == 3

        shown = capfd.readouterr().out
        assert "[suite] still working" in shown[shown.index("begin\n") : shown.index("end\n")]


class TestReport:
    def test_counts(self, tmp_path: Path) -> None:
        report, outcome = tmp_path / "wheel.xml", wheel(passed=0)
        report.write_text(CASES, encoding="utf-8")

        read_report(report, outcome)

        assert (outcome.passed, outcome.failed) == (2, 2)
        assert outcome.not_run == [("tests.a::page", "no Chromium: install one")]

    def test_a_missing_report_is_a_failure(self, tmp_path: Path) -> None:
        outcome = wheel(passed=0)

        read_report(tmp_path / "none.xml", outcome)

        assert not outcome.is_good


class TestClosing:
    def test_all_good(self) -> None:
        lines, is_good = closing([Outcome("lint", 0, 3.0), wheel()], set(), 64.0)

        assert is_good
        assert lines[-2:] == ["RESULT: PASSED", "5 passed, 0 failed, 0 skipped"]

    def test_a_failed_environment_fails_the_suite(self) -> None:
        lines, is_good = closing([Outcome("lint", 1, 3.0), wheel()], set(), 64.0)

        assert not is_good
        assert lines[-2] == "RESULT: FAILED (failed: lint)"

    def test_what_could_not_run_fails_the_suite_and_is_listed(self) -> None:
        lines, is_good = closing([wheel(not_run=[("a::page", "no Chromium: install one")])], set(), 61.0)

        assert not is_good
        assert "  NOT RUN   wheel: a::page: no Chromium: install one" in lines
        assert lines[-2:] == ["RESULT: FAILED (1 tests could not run)", "5 passed, 0 failed, 1 skipped"]

    def test_what_the_user_allows_to_be_missing_is_said_loudly(self) -> None:
        lines, is_good = closing([wheel(not_run=[("a::page", "no Chromium: install one")])], {"chromium"}, 61.0)

        assert is_good
        assert lines[-2] == "RESULT: PASSED, BUT 1 TESTS DID NOT RUN (see above)"

    def test_only_a_reason_that_is_known_is_accepted(self) -> None:
        assert is_accepted("no kernel stamps on this system", set())
        assert not is_accepted("no Chromium: install one", set())
        assert not is_accepted("could not import 'gguf'", {"chromium"})
