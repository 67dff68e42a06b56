"""What a directory can make the platform mail, and what it can do for an organisation that is suspended."""

from __future__ import annotations

from tests.scim.bench import Bench, user

STATUS = "UPDATE accord.organisations SET status = $2 WHERE id = $1"


async def test_letting_somebody_in_and_out_mails_once(bench: Bench) -> None:
    """Before: 41 invitations to one stranger, with the sender's own words as the name."""
    words = "You won! http://evil.example/claim"
    made = await bench.guest.ok("POST", "/Users", user("nora@stranger.example", displayName=words))
    for _ in range(20):
        for active in (False, True):
            change = {"op": "replace", "path": "active", "value": active}
            body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [change]}
            await bench.guest.ok("PATCH", f"/Users/{made['id']}", body)
    sql = "SELECT display_name FROM accord.mails WHERE address = 'nora@stranger.example'"
    (mail,) = await bench.scene.world.owner.fetch(sql)
    assert mail["display_name"] == "You won! [link removed]"


async def test_a_suspended_organisation_deactivates_and_makes_nobody(bench: Bench) -> None:
    owner, guest = bench.scene.world.owner, bench.scene.guest.id
    made = await bench.guest.ok("POST", "/Users", user("nora@lighthouse.example"))
    for status in ("SUSPENDED", "CLOSED"):
        await owner.execute(STATUS, guest, status)
        before = await owner.fetchval("SELECT count(*) FROM accord.users")
        refused = await bench.guest.call("POST", "/Users", user("other@lighthouse.example"))
        assert refused.status_code == 403
        assert await owner.fetchval("SELECT count(*) FROM accord.users") == before
        await bench.guest.ok("GET", f"/Users/{made['id']}")
        gone = await bench.guest.ok("PUT", f"/Users/{made['id']}", user("nora@lighthouse.example", active=False))
        assert gone["active"] is False
        back = await bench.guest.call("PUT", f"/Users/{made['id']}", user("nora@lighthouse.example", active=True))
        assert back.status_code == 403
    await owner.execute(STATUS, guest, "ACTIVE")
    await bench.guest.ok("PUT", f"/Users/{made['id']}", user("nora@lighthouse.example", active=True))
