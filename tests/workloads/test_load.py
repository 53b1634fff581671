from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.definitions import DATA, VALID, written

from profiler.errors import WorkloadError
from profiler.workloads import load
from profiler.workloads.schema import Workload


def complaint(folder: Path, text: str, overrides: Mapping[str, object] | None = None) -> list[str]:
    path = written(folder, text)
    with pytest.raises(WorkloadError) as caught:
        load.load(str(path), overrides)
    return str(caught.value).replace(f"{path}:", "").splitlines()


def test_a_valid_file_is_loaded_with_its_defaults(tmp_path: Path) -> None:
    loaded = load.load(str(written(tmp_path, VALID)))
    assert loaded.workload.id == "mine"
    assert loaded.workload.warmup_requests == 2
    assert loaded.workload.measured_requests == 2
    assert loaded.folder == tmp_path
    assert loaded.overridden == ()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("output_tokens: 4", "output_token: 4", "7: unknown key 'output_token'. Did you mean 'output_tokens'?"),
        ("  tokens: 8", "  token: 8", "6: unknown key 'prompts.token'. Did you mean 'prompts.tokens'?"),
        ("requests: 2", "requests: 2\nzzz: 1", "11: unknown key 'zzz'. The keys here are: id, version,"),
        ("requests: 2", "requests: 2\n<<: {a: 1}", "11: unknown key '<<'."),
        ("  tokens: 8", "  tokens: -8", "6: 'prompts.tokens' is -8: expected a whole number from 1 to 1 000 000."),
        ("  tokens: 8", "  tokens: 0", "6: 'prompts.tokens' is 0: expected a whole number from 1"),
        ("  tokens: 8", "  tokens: 8.5", "6: 'prompts.tokens' is 8.5: expected a whole number"),
        ("  tokens: 8", "  tokens: '8'", "6: 'prompts.tokens' is '8': expected a whole number"),
        ("  tokens: 8", "  tokens: true", "6: 'prompts.tokens' is true: expected a whole number"),
        ("  tokens: 8", "  tokens: [8]", "6: 'prompts.tokens' is a list: expected a whole number"),
        ("  tokens: 8", "  tokens: {a: 8}", "6: 'prompts.tokens' is a mapping: expected a whole number"),
        ("  tokens: 8", "  tokens:", "6: 'prompts.tokens' is empty: expected a whole number"),
        ("  tokens: 8", "  tokens: 8\n  column: x", "7: unknown key 'prompts.column'. The keys here are: "),
        ("  tokens: 8\n", "", "4: the key 'prompts.tokens' is missing: expected a whole number"),
        ("requests: 2\n", "", "1: the key 'requests' is missing: expected a whole number"),
        ("synthetic", "synthetik", "5: 'prompts.source' is 'synthetik': expected 'conversations' or 'data' or 'syn"),
        ("  source: synthetic\n", "", "4: the key 'prompts.source' is missing: expected 'conversations' or "),
        ("closed-loop", "square-loop", "9: 'load.shape' is 'square-loop': expected 'closed-loop' or 'open-loop' or"),
        ("load:\n  shape: closed-loop", "load: 4", "8: 'load' is 4: expected a mapping whose 'shape' is 'closed"),
        ("id: mine", "id: My Load", "1: 'id' is 'My Load': expected a text. Short name: lower-case"),
        ("id: mine", "id: ''", "1: 'id' is ''"),
        ("description: For a test.", "description: 5", "3: 'description' is 5: expected a text"),
        ("requests: 2", "requests: 2\napi: chatt", "11: 'api' is 'chatt': expected 'completions' or 'chat' or 'emb"),
        ("requests: 2", "requests: 2\nstop: never", "11: 'stop' is 'never': expected 'length' or 'natural'. What ends"),
        ("requests: 2", "requests: 2\ntemperature: 3", "11: 'temperature' is 3: expected a number from 0 to 2"),
        ("requests: 2", "requests: 2\nmax_repeat_s: .inf", "11: 'max_repeat_s' is inf: expected a number above 0"),
        ("requests: 2", "requests: 2\nmax_repeat_s: .nan", "11: 'max_repeat_s' is nan: expected a number above 0"),
        ("requests: 2", "requests: 2\nslo: {ttft_ms: fast}", "11: 'slo.ttft_ms' is 'fast': expected a number"),
        ("requests: 2", "requests: 2\nslo: {ttft_ms: 0}", "11: 'slo.ttft_ms' is 0: expected a number above 0"),
        ("requests: 2", "requests: 2\nslo: [1]", "11: 'slo' is a list: expected a mapping"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_line_key_value_and_form(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in VALID
    lines = complaint(tmp_path, VALID.replace(old, new))
    assert any(line.startswith(says) for line in lines), lines


@pytest.mark.parametrize("prompts", ["4", "[1]", "words", ""])
def test_prompts_that_are_no_mapping_are_named(tmp_path: Path, prompts: str) -> None:
    text = VALID.replace("prompts:\n  source: synthetic\n  tokens: 8", f"prompts: {prompts}")
    (line,) = complaint(tmp_path, text)
    assert line.startswith("4: 'prompts' is ")
    assert "expected a mapping whose 'source' is 'conversations' or 'data'" in line


def test_all_mistakes_are_named_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = VALID.replace("tokens: 8", "tokens: -8").replace("requests: 2", "requests: no").replace("mine", "MINE")
    assert [line.split(":")[0] for line in complaint(tmp_path, text)] == ["1", "6", "10"]


def test_a_long_value_is_shortened(tmp_path: Path) -> None:
    (line,) = complaint(tmp_path, VALID.replace("requests: 2", f"requests: {'x' * 5000}"))
    assert len(line) < 250


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    (line,) = complaint(tmp_path, VALID.replace("requests: 2", 'requests: 2\n"\\e[31mred\\x9b": "\\e[31m"'))
    assert line.isprintable()


def test_whole_numbers_serve_as_fractions(tmp_path: Path) -> None:
    loaded = load.load(str(written(tmp_path, VALID + "temperature: 1\nmax_repeat_s: 5\n")))
    assert (loaded.workload.temperature, loaded.workload.max_repeat_s) == (1.0, 5.0)


def test_unknown_ids_are_answered_with_the_nearest_and_the_list() -> None:
    with pytest.raises(WorkloadError, match=r"Did you mean 'quickstart'\? Shipped ones: chat-short, conversation, "):
        load.load("quickstrat")
    with pytest.raises(WorkloadError, match=r"Unknown workload 'zzz'\. Shipped ones"):
        load.load("zzz")


@pytest.mark.parametrize("reference", ["", "../quickstart", "./nothing.yaml", "a\0.yaml", "~nobody-here/x.yaml", "\n"])
def test_odd_references_are_refused(reference: str) -> None:
    with pytest.raises(WorkloadError):
        load.load(reference)


def test_overrides_replace_values_and_are_listed_when_they_change_something(tmp_path: Path) -> None:
    path = str(written(tmp_path, VALID))
    loaded = load.load(path, {"load.concurrency": 3, "requests": 2, "slo.ttft_ms": 5.0, "repeats": None})
    assert loaded.workload.load.concurrency == 3
    assert loaded.workload.slo.ttft_ms == 5.0
    assert loaded.overridden == ("load.concurrency", "slo.ttft_ms")


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"output_tokens": -1}, "override of workload 'mine': 'output_tokens' is -1: expected a whole number from 0"),
        ({"outputtokens": 1}, "unknown key 'outputtokens'. Did you mean 'output_tokens'?"),
        ({"load.concurency": 1}, "unknown key 'load.concurency'. Did you mean 'load.concurrency'?"),
        ({"requests.deep": 1}, "'requests' is a mapping: expected a whole number"),
        ({"nowhere.deep": 1}, "unknown key 'nowhere'"),
        ({"prompts.column": "x"}, "unknown key 'prompts.column'"),
        ({"prompts.source": "x"}, "'prompts.source' is 'x': expected 'conversations' or 'data'"),
        ({"id": "other"}, "'id' cannot be overridden"),
    ],
)
def test_bad_overrides_are_named(tmp_path: Path, overrides: Mapping[str, object], says: str) -> None:
    assert says in "\n".join(complaint(tmp_path, VALID, overrides))


