"""Mutations of files: what disks, editors, other programs and malice make of them."""

import json
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

# Values that a reader may not have expected where another one stands.
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**400, 0.0, -0.0, 0.5, -1.5,
    1e308, 5e-324, float("nan"), float("inf"), float("-inf"), "", " ", "0", "NaN", "1e999", "x" * 300, "\0", "\ud800",
    "\u202e\x1b[31m", "../../etc/passwd", "1970-01-01T00:00:00Z", "9999-99-99T99:99:99Z", "synthetic:x", "{}", [], {},
    [None], [[]], [0] * 50, {"": 0}, {"value": None}, {"value": "x", "unit": 5}, "repeat-1", "warmup", "%s%n", "☃",
]  # fmt: skip
_NUMBERS = [struct.pack("<Q", value) for value in (0, 1, 2**31, 2**32 - 1, 2**40, 2**60, 2**63, 2**64 - 1)]
_PIECES = [
    b"", b"\0", b"\xff", b"\n", b"\r\n", b"\r", b'"', b"\\", b",", b",,", b":", b"{", b"}", b"[", b"]", b"-", b"1e999",
    b"9" * 400, b"-1", b"NaN", b"null", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\x1b]0;x\x07", b"&a [*a]", b"!!python/x", b"---\n",
    b"[" * 3000, b'{"a":' * 3000, b"x" * 10_000, "é☃😀".encode(), b"\t", b"%", b"=1+1", b"1_000", b"0x10", b"1:30", b"~",
    *_NUMBERS,
]  # fmt: skip
Mutation = Callable[[bytes, Random], bytes]


def mutated(seeds: Sequence[bytes], random: Random, *, is_json: bool) -> bytes:
    """Return one of the seeds, changed one to four times."""
    data = random.choice(seeds)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        mutations = _OF_JSON * 2 + _OF_BYTES if is_json else _OF_BYTES
        data = random.choice(mutations)(data, random)
    return data


def _place(data: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + random.choice((0, 1, 1, 2, 4, 8, 40, 400)))


def _bit(data: bytes, random: Random) -> bytes:
    if not data:
        return b"\x01"
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]


def _replace(data: bytes, random: Random) -> bytes:
    start, end = _place(data, random)
    return data[:start] + random.choice(_PIECES) + data[end:]


def _insert(data: bytes, random: Random) -> bytes:
    start, _ = _place(data, random)
    return data[:start] + random.choice(_PIECES) + data[start:]


def _cut(data: bytes, random: Random) -> bytes:
    start, end = _place(data, random)
    return data[:start] if random.random() < 0.3 else data[:start] + data[end:]


def _again(data: bytes, random: Random) -> bytes:
    start, end = _place(data, random)
    return data[:end] + data[start:end] * random.choice((1, 1, 50)) + data[end:]


def _number(data: bytes, random: Random) -> bytes:
    """Another integer of eight or four bytes, as headers of models have them."""
    start = random.randrange(len(data) + 1)
    number = random.choice(_NUMBERS)[: random.choice((4, 8))]
    return data[:start] + number + data[start + len(number) :]


def _digits(data: bytes, random: Random) -> bytes:
    """Another number where there is one."""
    places = [at for at, byte in enumerate(data[:20_000]) if 48 <= byte <= 57]
    if not places:
        return _replace(data, random)
    at = random.choice(places)
    end = at
    while end < len(data) and 48 <= data[end] <= 57:
        end += 1
    number = random.choice((b"0", b"-1", b"1e999", b"NaN", b"9" * 400, b"18446744073709551616", b"0.1", b"", b"1e308"))
    return data[:at] + number + data[end:]


def _lines(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    first, second = random.randrange(len(lines)), random.randrange(len(lines))
    lines[first] = lines[second]
    return b"\n".join(lines)


def _json_value(data: bytes, random: Random) -> bytes:
    """Another value, no value, or the value of another key, somewhere in a JSON document or a line of one."""
    lines = data.split(b"\n")
    is_lines = len(lines) > 2 and lines[0][:1] == b"{" and lines[0][-1:] == b"}"
    at = random.randrange(len(lines)) if is_lines else 0
    try:
        document = json.loads(lines[at] if is_lines else data)
    except (ValueError, RecursionError):
        return _replace(data, random)
    changed = json.dumps(_changed(document, random), ensure_ascii=random.random() < 0.5)
    text = changed.encode("utf-8", "surrogatepass")
    return b"\n".join([*lines[:at], text, *lines[at + 1 :]]) if is_lines else text


def _changed(value: Any, random: Random) -> Any:
    """Walk down at random and change what is there."""
    if not isinstance(value, dict | list) or not value or random.random() < 0.08:
        return random.choice(ODD)
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = random.choice(keys)
    choice = random.random()
    copied: Any = dict(value) if isinstance(value, dict) else list(value)
    if choice < 0.1:
        del copied[key]
    elif choice < 0.15 and isinstance(copied, list):
        copied *= 3
    elif choice < 0.2 and isinstance(copied, dict):
        copied[random.choice(("", "extra", "\0", "x" * 300, key * 2))] = random.choice(ODD)
    elif choice < 0.25:
        copied[key] = copied[random.choice(keys)]
    else:
        copied[key] = _changed(value[key], random)
    return copied


_OF_BYTES: list[Mutation] = [_bit, _replace, _insert, _cut, _again, _number, _digits, _digits, _lines]
_OF_JSON: list[Mutation] = [_json_value] * 6
