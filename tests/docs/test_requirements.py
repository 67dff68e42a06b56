"""The page of requirements: every row once, and every test that it names is there and says which row it shows."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.recipes import DOCS

PAGE = DOCS / "docs" / "requirements.md"
WALKS = sorted((DOCS / "tests" / "walkthroughs").glob("test_source_*.py"))
ROW = re.compile(r"^\| (S\d+) \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$", re.MULTILINE)
LINK = re.compile(r"\[(test_\w+)\]\(\.\./([\w/.]+)\)")
RULINGS = {f"Q{number}" for number in range(1, 35)}
OPEN: set[str] = set()
"""Rows that nothing shows yet; the page says so."""


class Row(NamedTuple):
    id: str
    shown: str
    ruling: str

    @property
    def tests(self) -> list[tuple[str, Path]]:
        """The tests it names, each with its file."""
        return [(name, DOCS / path) for name, path in LINK.findall(self.shown)]


@cache
def collected(path: Path) -> dict[str, str]:
    """The tests of a file by name, with what each says of itself; read, not run."""
    found = (node for node in ast.parse(path.read_text(encoding="utf-8")).body if hasattr(node, "name"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name: ast.get_docstring(node) or "" for node in found if isinstance(node, kinds)}


def named(test: str) -> set[str]:
    """The rows in the name of a test."""
    head = re.match(r"test_((?:s\d+_)*)", test)
    return set(head[1].upper().split("_")) - {""} if head else set()


ROWS = [Row(row, shown, ruling) for row, _, shown, ruling in ROW.findall(PAGE.read_text(encoding="utf-8"))]


def test_every_row_is_there_once() -> None:
    assert [row.id for row in ROWS] == [f"S{number}" for number in range(1, 121)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_tests_of_a_row_are_there(row: Row) -> None:
    assert bool(row.tests) is not (row.id in OPEN), "shown by a test, or named as open"
    assert row.tests or row.shown.startswith("not built"), "honest where nothing shows it"
    for test, path in row.tests:
        assert path.is_file(), path
        assert test in collected(path), f"{path.name} has no {test}"
        if path in WALKS:
            says = re.findall(r"\bS\d+\b", collected(path)[test])
            assert row.id in named(test) | set(says), f"{test} does not name {row.id}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_rulings_of_a_row_are_known(row: Row) -> None:
    assert set(re.findall(r"\bQ\d+\b", row.ruling)) <= RULINGS


@pytest.mark.parametrize("path", WALKS, ids=lambda path: path.stem)
def test_every_test_of_a_walkthrough_is_on_the_page(path: Path) -> None:
    listed = {(row.id, test) for row in ROWS for test, place in row.tests if place == path}
    assert {(row, test) for test in collected(path) for row in named(test)} <= listed
