"""What is sent: prompts are made and written for the load driver, fields that an endpoint refuses are left out."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from profiler.errors import ServerError, UsageError
from profiler.results.caveats import Caveat
from profiler.results.manifest import Point
from profiler.results.points import is_warm
from profiler.run.begin import engine_facts
from profiler.run.context import RunContext
from profiler.run.jobs import Asked, spool_requests
from profiler.run.sizing import template_tokens
from profiler.search.variants import at_point
from profiler.servers.body import BodyChanges
from profiler.servers.probe import make_probe
from profiler.workloads.items import Data, Item, asked, listed
from profiler.workloads.messages import Prompt, joined
from profiler.workloads.prompts import make_prompts
from profiler.workloads.schema import DataPrompts, Workload


def write_requests(run: RunContext, point: Point, blocks: list[int], first_index: int) -> Asked:
    """Make the prompts and write the requests that send them; return what to remember of them."""
    run.progress.stage("Making prompts", total=sum(blocks))
    with run.phase("make-prompts"):
        return spool_requests(run.driver, run.plan, _prompts(run, point, blocks, first_index), first_index)


def _prompts(run: RunContext, point: Point, blocks: list[int], first_index: int) -> Iterator[Prompt]:
    plan, workload = run.plan, at_point(run.plan.workload, point)
    prompts = make_prompts(
        workload,
        plan.data_dir,
        blocks,
        plan.options.seed,
        _token_counter(run),
        plan.trace,
        _fitting(run, workload),
        first=first_index,
        nonce=plan.nonce or "",
        is_context_shared=is_warm(point, plan.endpoint.describe()),
    )
    for made, prompt in enumerate(prompts, start=1):
        run.tick()
        run.check_alive()
        run.progress.advance(made)
        if run.prompts is not None:
            run.prompts.keep(prompt)
        yield prompt


def _fitting(run: RunContext, workload: Workload) -> Data | None:
    """Return the data without items that are longer than the context, which are named. Raises `UsageError`.

    Only those with more bytes than the context has tokens are counted: a token has at least one.
    """
    data, count_tokens = run.plan.data, _token_counter(run)
    context_tokens = run.plan.endpoint.describe().context_tokens
    prompts = workload.prompts
    if data is None or count_tokens is None or context_tokens is None or not isinstance(prompts, DataPrompts):
        return data
    shots = prompts.shots if isinstance(prompts.shots, int) else 0

    def fits(item: Item) -> bool:
        messages = asked(data, item, shots, is_chat=workload.api == "chat")
        room, text = context_tokens - workload.output_tokens - template_tokens(len(messages)), joined(messages)
        return len(text.encode()) <= room or count_tokens(text) <= room

    kept = [item for item in data.items if fits(item)]
    if len(kept) < len(data.items):
        names = [item.name for item in data.items if item not in kept]
        _name_too_long(run, names, len(data.items), context_tokens)
        run.plan = replace(run.plan, data=data._replace(items=kept))
    return run.plan.data


def _name_too_long(run: RunContext, names: list[str], items: int, context_tokens: int) -> None:
    limit = run.plan.model.context_length
    remedy = "" if limit is not None and context_tokens >= limit else " Allow more with --context."
    said = f"longer than the context of {context_tokens} tokens with their response ({listed(names)})."
    if len(names) == items:
        raise UsageError(f"All {items} items are {said}{remedy}")
    run.manifest.warn(Caveat("prompts", f"{len(names)} of {items} items were left out: they are {said}{remedy}"))


def _token_counter(run: RunContext) -> Callable[[str], int] | None:
    """Return what asks the server for the length of a text, where it has a call for that."""

    def count_tokens(text: str) -> int:
        run.tick()
        run.check_alive()
        try:
            return run.plan.endpoint.count_tokens(text)
        except ServerError:
            run.check_stays_alive()
            raise

    return count_tokens if run.plan.endpoint.counts_tokens else None


def check_body(run: RunContext) -> None:
    """Send a server that was started here one request, where the user has changed its body. Raises `UsageError`."""
    plan = run.plan
    if plan.body != BodyChanges():
        make_probe(plan.endpoint, plan.workload, plan.options.seed, tick=run.tick).carry_out(plan.body)


def leave_out_refused(run: RunContext, refusal: str) -> None:
    """Find the fields that an endpoint refuses, and leave them out of all requests. Raises `UsageError`."""
    plan, manifest, endpoint = run.plan, run.manifest, run.plan.external
    assert endpoint is not None  # noqa: S101 - only an endpoint's refusal leads here
    known = len(endpoint.warnings)
    changes = endpoint.probe(plan.workload, plan.options.seed, plan.body)
    if changes == plan.body:
        manifest.warn(Caveat("refused-request", f"The first request failed, and the load was begun anew: {refusal}"))
    run.plan = replace(plan, body=changes)
    manifest.body = changes.facts()
    manifest.engine = engine_facts(run.plan)
    manifest.command_line = run.plan.command_line()
    for text in endpoint.warnings[known:]:
        manifest.warn(Caveat("refused-request", text))
