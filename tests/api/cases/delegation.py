"""Delegated roles, and who is in the partner's groups."""

from __future__ import annotations

from typing import Any

from tests.api.cases import Cases, Given, Refused, Same
from tests.api.cases.partnership import on

OFFICE = "office@forge.example"
ROLES = """partnership { delegations(state: [ACTIVE]) {
  edges { node { role notifyAddresses group { name state } } } } }
 receipt { rolesEnabled rolesCleared groupMembersEnded }"""
GROUP = "roleGroup { members { totalCount edges { node { user { id } } } } } results { user { id } error { code } }"


def _roles(partnership: str, *roles: str, side: str = "harbour") -> Given:
    return on(partnership, side, roles=list(roles), notifyAddresses=OFFICE)


def _people(group: str, *names: str, side: str = "forge") -> Given:
    return lambda town: {
        "organisationId": town[side],
        "roleGroupId": town[group],
        "userIds": [town[name] for name in names],
    }


def _delegations(shown: Any) -> list[Any]:
    return [edge["node"] for edge in shown["partnership"]["delegations"]["edges"]]


CASES = [
    Cases(
        "setDelegatedRoles",
        by="lena",
        given=_roles("guided", "DECISION_MAKER"),
        shows=ROLES,
        expected=lambda _, shown: (
            _delegations(shown)
            == [
                {
                    "role": "DECISION_MAKER",
                    "notifyAddresses": [OFFICE],
                    "group": {"name": "Harbour Decision Maker", "state": "ACTIVE"},
                }
            ]
            and shown["receipt"] == {"rolesEnabled": 1, "rolesCleared": 1, "groupMembersEnded": 1}
        ),
        forbidden=Refused("mia", _roles("guided", "DECISION_MAKER"), "FORBIDDEN"),
        foreign=Refused("quentin", _roles("guided", "DECISION_MAKER", side="quill"), "NOT_FOUND"),
        wrong_state=Refused("ada", _roles("refused", "DECISION_MAKER"), "INVALID_STATE"),
        repeated=Same("the dialog says what is to stand; where it stands already nothing changes"),
    ),
    Cases(
        "delegateRoles",
        by="ada",
        given=_roles("guided", "DECISION_MAKER"),
        shows=ROLES,
        expected=lambda _, shown: (
            {one["role"] for one in _delegations(shown)} == {"DECISION_MAKER", "PHONE_MANAGER"}
            and shown["receipt"]["rolesEnabled"] == 1
        ),
        forbidden=Refused("fred", _roles("guided", "DECISION_MAKER", side="forge"), "FORBIDDEN"),
        foreign=Refused("quentin", _roles("guided", "DECISION_MAKER", side="quill"), "NOT_FOUND"),
        wrong_state=Refused("ada", _roles("held", "DECISION_MAKER"), "INVALID_STATE"),
        repeated=Refused("ada", _roles("guided", "DECISION_MAKER"), "INVALID_STATE"),
    ),
    Cases(
        "clearRoles",
        by="arne",
        given=_roles("guided", "PHONE_MANAGER"),
        shows=ROLES,
        expected=lambda _, shown: (
            _delegations(shown) == []
            and shown["receipt"] == {"rolesEnabled": 0, "rolesCleared": 1, "groupMembersEnded": 1}
        ),
        forbidden=Refused("fay", _roles("guided", "PHONE_MANAGER", side="forge"), "FORBIDDEN"),
        foreign=Refused("quentin", _roles("guided", "PHONE_MANAGER", side="quill"), "NOT_FOUND"),
        wrong_state=Refused("ada", _roles("removed", "PHONE_MANAGER"), "INVALID_STATE"),
        repeated=Refused("arne", _roles("guided", "PHONE_MANAGER"), "INVALID_STATE"),
    ),
    Cases(
        "addRoleGroupMembers",
        by="fred",
        given=_people("guided_phones", "fred"),
        shows=GROUP,
        expected=lambda town, shown: (
            shown["roleGroup"]["members"]["totalCount"] == 2
            and shown["results"] == [{"user": {"id": town["fred"]}, "error": None}]
        ),
        forbidden=Refused("lena", _people("guided_phones", "fay", side="harbour"), "FORBIDDEN"),
        foreign=Refused("quentin", _people("guided_phones", "quinn", side="quill"), "NOT_FOUND"),
        wrong_state=Refused("fred", _people("guided_old", "fay"), "INVALID_STATE"),
        repeated=Refused("fred", _people("guided_phones", "fred"), "INVALID_STATE", item=True),
    ),
    Cases(
        "removeRoleGroupMembers",
        by="fred",
        given=_people("guided_phones", "fay"),
        shows=GROUP,
        expected=lambda town, shown: (
            shown["roleGroup"]["members"]["totalCount"] == 0
            and shown["results"] == [{"user": {"id": town["fay"]}, "error": None}]
        ),
        forbidden=Refused("fay", _people("guided_phones", "fay"), "FORBIDDEN"),
        foreign=Refused("quentin", _people("guided_phones", "fay", side="quill"), "NOT_FOUND"),
        wrong_state=Refused("fred", _people("guided_old", "fay"), "INVALID_STATE"),
        repeated=Refused("fred", _people("guided_phones", "fay"), "NOT_FOUND", item=True),
    ),
]
