"""What the acts on members share: who may do them, which roles can be given, the event."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from accord.access.decision import Condition, require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.member import had_holder, is_known_in, list_roles, owns_partnerships
from accord.domain.activity import EventType
from accord.domain.errors import Forbidden, NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.organisation import PROTECTED, MemberPreset, Role, refused_roles
from accord.services.activity import Event

__all__ = [
    "member_event",
    "refuse_invited_roles",
    "refuse_own_people",
    "refuse_protected",
    "require_giving",
    "require_managing",
    "require_provisioning",
    "stored",
    "with_preset",
]


def require_managing(tx: Transaction, organisation_id: UUID, *, ends: bool = False) -> None:
    target = Target(organisation_id=organisation_id)
    require(tx.principal, Action.MEMBER_MANAGE, target, now=tx.now, acting_for=tx.acting_for, ends=ends)


def require_provisioning(tx: Transaction, *, ends: bool = False) -> UUID:
    """Return the organisation whose directory acts here; raise Forbidden for anybody else.

    With `ends`, for reading and for what only takes access away, its organisation may be suspended or closed.
    """
    directory = tx.principal.directory
    if directory is None:
        raise Forbidden(Action.MEMBER_PROVISION, Condition.NO_GRANT)
    target = Target(organisation_id=directory.organisation_id)
    require(tx.principal, Action.MEMBER_PROVISION, target, now=tx.now, acting_for=tx.acting_for, ends=ends)
    return directory.organisation_id


def with_preset(
    preset: MemberPreset | None,
    roles: Collection[Role] | None,
    delegated_admin: bool | None,
    *,
    before: Collection[Role] = (),
) -> tuple[Collection[Role] | None, bool | None]:
    """The roles and the flag that a preset adds to those given, or else to those that stand (Q2)."""
    if preset is None:
        return roles, delegated_admin
    return frozenset(before if roles is None else roles) | {Role.ORG_ADMIN}, True


async def require_giving(
    tx: Transaction,
    organisation_id: UUID,
    roles: Collection[Role],
    *,
    to_oneself: bool,
    before: frozenset[Role] = frozenset(),
) -> None:
    """May the caller give these roles? At least one is needed; Forbidden names those that others have to give."""
    if not roles:
        raise ValidationError("roles", "A member has at least one role.")
    refused = refused_roles(
        frozenset(roles) - before,
        giver=tx.principal.roles_in(organisation_id),
        to_oneself=to_oneself,
        had_legal_representative=await had_holder(tx, organisation_id, Role.LEGAL_REPRESENTATIVE),
    )
    if refused:
        hint = f"Somebody else has to give {', '.join(sorted(refused))}."
        raise Forbidden(Action.MEMBER_MANAGE, "NO_GRANT", hint, ("roles",))


async def refuse_invited_roles(tx: Transaction, invited: Any, *, to_oneself: bool) -> None:
    """Raise NotFound where an invitation gives roles that its inviter may not give any more to who follows it now.

    What the operator invites to is the operator's to give; roles of people whom a directory made are not the link's.
    """
    roles = frozenset(map(Role, invited.roles))
    giver = await list_roles(tx, invited.organisation_id, invited.invited_by)
    legal = invited.invited_by is not None and await had_holder(tx, invited.organisation_id, Role.LEGAL_REPRESENTATIVE)
    if refused_roles(roles, giver=giver, to_oneself=to_oneself, had_legal_representative=legal):
        raise NotFound(("token",))


async def refuse_protected(tx: Transaction, row: Any, *, gives: bool = False) -> None:
    """Who acts elsewhere touches nobody who leads there, and gives or takes no role (model 4.9); Forbidden."""
    if tx.principal.acting is None:
        return
    leads = bool(PROTECTED & set(map(Role, row.roles)))
    if gives or leads or await owns_partnerships(tx, row.organisation_id, row.user_id):
        raise Forbidden(Action.MEMBER_MANAGE, Condition.PROTECTED_ACTION)


async def refuse_own_people(tx: Transaction, email: str, roles: Collection[Role], *, delegated_admin: bool) -> None:
    """Who acts elsewhere invites plain members alone, and nobody of the own organisation (model 4.9); Forbidden."""
    acting = tx.principal.acting
    if acting is None:
        return
    await tx.enter(acting.host_id, acting.home_id)
    own = await is_known_in(tx, acting.home_id, email)
    await tx.enter(acting.host_id)
    if own or delegated_admin or set(roles) != {Role.MEMBER}:
        raise Forbidden(Action.MEMBER_MANAGE, Condition.PROTECTED_ACTION)


def stored(roles: Collection[Role]) -> list[str]:
    return sorted({role.value for role in roles})


def member_event(
    event: EventType,
    organisation_id: UUID,
    membership_id: UUID,
    user_id: UUID | None,
    data: Mapping[str, Any],
    reason: str | None = None,
) -> Event:
    subject: dict[str, Any] = {"membership": global_id("membership", membership_id)}
    if user_id is not None:
        subject["user"] = global_id("user", user_id)
    return Event(type=event, streams=(organisation_id,), reason=reason, data=subject | dict(data))
