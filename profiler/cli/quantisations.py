"""`aforo quantisations`: what a model stored in fewer bits loses in predictions and gains in size, speed and price."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profiler.results.ladder import Ladder

_HELP = "Files of one model in several quantisations (.gguf, hf:REPO/FILE.gguf)."


def quantisations(
    models: Annotated[list[str], typer.Argument(help=_HELP, metavar="MODEL…")],
    text: Annotated[Path, typer.Option(help="A text of your own, UTF-8, that the models predict.", metavar="FILE")],
    make: Annotated[
        str | None,
        typer.Option(help="Make these of the least quantised file, with llama-quantize.", metavar="TYPE[,TYPE…]"),
    ] = None,
    chunks: Annotated[int, typer.Option(min=2, max=10_000, help="Use at most N chunks of 512 tokens.")] = 20,
    run: Annotated[
        str, typer.Option(help="How each is measured: arguments of aforo run, such as 'chat-short --price 0.2'.")
    ] = "quickstart",
    measure: Annotated[bool, typer.Option("--measure/--no-measure", help="Measure speed and price of each.")] = True,
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Threads of llama.cpp. Default: all CPUs.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for runs and results.")] = Path("runs"),
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown instead.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    html: Annotated[bool, typer.Option("--html", help="Write a page as well, beside the results.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Compare quantisations of a model: KL divergence and same top token on your text, size, speed and price.

    The least quantised file is the base. Predictions are compared by llama.cpp's own llama-perplexity, built on demand.
    """
    from profiler.cli.forms import Form, print_content, write_file
    from profiler.cli.output import write_json
    from profiler.cli.progress import shown_progress
    from profiler.reports.quantisations import as_markdown
    from profiler.reports.quantisations_page import render
    from profiler.results.folder import replace
    from profiler.run.interrupt import Interrupt
    from profiler.run.ladder import LadderWork, Wanted
    from profiler.timing.clock import SystemClock

    names = [name.strip() for name in (make or "").split(",") if name.strip()]
    wanted = Wanted(models, text, names, chunks, threads, run if measure else None, out)
    with Interrupt() as interrupt, shown_progress(quiet=quiet) as progress:
        work = LadderWork(wanted, progress, SystemClock(), interrupt.check)
        out.mkdir(parents=True, exist_ok=True)
        ladder = work.carry_out(lambda known: replace(work.path, _as_json(known)))
    page = work.path.with_suffix(".html")
    if html:
        write_file(page, render(ladder).encode())
    if json:
        write_json(_as_json(ladder))
    elif markdown:
        print_content(as_markdown(ladder).encode(), Form.MARKDOWN)
    else:
        _print(ladder)
        print(f"Results  {work.path}")
        if html:
            print(f"Page     {page}")


def _as_json(ladder: "Ladder") -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(ladder), indent=2).decode() + "\n"


def _print(ladder: "Ladder") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from profiler.cli.output import console
    from profiler.reports.quantisations import sentences, tables

    for one in tables(ladder):
        table = Table(box=SIMPLE_HEAD, padding=(0, 1), show_edge=False)
        table.add_column(one.head[0], overflow="fold")
        for title in one.head[1:]:
            table.add_column(title, justify="right", overflow="fold")
        for row in one.rows:
            table.add_row(*row)
        console().print(table)
        print()
    for sentence in sentences(ladder):
        print(sentence)
