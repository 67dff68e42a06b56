"""The hash chain: it changes with every covered value and with nothing else, and not with what is erased."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.domain.chain import (
    ERASED,
    FIRST_HASH,
    PERSONAL,
    PLAIN,
    Unverifiable,
    canonical,
    chain_hash,
    commitment,
    fact_key,
    first_event,
    new_event_id,
    sealed,
)

SALT = bytes(range(32))
ROW: dict[str, Any] = {
    "id": UUID(int=7),
    "stream_id": UUID(int=1),
    "sequence": 1,
    "occurred_at": datetime(2026, 3, 1, 12, tzinfo=UTC),
    "type": "share.added",
    "outcome": "SUCCESS",
    "actor_user_id": UUID(int=2),
    "actor_name": "Åse",
    "actor_home_organisation_id": None,
    "actor_api_client_id": None,
    "acting_session_id": None,
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
    "data": {"b": 1, "a": [1, {"z": None, "y": "ø"}], "display_name": {"from": "Ole", "to": "Åse"}},
    "facts": [
        *("account_label", "actor_name", "data.display_name.from", "data.display_name.to", "ip", "os", "reason"),
    ],
    "salt": SALT,
    "fact_keys": None,
    "erased": None,
}
OTHER: dict[type, Any] = {
    int: 2,
    str: "other",
    type(None): "something",
    dict: {"a": 1},
    UUID: UUID(int=99),
    datetime: datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC),
}


def without(*names: str) -> dict[str, Any]:
    """The row with these facts erased, as the database does it."""
    keys = {name: fact_key(SALT, name) for name in ROW["facts"]}
    data = json.loads(json.dumps(ROW["data"]))
    columns: dict[str, Any] = {}
    gone = {}
    for name in names:
        place, value = data, ROW.get(name)
        for part in name.split(".")[1:-1]:
            place = place[part]
        if name.startswith("data."):
            value, place[name.split(".")[-1]] = place[name.split(".")[-1]], None
        else:
            columns[name] = ERASED if name == "actor_name" else None
        gone[name] = commitment(keys[name], str(value))
    left = {name: key.hex() for name, key in keys.items() if name not in gone}
    return ROW | columns | {"data": data, "salt": None, "fact_keys": left, "erased": gone}


def test_the_hash_is_what_it_has_always_been() -> None:
    """A verifier that was written against an older release still verifies: this value never changes."""
    assert chain_hash(FIRST_HASH, ROW) == "f050cb7f7d4cd40478d1bc5a8bb7ab7e56b83e43b235cde60e160988bca8a4b5"


def test_the_format_is_what_the_documentation_says() -> None:
    """A second account of docs/chain.md, with nothing but a hash function and JSON."""
    facts = {}
    values = {"data.display_name.from": "Ole", "data.display_name.to": "Åse"}
    for name in ROW["facts"]:
        key = hashlib.sha256(SALT + name.encode()).digest()
        facts[name] = hashlib.sha256(key + values.get(name, ROW.get(name, "")).encode()).hexdigest()
    covered = {name: str(ROW[name]) if isinstance(ROW[name], UUID) else ROW[name] for name in PLAIN}
    covered |= {"occurred_at": "2026-03-01T12:00:00.000000+00:00", "location": None, "device": None, "facts": facts}
    covered |= {"data": ROW["data"] | {"display_name": {"from": None, "to": None}}}
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert chain_hash(FIRST_HASH, ROW) == hashlib.sha256((FIRST_HASH + text).encode()).hexdigest()


@pytest.mark.parametrize("column", [*PLAIN, *PERSONAL, "data"])
def test_every_covered_column_changes_the_hash(column: str) -> None:
    changed = ROW | {column: OTHER[type(ROW[column])]}
    try:
        assert chain_hash(FIRST_HASH, changed) != chain_hash(FIRST_HASH, ROW)
    except Unverifiable:
        assert column == "data"


@pytest.mark.parametrize("column", ["facts", "salt"])
def test_other_salts_and_names_of_facts_change_the_hash(column: str) -> None:
    other = {"facts": ["actor_name"], "salt": bytes(32)}[column]
    assert chain_hash(FIRST_HASH, ROW | {column: other}) != chain_hash(FIRST_HASH, ROW)


def test_the_previous_hash_changes_the_hash() -> None:
    assert chain_hash("1" * 64, ROW) != chain_hash(FIRST_HASH, ROW)


@pytest.mark.parametrize(
    "names", [("actor_name",), ("reason", "ip"), ("data.display_name.from",), tuple(ROW["facts"])], ids=str
)
def test_an_erased_fact_leaves_the_hash(names: tuple[str, ...]) -> None:
    row = without(*names)
    assert chain_hash(FIRST_HASH, row) == chain_hash(FIRST_HASH, ROW)
    assert "Åse" not in str(row) or set(names) != set(ROW["facts"])


def test_nothing_stands_in_the_place_of_what_was_erased() -> None:
    for name, value in (("actor_name", "Eve"), ("reason", "Eve")):
        with pytest.raises(Unverifiable):
            canonical(without(name) | {name: value})


def test_a_fact_without_value_or_salt_is_no_erased_one() -> None:
    with pytest.raises(Unverifiable):
        canonical(ROW | {"reason": None})
    with pytest.raises(Unverifiable):
        canonical(ROW | {"salt": None})


def test_order_of_keys_other_columns_and_time_zones_are_no_change() -> None:
    elsewhere = ROW["occurred_at"].astimezone(timezone(timedelta(hours=5)))
    same = dict(reversed((ROW | {"occurred_at": elsewhere, "hash": "x", "previous_hash": "y"}).items()))
    same["data"] = dict(reversed(ROW["data"].items()))
    assert canonical(same) == canonical(ROW)


def test_a_missing_column_is_no_null() -> None:
    with pytest.raises(KeyError):
        canonical({name: value for name, value in ROW.items() if name != "reason"})


def test_a_new_event_has_a_salt_of_its_own_and_names_its_facts() -> None:
    one, other = sealed(ROW, FIRST_HASH), sealed(ROW, FIRST_HASH)
    assert one["salt"] != other["salt"]
    assert one["facts"] == ROW["facts"]
    assert one["hash"] != other["hash"]
    assert one["hash"] == chain_hash(FIRST_HASH, one)


def test_the_first_event_of_a_row_verifies() -> None:
    row = first_event(UUID(int=5), datetime(2026, 1, 1, tzinfo=UTC))
    assert row["hash"] == chain_hash(FIRST_HASH, row)
    assert row["sequence"] == 1


def test_keys_of_events_are_of_version_7_in_the_order_of_time() -> None:
    keys = [new_event_id() for _ in range(1000)]
    assert {key.version for key in keys} == {7}
    assert len(set(keys)) == 1000
    assert [key.int >> 80 for key in keys] == sorted(key.int >> 80 for key in keys)


def test_a_dot_in_the_name_of_a_fact_is_refused() -> None:
    with pytest.raises(ValueError, match="dot"):
        sealed(ROW | {"data": {"filters": {"a.b": "x"}}}, FIRST_HASH)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), st.dictionaries(st.text(), st.integers()))
def test_different_data_has_a_different_hash(one: dict[str, Any], other: dict[str, Any]) -> None:
    bare = ROW | {"facts": [], **dict.fromkeys(PERSONAL)}
    hashes = {chain_hash(FIRST_HASH, bare | {"data": data}) for data in (one, other)}
    assert len(hashes) == (1 if one == other else 2)
