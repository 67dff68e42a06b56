"""Acting in another organisation: the session, and where the viewer can open one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID

from accord.access.permissions import Action
from accord.database.queries.read.acting import SessionRow
from accord.schema.links import link
from accord.schema.permissions import guarded
from accord.schema.types.enums import ActingBasis, DataAccessLevel, DelegatedRole
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
