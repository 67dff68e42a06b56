"""Worlds for tests: organisations, people and accounts as rows, everything between organisations by the services.

A world has a clock of its own that stands still until a test moves it. Whoever acts, acts as the gateway does: through
`Database.write`, as an identity that a token would have shown.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

import asyncpg

from accord.access.principal import Client, Identity
from accord.database.audit import Anchor, Verdict, open_connection, verify
from accord.database.engine import Database
from accord.domain.chain import FIRST_HASH, first_event
from accord.domain.organisation import Role, new_handle, token_hash
from accord.domain.partnership import PartnershipState
from accord.services.operator import publish_terms
from accord.services.partnerships.partnership import (
    accept_partnership,
    approve_partnership,
    decline_partnership,
    refuse_partnership,
    remove_partner,
    withdraw_partnership,
)
from accord.services.partnerships.proposal import request_partnership
from tests.servers import DatabaseURLs

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Result = TypeVar("Result")
Service = Callable[..., Awaitable[Result]]

ISSUER: Final = "https://issuer.example"
PLATFORM_STAFF: Final = "staff@platform.example"
S = PartnershipState


@dataclass
class Clock:
    """The time of a world; it moves only by `advance`."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Let time pass, in the units of `timedelta`."""
        self.now += timedelta(**by)


