"""What `enqueue` writes, in whose transaction, and how much of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from accord.database.engine import Database
from accord.domain.errors import RateLimited
from accord.domain.notice import Template
from accord.services.outbox import Mail, Recipient, enqueue
from tests.delivery.conftest import Working
from tests.delivery.sink import Sink, body
from tests.delivery.tenants import Owner, Tenant, invitation, reminder
from tests.servers import DatabaseURLs


class Undone(Exception):
    """Rolls a transaction back."""


async def post(gateway: Database, sender: Tenant, mail: Mail) -> None:
    async with gateway.transaction(sender.identity, sender.organisation_id) as tx:
        await enqueue(tx, mail)


async def post_and_undo(gateway: Database, sender: Tenant, mail: Mail) -> None:
    async with gateway.transaction(sender.identity, sender.organisation_id) as tx:
        await enqueue(tx, mail)
        raise Undone


async def written(owner: Owner) -> tuple[int, int, int]:
    """How many mails, notices and jobs there are."""
    row = await owner.fetchrow(
        "SELECT (SELECT count(*) FROM accord.mails), (SELECT count(*) FROM accord.notifications),"
        " (SELECT count(*) FROM queue.pgqueuer)"
    )
    assert row is not None
    return row[0], row[1], row[2]


async def test_arrives_within_seconds_of_the_commit(
    gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    async with working():
        await asyncio.sleep(1)
        started = asyncio.get_running_loop().time()
        await post(gateway, host, invitation(host, Recipient("contact@kestrel.example", display_name="Åse Vik")))
        (message,) = await sink.wait_for(1, within=5)
        assert asyncio.get_running_loop().time() - started < 2
        assert sink.recipients == ["contact@kestrel.example"]
        assert message["To"].addresses[0].display_name == "Åse Vik"
        assert message["Subject"] == "Meridian invites Kestrel to a partnership"
        for kind in ("plain", "html"):
            assert "https://accord.example/invitations/one-time-token" in body(message, kind)


async def test_nothing_leaves_before_the_commit(gateway: Database, host: Tenant, sink: Sink, working: Working) -> None:
    async with working():
        async with gateway.transaction(host.identity, host.organisation_id) as tx:
            await enqueue(tx, reminder(host, host.admin))
            await asyncio.sleep(1.5)
            assert sink.attempts == []
        await sink.wait_for(1)


async def test_a_rollback_leaves_nothing(
    gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    async with working():
        with pytest.raises(Undone):
            await post_and_undo(gateway, host, reminder(host, host.admin))
        assert await written(owner) == (0, 0, 0)
        await post(gateway, host, reminder(host, host.admin))
        await sink.wait_for(1)
        assert len(sink.attempts) == 1


async def test_one_mail_per_address_and_one_notice_per_person(
    gateway: Database, owner: Owner, host: Tenant, guest: Tenant
) -> None:
    await owner.execute(
        "INSERT INTO accord.memberships (user_id, organisation_id, roles, status, email, display_name)"
        " VALUES ($1, $2, '{MEMBER}', 'ACTIVE', $3, 'Works for both')",
        guest.admin_id,
        host.organisation_id,
        guest.email,
    )
    twins = (host.admin, Recipient(host.email.upper(), guest.admin_id), Recipient("else@other.example"), host.admin)
    await post(gateway, host, reminder(host, *twins))
    assert await written(owner) == (2, 2, 2)
    addresses = await owner.fetch("SELECT address, ordinal FROM accord.mails ORDER BY ordinal")
    assert [tuple(row) for row in addresses] == [(host.email, 0), ("else@other.example", 1)]
    notices = await owner.fetch("SELECT user_id, subject, text, read_at FROM accord.notifications")
    assert {row["user_id"] for row in notices} == {host.admin_id, guest.admin_id}
    assert {row["subject"] for row in notices} == {"Reminder: Ida Lund asks to add Kestrel as a partner"}
    assert all("Meridian and Kestrel" in row["text"] and row["read_at"] is None for row in notices)


async def test_nobody_to_tell_is_no_error(gateway: Database, owner: Owner, host: Tenant) -> None:
    await post(gateway, host, reminder(host))
    assert await written(owner) == (0, 0, 0)


async def test_the_hosts_reason_has_no_way_to_the_guest(
    gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    """S51: given to the mail of the host's admins it arrives, given to the invitation it is not even kept."""
    secret = "because our payroll clerk left"
    facts = {"requester": "Ida Lund", "host": host.name, "guest": "Kestrel", "reason": secret}
    async with working():
        await post(gateway, host, Mail(Template.REQUEST_FILED, host.organisation_id, (host.admin,), facts))
        (filed,) = await sink.wait_for(1)
        assert secret in body(filed)
        assert secret in body(filed, "html")
        await owner.execute("DELETE FROM accord.mails")
        await post(gateway, host, invitation(host, Recipient("contact@kestrel.example"), reason=secret))
        _, invited = await sink.wait_for(2)
    assert secret not in invited.as_string()
    assert secret not in body(invited)
    assert secret not in body(invited, "html")
    kept = await owner.fetchrow("SELECT m::text AS mail FROM accord.mails m")
    notices = await owner.fetch("SELECT text FROM accord.notifications WHERE template = 'invitation'")
    assert kept is not None
    assert secret not in kept["mail"]
    assert not any(secret in row["text"] for row in notices)


