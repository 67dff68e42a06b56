"""Directories: their credentials, and the roles that their groups give."""

from __future__ import annotations

from tests.api.cases import Cases, Refused, Same
from tests.api.cases.sharing import to

CREDENTIAL = "credential { label status revokedAt }"
ROLES = {"scimGroupId": "sales_group", "roles": ["PHONE_MANAGER"]}

CASES = [
    Cases(
        "createScimCredential",
        by="arne",
        given=to("harbour", label="Entra"),
        shows=f"{CREDENTIAL} token",
        expected=lambda _, shown: (
            shown["credential"] == {"label": "Entra", "status": "ACTIVE", "revokedAt": None}
            and shown["token"].startswith("accord_scim_")
        ),
        forbidden=Refused("mia", to("harbour", label="Entra"), "FORBIDDEN"),
        foreign=Refused("quentin", to("harbour", label="Entra"), "ORG_CONTEXT_MISMATCH"),
        wrong_state=Refused("arne", to("harbour", label="E", expiresAt="2020-01-01T00:00:00Z"), "BAD_USER_INPUT"),
        repeated=Same("the next one stands beside the first: a rotation overlaps"),
    ),
    Cases(
        "revokeScimCredential",
        by="ada",
        given=to("harbour", scimCredentialId="okta", expectedVersion=1),
        shows=CREDENTIAL,
        expected=lambda _, shown: shown["credential"]["status"] == "REVOKED",
        forbidden=Refused("mia", to("harbour", scimCredentialId="okta"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", scimCredentialId="okta"), "NOT_FOUND"),
        wrong_state=Refused("ada", to("harbour", scimCredentialId="old_okta"), "INVALID_STATE"),
        repeated=Refused("ada", to("harbour", scimCredentialId="okta"), "INVALID_STATE"),
    ),
    Cases(
        "setScimGroupRoles",
        by="ada",
        given=to("harbour", **ROLES, expectedVersion=1),
        shows="group { displayName roles memberCount version }",
        expected=lambda _, shown: (
            shown["group"] == {"displayName": "Sales", "roles": ["PHONE_MANAGER"], "memberCount": 0, "version": 2}
        ),
        forbidden=Refused("mia", to("harbour", **ROLES), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", **ROLES), "NOT_FOUND"),
        wrong_state=Refused("ada", to("harbour", **ROLES | {"roles": ["LEGAL_REPRESENTATIVE"]}), "BAD_USER_INPUT"),
        repeated=Refused("ada", to("harbour", **ROLES, expectedVersion=1), "CONFLICT"),
    ),
]
