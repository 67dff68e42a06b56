"""What a directory can make the platform mail, and what it can do for an organisation that is suspended."""

from __future__ import annotations

from tests.scim.bench import Bench, patch, user

STATUS = "UPDATE accord.organisations SET status = $2 WHERE id = $1"
BACK = "UPDATE accord.memberships SET status = 'ACTIVE' WHERE email = $1"


async def test_letting_somebody_in_and_out_mails_once(bench: Bench) -> None:
    """Before: 41 invitations to one stranger, with the sender's own words as the name."""
    words = "You won! http://evil.example/claim"
    made = await bench.guest.create("nora@stranger.example", displayName=words)
    for _ in range(20):
        for active in (False, True):
            await bench.guest.patch(f"/Users/{made['id']}", {"op": "replace", "path": "active", "value": active})
    sql = "SELECT display_name FROM accord.mails WHERE address = 'nora@stranger.example'"
    (mail,) = await bench.scene.world.owner.fetch(sql)
    assert mail["display_name"] == "You won! [link removed]"


async def test_a_suspended_organisation_deactivates_and_makes_nobody(bench: Bench) -> None:
    owner, guest = bench.scene.world.owner, bench.scene.guest.id
    made = await bench.guest.create("nora@lighthouse.example")
    for status in ("SUSPENDED", "CLOSED"):
        await owner.execute(STATUS, guest, status)
        before = await owner.fetchval("SELECT count(*) FROM accord.users")
        await bench.guest.refused(403, "POST", "/Users", user("other@lighthouse.example"))
        assert await owner.fetchval("SELECT count(*) FROM accord.users") == before
        await bench.guest.ok("GET", f"/Users/{made['id']}")
        gone = await bench.guest.ok("PUT", f"/Users/{made['id']}", user("nora@lighthouse.example", active=False))
        assert gone["active"] is False
        await owner.execute(BACK, "nora@lighthouse.example")
        mixed = patch({"op": "replace", "value": {"active": False, "displayName": "x" * 300}})
        await bench.guest.refused(400, "PATCH", f"/Users/{made['id']}", mixed)
        left = await bench.guest.ok("GET", f"/Users/{made['id']}")
        assert (left["active"], left["displayName"]) == (False, gone["displayName"])
        await bench.guest.refused(403, "PUT", f"/Users/{made['id']}", user("nora@lighthouse.example", active=True))
    await owner.execute(STATUS, guest, "ACTIVE")
    await bench.guest.ok("PUT", f"/Users/{made['id']}", user("nora@lighthouse.example", active=True))
