"""Invitations of a partner, and a partner's own requests."""

from __future__ import annotations

from typing import Any

from tests.api.cases import Cases, Given, Refused

STATE = "partnership { id path state accessMode walletEntrusted }"


def _invite(guest: str, organisation: str = "harbour", **given: Any) -> Given:
    return lambda town: {
        "organisationId": town[organisation],
        "guestHandle": town.handles[guest],
        "contactEmail": "office@partner.example",
        "accessMode": "LIMITED",
        "items": [{"accountId": town["desk"]}],
        **given,
    }


def _ask(host: str, organisation: str = "cove", **given: Any) -> Given:
    return lambda town: {
        "organisationId": town[organisation],
        "hostHandle": town.handles[host],
        "termsVersionId": town["terms"],
        "consent": True,
        **given,
    }


CASES = [
    Cases(
        "invitePartner",
        by="ada",
        given=_invite("meadow"),
        shows=STATE,
        expected=lambda _, shown: (
            shown["partnership"]["path"] == "HOST_INVITE"
            and shown["partnership"]["state"] == "AWAITING_GUEST_ACCEPTANCE"
            and shown["partnership"]["accessMode"] == "LIMITED"
        ),
        forbidden=Refused("arne", _invite("meadow"), "FORBIDDEN"),
        foreign=Refused("quentin", _invite("meadow"), "ORG_CONTEXT_MISMATCH"),
        wrong_state=Refused("ada", _invite("lighthouse"), "CONFLICT"),
        repeated=Refused("ada", _invite("meadow"), "CONFLICT"),
    ),
    Cases(
        "requestCustomer",
        by="cora",
        given=_ask("quill", accessMode="COMPLETE"),
        shows=STATE,
        expected=lambda _, shown: (
            shown["partnership"]["path"] == "GUEST_REQUEST"
            and shown["partnership"]["state"] == "AWAITING_HOST_APPROVAL"
            and shown["partnership"]["accessMode"] == "COMPLETE"
        ),
        forbidden=Refused("quinn", _ask("meadow", "quill"), "FORBIDDEN"),
        foreign=Refused("quentin", _ask("meadow"), "ORG_CONTEXT_MISMATCH"),
        wrong_state=Refused("cora", _ask("harbour"), "CONFLICT"),
        repeated=Refused("cora", _ask("quill"), "CONFLICT"),
    ),
]
