"""The command line as it parses, without running anything."""

import typer

from profiler.cli import app


def parse(words: list[str]) -> None:
    """Parse the words behind `aforo`, up to a redirection. Raises click's `UsageError`."""
    command = typer.main.get_command(app)
    while words and words[0] in (below := getattr(command, "commands", {})):
        command, words = below[words[0]], words[1:]
    command.make_context("aforo", words[: words.index(">")] if ">" in words else words)
