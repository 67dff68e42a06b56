"""Copies of a pair of organisations with all that lies between them.

The services build the pair once; its rows are then written again under other keys, as often as there are trials. A
copy starts with chains of activity that have their first event alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID, uuid5

from accord.domain.chain import FIRST_HASH
from tests.world import Organisation, Person, World, begin_chains, identify

OF_PAIR: Final = {
    "organisations": "id = ANY ($1)",
    "users": "home_organisation_id = ANY ($1)",
    "identities": "user_id IN (SELECT id FROM accord.users WHERE home_organisation_id = ANY ($1))",
    "memberships": "organisation_id = ANY ($1)",
    "api_clients": "organisation_id = ANY ($1)",
    "chain_heads": "stream_id = ANY ($1)",
    "organisation_policies": "id = ANY ($1)",
    "partner_links": "customer_id = ANY ($1)",
    "invoices": "organisation_id = ANY ($1)",
    "wallets": "id = ANY ($1)",
    "wallet_entries": "organisation_id = ANY ($1)",
    **dict.fromkeys(
        (
            "partnerships",
            "attempts",
            "amendments",
            "invitations",
            "accounts",
            "account_ownerships",
            "shares",
            "grants",
            "access_items",
            "tickets",
            "external_contacts",
            "customer_assignments",
            "role_delegations",
            "role_groups",
            "role_group_members",
            "acting_sessions",
        ),
        "host_id = ANY ($1)",
    ),
}
"""Every table that a pair has rows in, in the order in which they can be written, and which rows those are."""

UNIQUE_WORDS: Final = {
    "organisations": {"handle"},
    "users": {"email"},
    "identities": {"subject"},
    "invitations": {"token_hash"},
    "memberships": {"token_hash"},
    "api_clients": {"secret_hash"},
    "external_contacts": {"token_hash"},
}
COLUMNS: Final = (
    "SELECT column_name FROM information_schema.columns"
    " WHERE table_schema = 'accord' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position"
)


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy: its number, and the keys and people of the original in it."""

    number: int
    keys: frozenset[UUID] = field(repr=False)

    def key(self, original: UUID) -> UUID:
        """The key in this copy, the same one where the original is not part of the pair."""
        return uuid5(UUID(int=self.number), original.hex) if original in self.keys else original

    def person(self, original: Person) -> Person:
        """The person in this copy."""
        home = original.organisation
        organisation = Organisation(self.key(home.id), f"{home.handle}-{self.number}", home.name)
        identity = replace(identify(f"{original.identity.subject}-{self.number}"), client=original.identity.client)
        return Person(
            self.key(original.id), self.key(original.membership_id), organisation, f"{original.email}", identity
        )

    def row(self, table: str, original: Mapping[str, Any]) -> tuple[Any, ...]:
        """A row of this copy."""
        words = UNIQUE_WORDS.get(table, set())
        made = {
            name: f"{value}-{self.number}" if value and name in words else self._value(value)
            for name, value in original.items()
        }
        if table == "chain_heads":
            made |= {"sequence": 0, "hash": FIRST_HASH, "anchored": 0}
        return tuple(made.values())

    def _value(self, value: Any) -> Any:
        if isinstance(value, UUID):
            return self.key(UUID(value.hex))
        return [self._value(part) for part in value] if isinstance(value, list) else value


class Original:
    """The rows of a pair as they stand when it is read."""

    def __init__(self, world: World, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self.world = world
        self.rows = rows
        self.keys = frozenset(UUID(row["id"].hex) for found in rows.values() for row in found if "id" in row)

    @classmethod
    async def read(cls, world: World, *organisations: Organisation) -> Original:
        """Read every row between these organisations."""
        rows = {}
        for table, condition in OF_PAIR.items():
            names = [row["column_name"] for row in await world.owner.fetch(COLUMNS, table)]
            found = await world.owner.fetch(
                f"SELECT {', '.join(names)} FROM accord.{table} WHERE {condition}", [o.id for o in organisations]
            )
            rows[table] = [dict(row) for row in found]
        return cls(world, rows)

    async def copy(self, count: int, start: int) -> list[Copy]:
        """Write `count` copies, numbered from `start`; a number is used once in a database."""
        copies = [Copy(number, self.keys) for number in range(start, start + count)]
        async with self.world.owner.transaction():
            for table, rows in self.rows.items():
                if rows:
                    await self.world.owner.copy_records_to_table(
                        table,
                        schema_name="accord",
                        columns=list(rows[0]),
                        records=[copy.row(table, row) for copy in copies for row in rows],
                    )
            streams = [copy.key(row["stream_id"]) for copy in copies for row in self.rows["chain_heads"]]
            await begin_chains(self.world.owner, streams, self.world.clock.now)
        return copies
