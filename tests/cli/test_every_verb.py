"""Every verb, found in the command's own tree, against every everyday misfortune: a sentence, no traceback, no hang.

A verb that is added is tried as it is; a verb that needs more than a run folder gets a line in `EXAMPLES`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, get_args

import pytest
from support import scripted_server as server
from support.results_of_others import GUIDELLM
from support.stored_runs import GOLDEN
from support.zygote import Zygote

from profiler.cli import app, verbs

RUN, FILE, CLAIM = "a-run", "a-result.json", "a-claim.yaml"
PLAN = "id: own\nhosts: [{name: here}]\nmodels: [synthetic:tiny-1m/Q8_0]\nworkloads: [smoke]\n"
URL = "http://127.0.0.1:1"  # nobody is there: what is checked beforehand is checked beforehand
REFUSED = ["--url", URL, "--meters", "none", "--no-cloud"]

# Words that a verb needs; a run folder, a result of another tool and so on lie in the folder it is called in.
EXAMPLES: dict[str, list[str]] = {
    "answers": [RUN],
    "audit": [RUN],
    "breakeven": [RUN, "--api-price", "1,2"],
    "cli-reference": [],
    "cheapest": [RUN, "--ttft-p95", "500"],
    "check-claim": ["graviton3-cost", RUN],
    "compare": [RUN, RUN],
    "decide": ["--current", RUN, "--candidate", RUN, "--tokens-per-day", "5M"],
    "endpoints": [],
    "energy import": [RUN, "meter.csv"],
    "energy show": [],
    "engines": [],
    "engines build": ["vllm"],  # is refused: nothing is compiled
    "export": [RUN, "--to", "csv"],
    "export-scores": [RUN],
    "fleet collect": ["fleet.yaml"],
    "fleet plan": ["fleet.yaml"],
    "fleet report": ["fleet.yaml"],
    "fleet run": ["fleet.yaml", "--dry-run"],
    "fleet setup": ["fleet.yaml", "--host", "nobody"],  # is refused: nothing is installed
    "fleet status": ["fleet.yaml"],
    "gate": [RUN, RUN],
    "host": ["--no-cloud"],
    "host check": [],
    "host roofline": ["--help"],  # measures for fifteen seconds
    "import": [FILE],
    "list": ["."],
    "metrics": [],
    "models": [],
    "models make": ["tiny-1m", "--out", "made.gguf"],
    "models make-lora": ["tiny-1m", "--out", "made-lora.gguf"],
    "models show": ["synthetic:tiny-1m/Q8_0"],
    "prices": [],
    "prices import": ["prices.csv"],
    "prices set": [RUN, "--price", "0.5"],
    "prices refresh": ["--region", "nowhere", "--help"],  # asks AWS
    "prices show": ["c7g.4xlarge"],
    "quantisations": ["synthetic:tiny-1m/Q8_0", "synthetic:tiny-1m/Q4_0", "--text", FILE, "--no-measure"],
    "query": ["SELECT 1", "--runs", "."],
    "report": [RUN],
    "rules": [],
    "score": ["cheapest-under-slo", RUN],
    "run": ["smoke", *REFUSED],
    "summarize": [RUN],
    "workloads": [],
    "workloads schema": [],
    "workloads show": ["smoke"],
}
# Parameters that are texts by type, and can be the path of a file.
TEXTS = {("run", "workload"), ("run", "model"), ("workloads show", "workload"), ("models show", "model")}
TEXTS |= {
    ("fleet collect", "plan"),
    ("fleet plan", "plan"),
    ("fleet report", "plan"),
    ("fleet run", "plan"),
    ("fleet setup", "plan"),
    ("fleet status", "plan"),
    ("quantisations", "models"),
    ("check-claim", "claim"),
    ("score", "profile"),
    ("models make", "shape"),
    ("models make-lora", "shape"),
}


class Parameter(NamedTuple):
    """One argument or option of a verb."""

    verb: str
    name: str
    types: set[object]
    flag: str | None
    place: int
    """Of an argument, among the arguments."""


VERBS = {verb.words.removeprefix("aforo "): verb.function for verb in verbs.verbs(app, "aforo")}


def parameters() -> Iterator[Parameter]:
    for verb, function in VERBS.items():
        place = 0
        for each in verbs.parameters(function):
            if each.is_argument:
                yield Parameter(verb, each.name, types_in(each.kind), None, place)
                place += 1
            else:
                yield Parameter(verb, each.name, types_in(each.kind), each.flags[0].partition("/")[0], 0)


def types_in(annotation: object) -> set[object]:
    """The plain types of `list[Path] | None` and the like."""
    inner = get_args(annotation)
    return {each for part in inner for each in types_in(part)} if inner else {annotation}


def with_value(parameter: Parameter, value: str) -> list[str]:
    """The example of a verb, with another value for one parameter."""
    words = list(EXAMPLES[parameter.verb])
    if parameter.flag is not None:
        return [*parameter.verb.split(), *words, parameter.flag, value]
    if parameter.place < len(words) and not words[parameter.place].startswith("-"):
        words[parameter.place] = value
    else:
        words.insert(parameter.place, value)
    return [*parameter.verb.split(), *words]


def test_every_verb_has_an_example() -> None:
    assert set(VERBS) <= set(EXAMPLES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what the examples name."""
    (tmp_path / RUN).mkdir()
    for file in GOLDEN.iterdir():
        (tmp_path / RUN / file.name).write_bytes(file.read_bytes())
    (tmp_path / FILE).write_bytes(GUIDELLM.read_bytes())
    (tmp_path / "prices.csv").write_text("instance_type,price_per_hour,currency\nbox,0.5,EUR\n")
    (tmp_path / "fleet.yaml").write_text(PLAN)
    (tmp_path / "meter.csv").write_text("timestamp,watts\n2026-01-01T00:00:00Z,10\n")
    return tmp_path


