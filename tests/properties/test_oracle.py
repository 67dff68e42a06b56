"""The oracle is a second opinion only as long as it does not look at the first."""

import ast
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "oracle"
OWN = "tests.properties.oracle"


def imported(source: str) -> set[str]:
    """Every module that a source names in an import."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def foreign(source: str) -> set[str]:
    """Imports that are neither of the standard library nor of the oracle itself."""
    return {
        name
        for name in imported(source)
        if name.partition(".")[0] not in sys.stdlib_module_names - {"importlib"}
        and name != OWN
        and not name.startswith(f"{OWN}.")
    }


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.name)
def test_the_oracle_imports_nothing_of_the_product(path: Path) -> None:
    source = path.read_text()
    assert foreign(source) == set()
    assert "__import__" not in source


@pytest.mark.parametrize(
    "source",
    [
        "import accord",
        "from accord.domain import level",
        "def f():\n    from accord.access.decision import decide",
        "import importlib",
        "from tests.world import World",
        "from . import state",
    ],
)
def test_a_look_at_the_product_is_found(source: str) -> None:
    assert foreign(source)
