"""Who asks."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import Parent

from accord.access.permissions import Action
from accord.access.principal import Principal
from accord.database.queries.read.acting import CUSTOMERS
from accord.database.queries.read.activity import NOTIFICATIONS
from accord.database.queries.read.contact import CONTACTS_OF_PERSON
from accord.database.queries.read.organisation import OWN_MEMBERSHIPS
from accord.database.queries.read.sharing import SHARED_ACCOUNTS
from accord.schema.connections import listing, search_text
from accord.schema.context import Info
from accord.schema.pagination import Connection, span
from accord.schema.permissions import field, guarded
from accord.schema.types.acting import ActingSession, ApiClient, Customer
from accord.schema.types.activity import Notification
from accord.schema.types.contact import ExternalContact
from accord.schema.types.organisation import Membership, Organisation, User
from accord.schema.types.sharing import Account


@strawberry.type(description="The vendor's contact, for whoever meets an unmet prerequisite (S6, S18).")
class SupportContact:
    name: str
    email: str
    url: str | None


@guarded(Action.PARTNER_LOOK_UP)
@strawberry.type(description="What is told of an organisation to somebody who knows its handle: no more.")
class PartnerSummary:
    handle: str
    name: str


@guarded(Action.VIEWER_READ, but=("memberships",))
@strawberry.type(description="The person who asks, at home.")
class Viewer:
    @strawberry.field
    async def user(self, root: Parent[Principal], info: Info) -> User:
        person: User = await info.context.loaders.user_by_id.load(str(root.person_id))
        return person

    @strawberry.field
    async def home_organisation(self, root: Parent[Principal], info: Info) -> Organisation:
        home: Organisation = await info.context.loaders.organisation_by_id.load(str(root.home_organisation_id))
        return home

    @field(description="The organisation acted in; without a session home, or the one place of work.")
    async def organisation(self, root: Parent[Principal], info: Info) -> Organisation:
        chosen: Organisation = await info.context.loaders.organisation_by_id.load(str(acted_in(root)))
        return chosen

    @field(Action.SESSION_READ, description="The session that this request is in; null at home.")
    async def acting_session(self, root: Parent[Principal], info: Info) -> ActingSession | None:
        if root.acting is None:
            return None
        session: ActingSession = await info.context.loaders.session_by_id.load(str(root.acting.session_id))
        return session

    @field(Action.API_CLIENT_READ, description="The API client that asks as the viewer; null for people.")
    async def api_client(self, root: Parent[Principal], info: Info) -> ApiClient | None:
        if root.api_client is None:
            return None
        client: ApiClient = await info.context.loaders.api_client_by_id.load(str(root.api_client.client_id))
        return client

    @field(Action.SESSION_OPEN, description="The organisations that the viewer can act in, by name or handle (S14).")
    def customers(
        self,
        root: Parent[Principal],
        info: Info,
        search: str | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Customer] | None:
        wanted = span(first, after, last, before)
        return listing(info, CUSTOMERS, str(root.person_id), wanted, search=search_text(search))

    @field(description="Where the person is or was a member.")
    async def memberships(self, root: Parent[Principal], info: Info) -> list[Membership]:
        rows: list[Any] = await info.context.snapshot.fetch(OWN_MEMBERSHIPS)
        return rows

    @field(Action.ACCOUNT_READ, description="Accounts of other organisations that the viewer can sign in to (S75).")
    def shared_accounts(
        self,
        root: Parent[Principal],
        info: Info,
        search: str | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Account] | None:
        wanted = span(first, after, last, before)
        return listing(info, SHARED_ACCOUNTS, str(root.person_id), wanted, search=search_text(search))

    @field(Action.CONTACT_READ, description="Where the viewer is an external contact, and as what (S109).")
    def external_contacts(
        self, root: Parent[Principal], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[ExternalContact] | None:
        return listing(info, CONTACTS_OF_PERSON, str(root.person_id), span(first, after))

    @field(Action.NOTIFICATION_READ, description="Newest first.")
    def notifications(
        self,
        root: Parent[Principal],
        info: Info,
        unread: bool | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[Notification] | None:
        return listing(info, NOTIFICATIONS, str(root.person_id), span(first, after), unread=unread)


def acted_in(principal: Principal) -> Any:
    """The organisation whose view the viewer gets: that of the session, else home, unless the person works elsewhere
    alone."""
    if principal.acting is not None:
        return principal.acting.host_id
    home = principal.home_organisation_id
    if home in principal.organisations or not principal.standings:
        return home
    return principal.standings[0].organisation_id
