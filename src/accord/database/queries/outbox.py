"""Reading and moving mails. The gateway counts what it sent; only the worker reads what a mail says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Text, cast, delete, exists, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from accord.database.caller import Driver
from accord.database.queue import JOB, MAIL
from accord.database.sets import among
from accord.database.tables.metadata import folded
from accord.database.tables.outbox import mails, notifications
from accord.domain.notice import MailState


class Envelope(NamedTuple):
    """A mail as the worker reads it."""

    id: UUID
    template: str
    address: str
    display_name: str | None
    facts: Mapping[str, str]
    secret: str | None
    state: str
    attempts: int
    last_error: str | None
    created_at: datetime
    sent_at: datetime | None


ENVELOPE: Final = tuple(mails.c[name] for name in Envelope._fields)
TO_SEND: Final = mails.c.state.in_((MailState.QUEUED, MailState.FAILED))
IN_DOUBT: Final = mails.c.state == MailState.SENDING
CLAIM: Final = """
UPDATE accord.mails SET state = 'SENDING', claimed_at = $2
WHERE id = $1 AND (state IN ('QUEUED', 'FAILED') OR state = 'SENDING' AND claimed_at <= $3) RETURNING id
"""
MARK_SENT: Final = """
UPDATE accord.mails SET state = 'SENT', sent_at = $2, attempts = attempts + 1, secret = NULL, last_error = NULL
WHERE id = $1
"""


async def new_keys(connection: AsyncConnection, count: int) -> Sequence[UUID]:
    """Keys made by the database, for rows that their writer may not read back."""
    rows = await connection.execute(select(func.accord.new_id()).select_from(func.generate_series(1, count)))
    return rows.scalars().all()


async def list_own_notices(connection: AsyncConnection, user_id: UUID, wanted: Sequence[UUID]) -> set[UUID]:
    """Which of these notices are the person's own?"""
    own = among(notifications.c.id, wanted) & (notifications.c.user_id == user_id)
    return set((await connection.execute(select(notifications.c.id).where(own))).scalars())


async def get_envelope(connection: AsyncConnection, mail_id: UUID) -> Envelope | None:
    """Return the mail if it is still to be sent, also one whose sending was begun."""
    rows = await connection.execute(select(*ENVELOPE).where(mails.c.id == mail_id, TO_SEND | IN_DOUBT))
    row = rows.one_or_none()
    return None if row is None else Envelope(*row)


async def list_envelopes(
    connection: AsyncConnection, *, state: str | None, address: str | None, limit: int
) -> Sequence[Envelope]:
    """The newest mails, oldest of them first; of one state or to one address where given."""
    chosen = select(*ENVELOPE).order_by(mails.c.created_at.desc(), mails.c.id.desc()).limit(limit)
    if state is not None:
        chosen = chosen.where(mails.c.state == state)
    if address is not None:
        chosen = chosen.where(folded(mails.c.address) == folded(address))
    rows = await connection.execute(chosen)
    return [Envelope(*row) for row in reversed(rows.all())]


async def list_stranded(connection: AsyncConnection) -> Sequence[UUID]:
    """Mails to be sent that no job waits or runs for."""
    job = exists().where(
        JOB.c.dedupe_key == literal(f"{MAIL}:") + cast(mails.c.id, Text),
        cast(JOB.c.status, Text).in_(("queued", "picked")),
    )
    rows = await connection.execute(select(mails.c.id).where(TO_SEND | IN_DOUBT, ~job))
    return rows.scalars().all()


async def claim(driver: Driver, mail_id: UUID, now: datetime, abandoned: datetime) -> bool:
    """Mark the mail as being sent and return True, unless another worker has begun to and may still be at it.

    The statement commits by itself, before the server is given the message: whoever finds the mark later knows that
    the mail may have arrived.
    """
    return await driver.fetchval(CLAIM, mail_id, now, abandoned) is not None


async def mark_sent(driver: Driver, mail_id: UUID, now: datetime) -> None:
    """Mark the mail as sent and forget its token, in one statement that commits by itself."""
    await driver.execute(MARK_SENT, mail_id, now)


async def mark_failed(connection: AsyncConnection, mail_id: UUID, error: str) -> None:
    """To be tried again."""
    await _move(connection, mail_id, state=MailState.FAILED, last_error=error)


async def mark_dead(connection: AsyncConnection, mail_id: UUID, error: str) -> None:
    """Given up: the token is gone from here on."""
    await _move(connection, mail_id, state=MailState.DEAD, secret=None, last_error=error)


async def requeue(
    connection: AsyncConnection,
    without: Collection[str],
    *,
    mail_id: UUID | None = None,
    template: str | None = None,
    since: datetime | None = None,
) -> tuple[Sequence[UUID], int]:
    """Mails that were given up are to be sent again; their keys, and how many stay given up since their template is one
    of `without`."""
    chosen = [mails.c.state == MailState.DEAD]
    chosen += [mails.c.id == mail_id] if mail_id is not None else []
    chosen += [mails.c.template == template] if template is not None else []
    chosen += [mails.c.created_at >= since] if since is not None else []
    kept = among(mails.c.template, without)
    left = (await connection.execute(select(func.count()).select_from(mails).where(*chosen, kept))).scalar_one()
    again = update(mails).where(*chosen, ~kept).values(state=MailState.QUEUED, attempts=0, last_error=None)
    return (await connection.execute(again.returning(mails.c.id))).scalars().all(), left


async def scrub_secrets(connection: AsyncConnection, before: datetime) -> int:
    """Forget the tokens of mails that were written before an instant; how many."""
    forgotten = await connection.execute(
        update(mails).where(mails.c.secret.is_not(None), mails.c.created_at < before).values(secret=None)
    )
    return forgotten.rowcount


async def delete_mails(connection: AsyncConnection, before: datetime, at_most: int) -> int:
    """Delete mails that were sent or given up, written before an instant, oldest first; how many."""
    done = mails.c.state.in_((MailState.SENT, MailState.DEAD))
    oldest = select(mails.c.id).where(done, mails.c.created_at < before).order_by(mails.c.created_at).limit(at_most)
    return (await connection.execute(delete(mails).where(mails.c.id.in_(oldest)))).rowcount


async def delete_notices(connection: AsyncConnection, before: datetime, at_most: int) -> int:
    """Delete notices that were written before an instant, oldest first; how many."""
    n = notifications
    oldest = select(n.c.id).where(n.c.created_at < before).order_by(n.c.created_at).limit(at_most)
    return (await connection.execute(delete(n).where(n.c.id.in_(oldest)))).rowcount


async def _move(connection: AsyncConnection, mail_id: UUID, **values: object) -> None:
    await connection.execute(update(mails).where(mails.c.id == mail_id).values(attempts=mails.c.attempts + 1, **values))
