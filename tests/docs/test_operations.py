"""The operator's page names what there is to decide, and what runs."""

import re

import pytest
from typer.main import get_command

from accord.__main__ import app
from accord.database.policies import GATEWAY, WORKER
from accord.domain.notice import MailState
from accord.settings import Settings
from tests.docs.recipes import DOCS

OPERATIONS = (DOCS / "docs" / "operations.md").read_text(encoding="utf-8")
FOUND = re.findall(r"^\| `ACCORD_([A-Z_]+)` \| (.*?) \|", OPERATIONS, re.MULTILINE)
ROWS = dict(FOUND)
DEFAULTS = Settings.model_construct()


def test_every_setting_has_a_row_and_every_row_is_a_setting() -> None:
    assert sorted(ROWS) == sorted(name for name, _ in FOUND)
    assert set(ROWS) == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("name", [name for name, given in ROWS.items() if given.startswith("`")])
def test_the_default_of_a_setting_is_the_one_in_its_row(name: str) -> None:
    default = getattr(DEFAULTS, name.lower())
    shown = str(default).lower() if isinstance(default, bool) else f"{default:g}" if is_float(default) else str(default)
    assert ROWS[name] == f"`{shown}`"


def is_float(value: object) -> bool:
    return isinstance(value, float)


def test_every_command_has_a_row() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    assert set(commands) == set(re.findall(r"^\| `accord (\w+)", OPERATIONS, re.MULTILINE))


def test_roles_and_states_are_those_of_the_code() -> None:
    for name in (GATEWAY, WORKER, *MailState):
        assert f"| `{name}` |" in OPERATIONS
