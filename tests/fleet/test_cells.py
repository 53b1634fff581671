"""Which cells a plan has, in which order, and what they run."""

from pathlib import Path

import pytest

from profiler.errors import UsageError
from profiler.fleet.cells import Grid, grid
from profiler.fleet.host_side.job_folder import folder_of
from profiler.fleet.load import load
from profiler.fleet.state import Begun

PLAN = """\
id: lab
hosts: [{name: a, price: 0.5}, {name: b, run: {requests: 7}}]
models: [synthetic:tiny-1m/Q8_0, synthetic:tiny-1m/F16]
workloads: [smoke, chat-short]
settings: {threads: [1, 2], kv_cache: [q8_0]}
run: {requests: 9, meters: none, cloud: false, limits: [errors=0.5]}
rounds: 2
"""


def made(folder: Path, text: str = PLAN) -> Grid:
    path = folder / "plan.yaml"
    path.write_text(text)
    return grid(load(str(path)))


def test_settings_take_turns_and_all_pairs_theirs_in_each_round(tmp_path: Path) -> None:
    cells = made(tmp_path).of_host["a"]
    assert len(cells) == 2 * 2 * 2 * 2
    assert [cell.setting.words for cell in cells] == ["threads=1, kv-cache=q8_0", "threads=2, kv-cache=q8_0"] * 8
    pairs = [(cell.model, cell.workload) for cell in cells[::2]]
    assert sorted(pairs[:4]) == sorted(pairs[4:]) == sorted(set(pairs))
    assert [cell.round for cell in cells] == [1] * 8 + [2] * 8


def test_the_same_plan_gives_the_same_order_and_another_one_another(tmp_path: Path) -> None:
    def order(text: str) -> list[str]:
        return [cell.key for cell in made(tmp_path, text).of_host["a"]]

    assert order(PLAN) == order(PLAN)
    others = [order(PLAN + f"description: number {number}\n") for number in range(5)]
    assert any(other != order(PLAN) for other in others)
    assert all(sorted(other) == sorted(order(PLAN)) for other in others)


def test_a_cell_is_the_command_that_people_would_type(tmp_path: Path) -> None:
    cells = made(tmp_path)
    (first,) = [c for c in cells.of_host["a"] if (c.workload, c.round) == ("smoke", 1) and "Q8" in c.model][:1]
    assert " ".join(first.command) == (
        "run smoke --model synthetic:tiny-1m/Q8_0 --yes --requests 9 --kv-cache q8_0 --threads 1 --meters none "
        "--no-cloud --limit errors=0.5 --price 0.5"
    )
    assert all("--requests 7" in " ".join(cell.command) for cell in cells.of_host["b"])


def test_keys_differ_with_what_is_measured_and_not_with_the_price(tmp_path: Path) -> None:
    keys = {cell.key for cell in made(tmp_path).of_host["a"]}
    assert len(keys) == 16
    assert {cell.key for cell in made(tmp_path, PLAN.replace("0.5}", "0.6}")).of_host["a"]} == keys
    assert not {cell.key for cell in made(tmp_path, PLAN.replace("requests: 9", "requests: 8")).of_host["a"]} & keys


def test_every_key_is_a_name_that_a_host_takes(tmp_path: Path) -> None:
    paths = ", ".join(f'"/{"p" * 60}{number}"' for number in range(2))
    text = PLAN.replace("threads: [1, 2], kv_cache: [q8_0]", f"engine_path: [{paths}], threads: [1], kv_cache: [q8_0]")
    text = text.replace("synthetic:tiny-1m/F16", f"/models/_{'m' * 60}.gguf")
    for cell in made(tmp_path, text).of_host["a"]:
        job = Begun(at="", cell=cell.key, host="a", attempt=1000, plan="s" * 64, token="t" * 8).job
        assert folder_of(job).path.name == job.name
    assert len(made(tmp_path, text).cells) == 2 * 16


def test_a_workload_of_ones_own_goes_with_its_data(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"prompt": "Why?"}\n')
    (tmp_path / "own.yaml").write_text(
        "id: own\nversion: 1\ndescription: d\nprompts: {source: data, file: rows.jsonl}\noutput_tokens: 4\n"
        "load: {shape: closed-loop}\nrequests: 4\n"
    )
    text = PLAN.replace("[smoke, chat-short]", "[own.yaml]")
    cells = made(tmp_path, text)
    sent = cells.sent["own.yaml"]
    assert set(sent.files) == {"workload/own.yaml", "workload/rows.jsonl"}
    assert cells.of_host["a"][0].command[:2] == ("run", "workload/own.yaml")
    before = {cell.key for cell in cells.of_host["a"]}
    (tmp_path / "rows.jsonl").write_text('{"prompt": "How?"}\n')
    assert not before & {cell.key for cell in made(tmp_path, text).of_host["a"]}, "other data is another measurement"


def test_data_outside_the_folder_of_its_workload_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"prompt": "Why?"}\n')
    (tmp_path / "below").mkdir()
    (tmp_path / "below/own.yaml").write_text(
        "id: own\nversion: 1\ndescription: d\nprompts: {source: data, file: ../rows.jsonl}\noutput_tokens: 4\n"
        "load: {shape: closed-loop}\nrequests: 4\n"
    )
    with pytest.raises(UsageError, match=r"'../rows.jsonl' of the workload own lies outside its folder"):
        made(tmp_path, PLAN.replace("[smoke, chat-short]", "[below/own.yaml]"))


def test_options_that_do_not_go_together_are_named_with_the_plan(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"plan.yaml: --rate, --concurrency cannot|--concurrency"):
        made(tmp_path, PLAN.replace("requests: 9", "requests: 9, rate: '1', concurrency: '2'"))
