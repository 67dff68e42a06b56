"""Mails to read without a mail server (`accord mail`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accord.database import queue
from accord.database.engine import Database
from accord.database.queries import outbox
from accord.delivery.rendering import render
from accord.domain.notice import NOTICES


@dataclass(frozen=True, slots=True)
class ReadableMail:
    """A mail as its recipient would read it, and how far it is: QUEUED, SENT, FAILED or DEAD."""

    id: UUID
    template: str
    recipient: str
    subject: str
    text: str
    html: str
    state: str
    attempts: int
    last_error: str | None
    created_at: datetime
    sent_at: datetime | None


async def list_mails(
    database: Database, public_url: str, *, state: str | None = None, address: str | None = None, limit: int = 50
) -> list[ReadableMail]:
    """The newest mails, oldest of them first; `database` is the worker role's."""
    async with database.system() as connection:
        envelopes = await outbox.list_envelopes(connection, state=state, address=address, limit=limit)
    return [_readable(envelope, public_url) for envelope in envelopes]


async def requeue(
    database: Database, *, mail_id: UUID | None = None, template: str | None = None, since: datetime | None = None
) -> tuple[int, int]:
    """Send mails again that were given up: all of them, one, those of a template, or those written since an instant.

    Returns how many, and how many are left as they are: those with a link for one use, whose token was forgotten when
    they were given up. The act that wrote such a mail is repeated instead.
    """
    linked = [kind.value for kind, notice in NOTICES.items() if notice.page is not None]
    async with database.system() as connection:
        keys, left = await outbox.requeue(connection, linked, mail_id=mail_id, template=template, since=since)
        await queue.add_jobs(await queue.driver_of(connection), queue.MAIL, [str(key) for key in keys])
    return len(keys), left


def _readable(envelope: outbox.Envelope, public_url: str) -> ReadableMail:
    rendered = render(envelope, public_url)
    return ReadableMail(
        id=envelope.id,
        template=envelope.template,
        recipient=f"{envelope.display_name} <{envelope.address}>" if envelope.display_name else envelope.address,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        state=envelope.state,
        attempts=envelope.attempts,
        last_error=envelope.last_error,
        created_at=envelope.created_at,
        sent_at=envelope.sent_at,
    )
