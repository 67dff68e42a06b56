"""What a directory's request costs: rows in points, no connection while a thread computes, bounds on what repeats."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from accord.http.scim.collections import Found
from tests.scim.bench import Bench, group, open_bench, patch, user
from tests.services.scene import set_scene
from tests.world import World

PEOPLE: Final = 1_200


@pytest.fixture(scope="module")
async def crowd(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """A guest with 1,200 people more than it has."""
    path = tmp_path_factory.mktemp("crowd")
    plenty = {"points_per_minute": 1_000_000, "points_per_hour": 1_000_000}
    async with open_bench(await set_scene(world), Path(path), **plenty) as opened:
        await world.owner.execute(
            "WITH made AS (INSERT INTO accord.users (email, display_name, home_organisation_id)"
            f" SELECT 'p' || n || '@crowd.example', 'Person ' || n, $1 FROM generate_series(1, {PEOPLE}) n"
            " RETURNING id, email, display_name)"
            " INSERT INTO accord.memberships (organisation_id, user_id, email, display_name, roles, status)"
            " SELECT $1, id, email, display_name, '{MEMBER}', 'ACTIVE' FROM made",
            opened.scene.guest.id,
        )
        yield opened


async def spent(bench: Bench) -> float:
    """The points that the guest's directory has spent of its hour."""
    await bench.app.state.gateway.rates.close()
    row = await bench.scene.world.owner.fetchrow(
        "SELECT max(hour) AS spent FROM accord.allowances WHERE key NOT LIKE 'organisation %'"
    )
    return float(row["spent"])


def filter_of(terms: int) -> str:
    return " or ".join(f'userName co "nobody{n}"' for n in range(terms))


async def test_a_filter_is_postgresqls_work_and_priced_by_the_rows_that_it_looks_at(crowd: Bench) -> None:
    await crowd.scene.world.owner.execute("TRUNCATE accord.allowances")
    await crowd.guest.ok("GET", "/Users", params={"count": "1"})
    one = await spent(crowd)
    began = time.process_time()
    found = await crowd.guest.ok("GET", "/Users", params={"filter": filter_of(40)})
    cpu = time.process_time() - began
    assert found["totalResults"] == 0
    assert cpu < 0.25, f"{cpu:.2f} s of the gateway's CPU"
    assert await spent(crowd) - one > 10 * one
    await crowd.guest.refused(400, "GET", "/Users", scim_type="invalidFilter", params={"filter": filter_of(41)})
    await crowd.guest.refused(
        400, "GET", "/Users", scim_type="invalidFilter", params={"filter": "id pr or " * 79 + "id pr"}
    )


async def test_the_pages_of_a_filter_and_an_order_are_whole(crowd: Bench) -> None:
    asked = {"filter": 'userName sw "p"', "sortBy": "displayName", "count": "200"}
    seen: list[str] = []
    for first in range(1, PEOPLE + 200, 200):
        page = await crowd.guest.ok("GET", "/Users", params=asked | {"startIndex": str(first)})
        seen += [one["displayName"] for one in page["Resources"] if one["displayName"].startswith("Person")]
    assert seen == sorted(seen)
    assert len(set(seen)) == PEOPLE


async def test_nothing_is_held_while_an_answer_is_written(crowd: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, held, dump = crowd.app.state.gateway.database.engine.pool, list[int](), Found.dump

    def watched(found: Found, search: Any) -> dict[str, Any]:
        held.append(pool.checkedout())
        return dump(found, search)

    monkeypatch.setattr(Found, "dump", watched)
    await crowd.guest.ok("GET", "/Users", params={"filter": "id pr", "count": "200"})
    assert held == [0]


async def test_thousands_of_addresses_are_refused_unread_and_others_are_served(crowd: Bench) -> None:
    many = [{"value": f"{n}@x.io"} for n in range(9_900)]
    path = f"/Users/{crowd.key('carla')}"
    sent = [
        ("POST", "/Users", user("n@x.example", displayName="N", emails=many)),
        ("PUT", path, user("n@x.example", displayName="N", emails=many)),
        ("PATCH", path, patch({"op": "replace", "path": "emails", "value": many})),
        ("PATCH", path, patch({"op": "add", "value": {"emails": many}})),
    ]
    began = time.process_time()
    async with crowd.scene.unchanged():
        answers = asyncio.gather(*(crowd.guest.send(*one) for one in sent * 2))
        live = [(await crowd.http.get("/live")).status_code for _ in range(5)]
        assert {answer.status_code for answer in await answers} == {400}
    assert live == [200] * 5
    assert time.process_time() - began < 2.0
    few = patch(*({"op": "add", "path": "emails", "value": [{"value": f"n{n}@x.example"}]} for n in range(21)))
    await crowd.guest.refused(400, "PATCH", path, few, "invalidValue")
    await crowd.guest.refused(
        400, "PATCH", path, patch(*[{"op": "add", "path": "nickName", "value": "x"}] * 101), "tooMany"
    )


async def test_a_group_of_many_is_made_shown_and_emptied_cheaply(crowd: Bench) -> None:
    rows = await crowd.scene.world.owner.fetch(
        "SELECT id FROM accord.memberships WHERE organisation_id = $1 AND status = 'ACTIVE'", crowd.scene.guest.id
    )
    keys = [f"membership_{row['id']}" for row in rows]
    began = time.process_time()
    made = await crowd.guest.ok("POST", "/Groups", group("Everybody", *keys), 201)
    assert len(made["members"]) == len(keys) > PEOPLE
    path = f"/Groups/{made['id']}"
    out = [{"$ref": None, "value": key} for key in keys[1:]]
    left = await crowd.guest.patch(path, {"op": "Remove", "path": "members", "value": out})
    assert [one["value"] for one in left["members"]] == keys[:1]
    lean = await crowd.guest.ok("GET", "/Groups", params={"attributes": "displayName,members.value"})
    assert lean["Resources"][0]["members"] == [{"value": keys[0]}]
    assert time.process_time() - began < 3.0
