"""The one decision function (model 4.5). Queries, mutations, previews and `viewerCan` all answer from here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from accord.access.facts import PartnershipFacts, Target
from accord.access.permissions import NEVER_BY_CLIENTS, PERMISSIONS, STAYS_OPEN, Action, Capacity
from accord.access.principal import WORKING, Acting, Principal, Standing
from accord.domain.delegation import DelegatedRole
from accord.domain.errors import Forbidden
from accord.domain.level import DataAccessLevel, effective
from accord.domain.organisation import Role
from accord.domain.partnership import PartnershipState
from accord.domain.sharing import AccountRole, GrantState, ShareState


class Condition(StrEnum):
    """The failing codes of model 4.5, in the order in which they are looked at; SCOPE_MISSING is an API client's."""

    MEMBER_INACTIVE = "MEMBER_INACTIVE"
    ORGANISATION_INACTIVE = "ORGANISATION_INACTIVE"
    PARTNERSHIP_NOT_ACTIVE = "PARTNERSHIP_NOT_ACTIVE"
    EXPIRED = "EXPIRED"
    POLICY_DENIED = "POLICY_DENIED"
    PROTECTED_ACTION = "PROTECTED_ACTION"
    SCOPE_MISSING = "SCOPE_MISSING"
    NO_GRANT = "NO_GRANT"
    LEVEL_TOO_LOW = "LEVEL_TOO_LOW"
    GRANT_EXPIRED = "GRANT_EXPIRED"


@dataclass(frozen=True, slots=True)
class Allow:
    """Yes, and in which capacities."""

    paths: tuple[frozenset[Capacity], ...]


@dataclass(frozen=True, slots=True)
class Deny:
    """No, and the first condition that fails."""

    condition: Condition


GUEST_PATHS: Final = frozenset({Capacity.GRANTEE, Capacity.ACCOUNT_MANAGER})
"""Capacities that reach the host's accounts: conditions 2 to 8 of model 4.5 stand before them."""

BY_ROLE: Final = {
    Capacity.ORG_ADMIN: frozenset({Role.ORG_ADMIN}),
    Capacity.HOST_ADMIN: frozenset({Role.ORG_ADMIN}),
    Capacity.GUEST_ADMIN: frozenset({Role.ORG_ADMIN}),
    Capacity.LEGAL: frozenset({Role.LEGAL_REPRESENTATIVE, Role.DECISION_MAKER}),
    Capacity.LEGAL_REPRESENTATIVE: frozenset({Role.LEGAL_REPRESENTATIVE}),
    Capacity.AUDITOR: frozenset({Role.AUDITOR}),
    Capacity.PHONE_MANAGER: frozenset({Role.PHONE_MANAGER}),
    Capacity.HOST_MEMBER: WORKING,
    Capacity.MEMBER: WORKING,
    Capacity.GUEST_MEMBER: WORKING,
    Capacity.REPRESENTATIVE: WORKING,
    Capacity.OWNER: WORKING,
    Capacity.REQUESTER: WORKING,
    Capacity.ACCOUNT_OWNER: WORKING,
    Capacity.GRANTEE: WORKING,
    Capacity.ACCOUNT_MANAGER: WORKING,
    Capacity.ITEM_REQUESTER: WORKING,
}
"""Which roles somebody needs anywhere before a capacity is possible at all."""


ACTING: Final = frozenset(
    {
        Capacity.ACTING,
        Capacity.ACTING_SUPPORT,
        Capacity.ACTING_MANAGE,
        Capacity.ACTING_DECISION_MAKER,
        Capacity.ACTING_PHONE_MANAGER,
        Capacity.ACTING_BILLING,
    }
)
"""Capacities of an acting session alone; whoever acts has these and nothing else."""

BY_BASIS: Final = {
    DataAccessLevel.SUPPORT: Capacity.ACTING_SUPPORT,
    DataAccessLevel.MANAGE: Capacity.ACTING_MANAGE,
    DelegatedRole.DECISION_MAKER: Capacity.ACTING_DECISION_MAKER,
    DelegatedRole.PHONE_MANAGER: Capacity.ACTING_PHONE_MANAGER,
}


def may_ever(principal: Principal, action: Action) -> bool:
    """May this caller do this to anything at all? Gate 1: roles alone, no I/O."""
    return principal.admits(action) and any(
        all(_is_possible(principal, c) for c in needed) for needed in PERMISSIONS[action]
    )


