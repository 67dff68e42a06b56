"""What single people hold at a host: external contacts, and the customers that a partner assigns to its people."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry import ID, Parent

from accord.access.permissions import Action
from accord.database.queries.read.contact import AssignmentRow, ContactRow
from accord.database.queries.read.invitation_claim import InvitationClaimRow
from accord.schema.context import Info
from accord.schema.errors import ForbiddenField
from accord.schema.links import link
from accord.schema.permissions import field, guarded
from accord.schema.types.enums import ClaimState, ContactStatus, DelegatedRole
from accord.schema.types.node import Node
from accord.schema.types.organisation import Membership, Organisation, User
from accord.schema.types.partnership import Partnership


@guarded(Action.CONTACT_READ)
@strawberry.type(description="A person of elsewhere with roles of the host, and without a partnership (S109).")
class ExternalContact(Node):
    id: ID
    version: int
    host: Organisation = link("organisation_by_id", "host_id")
    roles: list[DelegatedRole]
    status: ContactStatus
    user: User | None = link("user_by_id", "user_id", description="Unknown until the link of the mail is followed.")
    partnership: Partnership | None = link(
        "partnership_by_id", "partnership_id", description="Since the contact is converted: it ends with this (S103)."
    )
    invited_by: User | None = link("user_by_id", "invited_by")
    created_at: datetime
    accepted_at: datetime | None
    converted_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, ContactRow)

    @field(description="Where the link was sent; for the host's leaders and the person.")
    def email(self, root: Parent[ContactRow], info: Info) -> str | None:
        principal = info.context.principal
        own = principal.person_id is not None and root.user_id == str(principal.person_id)
        if not own and UUID(root.host_id) not in principal.leads:
            raise ForbiddenField(Action.CONTACT_MANAGE)
        email: str = root.email
        return email


@guarded(Action.ASSIGNMENT_READ)
@strawberry.type(
    description="One person of a partner who uses its level at one customer. Where nobody is assigned to a customer, "
    "every delegated admin of the partner does, unless its policy is `explicitAssignment`."
)
class CustomerAssignment:
    user: User = link("user_by_id", "user_id")
    customer: Organisation = link("organisation_by_id", "host_id")
    partnership: Partnership | None = link("partnership_by_id", "partnership_id")
    assigned_by: User | None = link("user_by_id", "assigned_by")
    assigned_at: datetime

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, AssignmentRow)


@guarded(Action.INVITATION_CONFIRM)
@strawberry.type(
    description="Somebody used the link of an invitation and does not sign in with the address that it was mailed to, "
    "or with one that no issuer vouches for. Nothing is given before it is confirmed."
)
class InvitationClaim(Node):
    id: ID
    version: int
    organisation: Organisation = link("organisation_by_id", "organisation_id")
    membership: Membership | None = link("membership_by_id", "membership_id", description="The invitation as a member.")
    contact: ExternalContact | None = link("contact_by_id", "contact_id", description="The invitation as a contact.")
    invited_email: str = strawberry.field(description="Where the link was mailed to.")
    roles: list[str] = strawberry.field(description="What the invitation gives.")
    email: str | None = strawberry.field(description="The address that the sign-in states.")
    email_verified: bool = strawberry.field(description="Whether the issuer vouches for it.")
    display_name: str | None = strawberry.field(description="The name that the sign-in states.")
    issuer: str = strawberry.field(description="Who vouches for the sign-in.")
    state: ClaimState
    claimed_at: datetime
    expires_at: datetime = strawberry.field(
        description="Until when it can be confirmed; once it is, until when the link works."
    )
    decided_by: User | None = link("user_by_id", "decided_by")
    decided_at: datetime | None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, InvitationClaimRow)
