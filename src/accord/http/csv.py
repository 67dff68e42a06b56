"""CSV that a spreadsheet does not run: every cell is quoted, and none of them begins like a formula."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

STARTS: Final = frozenset("=+-@\t\r\n")
BLANK: Final = " \u00a0\u200b\u200c\u200d\u2060\ufeff"


def line(cells: Iterable[object]) -> bytes:
    """One row, ended by CR LF, as UTF-8; None is an empty cell."""
    return (",".join(quoted("" if cell is None else str(cell)) for cell in cells) + "\r\n").encode("utf-8", "replace")


def quoted(text: str) -> str:
    return '"' + harmless(text).replace('"', '""') + '"'


def harmless(text: str) -> str:
    """A leading `'` where a spreadsheet would see a formula, also behind blanks and in full-width forms."""
    first = text.lstrip(BLANK)[:1]
    begins = first.isspace() or unicodedata.normalize("NFKC", first) in STARTS
    return f"'{text}" if first and begins else text
