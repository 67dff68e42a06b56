"""What acts on shares read: the share, grant or request under lock, and the people of the guest around them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Text, Uuid, and_, bindparam, cast, exists, func, or_, select, true
from sqlalchemy import any_ as any_of

from accord.access.facts import AccountFacts, GrantFacts, ShareFacts
from accord.database.engine import Query, Transaction
from accord.database.queries.partnership import REACHABLE as PARTNERSHIP
from accord.database.sets import among
from accord.database.tables.organisation import memberships, users
from accord.database.tables.sharing import access_items, account_ownerships, accounts, grants, shares, tickets
from accord.database.visibility import sees_access_item, sees_account, sees_grant, sees_share
from accord.domain.errors import NotFound
from accord.domain.organisation import MembershipStatus
from accord.domain.sharing import AccessItemState, AccountRole, AccountStatus, GrantState, ShareState

WANTED: Final = bindparam("wanted", type_=Uuid())
WANTED_ALL: Final = any_of(cast(bindparam("wanted", type_=ARRAY(Text())), ARRAY(Uuid())))


def owner_ids() -> ColumnElement[Any]:
    """The active owners of `accounts`, as a column."""
    active = and_(
        memberships.c.organisation_id == account_ownerships.c.host_id,
        memberships.c.user_id == account_ownerships.c.user_id,
        memberships.c.status == MembershipStatus.ACTIVE.value,
    )
    owned = select(account_ownerships.c.user_id).join(memberships, active)
    listed = owned.where(account_ownerships.c.account_id == accounts.c.id).correlate(accounts).scalar_subquery()
    return func.array(listed, type_=ARRAY(Uuid())).label("owner_ids")


WHOLE: Final = (
    select(shares, accounts.c.label, accounts.c.app, accounts.c.status.label("account_status"), owner_ids())
    .join(accounts, accounts.c.id == shares.c.account_id)
    .where(shares.c.id == WANTED)
)
VISIBLE: Final = Query(WHOLE.where(sees_share()))
REACHABLE: Final = Query(WHOLE)
ITEMS: Final = Query(select(access_items).where(access_items.c.id == WANTED_ALL, sees_access_item(access_items)))
GRANT: Final = Query(select(grants.c.id, grants.c.share_id).where(grants.c.id == WANTED, sees_grant()))
GRANTS_OF_PERSON: Final = Query(
    select(grants.c.id, grants.c.share_id).where(
        grants.c.partnership_id == WANTED,
        grants.c.user_id == bindparam("person", type_=Uuid()),
        grants.c.state == GrantState.ACTIVE.value,
        sees_grant(),
    )
)
GRANT_IN_SHARE: Final = Query(
    select(grants.c.id).where(
        grants.c.share_id == WANTED,
        grants.c.user_id == bindparam("person", type_=Uuid()),
        grants.c.state == GrantState.ACTIVE.value,
        sees_grant(),
    )
)
PEOPLE_SEEN: Final = Query(
    select(grants.c.user_id)
    .where(grants.c.partnership_id == WANTED, grants.c.state == GrantState.ACTIVE.value, sees_grant())
    .distinct()
)
SHAREABLE: Final = Query(
    select(accounts, owner_ids()).where(
        accounts.c.id == WANTED_ALL, accounts.c.host_id == bindparam("host", type_=Uuid()), sees_account()
    )
)


async def lock_share(tx: Transaction, share_id: UUID, path: tuple[str, ...] = ("shareId",)) -> Any:
    """The share with its account, locked, if the caller may see it; call it after its partnership is held."""
    await tx.first(select(shares.c.id).where(shares.c.id == share_id).with_for_update())
    found = await tx.fetch(VISIBLE, wanted=share_id)
    if not found:
        raise NotFound(path)
    return found[0]


async def list_grants_of_person(tx: Transaction, partnership_id: UUID, user_id: UUID) -> Sequence[Any]:
    """The person's live grants under a partnership, as far as the caller may see them."""
    return await tx.fetch(GRANTS_OF_PERSON, wanted=partnership_id, person=user_id)


async def share_of_grant(tx: Transaction, grant_id: UUID) -> UUID:
    """The share behind a grant that the caller may see; NotFound otherwise."""
    found = await tx.fetch(GRANT, wanted=grant_id)
    if not found:
        raise NotFound(("grantId",))
    share_id: UUID = found[0].share_id
    return share_id


async def lock_grant(tx: Transaction, grant_id: UUID) -> Any:
    """A grant whose share the act holds, locked."""
    return await tx.first(select(grants).where(grants.c.id == grant_id).with_for_update())


async def find_grant(tx: Transaction, share_id: UUID, user_id: UUID) -> UUID | None:
    """The live grant of a person on a share, if the caller may see it."""
    found = await tx.fetch(GRANT_IN_SHARE, wanted=share_id, person=user_id)
    return found[0].id if found else None


