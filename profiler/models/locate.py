"""From what the user calls a model to a file on this machine."""

import re
from dataclasses import dataclass
from pathlib import Path

from profiler.cache import cache_folder
from profiler.errors import MissingExtraError, ModelError
from profiler.files import expanded
from profiler.models import checkpoint_form, config_json, quantisations, shapes, synthetic
from profiler.models.files import OnProgress, ignore_progress
from profiler.models.shapes import Shape

QUICKSTART = "synthetic:smollm2-135m/Q8_0"
"""The model that is measured when none is named."""

EMBEDDING = "synthetic:nomic-embed-text-v1.5/Q8_0"
"""The same for workloads that ask for vectors."""

FOR_VLLM = "vllm"
"""Stands where the quantisation does in the name of a synthetic model that has no weights of its own."""

_USUAL_QUANTISATION = "Q8_0"

_HUB_NAME = re.compile(r"(?P<repo>[^/@]+/[^/@]+)(?:@(?P<revision>[^/]+))?(?:/(?P<file>.+))?")
HUB_FILE = "hf:OWNER/REPOSITORY/FILE.gguf"
_HUB_FORM = f"{HUB_FILE}, or for vLLM hf:OWNER/REPOSITORY"

# What vLLM loads a checkpoint from. Folders hold other forms of the same weights, and so do consolidated ones.
_CHECKPOINT_FILES = ("*.json", "*.safetensors", "*.model", "*.tiktoken", "*.txt", "*.jinja", "README.md")
_NOT_IN_CHECKPOINT = ("*/*", "consolidated*")

_HUB_SENTENCES = {
    # Class of huggingface_hub.errors, most specific first: what happened, what to do.
    "GatedRepoError": "the repository asks for its licence to be accepted. "
    "Accept it on its page and log in with: hf auth login",
    "RepositoryNotFoundError": "there is no such repository, or it is private. "
    "Check the name, or log in with: hf auth login",
    "RevisionNotFoundError": "the repository has no such revision. Check the part after '@'.",
    "LocalEntryNotFoundError": "the hub cannot be reached and the model is not in its cache. "
    "Check the network and HF_HUB_OFFLINE, or name a model on this machine.",
    "OfflineModeIsEnabled": "HF_HUB_OFFLINE forbids downloads. Unset it, or name a model on this machine.",
    "EntryNotFoundError": "the repository has no such file. Check the name on its page.",
    "HFValidationError": "the repository's name is malformed. Expected hf:OWNER/REPOSITORY.",
}


@dataclass(frozen=True)
class Located:
    """A model's file or folder, and the name under which it was found."""

    path: Path
    source: str

    @property
    def identity(self) -> str:
        """The name that stays while the contents may change: that of the hub, or where a path leads."""
        return self.source if self.source.startswith(("hf:", "synthetic:")) else str(self.path.resolve())


def find(model: str | None = None, on_progress: OnProgress = ignore_progress) -> Located:
    """Return the file or folder of a model, made or downloaded where need be.

    `None` is the quickstart model; `synthetic:SHAPE/QUANTISATION` is made in the cache folder, where SHAPE is
    a known name or the path of a `config.json`, and the quantisation `vllm` a folder for vLLM's dummy weights;
    `hf:OWNER/REPOSITORY[@REVISION]/FILE.gguf` comes from the Hugging Face Hub, cached by its own client, and without
    a file's name all of a checkpoint; all else is a local path. Raises ModelError, and MissingExtraError where an
    extra is needed.
    """
    kind, _, name = (model or QUICKSTART).partition(":")
    if kind == "synthetic":
        return _make(name, on_progress)
    if kind == "hf":
        return _download(name)
    return _local(model or "")


def _make(name: str, on_progress: OnProgress) -> Located:
    shape_name, quantisation_name = split_name(name)
    shape = shape_of(shape_name)
    called = shape_name if shape_name.endswith(".json") else shape.id
    models = cache_folder() / "models"
    if quantisation_name == FOR_VLLM:
        path = checkpoint_form.make(shape, models / checkpoint_form.folder_name(shape))
        return Located(path, f"synthetic:{called}/{FOR_VLLM}")
    quantisation = quantisations.named(quantisation_name)
    path = synthetic.make(shape, quantisation, models, on_progress)
    return Located(path, f"synthetic:{called}/{quantisation.name}")


