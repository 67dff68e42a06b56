"""Amendments: terms of an active partnership that are to change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID, Parent

from accord.access.permissions import Action
from accord.database.queries.read.amendment import AmendmentRow
from accord.schema.context import Info
from accord.schema.decisions import demand_on_partnership
from accord.schema.links import decided_link, link
from accord.schema.permissions import field, guarded
from accord.schema.types.enums import (
    AccessMode,
    AmendmentKind,
    AmendmentState,
    DataAccessLevel,
    GuestDecision,
    HostDecision,
    PartnershipSide,
    Purpose,
)
from accord.schema.types.node import Node
from accord.schema.types.organisation import User
from accord.schema.types.partnership import Partnership
from accord.schema.types.viewer_can import AmendmentAction, on_amendment

REASON = Action.PARTNERSHIP_READ_REASON


@guarded(Action.AMENDMENT_READ)
@strawberry.type(description="The terms that an amendment can change.")
class AmendableTerms:
    purposes: list[Purpose]
    expires_at: datetime | None
    access_mode: AccessMode
    wallet_entrusted: bool
    level: DataAccessLevel = strawberry.field(
        description="The level granted by the host; COMPLETE that is added brings MANAGE, as far as the ceiling allows."
    )


@guarded(Action.AMENDMENT_READ)
@strawberry.type(
    description="A change of the terms of an active partnership. What is narrower is in force at once; what is wider "
    "waits for the other side, and the terms that stand go on meanwhile."
)
class Amendment(Node):
    id: ID
    version: int
    partnership: Partnership | None = link("partnership_by_id", "partnership_id")
    kind: AmendmentKind
    state: AmendmentState
    side: PartnershipSide = strawberry.field(description="Who proposed it.")
    proposed_at: datetime
    host_decision: HostDecision | None
    host_decided_by: User | None = decided_link("user_by_id", "host_decided_by", REASON, "partnership_id")
    host_decided_at: datetime | None
    guest_decision: GuestDecision | None
    guest_decided_by: User | None = link("user_by_id", "guest_decided_by")
    guest_decided_at: datetime | None
    decision_reason: str | None = strawberry.field(description="Why it was declined.")
    lapses_at: datetime | None = strawberry.field(description="Until when it waits for an answer.")
    ended_at: datetime | None = strawberry.field(description="When it was applied, or came to nothing.")

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, AmendmentRow)

    @field(description="The terms that stood when it was proposed.")
    def before(self, root: Parent[AmendmentRow]) -> AmendableTerms:
        return _terms(root, "before")

    @field(description="The terms as they are to be.")
    def after(self, root: Parent[AmendmentRow]) -> AmendableTerms:
        return _terms(root, "after")

    @field(REASON, description="The person; of the host's people only the host knows.")
    async def proposed_by(self, root: Parent[AmendmentRow], info: Info) -> User | None:
        if root.side != PartnershipSide.GUEST.value:
            await demand_on_partnership(info, root.partnership_id, REASON)
        proposer: User | None = await info.context.loaders.user_by_id.load(root.proposed_by)
        return proposer

    @field(description="What is open to the viewer now; an act that is not listed is refused.")
    async def viewer_can(self, root: Parent[AmendmentRow], info: Info) -> list[AmendmentAction]:
        facts = await info.context.loaders.facts_by_partnership.load(root.partnership_id)
        return [] if facts is None else on_amendment(info.context.principal, facts, root, info.context.now)


def _terms(row: AmendmentRow, when: str) -> AmendableTerms:
    return AmendableTerms(
        purposes=row[f"{when}_purposes"],
        expires_at=row[f"{when}_expires_at"],
        access_mode=row[f"{when}_access_mode"],
        wallet_entrusted=row[f"{when}_wallet_entrusted"],
        level=row[f"{when}_level"],
    )
