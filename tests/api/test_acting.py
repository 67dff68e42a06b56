"""Requests in an acting session, over HTTP: what each basis may do and read, and that nothing else is (4.6 to 4.9)."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.api.gateway import digest
from tests.api.test_five_cases import CASES, Place, fresh, place

__all__ = ["fresh", "place"]

KINDS: Final = ("support", "manage", "decision_maker", "phone_manager")
OPEN: Final[dict[str, tuple[str, ...]]] = {
    # mutation: the kinds of sessions in which it can be done; everything else is refused to all of them
    "inviteMember": ("manage", "decision_maker"),
    "updateMember": ("manage", "decision_maker"),
    "deactivateMember": ("manage", "decision_maker"),
    "reactivateMember": ("manage", "decision_maker"),
    "removeMember": ("manage", "decision_maker"),
    "signInToAccount": ("manage",),
    "updateSettings": ("manage", "decision_maker"),
    "setFeature": ("manage", "decision_maker", "phone_manager"),
    "payInvoice": ("decision_maker",),
    "leaveOrganisation": KINDS,
}


async def ask(place: Place, kind: str | None, document: str, by: str = "marta", **variables: Any) -> Any:
    session = place.town[f"{kind}_session"] if kind else None
    return await place.api.post(place.town.emails[by], document, variables, session)


async def held(place: Place) -> dict[str, str]:
    """What the tables hold, but when sessions were last used."""
    place.touched = True
    return {table: held for table, held in (await digest(place.api.urls)).items() if table != "acting_sessions"}


@pytest.mark.parametrize("kind", KINDS)
async def test_whatever_is_not_open_to_a_session_is_refused(fresh: Place, kind: str) -> None:
    """Invariant 8: every mutation of the API, as its rightful author would send it, from every kind of session."""
    before = await held(fresh)
    tried = 0
    for cases in CASES:
        if kind in OPEN.get(cases.mutation, ()):
            continue
        given = dict(cases.given(fresh.town))
        if "organisationId" in given:
            given["organisationId"] = fresh.town["harbour"]
        answer = await fresh.api.mutate(
            fresh.town.emails["marta"], cases.mutation, cases.shows, given, fresh.town[f"{kind}_session"]
        )
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN", (cases.mutation, answer)
        protected = cases.mutation not in OPEN
        assert error["extensions"]["condition"] == ("PROTECTED_ACTION" if protected else "LEVEL_TOO_LOW")
        tried += 1
    assert tried > 40
    assert await held(fresh) == before


WHERE: Final = """
{ viewer {
    user { displayName email } homeOrganisation { name } organisation { name }
    actingSession { basis level roleKey host { name } home { name } }
    sharedAccounts { totalCount }
} }
"""


@pytest.mark.parametrize("kind", KINDS)
async def test_the_viewer_knows_where_they_are(fresh: Place, kind: str) -> None:
    viewer = (await ask(fresh, kind, WHERE))["data"]["viewer"]
    assert viewer["user"] == {"displayName": "Marta", "email": fresh.town.emails["marta"]}
    assert (viewer["homeOrganisation"]["name"], viewer["organisation"]["name"]) == ("Marina", "Harbour")
    assert viewer["actingSession"]["home"] == {"name": "Marina"}
    assert kind.upper() in (viewer["actingSession"]["level"], viewer["actingSession"]["roleKey"])
    at_home = (await ask(fresh, None, WHERE))["data"]["viewer"]
    assert (at_home["organisation"]["name"], at_home["actingSession"]) == ("Marina", None)


CUSTOMERS: Final = """
query($search: String) { viewer { customers(search: $search) { totalCount edges { node {
    organisation { name } level bases { basis level roleKey }
} } } } }
"""


async def test_the_switcher_lists_customers(fresh: Place) -> None:
    """S14."""
    found = (await ask(fresh, None, CUSTOMERS))["data"]["viewer"]["customers"]
    assert found["totalCount"] == 1
    (edge,) = found["edges"]
    assert (edge["node"]["organisation"]["name"], edge["node"]["level"]) == ("Harbour", "MANAGE")
    assert {(basis["basis"], basis["level"], basis["roleKey"]) for basis in edge["node"]["bases"]} == {
        ("LEVEL", "MANAGE", None),
        ("ROLE_GROUP", None, "DECISION_MAKER"),
        ("ROLE_GROUP", None, "PHONE_MANAGER"),
    }
    milo = (await ask(fresh, None, CUSTOMERS, by="milo"))["data"]["viewer"]["customers"]
    assert milo["edges"][0]["node"]["level"] == "NONE"
    for search, count in (("HARB", 1), ("nothing like it", 0)):
        found = (await ask(fresh, None, CUSTOMERS, search=search))["data"]["viewer"]["customers"]
        assert found["totalCount"] == count
    denied = await ask(fresh, "manage", CUSTOMERS)
    assert denied["errors"][0]["extensions"]["code"] == "FORBIDDEN"


READS: Final = """
query($host: ID!) { organisation(id: $host) {
    name
    partnerships { totalCount edges { node { guest { name } } } }
    accounts { totalCount }
    members { totalCount edges { node { displayName email roles } } }
    activity { totalCount edges { node { type partner { name } account { id } accountLabel } } }
    policy { frozen }
    partnerLinks { totalCount }
    roleGroups { totalCount }
} }
"""
SEEN: Final = {
    # what of the host each kind of session reads; null and FORBIDDEN otherwise
    "support": {"activity"},
    "manage": {"activity", "members"},
    "decision_maker": {"activity", "members"},
    "phone_manager": set[str](),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_session_reads_what_its_basis_gives(fresh: Place, kind: str) -> None:
    """Model 4.7: nothing of other partners, no policy, no links."""
    answer = await ask(fresh, kind, READS, host=fresh.town["harbour"])
    shown = answer["data"]["organisation"]
    assert [edge["node"]["guest"]["name"] for edge in shown["partnerships"]["edges"]] == ["Marina"]
    assert shown["accounts"] == {"totalCount": 0}
    for name in ("activity", "members", "policy", "partnerLinks", "roleGroups"):
        assert (shown[name] is not None) == (name in SEEN[kind]), (name, answer)
    if "members" in SEEN[kind]:
        assert {edge["node"]["displayName"] for edge in shown["members"]["edges"]} >= {"Ada", "Mia"}
    if "activity" in SEEN[kind]:
        partners = {(edge["node"]["partner"] or {}).get("name") for edge in shown["activity"]["edges"]}
        assert partners <= {None, "Marina"}
        assert not any(edge["node"]["account"] or edge["node"]["accountLabel"] for edge in shown["activity"]["edges"])


FOREIGN: Final = ("partnership", "desk", "desk_share", "greta_grant", "greta", "lighthouse", "requested", "cove_link")


@pytest.mark.parametrize("kind", KINDS)
async def test_by_their_ids_nothing_of_other_partners_is_there(fresh: Place, kind: str) -> None:
    for name in FOREIGN:
        answer = await ask(fresh, kind, "query($id: ID!) { node(id: $id) { id } }", id=fresh.town[name])
        assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND", (name, answer)


async def test_a_session_that_is_over_answers_nothing(fresh: Place) -> None:
    """The user's own that was left, somebody else's, and what is no session at all."""
    for by, session in (
        ("marta", fresh.town["left_session"]),
        ("milo", fresh.town["manage_session"]),
        ("marta", fresh.town["partnership"]),
        ("marta", "session_nonsense"),
    ):
        answer = await fresh.api.post(fresh.town.emails[by], WHERE, {}, session)
        assert answer["errors"][0]["extensions"]["code"] == "SESSION_ENDED", (by, session)
        assert "data" not in answer
    document = "mutation($i: SetDataAccessInput!) { setDataAccess(input: $i) { errors { code } } }"
    given = {"organisationId": fresh.town["harbour"], "partnershipId": fresh.town["managed"], "level": "NONE"}
    fresh.touched = True
    assert (await ask(fresh, None, document, by="ada", i=given))["data"]["setDataAccess"]["errors"] == []
    answer = await ask(fresh, "manage", WHERE)
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_REVOKED"
    assert (await ask(fresh, "phone_manager", WHERE))["data"]["viewer"]["actingSession"]["basis"] == "ROLE_GROUP"


async def test_two_tabs_in_two_organisations(fresh: Place) -> None:
    """S17: the header says where a request is; a write that names another place is refused."""
    given = {"email": "new@people.example", "displayName": "New"}
    before = await held(fresh)
    for session, organisation in (("manage", "marina"), (None, "harbour")):
        answer = await fresh.api.mutate(
            fresh.town.emails["marta"],
            "inviteMember",
            "membership { id }",
            {**given, "organisationId": fresh.town[organisation]},
            fresh.town[f"{session}_session"] if session else None,
        )
        assert answer["data"]["inviteMember"]["errors"][0]["code"] == "ORG_CONTEXT_MISMATCH"
    assert await held(fresh) == before


async def test_activity_is_never_exported_by_who_acts(fresh: Place) -> None:
    for kind in KINDS:
        headers = {
            "Authorization": f"Bearer {fresh.api.token(fresh.town.emails['marta'])}",
            "Accord-Acting-Session": fresh.town[f"{kind}_session"],
        }
        url = f"{fresh.api.url}/exports/activity.csv?organisationId={fresh.town['harbour']}"
        answer = await fresh.api.client.get(url, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
