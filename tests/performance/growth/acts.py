"""The acts that end much at once: how long they take, what they write, and how long the gateway stands still meanwhile.

`python -m tests.performance.growth.acts` does each of them in a copy of the data sets of the growth benchmark.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson
import uvloop

from accord.database.embedded import EmbeddedPostgres
from tests.performance import cluster, peers
from tests.performance.bench import shown
from tests.performance.dataset import Progress
from tests.performance.exports import most_memory
from tests.performance.growth.gateways import MEASURED, Ready, gateway
from tests.performance.growth.scene import Operation, Scene, said
from tests.performance.growth.tenants import Grown, name_of, provide_grown
from tests.performance.growth.watched import PATH
from tests.performance.report import publish
from tests.servers import DatabaseURLs, administer

SIZES: Final = (200, 1_000, 5_000)
PLACE: Final = "<!-- found by python -m tests.performance.growth.acts -->"
OUTPUT: Final = peers.ROOT / "build" / "acts"
PATIENCE: Final = 900.0
"""Seconds after which a cascade is given up."""

BETWEEN: Final = 0.05
"""Seconds between two questions about a cascade."""

ACT: Final = "mutation Act($input: %s!) { %s(input: $input) { errors { __typename message } cascades { id } } }"
STANDS: Final = "query Stands($ids: [ID!]!) { nodes(ids: $ids) { ... on Cascade { done } } }"
SEEN: Final = "query Seen { viewer { %s(first: 1) { totalCount } } }"
WRITTEN: Final = """
SELECT (SELECT sum(sequence) FROM accord.chain_heads)::bigint AS events, (SELECT count(*) FROM accord.mails) AS mails,
  (SELECT count(*) FROM accord.notifications) AS notices
"""


COLUMNS: Final = (
    *(
        "Act",
        "partners",
        "outcome",
        "answered, done",
        "CPU",
        "statements",
        "events, mails, notices",
        "longest pause",
        "memory",
    ),
    "still seen",
)


@dataclass(frozen=True, slots=True)
class Act:
    """A mutation with its input, where names of `tenants.sql` stand for IDs. `seen` is the connection of `loser` that
    has to be empty for the next request. With more than `most` partners the act is not measured."""

    name: str
    asker: str
    mutation: str
    given: Mapping[str, str]
    loser: str
    seen: str
    most: int

    def operation(self, scene: Scene) -> Operation:
        """Return the act as it is asked for."""
        given = {name: scene.named(value) if ":" in value else value for name, value in self.given.items()}
        kind = f"{self.mutation[0].upper()}{self.mutation[1:]}Input"
        return scene.graphql(self.name, self.asker, ACT % (kind, self.mutation), input=given)


ACTS: Final = (
    Act(
        "remove a partner of N shares",
        "host admin",
        "removePartner",
        {"organisationId": "organisation:brand-0", "partnershipId": "partnership:dealer-0"},
        "p5@dealer0.example",
        "sharedAccounts",
        5_000,
    ),
    Act(
        "deactivate the representative of N",
        "guest admin",
        "deactivateMember",
        {"organisationId": "organisation:provider-0", "membershipId": "membership:p3@provider0.example"},
        "p3@provider0.example",
        "customers",
        1_000,
    ),
    Act(
        "suspend a partner of N customers",
        "operator",
        "setPartnerStatus",
        {"organisationId": "organisation:provider-0", "program": "MSP", "status": "SUSPENDED"},
        "p4@provider0.example",
        "customers",
        5_000,
    ),
    Act(
        "close an organisation of N partnerships",
        "operator",
        "setOrganisationStatus",
        {"organisationId": "organisation:brand-0", "status": "CLOSED", "reason": "It has ended."},
        "p2@guest2.example",
        "sharedAccounts",
        1_000,
    ),
)
"""In this order none ends what the next one is about."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an act, until all that follows from it is done. Times in milliseconds, memory in megabytes."""

    outcome: str
    answered: float
    finished: float
    gateway: float
    database: float
    statements: int
    events: int
    mails: int
    notices: int
    computed: float
    passed: float
    memory: float
    still_seen: str