@dataclass(frozen=True, slots=True)
class Organisation:
    """A tenant."""

    id: UUID
    handle: str
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an identity; `organisation` is the home, and where the person acts unless told otherwise."""

    id: UUID
    membership_id: UUID
    organisation: Organisation
    email: str
    identity: Identity


def identify(subject: str, *, operator: bool = False) -> Identity:
    """An identity as a token of the test issuer shows it."""
    client = Client("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "")
    expires = datetime(2100, 1, 1, tzinfo=UTC)
    return Identity(ISSUER, subject, subject, True, subject, True, f"token of {subject}", expires, client, operator)


STAFF: Final = identify(PLATFORM_STAFF, operator=True)


class World:
    """What a test lives in: one database, its clock, and the ways to fill it."""

    def __init__(self, urls: DatabaseURLs, database: Database, owner: Owner, clock: Clock) -> None:
        self.urls = urls
        self.database = database
        self.owner = owner
        self.clock = clock
        self.terms_version_id: UUID | None = None
        self._count = 0

    async def organisation(self, name: str = "", *, partners_enabled: bool = True) -> Organisation:
        """A new organisation without people."""
        self._count += 1
        handle, name = new_handle(), name or f"Organisation {self._count}"
        row = await self.owner.fetchval(
            "WITH made AS (INSERT INTO accord.organisations (handle, name, country_code, partners_enabled)"
            " VALUES ($1, $2, 'NO', $3) RETURNING id) INSERT INTO accord.chain_heads (stream_id, sequence, hash)"
            " SELECT id, 0, $4 FROM made RETURNING stream_id",
            handle,
            name,
            partners_enabled,
            FIRST_HASH,
        )
        await begin_chains(self.owner, [row], self.clock.now)
        return Organisation(row, handle, name)

    async def person(self, organisation: Organisation, *roles: Role, name: str = "") -> Person:
        """A new person with an active membership at home; a plain MEMBER if no role is named."""
        self._count += 1
        name = name or f"Person {self._count}"
        email = f"p{self._count}.{organisation.handle}@people.example"
        key = await self.owner.fetchval(
            "INSERT INTO accord.users (email, display_name, home_organisation_id) VALUES ($1, $2, $3) RETURNING id",
            email,
            name,
            organisation.id,
        )
        await self.owner.execute(
            "INSERT INTO accord.identities (issuer, subject, user_id) VALUES ($1, $2, $3)", ISSUER, email, key
        )
        membership = await self._membership(organisation, key, email, name, roles)
        return Person(key, membership, organisation, email, identify(email))

    async def vouched(self, identity: Identity, token: str) -> Identity:
        """The identity as an issuer shows it that vouches for the address to which this link was mailed."""
        sql = (
            "SELECT email FROM accord.memberships WHERE token_hash = $1"
            " UNION ALL SELECT email FROM accord.external_contacts WHERE token_hash = $1"
        )
        invited = await self.owner.fetchval(sql, token_hash(token))
        return identity if invited is None else replace(identity, email=invited)

    async def join(self, person: Person, organisation: Organisation, *roles: Role) -> UUID:
        """An active membership of a person in one more organisation; its key."""
        return await self._membership(organisation, person.id, person.email, person.email, roles)

    async def _membership(
        self, organisation: Organisation, user_id: UUID, email: str, name: str, roles: Sequence[Role]
    ) -> UUID:
        made: UUID = await self.owner.fetchval(
            "INSERT INTO accord.memberships (organisation_id, user_id, email, display_name, roles, status, joined_at)"
            " VALUES ($1, $2, $3, $4, $5, 'ACTIVE', $6) RETURNING id",
            organisation.id,
            user_id,
            email,
            name,
            [role.value for role in roles or (Role.MEMBER,)],
            self.clock.now,
        )
        return made

    async def account(self, *owners: Person, organisation: Organisation | None = None, label: str = "") -> UUID:
        """A new account with these owners, or without any where the organisation is named."""
        self._count += 1
        host = organisation or owners[0].organisation
        account: UUID = await self.owner.fetchval(
            "INSERT INTO accord.accounts (host_id, kind, category, app, label, launch_url)"
            " VALUES ($1, 'ACCOUNT', 'Sales', 'Ledger', $2, 'https://ledger.example/sign-in') RETURNING id",
            host.id,
            label or f"Account {self._count}",
        )
        for person in owners:
            await self.owner.execute(
                "INSERT INTO accord.account_ownerships (account_id, user_id, host_id) VALUES ($1, $2, $3)",
                account,
                person.id,
                host.id,
            )
        return account

    async def act(self, person: Person, service: Service[Result], **given: Any) -> Result:
        """Let a person do something, in the name of `organisation_id` or else of the home organisation."""
        organisation_id: UUID = given.pop("organisation_id", person.organisation.id)
        session: UUID | None = given.pop("session", None)
        return await self.database.write(
            person.identity, organisation_id, lambda tx: service(tx, organisation_id=organisation_id, **given), session
        )

    async def act_as_oneself(self, person: Person, service: Service[Result], **given: Any) -> Result:
        """Let a person do something on themselves, in nobody's name."""
        session: UUID | None = given.pop("session", None)
        return await self.database.write(person.identity, None, lambda tx: service(tx, **given), session)

    async def operate(self, service: Service[Result], **given: Any) -> Result:
        """Let the platform's staff do something."""
        return await self.database.write(STAFF, None, lambda tx: service(tx, **given))

    async def terms(self) -> UUID:
        """The current terms of service, published when first asked for."""
        if self.terms_version_id is None:
            self.terms_version_id = await self.operate(publish_terms, version="1", text="Be kind to each other.")
        return self.terms_version_id

    async def version(self, table: str, key: UUID) -> int:
        """The version of a row now."""
        found: int = await self.owner.fetchval(f"SELECT version FROM accord.{table} WHERE id = $1", key)
        return found

    async def verify(self, *anchors: Anchor) -> Verdict:
        """What `accord audit verify` finds in every chain."""
        async with open_connection(self.urls.superuser) as connection:
            return await verify(connection, anchors)

    async def request(self, requester: Person, guest: Organisation, reason: str = "They keep our books.") -> UUID:
        """A request for a partnership; an admin's goes to the guest at once, anybody else's waits for the host."""
        return await self.act(
            requester,
            request_partnership,
            guest_handle=guest.handle,
            contact_email=f"office@{guest.handle}.example",
            reason=reason,
        )

    async def partnership(
        self, requester: Person, approver: Person, guest_admin: Person, state: PartnershipState = S.ACTIVE
    ) -> UUID:
        """A partnership that a member requested, brought into `state` by the people's own acts.

        Nobody can suspend yet and time does not pass here: SUSPENDED, LAPSED and EXPIRED are written by the owner.
        """
        key = await self.request(requester, guest_admin.organisation)
        if state is S.AWAITING_HOST_APPROVAL:
            return key
        if state is S.DECLINED_BY_HOST:
            await self._on(key, approver, decline_partnership)
            return key
        await self._on(key, approver, approve_partnership)
        if state is S.DECLINED_BY_GUEST:
            await self._on(key, guest_admin, refuse_partnership)
        elif state is S.WITHDRAWN:
            await self._on(key, requester, withdraw_partnership)
        elif state is not S.AWAITING_GUEST_ACCEPTANCE:
            await self.accept(key, guest_admin)
        if state is S.TERMINATED:
            await self._on(key, approver, remove_partner)
        elif state in {S.SUSPENDED, S.LAPSED, S.EXPIRED}:
            await self.put(key, state)
        return key

    async def accept(self, partnership_id: UUID, guest_admin: Person) -> None:
        """The guest's yes to the current terms."""
        given = {"terms_version_id": await self.terms(), "consent": True}
        await self._on(partnership_id, guest_admin, accept_partnership, **given)

    async def put(self, partnership_id: UUID, state: PartnershipState) -> None:
        """Write a state that no act of this release leads to."""
        ended = self.clock.now if state in {S.LAPSED, S.EXPIRED} else None
        await self.owner.execute(
            "UPDATE accord.partnerships SET state = $2, ended_at = $3, suspended_by = $4, version = version + 1"
            " WHERE id = $1",
            partnership_id,
            state.value,
            ended,
            ["OPERATOR"] if state is S.SUSPENDED else [],
        )

    async def _on(self, key: UUID, person: Person, service: Service[Any], **given: Any) -> None:
        version = await self.version("partnerships", key)
        await self.act(person, service, partnership_id=key, expected_version=version, **given)


async def begin_chains(owner: Owner, streams: Sequence[UUID], at: datetime) -> None:
    """Write the first event of organisations that were made as rows."""
    rows = [first_event(stream_id, at) for stream_id in streams]
    records = [[json.dumps(value) if name == "data" else value for name, value in row.items()] for row in rows]
    await owner.copy_records_to_table("activity_events", schema_name="accord", columns=list(rows[0]), records=records)
    await owner.executemany(
        "UPDATE accord.chain_heads SET sequence = 1, hash = $2 WHERE stream_id = $1",
        [(row["stream_id"], row["hash"]) for row in rows],
    )


@asynccontextmanager
async def open_world(urls: DatabaseURLs, **options: Any) -> AsyncIterator[World]:
    """A world in this database; `options` are those of `Database`."""
    clock = Clock()
    database = Database(urls.gateway, **{"clock": clock, **options})
    owner = await asyncpg.connect(urls.superuser)
    try:
        yield World(urls, database, owner, clock)
    finally:
        await owner.close()
        await database.close()
