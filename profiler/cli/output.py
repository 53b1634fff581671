"""Everything that is printed goes through here: texts, tables, JSON, for people and for programs.

What comes from servers, models and folders of others is cleaned of terminal escapes by `streams.Shown`, whichever verb
prints it. Tables come from `console`, which reads no markup in them: brackets in a name are brackets.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from profiler.cli.streams import Shown, printable

if TYPE_CHECKING:
    from rich.console import Console

    from profiler.results.folder import RunFolder
    from profiler.results.manifest import Manifest
    from profiler.results.summary import Summary


_UNSAFE_IN_JSON = r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]|#(?=#\w*\[)"
_BEYOND_ASCII = r"[^\x00-\x7e]|#(?=#\w*\[)"


def console(*, stderr: bool = False, width: int | None = None) -> "Console":
    """Return where tables are printed: without markup, emoji or highlighting, and with clean texts only."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class CleanConsole(Console):
        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for text, style, control in super().render(renderable, options):
                yield Segment(text if control else printable(text), style, control)

    return CleanConsole(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def print_json(value: object, **options: Any) -> None:
    """Print a value as JSON; `options` are those of `json.dumps`."""
    write_json(json.dumps(value, indent=2, ensure_ascii=False, **options) + "\n")


def write_json(text: str) -> None:
    """Print JSON; what a terminal would obey, or could not show, is escaped as JSON has it, so nothing is lost."""
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    sys.stdout.write(re.sub(_UNSAFE_IN_JSON if is_unicode else _BEYOND_ASCII, _as_json_escape, text))


def write_commands(lines: Sequence[str]) -> None:
    """Print lines that a build service is meant to obey."""
    if isinstance(sys.stdout, Shown):
        sys.stdout.write_commands(lines)
    else:
        print("\n".join(lines))


def print_run(
    folder: "RunFolder", manifest: "Manifest", summary: "Summary", *, as_json: bool, verbose: bool = False
) -> None:
    """Print a summary, where the report is, and the one sentence that it amounts to."""
    if as_json:
        write_json(summary.model_dump_json(indent=2) + "\n")
        return
    from profiler.reports.terminal import summary_table

    console().print(summary_table(summary, manifest, verbose=verbose))
    # A path is printed whole on one line, so that it can be copied, however narrow the terminal.
    print(f"Run folder  {folder.path}")
    if folder.report.exists():
        print(f"Report      {folder.report}")
    if summary.capacity is not None:
        print(f"\n{summary.capacity}")


def _as_json_escape(match: re.Match[str]) -> str:
    return "\\u0023" if match.group() == "#" else json.dumps(match.group())[1:-1]
