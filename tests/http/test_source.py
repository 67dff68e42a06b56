"""Locations are those of the library, found without reading the text again."""

from __future__ import annotations

from graphql import Source, parse
from hypothesis import given
from hypothesis import strategies as st

from accord.http.source import IndexedSource

TEXTS = st.text(st.sampled_from("ab \n\r\t\u2028\x0b\u00e9{}"), max_size=40)


@given(TEXTS, st.integers(0, 45))
def test_locations_are_those_of_the_library(text: str, position: int) -> None:
    assert IndexedSource(text).get_location(position) == Source(text).get_location(position)


def test_the_text_is_read_once() -> None:
    source = IndexedSource("{\n  viewer { name }\n}")
    parse(source)
    ends = source.line_ends
    assert (source.get_location(4), source.get_location(13)) == ((2, 3), (2, 12))
    assert source.line_ends is ends
