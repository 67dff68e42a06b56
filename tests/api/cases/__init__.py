"""The five cases of every mutation: allowed, forbidden role, other tenant, wrong state, repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.api.town import Town

Given = Callable[[Town], Mapping[str, Any]]
KINDS: Final = ("forbidden", "foreign", "wrong_state", "repeated")


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody does it, and is refused with this code: in the payload, or at the field where the role never may."""

    by: str
    given: Given
    code: str
    item: bool = False
    """The refusal stands in the result of the only item of a bulk act."""


@dataclass(frozen=True, slots=True)
class Impossible:
    """A case that this mutation cannot have, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Same:
    """Done twice with the same input, the second call is no error and ends in the same state; why that is right."""

    why: str


@dataclass(frozen=True, slots=True)
class Cases:
    """One mutation. `shows` is selected and equals `expected` after the allowed call; `repeated` is sent after it."""

    mutation: str
    by: str
    given: Given
    shows: str
    expected: Callable[[Town, Any], bool]
    forbidden: Refused | Impossible
    foreign: Refused | Impossible
    wrong_state: Refused | Impossible
    repeated: Refused | Impossible | Same
