"""Activity and notices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID

from accord.access.permissions import Action
from accord.database.queries.read.activity import EventRow, NotificationRow
from accord.schema.links import link
from accord.schema.permissions import guarded
from accord.schema.scalars import JSON
from accord.schema.types.acting import ActingSession, ApiClient
from accord.schema.types.enums import Outcome
from accord.schema.types.node import Node
from accord.schema.types.organisation import Organisation, User
from accord.schema.types.partnership import Partnership
from accord.schema.types.sharing import Account


@guarded(Action.ACTIVITY_READ)
@strawberry.type(description="Something that happened, in the stream of one organisation (S88).")
class ActivityEvent(Node):
    id: ID
    sequence: int = strawberry.field(description="Its number in the stream, without gaps.")
    occurred_at: datetime
    type: str
    outcome: Outcome
    account: Account | None = link("account_by_id", "account_id")
    account_label: str | None
    app: str | None
    user: User | None = link("user_by_id", "actor_user_id")
    user_name: str
    user_home: Organisation | None = link("organisation_by_id", "actor_home_organisation_id")
    actor_api_client: ApiClient | None = link(
        "api_client_by_id", "actor_api_client_id", description="The API client by which the user did it; for admins."
    )
    api_client_name: str | None
    acting_session: ActingSession | None = link("session_by_id", "acting_session_id")
    on_behalf_of: Organisation | None = link(
        "organisation_by_id", "on_behalf_of_id", description="In whose name somebody acted in a session."
    )
    location: str | None
    os: str | None
    device: str | None
    ip: str | None
    partner: Organisation | None = link("organisation_by_id", "partner_id")
    reason: str | None
    partnership: Partnership | None = link("partnership_by_id", "partnership_id")
    data: JSON | None
    hash: str
    erased: bool = strawberry.field(
        description="Have personal facts of this event been erased? `[erased]` stands in their place, null in `data`;"
        " the chain still verifies."
    )

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, EventRow)


@guarded(Action.NOTIFICATION_READ)
@strawberry.type(description="A notice to the viewer; the mail of the same occasion says the same.")
class Notification(Node):
    id: ID
    template: str
    subject: str
    text: str
    created_at: datetime
    read_at: datetime | None
    partnership: Partnership | None = link("partnership_by_id", "partnership_id")

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, NotificationRow)
