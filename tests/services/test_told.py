"""Who hears of what befalls a partnership (model 4.11), for each act exactly; and what of it is a digest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accord.database.engine import Database
from accord.domain.errors import RateLimited
from accord.services.expiry import sweep
from accord.services.partnerships.hold import resume_partnership, suspend_partnership
from accord.services.partnerships.partnership import remove_partner, withdraw_partnership
from accord.services.partnerships.proposal import remind_partnership, request_partnership
from accord.services.partnerships.term import extend_partnership, set_auto_extend
from tests.services.scene import Scene

ADMINS = {"ada", "arne", "greta", "gustav"}
CONCERNED = ADMINS | {"mia", "carla"}
"""Both sides' admins, the Partnership Owner, and the member who has access."""


async def told(scene: Scene, template: str) -> set[str]:
    """To whom notices of a template went, by first name."""
    sql = "SELECT DISTINCT user_id FROM accord.notifications WHERE template = $1 AND partnership_id = $2"
    names = {person.id: name for name, person in scene.people.items()}
    return {names[row["user_id"]] for row in await scene.world.owner.fetch(sql, template, scene.partnership)}


async def on(scene: Scene, name: str, act: Any, **given: Any) -> Any:
    return await scene.act(name, act, partnership_id=scene.partnership, **given)


async def let_in(scene: Scene) -> None:
    await scene.let_in(await scene.share(), "carla")


@pytest.mark.parametrize("actor", ["ada", "mia", "gustav"])
async def test_suspended_resumed_and_ended_are_told_whoever_acts(scene: Scene, actor: str) -> None:
    await let_in(scene)
    await on(scene, actor, suspend_partnership, reason="A while.")
    await on(scene, actor, resume_partnership)
    await on(scene, actor, remove_partner)
    for template in ("partnership_suspended", "partnership_resumed", "partnership_ended"):
        assert await told(scene, template) == CONCERNED, template


async def test_how_long_it_lasts_is_told_to_the_guests_admins(scene: Scene) -> None:
    until = scene.world.clock.now + timedelta(days=400)
    ends = "UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1"
    await scene.world.owner.execute(ends, scene.partnership, until)
    await on(scene, "ada", extend_partnership, until=until + timedelta(days=30))
    await on(scene, "ada", set_auto_extend, by=timedelta(days=90))
    assert await told(scene, "partnership_extended") == {"greta", "gustav"}
    assert await told(scene, "auto_extend_changed") == {"greta", "gustav"}


async def mails_to(scene: Scene, name: str, *templates: str) -> list[Any]:
    sql = "SELECT template, facts FROM accord.mails WHERE address = $1 AND template = ANY ($2) ORDER BY id"
    rows: list[Any] = await scene.world.owner.fetch(sql, scene[name].email, list(templates))
    return rows


STANDING = ("partnership_suspended", "partnership_resumed", "notice_digest")


async def test_thirty_suspensions_are_two_mails_and_one_digest(scene: Scene) -> None:
    """Before: 30 mails to each admin of both sides. The digest says what happened and how it stands."""
    await let_in(scene)
    for _ in range(15):
        await on(scene, "gustav", suspend_partnership, reason="On and off.")
        await on(scene, "gustav", resume_partnership)
    await on(scene, "ada", suspend_partnership, reason="Enough.")
    assert len(await mails_to(scene, "ada", *STANDING)) == 2
    worker = Database(scene.world.urls.worker, clock=lambda: scene.world.clock.now)
    await sweep(worker, scene.world.clock.now)
    assert len(await mails_to(scene, "ada", *STANDING)) == 2, "the hour is not over"
    scene.world.clock.advance(hours=1, seconds=1)
    await sweep(worker, scene.world.clock.now)
    await sweep(worker, scene.world.clock.now)
    for name in CONCERNED:
        *first, digest = await mails_to(scene, name, *STANDING)
        assert [row["template"] for row in first] == ["partnership_suspended", "partnership_resumed"]
        assert digest["template"] == "notice_digest"
        facts = str(digest["facts"])
        assert "suspended now, by" in facts
        assert "Enough." in facts
    await on(scene, "ada", remove_partner)
    assert len(await mails_to(scene, "ada", "partnership_ended")) == 1, "an end never waits"
    await worker.close()


async def test_asking_and_withdrawing_begins_no_new_count(scene: Scene) -> None:
    """Before: 60 mandatory mails in seconds, and a reminder for each request."""
    other = await scene.world.organisation()
    given = {"guest_handle": other.handle, "contact_email": "a@b.example", "reason": "Please."}
    reminded = 0
    for _ in range(10):
        key = await scene.act("otto", request_partnership, **given)
        try:
            await scene.act("otto", remind_partnership, partnership_id=key)
            reminded += 1
        except RateLimited:
            pass
        await scene.act("otto", withdraw_partnership, partnership_id=key)
    assert reminded == 1
    sent = await mails_to(scene, "ada", "request_filed", "withdrawn", "reminder")
    about = sorted(row["template"] for row in sent if f'"{other.name}"' in str(row["facts"]))
    assert about == ["reminder", "request_filed", "withdrawn"], "the others are in the digest"
