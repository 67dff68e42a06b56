"""All operations of one data set, and what each of them costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from accord.domain.ids import global_id
from tests.performance.dataset import Progress
from tests.performance.growth import machines, reads
from tests.performance.growth.gateways import Ready
from tests.performance.growth.meter import Cost
from tests.performance.growth.scene import Operation, Scene

MEMBERS: Final = """
SELECT membership_id FROM accord.scim_group_members gm JOIN accord.scim_groups g ON g.id = gm.group_id
WHERE g.external_id = 'group-1' ORDER BY membership_id
"""
OF_BRAND: Final = (
    "WHERE %s = (SELECT id FROM public.named WHERE name = 'organisation:brand-0') ORDER BY id DESC LIMIT 1"
)
THINGS: Final[Mapping[str, str]] = {
    "grant": "grants " + OF_BRAND % "host_id",
    "cascade": "cascades " + OF_BRAND % "organisation_id",
    "amendment": "amendments " + OF_BRAND % "host_id",
    "attempt": "attempts " + OF_BRAND % "host_id",
    "invoice": "invoices " + OF_BRAND % "organisation_id",
    "apiclient": "api_clients " + OF_BRAND % "organisation_id",
    "accessitem": "access_items ORDER BY id LIMIT 1",
    "contact": "external_contacts ORDER BY id LIMIT 1",
    "link": "partner_links ORDER BY id LIMIT 1",
    "notification": "notifications ORDER BY id LIMIT 1",
    "terms": "terms_versions ORDER BY id LIMIT 1",
    "scimcredential": "scim_credentials ORDER BY id LIMIT 1",
    "invitationclaim": "invitation_claims ORDER BY id LIMIT 1",
}
"""Where the things are that `tenants.sql` gives no name."""

NAMED: Final[Mapping[str, str]] = {
    "organisation, seen": "organisation:guest-2",
    "organisation, of strangers": "organisation:customer-9",
    "user, a guest's": "user:p2@guest2.example",
    "user, a colleague": "user:p2@brand0.example",
    "user, nobody's": "user:p2@customer3.example",
    "membership": "membership:p5@brand0.example",
    "partnership": "partnership:brand-2",
    "account": "account:pool-0:2",
    "share": "share:brand-2:0",
    "delegation": "delegation:crowd-0",
    "rolegroup": "rolegroup:crowd-0",
    "scimgroup": "scimgroup:group-1",
    "event": "event:2",
}


@dataclass(frozen=True, slots=True)
class Pace:
    """How often an operation is asked: `warm` times first, then as many rounds as begin within the seconds."""

    warm: int = 3
    rounds: int = 5
    seconds: float = 1.5


async def things_of(owner: asyncpg.Connection[asyncpg.Record], scene: Scene) -> dict[str, str]:
    """Return a thing of each kind by what it is."""
    found = {kind: await owner.fetchval(f"SELECT id FROM accord.{of}") for kind, of in THINGS.items()}
    settings = {"settings": global_id("settings", scene.named.keys["organisation:brand-0"])}
    named = {what: scene.named(name) for what, name in NAMED.items()}
    session = {"session": next(iter(scene.sessions.values()))}
    return named | {kind: global_id(kind, key) for kind, key in found.items()} | settings | session


async def operations(ready: Ready) -> list[Operation]:
    """Return everything that is measured."""
    scene = ready.scene
    things = await things_of(ready.owner, scene)
    members = [global_id("membership", row["membership_id"]) for row in await ready.owner.fetch(MEMBERS)]
    stranger = await ready.owner.fetchval(
        "SELECT max(s.id::text) FROM accord.scim_users s"
        " WHERE NOT EXISTS (SELECT FROM accord.scim_group_members gm WHERE gm.membership_id = s.id)"
    )
    return [
        *reads.screens(scene),
        *reads.lists(scene),
        *reads.nodes(scene, things),
        *reads.activity(scene),
        *reads.reports(scene),
        *machines.directory(scene, members, global_id("membership", stranger)),
        *machines.files(scene),
    ]


def chosen(listed: Sequence[Operation], only: Sequence[str]) -> Iterator[Operation]:
    """The operations whose name or asker contains one of these words; all without any."""
    return (one for one in listed if not only or any(word in one.key for word in only))


async def costs(ready: Ready, only: Sequence[str], pace: Pace, progress: Progress) -> dict[str, tuple[Operation, Cost]]:
    """Measure one operation after the other; return each with its cost, by its key."""
    found: dict[str, tuple[Operation, Cost]] = {}
    for operation in chosen(await operations(ready), only):
        progress(f"{ready.scene.grown.partners:,} partners: {operation.key}")
        cost = await ready.meter.measure(operation, warm=pace.warm, rounds=pace.rounds, seconds=pace.seconds)
        assert operation.key not in found, operation.key
        found[operation.key] = (operation, cost)
    return found
