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
from accord.database.queries.read.sharing import AccessItemRow, AccountRow, GrantRow, ShareRow
from accord.domain.text import initial
from accord.schema.connections import listing, names
from accord.schema.context import Info
from accord.schema.decisions import demand_on_account
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

    @field(description="Who of the guest has access, as far as the viewer sees it.")
    async def grants(
        self, root: Parent[ShareRow], info: Info, state: list[GrantState] | None = None
    ) -> list[AccountGrant]:
        return await info.context.loaders.grouped(read.GRANTS_BY_SHARE, state=names(state)).load(root.key)

    @field(description="Who has been asked for, as far as the viewer sees it.")
    async def access_requests(
        self, root: Parent[ShareRow], info: Info, state: list[AccessItemState] | None = None
    ) -> list[AccessRequestItem]:
        return await info.context.loaders.grouped(read.ITEMS_BY_SHARE, state=names(state)).load(root.key)


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
    owners: list[User] | None = link("owners_by_account", "key", "The active Account Owners.")

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

    @field(Action.SHARE_READ, description="Where it is shared.")
    def shares(
        self,
        root: Parent[AccountRow],
        info: Info,
        state: list[ShareState] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[AccountShare] | None:
        return listing(info, read.SHARES_OF_ACCOUNT, root.key, span(first, after), state=names(state))

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

    @field(description="The strongest role in which the viewer meets the account.")
    async def viewer_role(self, root: Parent[AccountRow], info: Info) -> ViewerRole | None:
        held = set[Capacity]()
        for target in await info.context.loaders.targets_by_account.load(root.key):
            held |= capacities(info.context.principal, target)
        return next((role for capacity, role in BY_CAPACITY.items() if capacity in held), None)

    @field(description="The initial of the host's name, where the account is another organisation's (S75).")
    async def badge(self, root: Parent[AccountRow], info: Info) -> str | None:
        if any(str(key) == root.host_id for key in info.context.principal.organisations):
            return None
        host = await info.context.loaders.organisation_by_id.load(root.host_id)
        return None if host is None else initial(host.name)

    @field(description="What is open to the viewer now; an act that is not listed is refused.")
    async def viewer_can(self, root: Parent[AccountRow], info: Info) -> list[AccountAction]:
        targets = await info.context.loaders.targets_by_account.load(root.key)
        owned = await info.context.loaders.owned_partnerships.load("mine")
        return on_account(info.context.principal, targets, owned, info.context.now)
