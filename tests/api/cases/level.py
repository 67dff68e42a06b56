"""Levels, ceilings, links and statuses."""

from __future__ import annotations

from typing import Any

from tests.api.cases import Cases, Given, Impossible, Refused, Same
from tests.api.cases.sharing import to

STAFF = "staff"
LEVEL = "partnership { version dataAccess { ceiling granted effective } viewerCan }"
LINK = "link { id kind status ceiling partner { name } }"
PARTNER = "organisation { partnerProgram partnerStatus version }"


def bare(**given: Any) -> Given:
    """Input in nobody's name; strings that name something in the town become its ID."""
    return lambda town: {
        key: town.ids.get(value, value) if isinstance(value, str) else value for key, value in given.items()
    }


def _level(side: str = "harbour", partnership: str = "partnership", level: str = "MANAGE", **given: Any) -> Given:
    return to(side, partnershipId=partnership, level=level, **given)


def _access(ceiling: str, granted: str, effective: str) -> Any:
    expected = {"ceiling": ceiling, "granted": granted, "effective": effective}
    return lambda _, shown: shown["partnership"]["dataAccess"] == expected


LINKING = {"customerId": "harbour", "partnerId": "quill", "kind": "RESELLER"}
STATUS = {"organisationId": "cove", "program": "MSP", "status": "SUSPENDED"}

CASES = [
    Cases(
        "setDataAccess",
        by="lena",
        given=_level(confirm=True, expectedVersion=3),
        shows=LEVEL,
        expected=_access("MANAGE", "MANAGE", "MANAGE"),
        forbidden=Refused("greta", _level("lighthouse", level="SUPPORT"), "FORBIDDEN"),
        foreign=Refused("quentin", _level("quill"), "NOT_FOUND"),
        wrong_state=Refused("ada", _level(partnership="held", confirm=True), "INVALID_STATE"),
        repeated=Refused("lena", _level(confirm=True, expectedVersion=3), "CONFLICT"),
    ),
    Cases(
        "shareDataWithPartner",
        by="ada",
        given=to("harbour", partnershipId="partnership", share=True, confirm=True),
        shows=LEVEL,
        expected=_access("MANAGE", "MANAGE", "MANAGE"),
        forbidden=Refused("mia", to("harbour", partnershipId="partnership", share=True, confirm=True), "FORBIDDEN"),
        foreign=Refused("max", to("meadow", partnershipId="partnership", share=False), "NOT_FOUND"),
        wrong_state=Refused("ada", to("harbour", partnershipId="removed", share=False), "INVALID_STATE"),
        repeated=Same("a switch that is on stays on"),
    ),
    Cases(
        "setCeiling",
        by=STAFF,
        given=bare(partnerId="cove", ceiling="SUPPORT"),
        shows="contract { name ceiling customerCount } link { id }",
        expected=lambda _, shown: (
            shown["contract"] == {"name": "Cove", "ceiling": "SUPPORT", "customerCount": 1} and shown["link"] is None
        ),
        forbidden=Refused("mia", to("harbour", partnerId="cove", ceiling="NONE"), "FORBIDDEN"),
        foreign=Refused("ada", to("harbour", partnerId="cove", ceiling="NONE"), "NOT_FOUND"),
        wrong_state=Refused("tora", to("tower", partnerId="cove", ceiling="MANAGE"), "CEILING_EXCEEDED"),
        repeated=Same("what is set is set"),
    ),
    Cases(
        "linkPartner",
        by=STAFF,
        given=bare(customerId="meadow", partnerId="cove", kind="RESELLER", ceiling="SUPPORT"),
        shows=LINK,
        expected=lambda _, shown: (
            (shown["link"]["status"], shown["link"]["ceiling"], shown["link"]["partner"]["name"])
            == ("ACTIVE", "SUPPORT", "Cove")
        ),
        forbidden=Refused("ada", bare(**LINKING), "FORBIDDEN"),
        foreign=Refused(STAFF, bare(customerId="harbour", partnerId="otto", kind="RESELLER"), "NOT_FOUND"),
        wrong_state=Refused(STAFF, bare(**LINKING), "PREREQUISITE_MISSING"),
        repeated=Refused(STAFF, bare(customerId="meadow", partnerId="cove", kind="RESELLER"), "CONFLICT"),
    ),
    Cases(
        "endPartnerLink",
        by=STAFF,
        given=bare(linkId="cove_link", reason="Contract over."),
        shows=LINK,
        expected=lambda _, shown: shown["link"]["status"] == "ENDED",
        forbidden=Refused("ada", bare(linkId="cove_link"), "FORBIDDEN"),
        foreign=Refused(STAFF, bare(linkId="otto"), "NOT_FOUND"),
        wrong_state=Impossible("a link is active or ended: the latter is the repeated case"),
        repeated=Refused(STAFF, bare(linkId="cove_link"), "INVALID_STATE"),
    ),
    Cases(
        "setPartnerStatus",
        by=STAFF,
        given=bare(**STATUS, parentPartnerId="tower", expectedVersion=3),
        shows=PARTNER,
        expected=lambda _, shown: shown["organisation"]["partnerStatus"] == "SUSPENDED",
        forbidden=Refused("tora", bare(**STATUS), "FORBIDDEN"),
        foreign=Refused(STAFF, bare(**STATUS | {"organisationId": "otto"}), "NOT_FOUND"),
        wrong_state=Refused(STAFF, bare(organisationId="cove", program="NONE", status="NONE"), "BAD_USER_INPUT"),
        repeated=Refused(STAFF, bare(**STATUS, parentPartnerId="tower", expectedVersion=3), "CONFLICT"),
    ),
    Cases(
        "setOrganisationStatus",
        by=STAFF,
        given=bare(organisationId="meadow", status="CLOSED", reason="Out of business."),
        shows="organisation { status }",
        expected=lambda _, shown: shown["organisation"]["status"] == "CLOSED",
        forbidden=Refused("max", bare(organisationId="meadow", status="CLOSED"), "FORBIDDEN"),
        foreign=Refused(STAFF, bare(organisationId="otto", status="CLOSED"), "NOT_FOUND"),
        wrong_state=Refused(STAFF, bare(organisationId="meadow", status="ACTIVE"), "INVALID_STATE"),
        repeated=Refused(STAFF, bare(organisationId="meadow", status="ACTIVE"), "INVALID_STATE"),
    ),
]
