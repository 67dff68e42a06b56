"""Past its end nothing of a partnership can be used, changed or revived, though no worker has written the end.

The gateway of these tests runs without a worker. Every deadline in the database is moved into the past, and each
mutation is tried as the person who may do it otherwise.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import pytest

from tests.api.cases import Cases
from tests.api.gateway import digest
from tests.api.test_five_cases import CASES, Place, code_of, fresh, named, place

__all__ = ["fresh", "place"]

DEADLINES: Final = """
UPDATE accord.partnerships SET expires_at = now() - interval '1 second', auto_extend = NULL,
    starts_at = least(starts_at, now() - interval '2 days') WHERE state IN ('ACTIVE', 'SUSPENDED');
UPDATE accord.partnerships SET lapses_at = now() - interval '1 second' WHERE lapses_at IS NOT NULL;
UPDATE accord.amendments SET lapses_at = now() - interval '1 second' WHERE lapses_at IS NOT NULL;
UPDATE accord.access_items SET lapses_at = now() - interval '1 second' WHERE state = 'PENDING';
"""

NO_PARTNERSHIP: Final = frozenset(
    {
        *("acceptContact", "acceptMembership", "addExternalContact", "archiveAccount", "createAccount"),
        *("createApiClient", "createOrganisation", "createScimCredential", "deactivateMember", "endPartnerLink"),
        *("freezePartnerAccess", "inviteMember", "issueInvoice", "leaveOrganisation", "linkPartner"),
        *("markNotificationsRead", "payInvoice", "publishTerms", "reactivateMember", "removeExternalContact"),
        *("removeMember", "revokeApiClient", "revokeScimCredential", "setAccountOwners", "setCeiling", "setFeature"),
        *("setOrganisationStatus", "setPartnerStatus", "setPartnersEnabled", "setPolicy", "setScimGroupRoles"),
        *("topUpWallet", "unfreezePartnerAccess", "updateAccount", "updateMember", "updateProfile"),
        *("updateSettings", "voidInvoice", "confirmInvitationClaim", "refuseInvitationClaim", "inviteFirstAdmin"),
        *("nameLegalRepresentative", "setMailBudget", "erasePerson"),
    }
)
"""Acts that are about something else than a partnership in force, or a proposal of one: time takes nothing of them."""

FILES_ANOTHER: Final = frozenset({"requestPartnership", "invitePartner", "requestCustomer"})
"""Acts that begin a partnership with somebody who is no partner yet."""


@asynccontextmanager
async def as_owner(place: Place) -> AsyncIterator[asyncpg.Connection[Any]]:
    owner = await asyncpg.connect(place.api.urls.superuser)
    try:
        yield owner
    finally:
        await owner.close()


def refusal_of(answer: Any, cases: Cases) -> str | None:
    """The code of the refusal, also that of the only item of a bulk act; None where the act went through."""
    payload = (answer.get("data") or {}).get(cases.mutation)
    return code_of(answer, cases, item=payload is not None and "results" in payload)


async def move_deadlines(place: Place) -> None:
    place.touched = True
    async with as_owner(place) as owner:
        await owner.execute("SET session_replication_role = replica")
        await owner.execute(DEADLINES)


@pytest.mark.parametrize("cases", [c for c in CASES if c.mutation not in NO_PARTNERSHIP | FILES_ANOTHER], ids=named)
async def test_past_the_end_every_act_is_refused(fresh: Place, cases: Cases) -> None:
    await move_deadlines(fresh)
    before = await digest(fresh.api.urls)
    answer = await fresh.call(cases, cases.by, cases.given)
    assert refusal_of(answer, cases), f"{cases.mutation} went through past the end: {answer}"
    assert await digest(fresh.api.urls) == before


@pytest.mark.parametrize("cases", [c for c in CASES if c.mutation in NO_PARTNERSHIP | FILES_ANOTHER], ids=named)
async def test_time_takes_nothing_from_other_acts(fresh: Place, cases: Cases) -> None:
    """The control of the list above: what stands in it does go on."""
    await move_deadlines(fresh)
    answer = await fresh.call(cases, cases.by, cases.given)
    assert refusal_of(answer, cases) is None, answer


SHOWN: Final = """
query Shown {
  viewer { organisation { dashboard { partnerships { state count } } partnerships(first: 100) { edges { node {
    state viewerCan expiresAt dataAccess { effective }
    shares(first: 50) { edges { node { state } } } delegations { edges { node { state } } }
    amendments(first: 10) { edges { node { state viewerCan } } }
  } } } } }
}
"""
ENDED: Final = frozenset({"TERMINATED", "EXPIRED", "LAPSED", "WITHDRAWN", "DECLINED_BY_HOST"})


@pytest.mark.parametrize(("by", "known"), [("ada", 4), ("greta", 1)])
async def test_past_the_end_what_is_shown_says_so(fresh: Place, by: str, known: int) -> None:
    await move_deadlines(fresh)
    answer = await fresh.api.post(fresh.town.emails[by], SHOWN)
    assert "errors" not in answer, answer
    organisation = answer["data"]["viewer"]["organisation"]
    nodes = [edge["node"] for edge in organisation["partnerships"]["edges"]]
    assert len(nodes) >= known
    assert {node["state"] for node in nodes} <= ENDED
    assert {"EXPIRED"} <= {node["state"] for node in nodes}
    assert [node["viewerCan"] for node in nodes if node["viewerCan"]] == []
    assert {node["dataAccess"]["effective"] for node in nodes if node["dataAccess"]} <= {"NONE"}
    live = {"ACTIVE", "SUSPENDED", "PENDING_HOST", "PENDING_GUEST"}
    assert not live & set(_states(nodes))
    assert organisation["dashboard"] is None or organisation["dashboard"]["partnerships"] == []
    filtered = (
        "query F { viewer { organisation { partnerships(first: 100, state: [ACTIVE, SUSPENDED]) { totalCount } } } }"
    )
    counted = await fresh.api.post(fresh.town.emails[by], filtered)
    assert counted["data"]["viewer"]["organisation"]["partnerships"]["totalCount"] == 0


def _states(nodes: list[Any]) -> list[str]:
    return [found for node in nodes for found in json.dumps(node).split('"') if found.isupper()]


async def test_a_partnership_that_renews_itself_goes_on_without_a_worker(fresh: Place) -> None:
    """Its next end is shown; one that is suspended ends, and so does one whose renewal is switched off."""
    fresh.touched = True
    async with as_owner(fresh) as owner:
        await owner.execute("SET session_replication_role = replica")
        renewed = await owner.fetchval(
            "UPDATE accord.partnerships SET expires_at = now() - interval '45 days', auto_extend = interval '30 days',"
            " starts_at = now() - interval '90 days' WHERE state = 'ACTIVE' AND id = (SELECT min(id::text)::uuid FROM"
            " accord.partnerships WHERE state = 'ACTIVE' AND host_id = $1::text::uuid) RETURNING 'partnership_' || id",
            fresh.town["harbour"].partition("_")[2],
        )
        shown = "query P($id: ID!) { partnership(id: $id) { state expiresAt viewerCan } }"
        found = (await fresh.api.post(fresh.town.emails["ada"], shown, {"id": renewed}))["data"]["partnership"]
        assert found["state"] == "ACTIVE"
        assert "EXTEND" in found["viewerCan"]
        assert timedelta(days=14) < datetime.fromisoformat(found["expiresAt"]) - datetime.now(UTC) < timedelta(days=16)
        for change in ("auto_extend = NULL", "state = 'SUSPENDED', suspended_by = '{HOST}', auto_extend = '30 days'"):
            await owner.execute(f"UPDATE accord.partnerships SET {change} WHERE 'partnership_' || id = $1", renewed)
            found = (await fresh.api.post(fresh.town.emails["ada"], shown, {"id": renewed}))["data"]["partnership"]
            assert (found["state"], found["viewerCan"]) == ("EXPIRED", []), change
