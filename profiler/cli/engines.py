"""`aforo engines`: which engines this machine has, and building the one that has to be built."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profiler.servers.choose import Availability

app = typer.Typer(help="List the engines of this machine, or build one.")


@app.callback(invoke_without_command=True)
def list_all(
    context: typer.Context, json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False
) -> None:
    """List the engines: which are here, in which version, and what to do for the others."""
    if context.invoked_subcommand is not None:
        return
    from dataclasses import asdict

    from profiler.cli.output import print_json
    from profiler.servers.choose import available

    engines = available()
    if json:
        print_json([asdict(engine) for engine in engines])
    else:
        _print_table(engines)


@app.command("build")
def build(
    programs: Annotated[
        list[str],
        typer.Argument(
            help="llama-server; beside it llama-bench, llama-quantize, llama-perplexity.", metavar="PROGRAM…"
        ),
    ],
    cuda: Annotated[
        bool | None,
        typer.Option("--cuda/--no-cuda", help="For NVIDIA cards. Default: where nvcc and a card are present."),
    ] = None,
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Do nothing where it is built already.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Compilers at a time. Default: one per usable CPU.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Build an engine from source, for the CPU at hand, into the cache folder (some minutes)."""
    from profiler.cli.progress import shown_progress
    from profiler.errors import UsageError
    from profiler.hosts.usable_cpus import usable_cpu_count
    from profiler.run.interrupt import Interrupt
    from profiler.servers import llama_build

    for program in programs:
        if program not in llama_build.PROGRAMS:
            raise UsageError(f"{program!r} cannot be built. Expected: {', '.join(llama_build.PROGRAMS)}.")
    if if_missing and all(map(llama_build.built, programs)):
        print(f"Built already: {llama_build.home()}")
        return
    jobs = jobs or usable_cpu_count()
    with Interrupt() as interrupt, shown_progress(quiet=quiet) as progress:
        progress.note(llama_build.announcement(jobs))
        folder = llama_build.build(progress, interrupt.check, jobs, programs=programs, cuda=cuda)
    print(f"Built {', '.join(programs)} in {folder}")


def _print_table(engines: "list[Availability]") -> None:
    from rich.table import Table

    from profiler.cli.output import console

    table = Table("engine", "here", "version, path, what to do", show_lines=True)
    for engine in engines:
        found = [text for text in (engine.version, engine.path) if text]
        table.add_row(engine.name, "yes" if engine.is_available else "no", "\n".join([*found, engine.note]))
    table.columns[0].no_wrap = True
    console().print(table)
