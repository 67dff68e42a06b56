"""API clients over HTTP: every mutation of the API, as its rightful author would send it, and what they read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from graphql import ObjectTypeDefinitionNode, StringValueNode, parse

from accord.access import principal
from accord.access.permissions import NEVER_BY_CLIENTS, Action
from tests.api.gateway import digest
from tests.api.test_five_cases import CASES, Place, fresh, place

__all__ = ["fresh", "place"]

CLIENT: Final = "ada's client"
OPEN: Final = {
    *("remindPartnership", "withdrawPartnership", "removePartner", "suspendPartnership", "withdrawAmendment"),
    *("setDataAccess", "shareDataWithPartner", "freezePartnerAccess", "unshareAccount", "suspendShare", "leaveShare"),
    *("removeMemberFromShare", "removeMemberFromPartnership", "requestAccess", "withdrawAccessRequest"),
    *("updateAccount", "updateSettings", "setFeature", "payInvoice"),
}
"""Mutations that a scope can open, as far as they narrow; everything else is refused to every client."""


def actions() -> dict[str, Action]:
    """The action of every mutation, from the contract."""
    for node in parse(Path("schema.graphql").read_text(encoding="utf-8")).definitions:
        if isinstance(node, ObjectTypeDefinitionNode) and node.name.value == "Mutation":
            found = {}
            for field in node.fields or ():
                (required,) = [d for d in field.directives or () if d.name.value == "requires"]
                (argument,) = required.arguments or ()
                assert isinstance(argument.value, StringValueNode)
                found[field.name.value] = Action(argument.value.value)
            return found
    raise AssertionError("no mutations")


async def held(place: Place) -> dict[str, str]:
    """What the tables hold, but when clients were last used."""
    place.touched = True
    return {table: held for table, held in (await digest(place.api.urls)).items() if table != "api_clients"}


async def condition_of(place: Place, by: str, cases: Any) -> str:
    """Send a mutation as its author would, in the name of the client's organisation; why it was refused at the gate."""
    given = dict(cases.given(place.town))
    if "organisationId" in given:
        given["organisationId"] = place.town["harbour"]
    answer = await place.api.mutate(by, cases.mutation, cases.shows, given)
    assert "errors" in answer, (cases.mutation, answer)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN", (cases.mutation, answer)
    return str(error["extensions"]["condition"])


async def test_what_is_never_open_to_clients_is_refused(fresh: Place) -> None:
    by, required = fresh.api.knows(CLIENT, fresh.town["client_secret"]), actions()
    assert {name for name, action in required.items() if action not in NEVER_BY_CLIENTS} == OPEN
    before = await held(fresh)
    tried = [cases for cases in CASES if cases.mutation not in OPEN]
    for cases in tried:
        assert await condition_of(fresh, by, cases) == "PROTECTED_ACTION", cases.mutation
    assert len(tried) == len(required) - len(OPEN) > 45
    assert await held(fresh) == before


async def test_without_its_scope_nothing_is_open(fresh: Place) -> None:
    """By a token that was narrowed to reading people's names."""
    form = {"grant_type": "client_credentials", "scope": "user:read", "client_id": fresh.town["client"]}
    form |= {"client_secret": fresh.town["client_secret"]}
    answer = (await fresh.api.client.post(f"{fresh.api.url}/oauth/token", data=form)).json()
    by = fresh.api.knows("narrow", answer["access_token"])
    before = await held(fresh)
    for cases in CASES:
        expected = "SCOPE_MISSING" if cases.mutation in OPEN else "PROTECTED_ACTION"
        assert await condition_of(fresh, by, cases) == expected, cases.mutation
    assert await held(fresh) == before


RAISING: Final = ({"level": "MANAGE", "confirm": True}, {"level": "SUPPORT"})


