"""`aforo gate` as it is typed."""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from support.command import Aforo
from support.stored_runs import rate, stored


@pytest.fixture
def gate(aforo: Aforo) -> Aforo:
    return lambda *words: aforo("gate", *map(str, words))


def side(folder: Path, *values: float, **changes: object) -> Path:
    for i, value in enumerate(values):
        metrics = {"output_tokens_per_s": rate(value)}
        stored(folder / f"{folder.name}-{i}", metrics=metrics, **changes)
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return side(tmp_path / "base", 100, 101, 99)


@pytest.mark.parametrize(
    ("values", "code", "word"),
    [((99, 100, 101), 0, "PASS"), ((89, 90, 91), 1, "REGRESSION"), ((90, 95, 100), 3, "INCONCLUSIVE")],
)
def test_the_exit_code_is_the_answer(
    gate: Aforo, tmp_path: Path, base: Path, values: tuple[float, ...], code: int, word: str
) -> None:
    done = gate(base, side(tmp_path / "new", *values))
    assert done.returncode == code, done.stderr
    assert done.stdout.rstrip().endswith(word)
    assert "3 base runs, 3 new runs" in done.stdout
    assert done.stderr == ""


def test_for_other_programs(gate: Aforo, tmp_path: Path, base: Path) -> None:
    new, junit = side(tmp_path / "new", 89, 90, 91), tmp_path / "junit.xml"
    done = gate(base, new, "--json", "--junit", junit, "--max-regression", "8%", "--confidence", "0.9")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert (document["max_regression_ratio"], document["confidence"]) == (0.08, 0.9)
    assert document["metrics"][0]["change_ratio"]["value"] == pytest.approx(-0.1, abs=1e-4)
    assert Xml.parse(junit).getroot().attrib["failures"] == "1"  # noqa: S314 - what we wrote ourselves
    assert gate(base, new, "--annotations").stdout.startswith("::error title=")


def test_a_mismatch_is_refused_unless_it_is_allowed(gate: Aforo, tmp_path: Path, base: Path) -> None:
    new = side(tmp_path / "new", 100, 101, 99, model__quantisation="Q4_0")
    done = gate(base, new)
    assert done.returncode == 2
    assert "quantisation: Q4_0" in done.stderr
    assert "--allow-mismatch quantisation" in done.stderr
    allowed = gate(base, new, "--allow-mismatch", "quantisation")
    assert allowed.returncode == 0
    assert "Note: Allowed to differ: quantisation" in allowed.stdout


def test_invalid_runs(gate: Aforo, tmp_path: Path, base: Path) -> None:
    new = side(tmp_path / "new", 99, 100, 101, level="INVALID")
    done = gate(base, new)
    assert done.returncode == 3
    assert "is INVALID" in done.stderr
    forced = gate(base, new, "--force", "--junit", tmp_path / "junit.xml")
    assert forced.returncode == 0
    # the word is in every form
    assert forced.stdout.rstrip().endswith("PASS BY INVALID RUNS")
    assert "INVALID by the rules of trust, and taken all the same (--force): new-0, new-1, new-2" in forced.stdout
    assert "INVALID runs are among them" in (tmp_path / "junit.xml").read_text("utf-8")
    assert "INVALID runs are among them" in gate(base, new, "--force", "--annotations").stdout
    assert json.loads(gate(base, new, "--force", "--json").stdout)["has_invalid_runs"] is True
    side(tmp_path / "new" / "more", 99, 100, 101)
    some = gate(base, new)
    assert some.returncode == 0
    assert some.stderr.count("left out") == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--metric", "output_token_per_s"), "Did you mean 'output_tokens_per_s'"),
        (("--max-regression", "5"), "expected a percentage"),
        (("--max-regression", "-5%"), "expected a percentage"),
        (("--confidence", "95"), "--confidence 95: expected"),
        (("--point", "c8"), "no load 'c8'"),
    ],
)
def test_bad_usage(gate: Aforo, tmp_path: Path, base: Path, words: tuple[str, ...], says: str) -> None:
    done = gate(base, side(tmp_path / "new", 99), *words)
    assert done.returncode == 2
    assert says in done.stderr


def test_a_run_is_not_compared_with_itself(gate: Aforo, base: Path) -> None:
    done = gate(base, base / "base-0")
    assert done.returncode == 2
    assert "base-0: on both sides" in done.stderr


def test_what_is_no_run(gate: Aforo, tmp_path: Path, base: Path) -> None:
    done = gate(base, tmp_path / "nowhere")
    assert done.returncode == 2
    assert "No run is called" in done.stderr


def test_runs_that_the_gate_makes_itself_are_compared_in_pairs(gate: Aforo, tmp_path: Path) -> None:
    """A machine that gets slower from pair to pair: 10 % less in each is a regression all the same."""
    script = tmp_path / "stand_in.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from pathlib import Path\n"
        "from support.stored_runs import rate, stored\n"
        "out = Path(sys.argv[-1])\n"
        "number = sum(len(list(side.iterdir())) for side in out.parent.glob('side-*'))\n"
        "drift = 1 - (number // 2) / 4\n"
        "metrics = {'output_tokens_per_s': rate(float(sys.argv[1]) * drift + number / 100)}\n"
        "stored(out / f'{out.name}-{number}', metrics=metrics, started_utc=f'2026-01-01T00:0{number}:00Z')\n",
        "utf-8",
    )
    make = [f"{sys.executable} {script} {value}" for value in (100, 90)]
    sides = [tmp_path / "side-base", tmp_path / "side-new"]
    done = gate(*sides, "--make", make[0], "--make-new", make[1], "--pairs", "3")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Pair 3 of 3, new" in done.stderr
    assert "3 base runs, 3 new runs" in done.stdout
    assert gate(*sides, "--make-new", make[1]).returncode == 2
    same = [tmp_path / "more" / "side-a", tmp_path / "more" / "side-b"]
    assert gate(*same, "--make", make[0], "--pairs", "3", "--max-regression", "8%").returncode == 0
