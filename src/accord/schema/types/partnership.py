"""Partnerships, their attempts and members, and the terms of service."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import ID, Parent

from accord.access.permissions import Action
from accord.database.queries.read.activity import EVENTS_OF_PARTNERSHIP
from accord.database.queries.read.amendment import AMENDMENTS
from accord.database.queries.read.contact import ASSIGNMENTS_OF_PARTNERSHIP, CONTACTS_OF_PARTNERSHIP
from accord.database.queries.read.delegation import DELEGATIONS
from accord.database.queries.read.pages import pair_key
from accord.database.queries.read.partnership import (
    ATTEMPTS,
    HIDDEN_SHARES,
    LISTED_ACCOUNTS,
    PARTNERSHIP_MEMBERS,
    AttemptRow,
    PartnershipMemberRow,
    PartnershipRow,
    TermsRow,
)
from accord.database.queries.read.sharing import GRANTS_OF_MEMBER, SHARES_OF_PARTNERSHIP
from accord.schema.connections import decided_listings, listing, listings, listings_under, names
from accord.schema.context import Info
from accord.schema.decisions import demand_on_partnership, refusals_on_partnerships
from accord.schema.levels import Each, whole
from accord.schema.links import decided, decided_link, link, links
from accord.schema.pagination import Connection, span
from accord.schema.permissions import field, guarded
from accord.schema.types.enums import (
    AccessMode,
    AccountRole,
    AmendmentState,
    ContactStatus,
    DataAccessLevel,
    DelegationState,
    GuestDecision,
    Holder,
    HostDecision,
    MemberBasis,
    PartnershipPath,
    PartnershipState,
    Purpose,
    ShareState,
)
from accord.schema.types.filters import ActivityFilter, event_filter
from accord.schema.types.node import Node
from accord.schema.types.organisation import Organisation, User
from accord.schema.types.partner import DataAccess, data_access
from accord.schema.types.viewer_can import PartnershipAction, on_partnership

if TYPE_CHECKING:
    from accord.schema.types.activity import ActivityEvent
    from accord.schema.types.amendment import Amendment
    from accord.schema.types.contact import CustomerAssignment, ExternalContact
    from accord.schema.types.delegation import RoleDelegation
    from accord.schema.types.sharing import AccountGrant, AccountShare

LazyAmendment = Annotated["Amendment", strawberry.lazy("accord.schema.types.amendment")]
LazyShare = Annotated["AccountShare", strawberry.lazy("accord.schema.types.sharing")]
LazyGrant = Annotated["AccountGrant", strawberry.lazy("accord.schema.types.sharing")]
LazyDelegation = Annotated["RoleDelegation", strawberry.lazy("accord.schema.types.delegation")]
LazyContact = Annotated["ExternalContact", strawberry.lazy("accord.schema.types.contact")]
LazyAssignment = Annotated["CustomerAssignment", strawberry.lazy("accord.schema.types.contact")]
LazyEvent = Annotated["ActivityEvent", strawberry.lazy("accord.schema.types.activity")]

REASON = Action.PARTNERSHIP_READ_REASON
TERMS = Action.PARTNERSHIP_READ_TERMS


@guarded(Action.TERMS_READ)
@strawberry.type(description="One version of the terms of service.")
class TermsVersion(Node):
    id: ID
    code: str
    version: str
    text: str
    text_hash: str = strawberry.field(description="SHA-256 of the text, hexadecimal.")
    published_at: datetime

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, TermsRow)


@guarded(TERMS)
@strawberry.type(description="One account that terms list, called as it was when it was listed.")
class ListedAccount:
    account_id: ID
    role: AccountRole
    label: str
    app: str
    category: str | None


@guarded(TERMS)
@strawberry.type(description="One submission for decision; it never changes once decided.")
class PartnershipAttempt(Node):
    id: ID
    number: int
    submitted_by: User | None = decided_link("user_by_id", "submitted_by", REASON, "partnership_id")
    submitted_at: datetime
    reason: str | None = decided("reason", REASON, "partnership_id", "Why the host's member asks (S51); for the host.")
    host_decision: HostDecision | None
    host_decided_by: User | None = decided_link("user_by_id", "host_decided_by", REASON, "partnership_id")
    host_decided_at: datetime | None
    guest_decision: GuestDecision | None
    guest_decided_by: User | None = link("user_by_id", "guest_decided_by")
    guest_decided_at: datetime | None
    decision_reason: str | None = strawberry.field(description="Why the last decision was a no.")
    lapses_at: datetime
    reminders_sent: int | None = decided("reminders_sent", REASON, "partnership_id")
    purposes: list[Purpose]
    access_mode: AccessMode
    wallet_entrusted: bool
    level: DataAccessLevel = strawberry.field(description="What the host grants with them (Q20).")
    expires_at: datetime | None
    listed_account_count: int = strawberry.field(description="How many accounts they list, seen or not (Q16).")
    terms_accepted: TermsVersion | None = link("terms_by_id", "terms_version_id")

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, AttemptRow)

    @whole(description="What these terms share when they come into force, as far as the viewer sees it (S95).")
    def listed_accounts(
        self,
        rows: Parent[list[AttemptRow]],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Each[Connection[ListedAccount]]:
        return listings(info, LISTED_ACCOUNTS, rows, span(first, after, last, before))


@guarded(Action.PARTNERSHIP_READ)
@strawberry.type(description="A person of the guest with access, as the Members tab shows it (S79).")
class PartnershipMember:
    user: User = link("user_by_id", "user_id")
    basis: list[MemberBasis] = strawberry.field(
        description="Every reason for which the person is listed, used or not: an account, an effective level that the "
        "person may use, a delegated role, a contact's role, or representing the guest."
    )

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, PartnershipMemberRow)

    @whole(description="What the person can reach, as far as the viewer sees it.")
    def grants(
        self,
        rows: Parent[list[PartnershipMemberRow]],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Each[Connection[LazyGrant]]:
        keys = [pair_key(row.parent, row.user_id) for row in rows]
        return listings_under(info, GRANTS_OF_MEMBER, keys, span(first, after, last, before))

    @whole()
    async def is_representative(self, rows: Parent[list[PartnershipMemberRow]], info: Info) -> Each[bool]:
        known = await info.context.loaders.partnership_by_id.level([row.parent for row in rows])
        return [_represents(partnership, row) for partnership, row in zip(known, rows, strict=True)]


@guarded(Action.PARTNERSHIP_READ)
@strawberry.type(description="The governed relationship of a host and a guest.")
class Partnership(Node):
    id: ID
    version: int
    path: PartnershipPath
    state: PartnershipState
    host: Organisation = link("organisation_by_id", "host_id")
    guest: Organisation = link("organisation_by_id", "guest_id")
    purposes: list[Purpose]
    access_mode: AccessMode | None = decided("access_mode", TERMS, description="Which accounts a level reaches (Q20).")
    wallet_entrusted: bool | None = decided("wallet_entrusted", TERMS, description="May the partner pay with it? (S97)")
    created_at: datetime
    starts_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    expires_at: datetime | None
    auto_extend: timedelta | None = strawberry.field(description="How long it goes on by itself when its end comes.")
    suspended_by: list[Holder] = strawberry.field(description="Who holds it; active again when nobody does.")
    contact_email: str | None = decided(
        "contact_email", REASON, description="Whom the host wrote to (S59); for the host."
    )
    created_by: User | None = decided_link("user_by_id", "created_by_user_id", REASON)
    owner: User | None = decided_link("user_by_id", "owner_user_id", TERMS, description="The Partnership Owner (S43).")
    co_owners: list[User] | None = links(
        "user_by_id", "co_owner_ids", REASON, "Who counts as Partnership Owner besides, 20 at most (Q12); for the host."
    )
    representative: User | None = link("user_by_id", "representative_user_id", description="Of the guest (Q8).")

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, PartnershipRow)

    @field(Action.LEVEL_READ, description="How far the partner reaches into the host's data.")
    async def data_access(self, root: Parent[PartnershipRow], info: Info) -> DataAccess | None:
        return await data_access(info, root.key)

    @whole(TERMS, description="Each submission, the first one first.")
    async def attempts(
        self,
        rows: Parent[list[PartnershipRow]],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Each[Connection[PartnershipAttempt] | None]:
        return await decided_listings(info, ATTEMPTS, rows, TERMS, span(first, after, last, before))

    @field(
        Action.AMENDMENT_READ, description="Changes of the terms, the newest first; those that the viewer is told of."
    )
    async def amendments(
        self,
        root: Parent[PartnershipRow],
        info: Info,
        state: list[AmendmentState] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LazyAmendment] | None:
        await demand_on_partnership(info, root.key, Action.AMENDMENT_READ)
        return listing(info, AMENDMENTS, root.key, span(first, after, last, before), state=names(state))

    @whole(Action.SHARE_READ, description="The Accounts tab (S79).")
    def shares(
        self,
        rows: Parent[list[PartnershipRow]],
        info: Info,
        state: list[ShareState] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Each[Connection[LazyShare] | None]:
        return listings(info, SHARES_OF_PARTNERSHIP, rows, span(first, after, last, before), state=names(state))

    @whole(
        Action.PARTNERSHIP_READ_HIDDEN,
        description="How many live shares the viewer may not see (Q16); for leaders of the host.",
    )
    async def hidden_share_count(self, rows: Parent[list[PartnershipRow]], info: Info) -> Each[int | None]:
        keys = [row.key for row in rows]
        refused = await refusals_on_partnerships(info, keys, Action.PARTNERSHIP_READ_HIDDEN)
        seen = [key for key, no in zip(keys, refused, strict=True) if not no]
        counts = dict(zip(seen, await info.context.loaders.figure(HIDDEN_SHARES).level(seen), strict=True))
        return [no or counts[key] for key, no in zip(keys, refused, strict=True)]

    @whole(Action.ROLES_READ, description="Roles that the host has delegated, the first one first (S106, S107).")
    def delegations(
        self,
        rows: Parent[list[PartnershipRow]],
        info: Info,
        state: list[DelegationState] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Each[Connection[LazyDelegation] | None]:
        return listings(info, DELEGATIONS, rows, span(first, after, last, before), state=names(state))

    @whole(
        Action.CONTACT_READ, description="Contacts that were converted when it began (S103); for leaders and admins."
    )
    def external_contacts(
        self,
        rows: Parent[list[PartnershipRow]],
        info: Info,
        status: list[ContactStatus] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Each[Connection[LazyContact] | None]:
        wanted = span(first, after, last, before)
        return listings(info, CONTACTS_OF_PARTNERSHIP, rows, wanted, status=names(status))

    @whole(Action.ASSIGNMENT_READ, description="Who of the partner uses its level here; for the partner's admins.")
    def customer_assignments(
        self,
        rows: Parent[list[PartnershipRow]],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Each[Connection[LazyAssignment] | None]:
        return listings(info, ASSIGNMENTS_OF_PARTNERSHIP, rows, span(first, after, last, before))

    @whole(
        description="The Members tab: the guest's people with access (S76 to S78); for leaders of the host and admins "
        "of the guest also those who may use a level or a role, before they act."
    )
    def members(
        self,
        rows: Parent[list[PartnershipRow]],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Each[Connection[PartnershipMember] | None]:
        return listings(info, PARTNERSHIP_MEMBERS, rows, span(first, after, last, before))

    @whole(Action.ACTIVITY_READ, description="Newest first.")
    def activity(
        self,
        rows: Parent[list[PartnershipRow]],
        info: Info,
        filter: ActivityFilter | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Each[Connection[LazyEvent] | None]:
        wanted = span(first, after, last, before)
        return listings(info, EVENTS_OF_PARTNERSHIP, rows, wanted, **event_filter(filter))

    @whole(description="What is open to the viewer now; an act that is not listed is refused.")
    async def viewer_can(self, rows: Parent[list[PartnershipRow]], info: Info) -> Each[list[PartnershipAction]]:
        loaders, keys = info.context.loaders, [row.key for row in rows]
        known, waiting = await asyncio.gather(
            loaders.facts_by_partnership.level(keys), loaders.open_amendments_by_partnership.level(keys)
        )
        return [_open_to(info, facts, amendments) for facts, amendments in zip(known, waiting, strict=True)]


def _open_to(info: Info, facts: Any, amendments: Any) -> Any:
    """What is open on one partnership, or the first error in what has to be known for it."""
    if isinstance(facts, Exception) or facts is None:
        return facts or []
    if isinstance(amendments, Exception):
        return amendments
    return on_partnership(info.context.principal, facts, info.context.now, amendments)


def _represents(partnership: Any, row: PartnershipMemberRow) -> Any:
    if isinstance(partnership, Exception):
        return partnership
    return partnership is not None and partnership.representative_user_id == row.user_id
