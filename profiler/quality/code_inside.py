"""What runs inside the isolation: reads a job from its input, runs it, and says what came of it on what was its output.

It is handed to a bare Python as text (`python -c`), so it imports the standard library only. Nothing is taken from the
code that it runs but whether the tests pass: what that code prints goes nowhere, and an end that it brings about itself
leaves the last word unsaid.
"""

import json
import os
import resource
import sys
from types import ModuleType
from typing import Any

_LONGEST_REASON = 300


def main() -> None:
    """Run the job."""
    job = json.load(sys.stdin)
    output, nothing = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    _limit(job["limits"])
    _say(output, job["token"], started=True)
    failure = _run(job["code"], job["tests"])
    _say(output, job["token"], failure=failure)
    os._exit(0)


def _limit(limits: dict[str, int]) -> None:
    for name, most in limits.items():
        kind = getattr(resource, name)  # CPU time: a signal that names itself at first, the end a second later
        resource.setrlimit(kind, (most, most + (kind == resource.RLIMIT_CPU)))


def _say(output: int, token: str, **what: object) -> None:
    os.write(output, json.dumps({"token": token, **what}).encode() + b"\n")


def _run(code: str, tests: list[str]) -> str | None:
    """Run the code, then each test with what it defined; return what failed first."""
    module = ModuleType("answer")
    sys.modules["answer"] = module
    for number, text in enumerate([code, *tests]):
        try:
            exec(compile(text, "answer", "exec"), module.__dict__)  # noqa: S102 - which is what all this is for
        except BaseException as error:  # SystemExit, and whatever else it raises
            failure = f"{f'{text.strip()}: ' if number else ''}{_told(error)}"[:_LONGEST_REASON]
            module.__dict__.clear()  # it may hold all the memory that there is
            return failure
    return None


def _told(error: BaseException) -> str:
    """Return an error in a line; a class of the code's own may fail at telling."""
    kind: Any = type(error).__name__
    try:
        return f"{kind}: {error}".removesuffix(": ")
    except BaseException:
        return f"{kind}"


if __name__ == "__main__":
    main()
