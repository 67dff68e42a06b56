"""The ways that are no mutation: what directories, sign-ins, policies and time bring about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

import asyncpg

from accord.database.engine import Database
from accord.services.expiry import sweep
from accord.services.people.arrival import arrive
from tests.api.test_five_cases import CASES, Place
from tests.scim.bench import Directory
from tests.ways.effects import read_effects
from tests.world import identify

Walk = Callable[[Place], Awaitable[frozenset[str]]]


async def _gained(place: Place, act: Callable[[], Awaitable[Any]]) -> frozenset[str]:
    place.touched = True
    before = await read_effects(place.api.urls.superuser)
    await act()
    return (await read_effects(place.api.urls.superuser)).gained(before)


async def _directory(place: Place) -> Directory:
    place.touched = True
    given = {"organisationId": place.town["harbour"], "label": "Walk"}
    made = await place.api.mutate(place.town.emails["arne"], "createScimCredential", "token", given)
    return Directory(place.api.client, made["data"]["createScimCredential"]["token"], place.api.url)


async def _owner(place: Place, *statements: str) -> None:
    place.touched = True
    owner = await asyncpg.connect(place.api.urls.superuser)
    try:
        await owner.execute("SET session_replication_role = replica")
        for statement in statements:
            await owner.execute(statement)
    finally:
        await owner.close()


async def directory_makes_a_person(place: Place) -> frozenset[str]:
    directory = await _directory(place)
    return await _gained(place, lambda: directory.create("walker@harbour.example"))


async def directory_fills_a_group(place: Place) -> frozenset[str]:
    directory = await _directory(place)
    made = await directory.create("walker@harbour.example")
    given = {
        "organisationId": place.town["harbour"],
        "scimGroupId": place.town["sales_group"],
        "roles": ["PHONE_MANAGER"],
    }
    answer = await place.api.mutate(place.town.emails["ada"], "setScimGroupRoles", "group { roles }", given)
    assert answer["data"]["setScimGroupRoles"]["errors"] == [], answer
    change = {"op": "add", "path": "members", "value": [{"value": made["id"]}]}
    return await _gained(place, lambda: directory.patch(f"/Groups/{place.town['sales_group']}", change))


async def directory_lets_somebody_in_again(place: Place) -> frozenset[str]:
    directory = await _directory(place)
    made = await directory.create("walker@harbour.example")
    await directory.patch(f"/Users/{made['id']}", {"op": "replace", "path": "active", "value": False})
    change = {"op": "replace", "path": "active", "value": True}
    return await _gained(place, lambda: directory.patch(f"/Users/{made['id']}", change))


async def directory_lets_somebody_go(place: Place) -> frozenset[str]:
    directory = await _directory(place)
    made = await directory.create("walker@harbour.example")
    return await _gained(place, lambda: directory.send("DELETE", f"/Users/{made['id']}"))


async def issuer_introduces_somebody(place: Place) -> frozenset[str]:
    owner = await asyncpg.connect(place.api.urls.superuser)
    key = place.town["harbour"].partition("_")[2]
    handle = await owner.fetchval("SELECT handle FROM accord.organisations WHERE id = $1::text::uuid", key)
    await owner.close()
    known = replace(identify("walker"), email="walker@harbour.example", email_verified=True, name="Walker")
    newcomer = replace(known, issuer="https://issuer.example", speaks_for=frozenset({handle}), provisions=True)
    return await _gained(place, lambda: place.api.gateway.database.write(newcomer, None, arrive))


async def policy_approves(place: Place) -> frozenset[str]:
    town = place.town
    policy = {"organisationId": town["harbour"], "autoApprovePartners": [town["meadow"]]}
    answer = await place.api.mutate(town.emails["ada"], "setPolicy", "policy { frozen }", policy)
    assert answer["data"]["setPolicy"]["errors"] == [], answer
    (cases,) = (one for one in CASES if one.mutation == "requestPartnership")
    return await _gained(place, lambda: place.call(cases, cases.by, cases.given))


async def _swept(place: Place, *before: str) -> frozenset[str]:
    await _sweep(place)
    await _owner(place, *before)
    return await _gained(place, lambda: _sweep(place))


async def _sweep(place: Place) -> None:
    worker = Database(place.api.urls.worker)
    try:
        await sweep(worker, datetime.now(UTC))
    finally:
        await worker.close()


CONNECTED: Final = "UPDATE accord.partnerships SET {0} WHERE state IN ('ACTIVE', 'SUSPENDED')"
LONG_AGO: Final = "starts_at = now() - interval '90 days'"


async def time_renews(place: Place) -> frozenset[str]:
    soon = f"{LONG_AGO}, expires_at = now() + interval '1 minute', auto_extend = interval '30 days'"
    return await _swept(place, CONNECTED.format(soon))


async def time_ends(place: Place) -> frozenset[str]:
    return await _swept(place, CONNECTED.format(f"{LONG_AGO}, expires_at = now(), auto_extend = NULL"))


async def time_warns_of_an_end(place: Place) -> frozenset[str]:
    soon = f"{LONG_AGO}, expires_at = now() + interval '20 hours', auto_extend = NULL"
    return await _swept(place, CONNECTED.format(soon))


async def time_lapses(place: Place) -> frozenset[str]:
    return await _swept(place, "UPDATE accord.partnerships SET lapses_at = now() WHERE lapses_at IS NOT NULL")


WALKS: Final[Mapping[str, Walk]] = MappingProxyType(
    {
        "A directory makes a person": directory_makes_a_person,
        "A directory puts somebody into a group with roles": directory_fills_a_group,
        "A directory lets somebody in again": directory_lets_somebody_in_again,
        "A directory lets somebody go": directory_lets_somebody_go,
        "An issuer introduces somebody at the first sign-in": issuer_introduces_somebody,
        "A request to a partner whom the host's policy approves by itself": policy_approves,
        "A partnership renews itself": time_renews,
        "A partnership's end comes": time_ends,
        "A partnership's end is near": time_warns_of_an_end,
        "A request is not answered in time": time_lapses,
    }
)
"""How each row of `BESIDE` is walked."""
