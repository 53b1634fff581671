"""Old run folders stay readable for ever, and still say the same."""

import json
from pathlib import Path

import pytest

from profiler.reports import html
from profiler.results.folder import RunFolder
from profiler.results.metric_names import in_new_names
from profiler.run.recompute import summary_of

GOLDEN = sorted((Path(__file__).parents[1] / "golden").iterdir())


@pytest.mark.parametrize("path", GOLDEN, ids=[path.name for path in GOLDEN])
def test_what_was_written_once_is_read_the_same(path: Path) -> None:
    folder = RunFolder(path)
    manifest, summary = summary_of(folder)
    written = json.loads((path / "summary.json").read_text())
    now = summary.model_dump(mode="json")
    assert now["requests_ok"] == written["requests_ok"]
    for name, metric in in_new_names(written["metrics"]).items():  # later versions may add metrics, not change these
        for key, value in metric.items():
            seen = now["metrics"][name][key]
            assert (bool(seen) == bool(value)) if key == "reason" else (seen == value), name
    assert html.render(manifest, summary, folder.read_requests(), folder.read_samples())


def test_there_is_a_golden_run_of_every_format() -> None:
    versions = {json.loads((path / "run.json").read_text())["format_version"] for path in GOLDEN}
    assert versions == {1}
