"""Names, labels and groups of the runs of a comparison."""

import pytest

from profiler.errors import UsageError
from profiler.reports.compare.entries import MOST_COLOURS, listed, named
from profiler.results.host_facts import CloudFacts, HostFacts


def on(host, threads=None):
    def change(manifest, _):
        manifest.host = HostFacts(name=host)
        manifest.engine.threads = threads

    return change


def test_a_label_says_in_what_a_run_differs(a_run):
    entries = named([a_run(1, change=on("a", 1)), a_run(2, change=on("a", 2))])
    assert [(entry.name, entry.label) for entry in entries.all] == [("r1", "threads 1"), ("r2", "threads 2")]


def test_a_long_version_leaves_room_for_what_was_set(a_run):
    def on_engine(name, version):
        def change(manifest, _):
            manifest.host = HostFacts(name="a")
            manifest.engine.name, manifest.engine.version, manifest.engine.threads = name, version, 2

        return change

    versions = {"llama-server": "0.5.0-dev (build 1, commit llama-cpp-python-0.3.36)", "llama-cpp-python": "0.3.36"}
    entries = named([a_run(number, change=on_engine(*each)) for number, each in enumerate(versions.items())])
    assert [entry.label for entry in entries.all] == [
        "llama-server, version 0.5.0-dev",
        "llama-cpp-python, version 0.3.36",
    ]


def test_options_of_an_engine_are_named_where_runs_differ_in_them(a_run):
    def with_batches_of(tokens, attention):
        def change(manifest, _):
            manifest.host = HostFacts(name="a")
            manifest.engine.batch_tokens = tokens
            manifest.engine.options = {"--batch-tokens": str(tokens), "--flash-attention": attention, "--threads": "1"}

        return change

    settings = [(256, "on"), (512, "on"), (512, "off")]
    entries = named([a_run(number, change=with_batches_of(*each)) for number, each in enumerate(settings)])
    assert [entry.label for entry in entries.all] == [
        "batch tokens 256, flash attention on",
        "batch tokens 512, flash attention on",
        "batch tokens 512, flash attention off",
    ]


def test_repeats_of_one_setting_are_numbered(a_run):
    entries = named([a_run(number, change=on("a")) for number in (1, 2)])
    assert [entry.label for entry in entries.all] == ["a, llama-cpp-python #1", "a, llama-cpp-python #2"]


def test_the_instance_type_stands_for_the_host(a_run):
    def rented(manifest, _):
        manifest.host = HostFacts(name="ip-10-0-0-1", cloud=CloudFacts(instance_type="c7g.large"))

    assert [entry.label for entry in named([a_run(1), a_run(2, change=rented)]).all] == ["host-1", "c7g.large"]


def test_few_runs_have_a_colour_each_and_many_share_those_of_a_setting(a_run):
    few = named([a_run(number) for number in range(MOST_COLOURS)])
    assert few.grouped_by == "run"
    assert len(few.groups) == MOST_COLOURS
    many = named([a_run(number, change=on(f"host-{number}", number % 3)) for number in range(9)])
    assert (many.grouped_by, many.groups) == ("threads", ["0", "1", "2"])


@pytest.mark.parametrize("wanted", ["r2", "run-2", "host-2", "/runs/run-2"])
def test_a_run_is_found_by_name_run_id_label_and_path(a_run, wanted):
    assert named([a_run(1), a_run(2)]).find(wanted).index == 1


def test_a_folder_comes_before_a_name(a_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [a_run(1), a_run(2)]
    runs[1].folder.path = tmp_path / "r1"
    assert named(runs).find("r1").index == 1


def test_a_baseline_that_is_not_there(a_run):
    with pytest.raises(UsageError, match=r"--baseline r3: none of the compared runs\. .* r1 \(run-1\), r2 \(run-2\)"):
        named([a_run(1), a_run(2)]).find("r3")


@pytest.mark.parametrize(
    ("indexes", "text"),
    [([0], "r1"), ([1, 0], "r1, r2"), ([0, 1, 2], "r1–r3"), ([0, 2, 3, 4, 5, 9, 9], "r1, r3–r6, r10"), ([], "")],
)
def test_many_names_are_listed_in_few_words(indexes, text):
    assert listed(indexes) == text


def test_a_long_list_is_cut_and_counted():
    assert listed([0, 2, 4, 6], most=2) == "r1, r3 and others, 4 runs in all"
