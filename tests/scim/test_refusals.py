"""What no directory is answered with more than a refusal, in the shape of SCIM, and with nothing changed (S65)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import pytest

from accord.services.people.scim_credential import revoke_scim_credential
from tests.scim.bench import GROUP, MEDIA_TYPE, PATCH, SEARCH, USER, Bench, group, patch, refusal, user

Sent: TypeAlias = tuple[int, str, str, Any]
ID: Final = "membership_01990000-0000-7000-8000-000000000000"
CARLA: Final = "/Users/{carla}"


def raw(status: int, body: bytes, method: str = "POST", path: str = "/Users") -> Sent:
    return status, method, path, body


def change(*operations: Mapping[str, Any]) -> Sent:
    return 400, "PATCH", CARLA, patch(*operations)


MALFORMED: Final[list[Sent]] = [
    raw(400, b""),
    raw(400, b"{"),
    raw(400, b"null"),
    raw(400, b"[]"),
    raw(400, b'"text"'),
    raw(400, b"17"),
    raw(400, b"\xff\xfe"),
    raw(400, b'{"schemas": NaN}'),
    raw(400, b"{" + b'"a":{' * 40 + b"}" * 41),
    raw(400, b"[" * 100_000),
    raw(400, b'{"userName": ' + b"9" * 70 + b"}"),
    raw(400, b'{"userName": "\\ud800"}'),
    raw(413, b'{"userName": "' + b"x" * 17_000_000 + b'"}'),
    raw(400, json.dumps({"members": [{"value": "x"}] * 11_000}).encode(), path="/Groups"),
    (400, "POST", "/Users", {}),
    (400, "POST", "/Users", {"schemas": []}),
    (400, "POST", "/Users", {"schemas": [GROUP], "userName": "n@x.example", "displayName": "N"}),
    (400, "POST", "/Users", {"schemas": [USER]}),
    (400, "POST", "/Users", {"schemas": [USER], "userName": 7}),
    (400, "POST", "/Users", {"schemas": [USER], "userName": "no address"}),
    (400, "POST", "/Users", user("n@x.example", displayName="N", active="perhaps")),
    (400, "POST", "/Users", user("n@x.example", displayName="N", emails="n@x.example")),
    (400, "POST", "/Users", user("n@x.example", displayName="N", emails=[{"value": "nobody"}])),
    (400, "POST", "/Users", user("n@x.example", displayName="N", emails=[{"type": "work"}])),
    (400, "POST", "/Users", user("n@x.example", displayName="N", name="Nora")),
    (400, "POST", "/Users", user("n@x.example", displayName="N\u0000")),
    (400, "POST", "/Users", user("n@x.example", displayName="\u202eN")),
    (400, "POST", "/Users", user("n" * 300 + "@x.example", displayName="N")),
    (400, "POST", "/Users", user("n@x.example", displayName="N", externalId="x" * 300)),
    (400, "POST", "/Users", user("n@x.example", displayName="N", externalId=["1"])),
    (400, "POST", "/Groups", {"schemas": [GROUP]}),
    (400, "POST", "/Groups", group("G") | {"members": "all"}),
    (400, "POST", "/Groups", group("G", "not an id")),
    change(),
    change({"op": "move", "path": "active", "value": True}),
    change({"op": "replace", "path": "active"}),
    change({"op": "remove"}),
    change({"op": "remove", "path": "emails"}),
    change({"op": "remove", "path": "userName"}),
    change({"op": "replace", "path": "active", "value": "perhaps"}),
    change({"op": "replace", "path": "active", "value": ["False", "True"]}),
    change({"op": "replace", "path": "active", "value": {"value": {"value": 7}}}),
    (400, "POST", "/Users", user("n@x.example", displayName="N", name={"givenName": "N\u0000"})),
    (400, "POST", "/Users", user("n@x.example", displayName="N", name={"givenName": "N" * 300})),
    (
        400,
        "POST",
        "/Users",
        user("n@x.example", displayName="N", emails=[{"value": f"n{n}@x.example"} for n in range(21)]),
    ),
    (400, "POST", "/Users", user("n@x.example", displayName="N", emails=[{"value": "n@x.example", "type": "w\u0000"}])),
    (400, "GET", "/Users?filter=" + "%20or%20".join(["id%20pr"] * 41), None),
    (400, "GET", "/Users?filter=userName%20eq%20%22%5Cu0000%22", None),
    (400, "GET", "/Users?filter=userName%20eq%20%22%5Cud800%22", None),
    change({"op": "replace", "path": "id", "value": ID}),
    change({"op": "replace", "path": "groups", "value": []}),
    change({"op": "replace", "path": "emails[type eq", "value": "n@x.example"}),
    change({"op": "replace", "path": 'emails[nope eq "x"].value', "value": "n@x.example"}),
    change({"op": "replace", "value": "text"}),
    (400, "PATCH", CARLA, {"schemas": [PATCH], "Operations": {}}),
    (400, "PUT", CARLA, {"schemas": [USER], "userName": "no address"}),
    (404, "PUT", f"/Users/{ID}", user("n@x.example", displayName="N")),
    (404, "DELETE", "/Users/carla", None),
    (404, "DELETE", "/Users/user_01990000-0000-7000-8000-000000000000", None),
    (404, "PATCH", f"/Groups/{ID}", patch({"op": "replace", "path": "displayName", "value": "X"})),
    (404, "GET", "/Nothing", None),
    (404, "GET", "/Schemas/urn:nothing", None),
    (404, "POST", "/Bulk", {}),
    (405, "DELETE", "/Users", None),
    (405, "POST", "/ServiceProviderConfig", {}),
    (405, "PATCH", "/Schemas", {}),
    (400, "GET", "/Users?filter=userName", None),
    (400, "GET", "/Users?filter=nope%20eq%20%22x%22", None),
    (400, "GET", "/Users?filter=active%20gt%20true", None),
    (400, "GET", "/Users?filter=" + "not%20(" * 200 + "id%20pr" + ")" * 200, None),
    (400, "GET", "/Users?filter=" + "x" * 3000, None),
    (400, "GET", "/Users?count=many", None),
    (400, "GET", "/Users?sortBy=nope", None),
    (400, "GET", "/Users?sortBy=userName&sortOrder=up", None),
    (400, "GET", "/Users?attributes=userName&excludedAttributes=emails", None),
    (400, "GET", "/Users?filter=id%20pr&filter=id%20pr", None),
    (400, "POST", "/.search", {"schemas": [SEARCH], "filter": "("}),
    (400, "POST", "/Users/.search", {"schemas": [SEARCH], "count": "x"}),
    (403, "GET", "/Schemas?filter=id%20pr", None),
]


async def test_what_is_malformed_is_refused_and_changes_nothing(bench: Bench) -> None:
    assert len(MALFORMED) >= 50
    async with bench.scene.unchanged():
        for status, method, path, sent in MALFORMED:
            path = path.format(carla=bench.key("carla"))
            body: dict[str, Any] = {"content": sent} if isinstance(sent, bytes) else {}
            answer = await bench.guest.send(method, path, None if body else sent, **body)
            assert answer.status_code == status, (method, path, str(sent)[:60], answer.text)
            assert refusal(answer, status), (method, path, answer.text)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "", "application/scim+json-x"])
async def test_another_media_type_is_refused(bench: Bench, kind: str) -> None:
    async with bench.scene.unchanged():
        sent = user("n@x.example", displayName="N")
        await bench.guest.refused(415, "POST", "/Users", sent, headers={"content-type": kind})
        squeezed = {"content-encoding": "gzip", "content-type": MEDIA_TYPE}
        await bench.guest.refused(415, "POST", "/Users", sent, headers=squeezed)


async def test_no_credential_no_answer(bench: Bench) -> None:
    token = bench.app.state.gateway.development.token(bench.scene["gustav"].email)
    wrong = ["", "Bearer", "Bearer x", f"Basic {bench.guest.token}", f"Bearer {token}", f"Bearer {bench.guest.token}x"]
    async with bench.scene.unchanged():
        for header in wrong:
            for method, path in (
                ("GET", "/Users"),
                ("POST", "/Users"),
                ("GET", "/Schemas"),
                ("DELETE", f"/Users/{ID}"),
            ):
                sent = user("n@x.example", displayName="N") if method == "POST" else None
                answer = await bench.guest.send(method, path, sent, headers={"authorization": header})
                refusal(answer, 401)
                assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_credential_opens_nothing_else(bench: Bench) -> None:
    sent = {"authorization": f"Bearer {bench.guest.token}"}
    answer = await bench.http.post("/graphql", json={"query": "{ __typename }"}, headers=sent)
    assert answer.status_code == 401
    assert (await bench.http.get("/exports/activity.csv", headers=sent)).status_code == 401


async def test_credentials_overlap_end_and_expire(bench: Bench) -> None:
    made = await bench.scene.world.owner.fetch(
        "SELECT id FROM accord.scim_credentials WHERE organisation_id = $1", bench.scene.guest.id
    )
    later = bench.scene.world.clock.now.replace(microsecond=0)
    next_one = await bench.directory("gustav")
    await bench.guest.ok("GET", "/Users")
    await next_one.ok("GET", "/Users")
    await bench.scene.act("gustav", revoke_scim_credential, scim_credential_id=made[0]["id"])
    await bench.guest.refused(401, "GET", "/Users")
    await next_one.ok("GET", "/Users")
    bench.scene.world.clock.advance(days=180)
    async with bench.scene.unchanged():
        await next_one.refused(401, "DELETE", f"/Users/{bench.key('carla')}")
    stored = await bench.scene.world.owner.fetch("SELECT c::text AS line FROM accord.scim_credentials c")
    assert not [row for row in stored if next_one.token in row["line"] or bench.guest.token in row["line"]]
    assert later < bench.scene.world.clock.now


async def test_nothing_of_another_organisation_is_reached_or_told(bench: Bench) -> None:
    """A person of the partner is as unknown as nobody: by ID, by filter, by name and by address."""
    for name in ("ada", "mia", "zoe"):
        path = f"/Users/{bench.key(name)}"
        async with bench.scene.unchanged():
            for method, sent in (
                ("GET", None),
                ("DELETE", None),
                ("PATCH", patch({"op": "replace", "path": "active", "value": False})),
                ("PUT", user("n@x.example", displayName="N")),
            ):
                foreign = await bench.guest.send(method, path, sent)
                missing = await bench.guest.send(method, f"/Users/{ID}", sent)
                assert refusal(foreign, 404) == refusal(missing, 404)
        email = bench.scene[name].email
        assert await bench.guest.find("/Users", f'userName eq "{email}"') == []
        assert await bench.guest.find("/Users", f'emails.value co "{email}"') == []
        made = await bench.guest.create(email)
        fresh = await bench.guest.create(f"fresh.{email}")
        assert made.keys() == fresh.keys()
        assert (await bench.membership(made["id"]))["user_id"] != bench.scene[name].id
        person = await bench.scene.row("users", bench.scene[name].id)
        assert person["home_organisation_id"] == bench.scene[name].organisation.id


async def test_whoever_is_at_home_elsewhere_keeps_name_and_address(bench: Bench) -> None:
    zoe = bench.scene["zoe"]
    key = await bench.scene.world.join(zoe, bench.scene.guest)
    before = await bench.scene.row("users", zoe.id)
    path = f"/Users/membership_{key}"
    whole = user("other@x.example", displayName="Other", externalId="z1", name={"givenName": "O"})
    shown = await bench.guest.ok("PUT", path, whole)
    assert shown["externalId"] == "z1"
    assert shown["emails"][0]["value"] == zoe.email
    assert await bench.scene.row("users", zoe.id) == before
    off = await bench.guest.patch(path, {"op": "replace", "path": "active", "value": False})
    assert off["active"] is False
    elsewhere = await bench.scene.row("memberships", zoe.membership_id)
    assert elsewhere["status"] == "ACTIVE"
