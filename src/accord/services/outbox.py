"""Mails and notices, written in the transaction of the change they tell of; the worker delivers them after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from accord.database import queue
from accord.database.queries.mail_caps import hold_mails
from accord.database.queries.outbox import new_keys
from accord.database.sets import insert_rows
from accord.database.tables.outbox import mails, notifications
from accord.domain.mail_budget import RULES
from accord.domain.mail_text import clean_name
from accord.domain.notice import NOTICES, Template, compose, select_facts
from accord.domain.text import mailbox
from accord.services.mail_caps import Admitted, admit

if TYPE_CHECKING:
    from accord.database.engine import Transaction

__all__ = ["Mail", "Recipient", "Template", "enqueue"]


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to tell: a mail to the address, and a notice inside the application if it is a known person."""

    email: str
    user_id: UUID | None = None
    display_name: str | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """One occasion for several recipients.

    `organisation_id` is the tenant that sends. `facts` are the words that `accord.domain.notice` names for the
    template. `secret` is the token of the one-time link, kept only until the mail is sent.

    `external` mails go to people who have not asked for them, and each of their recipients has a cap of a day. Those of
    approvals and of sending again are not `counted` in the sender's budget. Where the act is needed in any case, the
    mail `waits` for a recipient over the cap and only the newest is sent; else the act is refused.
    """

    template: Template
    organisation_id: UUID
    recipients: Sequence[Recipient]
    facts: Mapping[str, str]
    partnership_id: UUID | None = None
    secret: str | None = field(default=None, repr=False)
    external: bool = False
    counted: bool = True
    waits: bool = False


async def enqueue(tx: Transaction, mail: Mail) -> None:
    """Write one mail per mailbox, one notice per person and one job per mail; nobody to tell is no error.

    A mail over the caps of `domain/mail_budget.py` waits for the digest, while its notice is there at once. Call this
    before `activity.record`: heads of chains are locked last. Raises RateLimited for an inviting mail over its caps,
    and ValueError where the template lacks a fact or its token.
    """
    notice = NOTICES[mail.template]
    if (notice.page is None) != (mail.secret is None):
        raise ValueError(
            f"the notice {mail.template.value} {'takes no' if notice.page is None else 'needs its'} secret"
        )
    facts = select_facts(mail.template, mail.facts, to_strangers=RULES[mail.template].to_strangers)
    if not mail.recipients:
        return
    addressees: dict[str, Recipient] = {}
    for recipient in mail.recipients:
        addressees.setdefault(mailbox(recipient.email), recipient)
    people = {key: one.user_id for key, one in addressees.items()}
    admitted = await admit(tx, mail, people)
    leaving = {key: one for key, one in addressees.items() if key not in admitted.held}
    await _write_mails(tx, mail, facts, leaving, admitted)
    await _hold(tx, mail, facts, addressees, admitted)
    await _write_notices(tx, mail, facts)


def _row(
    tx: Transaction, mail: Mail, facts: Mapping[str, str], mailbox_key: str, to: Recipient, admitted: Admitted
) -> dict[str, Any]:
    name = to.display_name
    counted = admitted.budget is not None and mailbox_key in admitted.counted
    return {
        "organisation_id": mail.organisation_id,
        "partnership_id": mail.partnership_id,
        "template": mail.template.value,
        "address": to.email,
        "about": admitted.about,
        "budget": admitted.budget if counted else None,
        "display_name": clean_name(name) or None if name else None,
        "facts": facts,
        "secret": mail.secret,
        "created_at": tx.now,
    }


async def _write_mails(
    tx: Transaction, mail: Mail, facts: Mapping[str, str], recipients: Mapping[str, Recipient], admitted: Admitted
) -> None:
    if not recipients:
        return
    keys = await new_keys(tx.connection, len(recipients))
    rows = [
        _row(tx, mail, facts, mailbox_key, recipient, admitted)
        | {"id": key, "address_key": mailbox_key, "external": mail.external, "ordinal": ordinal}
        for ordinal, (key, (mailbox_key, recipient)) in enumerate(zip(keys, recipients.items(), strict=True))
    ]
    await insert_rows(tx, mails, rows)
    await queue.add_jobs(tx.driver, queue.MAIL, [str(key) for key in keys])


async def _hold(
    tx: Transaction, mail: Mail, facts: Mapping[str, str], recipients: Mapping[str, Recipient], admitted: Admitted
) -> None:
    rows = [
        _row(tx, mail, facts, mailbox_key, recipients[mailbox_key], admitted) | {"key": held.key, "due_at": held.due_at}
        for mailbox_key, held in admitted.held.items()
    ]
    await hold_mails(tx, rows)


async def _write_notices(tx: Transaction, mail: Mail, facts: Mapping[str, str]) -> None:
    subject, text = compose(mail.template, facts)
    people = {recipient.user_id: None for recipient in mail.recipients if recipient.user_id is not None}
    rows = [
        {
            "user_id": user_id,
            "organisation_id": mail.organisation_id,
            "partnership_id": mail.partnership_id,
            "template": mail.template.value,
            "subject": subject,
            "text": text,
            "created_at": tx.now,
        }
        for user_id in people
    ]
    await insert_rows(tx, notifications, rows)
