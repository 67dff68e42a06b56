"""Outcomes as they are kept: read back as what they were, whatever a service returns."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from accord.domain.callers.retry import REFUSALS, Attempt, OutcomeUnreadable, hash_of, read_as, written
from accord.domain.errors import DomainError, Forbidden, InvalidState, NotFound, RateLimited
from accord.services.grants.access_request import Decided
from accord.services.grants.assignment import Assigned
from accord.services.grants.ticket import SignedIn
from accord.services.partnerships.partnership import Removal
from accord.services.people.member import Departed
from accord.services.retry import NONCE, PURPOSE, Seal

NOW = datetime(2026, 11, 27, 12, 30, 15, 250_000, tzinfo=UTC)


def example(kind: Any) -> Any:
    """A value of this kind."""
    if get_origin(kind) is UnionType:
        return example(get_args(kind)[0])
    if get_origin(kind) is tuple:
        return tuple(example(one) for one in get_args(kind) if one is not Ellipsis)
    if get_origin(kind) is list:
        return [example(get_args(kind)[0])]
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{field.name: example(hints[field.name]) for field in fields(kind)})  # type: ignore[operator]
    return {UUID: uuid4(), datetime: NOW, str: "a word", int: 7, bool: True}[kind]


@pytest.mark.parametrize(
    "kind", [UUID, list[UUID], tuple[UUID, str], Removal, Departed, SignedIn, Assigned, list[Decided | DomainError]]
)
def test_an_outcome_is_read_as_it_was(kind: Any) -> None:
    value = example(kind)
    assert read_as(kind, json.loads(json.dumps(written(value)))) == value


@pytest.mark.parametrize(
    "refusal",
    [
        NotFound(("items", "1", "accountId")),
        Forbidden("share:end", "NO_GRANT", "Ask an owner."),
        InvalidState("ENDED", ("resume",)),
        RateLimited(60),
    ],
)
def test_a_refusal_of_one_item_keeps_its_facts(refusal: DomainError) -> None:
    (read,) = read_as(list[UUID | DomainError], json.loads(json.dumps(written([refusal]))))
    assert type(read) is type(refusal)
    assert vars(read) == vars(refusal)
    assert str(read) == str(refusal)


def test_every_refusal_of_the_domain_is_known() -> None:
    assert {kind.code for kind in REFUSALS.values()} >= {"NOT_FOUND", "CONFLICT", "LAST_ADMIN", "CEILING_EXCEEDED"}


@pytest.mark.parametrize(
    ("kind", "kept"),
    [(UUID, "no key"), (UUID, 7), (Removal, {"id": str(uuid4())}), (int, "7"), (float, 1.0), (tuple[UUID, str], ["x"])],
)
def test_what_another_release_kept_is_unreadable(kind: Any, kept: Any) -> None:
    with pytest.raises(OutcomeUnreadable):
        read_as(kind, kept)


def test_what_nobody_can_keep() -> None:
    with pytest.raises(TypeError):
        written(object())


def test_arguments_are_the_same_however_they_are_ordered() -> None:
    given = {"until": NOW, "due": date(2026, 1, 2), "times": [timedelta(days=1)], "who": UUID(int=1)}
    assert hash_of(given) == hash_of(dict(reversed(given.items())))
    assert hash_of(given) != hash_of(given | {"who": UUID(int=2)})
    assert hash_of({"a": ["b", "c"]}) != hash_of({"a": ["c", "b"]})
    assert hash_of({"a": True}) != hash_of({"a": 1})


def test_the_key_itself_is_not_kept() -> None:
    attempt = Attempt("issuer subject", None, "createAccount", "first", "a key", "hash")
    assert "a key" not in attempt.key_hash
    assert attempt.name != Attempt("issuer subject", None, "createAccount", "second", "a key", "hash").name


@pytest.mark.parametrize(
    "changed",
    [
        {"actor": "issuer another"},
        {"session_id": UUID(int=1)},
        {"mutation": "archiveAccount"},
        {"place": "second"},
        {"key": "another key"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_each_of_these_makes_another_attempt(changed: dict[str, Any]) -> None:
    """Whose it is, in which session, what it does, where in the document, under which key; the arguments do not."""
    attempt = Attempt("issuer subject", None, "createAccount", "first", "a key", "hash")
    assert replace(attempt, **changed).name != attempt.name
    assert replace(attempt, arguments="other").name == attempt.name


SEALED = Attempt("issuer subject", UUID(int=1), "createAccount", "first", "a key", "hash")


def test_what_is_sealed_is_opened_by_its_own_attempt_alone() -> None:
    seal = Seal(b"secret")
    kept = seal.close(SEALED, b"shown once")
    assert seal.open(SEALED, kept) == b"shown once"
    for other in (
        replace(SEALED, key="another key"),
        replace(SEALED, actor="issuer another"),
        replace(SEALED, session_id=None),
        replace(SEALED, place="second"),
    ):
        with pytest.raises(OutcomeUnreadable):
            seal.open(other, kept)
    with pytest.raises(OutcomeUnreadable):
        Seal(b"another").open(SEALED, kept)


def test_the_database_and_the_secret_together_open_nothing() -> None:
    """Whoever has both knows the hash of a client's key and not the key, and the seal is made with the key."""

    class Known(Attempt):
        """An attempt by all that the database has of it; the rest of its name is no secret."""

        @property
        def name(self) -> bytes:
            return SEALED.name

    seal = Seal(b"secret")
    kept = seal.close(SEALED, b"shown once")
    stolen = Known(SEALED.actor, SEALED.session_id, SEALED.mutation, SEALED.place, SEALED.key_hash, SEALED.arguments)
    with pytest.raises(OutcomeUnreadable):
        seal.open(stolen, kept)
    by_hash = AESGCM(HKDF(SHA256(), 32, salt=SEALED.key_hash.encode(), info=PURPOSE).derive(b"secret"))
    with pytest.raises(InvalidTag):
        by_hash.decrypt(kept[:NONCE], kept[NONCE:], SEALED.name)
