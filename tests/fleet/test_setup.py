"""Aforo on a host that has only Python: over a real sshd, with a wheel that needs nothing else."""

import base64
import hashlib
import io
import json
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from support.sshd import SshHost

from profiler import __version__
from profiler.errors import HostLostError, InterruptedRunError, UsageError
from profiler.fleet import set_up_here, setup
from profiler.fleet.environment import COMMAND
from profiler.fleet.schema import Host
from profiler.fleet.setup import Request
from profiler.fleet.transport import Answer
from profiler.fleet.watch import Silent
from profiler.fleet.wheel import Wheel

PYTHON_FOLDER = str(Path(sys.base_prefix) / "bin")


def wheel_of(name: str, version: str, module: str = "", requires: str = "") -> Wheel:
    """A wheel with one module, whose `main` is the command of that name."""
    folder = f"{name}-{version}.dist-info"
    held = {
        f"{name}_module.py": module,
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{folder}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{folder}/entry_points.txt": f"[console_scripts]\n{name} = {name}_module:main\n",
    }
    digests = {
        each: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        for each, text in held.items()
    }
    held[f"{folder}/RECORD"] = "".join(f"{each},sha256={digest},\n" for each, digest in digests.items())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for each, text in held.items():
            archive.writestr(each, text)
    return Wheel(f"{name}-{version}-py3-none-any.whl", packed.getvalue())


def aforo_that(does: str, requires: str = "Requires-Dist: needed\n") -> Wheel:
    return wheel_of("aforo", __version__, f"import sys\ndef main():\n    {does}\n", requires)