def _is_possible(principal: Principal, capacity: Capacity) -> bool:
    if capacity is Capacity.OPERATOR:
        return principal.operator
    if capacity is Capacity.DIRECTORY:
        return principal.directory is not None
    if capacity is Capacity.PERSON:
        return bool(principal.standings)
    if capacity in ACTING:
        return capacity in _by_session(principal)
    if capacity is Capacity.AT_HOME:
        return principal.acting is None
    if capacity is Capacity.DELEGATED_ADMIN:
        return bool(principal.delegated_in)
    roles = BY_ROLE.get(capacity)
    return roles is None or any(standing.roles & roles for standing in principal.standings)


def decide(
    principal: Principal,
    action: Action,
    target: Target,
    *,
    now: datetime,
    acting_for: UUID | None = None,
    ends: bool = False,
) -> Allow | Deny:
    """May the caller do this to the target now?

    `acting_for` is the organisation in whose name the person acts; None looks at every membership, as reads do. `ends`:
    the act only takes access away, which a suspended or closed organisation may do still.
    """
    verdict = _decide(principal, action, target, now, acting_for)
    if ends or action in STAYS_OPEN or isinstance(verdict, Deny) or principal is principal.in_active_organisations:
        return verdict
    allowed = _decide(principal.in_active_organisations, action, target, now, acting_for)
    return Deny(Condition.ORGANISATION_INACTIVE) if isinstance(allowed, Deny) else allowed


def _decide(
    principal: Principal, action: Action, target: Target, now: datetime, acting_for: UUID | None
) -> Allow | Deny:
    known = principal.standings or principal.operator or principal.acting or principal.directory
    if not known:
        return Deny(Condition.MEMBER_INACTIVE)
    if not principal.admits(action):
        return Deny(refusal(principal, action))
    held = capacities(principal, target, acting_for=acting_for)
    paths = tuple(needed for needed in PERMISSIONS[action] if needed <= held)
    open_paths = tuple(p for p in paths if not p & GUEST_PATHS)
    guest_paths = tuple(p for p in paths if p & GUEST_PATHS)
    if guest_paths:
        failing = _first_failing(principal, target, now)
        if failing is None:
            return Allow(paths)
        return Allow(open_paths) if open_paths else Deny(failing)
    return Allow(open_paths) if open_paths else Deny(refusal(principal, action))


def refusal(principal: Principal, action: Action) -> Condition:
    """Why somebody may not do this whom no capacity fits: in a session it is protected, or its basis gives less; to an
    API client it is protected, or no scope names it."""
    if not principal.admits(action):
        return Condition.PROTECTED_ACTION if action in NEVER_BY_CLIENTS else Condition.SCOPE_MISSING
    if principal.acting is None:
        return Condition.NO_GRANT
    return Condition.PROTECTED_ACTION if is_protected(action) else Condition.LEVEL_TOO_LOW


def is_protected(action: Action) -> bool:
    """Is this refused to every acting session, whatever its basis? (model 4.9)"""
    return not any(needed & ACTING for needed in PERMISSIONS[action])


def require(
    principal: Principal,
    action: Action,
    target: Target,
    *,
    now: datetime,
    acting_for: UUID | None = None,
    ends: bool = False,
) -> None:
    """As `decide`; a denial is raised as Forbidden with its condition."""
    verdict = decide(principal, action, target, now=now, acting_for=acting_for, ends=ends)
    if isinstance(verdict, Deny):
        raise Forbidden(action, verdict.condition)


def _first_failing(principal: Principal, target: Target, now: datetime) -> Condition | None:
    """Conditions 2, 3, 4, 6 and 8 of model 4.5 for a path by account grant."""
    partnership, share, grant = target.partnership, target.share, target.grant
    if partnership is None or share is None or grant is None:
        return Condition.NO_GRANT
    if not (partnership.host_active and partnership.guest_active):
        return Condition.ORGANISATION_INACTIVE
    if partnership.state is not PartnershipState.ACTIVE:
        return Condition.PARTNERSHIP_NOT_ACTIVE
    if partnership.starts_at is None or partnership.starts_at > now:
        return Condition.PARTNERSHIP_NOT_ACTIVE
    if _is_over(partnership.expires_at, now):
        return Condition.EXPIRED
    if not policy_admits(principal, partnership):
        return Condition.POLICY_DENIED
    if share.state is not ShareState.ACTIVE or grant.state is not GrantState.ACTIVE:
        return Condition.NO_GRANT
    if _is_over(share.expires_at, now) or _is_over(grant.expires_at, now):
        return Condition.GRANT_EXPIRED
    return None


