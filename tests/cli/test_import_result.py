import json
from pathlib import Path

import pytest
from support.command import Aforo
from support.results_of_others import ALL, GUIDELLM, LLAMA_BENCH


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_a_result_is_taken_in_and_listed_as_what_it_is(aforo: Aforo, tmp_path: Path, path: Path) -> None:
    done = aforo("import", str(path))
    assert done.returncode == 0, done.stderr
    assert "imported: no trust block" in done.stdout
    (folder,) = (tmp_path / "runs").iterdir()
    assert f"runs/{folder.name}" in done.stdout
    (line,) = json.loads(aforo("list", "--json").stdout)
    assert line["verdict"] == "imported: no trust block"


@pytest.mark.parametrize("verb", ["summarize", "report", "audit"])
def test_no_verb_for_runs_takes_it(aforo: Aforo, verb: str) -> None:
    aforo("import", str(GUIDELLM), "--out", "here")
    done = aforo(verb, json.loads(aforo("list", "here", "--json").stdout)[0]["folder"])
    assert done.returncode == 2
    assert "not a run but a result of another tool (imported: no trust block)" in done.stderr


def test_as_json(aforo: Aforo) -> None:
    shown = json.loads(aforo("import", str(LLAMA_BENCH), "--json").stdout)
    assert [point["name"] for point in shown["points"]] == ["pp32", "pp64", "tg16"]


def test_what_is_no_result_is_a_sentence(aforo: Aforo, tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text('{"a": 1}')
    for arguments, said in ((["f.json"], "no known tool writes"), (["nowhere"], "cannot be read")):
        done = aforo("import", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("finished", "why"), [(0, "no request finished"), (3, "none of its keys holds one")])
def test_a_result_without_a_number_says_why(aforo: Aforo, tmp_path: Path, finished: int, why: str) -> None:
    result = {"aggregated_metrics": {"stats": {}, "num_completed_requests": finished}}
    (tmp_path / "f.json").write_text(json.dumps(result))
    assert f"It has no numbers: {why}." in aforo("import", "f.json").stdout
