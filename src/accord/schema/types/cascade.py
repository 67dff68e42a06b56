"""What the worker finishes after an act."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID

from accord.access.permissions import Action
from accord.database.queries.read.cascade import CascadeRow
from accord.schema.permissions import guarded
from accord.schema.types.enums import CascadeKind
from accord.schema.types.node import Node


@guarded(Action.ORGANISATION_READ)
@strawberry.type(
    description="What follows from an act that concerns more than a request has time for. The act itself is done, and "
    "what it denies has been denied since; this is how far the rows, events and mails have come. The person who acted "
    "sees it, admins of the organisation in whose name it was, and the vendor's staff."
)
class Cascade(Node):
    id: ID
    kind: CascadeKind
    total: int = strawberry.field(description="How many shares or partnerships it goes through.")
    finished: int = strawberry.field(description="How many of them are done.")
    done: bool = strawberry.field(description="True: nothing is left.")
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, CascadeRow)
