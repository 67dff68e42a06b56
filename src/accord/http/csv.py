"""CSV that a spreadsheet does not run: every cell is quoted, and none of them begins like a formula."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

STARTS: Final = frozenset("=+-@\t\r\n")
BETWEEN: Final = '","'
END: Final = "0"
UNUSUAL: Final = re.compile(BETWEEN + r'(?![0-9A-Za-z"])')
"""A cell that begins with anything but a plain letter or digit; an empty one begins with the next quote."""

BLANK: Final = " \u00a0\u200b\u200c\u200d\u2060\ufeff"


def line(cells: Iterable[object]) -> bytes:
    """One row, ended by CR LF, as UTF-8; None is an empty cell."""
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
    """A leading `'` where a spreadsheet would see a formula, also behind blanks and in full-width forms."""
    first = text.lstrip(BLANK)[:1]
    begins = first.isspace() or unicodedata.normalize("NFKC", first) in STARTS
    return f"'{text}" if first and begins else text