def policy_admits(principal: Principal, partnership: PartnershipFacts) -> bool:
    """Condition 4: does the host's policy let the guest's people in, by this sign-in?"""
    if partnership.frozen or partnership.barred:
        return False
    return principal.identity.mfa or not partnership.mfa_required


def level_of(partnership: PartnershipFacts, now: datetime) -> DataAccessLevel:
    """The effective level: NONE unless the partnership is active, within its time, and admitted by policy (4.4.2)."""
    usable = (
        partnership.host_active
        and partnership.guest_active
        and partnership.state is PartnershipState.ACTIVE
        and (partnership.starts_at is None or partnership.starts_at <= now)
        and not _is_over(partnership.expires_at, now)
        and not (partnership.frozen or partnership.barred)
    )
    return effective(partnership.ceiling, partnership.granted, usable=usable)


def _is_over(end: datetime | None, now: datetime) -> bool:
    return end is not None and end <= now


def capacities(principal: Principal, target: Target, *, acting_for: UUID | None = None) -> frozenset[Capacity]:
    """Every capacity in which the caller meets this target."""
    held = set[Capacity]()
    if principal.operator:
        held.add(Capacity.OPERATOR)
    if principal.directory is not None and principal.directory.organisation_id == target.organisation_id:
        held.add(Capacity.DIRECTORY)
    if principal.acting is not None and principal.acting.host_id in (target.organisation_id, host_of(target)):
        held |= _by_session(principal)
    for standing in principal.standings:
        if acting_for is not None and standing.organisation_id != acting_for:
            continue
        held.add(Capacity.PERSON)
        held |= _in_organisation(standing.organisation_id, standing.roles, target)
        if principal.person_id is not None and standing.roles & WORKING:
            held |= _on_partnership(principal.person_id, standing.organisation_id, target)
            held |= _on_account(principal.person_id, standing.organisation_id, target)
            held |= _on_grant(principal.person_id, standing.organisation_id, target)
            held |= _as_delegated_admin(standing, target)
    return frozenset(held | _conditions(principal, target, held))


def _as_delegated_admin(standing: Standing, target: Target) -> set[Capacity]:
    """Of the own organisation's tree, and of its customers' partnerships (S22, S35)."""
    partnership = target.partnership
    guest_id = partnership.guest_id if partnership is not None and partnership.told_guest else None
    mine = standing.organisation_id in (target.organisation_id, guest_id)
    return {Capacity.DELEGATED_ADMIN} if standing.delegated_admin and mine else set()


def _by_session(principal: Principal) -> frozenset[Capacity]:
    """What the session's basis makes of its user, in the organisation acted in."""
    acting = principal.acting
    if acting is None:
        return frozenset()
    given = acting.level if acting.level is not None else acting.role_key
    held = {Capacity.ACTING} | ({BY_BASIS[given]} if given in BY_BASIS else set())
    return frozenset(held | ({Capacity.ACTING_BILLING} if acting.bills else set()))


def _in_organisation(organisation_id: UUID, roles: frozenset[Role], target: Target) -> set[Capacity]:
    held = set[Capacity]()
    if organisation_id == target.organisation_id:
        held |= _by_roles(roles, Capacity.ORG_ADMIN, Capacity.LEGAL, Capacity.AUDITOR, Capacity.MEMBER)
        held |= _by_roles(roles, Capacity.HOST_MEMBER, Capacity.LEGAL_REPRESENTATIVE, Capacity.PHONE_MANAGER)
    if organisation_id == host_of(target):
        held |= _by_roles(roles, Capacity.HOST_ADMIN, Capacity.LEGAL, Capacity.HOST_MEMBER)
        held |= _by_roles(roles, Capacity.LEGAL_REPRESENTATIVE)
    partnership = target.partnership
    if partnership is not None and partnership.told_guest and organisation_id == partnership.guest_id:
        held |= _by_roles(roles, Capacity.GUEST_ADMIN, Capacity.GUEST_MEMBER)
    return held


