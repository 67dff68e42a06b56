"""`viewerCan`: which acts are open to the viewer now, from the decision and the life cycle (Q29)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import strawberry

from accord.access.decision import Deny, capacities, decide
from accord.access.facts import AccountFacts, PartnershipFacts, Target
from accord.access.permissions import Action, Capacity
from accord.access.principal import Principal
from accord.domain.amendment import TURN, AmendmentState
from accord.domain.level import DataAccessLevel
from accord.domain.partnership import (
    CONNECTED,
    PARTNERSHIP,
    Holder,
    PartnershipEvent,
    PartnershipSide,
    PartnershipState,
)
from accord.domain.sharing import AccountStatus, ShareState


@strawberry.enum(description="What can be done to a partnership: the mutations by their verb.")
class PartnershipAction(StrEnum):
    REMIND = "REMIND"
    APPROVE = "APPROVE"
    DECLINE = "DECLINE"
    ACCEPT = "ACCEPT"
    REFUSE = "REFUSE"
    RESEND = "RESEND"
    WITHDRAW = "WITHDRAW"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    EXTEND = "EXTEND"
    SET_AUTO_EXTEND = "SET_AUTO_EXTEND"
    AMEND = "AMEND"
    DECIDE_AMENDMENT = "DECIDE_AMENDMENT"
    WITHDRAW_AMENDMENT = "WITHDRAW_AMENDMENT"
    SET_DELEGATED_ROLES = "SET_DELEGATED_ROLES"
    DELEGATE_ROLES = "DELEGATE_ROLES"
    CLEAR_ROLES = "CLEAR_ROLES"
    SET_DATA_ACCESS = "SET_DATA_ACCESS"
    REMOVE = "REMOVE"
    SHARE_ACCOUNTS = "SHARE_ACCOUNTS"
    TRANSFER = "TRANSFER"
    SET_CO_OWNERS = "SET_CO_OWNERS"
    SET_REPRESENTATIVE = "SET_REPRESENTATIVE"
    REMOVE_MEMBER = "REMOVE_MEMBER"


@strawberry.enum(description="What can be done to an amendment: the mutations by their verb.")
class AmendmentAction(StrEnum):
    DECIDE = "DECIDE"
    WITHDRAW = "WITHDRAW"


@strawberry.enum(description="What can be done to an account: the mutations by their verb.")
class AccountAction(StrEnum):
    UPDATE = "UPDATE"
    ARCHIVE = "ARCHIVE"
    SET_OWNERS = "SET_OWNERS"
    SHARE = "SHARE"
    UNSHARE = "UNSHARE"
    SUSPEND_SHARE = "SUSPEND_SHARE"
    RESUME_SHARE = "RESUME_SHARE"
    CHANGE_MEMBER_ROLE = "CHANGE_MEMBER_ROLE"
    REMOVE_MEMBER = "REMOVE_MEMBER"
    LEAVE = "LEAVE"
    REQUEST_ACCESS = "REQUEST_ACCESS"
    DECIDE_ACCESS_REQUESTS = "DECIDE_ACCESS_REQUESTS"
    SIGN_IN = "SIGN_IN"


E = PartnershipEvent
ON_PARTNERSHIP: Final[dict[PartnershipAction, tuple[Action, E]]] = {
    PartnershipAction.REMIND: (Action.PARTNERSHIP_REMIND, E.REMIND),
    PartnershipAction.APPROVE: (Action.PARTNERSHIP_APPROVE, E.APPROVE),
    PartnershipAction.DECLINE: (Action.PARTNERSHIP_DECLINE, E.DECLINE),
    PartnershipAction.ACCEPT: (Action.PARTNERSHIP_ACCEPT, E.ACCEPT),
    PartnershipAction.REFUSE: (Action.PARTNERSHIP_REFUSE, E.REFUSE),
    PartnershipAction.RESEND: (Action.PARTNERSHIP_RESEND, E.RESEND),
    PartnershipAction.WITHDRAW: (Action.PARTNERSHIP_WITHDRAW, E.WITHDRAW),
    PartnershipAction.SUSPEND: (Action.PARTNERSHIP_SUSPEND, E.SUSPEND),
    PartnershipAction.RESUME: (Action.PARTNERSHIP_RESUME, E.RESUME),
    PartnershipAction.EXTEND: (Action.PARTNERSHIP_EXTEND, E.EXTEND),
    PartnershipAction.SET_AUTO_EXTEND: (Action.PARTNERSHIP_EXTEND, E.EXTEND),
    PartnershipAction.AMEND: (Action.PARTNERSHIP_AMEND, E.AMEND),
    PartnershipAction.SET_DELEGATED_ROLES: (Action.ROLES_DELEGATE, E.CLEAR_ROLES),
    PartnershipAction.DELEGATE_ROLES: (Action.ROLES_DELEGATE, E.DELEGATE),
    PartnershipAction.CLEAR_ROLES: (Action.ROLES_DELEGATE, E.CLEAR_ROLES),
    PartnershipAction.SET_DATA_ACCESS: (Action.LEVEL_REDUCE, E.REDUCE_LEVEL),
    PartnershipAction.REMOVE: (Action.PARTNERSHIP_REMOVE, E.REMOVE),
    PartnershipAction.SHARE_ACCOUNTS: (Action.ACCOUNT_SHARE, E.SHARE),
    PartnershipAction.TRANSFER: (Action.PARTNERSHIP_TRANSFER, E.TRANSFER),
    PartnershipAction.SET_CO_OWNERS: (Action.PARTNERSHIP_TRANSFER, E.TRANSFER),
    PartnershipAction.SET_REPRESENTATIVE: (Action.PARTNERSHIP_SET_REPRESENTATIVE, E.REPRESENT),
    PartnershipAction.REMOVE_MEMBER: (Action.GRANT_REVOKE_ALL, E.REMOVE),
}
"""The permission and the step of each act; who can end a partnership's life can also end a member's in it."""


ROLE_ACTS: Final = frozenset(
    {PartnershipAction.SET_DELEGATED_ROLES, PartnershipAction.DELEGATE_ROLES, PartnershipAction.CLEAR_ROLES}
)


OF_AMENDMENT: Final = {
    AmendmentAction.DECIDE: PartnershipAction.DECIDE_AMENDMENT,
    AmendmentAction.WITHDRAW: PartnershipAction.WITHDRAW_AMENDMENT,
}
TURN_OF: Final = {
    PartnershipSide.HOST: frozenset({Capacity.HOST_ADMIN, Capacity.LEGAL}),
    PartnershipSide.GUEST: frozenset({Capacity.GUEST_ADMIN}),
}
"""Who answers an amendment for a side."""


def on_partnership(
    principal: Principal, facts: PartnershipFacts, now: datetime, amendments: Iterable[Any] = ()
) -> list[PartnershipAction]:
    """Which acts on this partnership are open to the caller now? `amendments`: those of it that wait for an answer and
    that the caller sees."""
    if facts.state in CONNECTED and facts.expires_at is not None and facts.expires_at <= now:
        return []
    owners = frozenset({principal.person_id} - {None})
    own = Target(partnership=facts, account=AccountFacts(facts.host_id, owners))  # type: ignore[arg-type]
    plain = Target(partnership=facts)
    found = {
        act
        for act, (action, step) in ON_PARTNERSHIP.items()
        if PARTNERSHIP.permits(facts.state, step)
        and _may(principal, action, own if action is Action.ACCOUNT_SHARE else plain, now)
        and _holds(principal, facts, act)
    }
    found |= {OF_AMENDMENT[act] for one in amendments for act in on_amendment(principal, facts, one, now)}
    return [act for act in PartnershipAction if act in found]


def on_amendment(principal: Principal, facts: PartnershipFacts, row: Any, now: datetime) -> list[AmendmentAction]:
    """Which acts on this amendment, which the caller sees, are open to the caller now?"""
    turn = TURN.get(AmendmentState(row.state))
    if turn is None or facts.state not in CONNECTED:
        return []
    target, found = Target(partnership=facts), []
    over = facts.expires_at is not None and facts.expires_at <= now
    mine = str(principal.person_id) in {row.proposed_by, row.host_decided_by}
    answers = bool(capacities(principal, target) & TURN_OF[turn])
    may_answer = answers and _may(principal, Action.AMENDMENT_DECIDE, target, now)
    if may_answer and not mine and not over and facts.state is PartnershipState.ACTIVE:
        found.append(AmendmentAction.DECIDE)
    if _may(principal, Action.AMENDMENT_WITHDRAW, target, now):
        found.append(AmendmentAction.WITHDRAW)
    return found


def _holds(principal: Principal, facts: PartnershipFacts, act: PartnershipAction) -> bool:
    """Each side holds once and lets go of its own hold alone; an end that there is not can't be moved, and a role that
    nobody was given can't be cleared."""
    if act in ROLE_ACTS:
        enables = facts.roles_open and facts.state is PartnershipState.ACTIVE
        return (enables and act is not PartnershipAction.CLEAR_ROLES) or (
            facts.roles_delegated and act is not PartnershipAction.DELEGATE_ROLES
        )
    if act is PartnershipAction.SET_DATA_ACCESS:
        return _can_set_level(principal, facts)
    if act is PartnershipAction.EXTEND:
        return facts.expires_at is not None
    if act not in {PartnershipAction.SUSPEND, PartnershipAction.RESUME}:
        return True
    sides = {Holder.HOST: facts.host_id, Holder.GUEST: facts.guest_id}
    own = {side for side, key in sides.items() if key in principal.organisations}
    return bool(own & facts.suspended_by) if act is PartnershipAction.RESUME else bool(own - facts.suspended_by)


