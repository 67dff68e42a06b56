"""What acts on a partnership read: the row under lock, its current attempt, the pair, the terms of service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
)

from accord.access.facts import PartnershipFacts
from accord.database.clock import partnership_end, partnership_state
from accord.database.engine import Query, Row, Transaction
from accord.database.sets import among
from accord.database.tables.delegation import role_delegations
from accord.database.tables.organisation import memberships, organisations
from accord.database.tables.partner import partner_links
from accord.database.tables.partnership import attempts, invitations, partnerships, terms_versions
from accord.database.tables.policy import organisation_policies
from accord.database.tables.sharing import shares
from accord.database.visibility import is_barred, sees_partnership, sees_share
from accord.domain.delegation import DelegationState
from accord.domain.errors import NotFound
from accord.domain.level import DataAccessLevel, least
from accord.domain.organisation import MembershipStatus, OrganisationStatus
from accord.domain.partner import LinkKind, LinkStatus, PartnerStatus
from accord.domain.partnership import OPEN, Holder, PartnershipPath, PartnershipState

WANTED: Final = bindparam("wanted", type_=Uuid())
BY_CLOCK: Final = ("state", "expires_at")
"""Columns that an act reads as they stand by the clock; as the worker has left them they are `stored_…`."""


def policy_columns(p: FromClause = partnerships) -> tuple[Any, ...]:
    """What policies say about a partnership, as `partnership_facts` reads it."""

    def entry(column: ColumnElement[Any], otherwise: bool, side: ColumnElement[Any] = p.c.host_id) -> Any:
        found = select(column).where(organisation_policies.c.id == side).correlate(p).scalar_subquery()
        return func.coalesce(found, otherwise)

    return (
        entry(organisation_policies.c.frozen, False).label("frozen"),
        entry(organisation_policies.c.require_mfa, False).label("mfa_required"),
        entry(organisation_policies.c.host_admin_may_unshare, True).label("host_admin_may_unshare"),
        entry(organisation_policies.c.representative_manages_groups, False, p.c.guest_id).label(
            "representative_manages_groups"
        ),
        or_(~entry(organisation_policies.c.roles_only_to_partner_of_record, True), _of_record(p)).label("roles_open"),
        exists()
        .where(role_delegations.c.partnership_id == p.c.id, role_delegations.c.state == DelegationState.ACTIVE.value)
        .label("roles_delegated"),
        is_barred(p).label("barred"),
    )


def side_columns(p: FromClause, host: FromClause, guest: FromClause) -> tuple[Any, ...]:
    """Whether both organisations are active, the guest also as a partner, and what bounds the guest's level."""
    of_link = select(partner_links.c.ceiling).where(partner_links.c.id == p.c.link_id).correlate(p).scalar_subquery()
    active = OrganisationStatus.ACTIVE.value
    return (
        (host.c.status == active).label("host_active"),
        and_(guest.c.status == active, guest.c.partner_status != PartnerStatus.SUSPENDED.value).label("guest_active"),
        guest.c.ceiling.label("contract_ceiling"),
        of_link.label("link_ceiling"),
    )


def ceiling_of(row: Row | Any) -> DataAccessLevel:
    """The most that can be granted: the least of the contract's and the link's ceiling."""
    return least(*(DataAccessLevel(one) for one in (row.contract_ceiling, row.link_ceiling) if one is not None))


def _of_record(p: FromClause) -> ColumnElement[bool]:
    """Is the guest the host's partner of record? (S105)"""
    return exists().where(
        partner_links.c.customer_id == p.c.host_id,
        partner_links.c.partner_id == p.c.guest_id,
        partner_links.c.kind == LinkKind.PARTNER_OF_RECORD.value,
        partner_links.c.status == LinkStatus.ACTIVE.value,
    )


