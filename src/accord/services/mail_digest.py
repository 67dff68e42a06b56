"""Mails that waited: one digest for what followed a mail within the hour, and the newest of the mails with a link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import insert

from accord.database import queue
from accord.database.engine import Database, Transaction
from accord.database.queries import mail_caps as waiting
from accord.database.queries.outbox import new_keys
from accord.database.queries.recipients import names_of
from accord.database.tables.outbox import mails
from accord.domain.mail_budget import DAY, HOUR
from accord.domain.mail_text import plain_lines
from accord.domain.notice import Template, compose, select_facts
from accord.domain.organisation import token_hash
from accord.domain.partnership import Holder, PartnershipState
from accord.domain.text import mailbox
from accord.services.apart import each
from accord.services.mail_caps import has_room

__all__ = ["send_waiting"]

LISTED: Final = 50
"""Notices that one digest lists; the application shows them all."""

QUOTED: Final = 200
"""Characters of a reason in a digest."""

STANDS: Final = {
    PartnershipState.AWAITING_HOST_APPROVAL: "The request waits for the decision of {host} now.",
    PartnershipState.AWAITING_GUEST_ACCEPTANCE: "The invitation waits for the answer of {guest} now.",
    PartnershipState.DECLINED_BY_GUEST: "{guest} has declined.",
    PartnershipState.ACTIVE: "The partnership is active now.",
    PartnershipState.SUSPENDED: "The partnership is suspended now, by {holders}.",
    PartnershipState.TERMINATED: "The partnership has ended.",
    PartnershipState.EXPIRED: "The partnership has ended.",
}
OVER: Final = "Nothing waits for an answer now."


async def send_waiting(database: Database) -> None:
    """Queue every digest whose hour is over and every link whose day is over, each in a transaction of its own.

    A digest waits until the sender's hour has room for it, one to an address outside also for the sender's budget.

    What waits is taken and the mail is written together, so a worker that is killed leaves either both or neither.
    """
    await each(database, "digest of notices", waiting.list_due_digests, _send_due_digest)
    await each(database, "mail with a link", waiting.list_due_links, _send_due_link)


async def _send_due_digest(tx: Transaction, key: str) -> None:
    sender = await waiting.get_held_sender(tx, key)
    if sender is None or await has_room(tx, *sender):
        window = DAY if sender is not None and sender[1] is not None else HOUR
        await _send_digest(tx, await waiting.take_digest(tx, key, tx.now + window))


async def _send_due_link(tx: Transaction, key: str) -> None:
    await _send_link(tx, await waiting.take_held(tx, key))


async def _send_digest(tx: Transaction, held: Sequence[Any]) -> None:
    if not held:
        return
    newest = held[-1]
    left = len(held) - LISTED
    lines = [_line(row) for row in held[-LISTED:]]
    listed = [*([f"and {left} before"] if left > 0 else []), *lines]
    about, standing = await _stand(tx, held)
    facts = {"count": str(len(held)), "about": about, "standing": standing, "changes": "\n".join(listed)}
    digest = select_facts(Template.NOTICE_DIGEST, facts)
    await _queue(tx, newest, template=Template.NOTICE_DIGEST.value, facts=digest, secret=None, external=False)


def _line(row: Any) -> str:
    """One thing that happened, with its time and the beginning of its reason."""
    _, said = compose(Template(row.template), row.facts)
    reason = " ".join(plain_lines(row.facts.get("reason", "")).split())
    quoted = f" ({reason[:QUOTED]})" if reason else ""
    return f"{row.created_at:%H:%M} UTC: {said}{quoted}"


async def _stand(tx: Transaction, held: Sequence[Any]) -> tuple[str, str]:
    """What a digest is about, and how that stands when it is written."""
    newest = held[-1]
    same = len({row.about for row in held}) == 1
    row = None
    if same and newest.partnership_id is not None:
        row = await waiting.get_standing(tx, newest.partnership_id)
    if row is None:
        names = await names_of(tx, newest.organisation_id)
        return names[newest.organisation_id], "The application shows how everything stands now."
    sides = {Holder.HOST: row.host_name, Holder.GUEST: row.guest_name, Holder.OPERATOR: "the vendor"}
    holders = " and ".join(sides[Holder(one)] for one in row.suspended_by)
    said = STANDS.get(PartnershipState(row.state), OVER)
    standing = said.format(host=row.host_name, guest=row.guest_name, holders=holders)
    return f"the partnership of {row.host_name} and {row.guest_name}", standing


async def _send_link(tx: Transaction, held: Sequence[Any]) -> None:
    """Queue the newest mail whose link still leads somewhere; those before it are worthless."""
    for row in reversed(held):
        if await waiting.has_live_link(tx, token_hash(row.secret), row.organisation_id):
            given = {"template": row.template, "facts": row.facts, "secret": row.secret, "external": True}
            await _queue(tx, row, **given)
            return


async def _queue(tx: Transaction, row: Any, **given: Any) -> None:
    (key,) = await new_keys(tx.connection, 1)
    values = {name: getattr(row, name) for name in ("organisation_id", "partnership_id", "address", "display_name")}
    values |= {"about": row.about, "budget": row.budget, "address_key": mailbox(row.address), "ordinal": 0}
    await tx.execute(insert(mails).values(id=key, created_at=tx.now, **values, **given))
    await queue.add_jobs(tx.driver, queue.MAIL, [str(key)])
