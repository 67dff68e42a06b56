"""Every occasion has its caps: the table is whole, and `enqueue` holds each of them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accord.database.engine import Database
from accord.domain.errors import RateLimited
from accord.domain.mail_budget import DEFAULT_PER_DAY, NOTICES_PER_HOUR, RULES, MailBudget, MailKind
from accord.domain.mail_text import NAME_LENGTH, OWN, QUOTE_LENGTH, clean_name
from accord.domain.notice import NOTICES, Template, select_facts
from accord.domain.organisation import token_hash
from accord.services import outbox
from accord.services.mail_caps import Admitted
from accord.services.mail_digest import send_waiting
from accord.services.outbox import Mail, Recipient, enqueue
from tests.delivery.tenants import Owner, Tenant
from tests.servers import DatabaseURLs

TRIES = 30
INSTANT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = INSTANT

    def __call__(self) -> datetime:
        return self.now


def mail_of(template: Template, sender: Tenant, *to: Recipient, **given: Any) -> Mail:
    notice = NOTICES[template]
    facts = {name: f"the {name}" for name in notice.required | notice.optional}
    secret = "one-time-token" if notice.page else None
    return Mail(template, sender.organisation_id, to, facts, secret=secret, **given)


async def post(database: Database, sender: Tenant, mail: Mail) -> None:
    async with database.transaction(sender.identity, sender.organisation_id) as tx:
        await enqueue(tx, mail)


async def post_often(database: Database, sender: Tenant, mail: Mail) -> None:
    for _ in range(TRIES):
        with suppress(RateLimited):
            await post(database, sender, mail)


async def count(owner: Owner, table: str = "mails") -> int:
    found: int = await owner.fetchval(f"SELECT count(*) FROM accord.{table}")
    return found


def test_every_occasion_has_its_row() -> None:
    assert set(RULES) == set(Template)
    for template, rule in RULES.items():
        told_besides = template in {Template.WITHDRAWN, Template.ROLES_CLEARED}
        assert (rule.budget is not None) <= (rule.kind is MailKind.INVITING or told_besides), template
        assert 1 <= rule.at_once <= NOTICES_PER_HOUR, template
        assert 1 <= rule.waiting <= rule.per_recipient <= 5, template
    assert all(RULES[template].to_strangers for template, notice in NOTICES.items() if notice.page)
    assert set(DEFAULT_PER_DAY) == set(MailBudget)


def inviting(template: Template) -> bool:
    return RULES[template].kind is MailKind.INVITING


@pytest.mark.parametrize("template", [one for one in Template if one is not Template.ORGANISATION_CREATED])
async def test_no_occasion_leaves_without_a_cap(
    template: Template, gateway: Database, owner: Owner, host: Tenant
) -> None:
    """Thirty times within seconds to one stranger; an organisation is created once, by the operator alone."""
    rule, to = RULES[template], Recipient("stranger@kestrel.example")
    external = inviting(template) and rule.budget is not None
    await post_often(gateway, host, mail_of(template, host, to, external=external))
    cap = min(rule.per_recipient, rule.per_pair or TRIES) if inviting(template) else rule.at_once
    assert await count(owner) == cap
    lost = TRIES - cap - await count(owner, "held_mails")
    assert lost == (TRIES - cap if inviting(template) else 0), "what has to be known is held, never lost"


@pytest.mark.parametrize("template", [Template.PARTNERSHIP_SUSPENDED, Template.MEMBER_INVITED])
async def test_without_the_caps_every_one_leaves(
    template: Template, gateway: Database, owner: Owner, host: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""

    async def admit(*_: object) -> Admitted:
        return Admitted("")

    monkeypatch.setattr(outbox, "admit", admit)
    await post_often(gateway, host, mail_of(template, host, Recipient("stranger@kestrel.example"), external=True))
    assert await count(owner) == TRIES


async def test_the_newest_link_waits_where_the_act_is_needed(
    database_urls: DatabaseURLs, worker_database: Database, owner: Owner, host: Tenant
) -> None:
    """A directory that lets somebody in and out thirty times mails once, and once more after a day, if at all."""
    clock = Clock()
    gateway, worker = Database(database_urls.gateway, clock=clock), Database(database_urls.worker, clock=clock)
    to = Recipient("stranger@kestrel.example", display_name="You won! http://evil.example/claim")
    mail = mail_of(Template.MEMBER_INVITED, host, to, external=True, waits=True)
    for number in range(TRIES):
        await post(gateway, host, replace(mail, secret=f"token {number}"))
        clock.now += timedelta(seconds=1)
    assert await count(owner) == 1
    await send_waiting(worker)
    assert await count(owner) == 1, "not before a day has gone by"
    newest = "INSERT INTO accord.memberships (organisation_id, email, display_name, roles, status, token_hash,"
    newest += " token_expires_at) VALUES ($1, 'a@b.example', 'A', '{MEMBER}', 'INVITED', $2, $3)"
    from_token = token_hash(f"token {TRIES - 1}")
    await owner.execute(newest, host.organisation_id, from_token, INSTANT + timedelta(hours=72))
    clock.now = INSTANT + timedelta(days=1, seconds=TRIES)
    await asyncio.gather(send_waiting(worker), send_waiting(worker))
    rows = await owner.fetch("SELECT secret, display_name FROM accord.mails ORDER BY created_at")
    assert [row["secret"] for row in rows] == ["token 0", f"token {TRIES - 1}"]
    assert {row["display_name"] for row in rows} == {"You won! [link removed]"}
    assert await count(owner, "held_mails") == 0
    await gateway.close()
    await worker.close()


async def test_a_link_that_is_void_by_then_is_not_sent(database_urls: DatabaseURLs, owner: Owner, host: Tenant) -> None:
    clock = Clock()
    gateway, worker = Database(database_urls.gateway, clock=clock), Database(database_urls.worker, clock=clock)
    mail = mail_of(Template.MEMBER_INVITED, host, Recipient("gone@kestrel.example"), external=True, waits=True)
    for _ in range(3):
        await post(gateway, host, mail)
    clock.now += timedelta(days=2)
    await send_waiting(worker)
    assert (await count(owner), await count(owner, "held_mails")) == (1, 0)
    await gateway.close()
    await worker.close()


async def test_budgets_are_apart_and_decisions_count_in_none(gateway: Database, owner: Owner, host: Tenant) -> None:
    """After all partner mails of a day, colleagues are invited and approvals go through."""
    for number in range(DEFAULT_PER_DAY[MailBudget.PARTNERS]):
        to = Recipient(f"contact{number}@kestrel.example")
        await post(gateway, host, mail_of(Template.INVITATION, host, to, external=True))
    with pytest.raises(RateLimited):
        await post(gateway, host, mail_of(Template.CONTACT_INVITED, host, Recipient("x@y.example"), external=True))
    before = await count(owner)
    approval = {"external": True, "counted": False, "waits": True}
    for number in range(25):
        await post(gateway, host, mail_of(Template.INVITATION, host, Recipient(f"a{number}@y.example"), **approval))
        await post(
            gateway, host, mail_of(Template.MEMBER_INVITED, host, Recipient(f"b{number}@y.example"), external=True)
        )
    assert await count(owner) == before + 50


async def test_five_hundred_colleagues_in_a_day_and_the_operator_raises_it(
    database_urls: DatabaseURLs, owner: Owner, host: Tenant
) -> None:
    gateway = Database(database_urls.gateway, mails_per_day={**DEFAULT_PER_DAY, MailBudget.MEMBERS: 3})
    assert DEFAULT_PER_DAY[MailBudget.MEMBERS] >= 500
    people = iter(range(100))

    async def invite() -> None:
        to = Recipient(f"colleague{next(people)}@kestrel.example")
        await post(gateway, host, mail_of(Template.MEMBER_INVITED, host, to, external=True))

    for _ in range(3):
        await invite()
    with pytest.raises(RateLimited):
        await invite()
    await owner.execute("UPDATE accord.organisations SET member_mails_per_day = 5 WHERE id = $1", host.organisation_id)
    for _ in range(2):
        await invite()
    with pytest.raises(RateLimited):
        await invite()
    await gateway.close()


async def test_a_recipient_hears_at_most_so_much_an_hour_of_one_sender(
    gateway: Database, owner: Owner, host: Tenant
) -> None:
    """Every occasion once would be 37 mails: twenty leave, the rest is held for one digest."""
    notices = [one for one in Template if not inviting(one) and not NOTICES[one].page]
    for template in notices:
        await post(gateway, host, mail_of(template, host, host.admin))
    assert len(notices) > NOTICES_PER_HOUR
    assert await count(owner) == NOTICES_PER_HOUR
    assert await owner.fetchval("SELECT count(DISTINCT key) FROM accord.held_mails") <= 2


HOSTILE = [
    ("You won! http://evil.example/claim?id=7 now", "You won! [link removed] now"),
    ("HTTPS://EVIL.EXAMPLE", "[link removed]"),
    ("www.evil.example", "[link removed]"),
    ("mailto:a@evil.example", "[link removed]"),
    ("Call evil.example today", "Call evil[.]example today"),
    ("\uff48\uff54\uff54\uff50\uff1a\uff0f\uff0fevil\uff0eexample", "[link removed]"),
    ("Prize at t.me/evilbot", "Prize at t[.]me/evilbot"),
    ("You won: claim at prize-4u.com/go", "You won: claim at prize-4u[.]com/go"),
    ("1.2.3.4/x", "1[.]2[.]3[.]4/x"),
    ("x@y-z.com", "x[@]y-z[.]com"),
    ("evil.\u200bcom and e\u00advil\u2060.com", "evil[.]com and evil[.]com"),
    ("ht\u200btp://evil.example", "[link removed]"),
    ("evil\u3002com, evil\u2024com, a\uff20b.cd", "evil[.]com, evil[.]com, a[@]b[.]cd"),
    ("two\r\nlines\u2028and\u202ethree\x00", "two lines and three"),
    ("J. R. O'Neil-Smith", "J. R. O'Neil-Smith"),
]


@pytest.mark.parametrize(("given", "said"), HOSTILE)
def test_a_name_carries_no_message(given: str, said: str) -> None:
    assert clean_name(given) == said


async def test_words_to_strangers_are_bounded(gateway: Database, owner: Owner, host: Tenant) -> None:
    mail = mail_of(Template.MEMBER_INVITED, host, Recipient("s@k.example", display_name="x" * 200), external=True)
    await post(gateway, host, replace(mail, facts={"actor": "y" * 200, "organisation": "http://a.example " * 9}))
    row = await owner.fetchrow("SELECT display_name, facts::text AS facts FROM accord.mails")
    assert row is not None
    assert len(row["display_name"]) == NAME_LENGTH
    assert "http" not in row["facts"]
    assert "y" * NAME_LENGTH not in row["facts"]
    suspended = mail_of(Template.PARTNERSHIP_SUSPENDED, host, host.admin)
    await post(gateway, host, replace(suspended, facts={**suspended.facts, "reason": "z" * 10_000}))
    reason = await owner.fetchval("SELECT facts->>'reason' FROM accord.mails WHERE template = 'partnership_suspended'")
    assert len(reason) == QUOTE_LENGTH


@pytest.mark.parametrize("template", [Template.MEMBER_INVITED, Template.WITHDRAWN, Template.INVITATION])
async def test_tags_of_one_mailbox_are_one_recipient(
    template: Template, gateway: Database, owner: Owner, host: Tenant
) -> None:
    """Before: thirty of each."""
    rule, external = RULES[template], inviting(template)
    for number in range(TRIES):
        to = Recipient(f"Vic+{number}@kestrel.example")
        with suppress(RateLimited):
            await post(gateway, host, mail_of(template, host, to, external=external))
    assert await count(owner) == (rule.per_recipient if external else rule.at_once)
    assert await owner.fetchval("SELECT array_agg(DISTINCT address_key) FROM accord.mails") == ["vic@kestrel.example"]
    many = [Recipient(f"amy+{number}@kestrel.example") for number in range(20)]
    await post(gateway, host, mail_of(Template.LAPSED, host, *many))
    assert await owner.fetchval("SELECT count(*) FROM accord.mails WHERE address ~ '^amy'") == 1


async def test_a_digest_is_counted_for_the_mailbox(
    database_urls: DatabaseURLs, worker_database: Database, owner: Owner, host: Tenant
) -> None:
    clock = Clock()
    gateway, worker = Database(database_urls.gateway, clock=clock), Database(database_urls.worker, clock=clock)
    for number in range(TRIES):
        await post(gateway, host, mail_of(Template.LAPSED, host, Recipient(f"vic+{number}@kestrel.example")))
    clock.now += timedelta(hours=2)
    await send_waiting(worker)
    key = await owner.fetchval("SELECT address_key FROM accord.mails WHERE template = 'notice_digest'")
    assert key == "vic@kestrel.example"
    await gateway.close()
    await worker.close()


async def test_a_budget_counts_addresses_and_taking_back_waits_over_it(
    database_urls: DatabaseURLs, worker_database: Database, owner: Owner, host: Tenant
) -> None:
    """Before: 760 mails to 380 strangers in one day."""
    clock, budget = Clock(), DEFAULT_PER_DAY[MailBudget.PARTNERS]
    gateway, worker = Database(database_urls.gateway, clock=clock), Database(database_urls.worker, clock=clock)
    for number in range(5):
        listed = [Recipient(f"stranger{number}-{one}@kestrel.example") for one in range(20)]
        with suppress(RateLimited):
            await post(gateway, host, mail_of(Template.ROLES_DELEGATED, host, *listed, external=True))
        await post(gateway, host, mail_of(Template.ROLES_CLEARED, host, host.admin, *listed))
    known = await owner.fetchval("SELECT count(*) FROM accord.mails WHERE address = $1", host.admin.email)
    assert known == 5, "those who are known are told at once"
    assert await count(owner) - known == budget
    assert await count(owner, "held_mails") == 100
    for day in range(1, 4):
        clock.now += timedelta(days=1, minutes=5)
        await send_waiting(worker)
        assert await count(owner) - known == budget * (day + 1), "held, and sent as the budget allows"
    await gateway.close()
    await worker.close()


async def test_an_act_whose_addresses_are_more_than_the_rest_is_refused(
    gateway: Database, owner: Owner, host: Tenant
) -> None:
    for size, leaves in ((15, True), (6, False), (5, True), (1, False)):
        before = await count(owner)
        to = [Recipient(f"s{before}-{size}-{one}@kestrel.example") for one in range(size)]
        with suppress(RateLimited):
            await post(gateway, host, mail_of(Template.ROLES_DELEGATED, host, *to, external=True))
        assert await count(owner) - before == (size if leaves else 0)


@pytest.mark.parametrize("template", list(Template))
def test_no_mail_brings_a_link(template: Template) -> None:
    notice = NOTICES[template]
    words = dict.fromkeys(notice.required | notice.optional, "claim at www.evil.example, prize-4u.com/go or x@y-z.com")
    own = {name: "12.50" for name in words if name in OWN}
    cleaned = select_facts(template, words | own, to_strangers=RULES[template].to_strangers)
    assert all(cleaned[name] == "12.50" for name in own)
    assert not any(dotted in " ".join(cleaned.values()) for dotted in ("www.", "4u.com", "x@y", "z.com"))


async def test_a_sender_mails_so_much_an_hour_whatever_it_is_about(
    database_urls: DatabaseURLs, worker_database: Database, owner: Owner, host: Tenant
) -> None:
    clock = Clock()
    gateway = Database(database_urls.gateway, clock=clock, mails_per_hour=7)
    worker = Database(database_urls.worker, clock=clock, mails_per_hour=7)
    for number in range(10):
        await post(gateway, host, mail_of(Template.LAPSED, host, Recipient(f"a{number}@kestrel.example")))
    with pytest.raises(RateLimited):
        await post(gateway, host, mail_of(Template.INVITATION, host, Recipient("b@kestrel.example"), external=True))
    assert (await count(owner), await count(owner, "held_mails")) == (7, 3)
    await post(gateway, host, mail_of(Template.PARTNER_LINKED, host, host.admin))
    assert await count(owner) == 8, "the operator's own is no matter of the organisation's"
    clock.now += timedelta(hours=2)
    await send_waiting(worker)
    assert (await count(owner), await count(owner, "held_mails")) == (11, 0)
    await gateway.close()
    await worker.close()


async def test_a_person_hears_of_leading_roles_whatever_their_address_is(
    gateway: Database, owner: Owner, host: Tenant
) -> None:
    """Before: thirty mails to thirty strangers."""
    for number in range(TRIES):
        to = replace(host.admin, email=f"victim{number}@kestrel{number}.example")
        await post(gateway, host, mail_of(Template.LEADING_ROLES_CHANGED, host, to))
    assert await count(owner) == RULES[Template.LEADING_ROLES_CHANGED].at_once
    assert await owner.fetchval("SELECT count(DISTINCT key) FROM accord.held_mails") == 1


@pytest.mark.parametrize(("status", "leaves"), [("ACTIVE", 2), ("SUSPENDED", 1), ("CLOSED", 1)])
async def test_a_link_of_an_organisation_that_is_not_active_is_not_sent(
    status: str, leaves: int, database_urls: DatabaseURLs, worker_database: Database, owner: Owner, host: Tenant
) -> None:
    clock = Clock()
    gateway, worker = Database(database_urls.gateway, clock=clock), Database(database_urls.worker, clock=clock)
    mail = mail_of(Template.MEMBER_INVITED, host, Recipient("late@kestrel.example"), external=True, waits=True)
    for _ in range(2):
        await post(gateway, host, mail)
    newest = "INSERT INTO accord.memberships (organisation_id, email, display_name, roles, status, token_hash,"
    newest += " token_expires_at) VALUES ($1, 'a@b.example', 'A', '{MEMBER}', 'INVITED', $2, $3)"
    await owner.execute(newest, host.organisation_id, token_hash("one-time-token"), INSTANT + timedelta(hours=72))
    await owner.execute("UPDATE accord.organisations SET status = $2 WHERE id = $1", host.organisation_id, status)
    clock.now += timedelta(days=1, seconds=1)
    await send_waiting(worker)
    assert await count(owner) == leaves
    await gateway.close()
    await worker.close()
