"""Organisations: accounts, members, one's own profile, and what the operator does."""

from __future__ import annotations

from typing import Any

from tests.api.cases import Cases, Given, Impossible, Refused, Same
from tests.api.cases.sharing import to
from tests.api.town import Town

ACCOUNT = "account { id label status launchUrl }"
MEMBER = "membership { id status roles version }"
NEW_ACCOUNT = {"app": "Ledger", "label": "Books", "launchUrl": "https://books.example/"}
OPERATOR = "staff"


def _raised(_: Town, shown: Any) -> bool:
    return {"budget": "MEMBERS", "perDay": 2000, "raised": True} in shown["organisation"]["mailBudgets"]


def _is(field: str, name: str, value: Any) -> Any:
    return lambda _, shown: shown[field][name] == value


def _invite(side: str = "harbour", email: str = "nora@harbour.example", **given: Any) -> Given:
    return to(side, email=email, displayName="Nora", **given)


def bare(**given: Any) -> Given:
    """Input without an organisation; strings that name something in the town become its ID."""
    return lambda town: {
        key: town.ids.get(value, value) if isinstance(value, str) else value for key, value in given.items()
    }


def _legal(name: str) -> Given:
    """Somebody of the town as Harbour's next legal representative."""
    return lambda town: {"organisationId": town["harbour"], "email": town.emails[name]}


FIRST = {"email": "first@dune.example", "displayName": "First"}
FOUND = {
    "name": "New Organisation",
    "countryCode": "NO",
    "adminEmail": "first@new.example",
    "adminDisplayName": "First",
}

