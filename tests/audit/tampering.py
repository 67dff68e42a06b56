"""What somebody with a superuser's rights may do to the chains behind the product's back, one way at a time."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final
from uuid import UUID, uuid4

from accord.domain.chain import fact_key
from tests.world import Owner

HEAD: Final = "SELECT sequence FROM accord.chain_heads WHERE stream_id = $1"
TEXTS: Final = ("actor_name", "account_label", "location", "os", "device", "ip", "reason", "app", "type")
KEYS: Final = ("actor_user_id", "host_id", "guest_id", "partnership_id", "account_id", "acting_session_id")


class Tampered:
    """A database that is being tampered with, and the dice that say where."""

    def __init__(self, owner: Owner, random: Random, streams: list[UUID]) -> None:
        self.owner = owner
        self.random = random
        self.streams = streams
        self.touched: set[UUID] = set()

    async def stream(self, at_least: int = 1) -> UUID:
        """A stream with so many events."""
        rows = await self.owner.fetch(
            "SELECT stream_id FROM accord.chain_heads WHERE sequence >= $1 AND stream_id = ANY ($2) ORDER BY 1",
            at_least,
            self.streams,
        )
        found: UUID = self.random.choice(rows)["stream_id"]
        self.touched.add(found)
        return found

    async def event(self, stream: UUID | None = None) -> tuple[UUID, UUID, int]:
        """The key, stream and number of any event."""
        stream = stream or await self.stream()
        last = await self.owner.fetchval(
            "SELECT max(sequence) FROM accord.activity_events WHERE stream_id = $1", stream
        )
        number = self.random.randint(1, last)
        found = "SELECT id FROM accord.activity_events WHERE stream_id = $1 AND sequence = $2"
        return await self.owner.fetchval(found, stream, number), stream, number

    async def on_event(self, change: str, *values: object) -> None:
        """Change one event, whichever."""
        key, _, _ = await self.event()
        await self.owner.execute(f"UPDATE accord.activity_events SET {change} WHERE id = $1", key, *values)


async def alter_text(t: Tampered) -> None:
    await t.on_event(f"{t.random.choice(TEXTS)} = $2", f"rewritten {t.random.random()}")


async def remove_text(t: Tampered) -> None:
    column = t.random.choice(("ip", "os", "device", "reason"))
    rows = await t.owner.fetch(
        f"SELECT id, stream_id FROM accord.activity_events WHERE {column} IS NOT NULL ORDER BY id"
    )
    row = t.random.choice(rows)
    t.touched.add(row["stream_id"])
    await t.owner.execute(f"UPDATE accord.activity_events SET {column} = NULL WHERE id = $1", row["id"])


async def alter_key(t: Tampered) -> None:
    await t.on_event(f"{t.random.choice(KEYS)} = $2", uuid4())


async def alter_time(t: Tampered) -> None:
    await t.on_event("occurred_at = occurred_at + make_interval(secs => $2)", t.random.uniform(0.001, 9e5))


async def alter_data(t: Tampered) -> None:
    await t.on_event("data = data || jsonb_build_object('more', $2::float8)", t.random.random())


async def alter_outcome(t: Tampered) -> None:
    await t.on_event("outcome = 'DENIED'")


async def alter_id(t: Tampered) -> None:
    await t.on_event("id = $2", uuid4())


async def alter_hash(t: Tampered) -> None:
    await t.on_event(f"{t.random.choice(('hash', 'previous_hash'))} = encode(sha256($2::bytea), 'hex')", b"other")


async def alter_salt(t: Tampered) -> None:
    await t.on_event("salt = $2", t.random.randbytes(32))


async def alter_facts(t: Tampered) -> None:
    await t.on_event("facts = array_remove(facts, 'actor_name')")


async def erase_without_record(t: Tampered) -> None:
    """Of an event that has such a fact: what time brings about has none."""
    erase = "SELECT accord.erase_facts(e, ARRAY['actor_name', 'ip']) FROM accord.activity_events e WHERE id = $1"
    while not await t.owner.fetchval(erase, (await t.event())[0]):
        pass


async def move_text_into_key(t: Tampered) -> None:
    """A commitment is SHA-256(key || value): what a key gains at its end, the value loses at its beginning."""
    key, _, _ = await t.event()
    row = await t.owner.fetchrow("SELECT * FROM accord.activity_events WHERE id = $1", key)
    name = next(name for name in row["facts"] if not name.startswith("data."))
    keys = {one: bytes.fromhex(found) for one, found in json.loads(row["fact_keys"] or "{}").items()}
    if row["salt"] is not None:
        keys = {one: fact_key(row["salt"], one) for one in row["facts"]}
    if name not in keys:
        await t.owner.execute("UPDATE accord.activity_events SET hash = repeat('c', 64) WHERE id = $1", key)
        return
    keys[name] += row[name][:1].encode()
    await t.owner.execute(
        f"UPDATE accord.activity_events SET salt = NULL, fact_keys = $2, {name} = $3 WHERE id = $1",
        key,
        json.dumps({one: found.hex() for one, found in keys.items()}),
        row[name][1:],
    )


async def name_facts_twice(t: Tampered) -> None:
    await t.on_event("facts = facts || facts")


async def leave_a_key_beside_the_salt(t: Tampered) -> None:
    await t.on_event("""salt = coalesce(salt, '\\x00'), fact_keys = '{"ip": "00"}'""")


async def leave_an_empty_mark(t: Tampered) -> None:
    await t.on_event("erased = '{}'")


async def mark_by_something_else(t: Tampered) -> None:
    await t.on_event("erased = $2", t.random.choice(("5", "[]", "[1]", '"word"', '{"ip": 1}')))


async def forge_a_record(t: Tampered) -> None:
    """Data of a shape that no act writes, where the verification reads what is on record."""
    stream = '"organisation_00000000-0000-0000-0000-000000000001"'
    kind, data = t.random.choice(
        (
            ("person.erased", "[]"),
            ("person.erased", '{"facts": "many"}'),
            ("export.created", f'{{"stream": {stream}, "sequence": 1e30, "head": 1}}'),
            ("chain.checkpoint", f'{{"heads": {{{stream}: [99999999999999999999, "1"]}}}}'),
            ("chain.checkpoint", f'{{"heads": {{{stream}: ["1", "1"]}}}}'),
        )
    )
    await t.on_event("type = $2, data = $3", kind, data)


async def delete_event(t: Tampered) -> None:
    key, _, _ = await t.event(await t.stream(2))
    await t.owner.execute("DELETE FROM accord.activity_events WHERE id = $1", key)


async def cut_tail(t: Tampered) -> None:
    stream = await t.stream(3)
    last = t.random.randint(1, await t.owner.fetchval(HEAD, stream) - 1)
    await t.owner.execute("DELETE FROM accord.activity_events WHERE stream_id = $1 AND sequence > $2", stream, last)


async def cut_tail_with_head(t: Tampered) -> None:
    stream = await t.stream(3)
    last = t.random.randint(1, await t.owner.fetchval(HEAD, stream) - 1)
    await t.owner.execute("DELETE FROM accord.activity_events WHERE stream_id = $1 AND sequence > $2", stream, last)
    await t.owner.execute(
        "UPDATE accord.chain_heads h SET sequence = e.sequence, hash = e.hash FROM accord.activity_events e"
        " WHERE h.stream_id = $1 AND e.stream_id = $1 AND e.sequence = $2",
        stream,
        last,
    )


async def alter_head(t: Tampered) -> None:
    stream = await t.stream()
    change = t.random.choice(("hash = repeat('a', 64)", "sequence = sequence + 1", "anchored = anchored + 1"))
    await t.owner.execute(f"UPDATE accord.chain_heads SET {change} WHERE stream_id = $1", stream)


async def delete_head(t: Tampered) -> None:
    await t.owner.execute("DELETE FROM accord.chain_heads WHERE stream_id = $1", await t.stream())


async def alter_and_delete_head(t: Tampered) -> None:
    key, stream, _ = await t.event()
    await t.owner.execute("UPDATE accord.activity_events SET reason = 'rewritten' WHERE id = $1", key)
    await t.owner.execute("DELETE FROM accord.chain_heads WHERE stream_id = $1", stream)


async def delete_stream(t: Tampered) -> None:
    stream = await t.stream()
    await t.owner.execute("DELETE FROM accord.activity_events WHERE stream_id = $1", stream)
    await t.owner.execute("DELETE FROM accord.chain_heads WHERE stream_id = $1", stream)


async def delete_organisation(t: Tampered) -> None:
    """As if it had never been; what hangs on it does not keep a superuser."""
    stream = await t.stream()
    await t.owner.execute("DELETE FROM accord.activity_events WHERE stream_id = $1", stream)
    await t.owner.execute("DELETE FROM accord.chain_heads WHERE stream_id = $1", stream)
    await t.owner.execute("DELETE FROM accord.organisations WHERE id = $1", stream)


async def empty_stream(t: Tampered) -> None:
    stream = await t.stream()
    await t.owner.execute("DELETE FROM accord.activity_events WHERE stream_id = $1", stream)
    await t.owner.execute(
        "UPDATE accord.chain_heads SET sequence = 0, hash = repeat('0', 64) WHERE stream_id = $1", stream
    )


async def empty_stream_and_its_mark(t: Tampered) -> None:
    await empty_stream(t)
    await t.owner.execute("UPDATE accord.chain_heads SET anchored = 0 WHERE sequence = 0")


async def move_events(t: Tampered) -> None:
    await t.owner.execute(
        "UPDATE accord.activity_events SET stream_id = $2 WHERE stream_id = $1", await t.stream(), uuid4()
    )


async def number_below_one(t: Tampered) -> None:
    """The constraint goes first: whoever owns the table takes it off."""
    await t.owner.execute("ALTER TABLE accord.activity_events DROP CONSTRAINT ck_activity_events_sequence_counts")
    key, _, _ = await t.event()
    number = t.random.choice((0, -1))
    await t.owner.execute(
        "INSERT INTO accord.activity_events (stream_id, sequence, occurred_at, type, outcome, actor_name, data,"
        " previous_hash, hash) SELECT stream_id, $2, occurred_at, type, outcome, actor_name, data, previous_hash, hash"
        " FROM accord.activity_events WHERE id = $1",
        key,
        number,
    )


async def swap_neighbours(t: Tampered) -> None:
    stream = await t.stream(2)
    number = t.random.randint(1, await t.owner.fetchval(HEAD, stream) - 1)
    move = "UPDATE accord.activity_events SET sequence = $3 WHERE stream_id = $1 AND sequence = $2"
    for before, after in ((number, 10**9), (number + 1, number), (10**9, number + 1)):
        await t.owner.execute(move, stream, before, after)


async def append_forged(t: Tampered) -> None:
    stream = await t.stream()
    await t.owner.execute(
        "INSERT INTO accord.activity_events (stream_id, sequence, occurred_at, type, outcome, actor_name, data,"
        " previous_hash, hash) SELECT stream_id, sequence + 1, now(), 'member.joined', 'SUCCESS', 'Eve', '{}', hash,"
        " repeat('b', 64) FROM accord.chain_heads WHERE stream_id = $1",
        stream,
    )
    await t.owner.execute(
        "UPDATE accord.chain_heads SET sequence = sequence + 1, hash = repeat('b', 64) WHERE stream_id = $1", stream
    )


WAYS: Final[tuple[Callable[[Tampered], Awaitable[None]], ...]] = (
    alter_text,
    remove_text,
    alter_key,
    alter_time,
    alter_data,
    alter_outcome,
    alter_id,
    alter_hash,
    alter_salt,
    alter_facts,
    erase_without_record,
    move_text_into_key,
    name_facts_twice,
    leave_a_key_beside_the_salt,
    leave_an_empty_mark,
    mark_by_something_else,
    forge_a_record,
    delete_event,
    cut_tail,
    cut_tail_with_head,
    alter_head,
    delete_head,
    alter_and_delete_head,
    delete_stream,
    delete_organisation,
    empty_stream,
    empty_stream_and_its_mark,
    move_events,
    number_below_one,
    swap_neighbours,
    append_forged,
)
