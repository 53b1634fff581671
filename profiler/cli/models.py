"""`aforo models`: list the shapes that can be made, make one, show what a model says of itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.errors import UsageError

if TYPE_CHECKING:
    from profiler.models.catalogue import Entry
    from profiler.models.files import OnProgress
    from profiler.models.shapes import Shape
    from profiler.results.manifest import LoraFacts, ModelFacts

app = typer.Typer(help="List the model shapes that can be made, make one, or show what a model says of itself.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
ShapeName = Annotated[str, typer.Argument(help="Name of a shape, or the path of a model's config.json.")]

_LLAMA_CPP, _VLLM = "llama.cpp", "vllm"


@app.callback(invoke_without_command=True)
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List the shapes of public models that can be made with random weights, and those in the cache."""
    if context.invoked_subcommand is not None:
        return
    from profiler.cli.output import print_json
    from profiler.models.catalogue import entries

    if as_json:
        from dataclasses import asdict

        print_json([asdict(entry) for entry in entries()])
    else:
        _print_shapes(entries())


@app.command()
def make(
    shape: ShapeName,
    quant: Annotated[str, typer.Option(help="F16, Q8_0, Q4_0, Q4_1 or Q4_K_M.")] = "Q4_K_M",
    engine: Annotated[str, typer.Option("--for", help="llama.cpp: a GGUF file. vllm: a folder without weights.")] = (
        _LLAMA_CPP
    ),
    out: Annotated[Path | None, typer.Option(help="File, or folder for vLLM. Default: in the cache folder.")] = None,
    quiet: Quiet = False,
) -> None:
    """Make a model with random weights in the shape of a public one: nearly its speed, no download."""
    from profiler.models.locate import shape_of

    _check_engine(engine)
    wanted = shape_of(shape)
    path = _make_for_vllm(wanted, out) if engine == _VLLM else _make_gguf(wanted, quant, out, quiet=quiet)
    print(path)


