"""A host's own data over HTTP, at home and in every kind of session: fields, nodes, files and reports (4.15, S113)."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import pytest

from accord.database.engine import Database
from accord.delivery.mailbox import list_mails
from tests.api.test_acting import KINDS, ask, held
from tests.api.test_five_cases import STAFF, Place, fresh, place

__all__ = ["fresh", "place"]

NOW: Final = datetime.now(UTC).replace(microsecond=0)
PERIOD: Final = {"from": f"{NOW - timedelta(days=30):%FT%TZ}", "to": f"{NOW + timedelta(days=2):%FT%TZ}"}
"""Around everything that happens in the town."""

READS: Final = """
query($id: ID!, $period: ReportPeriodInput!) { organisation(id: $id) {
    settings { displayName }
    features { key }
    dashboard { partnerships { state count } accountsSharedOut accountsSharedIn peopleWithAccess requestsWaiting
        accessRequestsWaiting grantsUnused grantsExpiring signInsPerDay { count } }
    report(name: ACTIVITY, period: $period, groupBy: PARTNER) { total rows { key label count } }
    invoices { totalCount }
    wallet { balance { amountMinor } }
} }
"""
REPORT: Final = """
query($id: ID!, $period: ReportPeriodInput!, $grouping: ReportGrouping!, $name: ReportName!) { organisation(id: $id) {
    report(name: $name, period: $period, groupBy: $grouping) { total rows { key label count } } } }
"""
NODE: Final = "query($id: ID!) { node(id: $id) { __typename id } }"
READING: Final = {"dashboard", "report"}
SEEN: Final = {
    "support": READING,
    "manage": READING | {"settings", "features"},
    "decision_maker": READING | {"settings", "features", "invoices", "wallet"},
    "phone_manager": {"settings", "features"},
}


async def tell(place: Place, sql: str, *given: Any) -> Any:
    """Ask or change the database as its superuser."""
    owner = await asyncpg.connect(place.api.urls.superuser)
    try:
        return await owner.fetchval(sql, *given)
    finally:
        await owner.close()


async def export(place: Place, kind: str | None, by: str = "marta", **given: str) -> tuple[int, str]:
    """The status and text of a report's file."""
    headers = {"Authorization": f"Bearer {place.api.token(place.town.emails.get(by, STAFF))}"}
    if kind:
        headers["Accord-Acting-Session"] = place.town[f"{kind}_session"]
    query = {"organisationId": place.town["harbour"], "name": "ACTIVITY", "groupBy": "EVENT_TYPE", **PERIOD} | given
    place.touched = True
    answer = await place.api.client.get(f"{place.api.url}/exports/report.csv", params=query, headers=headers)
    return answer.status_code, answer.text


@pytest.mark.parametrize("kind", KINDS)
async def test_a_session_reads_what_its_basis_gives(fresh: Place, kind: str) -> None:
    """S26, S27, S30, S113."""
    answer = await ask(fresh, kind, READS, id=fresh.town["harbour"], period=PERIOD)
    shown = answer["data"]["organisation"]
    assert {name for name, value in shown.items() if value is not None} == SEEN[kind], answer
    errors = {error["path"][-1]: error["extensions"] for error in answer.get("errors", ())}
    assert errors.keys() == shown.keys() - SEEN[kind]
    assert {error["code"] for error in errors.values()} <= {"FORBIDDEN"}


async def test_management_with_the_wallet_reads_bills(fresh: Place) -> None:
    """S97: COMPLETE and the wallet open them in the same session, and its end closes them."""
    assert (await ask(fresh, "manage", READS, id=fresh.town["harbour"], period=PERIOD))["data"]["organisation"][
        "wallet"
    ] is None
    fresh.touched = True
    await entrust(fresh, "COMPLETE", wallet=True)
    shown = (await ask(fresh, "manage", READS, id=fresh.town["harbour"], period=PERIOD))["data"]["organisation"]
    assert (shown["invoices"]["totalCount"], shown["wallet"]["balance"]["amountMinor"]) == (3, 1_000)
    await entrust(fresh, "COMPLETE", wallet=False)
    shown = (await ask(fresh, "manage", READS, id=fresh.town["harbour"], period=PERIOD))["data"]["organisation"]
    assert (shown["invoices"], shown["wallet"]) == (None, None)