def _by_roles(roles: frozenset[Role], *wanted: Capacity) -> set[Capacity]:
    return {capacity for capacity in wanted if roles & BY_ROLE[capacity]}


def _on_partnership(person_id: UUID, organisation_id: UUID, target: Target) -> set[Capacity]:
    partnership = target.partnership
    if partnership is None:
        return set()
    if organisation_id == partnership.guest_id and partnership.told_guest:
        return _at_guest(person_id, partnership)
    if organisation_id != partnership.host_id:
        return set()
    held = set[Capacity]()
    if partnership.is_owned_by(person_id):
        held.add(Capacity.OWNER)
    if partnership.requester_id == person_id and not partnership.asked_by_guest:
        held.add(Capacity.REQUESTER)
    return held


def _at_guest(person_id: UUID, partnership: PartnershipFacts) -> set[Capacity]:
    held = {Capacity.REPRESENTATIVE} if partnership.representative_id == person_id else set[Capacity]()
    if partnership.asked_by_guest and partnership.state is not PartnershipState.DECLINED_BY_GUEST:
        held.add(Capacity.GUEST_ASKS)
        if partnership.requester_id == person_id:
            held.add(Capacity.GUEST_ASKER)
    return held


def _on_account(person_id: UUID, organisation_id: UUID, target: Target) -> set[Capacity]:
    account = target.account
    if account is not None and organisation_id == account.host_id and person_id in account.owner_ids:
        return {Capacity.ACCOUNT_OWNER}
    return set()


def _on_grant(person_id: UUID, organisation_id: UUID, target: Target) -> set[Capacity]:
    partnership, grant, item = target.partnership, target.grant, target.item
    if partnership is None or organisation_id != partnership.guest_id:
        return set()
    held = set[Capacity]()
    if grant is not None and grant.user_id == person_id:
        held.add(Capacity.GRANTEE)
        if grant.role is AccountRole.ACCOUNT_MANAGER:
            held.add(Capacity.ACCOUNT_MANAGER)
    if item is not None and item.requester_id == person_id:
        held.add(Capacity.ITEM_REQUESTER)
    return held


def _conditions(principal: Principal, target: Target, held: set[Capacity]) -> set[Capacity]:
    """The conditions of "o" entries that are met, whoever asks."""
    met = {Capacity.AT_HOME} if principal.acting is None else set[Capacity]()
    if target.admin_may_invite:
        met.add(Capacity.ADMIN_MAY_INVITE)
    if principal.person_id not in target.subject_ids:
        met.add(Capacity.NOT_ONESELF)
    return met | _of_account(principal, target, held) | _of_partnership(principal, target.partnership)


def _of_account(principal: Principal, target: Target, held: set[Capacity]) -> set[Capacity]:
    account, acting = target.account, principal.acting
    if account is None:
        return set()
    met = set[Capacity]()
    if not account.owner_ids:
        met.add(Capacity.NO_ACTIVE_OWNER)
    if Capacity.ACCOUNT_OWNER in held or not account.owner_ids:
        met.add(Capacity.SEES_ACCOUNT)
    if acting is not None and _reaches(acting, target):
        met.add(Capacity.REACHES_ACCOUNT)
    return met


def _of_partnership(principal: Principal, partnership: PartnershipFacts | None) -> set[Capacity]:
    if partnership is None:
        return set()
    met = {
        Capacity.NOT_REQUESTER: partnership.requester_id != principal.person_id,
        Capacity.OWNER_GONE: not partnership.owner_active,
        Capacity.MAY_UNSHARE: partnership.host_admin_may_unshare,
        Capacity.REPRESENTATIVE_MANAGES: partnership.representative_manages_groups,
    }
    return {capacity for capacity, holds in met.items() if holds}


def _reaches(acting: Acting, target: Target) -> bool:
    """Does a level reach this account? Under COMPLETE every one, under LIMITED those actively shared (Q20)."""
    if target.account is None or target.account.host_id != acting.host_id:
        return False
    return acting.complete or (target.share is not None and target.share.state is ShareState.ACTIVE)


def host_of(target: Target) -> UUID | None:
    """The organisation that owns what the target is about."""
    if target.partnership is not None:
        return target.partnership.host_id
    return target.account.host_id if target.account is not None else None