async def did(act: Act, ready: Ready) -> Done:
    """Do the act and return what it took, what it wrote, and what its loser still sees with the next request."""
    meter, operation = ready.meter, act.operation(ready.scene)
    before, memory = await ready.owner.fetchrow(WRITTEN), most_memory(meter.gateway)
    await ready.http.get(PATH)
    spent, began = await meter.begin(), time.perf_counter()
    _, outcome = await meter.ask(operation.request)
    answered = time.perf_counter() - began
    seen = await still_seen(act, ready)
    await finish(ready, act.asker, begun(meter.last, act.mutation))
    finished = time.perf_counter() - began
    cost = await meter.end(spent)
    pauses = (await ready.http.get(PATH)).json()
    after = await ready.owner.fetchrow(WRITTEN)
    assert before is not None
    assert after is not None
    return Done(
        outcome=outcome,
        answered=answered * 1e3,
        finished=finished * 1e3,
        gateway=cost.gateway,
        database=cost.database,
        statements=round(cost.statements),
        memory=(most_memory(meter.gateway) - memory) / 1024,
        still_seen=seen,
        **pauses,
        **{name: int(after[name] - before[name]) for name in ("events", "mails", "notices")},
    )


def begun(answer: bytes, mutation: str) -> list[str]:
    """Return the cascades that the worker finishes, by the answer of the act."""
    payload = (orjson.loads(answer).get("data") or {}).get(mutation) or {}
    return [cascade["id"] for cascade in payload.get("cascades") or ()]


async def finish(ready: Ready, asker: str, cascades: Sequence[str]) -> None:
    """Wait until the worker has done all of them; raise TimeoutError where it does not."""
    stands = ready.scene.graphql("stands", asker, STANDS, ids=list(cascades)).request
    async with asyncio.timeout(PATIENCE):
        while cascades and not all(cascade["done"] for cascade in (await said(ready.http, stands))["data"]["nodes"]):  # noqa: ASYNC110
            await asyncio.sleep(BETWEEN)


async def still_seen(act: Act, ready: Ready) -> str:
    """Return how many things the loser sees, or the refusal."""
    operation = ready.scene.graphql("seen", "", SEEN % act.seen)
    token = ready.scene.token(act.loser)
    answer = await said(ready.http, replace(operation.request, headers={"authorization": f"Bearer {token}"}))
    connection = ((answer.get("data") or {}).get("viewer") or {}).get(act.seen)
    refusals = [error["extensions"]["code"] for error in answer.get("errors") or ()]
    return ", ".join(refusals) if connection is None else str(connection["totalCount"])


@asynccontextmanager
async def copied(server: EmbeddedPostgres, grown: Grown, folder: Path) -> AsyncIterator[Ready]:
    """A gateway that is watched, on a copy of a data set that is dropped at the end."""
    name = "growth_acts"
    await administer(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await administer(server, f"CREATE DATABASE {name} OWNER accord_owner TEMPLATE {name_of(grown)} STRATEGY file_copy")
    urls = DatabaseURLs.of(server, name)
    given = {"ACCORD_WORKER_INSIDE": "true", "ACCORD_WORKER_URL": urls.worker}
    try:
        async with gateway(urls, grown, folder, watched=True, **given) as ready:
            yield ready
    finally:
        await administer(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def measured(sizes: Sequence[int], only: Sequence[str], output: Path) -> str:
    """Do all acts at all sizes; return the table."""
    progress = Progress(shown)
    found: dict[str, dict[int, Done]] = {}
    with cluster.running(cluster.kept(), given=MEASURED) as server:
        for size in sizes:
            await provide_grown(server, Grown(size), progress)
            async with copied(server, Grown(size), output) as ready:
                for act in ACTS:
                    if size <= act.most and (not only or any(word in act.name for word in only)):
                        progress(f"{size:,} partners: {act.name}")
                        found.setdefault(act.name, {})[size] = await did(act, ready)
    return table(found)


def table(found: Mapping[str, Mapping[int, Done]]) -> str:
    """Return what was found as Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for name, sizes in found.items():
        for size, done in sizes.items():
            told: list[Any] = [name, f"{size:,}", done.outcome, f"{done.answered:,.0f} ms, {done.finished:,.0f} ms"]
            told += [f"{done.gateway:,.0f} + {done.database:,.0f} ms", f"{done.statements:,}"]
            told += [f"{done.events:,}, {done.mails:,}, {done.notices:,}"]
            told += [
                f"{done.computed:,.0f} ms ({done.passed:,.0f} by the clock)",
                f"{done.memory:,.0f} MB",
                done.still_seen,
            ]
            lines.append(f"| {' | '.join(told)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="words of acts")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="partners")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/performance.md")
    given = parser.parse_args()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    found = uvloop.run(measured(sorted(given.sizes), given.only, OUTPUT))
    sys.stdout.write(found)
    if given.publish:
        publish(found, peers.ROOT / "docs" / "performance.md", PLACE)
