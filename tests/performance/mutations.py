"""P5: partnerships from request to removal as mutations, beside the same SQL sent by a loop that knows nothing else.

What leaves the gateway for each act is written down once, in process. Then gateway and loop live the same partnerships,
each on a copy of one database. Keys come from a sequence there, so that what was written down fits the copy.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias

import asyncpg
import orjson

from accord.database.caller import Driver
from accord.database.connections import STATEMENTS
from accord.database.embedded import EmbeddedPostgres
from accord.domain.ids import global_id
from accord.http.identity.development import DevelopmentIssuer
from tests.performance import peers
from tests.performance.dataset import Progress, Size, provide
from tests.performance.load import Call, connect
from tests.performance.probe import Sent, probing
from tests.servers import DatabaseURLs, administer

RING: Final = Size(organisations=200, events=50, streams=200)
"""The data set: every partnership has a host and a guest of its own, since a host may mail few invitations in a day."""

APART: Final = 25
"""How far a host's new guest stands behind it in the ring, in which its partners are the next 20."""

OWNER: Final = 3
ADMIN: Final = 1
"""Which of the people of an organisation."""

WHO: Final = ("gateway", "SQL")
ACTS: Final = ("request", "approve", "accept", "share", "remove")

PREPARED: Final = f"""
CREATE SEQUENCE accord.keys_in_turn;
GRANT USAGE ON SEQUENCE accord.keys_in_turn TO PUBLIC;
CREATE OR REPLACE FUNCTION accord.new_id() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS
  $$ SELECT ('0199ffff-ffff-7fff-8fff-' || lpad(to_hex(nextval('accord.keys_in_turn')), 12, '0'))::uuid $$;
INSERT INTO accord.terms_versions (code, version, text, text_hash, published_at)
  SELECT 'partner-terms', '1', 'Be kind.', encode(sha256('Be kind.'), 'hex'), created_at
  FROM accord.organisations LIMIT 1;
INSERT INTO accord.account_ownerships (account_id, user_id, host_id, created_at)
  SELECT a.id, u.id, a.host_id, a.created_at
  FROM accord.accounts a JOIN accord.users u ON u.home_organisation_id = a.host_id
  WHERE u.email LIKE 'p{OWNER}@%';
"""
FOUND: Final = """
SELECT o.id AS organisation, (SELECT id FROM accord.terms_versions) AS terms,
  (SELECT a.id FROM accord.accounts a WHERE a.host_id = o.id ORDER BY a.id LIMIT 1) AS account
FROM accord.organisations o ORDER BY substr(o.handle, 5)::int
"""
STATES: Final = """
SELECT 'partnership' AS what, state, count(*) FROM accord.partnerships GROUP BY state
UNION ALL SELECT 'share', state, count(*) FROM accord.shares GROUP BY state
UNION ALL SELECT 'grant', state, count(*) FROM accord.grants GROUP BY state ORDER BY 1, 2
"""

Ask: TypeAlias = Callable[[str, str, str, dict[str, Any]], Awaitable[Any]]
"""(act, who asks, mutation, input) to the partnership afterwards."""


class Failed(Exception):
    """A mutation was refused, or two copies do not hold the same in the end."""


Script: TypeAlias = dict[str, list[Sent]]
"""What one partnership sends, act by act."""


@dataclass(frozen=True, slots=True)
class Ring:
    """The organisations of the data set in turn, each with an account that it can share."""

    places: Sequence[Any]

    async def live(self, number: int, ask: Ask) -> None:
        """One partnership: the account's owner asks, an admin approves, the guest accepts, and so on to the end."""
        ours, theirs = self.places[number], self.places[number + APART]
        host, home = global_id("organisation", ours["organisation"]), global_id("organisation", theirs["organisation"])
        owner, admin, guest = people(number)
        asked = {"guestHandle": f"org-{number + APART + 1}", "contactEmail": guest, "reason": "They run our ledger."}
        consent = {"termsVersionId": global_id("terms", ours["terms"]), "consent": True}
        item = {"accountId": global_id("account", ours["account"]), "role": "COLLABORATOR"}
        made = await ask("request", owner, "requestPartnership", {"organisationId": host, **asked})
        for act, who, mutation, organisation, given in (
            ("approve", admin, "approvePartnership", host, {}),
            ("accept", guest, "acceptPartnership", home, consent),
            ("share", owner, "shareAccounts", host, {"items": [item]}),
            ("remove", admin, "removePartner", host, {}),
        ):
            known = {"partnershipId": made["id"], "expectedVersion": made["version"]}
            made = await ask(act, who, mutation, {"organisationId": organisation, **known, **given})


def people(number: int) -> tuple[str, str, str]:
    """The owner of the account and an admin of the host, and an admin of the guest."""
    host, guest = number + 1, number + APART + 1
    return f"p{OWNER}@org-{host}.example", f"p{ADMIN}@org-{host}.example", f"p{ADMIN}@org-{guest}.example"


def document(mutation: str) -> str:
    kind = mutation[0].upper() + mutation[1:]
    return (
        f"mutation Act($input: {kind}Input!) {{ payload: {mutation}(input: $input) {{"
        " errors { code message } partnership { id version state } } }"
    )


def partnership_of(data: Any) -> Any:
    payload = data["payload"]
    if payload["errors"]:
        raise Failed(data)
    return payload["partnership"]