@pytest.mark.parametrize("template", [Template.GUEST_DECLINED, Template.WITHDRAWN, Template.ACCEPTED])
async def test_a_missing_fact_is_refused(template: Template, gateway: Database, owner: Owner, host: Tenant) -> None:
    with pytest.raises(ValueError, match=rf"{template.value} lacks .*guest"):
        await post(gateway, host, Mail(template, host.organisation_id, (host.admin,), {"host": "Meridian"}))
    assert await written(owner) == (0, 0, 0)


async def test_links_and_secrets_belong_together(gateway: Database, owner: Owner, host: Tenant) -> None:
    without = Mail(Template.INVITATION, host.organisation_id, (host.admin,), {"host": "A", "guest": "B"})
    beside = Mail(Template.LAPSED, host.organisation_id, (host.admin,), {"host": "A", "guest": "B"}, secret="token")
    for mail in (without, beside):
        with pytest.raises(ValueError, match=r"secret|link"):
            await post(gateway, host, mail)
    assert await written(owner) == (0, 0, 0)


async def test_twenty_external_mails_a_day_for_an_organisation(
    database_urls: DatabaseURLs, owner: Owner, host: Tenant, guest: Tenant
) -> None:
    """Addresses are counted, not acts: one act may name many."""
    instant = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    clock = {"now": instant}
    gateway = Database(database_urls.gateway, clock=lambda: clock["now"])
    for number in range(10):
        people = (Recipient(f"contact{number}@kestrel.example"), Recipient(f"admin{number}@kestrel.example"))
        await post(gateway, host, invitation(host, *people))
        clock["now"] += timedelta(minutes=1)
    before = await written(owner)
    with pytest.raises(RateLimited) as refused:
        await post(gateway, host, invitation(host, Recipient("late@kestrel.example")))
    assert refused.value.retry_after == 24 * 3600 - 10 * 60
    assert await written(owner) == before == (20, 0, 20)
    await post(gateway, host, reminder(host, host.admin))
    await post(gateway, guest, invitation(guest, Recipient("somebody@meridian.example")))
    clock["now"] = instant + timedelta(days=1)
    await post(gateway, host, invitation(host, Recipient("late@kestrel.example")))
    await post(gateway, host, invitation(host, Recipient("soon@kestrel.example")))
    with pytest.raises(RateLimited):
        await post(gateway, host, invitation(host, Recipient("later@kestrel.example")))
    await gateway.close()


async def test_five_external_mails_a_day_to_one_recipient(
    gateway: Database, owner: Owner, host: Tenant, guest: Tenant
) -> None:
    for _ in range(5):
        await post(gateway, host, invitation(host, Recipient("contact@kestrel.example")))
    with pytest.raises(RateLimited) as refused:
        await post(gateway, host, invitation(host, guest.admin, Recipient("Contact@Kestrel.example")))
    assert 0 < refused.value.retry_after <= 24 * 3600
    assert await written(owner) == (5, 0, 5)
    await post(gateway, host, reminder(host, Recipient("contact@kestrel.example")))
    await post(gateway, guest, invitation(guest, Recipient("contact@kestrel.example")))


@pytest.mark.parametrize("written_first", ["Contact@Kestrel.example", "contact@kestrel.example"])
async def test_an_address_is_one_however_it_is_written(gateway: Database, host: Tenant, written_first: str) -> None:
    for _ in range(4):
        await post(gateway, host, invitation(host, Recipient(written_first)))
    await post(gateway, host, invitation(host, Recipient(written_first.swapcase())))
    for address in (written_first, written_first.lower(), written_first.upper()):
        with pytest.raises(RateLimited):
            await post(gateway, host, invitation(host, Recipient(address)))


async def test_the_cap_holds_for_senders_at_the_same_time(gateway: Database, owner: Owner, host: Tenant) -> None:
    for number in range(18):
        await post(gateway, host, invitation(host, Recipient(f"contact{number}@kestrel.example")))
    tries = [post(gateway, host, invitation(host, Recipient(f"race{n}@kestrel.example"))) for n in range(8)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [RateLimited] * 6
    assert await owner.fetchval("SELECT count(*) FROM accord.mails") == 20
