"""What a decision looks at: plain values read by the caller, never rows and never I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accord.domain.level import UNBOUNDED, DataAccessLevel
from accord.domain.partnership import Holder, PartnershipPath, PartnershipState
from accord.domain.sharing import AccessItemState, AccountRole, AccountStatus, GrantState, ShareState


@dataclass(frozen=True, slots=True)
class PartnershipFacts:
    """One partnership. `requester_id`: who submitted the current attempt; `told_guest`: the guest may know of it;
    `asked_by_guest`: the current attempt is the guest's own.

    `ceiling` is the least of the contract's and the link's. `frozen`, `mfa_required` and `host_admin_may_unshare` come
    from the host's policy, `barred` where one side blocks the other or the host's list of allowed partners lacks the
    guest.
    """

    host_id: UUID
    guest_id: UUID
    state: PartnershipState
    path: PartnershipPath = PartnershipPath.HOST_REQUEST
    told_guest: bool = True
    asked_by_guest: bool = False
    owner_id: UUID | None = None
    owner_active: bool = True
    co_owner_ids: frozenset[UUID] = frozenset()
    requester_id: UUID | None = None
    representative_id: UUID | None = None
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    host_active: bool = True
    guest_active: bool = True
    suspended_by: frozenset[Holder] = frozenset()
    ceiling: DataAccessLevel = UNBOUNDED
    granted: DataAccessLevel = DataAccessLevel.NONE
    frozen: bool = False
    barred: bool = False
    mfa_required: bool = False
    host_admin_may_unshare: bool = True
    representative_manages_groups: bool = False
    roles_open: bool = False
    roles_delegated: bool = False

    def is_owned_by(self, person_id: UUID) -> bool:
        """Is this the Partnership Owner or a co-owner, who counts as one (Q12)?"""
        return person_id == self.owner_id or person_id in self.co_owner_ids


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """One account; `owner_ids` are its active owners only."""

    host_id: UUID
    owner_ids: frozenset[UUID]
    status: AccountStatus = AccountStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class ShareFacts:
    """One share; its ids repeat those of its partnership."""

    state: ShareState
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """One person's grant on a share."""

    user_id: UUID
    role: AccountRole
    state: GrantState
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccessItemFacts:
    """One member's place in an access request."""

    requester_id: UUID
    member_id: UUID
    state: AccessItemState


@dataclass(frozen=True, slots=True)
class Target:
    """What an act is about; only the parts that the act has are given.

    `grants`: the caller's own grants on the target, each with its share and partnership; `subject_ids`: the people
    that the act puts somewhere; `admin_may_invite`: the organisation's policy says so.
    """

    organisation_id: UUID | None = None
    partnership: PartnershipFacts | None = None
    account: AccountFacts | None = None
    share: ShareFacts | None = None
    grant: GrantFacts | None = None
    item: AccessItemFacts | None = None
    person_id: UUID | None = None
    subject_ids: frozenset[UUID] = frozenset()
    admin_may_invite: bool = False