@pytest.mark.parametrize("given", RAISING)
async def test_a_level_is_never_raised(fresh: Place, given: dict[str, Any]) -> None:
    by = fresh.api.knows(CLIENT, fresh.town["client_secret"])
    before = await held(fresh)
    named = {"organisationId": fresh.town["harbour"], "partnershipId": fresh.town["partnership"], **given}
    answer = await fresh.api.mutate(by, "setDataAccess", "partnership { id }", named)
    (error,) = answer["data"]["setDataAccess"]["errors"]
    assert (error["code"], error["condition"]) == ("FORBIDDEN", "PROTECTED_ACTION")
    switch = {"organisationId": named["organisationId"], "partnershipId": named["partnershipId"], "share": True}
    answer = await fresh.api.mutate(by, "shareDataWithPartner", "partnership { id }", switch | {"confirm": True})
    (error,) = answer["data"]["shareDataWithPartner"]["errors"]
    assert (error["code"], error["condition"]) == ("FORBIDDEN", "PROTECTED_ACTION")
    assert await held(fresh) == before


@pytest.mark.parametrize("entry", [{"listedInDirectory": True}, {"withRequestCode": True}])
async def test_how_others_find_the_organisation_stays_a_person_s_word(fresh: Place, entry: dict[str, Any]) -> None:
    by = fresh.api.knows(CLIENT, fresh.town["client_secret"])
    before = await held(fresh)
    given = {"organisationId": fresh.town["harbour"], "locale": "de", **entry}
    answer = await fresh.api.mutate(by, "updateSettings", "settings { locale }", given)
    (error,) = answer["data"]["updateSettings"]["errors"]
    assert (error["code"], error["condition"]) == ("FORBIDDEN", "PROTECTED_ACTION")
    assert await held(fresh) == before


async def test_what_its_scopes_open_is_done(fresh: Place) -> None:
    by, named = fresh.api.knows(CLIENT, fresh.town["client_secret"]), {"organisationId": fresh.town["harbour"]}
    for mutation, given, shows in (
        ("freezePartnerAccess", {}, "policy { frozen }"),
        ("setFeature", {"key": "voicemail", "enabled": False}, "feature { enabled }"),
        ("updateSettings", {"locale": "de"}, "settings { locale }"),
        ("payInvoice", {"invoiceId": fresh.town["bill"]}, "invoice { state }"),
        ("removePartner", {"partnershipId": fresh.town["held"]}, "partnership { state }"),
    ):
        fresh.touched = True
        answer = await fresh.api.mutate(by, mutation, shows, named | given)
        assert "errors" not in answer, answer
        assert answer["data"][mutation]["errors"] == [], answer


