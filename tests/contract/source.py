"""What the source may look like: each rule takes parsed modules and names where it is broken."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "src" / "accord"
LINES, FUNCTION_LINES = 400, 40
RESERVED: Final = frozenset(
    {"utils", "util", "helpers", "helper", "manager", "managers", "common", "base", "core", "misc"}
)
READS: Final = frozenset({"select", "exists"})
SQL: Final = re.compile(r"\s*(SELECT|WITH)\s[^?]*\sFROM\s", re.IGNORECASE)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file of the package: its path below `src`, its text and its tree."""

    path: str
    text: str
    tree: ast.Module

    @classmethod
    def of(cls, path: str, text: str) -> Module:
        return cls(path, text, ast.parse(text))

    @property
    def layer(self) -> str:
        """The folder under `accord`, or the module itself."""
        return self.path.split("/")[1].removesuffix(".py")

    def functions(self) -> Iterator[Function]:
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node


Rule = Callable[[list[Module]], list[str]]


def package() -> list[Module]:
    """Every module of the product."""
    return [
        Module.of(str(path.relative_to(PACKAGE.parent)), path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    ]


def long_files(modules: list[Module]) -> list[str]:
    return [module.path for module in modules if len(module.text.splitlines()) > LINES]


def long_functions(modules: list[Module]) -> list[str]:
    """Counted without the lines of signature and docstring, which say what a caller has to know."""
    return [
        f"{module.path}:{function.name}"
        for module in modules
        for function in module.functions()
        if function.end_lineno is not None and function.end_lineno - _body_start(function) + 1 > FUNCTION_LINES
    ]


def _body_start(function: Function) -> int:
    first, *rest = function.body
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return (rest[0] if rest and is_docstring else first).lineno


def late_imports(modules: list[Module]) -> list[str]:
    return [
        f"{module.path}:{node.lineno}"
        for module in modules
        for function in module.functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def private_names(modules: list[Module]) -> list[str]:
    """A name with one underscore belongs to its module: nobody imports it, nobody reaches for it through the module."""
    found = []
    for module in modules:
        imported = set()
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("accord"):
                imported |= {alias.asname or alias.name for alias in node.names}
                found += [f"{module.path}: {alias.name}" for alias in node.names if _is_private(alias.name)]
        found += [
            f"{module.path}: {node.value.id}.{node.attr}"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in imported
            and node.value.id.islower()
            and _is_private(node.attr)
        ]
    return found


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def reads_elsewhere(modules: list[Module]) -> list[str]:
    """SELECTs are written in `database/` and nowhere else, in Core or as text."""
    found = []
    for module in modules:
        if module.layer == "database":
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sqlalchemy":
                found += [f"{module.path}: {alias.name}" for alias in node.names if alias.name in READS]
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
                found.append(f"{module.path}:{node.lineno}: {node.value[:40]}")
    return found


def reserved_names(modules: list[Module]) -> list[str]:
    return [
        module.path
        for module in modules
        if RESERVED & set(module.path.removesuffix(".py").replace("_", "/").split("/"))
    ]


RULES: Final[dict[str, Rule]] = {
    rule.__name__: rule
    for rule in (long_files, long_functions, late_imports, private_names, reads_elsewhere, reserved_names)
}
