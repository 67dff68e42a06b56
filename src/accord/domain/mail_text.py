"""What a sender's own words may be in a mail: bounded, in one line where they are names, and without links.

Names, labels and reasons are chosen by whoever sends, so a name that holds an address of the web would carry a message
of the sender's to a stranger under Accord's letterhead.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from accord.domain.text import BIDIRECTIONAL, BLANK_LETTERS

QUOTED: Final = frozenset({"reason", "note", "changes"})
"""Facts of several lines, quoted below the words of a mail; all others are names in a sentence."""

NAME_LENGTH: Final = 80
"""Characters of a name in a mail to somebody who has not asked for it."""

FACT_LENGTH: Final = 600
"""Characters of a fact in any other mail: six labels in a row are the longest that acts name."""

QUOTE_LENGTH: Final = 1_000
"""Characters of a reason or note; the application shows all of it."""

LIST_LENGTH: Final = 20_000
"""Characters of a list that Accord itself has written."""

LINK: Final = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://\S*|\bmailto:\S+|\bwww\d?\.\S+", re.IGNORECASE)
NO_LINK: Final = "[link removed]"
DOT: Final = re.compile(r"(?<=\S)[.\u3002\uff0e\uff61](?=\w)")
AT: Final = re.compile(r"(?<=\S)@(?=[\w\[])")
INVISIBLE: Final = re.compile("[\u034f\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Marks that select how a character looks, and that draw nothing themselves."""

OWN: Final = frozenset({"amount", "count", "number", "until"})
"""Facts that Accord itself has written, in which dots are dots."""


def plain(text: str) -> str:
    """The text in one line: control and direction characters become blanks, runs of blanks become one."""
    return " ".join("".join(" " if _is_unprintable(c) else c for c in text).split())


def plain_lines(text: str) -> str:
    """As `plain`, but lines stay lines (reasons and notes)."""
    return "\n".join(plain(line) for line in text.splitlines()).strip()


def _is_unprintable(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in BIDIRECTIONAL


def clean_fact(name: str, value: str, *, to_strangers: bool) -> str:
    """A fact as a mail may say it; empty only where nobody could see anything of it before.

    Every mail may reach an address that somebody has chosen, so no fact of any has a link in it.
    """
    if name in OWN:
        return _shortened(plain(value), FACT_LENGTH)
    if name in QUOTED:
        lines = "\n".join(_unlinked(line) for line in plain_lines(value).split("\n"))
        return _undotted(_shortened(lines, LIST_LENGTH if name == "changes" else QUOTE_LENGTH))
    return clean_name(value, NAME_LENGTH if to_strangers else FACT_LENGTH)


def clean_name(value: str, length: int = NAME_LENGTH) -> str:
    """A name as a stranger may read it: one line of so many characters in which no mail program finds a link."""
    return _undotted(_shortened(_unlinked(plain(value)), length))


def _unlinked(text: str) -> str:
    """The text without what nobody sees, in the characters that a mail program reads, and without links."""
    seen = "".join(one for one in INVISIBLE.sub("", text) if unicodedata.category(one) != "Cf")
    spelled = unicodedata.normalize("NFKC", "".join(one for one in seen if one not in BLANK_LETTERS))
    return LINK.sub(NO_LINK, spelled)


def _undotted(text: str) -> str:
    """The text with dots and at signs between words in brackets, so that it names no domain, number or mailbox."""
    return AT.sub("[@]", DOT.sub("[.]", text))


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
