"""`aforo answers`: what a model was asked, what it answered, and how that scores."""

from typing import TYPE_CHECKING, Annotated

import typer

from profiler.cli.named_run import RunArgument

if TYPE_CHECKING:
    from profiler.aggregation.answers import Answers, Asked
    from profiler.results.folder import RunFolder

_FEW = 10
_MOST_CHARACTERS = 600  # of each text in a list


def _scorers(incomplete: str) -> list[str]:
    from profiler.quality.catalogue import SCORERS

    return [name for name in SCORERS if name.startswith(incomplete)]


def answers(
    run: RunArgument,
    item: Annotated[
        list[str] | None, typer.Option(help="Only this item, its texts whole (repeatable).", metavar="ID")
    ] = None,
    scorer: Annotated[
        str | None,
        typer.Option(
            help="Order by this scorer. Default: the one that says what is right.",
            metavar="NAME",
            autocompletion=_scorers,
        ),
    ] = None,
    point: Annotated[
        str | None, typer.Option(help="Load to look at where the run has several, such as c8.", metavar="NAME")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help=f"Show N items, 0 all. Default: {_FEW}; with --json all.", metavar="N", min=0)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON, with every answer whole.")] = False,
) -> None:
    """Show prompt, expected answer, answer and score of each item of a run, the worst first."""
    from profiler.cli.output import print_json
    from profiler.reports.answers import data, terminal
    from profiler.reports.answers.shown import shown
    from profiler.results.folder import RunFolder

    folder = RunFolder(run)
    found = _answers(folder)
    at, by = _point(folder, found, point), _scorer(found, scorer)
    asked = _chosen(found.worst_first(at, by), item, at)
    wanted = limit if limit is not None else 0 if json or item else _FEW
    items = shown(folder, found, asked[: wanted or None], by)
    if json:
        print_json(data.as_dict(folder.read_manifest().run_id, found, at, by, items))
        return
    print("\n".join([*terminal.head(found, at, by, len(items), len(asked)), ""]))
    print(terminal.whole(items, None if item else _MOST_CHARACTERS))


def _answers(folder: "RunFolder") -> "Answers":
    """Read what a run kept. Raises `UsageError` where that is nothing, and says how to keep it."""
    import shlex

    from profiler.aggregation.answers import NOTHING_KEPT, answers_of
    from profiler.aggregation.not_measured import NotMeasuredError
    from profiler.errors import UsageError
    from profiler.workloads.schema import DataPrompts

    try:
        return answers_of(folder)
    except NotMeasuredError as reason:
        if str(reason) != NOTHING_KEPT:
            raise UsageError(f"{folder.path}: {reason}.") from None
    manifest = folder.read_manifest()
    if manifest.workload.is_embedding and not isinstance(manifest.workload.prompts, DataPrompts):
        raise UsageError(f"{folder.path} holds embeddings of made-up texts: none of them is right or wrong.")
    if manifest.workload.keep_responses:
        raise UsageError(f"{folder.path} holds no answer: no measured request of it finished.")
    command = shlex.join([*manifest.command_line, "--keep-responses"]) if manifest.command_line else ""
    raise UsageError(
        f"{folder.path} kept no answers: workloads with references keep them, others, and runs with --url, only with "
        "--keep-responses. " + (f"Measure again: {command}" if command else "Measure again with it.")
    )


def _point(folder: "RunFolder", found: "Answers", wanted: str | None) -> str:
    from profiler.aggregation.answers import shown_point
    from profiler.errors import RunFolderError, UsageError

    if wanted is not None:
        if wanted not in found.points:
            raise UsageError(f"--point {wanted}: the run has no such load; it has {', '.join(found.points)}.")
        return wanted
    try:
        return shown_point(found, folder.read_summary().headline)
    except RunFolderError:  # a run that was cut off has no summary yet, and answers all the same
        return shown_point(found, None)


def _scorer(found: "Answers", wanted: str | None) -> str | None:
    from profiler.errors import UsageError

    if wanted is None or wanted in found.scorers:
        return wanted or found.leading
    known = f"it has scores by {', '.join(found.scorers)}" if found.scorers else f"it has none: {found.not_scored}"
    raise UsageError(f"--scorer {wanted}: this run has no score by it; {known}.")


def _chosen(asked: "list[Asked]", wanted: list[str] | None, point: str) -> "list[Asked]":
    """Return the items of these ids, or all. Raises `UsageError` for an id that no item has."""
    from profiler.errors import UsageError

    if not wanted:
        return asked
    if missing := [name for name in wanted if name not in {one.name for one in asked}]:
        near = ", ".join(one.name for one in asked[:_FEW])
        raise UsageError(f"--item {missing[0]}: no item of that id was asked at {point}. There are {near} …")
    return [one for one in asked if one.name in wanted]
