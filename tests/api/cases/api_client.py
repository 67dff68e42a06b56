"""API clients."""

from __future__ import annotations

from tests.api.cases import Cases, Given, Refused, Same
from tests.api.cases.sharing import to

CLIENT = "apiClient { name scopes status organisation { name } owner { displayName } lastUsedAt }"
NEW = {"name": "Nightly sync", "scopes": ["settings:read", "access:freeze"], "expiresAt": "2000-01-01T00:00:00Z"}


def _revoking(organisation: str, client: str) -> Given:
    return lambda town: {"organisationId": town[organisation], "apiClientId": town[client]}


CASES = [
    Cases(
        "createApiClient",
        by="ada",
        given=lambda town: {"organisationId": town["harbour"], **NEW, "expiresAt": town["a month from now"]},
        shows=f"secret {CLIENT}",
        expected=lambda _, shown: (
            shown["secret"].startswith("accord_")
            and shown["apiClient"]
            == {
                "name": "Nightly sync",
                "scopes": ["access:freeze", "settings:read"],
                "status": "ACTIVE",
                "organisation": {"name": "Harbour"},
                "owner": {"displayName": "Ada"},
                "lastUsedAt": None,
            }
        ),
        forbidden=Refused("mia", to("harbour", **NEW), "FORBIDDEN"),
        foreign=Refused("greta", to("harbour", **NEW), "ORG_CONTEXT_MISMATCH"),
        wrong_state=Refused("ada", to("harbour", **NEW), "BAD_USER_INPUT"),
        repeated=Same("a second client has a name and a secret of its own"),
    ),
    Cases(
        "revokeApiClient",
        by="arne",
        given=_revoking("harbour", "client"),
        shows="apiClient { status revokedBy { displayName } }",
        expected=lambda _, shown: shown["apiClient"] == {"status": "REVOKED", "revokedBy": {"displayName": "Arne"}},
        forbidden=Refused("mia", _revoking("harbour", "client"), "FORBIDDEN"),
        foreign=Refused("greta", _revoking("lighthouse", "client"), "NOT_FOUND"),
        wrong_state=Refused("ada", _revoking("harbour", "old_client"), "INVALID_STATE"),
        repeated=Refused("arne", _revoking("harbour", "client"), "INVALID_STATE"),
    ),
]
