"""How the worker delivers: again where it may help, never twice on purpose, and whatever happens to the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from accord.database.engine import Database
from accord.delivery import schedule
from accord.delivery.bounce import Bounce, bounce_of
from accord.delivery.mailbox import list_mails, requeue
from accord.delivery.schedule import recover, tidy
from accord.delivery.worker import Delivery, Retry
from accord.services.outbox import Mail, Recipient, enqueue
from tests.delivery.conftest import PUBLIC_URL, Working
from tests.delivery.sink import PATIENCE, Sink
from tests.delivery.tenants import Owner, Tenant, invitation, reminder
from tests.servers import DatabaseURLs

STATE = "SELECT state, attempts, last_error, secret, sent_at FROM accord.mails ORDER BY id"
JOBS = "SELECT status::text FROM queue.pgqueuer ORDER BY id"


async def post(gateway: Database, sender: Tenant, mail: Mail) -> None:
    async with gateway.transaction(sender.identity, sender.organisation_id) as tx:
        await enqueue(tx, mail)


async def eventually(owner: Owner, query: str, is_it: Callable[[list[asyncpg.Record]], bool]) -> list[asyncpg.Record]:
    """The rows once they are as asked for; fails after a while."""
    async with asyncio.timeout(PATIENCE):
        rows: list[asyncpg.Record] = await owner.fetch(query)
        while not is_it(rows):
            await asyncio.sleep(0.02)
            rows = await owner.fetch(query)
    return rows


def patient(delivery: Delivery) -> Delivery:
    """The same, with a second between the attempts."""
    return replace(delivery, retry=Retry(attempts=10, first=timedelta(seconds=1), factor=1))


def in_state(state: str) -> Callable[[list[asyncpg.Record]], bool]:
    return lambda rows: bool(rows) and all(row["state"] == state for row in rows)


async def test_a_sent_mail_forgets_its_secret(
    gateway: Database, worker_database: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    await post(gateway, host, invitation(host, Recipient("contact@kestrel.example")))
    assert (await owner.fetchval("SELECT secret FROM accord.mails")) == "one-time-token"
    async with working():
        await sink.wait_for(1)
        (row,) = await eventually(owner, STATE, in_state("SENT"))
        assert await eventually(owner, JOBS, lambda rows: not rows) == []
    assert row["secret"] is None
    assert row["attempts"] == 1
    assert row["sent_at"] is not None
    (readable,) = await list_mails(worker_database, PUBLIC_URL)
    assert "one-time-token" not in readable.text
    assert "not shown any more" in readable.text
    for table in ("queue.pgqueuer", "queue.pgqueuer_log", "accord.mails", "accord.notifications"):
        assert not await owner.fetch(f"SELECT 1 FROM {table} t WHERE t::text LIKE '%one-time-token%'")


async def test_a_temporary_refusal_is_tried_again(
    gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working, delivery: Delivery
) -> None:
    sink.answers = ["451 greylisted, come back later"]
    await post(gateway, host, invitation(host, Recipient("contact@kestrel.example")))
    async with working(patient(delivery)):
        (row,) = await eventually(owner, STATE, in_state("FAILED"))
        assert row["attempts"] == 1
        assert "451 greylisted" in row["last_error"]
        assert row["secret"] == "one-time-token"
        await sink.wait_for(1)
        (row,) = await eventually(owner, STATE, in_state("SENT"))
    assert row["attempts"] == 2
    assert row["last_error"] is None
    first, second = sink.attempts
    assert first["Message-ID"] == second["Message-ID"]


async def test_a_mail_is_dead_after_its_attempts(
    gateway: Database, worker_database: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    sink.answers = ["451 not today"] * 10
    await post(gateway, host, invitation(host, Recipient("contact@kestrel.example")))
    async with working():
        (row,) = await eventually(owner, STATE, in_state("DEAD"))
        (_job,) = await eventually(owner, JOBS, lambda rows: [r["status"] for r in rows] == ["failed"])
        await asyncio.sleep(1)
    assert row["attempts"] == 3 == len(sink.attempts)
    assert row["secret"] is None
    assert "451 not today" in row["last_error"]
    (dead,) = await list_mails(worker_database, PUBLIC_URL, state="DEAD")
    assert dead.recipient == "contact@kestrel.example"


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
async def test_a_final_refusal_is_not_tried_again(
    stage: str, gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    if stage == "RCPT":
        sink.refused_recipients["nobody@kestrel.example"] = "550 no such mailbox"
    else:
        sink.answers = ["550 no such mailbox"]
    await post(gateway, host, reminder(host, Recipient("nobody@kestrel.example")))
    async with working():
        (row,) = await eventually(owner, STATE, in_state("DEAD"))
        await post(gateway, host, reminder(host, Recipient("somebody@kestrel.example")))
        await sink.wait_for(1)
    assert row["attempts"] == 1
    assert "no such mailbox" in row["last_error"]
    assert sink.recipients == ["somebody@kestrel.example"]


async def test_an_address_that_no_header_can_hold_is_dead_at_once(
    gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    await post(gateway, host, reminder(host, Recipient("a@b.example>\r\nBcc: thief@other.example")))
    async with working():
        (row,) = await eventually(owner, STATE, in_state("DEAD"))
    assert "cannot be written" in row["last_error"]
    assert sink.attempts == []


async def test_mails_wait_for_a_server_that_is_down(
    gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working, delivery: Delivery
) -> None:
    await sink.stop()
    await post(gateway, host, reminder(host, host.admin))
    async with working(patient(delivery)):
        await eventually(owner, STATE, in_state("FAILED"))
        await sink.start()
        await sink.wait_for(1)
        await eventually(owner, STATE, in_state("SENT"))


async def test_without_a_mail_server_mails_stay_queued_and_readable(
    gateway: Database, worker_database: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    await post(gateway, host, invitation(host, Recipient("contact@kestrel.example", display_name="Åse Vik")))
    async with working(Delivery(PUBLIC_URL)):
        await asyncio.sleep(1.5)
    (row,) = await owner.fetch(STATE)
    assert row["state"] == "QUEUED"
    assert row["attempts"] == 0
    (mail,) = await list_mails(worker_database, PUBLIC_URL, address="CONTACT@kestrel.example")
    assert mail.recipient == "Åse Vik <contact@kestrel.example>"
    assert mail.state == "QUEUED"
    assert f"{PUBLIC_URL}/invitations/one-time-token" in mail.text
    assert "<html" in mail.html
    assert await list_mails(worker_database, PUBLIC_URL, state="SENT") == []
    async with working():
        await sink.wait_for(1)


async def test_the_worker_survives_the_loss_of_its_connections(
    database_urls: DatabaseURLs, gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    superuser = await asyncpg.connect(database_urls.superuser)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'accord_worker' AND datname = $1"
    async with working():
        await post(gateway, host, reminder(host, host.admin))
        await sink.wait_for(1)
        for count in (2, 3):
            assert await superuser.fetch(cut, database_urls.name)
            await post(gateway, host, reminder(host, Recipient(f"person{count}@kestrel.example")))
            await sink.wait_for(count, within=5)
    await superuser.close()


async def test_a_job_that_a_killed_worker_held_is_taken_over(
    gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    await post(gateway, host, reminder(host, host.admin))
    await owner.execute(
        "UPDATE queue.pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid(),"
        " heartbeat = now() - interval '1 minute'"
    )
    async with working():
        await eventually(owner, STATE, in_state("SENT"))


async def test_a_mail_whose_worker_was_cancelled_is_recovered(
    gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    sink.slow = 3
    await post(gateway, host, reminder(host, host.admin))
    async with working() as cancelled:
        await eventually(owner, JOBS, lambda rows: [row["status"] for row in rows] == ["picked"])
        for _ in range(2):
            cancelled.cancel()
            await asyncio.sleep(0.1)
        with suppress(asyncio.CancelledError):
            await cancelled
    sink.slow = 0
    (row,) = await owner.fetch(STATE)
    assert row["state"] == "SENDING", "it may have arrived"
    assert await owner.fetch(JOBS) == []
    await owner.execute("UPDATE accord.mails SET claimed_at = claimed_at - interval '1 minute'")
    async with working():
        await eventually(owner, STATE, in_state("SENT"))


async def test_recovery_leaves_waiting_and_dead_mails_alone(
    gateway: Database, worker_database: Database, owner: Owner, host: Tenant
) -> None:
    for number in range(3):
        await post(gateway, host, reminder(host, Recipient(f"person{number}@kestrel.example")))
    await owner.execute(
        "UPDATE accord.mails SET state = 'DEAD' WHERE id = (SELECT max(id::text)::uuid FROM accord.mails)"
    )
    before = await owner.fetch("SELECT id FROM queue.pgqueuer")
    await recover(worker_database)
    assert await owner.fetch("SELECT id FROM queue.pgqueuer") == before
    await owner.execute("UPDATE queue.pgqueuer SET status = 'failed'")
    await recover(worker_database)
    assert len(await owner.fetch("SELECT id FROM queue.pgqueuer WHERE status = 'queued'")) == 2


async def test_a_mail_that_was_sent_already_is_left_alone(
    gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    await post(gateway, host, reminder(host, host.admin))
    await owner.execute("UPDATE accord.mails SET state = 'SENT', sent_at = now()")
    await post(gateway, host, reminder(host, Recipient("second@meridian.example")))
    async with working():
        await sink.wait_for(1)
        await eventually(owner, JOBS, lambda rows: not rows)
    assert sink.recipients == ["second@meridian.example"]


async def test_two_workers_send_each_mail_once(
    gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    async with working(), working():
        for number in range(4):
            people = [Recipient(f"person{number}{n}@kestrel.example") for n in range(25)]
            await post(gateway, host, reminder(host, *people))
        await sink.wait_for(100)
        await eventually(owner, STATE, in_state("SENT"))
    assert len(sink.attempts) == 100 == len(set(sink.recipients))


async def test_the_clock_sweeps_once_however_many_workers(
    worker_database: Database, working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every second instead of every minute, for the test's sake."""
    monkeypatch.setattr(schedule, "EVERY_MINUTE", "* * * * * *")
    swept: list[datetime] = []
    enough = asyncio.Event()

    async def sweep(database: Database, now: datetime) -> None:
        assert database is worker_database
        swept.append(now)
        if len(swept) == 1:
            raise ValueError("a sweep that fails")
        if len(swept) == 4:
            enough.set()

    async with working(sweep=sweep), working(sweep=sweep), asyncio.timeout(PATIENCE):
        await enough.wait()
    seconds = [instant.replace(microsecond=0) for instant in swept]
    assert len(set(seconds)) == len(seconds)


