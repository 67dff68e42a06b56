"""One folding of names and addresses, in Python and in PostgreSQL alike, and every comparison goes through it."""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path
from typing import Final

import pytest

import accord
from accord.domain.text import fold
from tests.servers import DatabaseURLs
from tests.world import World, open_world

WORDS: Final = [
    ("\u0130SMA\u0130L", "i\u0307smai\u0307l"),
    ("\u039d\u0399\u039a\u039f\u03a3", "\u03bd\u03b9\u03ba\u03bf\u03c2"),
    ("Stra\u00dfe", "STRASSE"),
    ("\u1e9e", "ss"),
    ("Andre\u0301", "ANDR\u00c9"),
    ("\uff21\uff24\uff21", "ada"),
    ("\ufb01nn", "FINN"),
    ("\u0424\u0451\u0434\u043e\u0440", "\u0424\u0401\u0414\u041e\u0420"),
    ("\u13b3\u13a9", "\uab83\uab79"),
    ("\U00010412", "\U0001043a"),
    ("\u212b", "\u00e5"),
]
APART: Final = [("ada", "adb"), ("I", "\u0131"), ("o", "\u00f8"), ("\u00fc", "u")]


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> World:  # type: ignore[misc]
    async with open_world(module_database_urls) as made:
        yield made


@pytest.mark.parametrize(("one", "other"), WORDS)
def test_two_spellings_of_a_name_are_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)
    assert fold(fold(one)) == fold(one)


@pytest.mark.parametrize(("one", "other"), APART)
def test_two_names_are_two(one: str, other: str) -> None:
    assert fold(one) != fold(other)


async def test_postgresql_folds_every_character_as_python_does(world: World) -> None:
    assigned = [
        chr(code) for code in range(1, sys.maxunicode + 1) if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")
    ]
    texts = assigned + [one + other for one in assigned[60:700:7] for other in "a\u0345\u0307\u0323"]
    texts += [word for pair in WORDS for word in pair]
    rows = await world.owner.fetch(
        "SELECT said, accord.fold(said) AS folded FROM unnest($1::text[]) WITH ORDINALITY AS t(said, n) ORDER BY n",
        texts,
    )
    differing = [(text, row["folded"]) for text, row in zip(texts, rows, strict=True) if row["folded"] != fold(text)]
    assert not differing, differing[:10]
    assert len(texts) > 140_000


def test_nothing_else_compares_without_case() -> None:
    """Names and addresses are compared by `fold` alone; lower() is for protocol words, which are ASCII."""
    source, found = Path(accord.__file__).parent, set[str]()
    for path in [*source.rglob("*.py"), *source.rglob("*.sql")]:
        name, text = path.relative_to(source).as_posix(), path.read_text(encoding="utf-8")
        if re.search(r"casefold\(|ilike|citext|func\.lower\(", text):
            found.add(name)
        if "queries" in name and ".lower()" in text.replace("name.lower()", "").replace("attr.lower()", ""):
            found.add(name)
    assert found == {"domain/text.py", "database/queries/callers/scim_search.py"}
