"""`aforo engines`: which engines this machine has, and building the one that has to be built."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=False, help="List the engines of this machine, or build one.")


@app.command("build")
def build(
    engine: Annotated[str, typer.Argument(help="llama-server")],
    cuda: Annotated[
        bool | None,
        typer.Option("--cuda/--no-cuda", help="For NVIDIA cards. Default: where nvcc and a card are present."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="Compilers at a time. Default: one per usable processor.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Build an engine from source, for this very processor, into the cache folder (minutes)."""
    from profiler.cli.progress import shown_progress
    from profiler.errors import UsageError
    from profiler.run.interrupt import Interrupt
    from profiler.run.sampling import usable_cores
    from profiler.servers import llama_build

    if engine != "llama-server":
        raise UsageError(f"{engine!r} cannot be built. Expected: llama-server.")
    with Interrupt() as interrupt, shown_progress(quiet=quiet) as progress:
        folder = llama_build.build(progress, interrupt.check, jobs or usable_cores(), cuda=cuda)
    print(f"Built {', '.join(llama_build.PROGRAMS)} in {folder}")