async def test_dead_links_and_old_log_are_forgotten(
    gateway: Database, worker_database: Database, owner: Owner, host: Tenant
) -> None:
    await post(gateway, host, invitation(host, Recipient("contact@kestrel.example")))
    now = datetime.now(UTC)
    await tidy(worker_database, now + timedelta(hours=71))
    assert await owner.fetchval("SELECT secret FROM accord.mails") == "one-time-token"
    assert await owner.fetchval("SELECT count(*) FROM queue.pgqueuer_log") == 1
    await tidy(worker_database, now + timedelta(days=31))
    assert await owner.fetchval("SELECT secret FROM accord.mails") is None
    assert await owner.fetchval("SELECT count(*) FROM queue.pgqueuer_log") == 0
    (mail,) = await list_mails(worker_database, PUBLIC_URL)
    assert "not shown any more" in mail.text


def test_a_mail_is_tried_for_four_days() -> None:
    retry = Retry()
    tried = sum((retry.pause(attempts) for attempts in range(1, retry.attempts)), timedelta())
    assert timedelta(days=4) <= tried <= timedelta(days=5)


@pytest.mark.parametrize(
    ("answer", "bounce"),
    [
        ("550 no such mailbox", Bounce.ADDRESS),
        ("550 5.1.1 unknown", Bounce.ADDRESS),
        ("554 5.1.2 no such host", Bounce.ADDRESS),
        ("550 5.2.1 disabled", Bounce.ADDRESS),
        ("552 too large", Bounce.MESSAGE),
        ("552 5.3.4 too large", Bounce.MESSAGE),
        ("554 5.6.0 bad content", Bounce.MESSAGE),
        ("550 5.7.1 blocked for now", Bounce.POLICY),
        ("550-5.7.1 blocked for now", Bounce.POLICY),
        ("554 transaction failed", Bounce.TEMPORARY),
        ("552 5.2.2 mailbox full", Bounce.TEMPORARY),
        ("550 4.7.0 later", Bounce.TEMPORARY),
        ("451 not today", Bounce.TEMPORARY),
        ("ConnectionRefusedError", Bounce.TEMPORARY),
    ],
)
def test_answers_are_told_apart(answer: str, bounce: Bounce) -> None:
    assert bounce_of(answer) is bounce


