"""Accounts, shares, grants and access requests."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import ID, Parent

from accord.access.decision import capacities
from accord.access.permissions import Action, Capacity
from accord.database.queries.read import sharing as read
from accord.database.queries.read.activity import EVENTS_OF_ACCOUNT
from accord.database.queries.read.sharing import AccessItemRow, AccountRow, GrantRow, InvitableAccountRow, ShareRow
from accord.domain.text import initial
from accord.schema.connections import listing, listings, names
from accord.schema.context import Info
from accord.schema.decisions import demand_on_account
from accord.schema.levels import Each, whole
from accord.schema.links import link
from accord.schema.pagination import Connection, span
from accord.schema.permissions import field, guarded
from accord.schema.types.enums import (
    AccessItemState,
    AccountKind,
    AccountRole,
    AccountStatus,
    GrantState,
    ShareState,
    ViewerRole,
)
from accord.schema.types.filters import ActivityFilter, event_filter
from accord.schema.types.node import Node
from accord.schema.types.organisation import Organisation, User
from accord.schema.types.partnership import Partnership
from accord.schema.types.viewer_can import AccountAction, on_account

if TYPE_CHECKING:
    from accord.schema.types.activity import ActivityEvent

LazyEvent = Annotated["ActivityEvent", strawberry.lazy("accord.schema.types.activity")]

PANEL = Action.ACCOUNT_READ_PANEL
BY_CAPACITY = {
    Capacity.ACCOUNT_OWNER: ViewerRole.ACCOUNT_OWNER,
    Capacity.ACCOUNT_MANAGER: ViewerRole.ACCOUNT_MANAGER,
    Capacity.GRANTEE: ViewerRole.COLLABORATOR,
}
"""The strongest first."""


@guarded(Action.SHARE_READ)
@strawberry.type(description="An account shared in a partnership.")
class AccountShare(Node):
    id: ID
    version: int
    partnership: Partnership | None = link(
        "partnership_by_id", "partnership_id", "Null for an Account Owner who does not see it; the guest stays named."
    )
    guest: Organisation = link("organisation_by_id", "guest_id")
    host: Organisation = link("organisation_by_id", "host_id")
    account: Account | None = link("account_by_id", "account_id")
    shared_by: User | None = link("user_by_id", "shared_by")
    state: ShareState
    shared_at: datetime
    ended_at: datetime | None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, ShareRow)

    @whole(description="Who of the guest has access, as far as the viewer sees it.")
    def grants(
        self,
        rows: Parent[list[ShareRow]],
        info: Info,
        state: list[GrantState] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Each[Connection[AccountGrant]]:
        return listings(info, read.GRANTS_OF_SHARE, rows, span(first, after, last, before), state=names(state))

    @whole(description="Who has been asked for, as far as the viewer sees it.")
    def access_requests(
        self,
        rows: Parent[list[ShareRow]],
        info: Info,
        state: list[AccessItemState] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Each[Connection[AccessRequestItem]]:
        return listings(info, read.ITEMS_OF_SHARE, rows, span(first, after, last, before), state=names(state))


@guarded(Action.SHARE_READ)
@strawberry.type(description="One person's access to a shared account.")
class AccountGrant(Node):
    id: ID
    version: int
    share: AccountShare | None = link("share_by_id", "share_id", "Null where the account is not for the viewer (S77).")
    user: User = link("user_by_id", "user_id")
    role: AccountRole
    state: GrantState
    granted_by: User | None = link("user_by_id", "granted_by")
    granted_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, GrantRow)


@guarded(Action.SHARE_READ)
@strawberry.type(description="One member's place in an access request (S85).")
class AccessRequestItem(Node):
    id: ID
    version: int
    share: AccountShare | None = link("share_by_id", "share_id", "Null where the account is not for the viewer yet.")
    member: User = link("user_by_id", "member_user_id")
    requested_by: User = link("user_by_id", "requested_by")
    role: AccountRole
    note: str | None
    state: AccessItemState
    created_at: datetime
    lapses_at: datetime
    decided_by: User | None = link("user_by_id", "decided_by")
    decided_at: datetime | None
    decision_note: str | None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, AccessItemRow)


@guarded(Action.ACCOUNT_READ)
@strawberry.type(description="Something a host owns that can be shared.")
class Account(Node):
    id: ID
    version: int
    host: Organisation = link("organisation_by_id", "host_id")
    kind: AccountKind
    category: str | None
    app: str
    label: str
    status: AccountStatus
    created_at: datetime
    owners: list[User] | None = link("owners_by_account", "key", "The active Account Owners, 20 at most.")

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, AccountRow)

    @field(PANEL, description="A security setting (S42); for people of the host.")
    async def launch_url(self, root: Parent[AccountRow], info: Info) -> str | None:
        await demand_on_account(info, root.key, PANEL)
        url: str = root.launch_url
        return url

    @field(PANEL, description="Has the account no active owner any more?")
    async def needs_owner(self, root: Parent[AccountRow], info: Info) -> bool | None:
        await demand_on_account(info, root.key, PANEL)
        return not await info.context.loaders.owners_by_account.load(root.key)

    @whole(Action.SHARE_READ, description="Where it is shared.")
    def shares(
        self,
        rows: Parent[list[AccountRow]],
        info: Info,
        state: list[ShareState] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Each[Connection[AccountShare] | None]:
        return listings(info, read.SHARES_OF_ACCOUNT, rows, span(first, after), state=names(state))

    @field(PANEL, description="The account's Members tab; for people of the host.")
    async def grants(
        self,
        root: Parent[AccountRow],
        info: Info,
        state: list[GrantState] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[AccountGrant] | None:
        await demand_on_account(info, root.key, PANEL)
        return listing(info, read.GRANTS_OF_ACCOUNT, root.key, span(first, after), state=names(state))

    @field(PANEL, description="Who waits for access (S84); for people of the host.")
    async def access_requests(
        self,
        root: Parent[AccountRow],
        info: Info,
        state: list[AccessItemState] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[AccessRequestItem] | None:
        await demand_on_account(info, root.key, PANEL)
        return listing(info, read.ITEMS_OF_ACCOUNT, root.key, span(first, after), state=names(state))

    @field(Action.ACTIVITY_READ, description="Newest first (S87).")
    def activity(
        self,
        root: Parent[AccountRow],
        info: Info,
        filter: ActivityFilter | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LazyEvent] | None:
        wanted = span(first, after, last, before)
        return listing(info, EVENTS_OF_ACCOUNT, root.key, wanted, **event_filter(filter))

    @whole(description="The strongest role in which the viewer meets the account.")
    async def viewer_role(self, rows: Parent[list[AccountRow]], info: Info) -> Each[ViewerRole | None]:
        known = await info.context.loaders.targets_by_account.level([row.key for row in rows])
        return [_strongest(info, targets) for targets in known]

    @whole(description="The initial of the host's name, where the account is another organisation's (S75).")
    async def badge(self, rows: Parent[list[AccountRow]], info: Info) -> Each[str | None]:
        own = {str(key) for key in info.context.principal.organisations}
        foreign = [row.host_id for row in rows if row.host_id not in own]
        hosts = dict(zip(foreign, await info.context.loaders.organisation_by_id.level(foreign), strict=True))
        return [_initial(hosts.get(row.host_id)) for row in rows]

    @whole(description="What is open to the viewer now; an act that is not listed is refused.")
    async def viewer_can(self, rows: Parent[list[AccountRow]], info: Info) -> Each[list[AccountAction]]:
        loaders = info.context.loaders
        known = await loaders.targets_by_account.level([row.key for row in rows])
        owned = await loaders.owned_partnerships.load("mine")
        principal, now = info.context.principal, info.context.now
        return [
            targets if isinstance(targets, Exception) else on_account(principal, targets, owned, now)
            for targets in known
        ]


def _strongest(info: Info, targets: Any) -> Any:
    if isinstance(targets, Exception):
        return targets
    held = set[Capacity]().union(*(capacities(info.context.principal, target) for target in targets))
    return next((role for capacity, role in BY_CAPACITY.items() if capacity in held), None)


def _initial(host: Any) -> Any:
    return host if host is None or isinstance(host, Exception) else initial(host.name)


@guarded(Action.PARTNERSHIP_INVITE)
@strawberry.type(description="An account or product as an invitation lists it: no more than what it is called.")
class InvitableAccount:
    account_id: ID
    kind: AccountKind
    category: str | None
    app: str
    label: str

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, InvitableAccountRow)
