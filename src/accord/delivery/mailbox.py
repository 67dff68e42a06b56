"""Mails to read without a mail server (`accord mail`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accord.database.engine import Database
from accord.database.queries import outbox
from accord.delivery.rendering import render


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
