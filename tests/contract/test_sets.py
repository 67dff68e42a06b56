"""No statement's parameters grow with the rows that it is about: lists of keys and rows go through `database/sets.py`.

The source is read for the two ways in which SQLAlchemy binds each element by itself: `in_` with a list that is no
constant, and `values` with several rows.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import accord

ACCORD = Path(accord.__file__).parent

SOURCES = [path for folder in ("database", "services") for path in sorted((ACCORD / folder).rglob("*.py"))]


def growing(source: str) -> list[int]:
    """Return the lines on which a statement binds as many parameters as it is given elements."""
    tree = ast.parse(source)
    selects = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _is_select(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return sorted({node.lineno for node in calls for one in _given(node) if not _is_bounded(one, selects)})


def _given(call: ast.Call) -> Iterator[ast.expr]:
    """What decides how many parameters the call binds."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if name in {"in_", "not_in"}:
        yield from call.args[:1]
    elif name == "values":
        yield from (one for one in call.args[:1] if not isinstance(one, ast.Dict | ast.Call))


def _is_select(value: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "select" for node in ast.walk(value))


def _is_bounded(one: ast.expr, selects: set[str]) -> bool:
    """Is this a constant, a list written out, all members of an enumeration, or a statement?"""
    if isinstance(one, ast.Name):
        return one.id.isupper() or one.id in selects
    if isinstance(one, ast.Attribute):
        return one.attr.isupper()
    if isinstance(one, ast.Call):
        return _is_select(one)
    if isinstance(one, ast.Tuple | ast.List | ast.Set):
        return not any(isinstance(element, ast.Starred) for element in one.elts)
    if isinstance(one, ast.ListComp):
        source = one.generators[0].iter
        return isinstance(source, ast.Name) and (source.id.isupper() or source.id[0].isupper())
    return False


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_parameters_do_not_grow(path: Path) -> None:
    assert growing(path.read_text()) == []


@pytest.mark.parametrize(
    "statement",
    [
        "update(t).where(t.c.id.in_(keys))",
        "update(t).where(t.c.id.in_([row.id for row in rows]))",
        "update(t).where(t.c.id.not_in(list(keys)))",
        "insert(t).values([{'id': key} for key in keys])",
        "insert(t).values([*rows])",
        "insert(t).values(rows)",
    ],
)
def test_parameters_that_grow_are_found(statement: str) -> None:
    assert growing(statement) == [1]
