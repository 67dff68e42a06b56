"""Settings and features: who writes them, what a value may be, and the digest of what partners' people changed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from accord.database.engine import Database
from accord.domain.errors import Conflict, DomainError, Forbidden, ValidationError
from accord.domain.setting import FEATURES, FeatureArea
from accord.services.expiry import sweep
from accord.services.setting import set_feature, update_settings
from tests.services.host_data import BASES, act_as, open_session, refused_as, set_house
from tests.services.roles import D, P, dialog, of_record, shown_names
from tests.services.scene import Scene
from tests.world import World

MANAGING = ("manage", "complete", "wallet", "decision_maker")
TELEPHONY = sorted(key for key, one in FEATURES.items() if one.area is FeatureArea.TELEPHONY)
OTHERS = sorted(FEATURES.keys() - set(TELEPHONY))


@pytest.fixture
async def scene(world: World) -> Scene:
    return await set_house(world)


async def settings(scene: Scene) -> Any:
    return await scene.row("organisation_settings", scene.host.id)


async def features(scene: Scene) -> dict[str, bool]:
    sql = "SELECT key, enabled FROM accord.organisation_features WHERE organisation_id = $1"
    return {row["key"]: row["enabled"] for row in await scene.world.owner.fetch(sql, scene.host.id)}


async def digests(scene: Scene) -> list[str]:
    """What each digest of the host lists, a line a change."""
    sql = "SELECT facts FROM accord.mails WHERE template = 'acting_digest' AND organisation_id = $1 AND ordinal = 0"
    rows = await scene.world.owner.fetch(f"{sql} ORDER BY id", scene.host.id)
    return [json.loads(row["facts"])["changes"] for row in rows]


async def pass_by(scene: Scene, **by: float) -> None:
    """Let time pass, and the worker do what it brings about."""
    scene.world.clock.advance(**by)
    worker = Database(scene.world.urls.worker, clock=scene.world.clock)
    try:
        await sweep(worker, scene.world.clock.now)
    finally:
        await worker.close()


@pytest.mark.parametrize("name", ["ada", "arne", "leo", "dora"])
async def test_leaders_change_settings(scene: Scene, name: str) -> None:
    given = {"locale": "de-CH", "time_zone": "Europe/Zurich", "security_contact": "sec@HARBOUR.example"}
    await scene.act(name, update_settings, **given, notification_addresses="a@x.example, b@x.example, a@x.example")
    row = await settings(scene)
    assert (row["locale"], row["time_zone"], row["security_contact"]) == (
        "de-CH",
        "Europe/Zurich",
        "sec@harbour.example",
    )
    assert (row["notification_addresses"], row["version"]) == (["a@x.example", "b@x.example"], 1)
    (event,) = await scene.events(scene.host, "settings.changed")
    assert json.loads(event["data"]) == {
        "changed": ["locale", "time_zone", "notification_addresses", "security_contact"]
    }
    assert event["actor_name"] == f"{name.title()} Harbour"


@pytest.mark.parametrize("name", ["mia", "phil", "aud", "greta", "zoe"])
async def test_nobody_else_at_home_changes_settings(scene: Scene, name: str) -> None:
    home = {} if scene[name].organisation == scene.host else {"organisation_id": scene.host.id}
    await scene.refused(name, DomainError, update_settings, locale="de", **home)
    await scene.refused(name, DomainError, set_feature, key=OTHERS[0], enabled=True, **home)


@pytest.mark.parametrize("basis", BASES)
async def test_who_acts_changes_settings_with_manage_or_as_decision_maker(scene: Scene, basis: str) -> None:
    if basis in MANAGING:
        await act_as(scene, basis, update_settings, locale="de")
        assert (await settings(scene))["locale"] == "de"
        return
    await refused_as(scene, basis, update_settings, locale="de")


@pytest.mark.parametrize("basis", BASES)
async def test_phone_managers_acting_switch_telephony_alone(scene: Scene, basis: str) -> None:
    for key in (TELEPHONY[0], *OTHERS):
        wanted = not FEATURES[key].enabled
        if basis in MANAGING or (basis == "phone_manager" and key == TELEPHONY[0]):
            await act_as(scene, basis, set_feature, key=key, enabled=wanted)
            assert (await features(scene))[key] is wanted
            continue
        await refused_as(scene, basis, set_feature, key=key, enabled=wanted)


async def test_phone_managers_of_the_host_switch_telephony_too(scene: Scene) -> None:
    await scene.act("phil", set_feature, key="call_forwarding", enabled=True)
    (event,) = await scene.events(scene.host, "feature.changed")
    assert json.loads(event["data"]) == {"key": "call_forwarding", "area": "TELEPHONY", "enabled": True}
    await scene.refused("phil", Forbidden, set_feature, key="early_access", enabled=True)
    await scene.refused("mia", Forbidden, set_feature, key="call_forwarding", enabled=False)


async def test_what_is_set_already_changes_nothing(scene: Scene) -> None:
    await scene.act("ada", update_settings, locale="de")
    await scene.act("ada", set_feature, key="early_access", enabled=True)
    async with scene.unchanged():
        await scene.act("ada", update_settings, locale="de")
        await scene.act("ada", set_feature, key="early_access", enabled=True)


async def test_values_that_are_none_are_refused(scene: Scene) -> None:
    wrong: list[dict[str, Any]] = [
        *({"locale": value} for value in ("", "german", "de_CH", "DE", "de-ch")),
        *({"time_zone": value} for value in ("", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "Europe", "CET ")),
        {"display_name": " "},
        {"display_name": "x" * 201},
        {"security_contact": "nobody"},
        {"notification_addresses": "a@x.example, nobody"},
        {"notification_addresses": ",".join(f"a{number}@x.example" for number in range(21))},
    ]
    for given in wrong:
        await scene.refused("ada", ValidationError, update_settings, **given)
    await scene.refused("ada", ValidationError, set_feature, key="teleport", enabled=True)


async def test_contact_and_addresses_are_taken_back(scene: Scene) -> None:
    await scene.act("ada", update_settings, security_contact="s@x.example", notification_addresses="a@x.example")
    await scene.act("ada", update_settings, security_contact="", notification_addresses=" ")
    row = await settings(scene)
    assert (row["security_contact"], row["notification_addresses"]) == (None, [])


async def test_versions_are_looked_at(scene: Scene) -> None:
    await scene.refused("ada", Conflict, update_settings, locale="de", expected_version=1)
    await scene.act("ada", update_settings, locale="de", expected_version=0)
    await scene.refused("ada", Conflict, update_settings, locale="fr", expected_version=0)
    await scene.act("ada", set_feature, key="voicemail", enabled=False, expected_version=0)
    await scene.refused("ada", Conflict, set_feature, key="voicemail", enabled=True, expected_version=0)


async def test_first_changes_at_once_all_stay(scene: Scene) -> None:
    await asyncio.gather(
        scene.act("ada", update_settings, locale="de"),
        scene.act("arne", update_settings, time_zone="Europe/Oslo"),
        scene.act("leo", update_settings, security_contact="s@x.example"),
    )
    row = await settings(scene)
    assert (row["locale"], row["time_zone"], row["security_contact"]) == ("de", "Europe/Oslo", "s@x.example")
    assert row["version"] == 3


async def test_the_display_name_is_the_organisations_and_groups_follow_it(scene: Scene) -> None:
    """S110: the groups at the partner are named after the customer."""
    await of_record(scene)
    await dialog(scene, D, P)
    before = await scene.row("organisations", scene.host.id)
    await act_as(scene, "manage", update_settings, display_name="Harbour & Sons")
    after = await scene.row("organisations", scene.host.id)
    assert (after["name"], after["version"]) == ("Harbour & Sons", before["version"] + 1)
    assert {**before, "name": "", "version": 0} == {**after, "name": "", "version": 0}
    assert set((await shown_names(scene)).values()) == {"Harbour & Sons Decision Maker", "Harbour & Sons Phone Manager"}


async def test_nobody_renames_another_organisation_by_hand(scene: Scene) -> None:
    async with scene.world.database.transaction(scene["greta"].identity, scene.guest.id) as tx:
        await tx.driver.execute("SELECT accord.rename_organisation($1, 'Ours')", scene.host.id)
    assert (await scene.row("organisations", scene.host.id))["name"] == scene.host.name


async def test_admins_are_told_once_a_day_of_what_people_acting_changed(scene: Scene) -> None:
    await act_as(scene, "manage", update_settings, locale="de", time_zone="Europe/Zurich")
    scene.world.clock.advance(hours=3)
    await act_as(scene, "phone_manager", set_feature, key="voicemail", enabled=False)
    await scene.act("ada", update_settings, locale="fr")
    await pass_by(scene, hours=20)
    assert await digests(scene) == []
    await pass_by(scene, hours=2)
    (listed,) = await digests(scene)
    assert listed.splitlines() == [
        "Greta Lighthouse (Lighthouse) changed settings: locale, time zone",
        "Greta Lighthouse (Lighthouse) switched off: Voicemail",
    ]
    assert await scene.mails("acting_digest") == [{"ada", "arne"}]
    await pass_by(scene, days=2)
    assert len(await digests(scene)) == 1


async def test_a_long_day_has_a_short_digest(scene: Scene) -> None:
    session = await open_session(scene, "manage")
    given = {"organisation_id": scene.host.id, "session": session, "key": "early_access"}
    for number in range(103):
        await scene.world.act(scene["greta"], set_feature, **given, enabled=number % 2 == 0)
    await pass_by(scene, days=1)
    (listed,) = await digests(scene)
    assert len(listed.splitlines()) == 101
    assert listed.endswith("and 3 more")