def test_data_files_are_checked_before_anything_starts(tmp_path: Path) -> None:
    text = DATA.format(file="rows.jsonl", column="question")
    assert "rows.jsonl does not exist" in complaint(tmp_path, text)[0]
    (tmp_path / "rows.jsonl").write_text('{"prompt": "hello"}\n')
    assert "rows.jsonl:1: the row has the keys 'prompt'; expected the key 'question'" in complaint(tmp_path, text)[0]
    (tmp_path / "rows.jsonl").write_text('{"question": "hello?"}\n')
    assert load.load(str(tmp_path / "mine.yaml")).workload.prompts.source == "data"


SYSTEM = "  tokens: 8\n  system: "
CONVERSATIONS = "  source: conversations\n  turns: 2\n  first_tokens: 8\n  turn_tokens: 4"
TRACE = "  source: trace\n  file: t.csv"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "  tokens: 8",
            SYSTEM + "{tokns: 4}",
            "7: unknown key 'prompts.system.tokns'. Did you mean 'prompts.system.tokens'?",
        ),
        (
            "  tokens: 8",
            SYSTEM + "{share: 0.5}",
            "7: the key 'prompts.system.tokens' is missing: expected a whole number",
        ),
        ("  tokens: 8", SYSTEM + "{tokens: 4, share: 2}", "7: 'prompts.system.share' is 2: expected a number from 0"),
        ("  tokens: 8", SYSTEM + "4", "7: 'prompts.system' is 4: expected a mapping with the keys tokens, share."),
        (
            "  source: synthetic\n  tokens: 8",
            CONVERSATIONS.replace("turn_tokens", "turn_token"),
            "8: unknown key 'prompts.turn_token'. Did you mean 'prompts.turn_tokens'?",
        ),
        (
            "  source: synthetic\n  tokens: 8",
            CONVERSATIONS.replace("turns: 2", "turns: 4"),
            "12: 'requests' is 2: expected whole conversations of 4 turns, say 4.",
        ),
        (
            "  source: synthetic\n  tokens: 8",
            TRACE + "\n  format: mooncacke",
            "7: 'prompts.format' is 'mooncacke': expected 'mooncake' or 'azure' or 'burstgpt' or 'aforo'. Format of "
            "the file; recognised by its first line if not given. Did you mean 'mooncake'?",
        ),
        (
            "shape: closed-loop",
            "shape: replay",
            "9: 'load.shape' is 'replay', but 'prompts.source' is 'synthetic': only a trace has times to replay.",
        ),
        (
            "shape: closed-loop",
            "shape: replay\n  timescale: 2",
            "10: unknown key 'load.timescale'. Did you mean 'load.time_scale'?",
        ),
    ],
)
def test_a_mistake_in_prompts_and_replays_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in VALID
    lines = complaint(tmp_path, VALID.replace(old, new))
    assert any(line.startswith(says) for line in lines), lines


