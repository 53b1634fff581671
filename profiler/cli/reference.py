"""`aforo cli-reference`: every verb and every option, as the page docs/cli.md."""

import inspect
from collections.abc import Mapping
from pathlib import Path

from profiler.cli.verbs import Parameter, Verb, parameters, verbs
from profiler.options import Option

_HEAD = """# Command line

Made from the code by `aforo cli-reference > docs/cli.md`. `aforo VERB --help` shows the same in the terminal.
"""


def cli_reference() -> None:
    """Print the reference of the command line as Markdown."""
    print(markdown(), end="")


def markdown() -> str:
    """Return the page."""
    from profiler.cli import app

    return _HEAD + "".join(_section(verb) for verb in verbs(app, "aforo"))


def _section(verb: Verb) -> str:
    found = list(parameters(verb.function))
    options = _options_of_run() if verb.words == "aforo run" else {}
    panels: dict[str, list[Parameter]] = {}
    for each in sorted(found, key=lambda each: not each.is_argument):
        panels.setdefault("" if each.is_argument else each.info.rich_help_panel or "", []).append(each)
    tables = [_table(panel, rows, options) for panel, rows in panels.items()]
    return "\n".join([f"\n## {verb.words}", "", inspect.cleandoc(verb.function.__doc__ or ""), *tables, ""])


def _table(panel: str, rows: list[Parameter], options: Mapping[str, Option]) -> str:
    head = ["", *([f"**{panel}**", ""] if panel else []), "| | |", "|---|---|"]
    return "\n".join([*head, *(f"| {_cell(each.typed)} | {_meaning(each, options)} |" for each in rows)])


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _meaning(each: Parameter, options: Mapping[str, Option]) -> str:
    shown, default = each.info.show_default, ""
    if isinstance(shown, str):
        default = f"Default: {shown}."
    elif shown and isinstance(each.default, int | float | str | Path) and not isinstance(each.default, bool):
        default = f"Default: `{each.default}`."
    more = _conditions(options[each.name], options) if each.name in options else []
    return _cell(" ".join(filter(None, [each.info.help, default, *more])))


def _conditions(option: Option, options: Mapping[str, Option]) -> list[str]:
    """Say what the declaration of an option of `run` says: which others it needs, which engines have it, which key."""
    from profiler.servers.engines import ENGINES
    from profiler.servers.options import EngineOptions

    needs = " or ".join(f"`{options[name].flag}`" for name in option.needs)
    excluded = ", ".join(f"`{options[name].flag}`" for name in option.excludes)
    takers = [engine.name for engine in ENGINES if option.name in engine.options]
    is_of_some = option.name in EngineOptions.__dataclass_fields__ and 0 < len(takers) < len(ENGINES)
    return [
        *([f"Only with {needs}."] if needs else []),
        *([f"Not with {excluded}."] if excluded else []),
        *([f"Engines: {', '.join(takers)}."] if is_of_some else []),
        *([f"Workload key: `{option.key}`."] if option.key else []),
    ]


def _options_of_run() -> Mapping[str, Option]:
    from profiler.options import declared
    from profiler.run.options import Options

    return {each.name: each for each in declared(Options)}
