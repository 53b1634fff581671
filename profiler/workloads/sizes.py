"""What a run has to know of its prompts before it begins: the largest, and what is special about them."""

from typing import NamedTuple

from profiler.units import s_to_ns
from profiler.workloads.items import Data, asked
from profiler.workloads.messages import joined
from profiler.workloads.schema import ConversationPrompts, DataPrompts, Replay, SyntheticPrompts, Workload
from profiler.workloads.traces import Trace

_BYTES_PER_TOKEN = 2  # of a text: mostly 3 to 5, and less than 2 only where a tokenizer does not know the script


class Size(NamedTuple):
    """The request of a workload that needs most tokens."""

    prompt_tokens: int
    output_tokens: int
    messages: int = 1
    where: str | None = None
    """Which of a workload's requests it is, where they differ."""
    is_guess: bool = False
    """Whether nobody has counted its tokens yet."""


def largest(workload: Workload, trace: Trace | None, rows: int, data: Data | None = None) -> Size:
    """Return the largest request, where so many rows of a trace are sent; a guess where nobody has counted tokens."""
    prompts, output_tokens = workload.prompts, workload.output_tokens
    if isinstance(prompts, SyntheticPrompts):
        system_tokens = prompts.system.tokens if prompts.system else 0
        tokens = system_tokens + _most(prompts.depth) + prompts.tokens
        return Size(tokens, output_tokens, messages=2 if system_tokens else 1)
    if isinstance(prompts, ConversationPrompts):
        return _last_turn(prompts, output_tokens)
    if trace is not None:
        row = trace.longest(rows)
        return Size(trace.prompt_tokens[row], trace.output_tokens[row], where=f"{trace.path}:{trace.lines[row]}")
    if data is None or not isinstance(prompts, DataPrompts):
        return Size(0, output_tokens)
    return _longest(data, _most(prompts.shots), output_tokens, is_chat=workload.api == "chat")


def _longest(data: Data, shots: int, output_tokens: int, *, is_chat: bool) -> Size:
    """Guess the size of the longest item, worked examples included, by its bytes."""
    sizes = [
        (len(joined(messages).encode()), len(messages), item.name)
        for item in data.items
        for messages in [asked(data, item, shots, is_chat=is_chat)]
    ]
    size_bytes, messages, name = max(sizes)
    return Size(size_bytes // _BYTES_PER_TOKEN, output_tokens, messages, f"item {name}", is_guess=True)


def _most(value: int | list[int]) -> int:
    return max(value) if isinstance(value, list) else value


def _last_turn(prompts: ConversationPrompts, output_tokens: int) -> Size:
    """Return the size of a conversation's last request: all that was said before, and the answer."""
    earlier = prompts.turns - 1
    history = earlier * ((prompts.answer_tokens or output_tokens) + prompts.turn_tokens)
    system_tokens = prompts.system.tokens if prompts.system else 0
    messages = 1 + 2 * earlier + bool(system_tokens)
    tokens = system_tokens + prompts.first_tokens + history
    return Size(tokens, output_tokens, messages, where=f"turn {prompts.turns} of a conversation")


def prompt_warnings(workload: Workload, trace: Trace | None, data: Data | None = None) -> list[str]:
    """Say what a reader must know of the prompts to interpret the numbers."""
    warnings = [*(trace.notes() if trace else []), *(data.notes if data else [])]
    if shares_prefixes(workload, trace):
        warnings.append(
            "Requests share their beginnings, as the workload says: a server whose prefix cache is on reads only the "
            "rest, so times to first token and prompt rates are then those of the cache."
        )
    if data is not None and _may_cache_rows(workload, len(data.items)):
        warnings.append(
            f"{workload.requests * workload.repeats} requests ask {len(data.items)} rows, some of them again: with a "
            "prompt cache that keeps many prompts, as those of vLLM and of newer llama-servers do, a row that is asked "
            "again is cached whole, and not only the worked examples before it. --repeats 1 asks fewer of them again."
        )
    if trace is not None and isinstance(workload.load, Replay):
        end_ns = s_to_ns(workload.max_repeat_s) / workload.load.time_scale
        late = sum(due_ns >= end_ns for due_ns in trace.due_ns[: workload.requests])
        if late:
            warnings.append(
                f"{late} of {workload.requests} rows of {trace.path.name} are due later than "
                f"{workload.max_repeat_s:g} s after the start and are not sent. "
                "Allow more with --max-repeat-s, or pass a smaller --time-scale."
            )
    return warnings


def shares_prefixes(workload: Workload, trace: Trace | None = None) -> bool:
    """Whether prompts begin alike, by the workload or by its trace."""
    prompts = workload.prompts
    if isinstance(prompts, SyntheticPrompts):
        return (prompts.system is not None and prompts.system.share > 0) or prompts.depth not in (0, [0])
    return isinstance(prompts, ConversationPrompts) or (trace is not None and trace.shares_prefixes)


def _may_cache_rows(workload: Workload, rows: int) -> bool:
    """Whether a sweep looks at a warm cache with rows that are asked more than once."""
    prompts = workload.prompts
    is_swept = isinstance(prompts, DataPrompts) and isinstance(prompts.shots, list)
    caches = workload.settings.prompt_cache or (["cold", "warm"] if is_swept else [])
    return "warm" in caches and workload.requests * workload.repeats > rows