EMBEDDINGS = VALID.replace("output_tokens: 4", "output_tokens: 0") + "api: embeddings\n"


def test_embeddings_have_no_output_tokens(tmp_path: Path) -> None:
    workload = load.load(str(written(tmp_path, EMBEDDINGS))).workload
    assert (workload.is_embedding, workload.output_tokens) == (True, 0)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("api: embeddings", "api: chat", "'output_tokens' is 0, but 'api' is 'chat': expected 1 or more"),
        ("output_tokens: 0", "output_tokens: 4", "'output_tokens' is 4, but an embedding has none"),
        (
            "version: 1",
            "version: 1\nkeep_responses: true",
            "'keep_responses' keeps the vectors of the rows of a data file",
        ),
        (
            "requests: 2",
            "requests: 2\nslo: {ttft_ms: 5}",
            "'slo.ttft_ms' is about output tokens, and embeddings have none",
        ),
        (
            "requests: 2",
            "requests: 2\nslo: {tpot_ms: 5}",
            "'slo.tpot_ms' is about output tokens, and embeddings have none",
        ),
        (
            "requests: 2",
            "requests: 2\nuntil: {metric: ttft_ms, half_width_ratio: 0.1}",
            "'until.metric' is 'ttft_ms', and embeddings have no tokens: expected 'e2e_ms'.",
        ),
        ("  source: synthetic\n  tokens: 8", CONVERSATIONS, "'prompts.source' is 'conversations', which is about"),
    ],
)
def test_what_embeddings_do_not_have_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in EMBEDDINGS
    assert any(says in line for line in complaint(tmp_path, EMBEDDINGS.replace(old, new)))


