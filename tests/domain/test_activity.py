"""The hash chain: it changes with every covered value and with nothing else."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.domain.activity import CHAINED, FIRST_HASH, EventType, canonical, chain_hash

ROW: dict[str, Any] = {
    "stream_id": UUID(int=1),
    "sequence": 1,
    "occurred_at": datetime(2026, 3, 1, 12, tzinfo=UTC),
    "type": "share.added",
    "outcome": "SUCCESS",
    "actor_user_id": UUID(int=2),
    "actor_name": "Åse",
    "actor_home_organisation_id": None,
    "host_id": UUID(int=3),
    "guest_id": UUID(int=4),
    "partnership_id": None,
    "account_id": None,
    "account_label": "Ledger",
    "app": None,
    "location": None,
    "os": "Linux",
    "device": None,
    "ip": "192.0.2.7",
    "reason": "why",
    "data": {"b": 1, "a": [1, {"z": None, "y": "ø"}]},
}
OTHER: dict[type, Any] = {
    int: 2,
    str: "other",
    type(None): "something",
    dict: {"a": 1},
    UUID: UUID(int=99),
    datetime: datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC),
}


def test_the_hash_is_what_it_has_always_been() -> None:
    """A verifier that was written against an older release still verifies: this value never changes."""
    assert chain_hash(FIRST_HASH, ROW) == "3d589ce69305eeebb88b598eb73eb39016c51081a2b5b1d820fd52adefaa6035"


@pytest.mark.parametrize("column", CHAINED)
def test_every_covered_column_changes_the_hash(column: str) -> None:
    changed = ROW | {column: OTHER[type(ROW[column])]}
    assert chain_hash(FIRST_HASH, changed) != chain_hash(FIRST_HASH, ROW)


def test_the_previous_hash_changes_the_hash() -> None:
    assert chain_hash("1" * 64, ROW) != chain_hash(FIRST_HASH, ROW)


def test_the_chain_covers_all_that_an_event_says() -> None:
    assert set(CHAINED) == set(ROW)
    assert len(CHAINED) == len(set(CHAINED))


def test_order_of_keys_other_columns_and_time_zones_are_no_change() -> None:
    elsewhere = ROW["occurred_at"].astimezone(timezone(timedelta(hours=5)))
    same = dict(
        reversed((ROW | {"occurred_at": elsewhere, "hash": "x", "previous_hash": "y", "id": UUID(int=7)}).items())
    )
    same["data"] = dict(reversed(ROW["data"].items()))
    assert canonical(same) == canonical(ROW)


def test_a_missing_column_is_no_null() -> None:
    with pytest.raises(KeyError):
        canonical({name: value for name, value in ROW.items() if name != "reason"})


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), st.dictionaries(st.text(), st.integers()))
def test_different_data_has_a_different_hash(one: dict[str, Any], other: dict[str, Any]) -> None:
    hashes = {chain_hash(FIRST_HASH, ROW | {"data": data}) for data in (one, other)}
    assert len(hashes) == (1 if one == other else 2)


def test_event_types_are_in_dot_form() -> None:
    for kind in EventType:
        if kind is not EventType.DENIED:
            noun, _, event = kind.partition(".")
            assert noun.replace("_", "").isalpha()
            assert event.replace("_", "").isalpha()
