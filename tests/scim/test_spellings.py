"""A name or an address is found by every spelling of it, and made once: one folding for all (record 69)."""

from __future__ import annotations

from typing import Final

import pytest

from accord.domain.errors import DomainError
from accord.services.people.joining import invite_member
from tests.schema.conftest import Asking
from tests.scim.bench import Bench, user

NAMES: Final = [
    ("\u0130SMA\u0130L", "i\u0307smai\u0307l"),
    ("\u039d\u0399\u039a\u039f\u03a3", "\u03bd\u03b9\u03ba\u03bf\u03c2"),
    ("Stra\u00dfe", "STRASSE"),
    ("Andre\u0301", "andr\u00e9"),
]
ADDRESSES: Final = [
    ("nora@b\u00fccher.example", "NORA@xn--bcher-kva.example"),
    ("\u039d\u0399\u039a\u039f\u03a3@lighthouse.example", "\u03bd\u03b9\u03ba\u03bf\u03c2@LIGHTHOUSE.example"),
    ("nora@\u4f8b\u5b50.example", "nora@xn--fsqu00a.example"),
]
MEMBERS: Final = (
    "query($s: String) { viewer { organisation { members(search: $s) { edges { node { email displayName } } } } } }"
)


@pytest.mark.parametrize(("one", "other"), NAMES)
async def test_a_name_is_made_once_and_found_in_any_spelling(bench: Bench, one: str, other: str) -> None:
    made = await bench.guest.create("nora@lighthouse.example", userName=one, displayName=one)
    for spelling in (one, other):
        for asked in (f'userName eq "{spelling}"', f'displayName co "{spelling}"', f'userName sw "{spelling}"'):
            assert [found["id"] for found in await bench.guest.find("/Users", asked)] == [made["id"]], asked
        async with bench.scene.unchanged():
            again = user("other@lighthouse.example", userName=spelling, displayName="O")
            await bench.guest.refused(409, "POST", "/Users", again, "uniqueness")
        assert await searched(bench, spelling) == ["nora@lighthouse.example"]
    team = await bench.guest.ok("POST", "/Groups", {"schemas": made["schemas"], "displayName": one} | GROUP, 201)
    assert [found["id"] for found in await bench.guest.find("/Groups", f'displayName eq "{other}"')] == [team["id"]]


GROUP: Final = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"]}


@pytest.mark.parametrize(("one", "other"), ADDRESSES)
async def test_an_address_is_one_in_either_form_of_its_domain(bench: Bench, one: str, other: str) -> None:
    made = await bench.guest.create("nora", emails=[{"value": one, "type": "work"}])
    assert made["emails"] == [{"value": one, "type": "work"}], "a directory reads what it sent"
    for spelling in (one, other):
        assert [found["id"] for found in await bench.guest.find("/Users", f'emails.value eq "{spelling}"')] == [
            made["id"]
        ]
        again = user("second", displayName="S", emails=[{"value": spelling}])
        await bench.guest.refused(409, "POST", "/Users", again, "uniqueness")
        with pytest.raises(DomainError):
            await bench.scene.act("gustav", invite_member, email=spelling, display_name="N", roles=[])
    row = await bench.membership(made["id"])
    assert await searched(bench, other.partition("@")[0]) == [row["email"]]


async def searched(bench: Bench, text: str) -> list[str]:
    """Whom an admin finds by a text in the API."""
    found = await Asking(bench.scene.world).ask(bench.scene["gustav"], MEMBERS, s=text)
    return [edge["node"]["email"] for edge in found["viewer"]["organisation"]["members"]["edges"]]


async def test_last_modified_tells_of_every_change_and_of_nothing_else(bench: Bench) -> None:
    made = await bench.guest.create("nora@lighthouse.example", externalId="1")
    path = f"/Users/{made['id']}"
    team = (await bench.guest.ok("POST", "/Groups", {"displayName": "T"} | GROUP, 201))["id"]
    assert made["meta"]["created"] <= made["meta"]["lastModified"]
    changes: list[tuple[str, dict[str, object]]] = [
        (path, {"op": "replace", "path": "displayName", "value": "Nora New"}),
        (path, {"op": "replace", "path": "externalId", "value": "2"}),
        (path, {"op": "replace", "path": 'emails[type eq "work"].value', "value": "new@lighthouse.example"}),
        (path, {"op": "replace", "path": "active", "value": False}),
        (path, {"op": "replace", "path": "active", "value": True}),
        (f"/Groups/{team}", {"op": "add", "path": "members", "value": [{"value": made["id"]}]}),
        (f"/Groups/{team}", {"op": "remove", "path": "members"}),
    ]
    for where, change in changes:
        before = [(await bench.guest.ok("GET", one))["meta"]["lastModified"] for one in (path, where)]
        await bench.guest.patch(where, change)
        after = [(await bench.guest.ok("GET", one))["meta"]["lastModified"] for one in (path, where)]
        assert all(new > old for old, new in zip(before, after, strict=True)), change
        since = f'meta.lastModified gt "{before[0]}"'
        assert made["id"] in [one["id"] for one in await bench.guest.find("/Users", since)]
        group = [one["id"] for one in await bench.guest.find("/Groups", f'meta.lastModified gt "{before[1]}"')]
        assert where == path or team in group
    now = (await bench.guest.ok("GET", path))["meta"]["lastModified"]
    await bench.guest.patch(path, {"op": "replace", "path": "displayName", "value": "Nora New"})
    assert (await bench.guest.ok("GET", path))["meta"]["lastModified"] == now
    assert await bench.guest.find("/Users", 'meta.lastModified gt "2999-01-01T00:00:00Z"') == []
    assert len(await bench.guest.find("/Users", 'meta.lastModified gt "2020-01-01T00:00:00Z"')) == 6
