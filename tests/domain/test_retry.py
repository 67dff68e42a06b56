"""Outcomes as they are kept: read back as what they were, whatever a service returns."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import pytest

from accord.domain.callers.retry import REFUSALS, Attempt, OutcomeUnreadable, hash_of, read_as, written
from accord.domain.errors import DomainError, Forbidden, InvalidState, NotFound, RateLimited
from accord.services.grants.access_request import Decided
from accord.services.grants.assignment import Assigned
from accord.services.grants.ticket import SignedIn
from accord.services.partnerships.partnership import Removal
from accord.services.people.member import Departed

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