async def lock_own_grant(tx: Transaction, share_id: UUID) -> Any:
    """The caller's own live grant on a share, locked, or None."""
    own = and_(grants.c.share_id == share_id, grants.c.user_id == tx.principal.person_id)
    return await tx.first(select(grants).where(own, grants.c.state == GrantState.ACTIVE.value).with_for_update())


async def list_live_grants(tx: Transaction, share_id: UUID, user_id: UUID | None = None) -> Sequence[Any]:
    """The grants on a share, or one person's, that have not ended; expired ones that nobody has marked yet included."""
    live = and_(grants.c.share_id == share_id, grants.c.state == GrantState.ACTIVE.value)
    return await tx.all(select(grants).where(live, grants.c.user_id == user_id if user_id else true()))


async def list_pending_items(tx: Transaction, share_id: UUID) -> Sequence[Any]:
    """The places in access requests on a share that wait for a decision."""
    waiting = access_items.c.state == AccessItemState.PENDING.value
    return await tx.all(select(access_items).where(access_items.c.share_id == share_id, waiting))


async def list_items(tx: Transaction, item_ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Where these requested places belong, as far as the caller may see them."""
    found = await tx.fetch(ITEMS, wanted=[str(key) for key in item_ids])
    return {row.id: row for row in found}


async def lock_item(tx: Transaction, item_id: UUID) -> Any:
    """One place in an access request, locked; its partnership and share are held before it."""
    return await tx.first(select(access_items).where(access_items.c.id == item_id).with_for_update())


async def get_share(tx: Transaction, share_id: UUID) -> Any:
    """A share with its account, whoever asks; the act has shown what gives it the right to know."""
    return (await tx.fetch(REACHABLE, wanted=share_id))[0]


async def get_partnership(tx: Transaction, partnership_id: UUID) -> Any:
    """A partnership with the names of its two sides, for an act that reached it by something it holds."""
    return (await tx.fetch(PARTNERSHIP, wanted=partnership_id))[0]


async def hold_shares(tx: Transaction, share_ids: Collection[UUID]) -> None:
    """Lock several shares in order of their keys."""
    await tx.all(select(shares.c.id).where(among(shares.c.id, share_ids)).order_by(shares.c.id).with_for_update())


class Access(NamedTuple):
    """How much access rests on live shares, and whose it is."""

    shares: int
    grants: int
    items: int
    tickets: int
    user_ids: Sequence[UUID]

    @property
    def counts(self) -> dict[str, int]:
        """What a receipt says when all of it ends."""
        return {
            "shares_ended": self.shares,
            "grants_ended": self.grants,
            "access_requests_cancelled": self.items,
            "tickets_voided": self.tickets,
        }


async def lock_access(tx: Transaction, scope: ColumnElement[bool]) -> Access:
    """Lock the live shares in a scope and count what rests on them."""
    live = and_(scope, shares.c.state != ShareState.REMOVED.value)
    held = select(shares.c.id).where(live).order_by(shares.c.id).with_for_update().cte("held")
    of_these = select(held.c.id)
    granted = grants.c.share_id.in_(of_these) & (grants.c.state == GrantState.ACTIVE.value)
    waiting = access_items.c.share_id.in_(of_these) & (access_items.c.state == AccessItemState.PENDING.value)
    opened = tickets.c.grant_id.in_(select(grants.c.id).where(granted)) & is_open(tx)
    numbers = [
        select(func.count()).select_from(table).where(which).scalar_subquery()
        for table, which in ((held, true()), (grants, granted), (access_items, waiting), (tickets, opened))
    ]
    people = select(func.array_agg(grants.c.user_id.distinct())).where(granted).scalar_subquery()
    row = await tx.first(select(*numbers, people))
    return Access(row[0], row[1], row[2], row[3], row[4] or ())


async def list_live_shares(tx: Transaction, partnership_id: UUID, after: UUID | None, at_most: int) -> Sequence[UUID]:
    """Return the keys of the next live shares of a partnership after a key, in order."""
    live = and_(shares.c.partnership_id == partnership_id, shares.c.state != ShareState.REMOVED.value)
    return await _next(tx, live, after, at_most)


async def list_ended_shares(
    tx: Transaction, account_id: UUID, ended_at: datetime, after: UUID | None, at_most: int
) -> Sequence[UUID]:
    """Return the keys of the next shares of an account after a key, in order, that ended at this instant."""
    over = and_(shares.c.account_id == account_id, shares.c.ended_at == ended_at)
    return await _next(tx, over, after, at_most)


async def _next(tx: Transaction, which: ColumnElement[bool], after: UUID | None, at_most: int) -> Sequence[UUID]:
    chosen = select(shares.c.id).where(which).order_by(shares.c.id).limit(at_most)
    if after is not None:
        chosen = chosen.where(shares.c.id > after)
    return [row.id for row in await tx.all(chosen)]


async def list_named_shares(tx: Transaction, share_ids: Collection[UUID]) -> Sequence[Any]:
    """These shares with the label and app of their account, in order of their keys."""
    return await tx.all(
        select(shares, accounts.c.label, accounts.c.app)
        .join(accounts, accounts.c.id == shares.c.account_id)
        .where(among(shares.c.id, share_ids))
        .order_by(shares.c.id)
    )


async def list_shareable(tx: Transaction, host_id: UUID, account_ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Those of these accounts of the host that the caller sees; held, so that none is archived or changes hands."""
    wanted = [str(key) for key in account_ids]
    held = select(accounts.c.id).where(
        among(accounts.c.id, [UUID(key) for key in wanted]), accounts.c.host_id == host_id
    )
    await tx.all(held.order_by(accounts.c.id).with_for_update(read=True))
    return {row.id: row for row in await tx.fetch(SHAREABLE, wanted=wanted, host=host_id)}


async def list_listed(tx: Transaction, host_id: UUID, account_ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Those of these accounts that are the host's, whoever sees them, with their active owners; held as they are.

    For an act whose right is not one of sight: what a legal representative lists, and what terms have listed (Q34).
    """
    held = (
        select(accounts, owner_ids())
        .where(among(accounts.c.id, account_ids), accounts.c.host_id == host_id)
        .order_by(accounts.c.id)
        .with_for_update(read=True, of=accounts)
    )
    return {row.id: row for row in await tx.all(held)}


async def list_shared(tx: Transaction, partnership_id: UUID) -> dict[UUID, Any]:
    """The live shares of a partnership by their account."""
    live = shares.c.state != ShareState.REMOVED.value
    found = await tx.all(select(shares).where(shares.c.partnership_id == partnership_id, live))
    return {row.account_id: row for row in found}


async def people_seen(tx: Transaction, partnership: Any) -> set[UUID]:
    """The guest's people whom the caller sees in a partnership: its representative, and those of S76."""
    found = {row.user_id for row in await tx.fetch(PEOPLE_SEEN, wanted=partnership.id)}
    return found | ({partnership.representative_user_id} - {None})


async def list_members(tx: Transaction, organisation_id: UUID, user_ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Those of these people who are active members of the organisation."""
    return {row.user_id: row for row in await tx.all(_members(organisation_id, user_ids))}


async def lock_members(tx: Transaction, organisation_id: UUID, user_ids: Iterable[UUID]) -> dict[UUID, Any]:
    """As `list_members`, in the caller's own organisation: nobody of them leaves until the end of the act."""
    held = _members(organisation_id, user_ids).order_by(memberships.c.id)
    return {row.user_id: row for row in await tx.all(held.with_for_update(read=True, of=memberships))}


def _members(organisation_id: UUID, user_ids: Iterable[UUID]) -> Select[Any]:
    return (
        select(memberships.c.user_id, memberships.c.roles, users.c.display_name)
        .join(users, users.c.id == memberships.c.user_id)
        .where(
            memberships.c.organisation_id == organisation_id,
            among(memberships.c.user_id, user_ids),
            memberships.c.status == MembershipStatus.ACTIVE.value,
        )
    )


async def is_account_manager(tx: Transaction, share_id: UUID, user_id: UUID) -> bool:
    """Is this person Account Manager on the share now? Whoever no longer is has no request pending (4.4.4)."""
    standing = exists().where(
        grants.c.share_id == share_id,
        grants.c.user_id == user_id,
        grants.c.state == GrantState.ACTIVE.value,
        grants.c.role == AccountRole.ACCOUNT_MANAGER.value,
        or_(grants.c.expires_at.is_(None), grants.c.expires_at > tx.now),
    )
    return bool(await tx.scalar(select(standing)))


def is_open(tx: Transaction) -> ColumnElement[bool]:
    """Could a ticket still be redeemed?"""
    return and_(tickets.c.redeemed_at.is_(None), tickets.c.voided_at.is_(None), tickets.c.expires_at > tx.now)


def share_facts(row: Any) -> ShareFacts:
    """What a decision looks at in a share of this file."""
    return ShareFacts(ShareState(row.state), row.expires_at)


def account_facts(row: Any, status: str) -> AccountFacts:
    """What a decision looks at in the account of a row with `host_id` and `owner_ids`."""
    return AccountFacts(row.host_id, frozenset(row.owner_ids), AccountStatus(status))


def grant_facts(row: Any) -> GrantFacts:
    """What a decision looks at in a grant."""
    return GrantFacts(row.user_id, AccountRole(row.role), GrantState(row.state), row.expires_at)
