from pathlib import Path

import pytest
from support.builders import request
from support.results_of_others import GUIDELLM, NOW
from support.stored_runs import rate, stored

from profiler.exchange.importing import import_result
from profiler.exchange.runs import open_runs
from profiler.exchange.tables import TABLES, Row, schema
from profiler.metrics.catalogue import METRICS
from profiler.results.folder import Journal
from profiler.results.records import CardReading, EnergyReading, Outcome, Sample
from profiler.results.summary import Scalar
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import estimate


def rows(root: Path, table: str) -> list[Row]:
    return list(TABLES[table].rows(open_runs(root)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run with a finished request, a failed one and one of the warm-up; another that was cut off; an import."""
    requests = [
        request(0, phase="warmup"),
        request(1, arrivals_ms=(12, 20, 30)),
        request(2, sent_ms=50, arrivals_ms=(), outcome=Outcome.RESET),
    ]
    metrics = {"output_tokens_per_s": rate(10.0, 12.0)}
    run = stored(tmp_path / "run", requests=requests, metrics=metrics, host={"name": "h", "cpu": {"usable_cpus": 4}})
    journal = Journal(run.folder.samples)
    reading = EnergyReading(channel="wall", t_ns=7, energy_j=3.5)
    card = CardReading(card="nvml:0", power_w=300.0)
    journal.append(Sample(t_ns=7, server_cpu_cores=1.5, energy=[reading], cards=[card]))
    journal.close()
    (stored(tmp_path / "cut-off").folder.path / "summary.json").unlink()
    import_result(GUIDELLM, tmp_path, NOW)
    return tmp_path


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_rows_have_the_columns_that_the_schema_states(folder: Path, table: object) -> None:
    name = getattr(table, "name")  # noqa: B009 - pytest names the parameter
    found = rows(folder, name)
    assert found
    for row in found:
        assert list(row) == [column.name for column in TABLES[name].columns]


def test_a_row_per_run(folder: Path) -> None:
    seen = {row["run_id"]: row for row in rows(folder, "runs")}
    assert seen.keys() == {"run", "cut-off"}
    assert (seen["run"]["verdict"], seen["run"]["host"], seen["run"]["usable_cpus"]) == ("VALID", "h", 4)
    assert (seen["run"]["requests_ok"], seen["run"]["requests_failed"]) == (1, 1)
    assert (seen["cut-off"]["verdict"], seen["cut-off"]["requests_ok"]) == (None, None)


def test_a_row_per_metric_with_the_interval_that_all_comparisons_use(folder: Path) -> None:
    seen = {row["metric"]: row for row in rows(folder, "metrics")}
    assert seen.keys() == METRICS.keys()
    (one,) = [one for one in open_runs(folder).opened if one.summary]
    for name, row in seen.items():
        known = estimate(one.points()[0], name)
        interval = (known.low, known.high) if isinstance(known, Estimate) else (None, None)
        assert (row["low"], row["high"]) == interval
    assert seen["output_tokens_per_s"]["value"] == 11.0
    assert seen["ttft_ms"]["mean"] == seen["ttft_ms"]["p50"] == 12.0
    assert seen["ttft_ms"]["value"] is None
    assert seen["goodput_rps"]["reason"] == "the workload states no SLO"


def test_a_row_per_request_with_every_metric_of_one(folder: Path) -> None:
    warmup, finished, failed, *others = [row for row in rows(folder, "requests") if row["run_id"] == "run"]
    assert not others
    assert (warmup["is_measured"], finished["is_measured"], failed["outcome"]) == (False, True, "reset")
    assert (finished["ttft_ms"], finished["e2e_ms"], finished["tpot_ms"]) == (12.0, 30.0, 9.0)
    assert (finished["prompt_tokens"], finished["output_tokens"]) == (8, 3)
    assert failed["ttft_ms"] is None


def test_a_row_per_sample(folder: Path) -> None:
    (row,) = rows(folder, "samples")
    assert (row["t_ns"], row["server_cpu_cores"], row["energy_j"]) == (7, 1.5, {"wall": 3.5})


def test_imports_are_in_a_table_of_their_own(folder: Path) -> None:
    seen = {row["metric"]: row for row in rows(folder, "imported")}
    assert seen["ttft_ms"]["value"] == pytest.approx(52.71, abs=0.01)
    assert seen["ttft_ms"]["tool"] == "guidellm"
    assert "guidellm" not in {row["engine"] for row in rows(folder, "runs")}


def test_a_sweep_has_rows_per_load(tmp_path: Path) -> None:
    points = [{"name": "c1", "concurrency": 1}, {"name": "c2", "concurrency": 2}]
    phases = [{"name": f"{point}/repeat-1", "point": point, "start_ns": 0, "end_ns": 10**9} for point in ("c1", "c2")]
    requests = [request(0, phase="c1/repeat-1"), request(1, phase="c2/repeat-1", arrivals_ms=(40, 50))]
    stored(tmp_path / "run", requests=requests, points=points, phases=phases)
    seen = {row["point"]: row for row in rows(tmp_path, "metrics") if row["metric"] == "ttft_ms"}
    assert {point: (row["concurrency"], row["mean"]) for point, row in seen.items()} == {
        "c1": (1, 10.0),
        "c2": (2, 40.0),
    }
    assert [row["point"] for row in rows(tmp_path, "requests")] == ["c1", "c2"]


def test_what_is_left_out_is_a_sentence_and_the_rest_is_there(tmp_path: Path) -> None:
    stored(tmp_path / "1-good")
    stored(tmp_path / "2-again", run_id="1-good")
    (stored(tmp_path / "3-damaged").folder.path / "run.json").write_text("{")
    (stored(tmp_path / "4-lost").folder.path / "run.json").unlink()
    (stored(tmp_path / "5-cut-off").folder.path / "summary.json").unlink()
    stored(tmp_path / "6-records").folder.requests.write_text("not JSON\n")
    runs = open_runs(tmp_path)
    assert [one.run.run_id for one in runs.opened] == ["1-good", "5-cut-off", "6-records"]
    said = "\n".join(runs.notes)
    for expected in ("the same run as", "is damaged", "no run.json", f"aforo summarize {tmp_path / '5-cut-off'}"):
        assert expected in said
    assert len(list(TABLES["requests"].rows(runs))) == 4
    assert "The rest of these requests is left out" in runs.notes[-1]


def test_a_damaged_summary_leaves_out_the_metrics_of_its_run_alone(tmp_path: Path) -> None:
    stored(tmp_path / "a")
    summary = stored(tmp_path / "b").folder.path / "summary.json"
    summary.write_text(summary.read_text().replace('"kind": "scalar"', '"kind": "vector"', 1))
    runs = open_runs(tmp_path)
    assert {row["run_id"] for row in TABLES["metrics"].rows(runs)} == {"a"}
    assert "The file is damaged" in runs.notes[-1]


def test_a_metric_of_another_version_is_a_row_like_the_others(tmp_path: Path) -> None:
    stored(tmp_path / "run", metrics={"of_another_version_ms": Scalar(unit="ms", value=7.0)})
    (row,) = [row for row in rows(tmp_path, "metrics") if row["metric"] == "of_another_version_ms"]
    assert (row["value"], row["low"], row["unit"]) == (7.0, None, "ms")


def test_the_schema_names_every_table_and_column() -> None:
    text = schema()
    for table in TABLES.values():
        assert f"{table.name}: " in text
        assert all(f"  {column.name} " in text for column in table.columns)
