"""External contacts, and the customers that a partner assigns to its people."""

from __future__ import annotations

from typing import Any

from tests.api.cases import Cases, Given, Refused, Same
from tests.api.cases.organisation import bare
from tests.api.cases.sharing import to
from tests.api.town import Town

CONTACT = "contact { id status roles host { name } user { displayName } partnership { id } }"
ASSIGNED = "user { id } results { partnership { id } error { code } }"


def _name(side: str = "harbour", email: str = "nora@nowhere.example") -> Given:
    return to(side, email=email, roles=["PHONE_MANAGER"])


def _contact(name: str, side: str = "harbour") -> Given:
    return to(side, contactId=name)


def _assign(user: str, side: str = "forge") -> Given:
    def build(town: Town) -> dict[str, Any]:
        return {"organisationId": town[side], "userId": town[user], "customerIds": [town["harbour"]]}

    return build


CLAIM = "claim { state invitedEmail email emailVerified issuer roles }"


def _claim(claim: str, version: int, side: str = "harbour") -> Given:
    return to(side, claimId=claim, expectedVersion=version)


CASES = [
    Cases(
        "addExternalContact",
        by="lena",
        given=_name(),
        shows=CONTACT,
        expected=lambda _, shown: (
            (shown["contact"]["status"], shown["contact"]["roles"]) == ("INVITED", ["PHONE_MANAGER"])
        ),
        forbidden=Refused("mia", _name(), "FORBIDDEN"),
        foreign=Refused("quentin", _name(), "ORG_CONTEXT_MISMATCH"),
        wrong_state=Refused("ada", _name(email="gina@grove.example"), "INVALID_STATE"),
        repeated=Same("an invitation may be sent again: the older link is void"),
    ),
    Cases(
        "acceptContact",
        by="tora",
        given=bare(token="contact_token"),
        shows=CONTACT,
        expected=lambda _, shown: (
            shown["contact"]["status"] == "ACTIVE"
            and shown["contact"]["host"] == {"name": "Harbour"}
            and shown["contact"]["user"] == {"displayName": "Tora"}
        ),
        forbidden=Refused("newcomer", bare(token="contact_token"), "FORBIDDEN"),
        foreign=Refused("quentin", bare(token="no such token"), "NOT_FOUND"),
        wrong_state=Refused("ada", bare(token="contact_token"), "NOT_FOUND"),
        repeated=Refused("tora", bare(token="contact_token"), "NOT_FOUND"),
    ),
    Cases(
        "removeExternalContact",
        by="arne",
        given=_contact("gina_contact"),
        shows=CONTACT,
        expected=lambda _, shown: shown["contact"]["status"] == "REMOVED",
        forbidden=Refused("mia", _contact("gina_contact"), "FORBIDDEN"),
        foreign=Refused("quentin", _contact("gina_contact", "quill"), "NOT_FOUND"),
        wrong_state=Refused("ada", _contact("old_contact"), "INVALID_STATE"),
        repeated=Refused("ada", _contact("gina_contact"), "INVALID_STATE"),
    ),
    Cases(
        "assignCustomers",
        by="fred",
        given=_assign("fay"),
        shows=ASSIGNED,
        expected=lambda town, shown: (
            shown["user"] == {"id": town["fay"]}
            and shown["results"] == [{"partnership": {"id": town["guided"]}, "error": None}]
        ),
        forbidden=Refused("fay", _assign("fay"), "FORBIDDEN"),
        foreign=Refused("quentin", _assign("fay", "quill"), "NOT_FOUND"),
        wrong_state=Refused("gina", _assign("gina", "grove"), "NOT_FOUND", item=True),
        repeated=Refused("fred", _assign("fay"), "INVALID_STATE", item=True),
    ),
    Cases(
        "confirmInvitationClaim",
        by="ada",
        given=_claim("ivy_claim", 1),
        shows=CLAIM,
        expected=lambda _, shown: shown["claim"]["state"] == "CONFIRMED",
        forbidden=Refused("mia", _claim("ivy_claim", 1), "FORBIDDEN"),
        foreign=Refused("quentin", _claim("ivy_claim", 1, "quill"), "NOT_FOUND"),
        wrong_state=Refused("ada", _claim("ida_claim", 2), "INVALID_STATE"),
        repeated=Refused("ada", _claim("ivy_claim", 1), "CONFLICT"),
    ),
    Cases(
        "refuseInvitationClaim",
        by="arne",
        given=_claim("ivy_claim", 1),
        shows=CLAIM,
        expected=lambda _, shown: shown["claim"]["state"] == "REFUSED",
        forbidden=Refused("mia", _claim("ivy_claim", 1), "FORBIDDEN"),
        foreign=Refused("quentin", _claim("ivy_claim", 1, "quill"), "NOT_FOUND"),
        wrong_state=Refused("ada", _claim("ida_claim", 2), "INVALID_STATE"),
        repeated=Refused("arne", _claim("ivy_claim", 1), "CONFLICT"),
    ),
]
