"""Cells that a spreadsheet would run are text in the file, and everything reads back."""

import csv
import io

import pytest

from accord.http.csv import harmless, line

FORMULAS = [
    *(
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
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


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays(text: str) -> None:
    assert harmless(text) == text


def test_every_cell_is_quoted_and_reads_back() -> None:
    cells = ["a,b", 'say "hi"', "two\r\nlines", None, 7, "=1"]
    written = line(cells)
    assert written == b'"a,b","say ""hi""","two\r\nlines","","7","\'=1"\r\n'
    [read] = csv.reader(io.StringIO(written.decode(), newline=""))
    assert read == ["a,b", 'say "hi"', "two\r\nlines", "", "7", "'=1"]
