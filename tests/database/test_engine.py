"""The engine: who asks never outlives an operation, and an operation never holds more than one connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Integer, bindparam, event, func, literal, select, text, update

from accord.access.principal import Identity
from accord.database import caller
from accord.database.connections import _roll_back
from accord.database.engine import (
    WRITE_TRIES,
    Busy,
    Database,
    Query,
    Snapshot,
    SnapshotClosed,
    TimedOut,
    Transaction,
)
from accord.database.tables.organisation import memberships, organisations, users
from accord.domain.errors import OrganisationContextMismatch
from accord.domain.organisation import Role
from tests.randomness import seeded
from tests.scale import count
from tests.servers import DatabaseURLs
from tests.world import World, identify, open_world

CANCELS: Final = count(test=400, check=400, prove=10_000)
LEFT_OPEN: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'accord_gateway'"
    " AND state LIKE 'idle in transaction%'"
)
ONE: Final = Query(select(literal(1).label("one")))
NAMES: Final = Query(select(organisations.c.name).order_by(organisations.c.name))
SLEEP: Final = Query(select(func.pg_sleep(bindparam("seconds", type_=Integer()))))


@pytest.fixture
async def world(database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(database_urls) as made:
        yield made


class Careless(Snapshot):
    """A snapshot as it must not be: it gives its connection back without ending what it began."""

    async def _close(self) -> None:
        async with self._lock:
            self._closed = True
            connection, self._connection = self._connection, None
            if connection is not None:
                await connection.close()


async def warm(database: Database, identity: Identity) -> None:
    """Fill the pool, so that what is cancelled is an operation and not the making of a connection."""
    snapshots = [database.snapshot(identity) for _ in range(5)]
    await asyncio.gather(*(snapshot.fetch(ONE) for snapshot in snapshots))
    await asyncio.gather(*(snapshot.close() for snapshot in snapshots))


async def left_open_after_cancels(world: World, kind: type[Snapshot], *, guarded: bool) -> int:
    """Cancel operations at random moments; how many connections of the pool stay in a transaction."""
    chance = seeded()
    organisation = await world.organisation()
    person = await world.person(organisation)
    database = Database(world.urls.gateway, pool_size=5)
    if not guarded:
        event.remove(database.engine.sync_engine, "reset", _roll_back)
    try:
        await warm(database, person.identity)
        for _ in range(CANCELS):
            snapshot = kind(database.engine, person.identity, database.clock())
            task = asyncio.create_task(snapshot.fetch(ONE))
            await asyncio.sleep(chance.random() * 0.004)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await snapshot.close()
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        left: int = await world.owner.fetchval(LEFT_OPEN)
        return left
    finally:
        await database.close()


async def test_400_cancels_leave_nothing_in_a_transaction(world: World) -> None:
    assert await left_open_after_cancels(world, Snapshot, guarded=True) == 0


async def test_without_the_guard_they_would_stay_open(world: World) -> None:
    assert await left_open_after_cancels(world, Careless, guarded=False) > 0


async def begin_and_forget(database: Database, organisation: str) -> None:
    """A raw transaction on a pooled connection that nobody ends."""
    async with database.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.execute(f"BEGIN; SELECT set_config('accord.organisations', '{organisation}', true)")


async def next_user(database: Database) -> tuple[bool, str | None]:
    """What the next user of the pool finds: is a transaction open, and in whose name?"""
    async with database.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        in_transaction = driver.is_in_transaction()
        return in_transaction, await driver.fetchval("SELECT nullif(current_setting('accord.organisations', true), '')")


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_forgotten_transaction_never_reaches_the_next_user(world: World, guarded: bool) -> None:
    organisation = await world.organisation()
    database = Database(world.urls.gateway, pool_size=1)
    if not guarded:
        event.remove(database.engine.sync_engine, "reset", _roll_back)
    try:
        await begin_and_forget(database, str(organisation.id))
        assert await next_user(database) == ((False, None) if guarded else (True, str(organisation.id)))
    finally:
        await database.close()


async def test_each_user_of_one_connection_is_who_they_are(world: World) -> None:
    """One connection for all, cancelled now and then: nobody is ever taken for somebody else."""
    people = [await world.person(await world.organisation(), Role.ORG_ADMIN) for _ in range(3)]
    chance = seeded()
    database = Database(world.urls.gateway, pool_size=1)
    try:
        for turn in range(60):
            person = people[turn % 3]
            snapshot = database.snapshot(person.identity)
            task = asyncio.create_task(snapshot.fetch(NAMES))
            if chance.random() < 0.3:
                await asyncio.sleep(chance.random() * 0.003)
                task.cancel()
            result: Any = (await asyncio.gather(task, return_exceptions=True))[0]
            await snapshot.close()
            if not isinstance(result, BaseException):
                assert [row.name for row in result] == [person.organisation.name]
            assert await next_user(database) == (False, None)
    finally:
        await database.close()


async def test_a_failed_write_leaves_no_name_behind(world: World) -> None:
    organisation = await world.organisation()
    person = await world.person(organisation)
    database = Database(world.urls.gateway, pool_size=1)

    async def fail(tx: Transaction) -> None:
        assert await tx.scalar(text("SELECT current_setting('accord.organisations', true)")) == str(organisation.id)
        raise LookupError

    try:
        with pytest.raises(LookupError):
            await database.write(person.identity, organisation.id, fail)
        assert await next_user(database) == (False, None)
    finally:
        await database.close()


async def test_a_closed_snapshot_answers_nothing(world: World) -> None:
    person = await world.person(await world.organisation())
    for before in ("unused", "used"):
        snapshot = world.database.snapshot(person.identity)
        if before == "used":
            await snapshot.fetch(ONE)
        await snapshot.close()
        await snapshot.close()
        with pytest.raises(SnapshotClosed):
            await snapshot.fetch(ONE)
        with pytest.raises(SnapshotClosed):
            await snapshot.principal()


async def test_a_snapshot_that_failed_to_open_stays_closed(world: World) -> None:
    person = await world.person(await world.organisation())
    database = Database(world.urls.gateway, pool_size=1, pool_wait=0.1)
    try:
        async with database.engine.connect():
            snapshot = database.snapshot(person.identity)
            with pytest.raises(Busy):
                await snapshot.fetch(ONE)
        with pytest.raises(SnapshotClosed):
            await snapshot.fetch(ONE)
        await snapshot.close()
    finally:
        await database.close()


async def test_an_operation_holds_one_connection(world: World) -> None:
    """Twenty fetches at once take turns on it."""
    person = await world.person(await world.organisation())
    pool: Any = world.database.engine.pool
    snapshot = world.database.snapshot(person.identity)
    fetches = [asyncio.create_task(snapshot.fetch(ONE)) for _ in range(20)]
    most = 0
    while not all(task.done() for task in fetches):
        most = max(most, pool.checkedout())
        await asyncio.sleep(0)
    assert [row.one for task in fetches for row in task.result()] == [1] * 20
    assert most == 1
    await snapshot.close()
    assert pool.checkedout() == 0


async def test_a_snapshot_is_one_instant_and_reads_only(world: World) -> None:
    organisation = await world.organisation("Before")
    person = await world.person(organisation)
    snapshot = world.database.snapshot(person.identity)
    assert [row.name for row in await snapshot.fetch(NAMES)] == ["Before"]
    await world.owner.execute("UPDATE accord.organisations SET name = 'After'")
    await world.owner.execute("UPDATE accord.memberships SET status = 'REMOVED'")
    assert [row.name for row in await snapshot.fetch(NAMES)] == ["Before"]
    assert (await snapshot.principal()).organisations == {organisation.id}
    assert snapshot._raw is not None
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await snapshot._raw.execute("UPDATE accord.organisations SET name = 'x'")
    await snapshot.close()
    later = world.database.snapshot(person.identity)
    assert not (await later.principal()).standings
    await later.close()


async def test_a_full_pool_is_busy(world: World) -> None:
    person = await world.person(await world.organisation())
    database = Database(world.urls.gateway, pool_size=1, pool_wait=0.1)

    async def nothing(tx: Transaction) -> None:
        return None

    try:
        async with database.engine.connect():
            with pytest.raises(Busy):
                await database.snapshot(person.identity).fetch(ONE)
            with pytest.raises(Busy):
                await database.write(person.identity, person.organisation.id, nothing)
        await database.write(person.identity, person.organisation.id, nothing)
    finally:
        await database.close()


async def test_waiting_for_a_lock_and_for_a_statement_ends(world: World) -> None:
    person = await world.person(await world.organisation(), Role.ORG_ADMIN)
    other = await world.person(person.organisation)
    database = Database(world.urls.gateway, lock_timeout=0.1, statement_timeout=0.3)

    async def rename(tx: Transaction) -> None:
        await tx.execute(update(memberships).values(display_name="x"))

    async def sleep(tx: Transaction) -> None:
        await tx.fetch(SLEEP, seconds=5)

    try:
        async with world.owner.transaction():
            await world.owner.execute("SELECT * FROM accord.memberships WHERE id = $1 FOR UPDATE", other.membership_id)
            with pytest.raises(Busy):
                await database.write(person.identity, person.organisation.id, rename)
        with pytest.raises(TimedOut):
            await database.write(person.identity, person.organisation.id, sleep)
        snapshot = database.snapshot(person.identity)
        with pytest.raises(TimedOut):
            await snapshot.fetch(SLEEP, seconds=5)
        await snapshot.close()
        assert await next_user(database) == (False, None)
    finally:
        await database.close()


async def test_a_deadlock_is_resolved_out_of_sight(world: World) -> None:
    """Two acts take two rows crosswise; PostgreSQL stops one of them, and both are done in the end."""
    person = await world.person(await world.organisation(), Role.ORG_ADMIN)
    other = await world.person(person.organisation, Role.ORG_ADMIN)
    met = asyncio.Barrier(2)
    runs = 0

    def crosswise(*keys: Any) -> Any:
        async def act(tx: Transaction) -> None:
            nonlocal runs
            runs += 1
            await tx.execute(update(memberships).where(memberships.c.id == keys[0]).values(email="x"))
            if runs <= 2:
                await met.wait()
            await tx.execute(update(memberships).where(memberships.c.id == keys[1]).values(email="x"))

        return act

    rows = [await world.person(person.organisation) for _ in range(2)]
    keys = tuple(one.membership_id for one in rows)
    home = person.organisation.id
    await asyncio.gather(
        world.database.write(person.identity, home, crosswise(*keys)),
        world.database.write(other.identity, home, crosswise(*reversed(keys))),
    )
    assert runs == 3


@pytest.mark.parametrize("code", ["40P01", "40001"])
async def test_endless_deadlocks_are_busy(world: World, code: str) -> None:
    person = await world.person(await world.organisation())
    tries = 0

    async def act(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        await tx.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '{code}'; END $$"))

    with pytest.raises(Busy):
        await world.database.write(person.identity, person.organisation.id, act)
    assert tries == WRITE_TRIES


async def test_other_errors_are_raised_as_they_are_and_once(world: World) -> None:
    person = await world.person(await world.organisation())
    tries = 0

    async def act(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await world.database.write(person.identity, person.organisation.id, act)
    assert tries == 1


async def test_nobody_acts_for_an_organisation_that_is_not_theirs(world: World) -> None:
    """Refused before anything is looked up: the act never starts."""
    person = await world.person(await world.organisation())
    foreign = await world.organisation()
    stranger = identify("nobody@people.example")

    async def act(tx: Transaction) -> None:
        raise AssertionError("the act has started")

    for identity, expected in ((person.identity, person.organisation.id), (stranger, None)):
        with pytest.raises(OrganisationContextMismatch) as refused:
            await world.database.write(identity, foreign.id, act)
        assert refused.value.expected == f"organisation_{foreign.id}"
        assert refused.value.actual == (f"organisation_{expected}" if expected else None)


async def test_a_removed_member_acts_no_more(world: World) -> None:
    person = await world.person(await world.organisation())
    for status in ("INVITED", "DEACTIVATED", "REMOVED"):
        await world.owner.execute("UPDATE accord.memberships SET status = $1", status)
        with pytest.raises(OrganisationContextMismatch):
            await world.database.write(person.identity, person.organisation.id, lambda tx: tx.scalar(select(1)))


async def test_a_removal_waits_for_the_act_or_stops_it(world: World) -> None:
    """The memberships of whoever acts are held until the commit (S65)."""
    person = await world.person(await world.organisation())
    held, go_on = asyncio.Event(), asyncio.Event()

    async def act(tx: Transaction) -> None:
        held.set()
        await go_on.wait()

    acting = asyncio.create_task(world.database.write(person.identity, person.organisation.id, act))
    await held.wait()
    removing = asyncio.create_task(world.owner.execute("UPDATE accord.memberships SET status = 'REMOVED'"))
    await asyncio.sleep(0.1)
    assert not removing.done()
    go_on.set()
    await acting
    await removing


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


@given(texts)
def test_a_literal_is_hexadecimal_whatever_is_in_it(value: str) -> None:
    made = caller.literal(value)
    assert set(made) <= set("convert_from(decode('0123456789abcdef', 'hex'), 'UTF8')")
    assert made.count("'") == 6


async def test_a_subject_is_data_and_nothing_else(world: World) -> None:
    for subject in ("x'); DROP TABLE accord.users; --", "\\'; SELECT 1", "Åse “Ødegård”", "$1", "%s", "{}"):
        snapshot = world.database.snapshot(identify(subject))
        assert (await snapshot.principal()).person_id is None
        shown = Query(select(func.current_setting("accord.subject").label("subject")))
        (row,) = await snapshot.fetch(shown)
        assert row.subject == subject
        await snapshot.close()
    assert await world.owner.fetchval("SELECT to_regclass('accord.users') IS NOT NULL")


async def test_the_rights_are_those_of_the_active_memberships(world: World) -> None:
    home, second, third = [await world.organisation() for _ in range(3)]
    person = await world.person(home, Role.ORG_ADMIN, Role.LEGAL_REPRESENTATIVE)
    await world.join(person, second, Role.AUDITOR)
    gone = await world.join(person, third, Role.ORG_ADMIN)
    await world.owner.execute("UPDATE accord.memberships SET status = 'DEACTIVATED' WHERE id = $1", gone)
    snapshot = world.database.snapshot(person.identity)
    principal = await snapshot.principal()
    await snapshot.close()
    assert principal.person_id == person.id
    assert principal.organisations == {home.id, second.id}
    assert principal.admin_of == principal.leads == principal.works_in == frozenset({home.id})
    assert principal.audits == {second.id}
    assert principal.home_organisation_id == home.id


def test_a_query_takes_its_values_by_name() -> None:
    query = Query(select(users.c.id).where(users.c.id == bindparam("one"), users.c.email == "fixed"))
    assert query.arguments({"one": 7, "other": 8}) == [7, "fixed"]


def test_a_value_that_nobody_gives_is_no_null() -> None:
    query = Query(select(users.c.id).where(users.c.id == bindparam("one"), users.c.email == bindparam("two", None)))
    assert query.arguments({"one": None}) == [None, None]
    with pytest.raises(KeyError, match="one"):
        query.arguments({"two": "given"})
