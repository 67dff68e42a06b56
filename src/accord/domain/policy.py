"""What an organisation rules for its partnerships: no entry gives a guest access by itself (model 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from accord.domain.errors import ValidationError


@dataclass(frozen=True, slots=True)
class Policy:
    """The entries, each with its default; an organisation that never set one has these.

    `allowed_partners`: empty allows every partner; `blocked_partners` works in both directions. Durations bound the
    end of a partnership, counted from now.
    """

    max_partnership_duration: timedelta | None = None
    default_auto_extend: timedelta | None = None
    require_mfa: bool = False
    require_reason: bool = False
    allowed_partners: frozenset[UUID] = frozenset()
    blocked_partners: frozenset[UUID] = frozenset()
    auto_approve_partners: frozenset[UUID] = frozenset()
    host_admin_may_unshare: bool = True
    roles_only_to_partner_of_record: bool = True
    representative_manages_groups: bool = False
    explicit_assignment: bool = False
    admin_may_invite: bool = False
    frozen: bool = False

    def admits(self, organisation_id: UUID) -> bool:
        """May this organisation be a partner at all?"""
        if organisation_id in self.blocked_partners:
            return False
        return not self.allowed_partners or organisation_id in self.allowed_partners

    def latest_end(self, now: datetime, wanted: datetime | None) -> datetime | None:
        """The end of a partnership that begins now: as wanted, at the latest as the longest duration says."""
        if self.max_partnership_duration is None:
            return wanted
        latest = now + self.max_partnership_duration
        return latest if wanted is None else min(wanted, latest)

    def check_end(self, now: datetime, until: datetime | None, field: str = "until") -> None:
        """Is this end in the future and within the longest duration? ValidationError for `field` otherwise."""
        if until is not None and until <= now:
            raise ValidationError(field, "This lies in the past.")
        if self.max_partnership_duration is None:
            return
        if until is None or until > now + self.max_partnership_duration:
            days = self.max_partnership_duration.days
            raise ValidationError(field, f"The policy of the host allows at most {days} days from now.")
