"""Cells that a spreadsheet would run are text in the file, and everything reads back."""

import csv
import io
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accord.http.csv import BYTE_ORDER_MARK, SIGNS, harmless, header, line

FORMULAS = [
    *(
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        " =1",
        "   =1",
        "\u00a0=1",
        "\u200b=1",
        "\ufeff=1",
        "\u2060+1",
    ),
    *(
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
        " \uff1d1",
        "\ufe661",
        "\ufe621",
        "\ufe631",
        "\ufe6b1",
        "=cmd|' /C calc'!A0",
    ),
    *('=HYPERLINK("https://elsewhere.example")', "\u3000=1", "\u2003=1", "\v=1", "\f=1"),
]
HARMLESS = ["", "a", "Ada", "a=b", "1", "1-2", "'=1", "e-mail@host.example", '"', "  ", "a\tb", "naïve", "日本"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("separator", [";", "\t", "\r", "\n", "\r\n", "; ", ";\u00a0", "\n ;"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\ufe62"])
def test_a_formula_behind_a_separator_becomes_text(separator: str, sign: str) -> None:
    assert harmless(f"a{separator}{sign}1") == f"a{separator}'{sign}1"
    assert harmless(f"{separator}{sign}1").endswith(f"{separator}'{sign}1")


def test_the_signs_are_all_that_unicode_has() -> None:
    forms = {chr(n) for n in range(sys.maxunicode + 1) if unicodedata.normalize("NFKC", chr(n)) in {*"=+-@"}}
    assert forms == set(SIGNS.replace("\\", ""))


pieces = st.text(alphabet=st.sampled_from("=+-@;,'\"\t\r\n \u00a0\u200b\uff1da1"), max_size=8)


@given(st.lists(pieces, min_size=1, max_size=5))
@example(["a", 'b";=1'])
@example(['"', ";=1"])
@example(["", ';"="'])
def test_no_list_separator_makes_a_formula(cells: list[str]) -> None:
    """A spreadsheet that takes the line apart at semicolons or tabs finds no cell that begins like a formula."""
    written = line(cells).decode()
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(written, newline=""), delimiter=separator):
            for cell in row:
                start = cell.lstrip(" \u00a0\u200b")[:1]
                assert unicodedata.normalize("NFKC", start) not in {"=", "+", "-", "@"}, (separator, written)


def test_a_file_says_that_it_is_utf_8() -> None:
    assert header(["Time", "Event"]) == BYTE_ORDER_MARK + b'"Time","Event"\r\n'
    [read] = csv.reader(io.StringIO(header(["Zeit", "Gerät"]).decode("utf-8-sig")))
    assert read == ["Zeit", "Gerät"]


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays(text: str) -> None:
    assert harmless(text) == text


def test_every_cell_is_quoted_and_reads_back() -> None:
    cells = ["a,b", 'say "hi"', "two\r\nlines", None, 7, "=1"]
    written = line(cells)
    assert written == b'"a,b","say ""hi""","two\r\nlines","","7","\'=1"\r\n'
    [read] = csv.reader(io.StringIO(written.decode(), newline=""))
    assert read == ["a,b", 'say "hi"', "two\r\nlines", "", "7", "'=1"]