async def test_without_the_check_an_approval_goes_through(fresh: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the scopes alone stand between a client and all that its owner may."""
    monkeypatch.setattr(principal.Principal, "admits", lambda *_: True)
    by = fresh.api.knows(CLIENT, fresh.town["client_secret"])
    fresh.touched = True
    given = {"organisationId": fresh.town["harbour"], "partnershipId": fresh.town["requested"], "expectedVersion": 1}
    answer = await fresh.api.mutate(by, "approvePartnership", "partnership { state }", given)
    assert answer["data"]["approvePartnership"]["errors"] == []


READ: Final = """
query($harbour: ID!, $client: ID!) {
  viewer {
    organisation { id } homeOrganisation { id } memberships { id } actingSession { id }
    apiClient { id name status scopes owner { displayName } }
  }
  node(id: $client) { ... on ApiClient { name } }
  organisation(id: $harbour) {
    name
    partnerships(first: 1) { totalCount }
    activity(first: 1) { edges { node { type } } }
    apiClients { totalCount }
  }
}
"""


async def test_what_a_client_reads(fresh: Place) -> None:
    by = fresh.api.knows(CLIENT, fresh.town["client_secret"])
    fresh.touched = True
    given = {"harbour": fresh.town["harbour"], "client": fresh.town["client"]}
    answer = await fresh.api.post(by, READ, given)
    viewer, organisation = answer["data"]["viewer"], answer["data"]["organisation"]
    assert viewer["organisation"] == viewer["homeOrganisation"] == {"id": fresh.town["harbour"]}
    assert viewer["memberships"] == [{"id": fresh.town["ada_membership"]}]
    assert (viewer["apiClient"]["name"], viewer["apiClient"]["status"]) == ("client", "ACTIVE")
    assert viewer["apiClient"]["owner"] == {"displayName": "Ada"}
    assert organisation["partnerships"]["totalCount"] > 3
    assert organisation["apiClients"] is None
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["condition"]) == (["organisation", "apiClients"], "PROTECTED_ACTION")


async def test_reads_are_narrowed_too(fresh: Place) -> None:
    """A client without the scope of a field is refused there, whatever the field holds."""
    form = {"grant_type": "client_credentials", "scope": "organisation:read", "client_id": fresh.town["client"]}
    form |= {"client_secret": fresh.town["client_secret"]}
    token = (await fresh.api.client.post(f"{fresh.api.url}/oauth/token", data=form)).json()["access_token"]
    by = fresh.api.knows("reader", token)
    given = {"harbour": fresh.town["harbour"], "client": fresh.town["client"]}
    answer = await fresh.api.post(by, READ.replace("memberships { id }", ""), given)
    found = {".".join(map(str, error["path"])): error["extensions"]["condition"] for error in answer["errors"]}
    missing = ("organisation.partnerships", "organisation.activity", "viewer.apiClient.owner.displayName")
    assert {name: found.get(name) for name in missing} == dict.fromkeys(missing, "SCOPE_MISSING")
    assert answer["data"]["organisation"]["name"] == "Harbour"
    root = await fresh.api.post(by, '{ partnerLookup(handle: "x") { name } currentTerms { id } }')
    assert [error["extensions"]["condition"] for error in root["errors"]] == ["SCOPE_MISSING"] * 2
    export = await fresh.api.client.get(
        f"{fresh.api.url}/exports/activity.csv?organisationId={fresh.town['harbour']}",
        headers={"authorization": f"Bearer {token}"},
    )
    assert (export.status_code, export.json()["errors"][0]["extensions"]["condition"]) == (403, "SCOPE_MISSING")


async def test_admins_see_the_clients_of_their_organisation(fresh: Place) -> None:
    document = """query($id: ID!, $client: ID!) {
      organisation(id: $id) { apiClients { edges { node { id name status lastUsedAt expiresAt } } } }
      node(id: $client) { ... on ApiClient { name scopes owner { displayName } organisation { name } } }
    }"""
    given = {"id": fresh.town["harbour"], "client": fresh.town["client"]}
    answer = await fresh.api.post(fresh.town.emails["arne"], document, given)
    assert "errors" not in answer, answer
    edges = answer["data"]["organisation"]["apiClients"]["edges"]
    assert [(edge["node"]["name"], edge["node"]["status"]) for edge in edges] == [
        ("client", "ACTIVE"),
        ("old_client", "REVOKED"),
    ]
    assert answer["data"]["node"]["owner"] == {"displayName": "Ada"}
    for name in ("mia", "lena", "aud", "greta", "quentin"):
        answer = await fresh.api.post(fresh.town.emails[name], document, given)
        codes = {tuple(error["path"]): error["extensions"]["code"] for error in answer["errors"]}
        assert codes[("node",)] == "NOT_FOUND", name
        data = answer["data"]["organisation"]
        assert data is None or data["apiClients"] is None


async def test_what_a_client_did_names_it_beside_its_owner(fresh: Place) -> None:
    """To admins by its node, to who else reads the stream by its name; the export has it in the user's column."""
    by, named = fresh.api.knows(CLIENT, fresh.town["client_secret"]), {"organisationId": fresh.town["harbour"]}
    fresh.touched = True
    await fresh.api.mutate(by, "freezePartnerAccess", "policy { frozen }", named)
    document = """query($id: ID!) { organisation(id: $id) { activity(first: 1, filter: { types: ["access.frozen"] }) {
      edges { node { userName apiClientName actorApiClient { id } user { displayName } } } } } }"""
    for name, shown in (("ada", {"id": fresh.town["client"]}), ("aud", None)):
        answer = await fresh.api.post(fresh.town.emails[name], document, {"id": fresh.town["harbour"]})
        ((edge),) = answer["data"]["organisation"]["activity"]["edges"]
        assert (edge["node"]["userName"], edge["node"]["apiClientName"]) == ("Ada", "client")
        assert edge["node"]["actorApiClient"] == shown
    export = await fresh.api.client.get(
        f"{fresh.api.url}/exports/activity.csv?organisationId={fresh.town['harbour']}&types=access.frozen",
        headers={"authorization": f"Bearer {fresh.town['client_secret']}"},
    )
    assert '"Ada (client)"' in export.text
