"""What stands in a cell of a CSV file: texts of others are texts there, never formulas of a spreadsheet.

Source: OWASP, "CSV Injection".
"""

import re

_NUMBER = re.compile(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(value: object) -> object:
    """Return a value as it may stand in a cell: before a text that a spreadsheet would compute an apostrophe is put."""
    if not isinstance(value, str) or not value.lstrip(" ").startswith(_FORMULAS) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"


_DELIMITERS = ",;\t"  # a spreadsheet takes that of the language that it is set to


def delimiter_of(header: str) -> str:
    """Return what parts the cells of a file, by its first line."""
    return max(_DELIMITERS, key=header.count)