CASES = [
    Cases(
        "createAccount",
        by="otto",
        given=to("harbour", **NEW_ACCOUNT),
        shows=ACCOUNT,
        expected=_is("account", "label", "Books"),
        forbidden=Refused("aud", to("harbour", **NEW_ACCOUNT), "FORBIDDEN"),
        foreign=Refused("quentin", to("harbour", **NEW_ACCOUNT), "ORG_CONTEXT_MISMATCH"),
        wrong_state=Impossible("there is nothing yet that could be in a state"),
        repeated=Same("two accounts may have one label: each call makes one"),
    ),
    Cases(
        "updateAccount",
        by="mia",
        given=to("harbour", accountId="desk", label="Front desk", expectedVersion=1),
        shows=ACCOUNT,
        expected=_is("account", "label", "Front desk"),
        forbidden=Refused("dan", to("lighthouse", accountId="desk", label="Ours"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", accountId="desk", label="Ours"), "NOT_FOUND"),
        wrong_state=Impossible("needs an archived account, which archiveAccount's repeated case stands for"),
        repeated=Refused("mia", to("harbour", accountId="desk", label="Front desk", expectedVersion=1), "CONFLICT"),
    ),
    Cases(
        "archiveAccount",
        by="mia",
        given=to("harbour", accountId="desk"),
        shows=ACCOUNT + " receipt { sharesEnded grantsEnded accessRequestsCancelled ticketsVoided }",
        expected=lambda _, shown: (
            shown["account"]["status"] == "ARCHIVED"
            and shown["receipt"]
            == {"sharesEnded": 1, "grantsEnded": 2, "accessRequestsCancelled": 1, "ticketsVoided": 0}
        ),
        forbidden=Refused("dan", to("lighthouse", accountId="desk"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", accountId="desk"), "NOT_FOUND"),
        wrong_state=Impossible("an account is active or archived, and the latter is the repeated case"),
        repeated=Refused("mia", to("harbour", accountId="desk"), "INVALID_STATE"),
    ),
    Cases(
        "setAccountOwners",
        by="mia",
        given=to("harbour", accountId="till", userIds=["mia", "otto"], expectedVersion=1),
        shows="account { owners { id } }",
        expected=lambda town, shown: {one["id"] for one in shown["account"]["owners"]} == {town["mia"], town["otto"]},
        forbidden=Refused("dan", to("lighthouse", accountId="desk", userIds=["dan"]), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", accountId="desk", userIds=["quentin"]), "NOT_FOUND"),
        wrong_state=Impossible("needs an archived account, which archiveAccount's repeated case stands for"),
        repeated=Refused(
            "mia", to("harbour", accountId="till", userIds=["mia", "otto"], expectedVersion=1), "CONFLICT"
        ),
    ),
    Cases(
        "inviteMember",
        by="ada",
        given=_invite(),
        shows=MEMBER,
        expected=_is("membership", "status", "INVITED"),
        forbidden=Refused("mia", _invite(), "FORBIDDEN"),
        foreign=Refused("quentin", _invite(), "ORG_CONTEXT_MISMATCH"),
        wrong_state=Impossible("an address that is a member already is not in a state of this act; see repeated"),
        repeated=Same("an invitation may be sent again: the older link is void"),
    ),
    Cases(
        "updateMember",
        by="ada",
        given=to("harbour", membershipId="otto_membership", roles=["MEMBER", "PHONE_MANAGER"], expectedVersion=1),
        shows=MEMBER,
        expected=lambda _, shown: set(shown["membership"]["roles"]) == {"MEMBER", "PHONE_MANAGER"},
        forbidden=Refused("otto", to("harbour", membershipId="otto_membership", roles=["ORG_ADMIN"]), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", membershipId="otto_membership", roles=["MEMBER"]), "NOT_FOUND"),
        wrong_state=Refused("ada", to("harbour", membershipId="dora_membership", roles=["MEMBER"]), "INVALID_STATE"),
        repeated=Refused(
            "ada",
            to("harbour", membershipId="otto_membership", roles=["MEMBER", "PHONE_MANAGER"], expectedVersion=1),
            "CONFLICT",
        ),
    ),
    Cases(
        "deactivateMember",
        by="greta",
        given=to("lighthouse", membershipId="dan_membership"),
        shows=MEMBER + " receipt { grantsEnded accessRequestsEnded }",
        expected=lambda _, shown: (
            shown["membership"]["status"] == "DEACTIVATED" and shown["receipt"]["grantsEnded"] == 1
        ),
        forbidden=Refused("dan", to("lighthouse", membershipId="eva_membership"), "FORBIDDEN"),
        foreign=Refused("ada", to("harbour", membershipId="dan_membership"), "NOT_FOUND"),
        wrong_state=Refused("ada", to("harbour", membershipId="ivan_membership"), "INVALID_STATE"),
        repeated=Refused("greta", to("lighthouse", membershipId="dan_membership"), "INVALID_STATE"),
    ),
    Cases(
        "reactivateMember",
        by="ada",
        given=to("harbour", membershipId="dora_membership"),
        shows=MEMBER,
        expected=_is("membership", "status", "ACTIVE"),
        forbidden=Refused("mia", to("harbour", membershipId="dora_membership"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", membershipId="dora_membership"), "NOT_FOUND"),
        wrong_state=Refused("ada", to("harbour", membershipId="otto_membership"), "INVALID_STATE"),
        repeated=Refused("ada", to("harbour", membershipId="dora_membership"), "INVALID_STATE"),
    ),
    Cases(
        "removeMember",
        by="ada",
        given=to("harbour", membershipId="mia_membership"),
        shows=MEMBER + " receipt { partnershipsSucceeded accountsNeedingOwner }",
        expected=lambda _, shown: (
            shown["membership"]["status"] == "REMOVED" and shown["receipt"]["partnershipsSucceeded"] >= 1
        ),
        forbidden=Refused("mia", to("harbour", membershipId="otto_membership"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", membershipId="mia_membership"), "NOT_FOUND"),
        wrong_state=Impossible("every membership that is not removed can be removed"),
        repeated=Refused("ada", to("harbour", membershipId="mia_membership"), "INVALID_STATE"),
    ),
    Cases(
        "acceptMembership",
        by="newcomer",
        given=bare(token="ivan_token"),
        shows=MEMBER,
        expected=_is("membership", "status", "ACTIVE"),
        forbidden=Impossible("the link of the mail is the only right that it takes"),
        foreign=Refused("quentin", bare(token="no such token"), "NOT_FOUND"),
        wrong_state=Impossible("a link that is used or void answers like one that never was: see repeated"),
        repeated=Refused("newcomer", bare(token="ivan_token"), "NOT_FOUND"),
    ),
    Cases(
        "updateProfile",
        by="otto",
        given=bare(displayName="Otto Ocean", expectedVersion=1),
        shows="user { displayName }",
        expected=_is("user", "displayName", "Otto Ocean"),
        forbidden=Refused("newcomer", bare(displayName="Nobody"), "FORBIDDEN"),
        foreign=Impossible("nobody can name another person's profile here"),
        wrong_state=Impossible("a profile has no states"),
        repeated=Refused("otto", bare(displayName="Otto Ocean", expectedVersion=1), "CONFLICT"),
    ),
    Cases(
        "markNotificationsRead",
        by="mia",
        given=lambda town: {"notificationIds": [town["mia_notice"]]},
        shows="notifications { id readAt }",
        expected=lambda town, shown: (
            shown["notifications"][0]["id"] == town["mia_notice"] and shown["notifications"][0]["readAt"] is not None
        ),
        forbidden=Refused("newcomer", lambda town: {"notificationIds": [town["mia_notice"]]}, "FORBIDDEN"),
        foreign=Refused("quentin", lambda town: {"notificationIds": [town["mia_notice"]]}, "NOT_FOUND"),
        wrong_state=Impossible("read is read"),
        repeated=Same("what is read stays read"),
    ),
    Cases(
        "setPolicy",
        by="ada",
        given=to("harbour", requireMfa=True, maxPartnershipDuration="P365D"),
        shows="policy { requireMfa maxPartnershipDuration frozen }",
        expected=lambda _, shown: (
            shown["policy"] == {"requireMfa": True, "maxPartnershipDuration": "P365D", "frozen": False}
        ),
        forbidden=Refused("mia", to("harbour", requireMfa=True), "FORBIDDEN"),
        foreign=Refused("quentin", to("harbour", requireMfa=True), "ORG_CONTEXT_MISMATCH"),
        wrong_state=Impossible("a policy has no states"),
        repeated=Same("what is set is set"),
    ),
    Cases(
        "freezePartnerAccess",
        by="lena",
        given=to("harbour"),
        shows="policy { frozen }",
        expected=_is("policy", "frozen", True),
        forbidden=Refused("mia", to("harbour"), "FORBIDDEN"),
        foreign=Refused("quentin", to("harbour"), "ORG_CONTEXT_MISMATCH"),
        wrong_state=Impossible("frozen or not: the former is the repeated case"),
        repeated=Refused("ada", to("harbour"), "INVALID_STATE"),
    ),
    Cases(
        "unfreezePartnerAccess",
        by="hugo",
        given=to("hill"),
        shows="policy { frozen }",
        expected=_is("policy", "frozen", False),
        forbidden=Refused("mia", to("harbour"), "FORBIDDEN"),
        foreign=Refused("quentin", to("hill"), "ORG_CONTEXT_MISMATCH"),
        wrong_state=Refused("ada", to("harbour"), "INVALID_STATE"),
        repeated=Refused("hugo", to("hill"), "INVALID_STATE"),
    ),
    Cases(
        "createOrganisation",
        by=OPERATOR,
        given=bare(**FOUND),
        shows="organisation { id name handle }",
        expected=_is("organisation", "name", "New Organisation"),
        forbidden=Refused("ada", bare(**FOUND), "FORBIDDEN"),
        foreign=Impossible("staff belongs to no tenant"),
        wrong_state=Impossible("there is nothing yet that could be in a state"),
        repeated=Same("as long as nobody has joined it is the same organisation, with another link"),
    ),
    Cases(
        "inviteFirstAdmin",
        by=OPERATOR,
        given=bare(organisationId="dune", **FIRST),
        shows="organisation { name }",
        expected=_is("organisation", "name", "Dune"),
        forbidden=Refused("ada", bare(organisationId="dune", **FIRST), "FORBIDDEN"),
        foreign=Refused(OPERATOR, bare(organisationId="otto", **FIRST), "NOT_FOUND"),
        wrong_state=Refused(OPERATOR, bare(organisationId="harbour", **FIRST), "INVALID_STATE"),
        repeated=Same("another link takes the place of the older one"),
    ),
    Cases(
        "nameLegalRepresentative",
        by=OPERATOR,
        given=_legal("otto"),
        shows="organisation { name }",
        expected=_is("organisation", "name", "Harbour"),
        forbidden=Refused("arne", _legal("otto"), "FORBIDDEN"),
        foreign=Refused(OPERATOR, _legal("quentin"), "NOT_FOUND"),
        wrong_state=Refused(OPERATOR, _legal("ada"), "INVALID_STATE"),
        repeated=Refused(OPERATOR, _legal("otto"), "INVALID_STATE"),
    ),
    Cases(
        "setPartnersEnabled",
        by=OPERATOR,
        given=bare(organisationId="meadow", enabled=False, expectedVersion=1),
        shows="organisation { id partnersEnabled }",
        expected=_is("organisation", "partnersEnabled", False),
        forbidden=Refused("max", bare(organisationId="meadow", enabled=False), "FORBIDDEN"),
        foreign=Refused(OPERATOR, bare(organisationId="otto", enabled=False), "NOT_FOUND"),
        wrong_state=Impossible("a switch has no states that forbid switching"),
        repeated=Refused(OPERATOR, bare(organisationId="meadow", enabled=False, expectedVersion=1), "CONFLICT"),
    ),
    Cases(
        "setMailBudget",
        by=OPERATOR,
        given=bare(organisationId="meadow", budget="MEMBERS", perDay=2000, expectedVersion=1),
        shows="organisation { id mailBudgets { budget perDay raised } }",
        expected=_raised,
        forbidden=Refused("max", bare(organisationId="meadow", budget="MEMBERS", perDay=2000), "FORBIDDEN"),
        foreign=Refused(OPERATOR, bare(organisationId="otto", budget="MEMBERS", perDay=2000), "NOT_FOUND"),
        wrong_state=Impossible("a budget has no states"),
        repeated=Refused(
            OPERATOR, bare(organisationId="meadow", budget="MEMBERS", perDay=1, expectedVersion=1), "CONFLICT"
        ),
    ),
    Cases(
        "publishTerms",
        by=OPERATOR,
        given=bare(version="3", text="Be the kindest."),
        shows="terms { version textHash }",
        expected=_is("terms", "version", "3"),
        forbidden=Refused("ada", bare(version="3", text="Be the kindest."), "FORBIDDEN"),
        foreign=Impossible("staff belongs to no tenant"),
        wrong_state=Impossible("terms have no states"),
        repeated=Refused(OPERATOR, bare(version="3", text="Be the kindest."), "CONFLICT"),
    ),
    Cases(
        "erasePerson",
        by=OPERATOR,
        given=bare(userId="gone", reason="They asked for it."),
        shows="receipt { facts events mails notifications activityHead }",
        expected=lambda _, shown: shown["receipt"]["events"] > 0 and len(shown["receipt"]["activityHead"]) == 64,
        forbidden=Refused("fred", bare(userId="gone", reason="They asked for it."), "FORBIDDEN"),
        foreign=Refused(OPERATOR, bare(userId="forge", reason="They asked for it."), "NOT_FOUND"),
        wrong_state=Refused(OPERATOR, bare(userId="fay", reason="They asked for it."), "INVALID_STATE"),
        repeated=Refused(OPERATOR, bare(userId="gone", reason="They asked for it."), "INVALID_STATE"),
    ),
]
