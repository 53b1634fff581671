"""To repeat a run: every option of `aforo run` comes back out of its command line, and out of `run.json`, as it was."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.main import get_command

from profiler.cli.run import run
from profiler.errors import UsageError
from profiler.models.facts import ModelFacts
from profiler.options import Option, declared, words
from profiler.progress import Silent
from profiler.results.manifest import EngineFacts
from profiler.run import plan
from profiler.run.options import PANELS, Options
from profiler.servers import llama_server
from profiler.servers.base import Launch
from profiler.servers.options import EngineOptions
from profiler.timing.clock import SystemClock
from profiler.timing.messages import TlsOptions

NOT_REPEATED = {
    "build": "the engine is there by then",
    "headers": "may hold a key",
    "out": "where the folder is made",
    "json": "what is printed",
    "verbose": "what is printed",
    "quiet": "what is printed",
    "yes": "the model is there by then",
    "tune": "the run has what was found",
    "tune_budget": "the run has what was found",
}
APP = typer.Typer()
APP.command()(run)
COMMAND = get_command(APP)
OPTIONS = {each.name: each for each in declared(Options)}
SPECIAL = {  # values that are more than a text or a number
    "api_key_file": "key.txt",
    "attainment": "0.9",
    "body": "ignore_eos=true",
    "client_cpus": "0",
    "concurrency": "1,2,8",
    "currency": "EUR",
    "data": "mine.jsonl",
    "depth": "0,512",
    "gpus": "0,1",
    "grid": "DEU",
    "instance": "c7g.4xlarge",
    "limits": "coalesced-reads=0.5",
    "meters": "none",
    "model": "m.gguf",
    "prompt_column": "question",
    "reference_column": "answer",
    "shots": "0,1",
    "template": "mine.yaml",
    "omit_fields": "seed",
    "rate": "0.5,2",
    "region": "us-east-1",
    "requests": "70",
    "rounds": "20",
    "server_cpus": "0",
    "settings": "threads=1",
    "threads": "1",
    "context_tokens": "512",
    "trace": "trace.jsonl",
    "url": "https://127.0.0.1:9",
    "workload": "conversation",
    "engine_args": "--no-mmap",
}
WITH = {  # what an option needs beside what its declaration says
    "burstiness": ["--arrivals", "gamma"],
    "client_cpus": ["--url", SPECIAL["url"]],
    "instance": ["--region", SPECIAL["region"]],
    "owned_price": ["--owned-watts", "90", "--kwh-price", "0.3"],
    "price_cached_input": ["--price-input", "1"],
    **{each: ["--data", "mine.jsonl"] for each in ("prompt_column", "reference_column", "shots", "template")},
    "slo_search": ["--slo-ttft-ms", "80"],
    "url": ["--model", "m"],
}
WORKLOAD = {  # one that has the key; smoke otherwise
    "clip_tokens": "replay",
    "max_rows": "replay",
    "system_share": "shared-system-prompt",
    "system_tokens": "shared-system-prompt",
    "time_scale": "replay",
}
MODEL = ModelFacts(name="m", source="m.gguf", path="m.gguf", size_bytes=1, sha256="0", is_synthetic=False)


def value_of(option: Option) -> str:
    """A value that is not the default."""
    if option.name in SPECIAL:
        return SPECIAL[option.name]
    if option.choices:
        return next(each for each in option.choices if each != option.default)
    if "float" in str(option.type):
        return str((option.least or 0) + 0.5)
    return "3" if "int" in str(option.type) else "word"


def typed(option: Option) -> list[str]:
    """What to type to give an option, without what it needs."""
    if option.is_switch:
        return [option.off_flag if option.default is True or option.off_flag else option.flag]
    return [f"{option.flag}={value_of(option)}"]


def example(name: str) -> list[str]:
    """The words behind `aforo run` that give an option."""
    if name == "workload":
        return [SPECIAL[name]]
    found, needed = [WORKLOAD.get(name, "smoke")], [name]
    for each in needed:
        found += [*typed(OPTIONS[each]), *WITH.get(each, [])]
        needed += OPTIONS[each].needs[:1]
        needed += ["url"] if "--url" in WITH.get(each, []) and each != "url" else []
    return found


def parsed(given: list[str], monkeypatch: pytest.MonkeyPatch) -> Options:
    """The options that the command line makes of words."""
    seen: list[Options] = []

    def profile(options: Options, *_: object) -> None:
        seen.append(options)
        raise SystemExit(0)

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr("profiler.run.execute.profile", profile)
        COMMAND(given)
    return seen[0]


def test_the_table_is_made_of_the_panels() -> None:
    names = [each.name for _, group in PANELS for each in declared(group)]
    assert sorted(names) == sorted(OPTIONS)
    assert len(set(names)) == len(names)
    flags = [flag for each in OPTIONS.values() for flag in (each.flag, each.off_flag, each.short) if flag]
    assert len(set(flags)) == len(flags)
    assert {each.name for each in OPTIONS.values() if not each.is_repeated} == set(NOT_REPEATED)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_comes_back_from_the_command_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = parsed(example(name), monkeypatch)
    assert getattr(options, name) != OPTIONS[name].default
    again = parsed(words(options), monkeypatch)
    kept = {each: getattr(again, each) for each in NOT_REPEATED}
    assert again == replace(options, **kept)


class Endpoint:
    """An endpoint that nobody has to ask."""

    def __init__(self, url: str, model: str, tls: TlsOptions, *_: object, **__: object) -> None:
        self.tls = tls if url.startswith("https") else None
        self.warnings: list[str] = []

    def model_facts(self) -> ModelFacts:
        return MODEL

    def describe(self) -> EngineFacts:
        return EngineFacts(name="openai")


def started(launch: Launch, _options: EngineOptions) -> Any:
    facts = EngineFacts(name="engine", threads=launch.threads, context_tokens=launch.context_tokens)
    return SimpleNamespace(describe=lambda: facts)


@pytest.fixture
def repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return what makes of options those of the command line that repeats their run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trace.jsonl").write_text('{"timestamp": 0, "input_length": 8, "output_length": 4, "hash_ids": [1]}\n')
    rows = (
        '{"prompt": "a", "question": "b", "answer": "c"}',
        '{"prompt": "d", "answer": "e", "reference": "e", "role": "example"}',
    )
    (tmp_path / "mine.jsonl").write_text("\n".join([*rows, rows[1].replace("prompt", "question")]))
    (tmp_path / "mine.yaml").write_text('input: "{prompt}"\noutput: "{answer}"\n')
    (tmp_path / "key.txt").write_text("sk-1234567890\n")
    monkeypatch.setattr(plan, "OpenAiEndpoint", Endpoint)
    monkeypatch.setattr(plan, "choose", started)
    monkeypatch.setattr(plan, "provide", lambda *_: None)
    monkeypatch.setattr(plan, "engine_for", lambda *_: replace(llama_server.ENGINE, find=lambda _: None))
    monkeypatch.setattr(plan, "check_omitted", lambda *_: None)
    monkeypatch.setattr(plan, "_find_model", lambda *_: MODEL)
    monkeypatch.setattr(plan, "_adapter", lambda *_: None)

    def repeat(options: Options) -> Options:
        made = plan.make_plan(options, Silent(), SystemClock()).command_line()
        assert made[:2] == ["aforo", "run"]
        return parsed(made[2:], monkeypatch)

    return repeat


@pytest.mark.parametrize("name", [name for name, option in OPTIONS.items() if option.is_repeated])
def test_every_option_comes_back_from_the_plan(name: str, repeated: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    options = parsed(example(name), monkeypatch)
    if name == "wire_audit" or not options.wire_audit:
        again = repeated(options)
        asked = getattr(options, name)
        assert getattr(again, name) == (asked.absolute() if name in {"data", "template", "trace"} else asked)
        assert repeated(again) == again


def test_a_nonce_that_was_drawn_is_left_out(repeated: Any) -> None:
    assert repeated(Options(workload="smoke")).nonce is None


def test_what_was_decided_is_repeated(repeated: Any) -> None:
    again = repeated(Options(workload="smoke"))
    assert (again.model, again.context_tokens) == ("m.gguf", 4096)
    assert again.threads


def test_keys_of_a_body_are_not_shown(repeated: Any) -> None:
    assert repeated(Options(workload="smoke", body=('api_key="s3cr3t"',))).body == ('api_key="[hidden]"',)


def test_an_error_names_the_flag_as_it_is_typed() -> None:
    assert list(EngineOptions(engine_args=("--no-mmap",)).given()) == ["--engine-arg"]
    with pytest.raises(UsageError, match="--engine-arg cannot be combined with --url"):
        Options(url="http://127.0.0.1:9", engine_args=("--no-mmap",))
