"""How many mails may leave: one row per occasion, applied by `services/outbox.enqueue` to every mail.

Three caps hold at once. A budget bounds what a sender mails to people who have not asked for it, per day. A cap per
recipient bounds what one sender mails to one address per day. Everything else is told at once the first few times, and
what follows within an hour about the same pair to the same recipient is one digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from accord.domain.notice import Template

DAY: Final = timedelta(days=1)
"""The window of budgets and of caps per recipient."""

HOUR: Final = timedelta(hours=1)
"""How long what follows a mail waits for the digest."""

PER_RECIPIENT: Final = 5
"""Inviting mails of a day from one organisation to one address."""

AT_ONCE: Final = 10
"""Mails of an hour of one occasion, about one pair, to one recipient: what somebody does by hand is told as it happens,
and what a script does is one digest."""

NOTICES_PER_HOUR: Final = 20
"""Mails of an hour from one organisation to one address, whatever they are about; more of them are one digest."""

DEFAULT_PER_HOUR: Final = 500
"""Mails of an hour from one organisation to all addresses together, whatever they are about."""


class MailKind(StrEnum):
    """What a mail is for, which decides what happens over its cap."""

    INVITING = "INVITING"
    """It exists to reach somebody: over the cap the act is refused, or where it is needed the newest mail waits."""

    DECISION = "DECISION"
    """It tells of an answer that somebody waits for."""

    MANDATORY = "MANDATORY"
    """Somebody has to know: over the cap it is in a digest, never lost (model 4.11)."""

    PREFERENCE = "PREFERENCE"
    """Somebody may like to know: over the cap it is in a digest."""

    OPERATOR = "OPERATOR"
    """The platform's own act: it never counts against an organisation's budget."""


class MailBudget(StrEnum):
    """What an organisation may mail a day to people who have not asked for it; each is a number of its own."""

    PARTNERS = "PARTNERS"
    """Partnership invitations and requests, contacts, and addresses that are told of delegated roles."""

    MEMBERS = "MEMBERS"
    """Invitations of its own people, by admins and by its directory."""

    ACTING = "ACTING"
    """All that people of partners send who act in it: they cannot use up what is the organisation's."""


DEFAULT_PER_DAY: Final[Mapping[MailBudget, int]] = MappingProxyType(
    {MailBudget.PARTNERS: 20, MailBudget.MEMBERS: 500, MailBudget.ACTING: 20}
)
"""Where neither the operator nor the deployment says otherwise: 500 colleagues can be invited in one day, while mails
to strangers stay as few as one person reasonably sends."""

MOST_PER_DAY: Final = 100_000
"""The largest budget that the operator can give."""


@dataclass(frozen=True, slots=True)
class MailRule:
    """The caps of one occasion.

    `budget` counts each address outside that an act mails; a mandatory mail over it waits for the digest.
    `per_recipient` and `waiting` are the mails of a day to one address before an act is refused, and before the
    newest mail waits instead. `per_pair` are the mails of a day of this occasion about one pair of organisations.
    `at_once` are the mails of an hour of this occasion, about one pair, to one recipient, before the digest;
    `merged_with` names occasions that share that count; `by_person` counts a person besides, whatever their address
    is by now. Mails `to_strangers` may reach somebody who has never heard of the sender, or bring the words of
    somebody unknown: their names are short.
    """

    kind: MailKind
    budget: MailBudget | None = None
    per_recipient: int = PER_RECIPIENT
    waiting: int = PER_RECIPIENT
    per_pair: int | None = None
    at_once: int = AT_ONCE
    merged_with: str | None = None
    to_strangers: bool = False
    by_person: bool = False


INVITING: Final = MailRule(MailKind.INVITING, MailBudget.PARTNERS, to_strangers=True)
DECISION: Final = MailRule(MailKind.DECISION)
MANDATORY: Final = MailRule(MailKind.MANDATORY)
PREFERENCE: Final = MailRule(MailKind.PREFERENCE)
OPERATOR: Final = MailRule(MailKind.OPERATOR)
LISTED: Final = MailRule(MailKind.MANDATORY, MailBudget.PARTNERS, at_once=PER_RECIPIENT, to_strangers=True)
"""Tells admins, and besides an address that somebody else has named."""
STANDING: Final = MailRule(MailKind.MANDATORY, at_once=2, merged_with="standing")
ASKING: Final = MailRule(MailKind.MANDATORY, at_once=2, merged_with="asking")
"""Requests that are filed and withdrawn again and again, which would be a reminder for whoever is to answer."""

