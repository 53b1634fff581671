"""Running generated code against the tests of its item, isolated; nothing here works yet, so every code is refused.

The contract: `run_tests` takes the text of an answer and its item (`entry_point`, `tests`), finds the code in the text,
runs it and then each test in a process without network, home and further processes, with limits of time and memory, and
returns what came of it. It raises nothing: where this machine offers no isolation, `passed` is None and `reason` says
what to install. A run calls it once for each kept answer, after the server has stopped, and only with `--run-code`; the
result is kept in `code.jsonl` of the run folder, so that a summary never runs anything.
"""

from typing import NamedTuple

from profiler.quality.item import Item


class CodeResult(NamedTuple):
    """What came of running the code of one answer."""

    passed: bool | None  # whether it passed every test; None: it was not run
    reason: str | None = None  # why not: which test failed and how, which limit was reached, what to install


def run_tests(text: str, item: Item) -> CodeResult:
    """Run the code of an answer against the tests of its item."""
    return CodeResult(None, "generated code cannot be run isolated by this version")
