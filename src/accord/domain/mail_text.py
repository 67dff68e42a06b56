"""What a sender's own words may be in a mail: bounded, in one line where they are names, and without links.

Names, labels and reasons are chosen by whoever sends, so a name that holds an address of the web would carry a message
of the sender's to a stranger under Accord's letterhead.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from accord.domain.text import BIDIRECTIONAL

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
DOMAIN_DOT: Final = re.compile(r"(?<=\w\w)[.\u3002\uff0e\uff61](?=[^\W\d_]{2})")


def plain(text: str) -> str:
    """The text in one line: control and direction characters become blanks, runs of blanks become one."""
    return " ".join("".join(" " if _is_unprintable(c) else c for c in text).split())


def plain_lines(text: str) -> str:
    """As `plain`, but lines stay lines (reasons and notes)."""
    return "\n".join(plain(line) for line in text.splitlines()).strip()


def _is_unprintable(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in BIDIRECTIONAL


def clean_fact(name: str, value: str, *, to_strangers: bool) -> str:
    """A fact as a mail may say it; empty only where it was blank before."""
    if name in QUOTED:
        return _shortened(_unlinked(plain_lines(value)), LIST_LENGTH if name == "changes" else QUOTE_LENGTH)
    return clean_name(value) if to_strangers else _shortened(_unlinked(plain(value)), FACT_LENGTH)


def clean_name(value: str) -> str:
    """A name as a stranger may read it: one line of 80 characters in which no mail program finds a link."""
    spelled = unicodedata.normalize("NFKC", plain(value))
    return DOMAIN_DOT.sub("[.]", _shortened(_unlinked(spelled), NAME_LENGTH))


def _unlinked(text: str) -> str:
    return LINK.sub(NO_LINK, text)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
