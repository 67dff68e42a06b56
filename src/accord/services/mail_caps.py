"""Which recipients of a mail it reaches now, and for which it waits; `outbox.enqueue` asks this about every mail."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Protocol
from uuid import UUID

from accord.database.engine import Transaction
from accord.database.queries import mail_caps as sent
from accord.domain.errors import RateLimited
from accord.domain.mail_budget import DAY, HOUR, NOTICES_PER_HOUR, RULES, MailBudget, MailKind, MailRule
from accord.domain.notice import Template

__all__ = ["Admitted", "Capped", "Held", "admit", "digest_key", "has_room", "hourly_room", "subject_of"]


class Capped(Protocol):
    """What the caps ask about a mail; `outbox.Mail` is one."""

    @property
    def template(self) -> Template: ...
    @property
    def organisation_id(self) -> UUID: ...
    @property
    def partnership_id(self) -> UUID | None: ...
    @property
    def secret(self) -> str | None: ...
    @property
    def external(self) -> bool: ...
    @property
    def counted(self) -> bool: ...
    @property
    def waits(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Held:
    """The key under which a recipient's mail waits; `due_at` for one with a link, else the hour of its key decides."""

    key: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """The decision about one mail: recipients that it waits for; the budget and whom it counts; what it is about."""

    about: str
    budget: MailBudget | None = None
    counted: frozenset[str] = frozenset()
    held: Mapping[str, Held] = field(default_factory=dict)


async def admit(tx: Transaction, mail: Capped, given: Mapping[str, UUID | None]) -> Admitted:
    """Apply the mail's row of the table to these recipients: the keys of their mailboxes, with the person of each.

    Addresses without a person are outside: somebody has named them, and Accord does not know whose they are.
    Raises RateLimited where the act exists to mail somebody and a cap is reached.
    """
    rule, about = RULES[mail.template], await subject_of(tx, mail)
    recipients, outside = list(given), frozenset(one for one, user_id in given.items() if user_id is None)
    if mail.external:
        return await _admit_inviting(tx, mail, rule, about, recipients, outside)
    if rule.kind is MailKind.INVITING and rule.per_pair is not None:
        await _refuse_repeated(tx, mail, rule.per_pair, about, recipients)
        return Admitted(about)
    if mail.secret is not None:
        return Admitted(about)
    beyond = await _hold_outside(tx, mail, rule, [one for one in recipients if one in outside])
    near = {one: user_id for one, user_id in given.items() if one not in beyond}
    held = beyond | (await _hold_notices(tx, mail, rule, about, near) if near else {})
    return Admitted(about, _budget_of(tx, rule), outside, held)


async def subject_of(tx: Transaction, mail: Capped) -> str:
    """Return what a mail is about: the pair of organisations, whatever partnership they have now, or else the sender.

    A pair that ends a partnership and begins another stays one pair, so a cap is not walked around by asking again.
    """
    pair = None if mail.partnership_id is None else await sent.get_pair(tx, mail.partnership_id)
    return str(mail.organisation_id) if pair is None else f"{pair[0]} {pair[1]}"


async def _admit_inviting(
    tx: Transaction, mail: Capped, rule: MailRule, about: str, recipients: Sequence[str], outside: frozenset[str]
) -> Admitted:
    """Refuse what is over a budget or a recipient's cap; where the act is needed, the newest mail waits instead."""
    await sent.lock_sender(tx, mail.organisation_id)
    budget = _budget_of(tx, rule) if mail.counted else None
    if rule.per_pair is not None:
        await _refuse_repeated(tx, mail, rule.per_pair, about, recipients)
    waits = await _waits(tx, mail, rule.waiting if mail.waits else rule.per_recipient, recipients)
    beyond = [one for one in recipients if one not in waits][await hourly_room(tx, mail.organisation_id) :]
    waits |= dict.fromkeys(beyond, HOUR)
    if waits and not mail.waits:
        _refuse(max(waits.values()))
    leaving = [one for one in recipients if one not in waits]
    counted = frozenset(one for one in leaving if one in outside) or frozenset(leaving[:1])
    if budget is not None and counted:
        await _refuse_over_budget(tx, mail.organisation_id, budget, len(counted))
    kind = f"link {mail.template.value}"
    held = {one: Held(digest_key(kind, about, one), tx.now + wait) for one, wait in waits.items()}
    return Admitted(about, budget, counted, held)


def _budget_of(tx: Transaction, rule: MailRule) -> MailBudget | None:
    return MailBudget.ACTING if rule.budget is not None and tx.principal.acting is not None else rule.budget


async def _refuse_over_budget(tx: Transaction, organisation_id: UUID, budget: MailBudget, count: int) -> None:
    """Refuse an act whose mails to so many addresses outside are more than the rest of the day's budget."""
    per_day, times = await _budget_used(tx, organisation_id, budget)
    over = len(times) + count - per_day
    if over > 0:
        first = times[-min(over, len(times))] if times else tx.now
        _refuse(first - (tx.now - DAY))