def test_an_override_may_contradict_the_rest(tmp_path: Path) -> None:
    text = VALID.replace("  source: synthetic\n  tokens: 8", CONVERSATIONS)
    (line,) = complaint(tmp_path, text, {"requests": 7})
    assert line == "override of workload 'mine': 'requests' is 7: expected whole conversations of 2 turns, say 6 or 8."


def test_a_replay_sends_no_more_than_its_trace_has_rows(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,7,3\n")
    text = VALID.replace("  source: synthetic\n  tokens: 8", TRACE)
    assert load.load(str(written(tmp_path, text))).workload.requests == 2
    replayed = load.load(str(written(tmp_path, text.replace("closed-loop", "replay"))))
    assert replayed.workload.requests == 1
    assert replayed.trace is not None
    assert list(replayed.trace.prompt_tokens) == [7]


def test_a_trace_may_replace_the_prompts_of_any_workload(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,7,3\n")
    prompts = {"source": "trace", "file": str(tmp_path / "t.csv")}
    loaded = load.load("smoke", {"prompts": prompts, "prompts.clip_tokens": 5})
    assert loaded.trace is not None
    assert list(loaded.trace.prompt_tokens) == [5]
    assert loaded.overridden == ("prompts", "prompts.clip_tokens")


def test_a_system_prompt_can_be_added_on_the_command_line() -> None:
    prompts = load.load("smoke", {"prompts.system.tokens": 9, "prompts.system.share": 0.5}).workload.prompts
    assert prompts.system is not None
    assert (prompts.system.tokens, prompts.system.share) == (9, 0.5)


def test_available_lists_every_shipped_definition() -> None:
    assert [loaded.workload.id for loaded in load.available()] == [
        "chat-short",
        "conversation",
        "depth",
        "embeddings",
        "mlperf-interactive",
        "mlperf-offline",
        "mlperf-server",
        "mlperf-single-stream",
        "quickstart",
        "replay",
        "shared-system-prompt",
        "smoke",
        "summarise-long",
        "task-classify",
        "task-code",
        "task-instructions",
        "task-languages",
        "task-questions",
        "task-retrieve",
        "task-summarise",
        "task-write",
    ]


@given(
    key=st.sampled_from(["id", "version", "prompts", "load", "requests", "slo", "api", "temperature", "x"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
)
def test_any_value_makes_a_workload_or_a_workload_error(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    path = written(tmp_path_factory.mktemp("any"), VALID)
    with suppress(WorkloadError):
        assert isinstance(load.load(str(path), {key: value}).workload, Workload)


def test_a_column_that_is_stated_wrongly_is_not_said_to_be_lacking_alone(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"prompt": "a", "checks": [{"kind": "language", "is": "Spanish"}]}\n')
    (said,) = complaint(
        tmp_path,
        "id: own\nversion: 1\ndescription: d\nprompts: {source: data, file: rows.jsonl}\noutput_tokens: 4\n"
        "keep_responses: true\nscorers: [checks_met]\nload: {shape: closed-loop}\nrequests: 2\n",
    )
    assert said.startswith("7: the scorer 'checks_met' needs 'checks' in the rows, which none has that can be used.")
    assert said.endswith("1 (the check 'language' of 'Spanish': expected a tag such as es or zh-Hant).")
