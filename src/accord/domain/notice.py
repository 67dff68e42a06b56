"""What people are told, and when (model.md 4.11): one subject and one sentence or two per occasion.

The same words stand in the mail and in the notice inside the application (`viewer.notifications`). A placeholder is a
fact that the occasion needs; facts that it does not name are dropped, so a reason given to the host's admins (S51) has
no way into a mail to the guest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from string import Formatter
from types import MappingProxyType
from typing import Final

from accord.domain.mail_text import clean_fact, plain


class Template(StrEnum):
    """The occasions."""

    REQUEST_FILED = "request_filed"
    REMINDER = "reminder"
    INVITATION = "invitation"
    INVITATION_SENT = "invitation_sent"
    CUSTOMER_REQUESTED = "customer_requested"
    CUSTOMER_APPROVED = "customer_approved"
    CUSTOMER_DECLINED = "customer_declined"
    HOST_DECLINED = "host_declined"
    GUEST_DECLINED = "guest_declined"
    LAPSE_NOTICE = "lapse_notice"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    ACCEPTED = "accepted"
    PARTNERSHIP_ENDED = "partnership_ended"
    PARTNERSHIP_SUSPENDED = "partnership_suspended"
    PARTNERSHIP_RESUMED = "partnership_resumed"
    PARTNERSHIP_EXTENDED = "partnership_extended"
    AMENDMENT_PROPOSED = "amendment_proposed"
    AMENDMENT_APPLIED = "amendment_applied"
    AMENDMENT_DECLINED = "amendment_declined"
    AMENDMENT_CLOSED = "amendment_closed"
    EXPIRING = "expiring"
    OWNERSHIP_MOVED = "ownership_moved"
    REPRESENTATIVE_CHANGED = "representative_changed"
    SHARED = "shared"
    ROLE_CHANGED = "role_changed"
    ACCESS_REMOVED = "access_removed"
    ACCESS_EXPIRING = "access_expiring"
    SHARE_SUSPENDED = "share_suspended"
    SHARE_RESUMED = "share_resumed"
    ACCESS_REQUESTED = "access_requested"
    ACCESS_DECIDED = "access_decided"
    NEEDS_OWNER = "needs_owner"
    MEMBER_INVITED = "member_invited"
    LAST_ADMIN_REFUSED = "last_admin_refused"
    ORGANISATION_CREATED = "organisation_created"
    PARTNER_LINKED = "partner_linked"
    PARTNER_LINK_ENDED = "partner_link_ended"
    CEILING_CHANGED = "ceiling_changed"
    LEVEL_CHANGED = "level_changed"
    LEVEL_DISABLED = "level_disabled"
    ROLES_DELEGATED = "roles_delegated"
    ROLES_CLEARED = "roles_cleared"
    CONTACT_INVITED = "contact_invited"
    INVOICE_PAID = "invoice_paid"
    ACTING_DIGEST = "acting_digest"
    LEADING_ROLES_CHANGED = "leading_roles_changed"
    LAST_LEGAL_REPRESENTATIVE_REFUSED = "last_legal_representative_refused"
    INVITATION_CLAIMED = "invitation_claimed"
    CLAIM_CONFIRMED = "claim_confirmed"
    AUTO_EXTEND_CHANGED = "auto_extend_changed"
    CHANGED_TOGETHER = "changed_together"
    NOTICE_DIGEST = "notice_digest"


class MailState(StrEnum):
    """How far a mail is: SENDING was begun and may have arrived, FAILED will be tried again, DEAD will not."""

    QUEUED = "QUEUED"
    SENDING = "SENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    DEAD = "DEAD"


@dataclass(frozen=True, slots=True)
class Notice:
    """The words of an occasion. `optional` facts appear where they are given; `page` is what a one-time link opens."""

    subject: str
    text: str
    optional: frozenset[str] = frozenset()
    page: str | None = None

    @property
    def required(self) -> frozenset[str]:
        """The facts that the words need."""
        parsed = Formatter().parse(f"{self.subject} {self.text}")
        return frozenset(name for _, name, _, _ in parsed if name)


def _notice(subject: str, text: str, *optional: str, page: str | None = None) -> Notice:
    return Notice(subject, text, frozenset(optional), page)


NOTICES: Final[Mapping[Template, Notice]] = MappingProxyType(
    {
        Template.REQUEST_FILED: _notice(
            "{requester} asks to add {guest} as a partner",
            "{requester} would like {host} to start a partnership with {guest}. The request waits for an "
            "admin's decision.",
            "reason",
            "contact",
        ),
        Template.REMINDER: _notice(
            "Reminder: {requester} asks to add {guest} as a partner",
            "The request of {requester} to start a partnership between {host} and {guest} still waits for an admin's "
            "decision.",
            "reason",
            "contact",
        ),
        Template.INVITATION: _notice(
            "{host} invites {guest} to a partnership",
            "{host} would like to share access to accounts with people of {guest}. An admin of {guest} can accept or "
            "refuse.",
            "until",
            page="invitations",
        ),
        Template.INVITATION_SENT: _notice(
            "Your request to add {guest} was approved",
            "{host} has approved your request, and {guest} is invited to the partnership. You will hear from us when "
            "they have answered.",
            "until",
        ),
        Template.CUSTOMER_REQUESTED: _notice(
            "{guest} asks to become a partner of {host}",
            "{requester} of {guest} would like to work for {host} as a partner. The request waits for an admin's "
            "decision.",
            "contact",
        ),
        Template.CUSTOMER_APPROVED: _notice(
            "{host} and {guest} are partners now",
            "{host} has approved the request of {guest}. {representative} represents {guest}.",
        ),
        Template.CUSTOMER_DECLINED: _notice(
            "{host} has declined your request",
            "{host} has declined the request of {guest} to become a partner. You may file a new one.",
            "reason",
        ),
        Template.HOST_DECLINED: _notice(
            "Your request to add {guest} was declined",
            "{actor} has declined your request to start a partnership between {host} and {guest}. You may file a "
            "new one.",
            "reason",
        ),
        Template.GUEST_DECLINED: _notice(
            "{guest} has declined the partnership",
            "{guest} does not wish to start the partnership with {host}. The request can be sent again or withdrawn.",
            "reason",
        ),
        Template.LAPSE_NOTICE: _notice(
            "The partnership request of {host} and {guest} lapses soon",
            "The request for a partnership between {host} and {guest} lapses on {until} unless it is answered before.",
        ),
        Template.LAPSED: _notice(
            "The partnership request of {host} and {guest} has lapsed",
            "The request for a partnership between {host} and {guest} was not answered in time and has lapsed.",
        ),
        Template.WITHDRAWN: _notice(
            "The partnership request of {host} and {guest} was withdrawn",
            "The request for a partnership between {host} and {guest} was withdrawn before it was answered.",
        ),
        Template.ACCEPTED: _notice(
            "{host} and {guest} are partners now",
            "{representative} has accepted the partnership between {host} and {guest}. Accounts can be shared from now "
            "on; {representative} represents {guest}.",
        ),
        Template.PARTNERSHIP_ENDED: _notice(
            "The partnership of {host} and {guest} has ended",
            "The partnership between {host} and {guest} has ended. Every access to accounts that was shared by it has "
            "ended too.",
            "cause",
            "reason",
        ),
        Template.PARTNERSHIP_SUSPENDED: _notice(
            "The partnership of {host} and {guest} is suspended",
            "{side} has suspended the partnership between {host} and {guest}. Nothing that is shared by it can be "
            "reached until it is resumed.",
            "reason",
        ),
        Template.PARTNERSHIP_RESUMED: _notice(
            "The partnership of {host} and {guest} is resumed",
            "The partnership between {host} and {guest} is active again, with everything that was shared by it.",
        ),
        Template.PARTNERSHIP_EXTENDED: _notice(
            "The partnership of {host} and {guest} was extended",
            "The partnership between {host} and {guest} now ends on {until}.",
        ),
        Template.AMENDMENT_PROPOSED: _notice(
            "{side} proposes new terms for the partnership of {host} and {guest}",
            "{side} proposes to change the terms of the partnership between {host} and {guest}: {changes}. Until "
            "{decider} has agreed, the terms that stand go on.",
        ),
        Template.AMENDMENT_APPLIED: _notice(
            "The terms of the partnership of {host} and {guest} have changed",
            "The terms of the partnership between {host} and {guest} have changed: {changes}.",
        ),
        Template.AMENDMENT_DECLINED: _notice(
            "{decider} has declined new terms for the partnership of {host} and {guest}",
            "{decider} has declined to change the terms of the partnership between {host} and {guest}: {changes}. The "
            "terms that stand go on.",
            "reason",
        ),
        Template.AMENDMENT_CLOSED: _notice(
            "The proposed terms for the partnership of {host} and {guest}: {outcome}",
            "The proposal to change the terms of the partnership between {host} and {guest} ({changes}) is over: "
            "{outcome}. The terms that stand go on.",
        ),
        Template.EXPIRING: _notice(
            "The partnership of {host} and {guest} ends on {until}",
            "The partnership between {host} and {guest} ends on {until}. Every access to accounts that is shared by it "
            "ends on that day.",
        ),
        Template.OWNERSHIP_MOVED: _notice(
            "{owner} now owns the partnership with {guest}",
            "{owner} is the new Partnership Owner of the partnership between {host} and {guest}.",
            "previous",
        ),
        Template.REPRESENTATIVE_CHANGED: _notice(
            "{representative} now represents {guest}",
            "{representative} is the new representative of {guest} in the partnership with {host}.",
            "previous",
        ),
        Template.SHARED: _notice(
            "{host} shares {account} with {member}",
            "{member} can sign in to {account} of {host} from now on, with the role {role}.",
            "until",
        ),
        Template.ROLE_CHANGED: _notice(
            "The role of {member} on {account} has changed",
            "{member} has the role {role} on {account} of {host} from now on.",
        ),
        Template.ACCESS_REMOVED: _notice(
            "The access of {member} to {account} has ended",
            "{member} can no longer sign in to {account} of {host}.",
        ),
        Template.ACCESS_EXPIRING: _notice(
            "The access of {member} to {account} ends on {until}",
            "{member} can sign in to {account} of {host} until {until}.",
        ),
        Template.SHARE_SUSPENDED: _notice(
            "Access to {account} is suspended",
            "{host} has suspended access to {account}. Nobody can sign in to it until it is resumed.",
            "reason",
        ),
        Template.SHARE_RESUMED: _notice(
            "Access to {account} is back",
            "{host} has resumed access to {account}. Signing in to it works again.",
        ),
        Template.ACCESS_REQUESTED: _notice(
            "{requester} asks for access to {account}",
            "{requester} of {guest} asks for access to {account} for {member}, with the role {role}.",
            "note",
        ),
        Template.ACCESS_DECIDED: _notice(
            "Access to {account} for {member}: {decision}",
            "The request for access to {account} of {host} for {member} was {decision}.",
            "role",
            "note",
            "until",
        ),
        Template.NEEDS_OWNER: _notice(
            "{account} needs an owner",
            "No active owner of {account} is left in {host}. Please name a new Account Owner.",
        ),
        Template.MEMBER_INVITED: _notice(
            "Join {organisation} on Accord",
            "{actor} invites you to join {organisation} on Accord.",
            page="memberships",
        ),
        Template.LAST_ADMIN_REFUSED: _notice(
            "{organisation} would be left without an admin",
            "{member} is the last admin of {organisation} and keeps that membership. All other access of {member} has "
            "ended. Please name another admin.",
        ),
        Template.ORGANISATION_CREATED: _notice(
            "{organisation} is ready on Accord",
            "An organisation was created for you on Accord: {organisation}. You are its first admin and its legal "
            "representative.",
            page="memberships",
        ),
        Template.PARTNER_LINKED: _notice(
            "{guest} is linked to {host} as a partner",
            "{guest} is a partner of {host} from now on. {guest} can reach data of {host} as far as an admin of {host} "
            "has granted it.",
        ),
        Template.PARTNER_LINK_ENDED: _notice(
            "{guest} is no longer linked to {host}",
            "The link that made {guest} a partner of {host} has ended.",
        ),
        Template.CEILING_CHANGED: _notice(
            "The most that {guest} may be granted by {host} has changed",
            "{guest} may be granted at most this access to the data of {host} from now on: {ceiling}.",
            "level",
        ),
        Template.LEVEL_CHANGED: _notice(
            "The access of {guest} to data of {host} has changed",
            "{guest} has this access to the data of {host} from now on: {level}. Before, it was: {before}.",
        ),
        Template.LEVEL_DISABLED: _notice(
            "The access of {guest} to data of {host} has ended",
            "{guest} no longer has access to the data of {host}.",
        ),
        Template.ROLES_DELEGATED: _notice(
            "{host} has delegated to {guest}: {roles}",
            "{host} has delegated this to {guest}: {roles}. An admin of {guest} chooses who of its people holds it.",
        ),
        Template.ROLES_CLEARED: _notice(
            "{guest} no longer has access to {host}: {roles}",
            "{guest} no longer has access to {host} by this: {roles}. The group of people who held it is deleted.",
        ),
        Template.CONTACT_INVITED: _notice(
            "{actor} names you as a contact of {host}",
            "{actor} would like you to act for {host}, in your own name, as: {roles}.",
            page="contacts",
        ),
        Template.INVOICE_PAID: _notice(
            "{actor} has paid invoice {number} of {organisation}",
            "{actor} of {partner}, acting in {organisation}, has paid invoice {number} of {amount} from the wallet.",
        ),
        Template.ACTING_DIGEST: _notice(
            "What partners' people have changed in {organisation}",
            "Within a day, people of partners have changed this much in {organisation}: {count}.",
            "changes",
        ),
        Template.LEADING_ROLES_CHANGED: _notice(
            "Leading roles in {organisation} have changed",
            "Somebody has gained or lost a leading role in {organisation}: {changes}",
        ),
        Template.LAST_LEGAL_REPRESENTATIVE_REFUSED: _notice(
            "{organisation} would be left without a legal representative",
            "{member} is the last legal representative of {organisation} and keeps that role. All other access of "
            "{member} has ended. Another legal representative has to be named, by {member} or by your provider.",
        ),
        Template.INVITATION_CLAIMED: _notice(
            "Somebody else has used an invitation of {organisation}",
            "The invitation of {organisation} to {invited} was used by somebody who signs in as {claimant}. Nothing is "
            "given before you confirm that this is the right person.",
            "name",
            "issuer",
            "roles",
        ),
        Template.CLAIM_CONFIRMED: _notice(
            "{organisation} has confirmed you",
            "{organisation} has confirmed that its invitation to {invited} is meant for you. Please follow the link of "
            "that invitation once more.",
        ),
        Template.AUTO_EXTEND_CHANGED: _notice(
            "The renewal of the partnership of {host} and {guest} has changed",
            "{host} has changed what happens when the partnership between {host} and {guest} reaches its end: "
            "{renewal}.",
        ),
        Template.CHANGED_TOGETHER: _notice(
            "{organisation}: {count} {things} {what}",
            "One act has concerned many {things} of {organisation}. This is how many of them {what}: {count}. The "
            "activity of {organisation} lists each one.",
        ),
        Template.NOTICE_DIGEST: _notice(
            "{count} more notices about {about}",
            "Within an hour of the last mail, {count} more things happened that concern {about}. {standing}",
            "changes",
        ),
    }
)


def select_facts(template: Template, given: Mapping[str, str], *, to_strangers: bool = False) -> dict[str, str]:
    """The facts that the occasion names, cleaned; ValueError names those that it needs and lacks."""
    notice = NOTICES[template]
    cleaned = {name: clean_fact(name, value, to_strangers=to_strangers) for name, value in given.items()}
    if missing := notice.required - {name for name, value in cleaned.items() if value}:
        raise ValueError(f"the notice {template.value} lacks {', '.join(sorted(missing))}")
    return {name: value for name, value in cleaned.items() if value and name in notice.required | notice.optional}


def compose(template: Template, facts: Mapping[str, str]) -> tuple[str, str]:
    """Subject and text of a notice, in one line each."""
    notice = NOTICES[template]
    words = {name: plain(value) for name, value in facts.items()}
    return notice.subject.format_map(words), notice.text.format_map(words)


def day(instant: datetime) -> str:
    """A day as mails write it: 4 December 2026."""
    return f"{instant.day} {instant:%B %Y}"
