"""What the gateway's role may do with mails, notices and jobs: add them, and no more than it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from accord.database.engine import Database, Transaction
from accord.database.tables.outbox import notifications
from accord.domain.notice import Template
from accord.services.outbox import Recipient, enqueue
from tests.delivery.tenants import Owner, Tenant, invitation, reminder

FORBIDDEN = (
    "SELECT secret FROM accord.mails",
    "SELECT facts FROM accord.mails",
    "SELECT state, last_error FROM accord.mails",
    "SELECT * FROM accord.mails",
    "UPDATE accord.mails SET address = 'thief@other.example'",
    "DELETE FROM accord.mails",
    "TRUNCATE accord.mails",
    "DELETE FROM accord.notifications",
    "SELECT payload FROM queue.pgqueuer",
    "UPDATE queue.pgqueuer SET payload = ''",
    "DELETE FROM queue.pgqueuer",
    "TRUNCATE queue.pgqueuer",
    "SELECT traceback FROM queue.pgqueuer_log",
    "SELECT * FROM queue.pgqueuer_schedules",
    "DROP TABLE queue.pgqueuer",
)
WORKER_FORBIDDEN = (
    "TRUNCATE accord.mails",
    "DELETE FROM accord.partnerships",
    "TRUNCATE queue.pgqueuer",
    "DROP TABLE queue.pgqueuer",
    "UPDATE accord.organisations SET name = 'ours'",
    "INSERT INTO accord.users (email, display_name) VALUES ('a@b.example', 'A')",
)


@pytest.fixture
async def tx(gateway: Database, host: Tenant, guest: Tenant) -> AsyncIterator[Transaction]:
    """The host acts; each side has sent one mail and has one notice."""
    for tenant in (host, guest):
        async with gateway.transaction(tenant.identity, tenant.organisation_id) as sending:
            await enqueue(sending, invitation(tenant, tenant.admin))
    async with gateway.transaction(host.identity, host.organisation_id) as acting:
        yield acting


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_gateway_may_not(statement: str, tx: Transaction) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tx.driver.transaction():
            await tx.driver.execute(statement)


async def test_the_gateway_counts_its_own_mails_alone(tx: Transaction, owner: Owner, host: Tenant) -> None:
    rows = await tx.driver.fetch("SELECT organisation_id FROM accord.mails")
    assert [row["organisation_id"] for row in rows] == [host.organisation_id]
    assert await owner.fetchval("SELECT count(*) FROM accord.mails") == 2


async def test_nobody_sends_in_the_name_of_another_tenant(tx: Transaction, guest: Tenant) -> None:
    for mail in (invitation(guest, Recipient("a@other.example")), reminder(guest, Recipient("b@other.example"))):
        with pytest.raises(DBAPIError, match=r'row-level security policy for table "mails"'):
            async with tx.connection.begin_nested():
                await enqueue(tx, mail)


async def test_nobody_gives_notice_in_the_name_of_another_tenant(tx: Transaction, host: Tenant, guest: Tenant) -> None:
    notice = insert(notifications).values(
        user_id=host.admin_id,
        organisation_id=guest.organisation_id,
        template=Template.LAPSED,
        subject="Not from them",
        text="Not from them",
        created_at=tx.now,
    )
    with pytest.raises(DBAPIError, match=r'row-level security policy for table "notifications"'):
        async with tx.connection.begin_nested():
            await tx.connection.execute(notice)


async def test_everybody_reads_the_own_notices_alone(tx: Transaction, owner: Owner, host: Tenant) -> None:
    rows = await tx.driver.fetch("SELECT user_id FROM accord.notifications")
    assert [row["user_id"] for row in rows] == [host.admin_id]
    assert await tx.driver.execute("UPDATE accord.notifications SET read_at = now()") == "UPDATE 1"
    assert await owner.fetchval("SELECT count(*) FROM accord.notifications") == 2


@pytest.mark.parametrize("statement", WORKER_FORBIDDEN)
async def test_the_worker_may_not(statement: str, worker_database: Database) -> None:
    async with worker_database.system() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with driver.transaction():
                await driver.execute(statement)
