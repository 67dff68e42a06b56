"""`schema.graphql` is the API that is served, and nothing stands between a field and its resolver."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from graphql import build_schema as parse_schema
from strawberry.extensions import SchemaExtension

from accord.schema.schema import build_schema, print_schema, schema
from tests.contract.source import ROOT

FILE = ROOT / "schema.graphql"


def check(path: Path) -> int:
    """What `accord schema --check` says about a file."""
    program = Path(sys.executable).with_name("accord")
    done = subprocess.run(
        [program, "schema", "--check", "--path", str(path)], capture_output=True, text=True, check=False
    )
    return done.returncode


def test_the_file_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == print_schema()
    parse_schema(print_schema())


@pytest.mark.parametrize("changed", ["", "# a word\n", "type Forgotten { id: ID }\n"])
def test_a_file_that_differs_is_refused(tmp_path: Path, changed: str) -> None:
    copy = tmp_path / "schema.graphql"
    copy.write_text(FILE.read_text(encoding="utf-8") + changed, encoding="utf-8")
    assert (check(copy) == 0) is (changed == "")


def wrapping(api: object) -> list[str]:
    """The extensions that would put themselves in front of every resolver, and the middleware that they make."""
    extensions = api.get_extensions()  # type: ignore[attr-defined]
    return [type(extension).__name__ for extension in extensions if extension._implements_resolve()]


def test_no_middleware_wraps_the_resolvers() -> None:
    assert wrapping(schema) == []


def test_a_middleware_is_found() -> None:
    class Wrapping(SchemaExtension):
        def resolve(self, _next, root, info, *args, **kwargs):  # type: ignore[no-untyped-def]
            return _next(root, info, *args, **kwargs)

    assert wrapping(build_schema([Wrapping])) == ["Wrapping"]
