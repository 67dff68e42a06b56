"""Cascades: what ends or changes with an act (model 4.10), in the act itself or, where it is much, after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID


class CascadeKind(StrEnum):
    """What a cascade goes through, and what it does to each."""

    END_SHARES = "END_SHARES"
    END_ACCOUNT_SHARES = "END_ACCOUNT_SHARES"
    END_PARTNERSHIPS = "END_PARTNERSHIPS"
    HOLD_PARTNERSHIPS = "HOLD_PARTNERSHIPS"
    RELEASE_PARTNERSHIPS = "RELEASE_PARTNERSHIPS"
    BOUND_PARTNERSHIPS = "BOUND_PARTNERSHIPS"
    REPLACE_MEMBER = "REPLACE_MEMBER"


HANDFUL: Final = 5
"""Mails that one act sends to one person at most; where it concerns more things, one mail tells how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """One cascade: what it rests on (`subject_id`: a partnership, an account, an organisation or a membership), the
    texts that its steps need, and how many things it goes through.

    `id` is None where the act carries it out itself.
    """

    kind: CascadeKind
    subject_id: UUID
    total: int
    facts: Mapping[str, str] = field(default_factory=dict)
    id: UUID | None = None

    @property
    def is_large(self) -> bool:
        """Does it concern so many things that people are told of them together?"""
        return self.total > HANDFUL