def _whole() -> Select[Any]:
    host, guest = organisations.alias("host"), organisations.alias("guest")
    owner_active = exists().where(
        memberships.c.organisation_id == partnerships.c.host_id,
        memberships.c.user_id == partnerships.c.owner_user_id,
        memberships.c.status == MembershipStatus.ACTIVE.value,
    )
    return (
        select(
            *(column for column in partnerships.c if column.name not in BY_CLOCK),
            partnership_state(partnerships).label("state"),
            partnership_end(partnerships).label("expires_at"),
            *(partnerships.c[name].label(f"stored_{name}") for name in BY_CLOCK),
            host.c.name.label("host_name"),
            guest.c.name.label("guest_name"),
            *side_columns(partnerships, host, guest),
            owner_active.label("owner_active"),
            *policy_columns(),
        )
        .join(host, host.c.id == partnerships.c.host_id)
        .join(guest, guest.c.id == partnerships.c.guest_id)
    )


VISIBLE: Final = Query(_whole().where(partnerships.c.id == WANTED, sees_partnership()))
REACHABLE: Final = Query(_whole().where(partnerships.c.id == WANTED))
SHARE_PARTNERSHIP: Final = Query(select(shares.c.partnership_id).where(shares.c.id == WANTED, sees_share()))


async def lock_partnership(tx: Transaction, partnership_id: UUID, path: tuple[str, ...] = ("partnershipId",)) -> Any:
    """The partnership, locked until the end of the act, if the caller may see it; NotFound otherwise.

    The lock comes first and the row is read after it, so that what the act sees is what stands.
    """
    await _hold(tx, partnership_id)
    rows = await tx.fetch(VISIBLE, wanted=partnership_id)
    if not rows:
        raise NotFound(path)
    return rows[0]


async def has_ended(tx: Transaction, partnership_id: UUID) -> bool:
    """Is it written that this partnership has ended?"""
    over = (partnerships.c.id == partnership_id) & partnerships.c.ended_at.is_not(None)
    return await tx.first(select(partnerships.c.id).where(over)) is not None


async def lock_reachable(tx: Transaction, partnership_id: UUID) -> Any:
    """The partnership, locked, for the platform's own acts: whoever does them sees no partnership as such."""
    await _hold(tx, partnership_id)
    return (await tx.fetch(REACHABLE, wanted=partnership_id))[0]


async def sees(tx: Transaction, partnership_id: UUID) -> bool:
    """May the caller see this partnership?"""
    return bool(await tx.fetch(VISIBLE, wanted=partnership_id))


async def lock_partnership_of_share(tx: Transaction, share_id: UUID, path: tuple[str, ...] = ("shareId",)) -> Any:
    """The partnership behind a share that the caller may see, locked; NotFound otherwise."""
    found = await tx.fetch(SHARE_PARTNERSHIP, wanted=share_id)
    if not found:
        raise NotFound(path)
    await _hold(tx, found[0].partnership_id)
    return (await tx.fetch(REACHABLE, wanted=found[0].partnership_id))[0]


async def _hold(tx: Transaction, partnership_id: UUID) -> None:
    await tx.first(select(partnerships.c.id).where(partnerships.c.id == partnership_id).with_for_update())


def partnership_facts(row: Row | Any) -> PartnershipFacts:
    """What a decision looks at in a row of this file."""
    return PartnershipFacts(
        host_id=row.host_id,
        guest_id=row.guest_id,
        state=PartnershipState(row.state),
        path=PartnershipPath(row.path),
        told_guest=row.told_guest,
        asked_by_guest=row.asked_by_guest,
        owner_id=row.owner_user_id,
        owner_active=row.owner_active,
        co_owner_ids=frozenset(row.co_owner_ids),
        requester_id=row.requester_user_id,
        representative_id=row.representative_user_id,
        starts_at=row.starts_at,
        expires_at=row.expires_at,
        host_active=row.host_active,
        guest_active=row.guest_active,
        suspended_by=frozenset(map(Holder, row.suspended_by)),
        ceiling=ceiling_of(row),
        granted=DataAccessLevel(row.granted_level),
        frozen=row.frozen,
        barred=row.barred,
        mfa_required=row.mfa_required,
        host_admin_may_unshare=row.host_admin_may_unshare,
        representative_manages_groups=row.representative_manages_groups,
        roles_open=row.roles_open,
        roles_delegated=row.roles_delegated,
    )


async def get_attempt(tx: Transaction, partnership_id: UUID) -> Any:
    """The newest attempt of a partnership that the act holds."""
    return await tx.first(
        select(attempts).where(attempts.c.partnership_id == partnership_id).order_by(attempts.c.number.desc()).limit(1)
    )