RULES: Final[Mapping[Template, MailRule]] = MappingProxyType(
    {
        Template.INVITATION: INVITING,
        Template.CUSTOMER_REQUESTED: MailRule(MailKind.INVITING, MailBudget.PARTNERS, per_pair=3, to_strangers=True),
        Template.CONTACT_INVITED: INVITING,
        Template.ROLES_DELEGATED: INVITING,
        Template.MEMBER_INVITED: MailRule(MailKind.INVITING, MailBudget.MEMBERS, waiting=1, to_strangers=True),
        Template.REMINDER: MailRule(MailKind.INVITING, per_pair=1),
        Template.INVITATION_SENT: DECISION,
        Template.CUSTOMER_APPROVED: DECISION,
        Template.CUSTOMER_DECLINED: DECISION,
        Template.HOST_DECLINED: DECISION,
        Template.GUEST_DECLINED: DECISION,
        Template.ACCEPTED: DECISION,
        Template.ACCESS_DECIDED: DECISION,
        Template.CLAIM_CONFIRMED: MailRule(MailKind.DECISION, to_strangers=True),
        Template.AMENDMENT_APPLIED: DECISION,
        Template.AMENDMENT_DECLINED: DECISION,
        Template.AMENDMENT_CLOSED: DECISION,
        Template.REQUEST_FILED: ASKING,
        Template.WITHDRAWN: replace(ASKING, budget=MailBudget.PARTNERS, to_strangers=True),
        Template.LAPSE_NOTICE: MANDATORY,
        Template.LAPSED: MANDATORY,
        Template.PARTNERSHIP_SUSPENDED: STANDING,
        Template.PARTNERSHIP_RESUMED: STANDING,
        # an end is told at once, also within the hour of a suspension; a pair that ends again and again is bounded
        Template.PARTNERSHIP_ENDED: MailRule(MailKind.MANDATORY, at_once=3),
        Template.PARTNERSHIP_EXTENDED: MANDATORY,
        Template.AUTO_EXTEND_CHANGED: MANDATORY,
        Template.AMENDMENT_PROPOSED: MANDATORY,
        Template.EXPIRING: MANDATORY,
        Template.OWNERSHIP_MOVED: MANDATORY,
        Template.REPRESENTATIVE_CHANGED: MANDATORY,
        Template.ACCESS_REQUESTED: MANDATORY,
        Template.ACCESS_EXPIRING: MANDATORY,
        Template.NEEDS_OWNER: MANDATORY,
        Template.LAST_ADMIN_REFUSED: MANDATORY,
        Template.LAST_LEGAL_REPRESENTATIVE_REFUSED: MANDATORY,
        Template.LEADING_ROLES_CHANGED: MailRule(MailKind.MANDATORY, at_once=3, by_person=True),
        Template.INVITATION_CLAIMED: MailRule(MailKind.MANDATORY, to_strangers=True),
        Template.LEVEL_CHANGED: MANDATORY,
        Template.LEVEL_DISABLED: MANDATORY,
        Template.ROLES_CLEARED: LISTED,
        # new members and payments by people acting are told at once (4.11): one by one up to the cap of an hour
        Template.INVOICE_PAID: MailRule(MailKind.MANDATORY, at_once=NOTICES_PER_HOUR),
        Template.ACTING_DIGEST: MailRule(MailKind.MANDATORY, at_once=NOTICES_PER_HOUR),
        Template.CHANGED_TOGETHER: MANDATORY,
        Template.NOTICE_DIGEST: MANDATORY,
        Template.SHARED: PREFERENCE,
        Template.ROLE_CHANGED: PREFERENCE,
        Template.ACCESS_REMOVED: PREFERENCE,
        Template.SHARE_SUSPENDED: PREFERENCE,
        Template.SHARE_RESUMED: PREFERENCE,
        Template.ORGANISATION_CREATED: MailRule(MailKind.OPERATOR, to_strangers=True),
        Template.PARTNER_LINKED: OPERATOR,
        Template.PARTNER_LINK_ENDED: OPERATOR,
        Template.CEILING_CHANGED: OPERATOR,
    }
)
