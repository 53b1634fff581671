from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.errors import WorkloadError
from profiler.units import NS_PER_MS, NS_PER_S
from profiler.workloads import traces
from profiler.workloads.schema import TracePrompts
from profiler.workloads.traces import Row, Trace

AZURE = """\
TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
2024-05-10 00:00:00.5+00:00,12,3
"""
BURSTGPT = """\
Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45.5,GPT-4,1087,230,1317,API log
46,GPT-4,300,0,300,API log
"""
BURSTGPT_WITH_SESSIONS = """\
Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type
7,abc,1.5,ChatGPT,10,2,12,Conversation log
"""
MOONCAKE = """\
{"timestamp": 100, "input_length": 700, "output_length": 50, "hash_ids": [0, 1]}

{"timestamp": 350.5, "input_length": 512, "output_length": 3, "hash_ids": [0], "more": {}}
"""
AFORO = """\
{"index": 0, "phase": "warmup", "scheduled_ns": 1, "outcome": "ok", "prompt_tokens": 1, "completion_tokens": 1}
{"index": 3, "phase": "repeat-1", "scheduled_ns": 900, "outcome": "ok", "prompt_tokens": null,
 "prompt_tokens_server": 9, "completion_tokens": 4, "completion_tokens_server": 5}
{"index": 2, "phase": "r2/repeat-1", "scheduled_ns": 700, "outcome": "ok", "prompt_tokens": 8, "completion_tokens": 4}
{"index": 4, "phase": "repeat-1", "scheduled_ns": 950, "outcome": "stalled", "prompt_tokens": 8}
""".replace(",\n ", ", ")

Format = Literal["mooncake", "azure", "burstgpt", "aforo"]


def read(
    folder: Path,
    text: str | bytes,
    form: Format | None = None,
    max_rows: int | None = None,
    clip_tokens: int | None = None,
) -> Trace:
    path = folder / "trace"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    prompts = TracePrompts(source="trace", file="trace", format=form, max_rows=max_rows, clip_tokens=clip_tokens)
    return traces.read(prompts, folder)


def rows_of(trace: Trace) -> list[tuple[int, int, int, int]]:
    return list(zip(trace.lines, trace.due_ns, trace.prompt_tokens, trace.output_tokens, strict=True))


def test_azure_times_are_dates(tmp_path: Path) -> None:
    trace = read(tmp_path, AZURE.replace("\n", "\r\n"))
    first, second, third = rows_of(trace)
    assert first == (2, 0, 374, 44)
    assert second == (3, 4_314_579_000, 396, 109)  # 50.9951690 s - 46.6805900 s
    assert third[2:] == (12, 3)
    assert third[1] // (86_400 * NS_PER_S) == 175  # 16 November to 10 May of a leap year
    assert (trace.left_out, trace.notes()) == (0, [])


def test_burstgpt_times_are_seconds_and_failures_are_left_out(tmp_path: Path) -> None:
    trace = read(tmp_path, BURSTGPT)
    assert rows_of(trace) == [(2, 0, 472, 18), (3, 40_500_000_000, 1087, 230)]
    assert trace.left_out == 1
    assert "1 of the 3 rows of trace were left out" in trace.notes()[0]


