from pathlib import Path

import pytest
from support.results_of_others import GUIDELLM, NOW, read
from support.stored_runs import stored

from profiler.errors import RunFolderError
from profiler.exchange.importing import import_result
from profiler.results.folder import RunFolder
from profiler.results.imported import IMPORTED_FILE, NO_TRUST, read_imported
from profiler.results.run_set import read_runs


def test_what_was_written_reads_back(tmp_path: Path) -> None:
    folder, written = import_result(GUIDELLM, tmp_path, NOW)
    assert read_imported(folder) == written
    assert written == read(GUIDELLM).model_copy(update={"import_id": folder.name})


def test_an_import_is_refused_wherever_runs_are_compared(tmp_path: Path) -> None:
    stored(tmp_path / "run")
    folder, _ = import_result(GUIDELLM, tmp_path, NOW)
    for paths in ([tmp_path], [folder, tmp_path / "run"]):
        runs, refused = read_runs(paths, allow_invalid=True)
        assert [run.name for run in runs] == ["run"]
        assert [one.path for one in refused] == [folder]
        assert NO_TRUST in refused[0].sentence


def test_an_import_cannot_be_read_as_a_run(tmp_path: Path) -> None:
    folder, _ = import_result(GUIDELLM, tmp_path, NOW)
    assert not (folder / "run.json").exists()
    with pytest.raises(RunFolderError, match="not a run but a result of another tool"):
        RunFolder(folder).read_manifest()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is damaged"),
        ("[]", "damaged"),
        ('{"format_version": 7}', "Install a newer Aforo"),
        ('{"format_version": 1}', "import_id: Field required. The file is damaged"),
    ],
)
def test_a_damaged_file_is_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / IMPORTED_FILE).write_text(text)
    with pytest.raises(RunFolderError, match=said):
        read_imported(tmp_path)