def misfortunes(folder: Path, suffix: str) -> dict[str, str]:
    """What a path can lead to, by name."""
    made = folder / "misfortunes"
    made.mkdir()
    (made / f"folder{suffix}").mkdir()
    (made / f"empty{suffix}").touch()
    (made / f"secret{suffix}").write_text("{}")
    (made / f"secret{suffix}").chmod(0)
    (made / "closed").mkdir()
    (made / "closed" / f"file{suffix}").touch()
    (made / "closed").chmod(0)
    (made / f"loop{suffix}").symlink_to(made / f"loop{suffix}")
    os.mkfifo(made / f"pipe{suffix}")
    return {
        "missing": f"{made}/no/such{suffix}",
        "a folder": f"{made}/folder{suffix}",
        "empty": f"{made}/empty{suffix}",
        "unreadable": f"{made}/secret{suffix}",
        "in an unreadable folder": f"{made}/closed/file{suffix}",
        "a loop of links": f"{made}/loop{suffix}",
        "a pipe": f"{made}/pipe{suffix}",
        "a device": "/dev/zero",
        "a long name": f"{made}/{'x' * 300}{suffix}",
        "a long path": f"{made}/{'long/' * 1000}x{suffix}",
        "half a character": f"{made}/\udcff{suffix}",
        "below a file": f"{made}/empty{suffix}/x{suffix}",
        "an unknown home": f"~nobody-here/x{suffix}",
    }


SUFFIXES = {
    "model": ".gguf",
    "plan": ".yaml",
    "workload": ".yaml",
    "claim": ".yaml",
    "shape": ".json",
    "csv": ".csv",
    "trace": ".jsonl",
}
PATHS = [each for each in parameters() if Path in each.types or (each.verb, each.name) in TEXTS]


def named(parameters: list[Parameter]) -> list[str]:
    return [f"{parameter.verb} {parameter.flag or parameter.name}" for parameter in parameters]


@pytest.mark.parametrize("parameter", PATHS, ids=named(PATHS))
def test_every_path_can_be_any_path(caller: Zygote, folder: Path, parameter: Parameter) -> None:
    suffix = SUFFIXES.get(parameter.name, "")
    bad: dict[str, str] = {}
    for name, path in misfortunes(folder, suffix).items():
        if name == "a pipe" and parameter.name == "out":
            continue  # to write to a pipe is to wait for its reader, as every program does
        as_ordinary_user = os.geteuid() == 0 and "unreadable" in name
        outcome = caller.call(with_value(parameter, path), folder=folder, as_ordinary_user=as_ordinary_user)
        if not outcome.is_sentence:
            bad[name] = str(outcome)[-400:]
    assert bad == {}


CONDITIONS: dict[str, dict[str, str]] = {
    "ascii, narrow": {"PYTHONIOENCODING": "ascii", "COLUMNS": "20", "TERM": "dumb"},
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_prints_in_any_encoding_and_to_a_full_device(caller: Zygote, folder: Path, verb: str) -> None:
    words = [*verb.split(), *EXAMPLES[verb]]
    plain = caller.call(words, folder=folder)
    assert plain.is_sentence, plain
    for path in folder.glob("made*"):  # what is there is not written over
        path.unlink()
    for name, environment in CONDITIONS.items():
        outcome = caller.call(words, folder=folder, environment=environment)
        assert outcome.exit_code == plain.exit_code, (name, outcome)
        assert outcome.is_sentence, (name, outcome)
        for path in folder.glob("made*"):
            path.unlink()
    if Path("/dev/full").exists():
        full = caller.call(words, folder=folder, stdout="/dev/full")
        assert full.is_sentence, full
        assert full.exit_code == (1 if plain.stdout else plain.exit_code), full


NUMBERS = ["nan", "1e999", "-1", str(2**64), "9" * 400]
_AS_TEXT = {"rate", "concurrency", "max_regression", "grid", "limits"}
NUMERIC = [each for each in parameters() if each.types & {int, float} or each.name in _AS_TEXT]


@pytest.mark.parametrize("parameter", NUMERIC, ids=named(NUMERIC))
def test_every_number_can_be_any_number(caller: Zygote, folder: Path, parameter: Parameter) -> None:
    outcomes = {
        value: caller.call(with_value(parameter, value), folder=folder)
        for value in [*NUMBERS, *(["nan%", "inf%", "-5%"] if parameter.name == "max_regression" else [])]
    }
    assert {value: str(outcome)[-400:] for value, outcome in outcomes.items() if not outcome.is_sentence} == {}


def test_the_largest_seeds_are_measured_with(caller: Zygote, folder: Path) -> None:
    """Beyond planning: with a server that answers, as prompts and sampling take the seed."""
    with server.serve(server.openai(server.stream_tokens([" a"] * 8))) as port:
        for seed in (-1, 2**64):
            words = ["run", "smoke", "--url", f"http://127.0.0.1:{port}", "--meters", "none", "--no-cloud", "--quiet"]
            words += ["--requests", "2", "--repeats", "1", "--warmup-requests", "0", "--seed", str(seed)]
            outcome = caller.call(words, folder=folder, limit_s=300)
            assert outcome.is_sentence, (seed, outcome)
