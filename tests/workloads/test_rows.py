from pathlib import Path

import pytest

from profiler.errors import WorkloadError
from profiler.workloads import items, rows
from profiler.workloads.schema import DataPrompts


def read(folder: Path, name: str, text: str | bytes | None, column: str = "prompt") -> list[str]:
    if text is not None:
        (folder / name).write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return [item.text for item in items.load(DataPrompts(source="data", file=name, column=column), folder).items]


@pytest.mark.parametrize(
    ("name", "text", "prompts"),
    [
        ("a.jsonl", '{"prompt": "one"}\n\n{"prompt": "two\\nlines", "other": 1}\n', ["one", "two\nlines"]),
        ("a.jsonl", '\ufeff{"prompt": "snow ❄"}', ["snow ❄"]),
        (
            "a.csv",
            'id,prompt\n1,one\n2,"two, with ""quotes""\nand a line"\n',
            ["one", 'two, with "quotes"\nand a line'],
        ),
        ("a.CSV", "prompt\r\none\r\n", ["one"]),
        ("a.csv", 'id;prompt\n1;"one; two"\n', ["one; two"]),  # as spreadsheets write it in much of Europe
        ("a.csv", "prompt,,\none,,,,\n", ["one"]),  # what a spreadsheet makes of empty columns
        ("a.txt", "one\n\n  two\n", ["one", "  two"]),
        ("a.csv", "prompt\n" + "x " * 70_000 + "\n", ["x " * 70_000]),  # Python alone reads 131,072 characters
        (
            "a.json",  # ShareGPT
            '[{"id": 1, "conversations": [{"from": "gpt", "value": "hi"}, {"from": "human", "value": "q1"}, '
            '{"from": "human", "value": "q2"}]}, {"prompt": "own"}]',
            ["q1", "own"],
        ),
        (
            "a.jsonl",  # requests of chat APIs
            '{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q1"}]}\n'
            '{"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}, '
            '{"type": "text", "text": "b"}]}]}\n',
            ["q1", "a\nb"],
        ),
        ("a.json", '{"prompt": "one"}\n{"prompt": "two"}\n', ["one", "two"]),  # Hugging Face's and pandas' to_json
        ("a.ndjson", '{"prompt": "one"}\r\n', ["one"]),
        ("a.tsv", "id\tprompt\n1\tone, two\n", ["one, two"]),
        ("a.csv", 'id, prompt \n1, "one, two"\n', ["one, two"]),
        ("a.csv", "prompt,id\n one,1\n", [" one"]),  # only where the first line has them do blanks follow commas
        (
            "a.jsonl",  # a batch for OpenAI's API
            '{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "messages": '
            '[{"role": "system", "content": "s"}, {"role": "user", "content": "q1"}]}}\n'
            '{"custom_id": "2", "body": {"model": "m", "prompt": "q2"}}\n',
            ["q1", "q2"],
        ),
        ("a.jsonl", '{"prompt": NaN}\n{"prompt": "one"}\n', ["one"]),
        (
            "a.jsonl",  # sets of preferences
            '{"prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "q1"}], "chosen": []}\n',
            ["q1"],
        ),
    ],
)
def test_rows_become_prompts(tmp_path: Path, name: str, text: str, prompts: list[str]) -> None:
    assert read(tmp_path, name, text) == prompts


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.jsonl", '{"prompt": "x"}\n{"prompt": \n', ":2: the row is not a JSON object"),
        ("a.jsonl", '"x"\n', ':1: the row is \'x\'; expected {"prompt": "…"}'),
        ("a.jsonl", '\n{"text": "x"}\n', ":2: the row has the keys 'text'; expected the key 'prompt'"),
        ("a.jsonl", '{"prompt": 5}\n', ":1: the row holds 5 as its prompt; expected a text"),
        ("a.jsonl", '{"prompt": " "}\n', "holds no prompts"),
        ("a.jsonl", '{"messages": [{"role": "user", "content": 5}]}\n', ":1: the row holds 5 as its prompt"),
        ("a.jsonl", '{"prompt": "\\ud800"}\n', ":1: the row holds a broken Unicode escape"),
        ("a.jsonl", "[" * 100_000, ":1: the row is not a JSON object"),
        ("a.csv", "text\nx\n", ":2: the row has the columns 'text'; expected the column 'prompt'"),
        ("a.csv", "", ":1: the row has the columns none"),
        ("a.csv", "id,prompt\n2\n", "holds no prompts"),
        ("a.csv", 'prompt\n"one\n', "the row is not CSV"),
        (
            "a.csv",
            "prompt\nWell, yes\n",
            ":2: the row has 2 cells, and the first line names 1 column; expected",
        ),
        ("a.csv", "prompt,id\none,1\nWell, yes,2\n", ":3: the row has 3 cells, and the first line names 2 columns"),
        ("a.csv", "prompt,prompt\na,b\n", ":1: the row names the column 'prompt' twice; expected each column once"),
        ("a.txt", "", "holds no prompts"),
        ("a.txt", b"\xff\xff", "is not UTF-8"),
        ("a.txt", b"\xff\xfex", "is not UTF-8"),
        ("a.txt", b"\xff\xfe", "holds no prompts"),
        ("a.json", '{"prompt": "x"}\n{"prompt": \n', ":2: the row is not a JSON object"),
        ("a.json", '[{"prompt": "x"},]', "is not JSON (Expecting value"),
        ("a.json", "[]", "holds no prompts"),
        ("a.json", "{", "is not JSON (Expecting property name"),
        ("a.json", '{"a": 1}', "Expected a list of objects"),
        ("a.json", "[5]", ":1: the row is 5"),
        ("a.json", "[" * 100_000, "is not JSON"),
        ("a.xml", "", "ends in '.xml'; expected .jsonl, .ndjson, .json, .csv, .tsv, .txt"),
        ("rows", "x", "ends in ''"),
        ("b.txt", None, "does not exist"),
        ("../a.txt", None, "outside the folder"),
        ("/etc/passwd", None, "outside the folder"),
        ("a\0.txt", None, "outside the folder"),
        ("x" * 300 + ".txt", None, "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_named_with_file_and_line(
    tmp_path: Path, name: str, text: str | bytes | None, says: str
) -> None:
    with pytest.raises(WorkloadError) as caught:
        read(tmp_path, name, text)
    assert says in str(caught.value)


def test_another_column_may_hold_the_prompts(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", "question,prompt\none,two\n", column="question") == ["one"]


def test_data_may_lie_in_a_folder_below(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert read(tmp_path, "data/a.txt", "one\n") == ["one"]


def test_a_giant_data_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "LARGEST_FILE_BYTES", 3)
    with pytest.raises(WorkloadError, match="more than 3 bytes"):
        read(tmp_path, "a.txt", "four\n")


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.txt"])
def test_files_of_powershell_and_windows_editors_are_read(tmp_path: Path, name: str) -> None:
    text = {
        "a.jsonl": '{"prompt": "snow ❄"}\r\n',
        "a.json": '[{"prompt": "snow ❄"}]',
        "a.csv": "prompt\r\nsnow ❄\r\n",
        "a.txt": "snow ❄\r\n",
    }
    for encoding in ("utf-8-sig", "utf-16"):
        assert read(tmp_path, name, text[name].encode(encoding)) == ["snow ❄"]