async def entrust(place: Place, mode: str, *, wallet: bool) -> None:
    key = place.town["managed"].partition("_")[2]
    sql = "UPDATE accord.partnerships SET access_mode = $2, wallet_entrusted = $3 WHERE id = $1::text::uuid"
    await tell(place, sql, key, mode, wallet)


@pytest.mark.parametrize("kind", KINDS)
async def test_nodes_are_as_their_fields(fresh: Place, kind: str) -> None:
    for name, field in (("bill", "invoices"), ("settings", "settings")):
        answer = await ask(fresh, kind, NODE, id=fresh.town[name])
        if field in SEEN[kind]:
            assert answer["data"]["node"]["id"] == fresh.town[name]
        else:
            assert answer["errors"][0]["extensions"]["code"] in {"NOT_FOUND", "FORBIDDEN"}, (name, answer)
            assert not (answer.get("data") or {}).get("node")


async def test_phone_managers_meet_no_bill_on_any_path(fresh: Place) -> None:
    """S113: neither as field nor as node, in no report, no file and no activity, and they pay none."""
    before = await held(fresh)
    harbour, kind = fresh.town["harbour"], "phone_manager"
    for field in ("invoices { totalCount }", "wallet { balance { currency } }", "activity { totalCount }"):
        answer = await ask(fresh, kind, f"query($id: ID!) {{ organisation(id: $id) {{ {field} }} }}", id=harbour)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN", answer
        assert not any(answer["data"]["organisation"].values())
    for bill in ("bill", "paid_bill", "dear_bill"):
        for document in (NODE, "query($id: ID!) { nodes(ids: [$id]) { id } }"):
            answer = await ask(fresh, kind, document, id=fresh.town[bill])
            assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND", answer
    given: dict[str, Any] = {"id": harbour, "period": PERIOD, "name": "ACTIVITY", "grouping": "EVENT_TYPE"}
    assert (await ask(fresh, kind, REPORT, **given))["data"]["organisation"]["report"] is None
    assert (await export(fresh, kind))[0] == 403
    pay = "mutation($i: PayInvoiceInput!) { payInvoice(input: $i) { errors { code } } }"
    answer = await ask(fresh, kind, pay, i={"organisationId": harbour, "invoiceId": fresh.town["bill"]})
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await held(fresh) == before


@pytest.mark.parametrize("kind", ["support", "manage"])
async def test_reports_tell_no_bills_to_who_may_not_read_them(fresh: Place, kind: str) -> None:
    given: dict[str, Any] = {
        "id": fresh.town["harbour"],
        "period": PERIOD,
        "name": "ACTIVITY",
        "grouping": "EVENT_TYPE",
    }
    shown = (await ask(fresh, kind, REPORT, **given))["data"]["organisation"]["report"]
    assert shown["total"] > 0
    assert not any(row["key"].startswith(("invoice.", "wallet.")) for row in shown["rows"])
    status, text = await export(fresh, kind)
    assert status == 200
    assert "invoice." not in text
    assert "wallet." not in text
    decides = (await ask(fresh, "decision_maker", REPORT, **given))["data"]["organisation"]["report"]
    assert {"invoice.paid", "wallet.topped_up"} <= {row["key"] for row in decides["rows"]}


@pytest.mark.parametrize("kind", ["support", "manage", "decision_maker"])
async def test_who_acts_sees_nothing_of_other_partners_in_any_figure(fresh: Place, kind: str) -> None:
    """Model 4.7: the same host, for its admin and for who acts."""
    acts = (await ask(fresh, kind, READS, id=fresh.town["harbour"], period=PERIOD))["data"]["organisation"]
    home = (await ask(fresh, None, READS, by="ada", id=fresh.town["harbour"], period=PERIOD))["data"]["organisation"]
    assert {row["label"] for row in acts["report"]["rows"]} <= {"Marina", None}
    assert {"Lighthouse", "Marina", "Cove"} <= {row["label"] for row in home["report"]["rows"]}
    assert acts["report"]["total"] < home["report"]["total"]
    assert acts["dashboard"]["partnerships"] == [{"state": "ACTIVE", "count": 1}]
    assert sum(one["count"] for one in home["dashboard"]["partnerships"]) > 5
    figures = ("accountsSharedOut", "requestsWaiting", "accessRequestsWaiting", "accountsSharedIn", "grantsUnused")
    assert [acts["dashboard"][name] for name in figures] == [0, 0, 0, 0, 0]
    assert home["dashboard"]["accountsSharedOut"] == 1
    for grouping in ("USER", "ACCOUNT", "APP"):
        given: dict[str, Any] = {
            "id": fresh.town["harbour"],
            "period": PERIOD,
            "name": "ACTIVITY",
            "grouping": grouping,
        }
        rows = (await ask(fresh, kind, REPORT, **given))["data"]["organisation"]["report"]["rows"]
        keys = {row["key"] for row in rows}
        others = ("greta", "gustav", "fred", "fay", "cora", "desk", "library")
        assert not keys & {fresh.town[name] for name in others}, grouping