async def test_a_momentary_554_kills_no_mail(
    gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    sink.answers = ["554 transaction failed"]
    await post(gateway, host, reminder(host, host.admin))
    async with working():
        (row,) = await eventually(owner, STATE, in_state("SENT"))
    assert (row["attempts"], len(sink.attempts)) == (2, 2)


async def test_what_was_given_up_is_sent_again(
    gateway: Database, worker_database: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    """The mail with a link for one use stays as it is: its token is gone."""
    sink.answers = ["550 no such mailbox"] * 2
    await post(gateway, host, reminder(host, host.admin))
    await post(gateway, host, invitation(host, Recipient("contact@kestrel.example")))
    async with working():
        await eventually(owner, STATE, lambda rows: [row["state"] for row in rows] == ["DEAD", "DEAD"])
        # the worker lays a job aside just after its mail, and until then there is nothing to begin again
        await eventually(owner, JOBS, lambda rows: "picked" not in [row["status"] for row in rows])
        assert await requeue(worker_database, since=datetime.now(UTC) + timedelta(days=1)) == (0, 0)
        assert await requeue(worker_database, template="lapsed") == (0, 0)
        assert await requeue(worker_database) == (1, 1)
        await eventually(owner, STATE, lambda rows: sorted(row["state"] for row in rows) == ["DEAD", "SENT"])
        assert await requeue(worker_database) == (0, 1)
    assert sink.recipients == [host.admin.email]


def test_pauses_grow_up_to_the_longest() -> None:
    pauses = [Retry().pause(attempts).total_seconds() for attempts in (1, 2, 3, 7, 12, 10_000)]
    assert pauses == [5, 15, 45, 3600, 3600, 3600]


async def test_the_worker_stops_at_once_when_idle(working: Working) -> None:
    async with working():
        await asyncio.sleep(1)
        asked = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - asked < 3


async def test_a_stop_lets_the_current_mail_finish(
    gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    sink.slow = 1
    await post(gateway, host, reminder(host, host.admin))
    async with working():
        await eventually(owner, JOBS, lambda rows: [row["status"] for row in rows] == ["picked"])
    assert len(sink.accepted) == 1
    assert in_state("SENT")(await owner.fetch(STATE))
    assert await owner.fetch(JOBS) == []


@pytest.mark.parametrize(
    ("address", "delivered"),
    [
        ("contact@b\u00fccher.example", "contact@xn--bcher-kva.example"),
        ("contact@\u4f8b\u5b50.example", "contact@xn--fsqu00a.example"),
        (
            "\u03b4\u03bf\u03ba\u03b9\u03bc\u03ae@b\u00fccher.example",
            "\u03b4\u03bf\u03ba\u03b9\u03bc\u03ae@xn--bcher-kva.example",
        ),
    ],
)
async def test_an_international_address_gets_its_mail(
    gateway: Database, host: Tenant, sink: Sink, working: Working, address: str, delivered: str
) -> None:
    await post(gateway, host, invitation(host, Recipient(address)))
    async with working():
        (letter,) = await sink.wait_for(1)
    assert sink.recipients == [delivered]
    shown = letter["to"].addresses[0].addr_spec
    assert shown.encode("utf-8", "surrogateescape").decode("utf-8") == delivered


async def test_a_server_without_smtputf8_takes_international_domains_and_refuses_the_rest(
    gateway: Database, owner: Owner, host: Tenant, sink: Sink, working: Working
) -> None:
    sink.international = False
    await post(gateway, host, invitation(host, Recipient("contact@b\u00fccher.example")))
    async with working():
        await sink.wait_for(1)
        await eventually(owner, STATE, in_state("SENT"))
        await post(gateway, host, invitation(host, Recipient("\u03b4@b\u00fccher.example")))
        rows = await eventually(owner, STATE, lambda rows: len(rows) == 2 and rows[-1]["state"] == "DEAD")
    assert "SMTPUTF8" in rows[-1]["last_error"]