async def _budget_used(tx: Transaction, organisation_id: UUID, budget: MailBudget) -> tuple[int, Sequence[datetime]]:
    """Return the number of a day, and when the mails that count in it have left, newest first."""
    per_day = await sent.get_budget(tx, organisation_id, budget) or tx.mails_per_day[budget]
    return per_day, await sent.list_of_budget(tx, organisation_id, budget, per_day, tx.now - DAY)


async def has_room(tx: Transaction, organisation_id: UUID, budget: MailBudget | None) -> bool:
    """Return whether one mail more may leave now: within the hour, and within its budget if one counts it."""
    if not await hourly_room(tx, organisation_id):
        return False
    if budget is None:
        return True
    per_day, times = await _budget_used(tx, organisation_id, budget)
    return len(times) < per_day


async def _waits(tx: Transaction, mail: Capped, cap: int, recipients: Sequence[str]) -> dict[str, timedelta]:
    """How long each recipient who has had enough today has to be left alone."""
    since = tx.now - DAY
    return _over(await sent.list_inviting(tx, mail.organisation_id, recipients, since), cap, since)


async def _refuse_repeated(tx: Transaction, mail: Capped, cap: int, about: str, recipients: Sequence[str]) -> None:
    """Refuse what this pair has heard often enough today, whichever of its requests it was about."""
    since = tx.now - DAY
    rows = await sent.list_about(tx, mail.organisation_id, recipients, mail.template.value, about, since)
    if waits := _over(rows, cap, since):
        _refuse(max(waits.values()))


def _over(rows: Iterable[Any], cap: int, since: datetime) -> dict[str, timedelta]:
    at: dict[str, list[datetime]] = {}
    for row in rows:
        at.setdefault(row.address_key, []).append(row.created_at)
    return {key: times[-cap] - since for key, times in at.items() if len(times) >= cap}


def _refuse(wait: timedelta) -> None:
    seconds = max(1, ceil(wait.total_seconds()))
    raise RateLimited(seconds, "Too many invitations, requests and reminders were mailed within a day.")


async def _hold_outside(tx: Transaction, mail: Capped, rule: MailRule, outside: Sequence[str]) -> dict[str, Held]:
    """Hold for a day what goes to addresses outside over the budget, or to one that has heard enough of the sender."""
    budget = _budget_of(tx, rule)
    if budget is None or not outside:
        return {}
    await sent.lock_sender(tx, mail.organisation_id)
    per_day, times = await _budget_used(tx, mail.organisation_id, budget)
    since = tx.now - DAY
    counts = await sent.count_of_budget(tx, mail.organisation_id, outside, budget, since)
    fitting = [one for one in outside if counts.get(one, 0) < 2 * rule.per_recipient]
    leaving = set(fitting[: max(0, per_day - len(times))])
    keys = {one: digest_key("outside", str(mail.organisation_id), one) for one in outside if one not in leaving}
    if keys:
        await sent.wait_for_turns(tx, list(keys.values()), tx.now + DAY)
    return {one: Held(key) for one, key in keys.items()}


async def _hold_notices(
    tx: Transaction, mail: Capped, rule: MailRule, about: str, given: Mapping[str, UUID | None]
) -> dict[str, Held]:
    """Hold what follows another mail of its kind, about its pair, to its recipient within the hour.

    A recipient who has had many mails of the sender within the hour gets the rest in one digest, whatever it is about;
    so does every recipient of a sender that has mailed very much within the hour.
    """
    until = tx.now + HOUR
    kind = rule.merged_with or mail.template.value
    narrow = {one: digest_key(kind, about, one) for one in given}
    held = await _untaken(tx, rule, narrow, until)
    if rule.by_person:
        known = {one: user_id for one, user_id in given.items() if user_id is not None and one not in held}
        held |= await _untaken(tx, rule, {one: digest_key(kind, about, str(key)) for one, key in known.items()}, until)
    leaving = [one for one in given if one not in held]
    counts = await sent.count_notices(tx, mail.organisation_id, leaving, tx.now - HOUR)
    crowded = {one for one in leaving if counts.get(one, 0) >= NOTICES_PER_HOUR}
    if rule.kind is not MailKind.OPERATOR:
        room = await hourly_room(tx, mail.organisation_id)
        crowded |= set([one for one in leaving if one not in crowded][room:])
    held |= {one: digest_key("all", str(mail.organisation_id), one) for one in crowded}
    if held:
        await sent.wait_for_turns(tx, list(held.values()), until)
    return {one: Held(key) for one, key in held.items()}


async def _untaken(tx: Transaction, rule: MailRule, keys: Mapping[str, str], until: datetime) -> dict[str, str]:
    """Return the keys of those recipients whose hour has no room."""
    if not keys:
        return {}
    taken = await sent.take_turns(tx, set(keys.values()), rule.at_once, until)
    return {one: key for one, key in keys.items() if key not in taken}


async def hourly_room(tx: Transaction, organisation_id: UUID) -> int:
    """Return how many mails more an organisation may send within this hour, to all addresses together."""
    return max(0, tx.mails_per_hour - await sent.count_all(tx, organisation_id, tx.now - HOUR))


def digest_key(kind: str, about: str, recipient: str) -> str:
    """Return the hash under which mails of one kind, about one subject, to one recipient are counted."""
    return hashlib.sha256(f"{kind}\n{about}\n{recipient}".encode()).hexdigest()