def _can_set_level(principal: Principal, facts: PartnershipFacts) -> bool:
    """What is granted can be lowered; nothing granted can only be raised, by leaders and as far as the ceiling is."""
    if facts.granted is not DataAccessLevel.NONE:
        return True
    if facts.ceiling is DataAccessLevel.NONE or facts.state is not PartnershipState.ACTIVE:
        return False
    leads = facts.host_id in principal.leads and principal.admits(Action.LEVEL_SET)
    return leads and facts.host_active and facts.guest_active


def _may(principal: Principal, action: Action, target: Target, now: datetime) -> bool:
    return not isinstance(decide(principal, action, target, now=now), Deny)


def _shared(*states: ShareState) -> Callable[[Target], bool]:
    return lambda target: target.share is not None and target.share.state in states


LIVE: Final = _shared(ShareState.ACTIVE, ShareState.SUSPENDED)

ON_ACCOUNT: Final[dict[AccountAction, tuple[Action, Callable[[Target], bool]]]] = {
    AccountAction.UPDATE: (Action.ACCOUNT_UPDATE, lambda _: True),
    AccountAction.ARCHIVE: (Action.ACCOUNT_SECURE, lambda _: True),
    AccountAction.SET_OWNERS: (Action.ACCOUNT_SECURE, lambda _: True),
    AccountAction.UNSHARE: (Action.SHARE_END, LIVE),
    AccountAction.SUSPEND_SHARE: (Action.SHARE_SUSPEND, _shared(ShareState.ACTIVE)),
    AccountAction.RESUME_SHARE: (Action.SHARE_RESUME, _shared(ShareState.SUSPENDED)),
    AccountAction.CHANGE_MEMBER_ROLE: (Action.GRANT_CHANGE_ROLE, LIVE),
    AccountAction.REMOVE_MEMBER: (Action.GRANT_REVOKE, LIVE),
    AccountAction.LEAVE: (Action.SHARE_LEAVE, LIVE),
    AccountAction.REQUEST_ACCESS: (Action.ACCESS_REQUEST, _shared(ShareState.ACTIVE)),
    AccountAction.DECIDE_ACCESS_REQUESTS: (Action.ACCESS_DECIDE, _shared(ShareState.ACTIVE)),
    AccountAction.SIGN_IN: (Action.ACCOUNT_SIGN_IN, lambda _: True),
}
"""The permission of each act, and what it asks of one of the account's shares."""


def on_account(
    principal: Principal, targets: Iterable[Target], owned: Iterable[PartnershipFacts], now: datetime
) -> list[AccountAction]:
    """Which acts on this account are open to the caller now?

    `targets`: the account with each of its live shares; `owned`: active partnerships that the caller owns, one of each
    host at least.
    """
    known = tuple(targets)
    if not known or known[0].account is None or known[0].account.status is not AccountStatus.ACTIVE:
        return []
    open_now = {
        act
        for act, (action, fits) in ON_ACCOUNT.items()
        if any(fits(target) and _may(principal, action, target, now) for target in known)
    }
    if not any(Capacity.HOST_MEMBER in capacities(principal, target) for target in known):
        open_now.discard(AccountAction.REMOVE_MEMBER)
    account = known[0].account
    sharing = (Target(account=account, partnership=facts) for facts in owned if facts.host_id == account.host_id)
    if any(_may(principal, Action.ACCOUNT_SHARE, target, now) for target in sharing):
        open_now.add(AccountAction.SHARE)
    return [act for act in AccountAction if act in open_now]
