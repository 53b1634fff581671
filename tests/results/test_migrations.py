from profiler.results.manifest import FORMAT_VERSION
from profiler.results.migrations import OF_RUN, Document, migrated


def renamed(document: Document) -> Document:
    return {"new": document["old"]}


def doubled(document: Document) -> Document:
    return {"new": [document["new"], document["new"]]}


def test_every_version_that_was_left_behind_has_its_step() -> None:
    assert list(OF_RUN) == list(range(1, FORMAT_VERSION))


def test_an_old_document_takes_one_step_per_version() -> None:
    steps = {1: renamed, 2: doubled}
    assert migrated({"format_version": 1, "old": "x"}, 3, steps) == {"format_version": 3, "new": ["x", "x"]}
    assert migrated({"format_version": 2, "new": "x"}, 3, steps) == {"format_version": 3, "new": ["x", "x"]}


def test_a_document_of_today_stays_as_it_is() -> None:
    assert migrated({"format_version": 3, "new": "x"}, 3, {}) == {"format_version": 3, "new": "x"}
