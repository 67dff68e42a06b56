"""CSV that a spreadsheet shows and does not run.

Every cell is quoted, and nothing in it begins like a formula: neither the cell, nor what stands behind a semicolon, a
tab or a line end in it. Where a computer's list separator is the semicolon, Excel and its like take a file with commas
apart at those, quotes or not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""Without it a spreadsheet that is opened by a double click reads UTF-8 as the code page of its computer."""

STARTS: Final = frozenset("=+-@\t\r\n")
BETWEEN: Final = '","'
END: Final = "0"
SEPARATORS: Final = ";\t\r\n"
UNUSUAL: Final = re.compile(rf'{BETWEEN}(?![0-9A-Za-z"])|[{SEPARATORS}](?! ?[0-9A-Za-z])')
"""A cell that begins with anything but a plain letter or digit, or has a separator before anything else; an empty cell
begins with the next quote."""

BLANK: Final = " \u00a0\u200b\u200c\u200d\u2060\ufeff"
SIGNS: Final = "=+@\\-\u207a\u207c\u208a\u208c\ufb29\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"
"""Each character that is one of `=+-@` in some form of Unicode."""

INSIDE: Final = re.compile(rf'([{SEPARATORS}][{BLANK}\s"]*)(?=[{SIGNS}])')
"""A sign behind a separator; quotes between them may count as those of a cell."""


def header(names: Sequence[str]) -> bytes:
    """Return the first line of a file, behind the mark that says that the file is UTF-8."""
    return BYTE_ORDER_MARK + line(names)


def line(cells: Iterable[object]) -> bytes:
    """Return one row, ended by CR LF, as UTF-8; None is an empty cell."""
    texts = ["", *("" if cell is None else str(cell) for cell in cells), END]
    joined = BETWEEN.join(texts)
    if joined.count('"') != BETWEEN.count('"') * (len(texts) - 1) or UNUSUAL.search(joined):
        joined = BETWEEN.join(map(escaped, texts))
    return (joined[2 : -len(END) - 2] + "\r\n").encode("utf-8", "replace")


@lru_cache(maxsize=4096)
def escaped(text: str) -> str:
    """What stands between the quotes of a cell; columns hold few different texts."""
    return harmless(text).replace('"', '""')


def harmless(text: str) -> str:
    """Return the text with a `'` before whatever a spreadsheet would take for a formula, also in full-width forms."""
    first = text.lstrip(BLANK)[:1]
    begins = first.isspace() or unicodedata.normalize("NFKC", first) in STARTS
    inside = INSIDE.sub(r"\1'", text)
    return f"'{inside}" if first and begins else inside
