"""The format of the hash chain: what the hash of an event covers, and how personal facts enter it (docs/chain.md).

An event's hash covers the event before it and the canonical JSON of the row. Personal facts (names, addresses, free
text) are in that JSON as salted commitments: the value and its salt can be removed later, and the hash stays the same.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from accord.domain.activity import EventType, Outcome

FIRST_HASH: Final = "0" * 64
ERASED: Final = "[erased]"
"""What stands in the place of an erased fact that a column or a sentence can't go without."""

PLAIN: Final = (
    "id",
    "stream_id",
    "sequence",
    "occurred_at",
    "type",
    "outcome",
    "actor_user_id",
    "actor_home_organisation_id",
    "actor_api_client_id",
    "acting_session_id",
    "host_id",
    "guest_id",
    "partnership_id",
    "account_id",
    "app",
)
"""The columns that the hash covers by their value: opaque keys, times and words of the product."""

PERSONAL: Final = ("actor_name", "account_label", "location", "os", "device", "ip", "reason")
"""The columns whose values are personal facts wherever they are not null."""

PERSONAL_DATA: Final = frozenset({"name", "display_name", "email", "label", "filters", "addresses"})
"""The keys of `data` under which every string is a personal fact: names, addresses and text that people typed."""

SALT_BYTES: Final = 32
VERSION: Final = 0x7 << 76
VARIANT: Final = 0b10 << 62


class Unverifiable(ValueError):
    """The row cannot have been written by this product: a fact, its salt or its placeholder is missing or too many."""


def new_event_id() -> UUID:
    """Return a UUIDv7; it is made here because the hash covers it."""
    stamp = int(time.time() * 1000) & (1 << 48) - 1
    rest = secrets.randbits(74)
    return UUID(int=stamp << 80 | VERSION | (rest >> 62) << 64 | VARIANT | rest & (1 << 62) - 1)


def sealed(row: Mapping[str, Any], previous: str) -> dict[str, Any]:
    """Return the row of a new event with its key, salt, names of facts and both hashes."""
    made = {
        **row,
        "id": row.get("id") or new_event_id(),
        "salt": secrets.token_bytes(SALT_BYTES),
        "facts": sorted(_facts_of(row)),
        "fact_keys": None,
        "erased": None,
    }
    return {**made, "previous_hash": previous, "hash": chain_hash(previous, made)}


def first_event(stream_id: UUID, at: datetime) -> dict[str, Any]:
    """Return the row that begins the chain of an organisation which came without an event of its creation."""
    row: dict[str, Any] = {
        **dict.fromkeys((*PLAIN, *PERSONAL)),
        "stream_id": stream_id,
        "sequence": 1,
        "occurred_at": at,
        "type": EventType.CHAIN_STARTED.value,
        "outcome": Outcome.SUCCESS.value,
        "actor_name": "Accord",
        "data": {},
    }
    return sealed(row, FIRST_HASH)


def fact_key(salt: bytes, name: str) -> bytes:
    """Return the salt of one fact, derived from that of its event: SHA-256(salt || name)."""
    return hashlib.sha256(salt + name.encode()).digest()


def commitment(key: bytes, value: str) -> str:
    """Return what the hash covers instead of a personal fact: SHA-256(key || value), hexadecimal."""
    return hashlib.sha256(key + value.encode()).hexdigest()


def canonical(row: Mapping[str, Any]) -> bytes:
    """Return the row as canonical JSON: sorted keys, no blanks, times in UTC with microseconds, UTF-8.

    Raises Unverifiable where facts, salts and values of the row do not fit together.
    """
    names = row["facts"]
    _check_marks(row)
    data, values = _split(row["data"], names)
    columns = {name: row[name] for name in PERSONAL}
    values |= {name: value for name, value in columns.items() if name in names}
    covered = {name: _plain(row[name]) for name in PLAIN}
    covered |= {name: value for name, value in columns.items() if name not in names}
    covered |= {"data": data, "facts": {name: _committed(row, name, values.get(name)) for name in names}}
    return json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chain_hash(previous: str, row: Mapping[str, Any]) -> str:
    """Return SHA-256 over the previous hash and the canonical row, hexadecimal."""
    return hashlib.sha256(previous.encode() + canonical(row)).hexdigest()


def _check_marks(row: Mapping[str, Any]) -> None:
    """Raise Unverifiable where salt, keys and commitments are not those of these facts, or have another length.

    The length matters: a commitment covers key and value as one text, and a longer key could take over the beginning
    of the value.
    """
    names, keys, erased = row["facts"], row["fact_keys"], row["erased"]
    if names != sorted(set(names)):
        raise Unverifiable("the names of facts are not in order, or not each once")
    if row["salt"] is not None:
        if keys is not None or erased is not None or len(row["salt"]) != SALT_BYTES:
            raise Unverifiable("the salt is not one, or does not stand alone")
    elif names or keys or erased:
        if not isinstance(keys, Mapping) or not isinstance(erased, Mapping) or not erased:
            raise Unverifiable("there is no salt, and nothing is erased")
        if sorted([*keys, *erased]) != names or any(len(bytes.fromhex(key)) != SALT_BYTES for key in keys.values()):
            raise Unverifiable("keys and commitments are not those of the facts")


def _committed(row: Mapping[str, Any], name: str, value: Any) -> str:
    erased = row["erased"] or {}
    if name in erased:
        if value != (ERASED if name == "actor_name" else None):
            raise Unverifiable(f"{name} is erased and has a value")
        return str(erased[name])
    if not isinstance(value, str):
        raise Unverifiable(f"{name} has no value and is not erased")
    if row["salt"] is not None:
        return commitment(fact_key(row["salt"], name), value)
    keys = row["fact_keys"] or {}
    if name not in keys:
        raise Unverifiable(f"{name} has no salt")
    return commitment(bytes.fromhex(keys[name]), value)


def _facts_of(row: Mapping[str, Any]) -> Iterator[str]:
    yield from (name for name in PERSONAL if row[name] is not None)
    yield from (f"data.{'.'.join(path)}" for path in _texts(row["data"], (), personal=False))


def _texts(value: Any, path: tuple[str, ...], *, personal: bool) -> Iterator[tuple[str, ...]]:
    """The paths of the strings under keys that hold personal facts."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            if personal and "." in key:
                raise ValueError("the name of a fact has no dot in its parts")
            yield from _texts(below, (*path, str(key)), personal=personal or key in PERSONAL_DATA)
    elif isinstance(value, list | tuple):
        for number, below in enumerate(value):
            yield from _texts(below, (*path, str(number)), personal=personal)
    elif personal and isinstance(value, str):
        yield path


def _split(data: Any, names: list[str]) -> tuple[Any, dict[str, Any]]:
    """The data with null in the place of every fact, and the facts' values by name."""
    wanted = {name for name in names if name.startswith("data.")}
    if not wanted:
        return data, {}
    found: dict[str, Any] = {}

    def copy(value: Any, path: str) -> Any:
        if path in wanted:
            found[path] = value
            return None
        if isinstance(value, Mapping):
            return {key: copy(below, f"{path}.{key}") for key, below in value.items()}
        if isinstance(value, list | tuple):
            return [copy(below, f"{path}.{number}") for number, below in enumerate(value)]
        return value

    return copy(data, "data"), found


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, UUID):
        return str(value)
    return value