GOOD = aforo_that(f"print('aforo {__version__}' if '--version' in sys.argv else sys.argv[1:])")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what that wheel needs."""
    folder = tmp_path_factory.mktemp("wheels")
    needed = wheel_of("needed", "1.0")
    (folder / needed.name).write_bytes(needed.data)
    return folder


def bare_host(folder: Path, name: str, path: str = f"{PYTHON_FOLDER}:/usr/bin:/bin") -> SshHost:
    host = SshHost(folder / name, name, {"PATH": path})
    host.make_known()
    host.start()
    return host


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Callable[..., SshHost]]:
    """Hosts that have a Python and nothing else."""
    made = list[SshHost]()

    def make(name: str = "bare", **more: str) -> SshHost:
        made.append(bare_host(tmp_path, name, **more))
        return made[-1]

    yield make
    for host in made:
        host.die()


class SetUp(NamedTuple):
    """A host that had a Python and nothing else, with what came of setting it up."""

    host: SshHost
    first: setup.Outcome


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Iterator[SetUp]:
    """One with Aforo, for whoever leaves it so: an environment takes seconds to make."""
    host = bare_host(tmp_path_factory.mktemp("hosts"), "ready")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setup.wheel, "of_this_version", lambda: GOOD)
        (first,) = set_up(in_plan(host), wheels=wheels)
    yield SetUp(host, first)
    host.die()


@pytest.fixture(autouse=True)
def version(monkeypatch: pytest.MonkeyPatch) -> Callable[[Wheel], None]:
    """Let this version be another wheel."""

    def be(wheel: Wheel) -> None:
        monkeypatch.setattr(setup.wheel, "of_this_version", lambda: wheel)

    be(GOOD)
    return be


def in_plan(host: SshHost) -> Host:
    return Host(name=host.name, transport="ssh", address=host.address, ssh_options=host.options)


def set_up(*hosts: Host, wheels: Path | None, extras: Sequence[str] = ()) -> list[setup.Outcome]:
    return setup.set_up_all(hosts, Request(extras, wheels), Silent(), lambda: None)


def test_it_is_made_once_and_then_found(ready: SetUp, wheels: Path) -> None:
    host, made = ready
    assert (made.state, made.sentence) == ("made", "")
    command = host.home / COMMAND
    before = command.resolve().stat()
    way = setup.connect(in_plan(host))
    assert way.call(["aforo", "--version"], timeout_s=60).stdout == f"aforo {__version__}\n".encode()
    way.close()

    (again,) = set_up(in_plan(host), wheels=wheels)
    assert again == setup.Outcome(host.name, "there", "", made.python)
    assert command.resolve().stat() == before


def test_other_code_of_the_same_version_is_another_environment(
    ready: SetUp, wheels: Path, version: Callable[[Wheel], None]
) -> None:
    host = ready.host
    first = (host.home / COMMAND).resolve()
    version(aforo_that(f"print('aforo {__version__}, mended')"))
    (made,) = set_up(in_plan(host), wheels=wheels)
    assert made.state == "made"
    assert (host.home / COMMAND).resolve() != first
    assert first.exists()  # a run may be using it

    version(GOOD)
    (back,) = set_up(in_plan(host), wheels=wheels)
    assert back.state == "there"
    assert (host.home / COMMAND).resolve() == first


def test_an_extra_is_added_to_what_is_there(ready: SetUp, wheels: Path) -> None:
    host = ready.host
    set_up(in_plan(host), wheels=wheels, extras=["one"])
    environment = (host.home / COMMAND).resolve().parents[1]
    (environment / "in-use").touch()
    (made,) = set_up(in_plan(host), wheels=wheels, extras=["two"])
    assert made.state == "made"
    assert (environment / "in-use").exists(), "a run may be using it"
    (again,) = set_up(in_plan(host), wheels=wheels, extras=["one", "two"])
    assert again.state == "there"


def test_what_pip_lacks_is_told_with_its_words_and_the_remedy(
    bare: Callable[..., SshHost], wheels: Path, version: Callable[[Wheel], None]
) -> None:
    version(aforo_that("pass", "Requires-Dist: not-in-the-folder\n"))
    host = bare()
    (failed,) = set_up(in_plan(host), wheels=wheels)
    assert failed.state == "failed"
    assert "pip could not install it (exit code 1)" in failed.sentence
    assert "No matching distribution found for not-in-the-folder" in failed.sentence
    assert "needs a wheel of every package for the Python and CPU of this host" in failed.sentence
    assert not (host.home / COMMAND).exists()


def test_an_aforo_that_does_not_start_is_not_linked(
    bare: Callable[..., SshHost], wheels: Path, version: Callable[[Wheel], None]
) -> None:
    version(aforo_that("sys.exit('libm.so.6 is missing')"))
    host = bare()
    (failed,) = set_up(in_plan(host), wheels=wheels)
    assert failed.sentence.endswith(
        "Aforo was installed and does not start: 'aforo --version' said 'libm.so.6 is missing'."
    )
    assert not (host.home / COMMAND).exists()


def test_one_that_was_cut_off_in_the_middle_is_made_anew(ready: SetUp, wheels: Path) -> None:
    host = ready.host
    environment = (host.home / COMMAND).resolve().parents[1]
    (environment / "aforo.json").unlink()  # which is written last
    (made,) = set_up(in_plan(host), wheels=wheels)
    assert made.state == "made"


def test_a_host_without_python_is_told_what_to_install(bare: Callable[..., SshHost], tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sh").symlink_to(str(shutil.which("sh")))
    host = bare(path=str(tools))
    (failed,) = set_up(in_plan(host), wheels=None)
    assert (failed.state, failed.python) == ("failed", None)
    assert failed.sentence == (
        "Python 3.11 or newer is needed there, with venv, and it has none. "
        "Debian 12, Ubuntu 24.04 and newer: apt-get install python3 python3-venv"
    )


def test_a_python_that_is_too_old_is_told_of(bare: Callable[..., SshHost], tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sh").symlink_to(str(shutil.which("sh")))
    (tools / "python3").write_text("#!/bin/sh\n[ \"$1\" = -c ] && exit 1\necho 'Python 3.9.2'\n")
    (tools / "python3").chmod(0o755)
    host = bare(path=str(tools))
    (failed,) = set_up(in_plan(host), wheels=None)
    assert "with venv, and it has Python 3.9.2." in failed.sentence


def test_hosts_that_fail_do_not_hold_up_the_others(bare: Callable[..., SshHost], wheels: Path) -> None:
    gone, good = bare("gone"), bare("good")
    gone.die()
    mine = Host(name="mine", transport="ssh", address="h", aforo=["/opt/aforo"])
    outcomes = set_up(in_plan(gone), in_plan(good), mine, Host(name="here"), wheels=wheels)
    assert [each.state for each in outcomes] == ["failed", "made", "own", "own"]
    assert "nothing listens there" in outcomes[0].sentence


def test_a_folder_of_wheels_without_any_is_refused_before_a_host_is_called(tmp_path: Path) -> None:
    host = Host(name="h", transport="ssh", address="h")
    for folder, what in ((tmp_path, "holds no wheel"), (tmp_path / "no", "is no folder")):
        with pytest.raises(UsageError, match=rf"--wheels: {folder} {what}.*pip download --dest"):
            setup.set_up_all([host], Request(wheels=folder), Silent(), lambda: None, connected=lambda _: Told({}))


# On a host that is made up ------------------------------------------------------------------------


class Told:
    """A transport that answers by the first word."""

    name = "told"

    def __init__(self, answers: Mapping[str, Answer | Exception]) -> None:
        self.answers = answers
        self.calls: list[Sequence[str]] = []

    def call(self, argv: Sequence[str], **_: object) -> Answer:
        self.calls.append(argv)
        answer = self.answers[argv[0]]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        pass


def answers(**more: Answer | Exception) -> dict[str, Answer | Exception]:
    there = json.dumps({"state": "there", "sentence": "", "python": "3.12.1"}).encode()
    return {"sh": Answer(0, b"/usr/bin/python3\n", ""), "/usr/bin/python3": Answer(0, there, ""), **more}


def told(way: Told, *engines: str) -> setup.Outcome:
    host = Host(name="h", transport="ssh", address="h")
    return setup.set_up(host, way, Request(engines=engines), lambda _: None)


def test_engines_are_built_there_by_its_own_aforo() -> None:
    way = Told(answers(aforo=Answer(0, b"", "")))
    assert told(way, "llama-server").state == "there"
    assert way.calls[-1] == ["aforo", "engines", "build", "llama-server", "--if-missing"]


def test_an_engine_that_cannot_be_built_is_told_in_its_own_words() -> None:
    said = "aforo: Configuring\naforo: No C++ compiler was found. Debian, Ubuntu:\n  apt-get install g++"
    outcome = told(Told(answers(aforo=Answer(1, b"", said))), "llama-server")
    assert (outcome.state, outcome.sentence) == (
        "failed",
        "Aforo is there, but its engine is not. No C++ compiler was found. Debian, Ubuntu:\n  apt-get install g++",
    )


def test_a_host_that_is_lost_meanwhile() -> None:
    outcome = told(Told(answers(aforo=HostLostError("h: the connection ended"))), "llama-server")
    assert (outcome.state, outcome.sentence) == ("failed", "h: the connection ended")


def test_a_python_that_fails_is_told_in_its_last_words() -> None:
    broken = Answer(1, b"", "Traceback\nImportError: no json")
    assert told(Told({**answers(), "/usr/bin/python3": broken})).sentence == (
        "/usr/bin/python3 there failed, and said: ImportError: no json"
    )


def test_ctrl_c_ends_it(wheels: Path) -> None:
    def tick() -> None:
        raise InterruptedRunError(2)

    host = Host(name="h", transport="ssh", address="h")
    with pytest.raises(InterruptedRunError):
        setup.set_up_all([host], Request(wheels=wheels), Silent(), tick, connected=lambda _: Told(answers()))


# What the host says of itself -----------------------------------------------------------------------


def test_a_python_without_venv_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(set_up_here.Lacking, match=r"\(no ensurepip\)\. Debian, Ubuntu: apt-get install python3-venv"):
        set_up_here._check(tmp_path)


def test_a_full_disk_is_told_of_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 9 * 10**8, 10**8))  # type: ignore[attr-defined]
    with pytest.raises(set_up_here.Lacking, match=r"has room for 95 MiB, and 400 are needed\. Free some space there\."):
        set_up_here._check(tmp_path / "not" / "yet")


def test_a_disk_that_fills_up_meanwhile_is_told_of_with_the_tools_words(capfd: pytest.CaptureFixture[str]) -> None:
    said = "ERROR: Could not install: [Errno 28] No space left on device"
    with pytest.raises(set_up_here.Lacking) as raised:
        set_up_here._run(["sh", "-c", f"echo '{said}'; exit 1"], "pip could not install it", "Look at the index.")
    assert str(raised.value) == f"pip could not install it (exit code 1).\n  {said}\nFree some space there."
    assert capfd.readouterr().err == f"  {said}\n"  # handed on as it came
