"""Run folders with kept answers, whose scores can be checked by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.builders import manifest, request

from profiler.quality.item import Item
from profiler.results.folder import Journal, RunFolder
from profiler.results.manifest import Phase, Point
from profiler.results.records import KeptResponse, Outcome
from profiler.summaries.summarize import summarize
from profiler.workloads.phases import at_point, repeat

S = 1_000_000_000
# By item: prompt, references, and the answers of the repeats.
CAPITALS: Mapping[str, tuple[str, list[str], list[str]]] = {
    "fr": ("Capital of France?", ["Paris"], ["Paris", "Paris"]),  # right in both repeats
    "es": ("Capital of Spain?", ["Madrid"], ["Madrid", "Barcelona"]),  # right in one
    "de": ("Capital of Germany?", ["Berlin"], ["Bonn", "Bonn"]),  # wrong in both
}


def answered_run(
    path: Path,
    said: Mapping[str, tuple[str, list[str], list[str]]] = CAPITALS,
    *,
    points: Sequence[str] = (),
    is_synthetic: bool = False,
    failed: Sequence[int] = (),
    prompt_id: str | None = None,
    **answer: Any,
) -> RunFolder:
    """Write a run of as many repeats as there are answers to an item, at each of some loads (none: a plain run).

    Requests are numbered load by load, repeat by repeat and item by item, and take 30 ms. `failed` are indexes of
    requests that did not end well, `prompt_id` the digest of what was sent, `answer` further fields of each kept
    response.
    """
    folder = RunFolder(path).create()
    repeats = max(len(answers) for _, _, answers in said.values())
    names = [(name, repeat(number)) for name in points or ("",) for number in range(1, repeats + 1)]
    phases = [at_point(point, phase) if point else phase for point, phase in names]
    run = manifest(
        phases=[Phase(name=phase, start_ns=(10 + i) * S, end_ns=(11 + i) * S) for i, phase in enumerate(phases)]
    )
    run.model.is_synthetic = is_synthetic
    run.points = [Point(name=name, concurrency=int(name[1:])) for name in points]
    for number, phase in enumerate(run.phases):
        run.phases[number] = phase.model_copy(update={"point": names[number][0] or None})
    requests, answers, items = Journal(folder.requests), Journal(folder.answers), Journal(folder.items)
    records, index = [], 0
    for number, phase in enumerate(phases):
        for item, (_, _, texts) in said.items():
            outcome = Outcome.TRUNCATED if index in failed else Outcome.OK
            sent_ms = 1000 * (10 + number) + 40 * index
            records.append(request(index, phase=phase, sent_ms=sent_ms, outcome=outcome))
            requests.append(records[-1])
            text = texts[number % repeats % len(texts)]
            answers.append(
                KeptResponse(
                    index=index, item=item, text=text, **{"finish_reason": "stop", "prompt": prompt_id, **answer}
                )
            )
            index += 1
    for item, (prompt, references, _) in said.items():
        items.append(Item(id=item, prompt=prompt, references=references))
    folder.write_manifest(run)
    folder.write_summary(summarize(run, records, [], []))
    return folder
