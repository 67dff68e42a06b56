"""The page of permissions is what the tables of the code say."""

from accord.access.permissions import PERMISSIONS, Action, Capacity
from tests.docs.matrix import COLUMNS, WORDS, render
from tests.docs.recipes import DOCS


def test_the_page_is_current() -> None:
    page = (DOCS / "docs" / "permissions.md").read_text(encoding="utf-8")
    assert page == render(), "run `make schema` and read the difference"


def test_every_action_and_every_capacity_has_its_place() -> None:
    assert set(PERMISSIONS) == set(Action)
    assert set(WORDS) == set(Capacity)


def test_every_capacity_is_in_a_column() -> None:
    missing = set(Capacity) - {
        capacity for column in COLUMNS for capacity in column.is_ | column.some | column.together
    }
    assert not missing


def test_cells_say_what_the_tables_say() -> None:
    """A few, read by hand."""
    cells = {(action, column.key): column.cell(action) for action in Action for column in COLUMNS}
    row = {
        Action.PARTNERSHIP_APPROVE: {"HA": "o", "LR": "o", "PO": "-", "HM": "-", "GA": "-", "OP": "-"},
        Action.PARTNERSHIP_REMIND: {"HM": "o", "GA": "o", "DM": "-"},
        Action.PARTNERSHIP_INVITE: {"HA": "o", "LR": "o", "PO": "-", "HM": "-", "DM": "-", "DD": "-", "OP": "-"},
        Action.PARTNERSHIP_COMPLETE: {"HA": "-", "LR": "o", "PO": "-", "GA": "-", "DM": "-", "DD": "-", "OP": "-"},
        Action.LEVEL_SET: {"HA": "Y", "LR": "Y", "PO": "-", "GA": "-", "DS": "-", "DM": "-", "DD": "-", "OP": "-"},
        Action.LEVEL_REDUCE: {"HA": "Y", "LR": "Y", "PO": "Y", "AO": "-", "GA": "-", "DM": "-"},
        Action.ACCOUNT_SHARE: {"HA": "-", "PO": "o", "AO": "o", "HM": "-", "DM": "-", "DD": "-"},
        Action.ROLE_GROUP_MANAGE: {"GA": "Y", "GR": "o", "AM": "-", "HA": "-"},
        Action.ORGANISATION_OPERATE: {"OP": "Y", "HA": "-", "GA": "-", "DM": "-"},
    }
    for action, expected in row.items():
        assert {key: cells[action, key] for key in expected} == expected, action
