import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.definitions import VALID, written

from profiler.definitions import yaml_source
from profiler.errors import DefinitionError


def values(folder: Path, text: str) -> dict[str, object]:
    return yaml_source.read(written(folder, text)).values


def complaint(folder: Path, text: str | bytes) -> str:
    with pytest.raises(DefinitionError) as caught:
        yaml_source.read(written(folder, text))
    return str(caught.value)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("12", 12), ("-3", -3), ("+4", 4), ("010", 10), ("0x1F", 31), ("0o17", 15),
        ("1.5", 1.5), (".5", 0.5), ("2.", 2.0), ("1e3", 1000.0), ("-1.5E-1", -0.15),
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("1:30", "1:30"), ("1_000", "1_000"), ("0b11", "0b11"),
        ("2024-99-99", "2024-99-99"), ("'12'", "12"), ('"true"', "true"), ("|\n  x", "x\n"), ("'null'", "null"),
    ],
)  # fmt: skip
def test_plain_scalars_follow_yaml_1_2_and_quoted_ones_are_texts(tmp_path: Path, scalar: str, value: object) -> None:
    read = values(tmp_path, f"a: {scalar}\n")["a"]
    assert read == value
    assert type(read) is type(value)


def test_infinity_and_endless_numbers_are_numbers(tmp_path: Path) -> None:
    assert values(tmp_path, "a: .inf\nb: -.inf\n") == {"a": float("inf"), "b": float("-inf")}
    assert values(tmp_path, f"a: {'9' * 5000}\n") == {"a": float("inf")}
    assert repr(values(tmp_path, "a: .nan\n")["a"]) == "nan"


def test_every_key_and_item_has_its_line(tmp_path: Path) -> None:
    source = yaml_source.read(written(tmp_path, "# comment\na: 1\nb:\n  c: 2\n  d:\n    - 3\n    - e: 4\n"))
    assert source.values == {"a": 1, "b": {"c": 2, "d": [3, {"e": 4}]}}
    assert source.lines == {
        ("a",): 2, ("b",): 3, ("b", "c"): 4, ("b", "d"): 5, ("b", "d", 0): 6, ("b", "d", 1): 7, ("b", "d", 1, "e"): 7
    }  # fmt: skip


def test_a_key_that_is_not_there_has_the_line_of_what_is_around_it(tmp_path: Path) -> None:
    source = yaml_source.read(written(tmp_path, "a: 1\nb:\n  c: 2\n"))
    assert source.line(("b", "missing", "deeper")) == 2
    assert source.line(("missing",)) == 1


def test_keys_are_texts_whatever_they_look_like(tmp_path: Path) -> None:
    assert values(tmp_path, "1: a\nnull: b\n2024-01-01: c\n") == {"1": "a", "null": "b", "2024-01-01": "c"}


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    assert yaml_source.read(written(tmp_path, b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")).values == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: *x\n", 2, "alias '*x'"),
        ("a: 1\nb: &x 2\n", 2, "anchor '&x'"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", 2, "tag"),
        ("a: !!str 1\n", 1, "tag"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' is there twice, first in line 1"),
        ("a:\n  b: 1\n  b: 2\n", 3, "'b' is there twice, first in line 2"),
        ("a: 1\n? [x, y]\n: 2\n", 2, "a key is a list or a mapping"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("- a\n- b\n", 1, "holds a list, expected a mapping"),
        ("just text\n", 1, "holds a single value, expected a mapping"),
        ("", 1, "the file is empty"),
        ("# only a comment\n", 1, "the file is empty"),
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "not valid YAML"),
        ("a:\n\tb: 1\n", 2, "spaces, not tabs"),
        ("a: 1\nb: \x00\n", 2, "a character that YAML does not allow"),
        (b"a: 1\nb: \xff\n", 2, "UTF-8"),
        ('a: "\\UFFFFFFFF"\n', 1, "not valid YAML"),
        ("%YAML " + "9" * 5000 + ".1\n--- a", 1, "not valid YAML"),
        ('a: "\\ud800"\n', 1, "not valid Unicode"),
        ('"\\ud800": 1\n', 1, "not valid Unicode"),
    ],
)  # fmt: skip
def test_what_a_definition_may_not_hold_is_named_with_its_line(
    tmp_path: Path, text: str | bytes, line: int, says: str
) -> None:
    sentence = complaint(tmp_path, text)
    assert sentence.startswith(f"{tmp_path / 'mine.yaml'}:{line}: ")
    assert says in sentence


def test_a_bomb_of_aliases_is_refused_unexploded(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    assert "the anchor '&a0' is not allowed" in complaint(tmp_path, bomb)


@pytest.mark.parametrize("unit", ["[", "{", "- ", "? ", "a: {"])
def test_deep_nesting_is_refused(tmp_path: Path, unit: str) -> None:
    assert "nested more than 16 levels deep" in complaint(tmp_path, unit * 2000)


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    assert "more than 32768 bytes" in complaint(tmp_path, "a: " + "x" * 40_000)


def test_hostile_files_are_refused_soon(tmp_path: Path) -> None:
    many_keys = "".join(f"key{number}: 1\n" for number in range(2500))
    start_s = time.process_time()
    yaml_source.read(written(tmp_path, many_keys))
    complaint(tmp_path, "[" * 32_000)
    complaint(tmp_path, "{" + "a: 1, " * 5000 + "}")
    assert time.process_time() - start_s < 30


def test_all_problems_are_named_at_once_and_an_avalanche_is_cut_short(tmp_path: Path) -> None:
    assert len(complaint(tmp_path, "a: *x\nb: &y 1\nc: !z 2\n").splitlines()) == 3
    lines = complaint(tmp_path, "a: 1\n" * 100).splitlines()
    assert len(lines) == 21
    assert lines[-1].endswith("and 79 more.")


def test_what_is_not_a_readable_file_is_named(tmp_path: Path) -> None:
    for path, says in [
        (tmp_path / "none.yaml", "does not exist"),
        (tmp_path, "is not a file"),
        (Path("/dev/null"), "is not a file"),
        (tmp_path / "nul\0.yaml", "does not exist"),
        (tmp_path / ("x" * 500), "cannot be read"),
    ]:
        with pytest.raises(DefinitionError, match=says):
            yaml_source.read(path)


@given(st.one_of(st.text(), st.text(alphabet=":-[]{}&*!|>'\"%@`#,?\n\t 01a.~\\<", max_size=60), st.binary(max_size=60)))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str | bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "mine.yaml"
    path.write_bytes(text.encode("utf-8", "replace") if isinstance(text, str) else text)
    with suppress(DefinitionError):
        assert isinstance(yaml_source.read(path).values, dict)


@given(at=st.integers(0, len(VALID) - 1), inserted=st.text(alphabet=":-[]{}&*!|>'\"%@`#,?\n\t 01a.~\\<", max_size=5))
def test_a_damaged_definition_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, inserted: str
) -> None:
    path = written(tmp_path_factory.mktemp("damaged"), VALID[:at] + inserted + VALID[at + 1 :])
    with suppress(DefinitionError):
        assert isinstance(yaml_source.read(path).values, dict)
