"""Leading roles: the one place where a membership's roles are written, so that no act forgets what follows of it.

The last active admin and the last active legal representative keep their role, whichever act would take it (model 4.2);
whoever gains or loses a leading role is told, and so are the organisation's admins (model 4.11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from accord.database.engine import Transaction
from accord.database.queries.member import count_holders
from accord.database.queries.recipients import admins_of, names_of, people
from accord.database.tables.organisation import memberships
from accord.domain.errors import DomainError, LastAdmin, LastLegalRepresentative
from accord.domain.notice import Template
from accord.domain.organisation import KEPT_BY_SOMEBODY, SPOKEN, MembershipStatus, Role, leading
from accord.services.outbox import Mail, enqueue
from accord.services.pair import addressed

__all__ = ["find_kept_roles", "write_member", "write_members"]

REFUSALS: Final[Mapping[Role, type[DomainError]]] = {
    Role.ORG_ADMIN: LastAdmin,
    Role.LEGAL_REPRESENTATIVE: LastLegalRepresentative,
}
LISTED: Final = 20
"""Changes that one mail lists; the activity has them all."""


@dataclass(frozen=True, slots=True)
class _Move:
    """The leading roles that one person gains and loses."""

    user_id: UUID
    name: str
    gained: frozenset[Role]
    lost: frozenset[Role]
    aware: frozenset[UUID]
    """Those who need no mail: where an invitation that named the roles is accepted, the person and who invited them."""

    def said(self, by: str) -> str:
        parts = [
            f"{word} {' and '.join(SPOKEN[role] for role in sorted(roles))}"
            for word, roles in (("is now", self.gained), ("is no longer", self.lost))
            if roles
        ]
        return f"{self.name} {', and '.join(parts)}{f' (by {by})' if by else ''}."


async def write_member(tx: Transaction, before: Any, **values: Any) -> None:
    """Change one membership, as `write_members` does."""
    await write_members(tx, before.organisation_id, [(before, values)])


async def write_members(
    tx: Transaction, organisation_id: UUID, changes: Sequence[tuple[Any, Mapping[str, Any]]]
) -> None:
    """Change memberships, each given as it stood before, and tell those whose leading roles change with it.

    The organisation's members are held. Raises LastAdmin or LastLegalRepresentative where the last active holder of
    that role would lose it. Call it before `activity.record`.
    """
    for before, values in changes:
        await tx.update(memberships, before.id, **values)
    moves = [move for before, values in changes if (move := _move(tx, before, values)) is not None]
    for role in KEPT_BY_SOMEBODY:
        lost = any(role in move.lost for move in moves)
        if lost and await count_holders(tx, organisation_id, role) == 0:
            raise REFUSALS[role]
    if moves:
        await _tell(tx, organisation_id, moves)


async def find_kept_roles(tx: Transaction, membership: Any) -> frozenset[Role]:
    """Return the roles that this member alone holds among the active ones, and that somebody has to keep."""
    if membership.status != MembershipStatus.ACTIVE:
        return frozenset()
    held = [role for role in KEPT_BY_SOMEBODY if role in membership.roles]
    return frozenset(
        [role for role in held if await count_holders(tx, membership.organisation_id, role, membership.id) == 0]
    )


def _move(tx: Transaction, before: Any, values: Mapping[str, Any]) -> _Move | None:
    had = _effective(before.status, before.roles)
    has = _effective(values.get("status", before.status), values.get("roles", before.roles))
    user_id = values.get("user_id", before.user_id)
    if had == has or user_id is None:
        return None
    taken_up = before.status == MembershipStatus.INVITED and user_id == tx.principal.person_id
    aware = frozenset({user_id, before.invited_by} - {None}) if taken_up else frozenset[UUID]()
    return _Move(user_id, values.get("display_name", before.display_name), has - had, had - has, aware)


def _effective(status: str, roles: Iterable[str]) -> frozenset[Role]:
    """Return the leading roles that count: those of an active membership."""
    return leading([*roles]) if status == MembershipStatus.ACTIVE else frozenset()


async def _tell(tx: Transaction, organisation_id: UUID, moves: Sequence[_Move]) -> None:
    """Send each person their own change, and the admins one mail with all of them."""
    names = await names_of(tx, organisation_id)
    by = tx.principal.display_name
    aware = frozenset[UUID]().union(*(move.aware for move in moves))
    known = {person.user_id: person for person in await people(tx, {move.user_id for move in moves} - aware)}
    admins = [admin for admin in await admins_of(tx, organisation_id) if admin.user_id not in aware]
    if len(moves) == 1:
        await _send(tx, organisation_id, names[organisation_id], [*known.values(), *admins], [moves[0].said(by)])
        return
    for move in moves:
        if move.user_id in known:
            await _send(tx, organisation_id, names[organisation_id], [known[move.user_id]], [move.said(by)])
    await _send(tx, organisation_id, names[organisation_id], admins, [move.said(by) for move in moves])


async def _send(
    tx: Transaction, organisation_id: UUID, organisation: str, told: Sequence[Any], changes: Sequence[str]
) -> None:
    left = len(changes) - LISTED
    listed = [*changes[:LISTED], *([f"And {left} more."] if left > 0 else [])]
    facts = {"organisation": organisation, "changes": "\n".join(listed)}
    await enqueue(tx, Mail(Template.LEADING_ROLES_CHANGED, organisation_id, addressed(told), facts))
