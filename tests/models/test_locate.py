import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from profiler.errors import MissingExtraError, ModelError
from profiler.models import locate, quantisations, shapes, synthetic


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, str, Path]]:
    """Record what would be made, without making it."""
    calls: list[tuple[str, str, Path]] = []

    def make(shape: shapes.Shape, quantisation: quantisations.Quantisation, directory: Path, _progress: object) -> Path:
        calls.append((shape.id, quantisation.name, directory))
        return tmp_path / "made.gguf"

    monkeypatch.setattr(synthetic, "make", make)
    return calls


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """A stand-in for huggingface_hub whose downloads give a file and a folder."""
    module = ModuleType("huggingface_hub")
    module.calls = []  # type: ignore[attr-defined]

    def hf_hub_download(repo_id: str, filename: str, revision: str | None = None) -> str:
        module.calls.append((repo_id, filename, revision))
        return str(tmp_path / "downloaded.gguf")

    def snapshot_download(repo_id: str, revision: str | None, **patterns: object) -> str:
        module.calls.append((repo_id, None, revision))
        (tmp_path / "snapshot").mkdir()
        (tmp_path / "snapshot" / "model.safetensors").touch()
        return str(tmp_path / "snapshot")

    module.hf_hub_download = hf_hub_download  # type: ignore[attr-defined]
    module.snapshot_download = snapshot_download  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    return module


@pytest.mark.parametrize(
    ("model", "shape", "quantisation"),
    [
        (None, "smollm2-135m", "Q8_0"),
        ("", "smollm2-135m", "Q8_0"),
        ("synthetic:tiny-1m/F16", "tiny-1m", "F16"),
        ("synthetic:TINY-1M/q8_0", "tiny-1m", "Q8_0"),
        ("synthetic:tiny-1m", "tiny-1m", "Q8_0"),
    ],
)
def test_synthetic_models_are_made_in_the_cache(
    made: list[tuple[str, str, Path]], cache: Path, model: str | None, shape: str, quantisation: str
) -> None:
    located = locate.find(model)
    assert made == [(shape, quantisation, cache / "models")]
    assert located.path.name == "made.gguf"
    assert located.source == f"synthetic:{shape}/{quantisation}"


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("synthetic:tiny-2m/Q8_0", "Did you mean 'tiny-1m'"),
        ("synthetic:tiny-1m/Q9_0", "Did you mean 'Q8_0'"),
        ("synthetic:", "Unknown model shape ''"),
        ("synthetic:tiny-1m/", "Unknown quantisation ''"),
    ],
)
def test_unknown_shapes_and_quantisations_are_named(model: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        locate.find(model)


def test_a_local_path_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my:model.gguf").touch()
    path = str(tmp_path / "my:model.gguf")
    assert locate.find(path) == locate.Located(Path(path), path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locate.find("~/my:model.gguf").path == tmp_path / "my:model.gguf"


@pytest.mark.parametrize("model", ["nothing.gguf", "~nobody-here/x.gguf", "x" * 300, "a\0b", "smollm2-135m"])
def test_a_local_path_that_leads_nowhere_is_named(model: str) -> None:
    with pytest.raises(ModelError):
        locate.find(model)


@pytest.mark.parametrize(
    ("model", "call"),
    [
        ("hf:me/repo/file.gguf", ("me/repo", "file.gguf", None)),
        ("hf:me/repo/deep/file.gguf", ("me/repo", "deep/file.gguf", None)),
        ("hf:me/repo@v1/file.gguf", ("me/repo", "file.gguf", "v1")),
    ],
)
def test_the_hub_is_asked_for_the_file(
    hub: ModuleType, tmp_path: Path, model: str, call: tuple[str, str, str | None]
) -> None:
    assert locate.find(model) == locate.Located(tmp_path / "downloaded.gguf", model)
    assert hub.calls == [call]


@pytest.mark.parametrize(("model", "revision"), [("hf:me/repo", None), ("hf:me/repo@v1", "v1")])
def test_without_a_file_the_hub_is_asked_for_a_checkpoint(
    hub: ModuleType, tmp_path: Path, model: str, revision: str | None
) -> None:
    assert locate.is_checkpoint_on_hub(model)
    assert locate.find(model) == locate.Located(tmp_path / "snapshot", model)
    assert hub.calls == [("me/repo", None, revision)]


@pytest.mark.parametrize("model", [None, "hf:me/repo/file.gguf", "hf:me", "me/repo", "synthetic:tiny-1m/vllm"])
def test_what_is_no_checkpoint_on_the_hub(model: str | None) -> None:
    assert not locate.is_checkpoint_on_hub(model)


@pytest.mark.parametrize("model", ["hf:", "hf:repo", "hf:me/repo@", "hf:me/repo/", "hf:me//file", "hf:me/repo@/file"])
def test_a_malformed_hub_name_is_named(hub: ModuleType, model: str) -> None:
    with pytest.raises(ModelError, match="Expected hf:OWNER/REPOSITORY/FILE"):
        locate.find(model)
    assert hub.calls == []


NOT_FOUND = type("EntryNotFoundError", (Exception,), {})
NO_REPOSITORY = type("RepositoryNotFoundError", (Exception,), {})
HUB_ERRORS = [
    (NOT_FOUND("404"), "no such file"),
    (NO_REPOSITORY("404"), "no such repository"),
    (type("GatedRepoError", (NO_REPOSITORY,), {})("403"), "licence to be accepted"),
    (type("RevisionNotFoundError", (Exception,), {})("404"), "no such revision"),
    (type("LocalEntryNotFoundError", (NOT_FOUND, OSError), {})("x"), "the hub cannot be reached"),
    (type("OfflineModeIsEnabled", (ConnectionError,), {})("x"), "HF_HUB_OFFLINE forbids downloads"),
    (type("HFValidationError", (ValueError,), {})("x"), "name is malformed"),
    (OSError(28, "No space left on device"), r"OSError: \[Errno 28\] No space left on device Download the file"),
    (RuntimeError("first line\nsecond line"), "RuntimeError: first line Download the file by hand"),
    (RuntimeError(), "RuntimeError: no message Download"),
]


@pytest.mark.parametrize(("error", "says"), HUB_ERRORS, ids=[type(error).__name__ for error, _ in HUB_ERRORS])
def test_errors_of_the_hub_become_sentences(hub: ModuleType, error: Exception, says: str) -> None:
    def fail(*_arguments: object, **_named: object) -> str:
        raise error

    hub.hf_hub_download = fail  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match=says) as caught:
        locate.find("hf:me/repo/file.gguf")
    assert "'hf:me/repo/file.gguf' could not be downloaded" in str(caught.value)


def test_without_the_hub_client_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'aforo\[hub\]'"):
        locate.find("hf:me/repo/file.gguf")


if importlib.util.find_spec("huggingface_hub"):

    def test_the_real_hub_client_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        constants = importlib.import_module("huggingface_hub.constants")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        with pytest.raises(ModelError, match="the hub cannot be reached"):
            locate.find("hf:me/repo/file.gguf")
        with pytest.raises(ModelError, match="name is malformed"):
            locate.find("hf:-me-/repo/file.gguf")