@app.command()
def show(
    model: Annotated[
        str, typer.Argument(help="A .gguf file, a model folder, a LoRA adapter, or synthetic:SHAPE/QUANT.")
    ],
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show what a model says of itself: licence, languages, sizes, training, quantisation, hash."""
    from profiler.cli.output import write_json
    from profiler.cli.progress import shown_progress

    with shown_progress(quiet=quiet) as progress:
        progress.stage("Reading the model", total=1.0)
        facts = _facts(model, lambda done, total: progress.advance(done / total if total else 1.0))
    if as_json:
        write_json(facts.model_dump_json(indent=2) + "\n")
    else:
        _print_facts(facts)


@app.command("make-lora")
def make_lora(
    shape: ShapeName,
    rank: Annotated[int, typer.Option(min=1, help="Rank of the adapter; alpha is twice as much.")] = 16,
    targets: Annotated[str, typer.Option(help="attention, or all matrices of a layer.")] = "attention",
    engine: Annotated[str, typer.Option("--for", help="llama.cpp: a GGUF file. vllm: a PEFT folder.")] = _LLAMA_CPP,
    out: Annotated[Path | None, typer.Option(help="File, or folder for vLLM. Default: in the cache folder.")] = None,
) -> None:
    """Make a LoRA adapter with random weights, to measure what serving a customised model costs."""
    from profiler.cache import cache_folder
    from profiler.models import lora
    from profiler.models.locate import shape_of

    _check_engine(engine)
    wanted = shape_of(shape)
    name = lora.name_of(wanted, rank, targets)
    adapters = cache_folder() / "adapters"
    if engine == _VLLM:
        print(lora.make_peft(wanted, rank, targets, _free(out) or adapters / name))
    else:
        print(lora.make_gguf(wanted, rank, targets, _free(out) or adapters / f"{name}.gguf"))


def _check_engine(engine: str) -> None:
    if engine not in {_LLAMA_CPP, _VLLM}:
        raise UsageError(f"--for {engine}: expected {_LLAMA_CPP} or {_VLLM}.")


def _free(out: Path | None) -> Path | None:
    """Return where to write; what is there is not written over."""
    if out is not None and out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UsageError(f"--out {out} is there already. Remove it, or name another place.")
    return out


def _make_for_vllm(shape: "Shape", out: Path | None) -> Path:
    from profiler.cache import cache_folder
    from profiler.models import checkpoint_form

    return checkpoint_form.make(shape, _free(out) or cache_folder() / "models" / checkpoint_form.folder_name(shape))


def _make_gguf(shape: "Shape", quant: str, out: Path | None, *, quiet: bool) -> Path:
    from profiler.cache import cache_folder
    from profiler.cli.progress import shown_progress
    from profiler.models import quantisations, synthetic
    from profiler.units import bytes_to_mib

    quantisation = quantisations.named(quant)
    if out is not None and out.is_dir():
        raise UsageError(f"--out {out} is a folder. Name the file to write, such as {out}/model.gguf.")
    path = _free(out) or cache_folder() / "models" / synthetic.file_name(shape, quantisation)
    if synthetic.is_whole(path):
        return path
    total_mib = round(bytes_to_mib(synthetic.size_bytes(shape, quantisation)))
    with shown_progress(quiet=quiet) as progress:
        progress.stage(f"Writing {path.name} (MiB)", total=total_mib)
        synthetic.write(path, shape, quantisation, lambda done, _: progress.advance(round(bytes_to_mib(done))))
    return path


def _facts(model: str, on_progress: "OnProgress") -> "ModelFacts | LoraFacts":
    from profiler.models import catalogue, facts, locate, lora

    kind, _, name = model.partition(":")
    if kind == "synthetic":
        path = catalogue.cached(name)
        return facts.read(path, model, on_progress) if path else catalogue.expected_facts(name)
    located = locate.find(model, on_progress)
    if lora.is_adapter(located.path):
        return lora.read(located.path, on_progress)
    return facts.read(located.path, located.source, on_progress)


def _print_shapes(entries: "list[Entry]") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from profiler.cli.output import console
    from profiler.models.quantisations import QUANTISATIONS

    shown = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)
    shown.add_column("shape", no_wrap=True)
    for title in ("parameters", "context", "KV KiB", *QUANTISATIONS):
        shown.add_column(title, justify="right", no_wrap=True)
    for entry in entries:
        cache = "–" if entry.kv_bytes_per_token is None else f"{entry.kv_bytes_per_token / 1024:.3g}"
        sizes = (f"{entry.size_bytes[name] / 1e9:.2f}" for name in QUANTISATIONS)
        numbers = (_count(entry.parameters), f"{entry.context_tokens // 1024}k", cache, *sizes)
        shown.add_row(entry.id, *numbers)
    console().print(shown)
    print("Sizes in GB; KV KiB: keys and values of one token in float16.")
    print("Random weights in the shape of public models: the speed is theirs, the output is meaningless.")
    print("Measure one with: aforo run --model synthetic:SHAPE/QUANT")
    made = [path for entry in entries for path in entry.made.values()]
    if made:
        print("Made already:", *made, sep="\n  ")


def _print_facts(facts: "ModelFacts | LoraFacts") -> None:
    from rich.table import Table

    from profiler.cli.output import console
    from profiler.models.synthetic import ABOUT_WEIGHTS

    shown = Table(box=None, show_header=False)
    shown.add_column("fact", no_wrap=True)
    shown.add_column("value", overflow="fold")
    for key, value in facts.model_dump().items():
        if value is not None and value not in ([], {}):
            shown.add_row(key.replace("_", " "), _readable(key, value))
    console().print(shown)
    if facts.is_synthetic:
        print(ABOUT_WEIGHTS)


def _readable(key: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{of.replace('_', ' ')}: {source}" for of, source in value.items())
    if key.endswith("_bytes") and isinstance(value, int):
        return f"{value} ({_size(value)})"
    return str(value)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.3g} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.3g} MB"


def _count(parameters: int) -> str:
    return f"{parameters / 1e9:.3g}B" if parameters >= 1e9 else f"{parameters / 1e6:.4g}M"