def test_burstgpt_columns_are_found_by_name(tmp_path: Path) -> None:
    assert rows_of(read(tmp_path, BURSTGPT_WITH_SESSIONS)) == [(2, 0, 10, 2)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_trace_that_a_spreadsheet_or_pandas_saved(tmp_path: Path, encoding: str) -> None:
    text = BURSTGPT.replace(",", ";").replace("472", "472.0").replace(";18;", ";18.00;")
    assert rows_of(read(tmp_path, text.encode(encoding))) == rows_of(read(tmp_path, BURSTGPT))
    with pytest.raises(WorkloadError, match=r"has '18\.5' tokens"):
        read(tmp_path, BURSTGPT.replace(",18,", ",18.5,"))


def test_rows_of_mooncake_may_have_no_ids(tmp_path: Path) -> None:
    trace = read(tmp_path, MOONCAKE.replace("[0, 1]", "null").replace("[0]", "null"))
    assert rows_of(trace) == rows_of(read(tmp_path, MOONCAKE))
    assert not trace.shares_prefixes


def test_mooncake_times_are_milliseconds_and_blocks_have_ids(tmp_path: Path) -> None:
    trace = read(tmp_path, MOONCAKE)
    assert rows_of(trace) == [(1, 0, 700, 50), (3, round(250.5 * NS_PER_MS), 512, 3)]
    assert [trace.block_ids(row) for row in range(2)] == [(0, 1), (0,)]
    assert trace.shares_prefixes


def test_our_own_records_are_put_in_order_without_the_warm_up(tmp_path: Path) -> None:
    trace = read(tmp_path, AFORO)
    assert rows_of(trace) == [(3, 0, 8, 4), (2, 200, 9, 5)]
    assert trace.left_out == 1
    assert not trace.shares_prefixes


@pytest.mark.parametrize(
    ("text", "form", "says"),
    [
        (AZURE.replace("374", "many"), "azure", ":2: the row has 'many' tokens; expected a whole number from 0 to"),
        (AZURE.replace("374", "-1"), "azure", ":2: the row has '-1' tokens"),
        (AZURE.replace("374", "9999999"), "azure", ":2: the row has '9999999' tokens"),
        (AZURE.replace("396,", ""), "azure", ":3: the row has 2 values; expected 3, as in the first line"),
        (AZURE.replace("2023-11-16 18:15:50.9951690", "noon"), "azure", ":3: the row has the TIMESTAMP 'noon'; exp"),
        (AZURE.replace("ContextTokens", "Tokens"), "azure", ":1: the row has the columns 'TIMESTAMP,Tokens,Gen"),
        (AZURE + '"', "azure", "is not CSV"),
        (BURSTGPT.replace("45.5", "soon"), "burstgpt", ":3: the row has the Timestamp 'soon'; expected seconds from 0"),
        (BURSTGPT.replace("45.5", "-3"), "burstgpt", ":3: the row has the Timestamp '-3'"),
        (BURSTGPT.replace("45.5", "nan"), "burstgpt", ":3: the row has the Timestamp 'nan'"),
        (MOONCAKE.replace("512", '"x"'), "mooncake", ":3: the row is '{\"timestamp\": 350.5, \"input_length\": \"x\""),
        (MOONCAKE.replace("512", '"x"'), "mooncake", "at `$.input_length`); expected {\"timestamp\": 0"),
        (MOONCAKE.replace("100", "-1"), "mooncake", ":1: the row is"),
        ("{\n", "mooncake", ":1: the row is '{'"),
        (AFORO.replace('"prompt_tokens": 8, "c', '"c'), "aforo", ":3: the row has no prompt_tokens: nobody counted"),
        (AFORO.replace("900", '"900"'), "aforo", ":2: the row is"),
        ("one\ntwo\n", None, ":1: the row is 'one', which is no format of traces known here; expected {\"timestamp\""),
        ("", None, ":1: the row is ''"),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n", None, "holds no request"),
        (b"\xff\xff", None, "is not UTF-8 text"),
        (b"\xff\xfe{", None, "is not UTF-8 text"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named_with_file_and_line(
    tmp_path: Path, text: str | bytes, form: Format | None, says: str
) -> None:
    with pytest.raises(WorkloadError) as caught:
        read(tmp_path, text, form)
    assert says in str(caught.value)
    assert str(tmp_path / "trace") in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says"), [("../trace", "outside the folder"), ("no", "does not exist"), ("/no", "/no")]
)
def test_a_trace_lies_beside_its_definition_or_under_an_absolute_path(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(WorkloadError, match=says):
        traces.read(TracePrompts(source="trace", file=name), tmp_path)
    (tmp_path / "elsewhere").write_text(AZURE)
    elsewhere = TracePrompts(source="trace", file=str(tmp_path / "elsewhere"))
    assert len(traces.read(elsewhere, Path("nowhere"))) == 3


def test_only_the_beginning_may_be_read(tmp_path: Path) -> None:
    assert len(read(tmp_path, BURSTGPT + "nonsense\n", max_rows=2)) == 2


def test_long_prompts_are_cut_and_counted(tmp_path: Path) -> None:
    trace = read(tmp_path, MOONCAKE, clip_tokens=512)
    assert list(trace.prompt_tokens) == [512, 512]
    assert [trace.block_ids(row) for row in range(2)] == [(0,), (0,)]
    assert trace.notes() == ["1 prompts of trace were cut to 512 tokens."]


def test_the_longest_row_is_that_of_prompt_and_answer_together(tmp_path: Path) -> None:
    rows = [Row(1, 0, 10, 1), Row(2, 1, 5, 9), Row(3, 2, 90, 90)]
    assert Trace(tmp_path, rows).longest(2) == 1
    assert Trace(tmp_path, rows).longest(100) == 2


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_rows_are_in_order_and_none_is_lost(rows: list[tuple[int, int, int]]) -> None:
    trace = Trace(Path("t"), (Row(line, *row, block_ids=(line,)) for line, row in enumerate(rows)))
    assert len(trace) + trace.left_out == len(rows)
    assert list(trace.due_ns) == sorted(trace.due_ns)
    assert not len(trace) or trace.due_ns[0] == 0
    first_ns = min((time for time, prompt, output in rows if prompt and output), default=0)
    for row, line in enumerate(trace.lines):
        assert (trace.due_ns[row] + first_ns, trace.prompt_tokens[row], trace.output_tokens[row]) == rows[line]
        assert trace.block_ids(row) == (line,)


def test_hash_ids_of_blocks_of_another_length_share_nothing_and_are_named(tmp_path: Path) -> None:
    """655 tokens begin two blocks of 512: three ids are of shorter ones, and say nothing of the first 512 tokens."""
    rows = [(655, [46, 47, 48]), (655, [46]), (655, [46, 47]), (100, [])]
    text = "".join(
        f'{{"timestamp": {number}, "input_length": {tokens}, "output_length": 8, "hash_ids": {ids}}}\n'
        for number, (tokens, ids) in enumerate(rows)
    )
    (tmp_path / "t.jsonl").write_text(text)
    trace = traces.read(TracePrompts(source="trace", file="t.jsonl"), tmp_path)
    assert (len(trace), trace.block_ids(0), trace.block_ids(2), trace.block_ids(3)) == (4, (), (46, 47), ())
    first, own = trace.block_ids(1)  # one id covers the first 512 tokens; the rest is shared with no other row
    assert (first, own < 0) == (46, True)
    assert trace.notes() == [
        "2 of the 4 rows of t.jsonl do not have a hash id for each 512 tokens begun (line 1: 3 for 655 tokens). Those "
        "with fewer share what their ids cover; those with more, whose blocks must be shorter, share nothing."
    ]


def test_a_field_may_be_longer_than_python_reads_by_itself(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Timestamp,Model,Request tokens,Response tokens\n1," + "x" * 140_000 + ",5,6\n")
    trace = traces.read(TracePrompts(source="trace", file="t.csv"), tmp_path)
    assert list(trace.prompt_tokens) == [5]
