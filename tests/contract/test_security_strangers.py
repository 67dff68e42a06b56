"""Somebody with no part in it learns nothing: what exists and what does not look the same, in every root and mutation.

Each call is made twice, once with the IDs of the town and once with IDs that nothing has; the answers, with the IDs
taken out, are equal (invariant 13).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.api.cases import Cases, contact, organisation, partnership, sharing
from tests.contract.place import Place, open_place
from tests.randomness import seeded
from tests.scale import count
from tests.servers import DatabaseURLs

CASES: list[Cases] = [*partnership.CASES, *sharing.CASES, *organisation.CASES, *contact.CASES]
MUTATIONS = count(test=5, check=40)
READ = count(test=8, check=60, prove=1_000)
"""Mutations and IDs that each of the strangers tries, chosen at random."""

OWN = frozenset({"createAccount", "inviteMember", "publishTerms", "updateProfile", "createOrganisation"})
OWN |= {"addExternalContact"}
OWN |= {"requestPartnership", "setPolicy", "freezePartnerAccess", "unfreezePartnerAccess"}
"""Mutations that name nothing but the caller's own organisation, and a handle that the caller was told."""

STRANGERS = ("quentin", "quinn", "ruth", "max", "dora", "newcomer")
"""Another tenant's admin and member, the admin of a guest that has not been told, one of an organisation without any
partner, somebody deactivated, somebody unknown."""

READERS = frozenset({"quentin", "ruth", "max"})
"""The admins among them, who know their people and their stream."""

ID = re.compile(
    r"(organisation|user|membership|partnership|attempt|account|share|grant|accessitem|event|terms|notification|contact|invitationclaim)"
    r"_([0-9a-f-]{36})"
)


@pytest.fixture(scope="module")
def chance() -> random.Random:
    return seeded()


@pytest.fixture(scope="module")
async def place(
    module_database_urls: DatabaseURLs, tmp_path_factory: Any, chance: random.Random
) -> AsyncIterator[Place]:
    async with open_place(module_database_urls, tmp_path_factory.mktemp("state"), chance) as place:
        place.town.ids |= {"ivan_token": "no such token", "contact_token": "no such token"}
        place.town.ids |= {"mia_notice": place.aim.ids["notification"][0]}
        yield place


def strangers_ids(place: Place, who: str, chance: random.Random, given: Any) -> tuple[Any, Any]:
    """The input in the name of the caller's own organisation, and the same with IDs and handles of nothing."""
    home = place.home(who) or place.town["harbour"]
    text = json.dumps(given)
    harbour, lighthouse = place.town["harbour"], place.town["lighthouse"]
    text = text.replace(harbour, home).replace(lighthouse, home)

    def nothing(match: re.Match[str]) -> str:
        found = match.group(0)
        return found if found == home else f"{match.group(1)}_{UUID(int=chance.getrandbits(128), version=4)}"

    return json.loads(text), json.loads(ID.sub(nothing, text))


def without_ids(answer: Any) -> Any:
    cleaned = ID.sub(r"\1_", json.dumps({name: answer.get(name) for name in ("data", "errors")}, sort_keys=True))
    return json.loads(cleaned)


async def told_of_both(place: Place, chance: random.Random, who: str, cases: Cases) -> list[Any]:
    """What somebody is told of something real, and of nothing."""
    return [
        without_ids(await place.api.mutate(place.email(who), cases.mutation, "__typename", given))
        for given in strangers_ids(place, who, chance, cases.given(place.town))
    ]


@pytest.mark.parametrize("who", STRANGERS)
async def test_mutations_do_not_tell_foreign_from_missing(place: Place, chance: random.Random, who: str) -> None:
    told_apart = [cases for cases in CASES if cases.mutation not in OWN]
    for cases in chance.sample(told_apart, min(MUTATIONS, len(told_apart))):
        told = await told_of_both(place, chance, who, cases)
        assert told[0] == told[1], cases.mutation
        payload = (told[0]["data"] or {}).get(cases.mutation) or {"errors": told[0]["errors"]}
        refused = payload["errors"] or [item["error"] for item in payload.get("results", [{"error": None}])]
        assert refused, (cases.mutation, told[0])


