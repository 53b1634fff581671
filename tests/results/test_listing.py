import json
from pathlib import Path

import msgspec
import pytest
from support.results_of_others import GUIDELLM, NOW
from support.stored_runs import GOLDEN, rate, stored

from profiler.errors import UsageError
from profiler.exchange.importing import import_result
from profiler.metrics.catalogue import listed
from profiler.results.engine_facts import EngineFacts
from profiler.results.imported import NO_TRUST
from profiler.results.index import EngineHead
from profiler.results.listing import UNFINISHED, UNREADABLE, Line, Wanted, find, lines, notes
from profiler.results.summary import Scalar


def test_a_run_is_a_line_with_verdict_and_headline_numbers(tmp_path: Path) -> None:
    stored(tmp_path / "a", metrics={"output_tokens_per_s": rate(10.0, 12.0)}, model__name="M", host={"name": "h"})
    (line,) = lines(find(tmp_path), listed())
    assert (line.verdict, line.status, line.host, line.model) == ("VALID", "complete", "h", "M")
    assert (line.engine, line.workload, line.started_utc) == ("llama-cpp-python", "w@1", "2026-01-01T00:00:00Z")
    assert (line.requests_ok, line.requests_failed, line.note) == (2, 0, None)
    assert line.numbers["output_tokens_per_s"] == 11.0
    assert line.numbers["ttft_ms.p50"] == 10.0  # both requests get their first token after 10 ms
    assert line.numbers["usd_per_1m_output_tokens"] is None


@pytest.mark.parametrize(
    ("name", "currency"), [("cost_per_1m_output_tokens", "EUR"), ("usd_per_1m_output_tokens", "USD")]
)
def test_a_cost_is_listed_with_its_currency_also_of_earlier_versions(tmp_path: Path, name: str, currency: str) -> None:
    run = stored(tmp_path / "a", metrics={name: Scalar(unit=f"{currency}/1M tokens", value=1.5)})
    summary = json.loads((run.folder.path / "summary.json").read_text())
    for other in {"cost_per_1m_output_tokens", "usd_per_1m_output_tokens"} - {name}:
        summary["metrics"].pop(other)
    (run.folder.path / "summary.json").write_text(json.dumps(summary))
    (line,) = lines(find(tmp_path), listed())
    assert (line.numbers["cost_per_1m_output_tokens"], line.currency) == (1.5, currency)


def test_a_server_elsewhere_is_listed_under_its_own_name(tmp_path: Path) -> None:
    url = "https://api.example.com:443/v1"
    stored(tmp_path / "a", host={"name": "h"}, engine__is_remote=True, engine__url=url)
    (line,) = lines(find(tmp_path), listed())
    assert line.host == "api.example.com"


def test_the_newest_come_first_and_those_without_a_date_last(tmp_path: Path) -> None:
    for day in (2, 3, 1):
        stored(tmp_path / f"day-{day}", started_utc=f"2026-01-0{day}T00:00:00Z")
    (stored(tmp_path / "lost").folder.path / "run.json").unlink()
    assert [line.folder.name for line in lines(find(tmp_path), listed())] == ["day-3", "day-2", "day-1", "lost"]


def test_what_is_half_written_or_damaged_is_shown_as_such(tmp_path: Path) -> None:
    (stored(tmp_path / "1-cut-off", status="running").folder.path / "summary.json").unlink()
    (stored(tmp_path / "2-damaged").folder.path / "run.json").write_text('{"format_version": 1')
    (stored(tmp_path / "3-summary").folder.path / "summary.json").write_text("[]")
    stored(tmp_path / "4-newer", format_version=99)
    (tmp_path / "5-bytes").mkdir()
    (tmp_path / "5-bytes" / "run.json").write_bytes(b"\xff\xfe\x00")
    seen = {line.folder.name: line for line in lines(find(tmp_path), listed())}
    assert {name: line.verdict for name, line in seen.items()} == {
        "1-cut-off": UNFINISHED,
        "2-damaged": UNREADABLE,
        "3-summary": UNREADABLE,
        "4-newer": UNREADABLE,
        "5-bytes": UNREADABLE,
    }
    said = {name: line.note or "" for name, line in seen.items()}
    assert f"aforo summarize {tmp_path / '1-cut-off'}" in said["1-cut-off"]
    assert "is damaged" in said["2-damaged"]
    assert seen["3-summary"].model == "m"  # what run.json says is shown all the same
    assert "Install a newer Aforo" in said["4-newer"]
    assert len(notes(seen.values())) == 5