def bytes_to_make(model: str | None) -> int | None:
    """Return what a synthetic model takes on the disk that is not made yet; None for one that is, and for any other.

    Raises ModelError where the name means no model.
    """
    kind, _, name = (model or QUICKSTART).partition(":")
    shape_name, quantisation_name = split_name(name)
    if kind != "synthetic" or quantisation_name == FOR_VLLM:
        return None
    shape, quantisation = shape_of(shape_name), quantisations.named(quantisation_name)
    is_made = synthetic.is_whole(cache_folder() / "models" / synthetic.file_name(shape, quantisation))
    return None if is_made else synthetic.size_bytes(shape, quantisation)


def check_name(model: str) -> None:
    """Raise ModelError where a name cannot mean a model, whatever there is on this machine."""
    kind, _, name = model.partition(":")
    if kind == "synthetic":
        shape_name, quantisation_name = split_name(name)
        shape_of(shape_name)
        if quantisation_name != FOR_VLLM:
            quantisations.named(quantisation_name)
    elif kind == "hf" and not _HUB_NAME.fullmatch(name):
        raise ModelError(f"Cannot read the model name 'hf:{name}'. Expected {_HUB_FORM}.")


def split_name(name: str) -> tuple[str, str]:
    """Return shape and quantisation of a synthetic model; the second may be left out."""
    shape_name, slash, quantisation_name = name.rpartition("/")
    if not slash or name.endswith(".json"):
        return name, _USUAL_QUANTISATION
    return shape_name, quantisation_name


def shape_of(name: str) -> Shape:
    """Return the shape of a known name, or of the `config.json` at a path.

    Raises ModelError where there is none.
    """
    if not name.endswith(".json"):
        return shapes.named(name)
    try:
        path = expanded(name)
    except OSError as error:
        raise ModelError(f"The file {name!r} cannot be read: {error.strerror}. Write the path out.") from error
    return config_json.shape(path)


def is_checkpoint_on_hub(model: str | None) -> bool:
    """Whether a name means a whole repository of the Hugging Face Hub: a checkpoint, which may be large."""
    kind, _, name = (model or "").partition(":")
    parts = _HUB_NAME.fullmatch(name)
    return kind == "hf" and parts is not None and parts["file"] is None


def _download(name: str) -> Located:
    check_name(f"hf:{name}")
    parts = _HUB_NAME.fullmatch(name)
    assert parts is not None  # noqa: S101 - it was checked
    try:
        import huggingface_hub as hub  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError("The package huggingface-hub, which downloads models,", "hub") from None
    repository, file, revision = parts["repo"], parts["file"], parts["revision"]
    try:
        if file is None:
            wanted = {"allow_patterns": _CHECKPOINT_FILES, "ignore_patterns": _NOT_IN_CHECKPOINT}
            path = Path(hub.snapshot_download(repository, revision=revision, **wanted))
        else:
            path = Path(hub.hf_hub_download(repository, file, revision=revision))
    except Exception as error:
        # The client lets errors of its HTTP library through, and that library differs between versions.
        raise ModelError(f"The model 'hf:{name}' could not be downloaded: {_hub_sentence(error)}") from error
    if file is None and not any(path.glob("*.safetensors")):
        raise ModelError(
            f"The repository 'hf:{name}' holds no weights in *.safetensors. "
            f"If it holds .gguf files, name one: hf:{name}/FILE.gguf."
        )
    return Located(path, f"hf:{name}")


def _hub_sentence(error: Exception) -> str:
    names = {kind.__name__ for kind in type(error).__mro__}
    for name, sentence in _HUB_SENTENCES.items():
        if name in names:
            return sentence
    first_line = str(error).partition("\n")[0] or "no message"
    return f"{type(error).__name__}: {first_line} Download the file by hand and name its path."


def _local(name: str) -> Located:
    try:
        path = Path(name).expanduser()
        is_there = path.exists()
    except RuntimeError:
        raise ModelError(f"The home folder in {name!r} is not known. Write the path out.") from None
    except OSError as error:
        raise ModelError(f"The model file {name!r} cannot be read: {error.strerror}.") from error
    if not is_there:
        raise ModelError(
            f"There is no model file {name!r}. Expected a path to a .gguf file, "
            f"{_HUB_FORM}, or synthetic:SHAPE/QUANTISATION "
            f"(shapes: {', '.join(shapes.SHAPES)}). Leave --model out for the quickstart model."
        )
    return Located(path, name)