READS = """query R($id: ID!) { node(id: $id) { __typename id } nodes(ids: [$id]) { id } partnership(id: $id) { id }
  account(id: $id) { id } organisation(id: $id) { id }
  activity(filter: {accountId: $account, userId: $user, partnerOrganisationId: $organisation}) { totalCount } }"""


@pytest.mark.parametrize("who", STRANGERS)
async def test_reads_do_not_tell_foreign_from_missing(place: Place, chance: random.Random, who: str) -> None:
    """By ID, and by a filter that names one. What is one's own is left out; terms are everybody's."""
    own = await own_ids(place, who)
    foreign = [one for kind, known in place.aim.ids.items() if kind != "terms" for one in known if one not in own]
    for real in chance.sample(foreign, min(READ, len(foreign))):
        kind = real.partition("_")[0]
        missing = f"{kind}_{UUID(int=chance.getrandbits(128), version=4)}"
        answers = [
            without_ids(await place.api.post(place.email(who), filtered(kind, key), {"id": key}))
            for key in (real, missing)
        ]
        assert answers[0] == answers[1], (real, answers)
        assert not (answers[0]["data"] or {}).get("node")


def filtered(kind: str, key: str) -> str:
    """The reads, with the ID in the filter that takes one of its kind."""
    names = {"account": "accountId", "user": "userId", "organisation": "partnerOrganisationId"}
    chosen = f'filter: {{ {names[kind]}: "{key}" }}' if kind in names else "first: 0"
    return re.sub(r"filter: \{.*\}\)", chosen + ")", READS)


async def own_ids(place: Place, who: str) -> set[str]:
    """What somebody may know: whatever `node` gives them now, and what stands in their own organisation's stream."""
    found = set()
    for known in place.aim.ids.values():
        answer = await place.api.post(
            place.email(who), "query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": known[:100]}
        )
        found |= {node["id"] for node in ((answer.get("data") or {}).get("nodes") or []) if node}
    allowed = expected_own(place, who) | await beginnings(place, who)
    assert found <= allowed, found - allowed
    return found


async def beginnings(place: Place, who: str) -> set[str]:
    """The event with which the stream of the own organisation begins, for those who read it."""
    home = place.town.ids.get(place.town.home.get(who) or "")
    if home is None or who not in READERS:
        return set()
    owner = await asyncpg.connect(place.api.urls.superuser)
    try:
        sql = "SELECT id FROM accord.activity_events WHERE stream_id = $1 AND sequence = 1"
        return {f"event_{row['id']}" for row in await owner.fetch(sql, UUID(home.partition("_")[2]))}
    finally:
        await owner.close()


def expected_own(place: Place, who: str) -> set[str]:
    """The own organisation, its people for its admins, oneself; the terms. Nothing has happened there so far."""
    town = place.town
    home = town.home.get(who)
    people = [name for name, organisation in town.home.items() if organisation == home and home is not None]
    mine = people if who in READERS else [who]
    allowed = {town[name] for name in mine if name in town.ids} | {
        town.ids.get(f"{name}_membership", "") for name in mine
    }
    allowed |= {town[home]} if home and who != "dora" else set()
    return allowed | set(place.aim.ids["terms"])


async def test_somebody_with_a_part_in_it_is_told_more(place: Place, chance: random.Random) -> None:
    """The comparison can fail: an admin of the partner is refused otherwise for what is there."""
    differ = set()
    for cases in CASES:
        if cases.mutation in {"unshareAccount", "changeMemberRole", "transferPartnership", "suspendShare"}:
            told = await told_of_both(place, chance, "greta", cases)
            differ |= {cases.mutation} if told[0] != told[1] else set()
    await place.renew()
    assert len(differ) == 4
    key = place.town["partnership"]
    seen, missing = [
        without_ids(await place.api.post(place.email("greta"), filtered("partnership", one), {"id": one}))
        for one in (key, f"partnership_{UUID(int=chance.getrandbits(128), version=4)}")
    ]
    assert seen != missing
