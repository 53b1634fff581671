"""`aforo run --settings` and `--tune` from one end to the other, with a stand-in that is best with two threads."""

import sys
from pathlib import Path

import pytest
from support.command import ALONE, Aforo

from profiler.results.folder import RunFolder

STAND_IN = Path(__file__).parents[1] / "support" / "stand_in_engine.py"
SMALL = ["--concurrency", "1", "--requests", "8", "--warmup-requests", "1", "--output-tokens", "8", "--quiet", *ALONE]


@pytest.fixture
def asked(tmp_path: Path) -> list[str]:
    program = tmp_path / "vllm"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
    program.chmod(0o755)
    model = ["--model", "synthetic:tiny-1m/vllm", "--engine", "vllm", "--engine-path", str(program)]
    return ["run", "smoke", *model, *SMALL, "--engine-arg=--fault=best-threads-2"]


def only_run(tmp_path: Path) -> RunFolder:
    (path,) = (tmp_path / "runs").iterdir()
    return RunFolder(path)


def test_a_sweep_starts_the_server_for_each_setting(tmp_path: Path, aforo: Aforo, asked: list[str]) -> None:
    done = aforo(*asked, "--settings", "batch-tokens=256,512", "--repeats", "1")
    assert done.returncode in {0, 3}, done.stderr
    folder = only_run(tmp_path)
    manifest = folder.read_manifest()
    assert [point.settings for point in manifest.points] == [{"batch_tokens": "256"}, {"batch_tokens": "512"}]
    starts = [phase for phase in manifest.phases if phase.name == "start-server"]
    assert [phase.point for phase in starts] == [point.name for point in manifest.points]
    loads = [point.metrics["model_load_s"] for point in folder.read_summary().points]
    assert [load.value for load in loads] == [(p.end_ns - p.start_ns) / 1e9 for p in starts]
    assert manifest.engine.options["--batch-tokens"] == "256"
    assert manifest.engine.tuning == "chosen by hand: --engine-arg, --batch-tokens"
    assert "--settings batch-tokens=256,512" in " ".join(manifest.command_line)
    page = folder.report.read_text("utf-8")
    assert "batch tokens 512, 1 in flight" in page
    assert "TTFT p50 by setting" in page


def test_the_best_number_of_threads_is_found_and_measured_again(tmp_path: Path, aforo: Aforo, asked: list[str]) -> None:
    done = aforo(*asked, "--tune", "tpot_ms", "--tune-budget", "90s", "--settings", "threads=1,2", "--repeats", "1")
    assert done.returncode in {0, 3}, done.stderr
    folder = only_run(tmp_path)
    manifest = folder.read_manifest()
    tuning = manifest.tuning
    assert tuning is not None
    assert tuning.settings == {"threads": "2"}, tuning.sentence
    assert tuning.lasted_s < 90
    assert manifest.engine.tuning == "tuned within 90 s for tpot_ms"
    assert f"Settings tuned within 90 s for tpot_ms. {tuning.sentence.split()[0]}" in " ".join(done.stdout.split())
    assert tuning.sentence in manifest.engine.notes
    assert (manifest.engine.threads, manifest.engine.options["--threads"]) == (2, "2")
    assert "--threads 2" in " ".join(manifest.command_line)
    assert "--tune" not in manifest.command_line
    assert manifest.points[0].settings == {}  # a plain run
    search = RunFolder(folder.path / "tuning")
    assert search.read_manifest().run_id == tuning.run_id
    visits = [point.visit for point in search.read_manifest().points]
    assert visits == list(range(1, len(visits) + 1))
    assert [len(each.load_s) for each in tuning.tried] == [len(each.values) for each in tuning.tried]
    assert sum(len(each.values) for each in tuning.tried) == len(visits)
    assert all(0 < load_s < s for each in tuning.tried for load_s, s in zip(each.load_s, each.lasted_s, strict=True))
    assert 'id="tuning"' in folder.report.read_text("utf-8")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--tune", "tpot"], "There is no metric 'tpot'"),
        (["--tune", "energy_j_per_output_token"], "expected a latency or a rate"),
        (["--tune", "tpot_ms", "--tune-budget", "soon"], "--tune-budget soon: expected a time"),
        (["--tune", "tpot_ms", "--concurrency", "1,2", "--settings", "threads=1,2"], "--tune is for one load"),
        (["--tune", "tpot_ms", "--settings", "threads=1"], "--tune has one setting to try"),
        (["--tune-budget", "10m"], "--tune-budget is for --tune"),
        (
            ["--settings", "gpu_layers=1,2"],
            "settings.gpu_layers: vllm has no such setting; it has prompt_cache",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused(
    tmp_path: Path, aforo: Aforo, asked: list[str], more: list[str], sentence: str
) -> None:
    done = aforo(*asked, *more)
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.split())
    assert not (tmp_path / "runs").exists()