async def get_approved_attempt(tx: Transaction, partnership_id: UUID) -> Any:
    """The newest attempt that the host has approved, or that needed no approval."""
    return await tx.first(
        select(attempts)
        .where(attempts.c.partnership_id == partnership_id, attempts.c.host_decision.in_(("APPROVED", "SKIPPED")))
        .order_by(attempts.c.number.desc())
        .limit(1)
    )


async def get_organisation(tx: Transaction, organisation_id: UUID) -> Any:
    """One organisation that the database shows to the caller, or None."""
    return await tx.first(select(organisations).where(organisations.c.id == organisation_id))


async def list_namesakes(tx: Transaction, name: str, country_code: str, created_for_id: UUID | None) -> Sequence[UUID]:
    """Return the active organisations that are called this, in this country and made for the same one.

    The operator's question; at most 20, the newest first.
    """
    same = (organisations.c.name == name) & (organisations.c.country_code == country_code)
    made_for = organisations.c.created_for_id.is_not_distinct_from(created_for_id)
    found = select(organisations.c.id).where(same, made_for, organisations.c.status == "ACTIVE")
    return [row.id for row in await tx.all(found.order_by(organisations.c.id.desc()).limit(20))]


async def hold_organisation(tx: Transaction, organisation_id: UUID) -> Any:
    """One organisation, locked until the end of the act, or None."""
    return await tx.first(select(organisations).where(organisations.c.id == organisation_id).with_for_update())


async def find_partner(tx: Transaction, handle: str) -> Any:
    """The active organisation with exactly this handle, or None; nothing is found by part of one (Q19)."""
    await tx.present(handle=handle)
    return await tx.first(
        select(organisations).where(
            organisations.c.handle == handle, organisations.c.status == OrganisationStatus.ACTIVE.value
        )
    )


async def get_open_partnership(tx: Transaction, host_id: UUID, guest_id: UUID) -> Any:
    """Return the partnership of this pair that has not ended, or whose end nobody has written yet; or None (S44)."""
    return await tx.first(
        select(
            partnerships.c.id, partnerships.c.version, partnership_state(partnerships, literal(tx.now)).label("state")
        ).where(
            partnerships.c.host_id == host_id,
            partnerships.c.guest_id == guest_id,
            partnerships.c.state.in_([state.value for state in OPEN]),
        )
    )


async def get_current_terms(tx: Transaction, code: str = "partner-terms") -> Any:
    """The newest terms of service, or None before the operator has published any."""
    newest = terms_versions.c.published_at.desc(), terms_versions.c.id.desc()
    return await tx.first(select(terms_versions).where(terms_versions.c.code == code).order_by(*newest).limit(1))


async def lock_invitation(tx: Transaction, token_hash: str) -> Any:
    """The invitation with this token's hash, locked, whatever has become of it, or None."""
    return await tx.first(select(invitations).where(invitations.c.token_hash == token_hash).with_for_update())


async def holds_role(tx: Transaction, organisation_id: UUID, user_id: UUID, roles: Iterable[str]) -> bool:
    """Is this person an active member with one of these roles?"""
    wanted = literal(list(roles), ARRAY(Text()))
    found = select(memberships.c.id).where(
        memberships.c.organisation_id == organisation_id,
        memberships.c.user_id == user_id,
        memberships.c.status == MembershipStatus.ACTIVE.value,
        memberships.c.roles.op("&&")(wanted),
    )
    return await tx.first(found) is not None


async def list_active_members(tx: Transaction, organisation_id: UUID, user_ids: Iterable[UUID]) -> Sequence[Any]:
    """Those of these people who are active members, their rows held so that they stay so until the end of the act."""
    return await tx.all(
        select(memberships.c.id, memberships.c.user_id, memberships.c.roles)
        .where(
            memberships.c.organisation_id == organisation_id,
            among(memberships.c.user_id, user_ids),
            memberships.c.status == MembershipStatus.ACTIVE.value,
        )
        .order_by(memberships.c.id)
        .with_for_update(key_share=True)
    )
