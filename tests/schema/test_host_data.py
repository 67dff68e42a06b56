"""Who reads settings, features, bills and figures, by every path, and what the figures count (model 4.7, 4.15)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from accord.domain.ids import global_id
from accord.services.billing import pay_invoice
from accord.services.grants.ticket import sign_in_to_account
from accord.services.partnerships.partnership import remove_partner
from accord.services.setting import set_feature, update_settings
from tests.schema.conftest import Asking
from tests.services.host_data import EUR, bill, fill, set_house
from tests.services.scene import Scene, Signer

SETTINGS: Final = """query S($id: ID!) { organisation(id: $id) {
  settings { id displayName locale timeZone notificationAddresses securityContact version }
  features { key area enabled version } } }"""
BILLS: Final = """query B($id: ID!) { organisation(id: $id) {
  invoices { totalCount edges { node { id number state amount { amountMinor currency } } } }
  wallet { balance { amountMinor currency } entries { totalCount edges { node {
    kind madeByName amount { amountMinor } balance { amountMinor } invoice { number } } } } } } }"""
NODE: Final = """query N($id: ID!) { node(id: $id) { __typename
  ... on Invoice { number } ... on Settings { displayName } } }"""
DASHBOARD: Final = """query D($id: ID!) { organisation(id: $id) { dashboard {
  partnerships { state count } accountsSharedOut accountsSharedIn peopleWithAccess requestsWaiting
  accessRequestsWaiting grantsUnused grantsExpiring signInsPerDay { day count } } } }"""
REPORT: Final = """query R($id: ID!, $name: ReportName!, $period: ReportPeriodInput!, $by: ReportGrouping!) {
  organisation(id: $id) { report(name: $name, period: $period, groupBy: $by) {
    name groupBy total rowCount period { from to } rows { key label count } } } }"""
FIGURES: Final = ("accountsSharedOut", "accountsSharedIn", "peopleWithAccess", "requestsWaiting")
LEADERS: Final = ("ada", "arne", "leo", "dora")
MEMBERS: Final = (*LEADERS, "mia", "phil")


@pytest.fixture
async def scene(asking: Asking) -> Scene:
    return await set_house(asking.world)


def host(scene: Scene) -> str:
    return global_id("organisation", scene.host.id)


def period(scene: Scene, days: int = 30) -> dict[str, str]:
    now = scene.world.clock.now
    return {"from": (now - timedelta(days=days)).isoformat(), "to": (now + timedelta(days=1)).isoformat()}


async def report(asking: Asking, scene: Scene, name: str, by: str, report: str = "ACTIVITY", **given: Any) -> Any:
    wanted = {"id": host(scene), "name": report, "period": period(scene), "by": by} | given
    return (await asking.ask(scene[name], REPORT, **wanted))["organisation"]["report"]


async def denied(asking: Asking, scene: Scene, who: str, document: str, **given: Any) -> bool:
    """Every field of the host is null with FORBIDDEN, or the host is not there at all."""
    data, errors = await asking.look(scene[who], document, id=host(scene), **given)
    codes = {error["extensions"]["code"] for error in errors}
    assert codes <= {"FORBIDDEN", "NOT_FOUND"}, errors
    shown = (data or {}).get("organisation")
    return bool(codes) and (shown is None or not any(shown.values()))


@pytest.mark.parametrize("name", MEMBERS)
async def test_members_read_settings_and_features(asking: Asking, scene: Scene, name: str) -> None:
    await scene.act("ada", update_settings, locale="nb-NO", notification_addresses="a@x.example")
    await scene.act("ada", set_feature, key="early_access", enabled=True)
    shown = (await asking.ask(scene[name], SETTINGS, id=host(scene)))["organisation"]
    assert shown["settings"] == {
        "id": global_id("settings", scene.host.id),
        "displayName": "Harbour",
        "locale": "nb-NO",
        "timeZone": "UTC",
        "notificationAddresses": ["a@x.example"],
        "securityContact": None,
        "version": 1,
    }
    features = {one["key"]: (one["enabled"], one["version"]) for one in shown["features"]}
    assert (features["early_access"], features["voicemail"], features["call_recording"]) == (
        (True, 1),
        (True, 0),
        (False, 0),
    )
    data = await asking.ask(scene[name], NODE, id=global_id("settings", scene.host.id))
    assert data["node"] == {"__typename": "Settings", "displayName": "Harbour"}


@pytest.mark.parametrize("name", ["aud", "greta", "carla", "zoe"])
async def test_others_read_neither(asking: Asking, scene: Scene, name: str) -> None:
    assert await denied(asking, scene, name, SETTINGS)
    assert await asking.codes(scene[name], NODE, id=global_id("settings", scene.host.id)) == ["NOT_FOUND"]


@pytest.mark.parametrize("name", LEADERS)
async def test_leaders_read_bills(asking: Asking, scene: Scene, name: str) -> None:
    invoice = await bill(scene, 700)
    await bill(scene, 9, "2026-2")
    await fill(scene, 1_000)
    await scene.act("ada", pay_invoice, invoice_id=invoice)
    shown = (await asking.ask(scene[name], BILLS, id=host(scene)))["organisation"]
    assert [(edge["node"]["number"], edge["node"]["state"]) for edge in shown["invoices"]["edges"]] == [
        ("2026-2", "OPEN"),
        ("2026-1", "PAID"),
    ]
    assert shown["invoices"]["edges"][1]["node"]["amount"] == {"amountMinor": 700, "currency": EUR}
    assert shown["wallet"]["balance"] == {"amountMinor": 300, "currency": EUR}
    paid, filled = (edge["node"] for edge in shown["wallet"]["entries"]["edges"])
    assert (paid["kind"], paid["amount"]["amountMinor"], paid["invoice"]) == ("PAYMENT", -700, {"number": "2026-1"})
    assert (filled["kind"], filled["balance"]["amountMinor"], filled["madeByName"]) == ("TOP_UP", 1_000, "Ada Harbour")
    assert (await asking.ask(scene[name], NODE, id=global_id("invoice", invoice)))["node"]["number"] == "2026-1"


@pytest.mark.parametrize("name", ["mia", "phil", "aud", "greta", "carla", "zoe"])
async def test_nobody_else_reads_a_bill_by_any_path(asking: Asking, scene: Scene, name: str) -> None:
    invoice = await bill(scene, 700)
    await fill(scene, 1_000)
    assert await denied(asking, scene, name, BILLS)
    assert set(await asking.codes(scene[name], NODE, id=global_id("invoice", invoice))) <= {"NOT_FOUND", "FORBIDDEN"}
    data, _ = await asking.look(scene[name], NODE, id=global_id("invoice", invoice))
    assert data is None or data["node"] is None


async def test_the_vendor_reads_the_invoice_it_made_and_no_list(asking: Asking, scene: Scene) -> None:
    invoice = await bill(scene, 700)
    assert (await asking.ask(None, NODE, id=global_id("invoice", invoice)))["node"]["number"] == "2026-1"
    for document in (BILLS, SETTINGS, DASHBOARD):
        data, errors = await asking.look(None, document, id=host(scene))
        assert {error["extensions"]["code"] for error in errors} == {"FORBIDDEN"}
        assert not any(data["organisation"].values())


async def test_without_a_wallet_there_is_none(asking: Asking, scene: Scene) -> None:
    shown = (await asking.ask(scene["ada"], BILLS, id=host(scene)))["organisation"]
    assert shown == {"invoices": {"totalCount": 0, "edges": []}, "wallet": None}


async def figures(asking: Asking, scene: Scene, name: str = "ada", of: str | None = None) -> Any:
    return (await asking.ask(scene[name], DASHBOARD, id=of or host(scene)))["organisation"]["dashboard"]


async def test_the_dashboard_counts_everything_for_leaders(asking: Asking, scene: Scene) -> None:
    """Mia's account is nobody's to see for Ada, and counts all the same (model 4.7)."""
    share = await scene.share()
    await scene.let_in(share, "carla")
    await scene.ask("greta", share, "dan")
    await scene.act("carla", sign_in_to_account, account_id=scene.account, signer=Signer())
    await scene.world.request(scene["otto"], scene["zoe"].organisation)
    for name in LEADERS:
        shown = await figures(asking, scene, name)
        assert {entry["state"]: entry["count"] for entry in shown["partnerships"]} == {
            "ACTIVE": 1,
            "AWAITING_HOST_APPROVAL": 1,
        }
        assert [shown[figure] for figure in FIGURES] == [1, 0, 2, 1]
        assert shown["accessRequestsWaiting"] == 1
        assert [day["count"] for day in shown["signInsPerDay"]] == [*[0] * 29, 1]
        assert shown["signInsPerDay"][-1]["day"] == scene.world.clock.now.date().isoformat()
    theirs = await figures(asking, scene, "greta", global_id("organisation", scene.guest.id))
    assert [theirs[figure] for figure in FIGURES] == [0, 1, 0, 0]
    assert theirs["partnerships"] == [{"state": "ACTIVE", "count": 1}]


async def test_the_dashboard_counts_what_is_unused_and_what_ends(asking: Asking, scene: Scene) -> None:
    share = await scene.share()
    grant = await scene.let_in(share, "carla")
    assert (await figures(asking, scene))["grantsUnused"] == 0
    ends = scene.world.clock.now + timedelta(days=80)
    await scene.world.owner.execute("UPDATE accord.grants SET expires_at = $2 WHERE id = $1", grant, ends)
    scene.world.clock.advance(days=61)
    await scene.act("carla", sign_in_to_account, account_id=scene.account, signer=Signer())
    shown = await figures(asking, scene)
    assert (shown["grantsUnused"], shown["grantsExpiring"], shown["peopleWithAccess"]) == (1, 1, 2)
    scene.world.clock.advance(days=20)
    shown = await figures(asking, scene)
    assert (shown["grantsUnused"], shown["grantsExpiring"], shown["peopleWithAccess"]) == (1, 0, 1)
    await scene.act("ada", remove_partner, partnership_id=scene.partnership)
    shown = await figures(asking, scene)
    assert [shown[figure] for figure in (*FIGURES, "grantsUnused", "grantsExpiring")] == [0] * 6
    assert shown["partnerships"] == []


@pytest.mark.parametrize("name", ["mia", "phil", "aud", "greta", "carla", "zoe"])
async def test_nobody_else_at_home_reads_figures(asking: Asking, scene: Scene, name: str) -> None:
    assert await denied(asking, scene, name, DASHBOARD)
    given = {"name": "ACTIVITY", "period": period(scene), "by": "EVENT_TYPE"}
    assert await denied(asking, scene, name, REPORT, **given)


async def test_a_report_counts_by_type(asking: Asking, scene: Scene) -> None:
    share = await scene.share()
    await scene.let_in(share, "carla")
    shown = await report(asking, scene, "ada", "EVENT_TYPE", "SHARING")
    assert {row["key"]: row["count"] for row in shown["rows"]} == {
        "share.added": 1,
        "access_request.filed": 1,
        "access_request.accepted": 1,
    }
    assert (shown["total"], shown["rowCount"]) == (3, 3)
    everything = await report(asking, scene, "ada", "EVENT_TYPE")
    assert everything["total"] == len(await scene.events(scene.host))
    assert everything["rows"][0]["label"] == everything["rows"][0]["key"]


async def test_a_report_by_account_names_only_what_the_viewer_sees(asking: Asking, scene: Scene) -> None:
    """Q31: Ada owns one of the two accounts; what happened on Mia's is counted without its name."""
    own = await scene.world.account(scene["ada"], label="Ada's till")
    await scene.share()
    for _ in range(3):
        await scene.act("mia", sign_in_to_account, account_id=scene.account, signer=Signer())
    await scene.act("ada", sign_in_to_account, account_id=own, signer=Signer())
    shown = await report(asking, scene, "ada", "ACCOUNT", "SIGN_INS")
    assert shown["rows"] == [
        {"key": None, "label": None, "count": 3},
        {"key": global_id("account", own), "label": "Ada's till", "count": 1},
    ]
    apps = await report(asking, scene, "ada", "APP", "SIGN_INS")
    assert apps["rows"] == [{"key": None, "label": None, "count": 3}, {"key": "Ledger", "label": "Ledger", "count": 1}]


