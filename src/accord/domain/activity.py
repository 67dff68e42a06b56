"""The vocabulary of activity and the hash chain that makes edits and gaps visible (model 4.12)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from accord.domain.text import camel

FIRST_HASH: Final = "0" * 64


class EventType(StrEnum):
    PARTNERSHIP_REQUESTED = "partnership.requested"
    PARTNERSHIP_INVITED = "partnership.invited"
    PARTNERSHIP_APPROVED = "partnership.approved"
    PARTNERSHIP_DECLINED = "partnership.declined"
    PARTNERSHIP_ACCEPTED = "partnership.accepted"
    PARTNERSHIP_REFUSED = "partnership.refused"
    PARTNERSHIP_RESENT = "partnership.resent"
    PARTNERSHIP_REMINDED = "partnership.reminded"
    PARTNERSHIP_WITHDRAWN = "partnership.withdrawn"
    PARTNERSHIP_LAPSED = "partnership.lapsed"
    PARTNERSHIP_SUSPENDED = "partnership.suspended"
    PARTNERSHIP_RESUMED = "partnership.resumed"
    PARTNERSHIP_EXTENDED = "partnership.extended"
    PARTNERSHIP_EXPIRED = "partnership.expired"
    PARTNERSHIP_TERMINATED = "partnership.terminated"
    PARTNERSHIP_OWNERSHIP_TRANSFERRED = "partnership.ownership_transferred"
    PARTNERSHIP_CO_OWNERS_CHANGED = "partnership.co_owners_changed"
    PARTNERSHIP_REPRESENTATIVE_CHANGED = "partnership.representative_changed"
    AMENDMENT_PROPOSED = "amendment.proposed"
    AMENDMENT_APPROVED = "amendment.approved"
    AMENDMENT_APPLIED = "amendment.applied"
    AMENDMENT_DECLINED = "amendment.declined"
    AMENDMENT_WITHDRAWN = "amendment.withdrawn"
    AMENDMENT_LAPSED = "amendment.lapsed"
    LINK_CREATED = "link.created"
    LINK_ENDED = "link.ended"
    LEVEL_GRANTED = "level.granted"
    LEVEL_REDUCED = "level.reduced"
    LEVEL_REVOKED = "level.revoked"
    LEVEL_CEILING_SET = "level.ceiling_set"
    DELEGATION_ENABLED = "delegation.enabled"
    DELEGATION_CLEARED = "delegation.cleared"
    ROLEGROUP_MEMBER_ADDED = "rolegroup.member_added"
    ROLEGROUP_MEMBER_REMOVED = "rolegroup.member_removed"
    ASSIGNMENT_CHANGED = "assignment.changed"
    CONTACT_INVITED = "contact.invited"
    CONTACT_ACCEPTED = "contact.accepted"
    CONTACT_CONVERTED = "contact.converted"
    CONTACT_REMOVED = "contact.removed"
    SHARE_ADDED = "share.added"
    SHARE_REMOVED = "share.removed"
    SHARE_SUSPENDED = "share.suspended"
    SHARE_RESUMED = "share.resumed"
    SESSION_STARTED = "session.started"
    SESSION_ENDED = "session.ended"
    SESSION_REVOKED = "session.revoked"
    GRANT_ROLE_CHANGED = "grant.role_changed"
    GRANT_REVOKED = "grant.revoked"
    GRANT_EXPIRED = "grant.expired"
    ACCESS_REQUEST_FILED = "access_request.filed"
    ACCESS_REQUEST_ACCEPTED = "access_request.accepted"
    ACCESS_REQUEST_DECLINED = "access_request.declined"
    ACCESS_REQUEST_WITHDRAWN = "access_request.withdrawn"
    ACCESS_REQUEST_LAPSED = "access_request.lapsed"
    ACCESS_REQUEST_CANCELLED = "access_request.cancelled"
    MEMBER_INVITED = "member.invited"
    MEMBER_JOINED = "member.joined"
    MEMBER_PROVISIONED = "member.provisioned"
    MEMBER_UPDATED = "member.updated"
    MEMBER_DEACTIVATED = "member.deactivated"
    MEMBER_REACTIVATED = "member.reactivated"
    MEMBER_REMOVED = "member.removed"
    INVITATION_CLAIMED = "invitation.claimed"
    INVITATION_CONFIRMED = "invitation.confirmed"
    INVITATION_REFUSED = "invitation.refused"
    ACCOUNT_CREATED = "account.created"
    ACCOUNT_UPDATED = "account.updated"
    ACCOUNT_OWNERS_CHANGED = "account.owners_changed"
    ACCOUNT_ARCHIVED = "account.archived"
    ORGANISATION_CREATED = "organisation.created"
    ORGANISATION_STATUS_CHANGED = "organisation.status_changed"
    ORGANISATION_PARTNER_CHANGED = "organisation.partner_changed"
    ORGANISATION_MAIL_BUDGET_SET = "organisation.mail_budget_set"
    SETTINGS_CHANGED = "settings.changed"
    TERMS_PUBLISHED = "terms.published"
    TERMS_ACCEPTED = "terms.accepted"
    FEATURE_CHANGED = "feature.changed"
    INVOICE_ISSUED = "invoice.issued"
    INVOICE_PAID = "invoice.paid"
    INVOICE_VOIDED = "invoice.voided"
    WALLET_TOPPED_UP = "wallet.topped_up"
    SCIM_CREDENTIAL_CREATED = "scim_credential.created"
    SCIM_CREDENTIAL_REVOKED = "scim_credential.revoked"
    SCIM_GROUP_ROLES_SET = "scim_group.roles_set"
    API_CLIENT_CREATED = "api_client.created"
    API_CLIENT_REVOKED = "api_client.revoked"
    POLICY_CHANGED = "policy.changed"
    ACCESS_FROZEN = "access.frozen"
    ACCESS_UNFROZEN = "access.unfrozen"
    EXPORT_CREATED = "export.created"
    SIGNIN_ACCOUNT = "signin.account"
    SIGNIN_PLATFORM = "signin.platform"
    DENIED = "denied"


class Outcome(StrEnum):
    SUCCESS = "SUCCESS"
    DENIED = "DENIED"


def counted(counts: Mapping[str, int]) -> dict[str, int]:
    """What an act ended, as its event tells it: the counts of the receipt, in the API's spelling (model 4.12)."""
    return {camel(name): count for name, count in counts.items()}


CHAINED: Final = (
    "stream_id",
    "sequence",
    "occurred_at",
    "type",
    "outcome",
    "actor_user_id",
    "actor_name",
    "actor_home_organisation_id",
    "host_id",
    "guest_id",
    "partnership_id",
    "account_id",
    "account_label",
    "app",
    "location",
    "os",
    "device",
    "ip",
    "reason",
    "data",
)
"""The columns of an event that its hash covers, in the order of the canonical JSON's keys before sorting."""

CHAINED_IF_SET: Final = ("acting_session_id", "actor_api_client_id")
"""Columns that came later: what was written before them keeps its hash."""


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, UUID):
        return str(value)
    return value


def canonical(row: Mapping[str, Any]) -> bytes:
    """The row as canonical JSON: sorted keys, no blanks, times in UTC with microseconds, UTF-8."""
    columns = (*CHAINED, *(column for column in CHAINED_IF_SET if row.get(column) is not None))
    covered = {column: _plain(row[column]) for column in columns}
    return json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chain_hash(previous: str, row: Mapping[str, Any]) -> str:
    """SHA-256 over the previous hash and the canonical row, hexadecimal."""
    return hashlib.sha256(previous.encode() + canonical(row)).hexdigest()