async def test_a_file_of_a_report_is_the_report_and_an_event(fresh: Place) -> None:
    status, text = await export(fresh, None, "ada", name="SIGN_INS", groupBy="USER")
    assert status == 200, text
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert rows[0] == ["Key", "Label", "Count"]
    given: dict[str, Any] = {"id": fresh.town["harbour"], "period": PERIOD, "name": "SIGN_INS", "grouping": "USER"}
    shown = (await ask(fresh, None, REPORT, by="ada", **given))["data"]["organisation"]["report"]["rows"]
    listed = [[row["key"] or "", row["label"] or "", str(row["count"])] for row in shown]
    assert rows[1:] == [*listed, ["END", str(len(listed)), ""]]
    sql = "SELECT data FROM accord.activity_events WHERE type = 'export.created' ORDER BY id DESC LIMIT 1"
    assert '"SIGN_INS"' in await tell(fresh, sql)


async def test_a_download_in_a_session_is_an_event_of_the_session(fresh: Place) -> None:
    """Model 4.8: reads are logged with the session, downloads of reports one by one, also with SUPPORT."""
    assert (await export(fresh, "support"))[0] == 200
    sql = "SELECT acting_session_id FROM accord.activity_events WHERE type = 'export.created' ORDER BY id DESC"
    assert f"session_{await tell(fresh, f'{sql} LIMIT 1')}" == fresh.town["support_session"]


async def test_files_that_are_refused(fresh: Place) -> None:
    before = await held(fresh)
    for by, expected in (("mia", 403), ("aud", 403), ("quentin", 403), ("greta", 403), ("marta", 403)):
        status, text = await export(fresh, None, by)
        assert status == expected, (by, text)
    for wrong in (
        {"name": "NOTHING"},
        {"name": ""},
        {"groupBy": "COLOUR"},
        {"from": "yesterday"},
        {"to": PERIOD["from"]},
        {"from": "2020-01-01T00:00:00Z"},
        {"more": "1"},
    ):
        assert (await export(fresh, None, "ada", **wrong))[0] == 400, wrong
    assert (await export(fresh, None, "ada", organisationId="organisation_x"))[0] == 404
    assert await held(fresh) == before


async def test_labels_in_the_file_are_no_formulas(fresh: Place) -> None:
    fresh.touched = True
    rename = "mutation($i: UpdateSettingsInput!) { updateSettings(input: $i) { errors { code } } }"
    given = {"organisationId": fresh.town["lighthouse"], "displayName": "=HYPERLINK(1)"}
    answer = await ask(fresh, None, rename, by="greta", i=given)
    assert answer["data"]["updateSettings"]["errors"] == []
    _, text = await export(fresh, None, "ada", groupBy="PARTNER")
    assert '"\'=HYPERLINK(1)"' in text


async def test_a_payment_by_somebody_acting_is_mailed_to_the_admins(fresh: Place) -> None:
    pay = "mutation($i: PayInvoiceInput!) { payInvoice(input: $i) { invoice { state } errors { code } } }"
    fresh.touched = True
    given = {"organisationId": fresh.town["harbour"], "invoiceId": fresh.town["bill"]}
    answer = await ask(fresh, "decision_maker", pay, i=given)
    assert answer["data"]["payInvoice"] == {"invoice": {"state": "PAID"}, "errors": []}
    worker = Database(fresh.api.urls.worker, pool_size=1)
    try:
        mails: list[Any] = await list_mails(worker, fresh.api.url)
    finally:
        await worker.close()
    told = [mail for mail in mails if "has paid invoice bill of Harbour" in mail.subject]
    addresses = [fresh.town.emails[name] for name in ("ada", "arne")]
    assert sorted(mail.recipient for mail in told) == [f"Ada <{addresses[0]}>", f"Arne <{addresses[1]}>"]
    assert all("Marta of Marina" in mail.text and "7.00 EUR" in mail.text for mail in told)
