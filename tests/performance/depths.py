"""P4, and how an operation grows: its SQL statements and its time by page size and depth, its rate by processes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from graphql import FieldNode, GraphQLObjectType, TypeInfo, TypeInfoVisitor, Visitor, get_named_type, parse, visit

from accord.domain.ids import global_id
from tests.performance import peers
from tests.performance.dataset import Progress
from tests.performance.load import load
from tests.performance.probe import Probe, probing
from tests.performance.report import chart
from tests.servers import DatabaseURLs

PAGES: Final = (1, 2, 5, 10, 20)
PROCESSES: Final = (1, 2, 4)
REPEATS: Final = 40
MORE: Final = 3
"""What an operation may send beside one statement for each link."""

WRAPPERS: Final = {"edges", "node", "pageInfo"}
"""Fields that lead nowhere."""

SHARES: Final = "shares(first: $first) { edges { node { id account { id label } %s } } }"
GRANTS: Final = "grants { edges { node { id role user { id displayName } } } }"
PARTNERSHIPS: Final = "partnerships(side: HOST, first: $first) { edges { node { id guest { name } %s } } }"
WHOLE: Final = PARTNERSHIPS % (SHARES % GRANTS)
QUERY: Final = "query Q($id: ID!, $first: Int = 1) { organisation(id: $id) { id name %s } }"
EVENTS: Final = """activity(first: $first) { edges { node {
  id type user { id displayName } account { id label } partnership { id state } } } }"""

DOCUMENTS: Final[Mapping[str, str]] = {"the partners view": QUERY % WHOLE, "activity": QUERY % EVENTS}
DEPTHS: Final[Mapping[str, str]] = {
    "organisation": "query Q($id: ID!) { organisation(id: $id) { id name handle } }",
    "partnerships": QUERY % (PARTNERSHIPS % ""),
    "shares": QUERY % (PARTNERSHIPS % (SHARES % "")),
    "grants": QUERY % WHOLE,
}


class Links(Visitor):
    """Counts the fields of a document that lead from one thing to others."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.count = 0

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        kind = self.info.get_type()
        leads = kind is not None and isinstance(get_named_type(kind), GraphQLObjectType)
        self.count += leads and node.name.value not in WRAPPERS


def links(schema: Any, document: str) -> int:
    """How many links an operation follows."""
    info = TypeInfo(schema)
    found = Links(info)
    visit(parse(document), TypeInfoVisitor(info, found))
    return found.count


async def growth(urls: DatabaseURLs, progress: Progress) -> str:
    """By page size and by depth."""
    asker = await peers.first_asker(urls)
    given = {"id": global_id("organisation", asker.organisation_id)}
    async with probing(urls.gateway, asker.subject) as probe:
        return "\n".join(
            [
                await counted(probe, given),
                await by_page(probe, given, progress),
                await by_depth(probe, given, progress),
            ]
        )


async def counted(probe: Probe, given: Mapping[str, Any]) -> str:
    """P4: statements by document and page size, beside what they may be."""
    sizes = " | ".join(f"page of {size}" for size in PAGES)
    lines = [f"| P4: statements | links | at most | {sizes} |", "|---" * (3 + len(PAGES)) + "|"]
    for name, document in DOCUMENTS.items():
        counts = [str(await probe.statements(document, {**given, "first": first})) for first in PAGES]
        number = links(probe.schema._schema, document)
        lines.append(f"| {name} | {number} | {number + MORE} | {' | '.join(counts)} |")
    return "\n".join(lines) + "\n"


async def by_page(probe: Probe, given: Mapping[str, Any], progress: Progress) -> str:
    times: dict[str, float] = {}
    for first in PAGES:
        progress(f"growth: pages of {first}")
        document = DOCUMENTS["the partners view"]
        times[f"{first} x {first}"] = await probe.milliseconds(document, {**given, "first": first}, REPEATS)
    return chart("The partners view by page size", "partnerships x shares", "ms", times)


async def by_depth(probe: Probe, given: Mapping[str, Any], progress: Progress) -> str:
    times: dict[str, float] = {}
    sent: dict[str, float] = {}
    for name, document in DEPTHS.items():
        progress(f"growth: as deep as {name}")
        times[name] = await probe.milliseconds(document, {**given, "first": 10}, REPEATS)
        sent[name] = await probe.statements(document, {**given, "first": 10})
    deepest = "pages of 10, down to"
    return "\n".join(
        [chart("Time by depth", deepest, "ms", times), chart("Statements by depth", deepest, "statements", sent)]
    )


async def by_processes(urls: DatabaseURLs, folder: Path, length: float, progress: Progress) -> str:
    """The partners view asked of one gateway, of two and of four on one machine."""
    asker = await peers.first_asker(urls)
    everyone = [peers.gateway(f"gateway {n}", urls, asker, folder) for n in range(max(PROCESSES))]
    rates: dict[str, float] = {}
    async with peers.all_started(everyone, folder) as servers:
        for count in PROCESSES:
            progress(f"growth: {count} processes")
            calls = [server.calls["partners"] for server in servers[:count]]
            await load(calls, length)
            rates[str(count)] = (await load(calls, length)).per_second
    return chart("The partners view by processes", "gateways", "requests/s", rates)