async def mutations(
    server: EmbeddedPostgres, size: Size, folder: Path, rounds: int, each: int, progress: Progress
) -> str:
    """Rounds of so many partnerships, by the gateway and by the loop in turn; the first round warms up."""
    written, asked, sent = [await copy(server, size, name, progress) for name in ("written", "asked", "sent")]
    ring = await ring_of(asked)
    count = (rounds + 1) * each
    progress(f"mutations: {count} partnerships written down")
    scripts = await written_down(written, ring, count)
    times: dict[str, dict[str, list[float]]] = {who: {act: [] for act in ACTS} for who in WHO}
    async with gateway(asked, folder, count) as ask, loop(sent) as connection:
        for number in range(count):
            progress(f"mutations: partnership {number + 1} of {count}")
            spent = await lived(ring, number, ask), await replayed(connection, scripts[number])
            for who, acts in zip(WHO, spent, strict=True) if number >= each else ():
                for act, seconds in acts.items():
                    times[who][act].append(seconds)
    await check_same(asked, sent)
    return table(scripts[-1], times)


def table(script: Script, times: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """A line for each act, and one for a whole partnership; medians."""
    lines = ["| P5: mutations | statements | by the gateway | the same SQL | of its speed |", "|---|---|---|---|---|"]
    counts = [len(script[act]) for act in ACTS]
    ours, theirs = ([median(times[who][act]) * 1e3 for act in ACTS] for who in WHO)
    rows = [*zip(ACTS, counts, ours, theirs, strict=True), ("all five", sum(counts), sum(ours), sum(theirs))]
    lines += [f"| {act} | {count} | {own:.1f} ms | {sql:.1f} ms | {sql / own:.2f} |" for act, count, own, sql in rows]
    return "\n".join(lines) + "\n"


async def copy(server: EmbeddedPostgres, size: Size, name: str, progress: Progress) -> DatabaseURLs:
    """A fresh copy of the data set with keys in turn and terms to accept."""
    source = await provide(server, size, progress)
    progress(f"mutations: copy for what is {name}")
    urls = DatabaseURLs.of(server, f"bench_mutations_{name}")
    await administer(server, f"DROP DATABASE IF EXISTS {urls.name} WITH (FORCE)")
    await administer(server, f"CREATE DATABASE {urls.name} TEMPLATE {source.name} OWNER accord_owner")
    async with connected(urls.superuser) as owner:
        await owner.execute(PREPARED)
    return urls


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Driver]:
    connection = await asyncpg.connect(url, statement_cache_size=STATEMENTS)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def loop(urls: DatabaseURLs) -> AsyncIterator[Driver]:
    """A connection as the gateway's are: JSON comes as text, plans are generic."""
    async with connected(urls.gateway) as connection:
        for kind in ("json", "jsonb"):
            await connection.set_type_codec(kind, schema="pg_catalog", encoder=str, decoder=str)
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        yield connection


async def ring_of(urls: DatabaseURLs) -> Ring:
    async with connected(urls.superuser) as owner:
        return Ring(await owner.fetch(FOUND))


async def written_down(urls: DatabaseURLs, ring: Ring, count: int) -> list[Script]:
    """What so many partnerships send."""
    scripts: list[Script] = []
    async with probing(urls.gateway, people(0)[0]) as probe:

        async def ask(act: str, who: str, mutation: str, given: dict[str, Any]) -> Any:
            probe.sent.clear()
            data = await probe.ask(document(mutation), {"input": given}, who)
            scripts[-1][act] = list(probe.sent)
            return partnership_of(data)

        for number in range(count):
            scripts.append({})
            await ring.live(number, ask)
    return scripts


@asynccontextmanager
async def gateway(urls: DatabaseURLs, folder: Path, count: int) -> AsyncIterator[Ask]:
    """Mutations over HTTP; everybody has been here before."""
    peer = peers.gateway("mutations", urls, await peers.first_asker(urls), folder)
    issuer = DevelopmentIssuer(peers.PUBLIC, folder)
    async with peers.started(peer, folder / "mutations.log") as server:
        url = f"http://127.0.0.1:{server.port}/graphql"
        connection = await connect(Call.post(url, {}))

        async def post(who: str, body: dict[str, Any]) -> Any:
            answer = await connection.ask(Call.post(url, body, authorization=f"Bearer {tokens[who]}"))
            return orjson.loads(answer.partition(b"\r\n\r\n")[2])["data"]

        async def ask(act: str, who: str, mutation: str, given: dict[str, Any]) -> Any:
            return partnership_of(await post(who, {"query": document(mutation), "variables": {"input": given}}))

        tokens = {who: issuer.token(who) for number in range(count) for who in people(number)}
        for who in tokens:
            await post(who, {"query": "{ viewer { user { id } } }"})
        try:
            yield ask
        finally:
            connection.transport.close()


async def lived(ring: Ring, number: int, ask: Ask) -> dict[str, float]:
    """The seconds that each act of one partnership took."""
    spent: dict[str, float] = {}

    async def timed(act: str, who: str, mutation: str, given: dict[str, Any]) -> Any:
        began = time.perf_counter()
        made = await ask(act, who, mutation, given)
        spent[act] = time.perf_counter() - began
        return made

    await ring.live(number, timed)
    return spent


async def replayed(connection: Driver, script: Script) -> dict[str, float]:
    spent: dict[str, float] = {}
    for act, statements in script.items():
        began = time.perf_counter()
        for statement in statements:
            await statement.to(connection)
        spent[act] = time.perf_counter() - began
    return spent


async def check_same(*copies: DatabaseURLs) -> None:
    """Raises Failed unless all of them hold the same number of everything in each state."""
    held = []
    for urls in copies:
        async with connected(urls.superuser) as owner:
            held.append([tuple(row) for row in await owner.fetch(STATES)])
    if any(one != held[0] for one in held):
        raise Failed(held)
