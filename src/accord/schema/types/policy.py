"""What an organisation rules for its partnerships."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import strawberry
from strawberry import ID

from accord.access.permissions import Action
from accord.database.queries.read.policy import PolicyRow
from accord.schema.permissions import guarded


@guarded(Action.POLICY_READ)
@strawberry.type(description="The rules of an organisation for its partnerships; none of them gives access by itself.")
class OrganisationPolicy:
    version: int = strawberry.field(description="0 until something was set.")
    frozen: bool = strawberry.field(description="All partner access is denied until it is unfrozen.")
    require_reason: bool = strawberry.field(description="Whoever acts here says why.")
    require_mfa: bool = strawberry.field(description="Partners' people need a sign-in with more than one factor.")
    admin_may_invite: bool = strawberry.field(
        description="Admins invite partners to limited access (S92); set by a legal representative."
    )
    host_admin_may_unshare: bool = strawberry.field(description="Admins take back shares of accounts they see (Q13).")
    roles_only_to_partner_of_record: bool = strawberry.field(
        description="Roles are delegated to the partner of record alone (Q26)."
    )
    representative_manages_groups: bool = strawberry.field(
        description="As a partner: a partnership's representative fills its role groups, too."
    )
    explicit_assignment: bool = strawberry.field(
        description="As a partner: nobody uses the level at a customer without being assigned to it."
    )
    max_partnership_duration: timedelta | None
    default_auto_extend: timedelta | None
    allowed_partners: list[ID] = strawberry.field(description="Empty: any partner.")
    blocked_partners: list[ID] = strawberry.field(description="In both directions.")
    auto_approve_partners: list[ID] = strawberry.field(description="Requests to them need no admin's approval.")

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, PolicyRow)