async def test_a_report_by_person_and_by_partner(asking: Asking, scene: Scene) -> None:
    share = await scene.share()
    await scene.let_in(share, "carla")
    await scene.act("carla", sign_in_to_account, account_id=scene.account, signer=Signer())
    people = await report(asking, scene, "ada", "USER", "SIGN_INS")
    assert people["rows"] == [{"key": global_id("user", scene["carla"].id), "label": "Carla Lighthouse", "count": 1}]
    partners = await report(asking, scene, "ada", "PARTNER", "SHARING")
    assert partners["rows"] == [
        {"key": global_id("organisation", scene.guest.id), "label": "Lighthouse", "count": partners["total"]}
    ]
    assert partners["total"] > 0


async def test_a_report_keeps_to_its_period(asking: Asking, scene: Scene) -> None:
    await scene.share()
    scene.world.clock.advance(days=40)
    assert (await report(asking, scene, "ada", "EVENT_TYPE"))["rows"] == []
    longer = await report(asking, scene, "ada", "EVENT_TYPE", period=period(scene, 60))
    assert longer["total"] == len(await scene.events(scene.host))


async def test_a_period_that_is_none_is_refused(asking: Asking, scene: Scene) -> None:
    now = scene.world.clock.now
    for since, until in ((now, now), (now, now - timedelta(days=1)), (now - timedelta(days=401), now)):
        given = {"period": {"from": since.isoformat(), "to": until.isoformat()}, "name": "ACTIVITY", "by": "APP"}
        assert await asking.codes(scene["ada"], REPORT, id=host(scene), **given) == ["BAD_USER_INPUT"]


async def test_the_dashboard_takes_no_more_statements_for_many(asking: Asking, scene: Scene) -> None:
    first = await figures(asking, scene)
    for _ in range(5):
        await scene.share(account=await scene.world.account(scene["mia"]))
    assert (await figures(asking, scene))["accountsSharedOut"] == first["accountsSharedOut"] + 5
