"""The page of permissions is what the tables of the code say."""

from accord.access.permissions import PERMISSIONS, Action, Capacity
from tests.docs.matrix import WORDS, render
from tests.docs.recipes import DOCS


def test_the_page_is_current() -> None:
    page = (DOCS / "docs" / "permissions.md").read_text(encoding="utf-8")
    assert page == render(), "run `make schema` and read the difference"


def test_every_action_and_every_capacity_has_its_place() -> None:
    assert set(PERMISSIONS) == set(Action)
    assert set(WORDS) == set(Capacity)
