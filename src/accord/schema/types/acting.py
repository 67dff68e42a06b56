"""Who asks in whose name: sessions in another organisation, where one can be opened, and API clients."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID

from accord.access.permissions import Action
from accord.database.queries.read.acting import SessionRow
from accord.database.queries.read.api_client import ApiClientRow
from accord.schema.links import link
from accord.schema.permissions import guarded
from accord.schema.types.enums import ActingBasis, ApiClientStatus, DataAccessLevel, DelegatedRole
from accord.schema.types.node import Node
from accord.schema.types.organisation import Organisation, User
from accord.schema.types.partnership import Partnership


@guarded(Action.SESSION_READ)
@strawberry.type(description="Somebody at work in another organisation, as themselves (S13 to S17).")
class ActingSession(Node):
    id: ID
    user: User | None = link("user_by_id", "user_id")
    home: Organisation = link("organisation_by_id", "home_id", description="In whose service the person is.")
    host: Organisation = link("organisation_by_id", "host_id", description="The organisation acted in.")
    partnership: Partnership | None = link("partnership_by_id", "partnership_id")
    basis: ActingBasis
    level: DataAccessLevel | None
    role_key: DelegatedRole | None
    reason: str | None
    started_at: datetime
    ends_at: datetime = strawberry.field(description="An hour at most; unused for 15 minutes, it ends earlier.")
    ended_at: datetime | None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, SessionRow)


@guarded(Action.SESSION_OPEN)
@strawberry.type(description="One way in which the viewer may act for a customer.")
class CustomerBasis:
    basis: ActingBasis
    level: DataAccessLevel | None
    role_key: DelegatedRole | None
    partnership: Partnership | None = link("partnership_by_id", "partnership_id")


@guarded(Action.SESSION_OPEN)
@strawberry.type(description="An organisation in which the viewer can act (S14).")
class Customer:
    organisation: Organisation = link("organisation_by_id")
    level: DataAccessLevel = strawberry.field(description="The effective level; NONE where only a role opens it.")
    bases: list[CustomerBasis] = link("bases_by_host")


@guarded(Action.API_CLIENT_READ)
@strawberry.type(
    description="An integration that signs in as itself: it does what its owner may do in this organisation, as far as "
    "its scopes reach, and ends with its owner's membership. Admins see those of their organisation, a client itself."
)
class ApiClient(Node):
    id: ID
    version: int
    organisation: Organisation = link("organisation_by_id", "organisation_id")
    owner: User | None = link("user_by_id", "owner_user_id")
    name: str
    scopes: list[str] = strawberry.field(description="The actions that it may do, bundles as what they stood for.")
    status: ApiClientStatus
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = strawberry.field(description="To the minute; null before the first use.")
    revoked_by: User | None = link("user_by_id", "revoked_by")
    revoked_at: datetime | None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, ApiClientRow)