def test_folders_without_a_run_are_counted_and_not_listed(tmp_path: Path) -> None:
    stored(tmp_path / "deep" / "er" / "run")
    (tmp_path / "photos" / "2024").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "a-file").touch()
    found = find(tmp_path)
    assert found.folders == [tmp_path / "deep" / "er" / "run"]
    assert found.foreign == [tmp_path / "photos"]


def test_a_run_itself_may_be_named() -> None:
    found = find(GOLDEN)
    assert (found.folders, found.foreign) == ([GOLDEN], [])
    assert lines(found, listed())[0].verdict in {"VALID", "VALID with warnings", "INVALID"}


def test_facts_of_another_shape_do_not_hide_a_run(tmp_path: Path) -> None:
    file = stored(tmp_path / "a", host={"name": "h"}).folder.path / "run.json"
    file.write_text(file.read_text("utf-8").replace('"name": "h"', '"name": 7'), "utf-8")
    (line,) = lines(find(tmp_path), listed())
    assert (line.verdict, line.host) == ("VALID", None)


def test_an_import_is_listed_as_one(tmp_path: Path) -> None:
    import_result(GUIDELLM, tmp_path, NOW)
    (line,) = lines(find(tmp_path), listed())
    assert line.verdict == NO_TRUST
    assert line.workload == "guidellm: c2"
    assert line.numbers["ttft_ms.p50"] == pytest.approx(52.409, abs=0.001)


def test_an_import_that_is_damaged_is_unreadable(tmp_path: Path) -> None:
    folder, _ = import_result(GUIDELLM, tmp_path, NOW)
    (folder / "imported.json").write_text("{}")
    (line,) = lines(find(tmp_path), listed())
    assert line.verdict == UNREADABLE
    assert "damaged" in (line.note or "")


@pytest.mark.parametrize(
    ("wanted", "is_kept"),
    [
        (Wanted(), True),
        (Wanted(host="GRAVITON"), True),
        (Wanted(model="qwen", workload="chat"), True),
        (Wanted(model="qwen", workload="sweep"), False),
        (Wanted(verdict="VALID"), False),  # not 'VALID with warnings'
        (Wanted(verdict="VALID with warnings"), True),
    ],
)
def test_lines_are_filtered(wanted: Wanted, is_kept: bool) -> None:
    line = Line(Path("f"), "VALID with warnings", host="my-graviton-3", model="Qwen2", workload="chat-short@1")
    assert wanted.keeps(line) is is_kept


def test_a_line_without_a_host_is_kept_unless_hosts_are_asked_for() -> None:
    assert Wanted().keeps(Line(Path("f"), UNREADABLE))
    assert not Wanted(host="h").keeps(Line(Path("f"), UNREADABLE))


def test_a_path_that_is_no_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"does not exist\. Expected a folder with runs"):
        find(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        find(tmp_path / "file")


def test_a_remote_server_is_known_by_the_key_of_earlier_versions() -> None:
    old = {"name": "openai", "is_elsewhere": True}
    assert EngineFacts.model_validate(old).is_remote
    assert "is_elsewhere" not in EngineFacts.model_validate(old).model_dump()
    assert msgspec.convert(old, EngineHead).is_remote
    assert not msgspec.convert({"name": "openai"}, EngineHead).is_remote
