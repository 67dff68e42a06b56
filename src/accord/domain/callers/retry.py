"""What makes a repeated mutation the same one, and how its outcome is kept and read again (surface.md, conventions).

Outcomes are kept as plain values of JSON; whoever reads one back says of which kind it was. A release that changes a
kind can't read what the one before kept, which is no worse than an outcome that nobody knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from hashlib import sha256
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from accord.domain.errors import DomainError

KEPT_FOR: Final = timedelta(hours=24)
"""How long a repetition is answered with what came of the first (security.md)."""

REFUSED: Final = "refused"
FACTS: Final = "facts"
REFUSALS: Final = {kind.__name__: kind for kind in DomainError.__subclasses__()}


class KeyReused(Exception):
    """The key was used for the same mutation with other arguments."""


class OutcomeUnreadable(Exception):
    """What is kept can't be read any more: another release wrote it, or under another secret."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of one mutation field under a key: whose it is, in which acting session, and what it asks.

    `place` is the field's name in the answer, so that a document may name a mutation twice.
    """

    actor: str
    session_id: UUID | None
    mutation: str
    place: str
    key: str
    arguments: str

    @property
    def key_hash(self) -> str:
        """The key as it is kept: somebody may have put into it what is nobody's business."""
        return sha256(self.key.encode()).hexdigest()

    @property
    def name(self) -> bytes:
        """All that makes two attempts the same but their arguments."""
        return json.dumps([self.actor, str(self.session_id), self.mutation, self.place, self.key]).encode()


def hash_of(given: Any) -> str:
    """The hash of an input in canonical JSON: what was left out is what is null."""
    return sha256(json.dumps(written(given), sort_keys=True).encode()).hexdigest()


def written(value: Any) -> Any:
    """A value as JSON can hold it; TypeError for what no input and no outcome has."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return [value.days, value.seconds, value.microseconds]
    if isinstance(value, DomainError):
        facts = {name: written(fact) for name, fact in vars(value).items()}
        return {REFUSED: type(value).__name__, FACTS: facts}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: written(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): written(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [written(one) for one in value]
    raise TypeError(f"{type(value).__name__} can't be kept")


def read_as(kind: Any, kept: Any) -> Any:
    """The value of this kind that was written; OutcomeUnreadable where it is none."""
    try:
        return _read(kind, kept)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise OutcomeUnreadable from error


def _read(kind: Any, kept: Any) -> Any:
    if isinstance(kept, dict) and REFUSED in kept:
        return _refusal(REFUSALS[kept[REFUSED]], kept[FACTS])
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return None if kept is None else _read(_alternative(kind), kept)
    if origin is tuple and get_args(kind)[-1] is not Ellipsis:
        return tuple(_read(one, held) for one, held in zip(get_args(kind), kept, strict=True))
    if origin is tuple:
        return tuple(_read(get_args(kind)[0], held) for held in kept)
    if origin in (list, Sequence):
        return [_read(get_args(kind)[0], held) for held in kept]
    if is_dataclass(kind):
        return _dataclass(kind, kept)
    return _plain(kind, kept)


def _alternative(kind: Any) -> Any:
    """The one kind of a union that is neither nothing nor a refusal."""
    (only,) = (one for one in get_args(kind) if one not in (type(None), DomainError))
    return only


def _dataclass(kind: Any, kept: Mapping[str, Any]) -> Any:
    hints = get_type_hints(kind)
    return kind(**{field.name: _read(hints[field.name], kept[field.name]) for field in fields(kind)})


def _plain(kind: Any, kept: Any) -> Any:
    if kind is datetime:
        return datetime.fromisoformat(kept)
    if kind is UUID or (isinstance(kind, type) and issubclass(kind, Enum)):
        return kind(kept)
    if kind in (str, int, bool) and type(kept) is kind:
        return kept
    raise TypeError(f"{kind} is no kind of outcome")


def _refusal(kind: type[DomainError], facts: Mapping[str, Any]) -> DomainError:
    refusal = kind.__new__(kind)
    Exception.__init__(refusal, facts["message"])
    for name, fact in facts.items():
        setattr(refusal, name, tuple(fact) if isinstance(fact, list) else fact)
    return refusal
