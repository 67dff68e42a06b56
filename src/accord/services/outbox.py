"""Mails and notices, written in the transaction of the change they tell of; the worker delivers them after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import insert

from accord.database import queue
from accord.database.queries.outbox import Counted, list_counted, lock_sender, new_keys
from accord.database.tables.outbox import mails, notifications
from accord.domain.errors import RateLimited
from accord.domain.notice import NOTICES, Template, compose, select_facts
from accord.domain.text import fold

if TYPE_CHECKING:
    from accord.database.engine import Transaction

__all__ = ["Mail", "Recipient", "Template", "enqueue"]

WINDOW: Final = timedelta(days=1)
PER_ORGANISATION: Final = 20
PER_RECIPIENT: Final = 5


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
    template. `secret` is the token of the one-time link, kept only until the mail is sent. `external` mails leave the
    tenant (invitations and the like) and are counted.
    """

    template: Template
    organisation_id: UUID
    recipients: Sequence[Recipient]
    facts: Mapping[str, str]
    partnership_id: UUID | None = None
    secret: str | None = field(default=None, repr=False)
    external: bool = False


async def enqueue(tx: Transaction, mail: Mail) -> None:
    """Write one mail per address, one notice per person and one job per mail; nobody to tell is no error.

    Call it before `activity.record`: heads of chains are locked last. Raises RateLimited for an external mail over 20 a
    day of the organisation or 5 a day to one recipient, and ValueError where the template lacks a fact or its token.
    """
    notice = NOTICES[mail.template]
    if (notice.page is None) != (mail.secret is None):
        raise ValueError(
            f"the notice {mail.template.value} {'takes no' if notice.page is None else 'needs its'} secret"
        )
    facts = select_facts(mail.template, mail.facts)
    if not mail.recipients:
        return
    addressees: dict[str, Recipient] = {}
    for recipient in mail.recipients:
        addressees.setdefault(fold(recipient.email), recipient)
    if mail.external:
        await _count(tx, mail.organisation_id, list(addressees))
    await _write_mails(tx, mail, facts, list(addressees.values()))
    await _write_notices(tx, mail, facts)


async def _write_mails(tx: Transaction, mail: Mail, facts: Mapping[str, str], recipients: Sequence[Recipient]) -> None:
    keys = await new_keys(tx.connection, len(recipients))
    rows = [
        {
            "id": key,
            "organisation_id": mail.organisation_id,
            "partnership_id": mail.partnership_id,
            "template": mail.template.value,
            "address": recipient.email,
            "display_name": recipient.display_name,
            "facts": facts,
            "secret": mail.secret,
            "external": mail.external,
            "ordinal": ordinal,
            "created_at": tx.now,
        }
        for ordinal, (key, recipient) in enumerate(zip(keys, recipients, strict=True))
    ]
    await tx.connection.execute(insert(mails).inline(), rows)
    await queue.add_jobs(tx.driver, queue.MAIL, [str(key) for key in keys])


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
    if rows:
        await tx.connection.execute(insert(notifications).inline(), rows)


async def _count(tx: Transaction, organisation_id: UUID, addresses: Sequence[str]) -> None:
    await lock_sender(tx.connection, organisation_id)
    sent = await list_counted(tx.connection, organisation_id, tx.now - WINDOW)
    waits = [_wait([row for row in sent if row.ordinal == 0], PER_ORGANISATION, tx.now)]
    waits += [_wait([row for row in sent if fold(row.address) == key], PER_RECIPIENT, tx.now) for key in addresses]
    if seconds := max(waits):
        raise RateLimited(seconds, "Too many invitations, requests and reminders were mailed within a day.")


def _wait(sent: Sequence[Counted], cap: int, now: datetime) -> int:
    """Seconds until one more is within the cap; `sent` is in order of time."""
    if len(sent) < cap:
        return 0
    return max(1, ceil((sent[len(sent) - cap].created_at + WINDOW - now).total_seconds()))
