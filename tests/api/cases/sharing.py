"""Shares, grants, access requests and signing in to a shared account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.api.cases import Cases, Given, Impossible, Refused, Same
from tests.api.town import Town


def to(side: str, **given: Any) -> Given:
    """Input in the name of an organisation; strings that name something in the town become its ID."""
    return lambda town: {"organisationId": town[side]} | {key: resolve(town, value) for key, value in given.items()}


def resolve(town: Town, value: Any) -> Any:
    """IDs for names, also inside lists and objects."""
    if isinstance(value, list):
        return [resolve(town, one) for one in value]
    if isinstance(value, Mapping):
        return {key: resolve(town, one) for key, one in value.items()}
    return town.ids.get(value, value) if isinstance(value, str) else value


def _share(account: str, side: str = "harbour", partnership: str = "partnership", **given: Any) -> Given:
    items = [{"accountId": account, "role": "COLLABORATOR"}]
    return to(side, partnershipId=partnership, items=items, **given)


def _answer(side: str = "harbour", item: str = "carla_item", version: int = 1) -> Given:
    return to(side, items=[{"itemId": item, "expectedVersion": version, "accept": True}])


def _ask(side: str = "lighthouse", share: str = "desk_share", member: str = "eva") -> Given:
    return to(side, shareId=share, memberUserIds=[member], role="COLLABORATOR")


SHARE = "share { id state }"
GRANT = "grant { id role state }"


def _is(field: str, name: str, value: Any) -> Any:
    return lambda _, shown: shown[field][name] == value


CASES = [
    Cases(
        "shareAccounts",
        by="mia",
        given=_share("till"),
        shows="results { share { state account { label } } error { code } }",
        expected=lambda _, shown: shown["results"][0]["share"] == {"state": "ACTIVE", "account": {"label": "Till"}},
        forbidden=Refused("ada", _share("till"), "FORBIDDEN"),
        foreign=Refused("quentin", _share("till", "quill"), "NOT_FOUND"),
        wrong_state=Refused("mia", _share("till", partnership="refused"), "INVALID_STATE"),
        repeated=Refused("mia", _share("till"), "INVALID_STATE", item=True),
    ),
    Cases(
        "unshareAccount",
        by="mia",
        given=to("harbour", shareId="desk_share"),
        shows=SHARE + " receipt { grantsEnded accessRequestsCancelled ticketsVoided }",
        expected=lambda _, shown: (
            shown["share"]["state"] == "REMOVED"
            and shown["receipt"] == {"grantsEnded": 2, "accessRequestsCancelled": 1, "ticketsVoided": 0}
        ),
        forbidden=Refused("greta", to("lighthouse", shareId="desk_share"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", shareId="desk_share"), "NOT_FOUND"),
        wrong_state=Impossible(
            "a share can be taken back in every state it has while it lives; after that, see repeated"
        ),
        repeated=Refused("mia", to("harbour", shareId="desk_share"), "INVALID_STATE"),
    ),
    Cases(
        "suspendShare",
        by="mia",
        given=to("harbour", shareId="desk_share", reason="A review."),
        shows=SHARE,
        expected=_is("share", "state", "SUSPENDED"),
        forbidden=Refused("greta", to("lighthouse", shareId="desk_share"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", shareId="desk_share"), "NOT_FOUND"),
        wrong_state=Refused("mia", to("harbour", shareId="library_share"), "INVALID_STATE"),
        repeated=Refused("mia", to("harbour", shareId="desk_share"), "INVALID_STATE"),
    ),
    Cases(
        "resumeShare",
        by="mia",
        given=to("harbour", shareId="library_share"),
        shows=SHARE,
        expected=_is("share", "state", "ACTIVE"),
        forbidden=Refused("greta", to("lighthouse", shareId="library_share"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", shareId="library_share"), "NOT_FOUND"),
        wrong_state=Refused("mia", to("harbour", shareId="desk_share"), "INVALID_STATE"),
        repeated=Refused("mia", to("harbour", shareId="library_share"), "INVALID_STATE"),
    ),
    Cases(
        "changeMemberRole",
        by="mia",
        given=to("harbour", grantId="dan_grant", role="ACCOUNT_MANAGER", expectedVersion=1),
        shows=GRANT,
        expected=_is("grant", "role", "ACCOUNT_MANAGER"),
        forbidden=Refused("greta", to("lighthouse", grantId="dan_grant", role="ACCOUNT_MANAGER"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", grantId="dan_grant", role="ACCOUNT_MANAGER"), "NOT_FOUND"),
        wrong_state=Impossible("a grant that has ended is refused; its case is test_sharing's, which ends one first"),
        repeated=Refused(
            "mia", to("harbour", grantId="dan_grant", role="ACCOUNT_MANAGER", expectedVersion=1), "CONFLICT"
        ),
    ),
    Cases(
        "removeMemberFromShare",
        by="gustav",
        given=to("lighthouse", shareId="desk_share", userId="dan"),
        shows=SHARE + " receipt { grantsEnded }",
        expected=lambda _, shown: shown["receipt"] == {"grantsEnded": 1},
        forbidden=Refused("dan", to("lighthouse", shareId="desk_share", userId="greta"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", shareId="desk_share", userId="dan"), "NOT_FOUND"),
        wrong_state=Impossible("taking access away is legal in every state of a share that lives"),
        repeated=Refused("gustav", to("lighthouse", shareId="desk_share", userId="dan"), "NOT_FOUND"),
    ),
    Cases(
        "removeMemberFromPartnership",
        by="ada",
        given=to("harbour", partnershipId="partnership", userId="dan"),
        shows="partnership { id } receipt { grantsEnded }",
        expected=lambda _, shown: shown["receipt"] == {"grantsEnded": 1},
        forbidden=Refused("dan", to("lighthouse", partnershipId="partnership", userId="greta"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", partnershipId="partnership", userId="dan"), "NOT_FOUND"),
        wrong_state=Impossible("taking access away is legal in every state of a partnership that can have any"),
        repeated=Refused("ada", to("harbour", partnershipId="partnership", userId="dan"), "NOT_FOUND"),
    ),
    Cases(
        "leaveShare",
        by="dan",
        given=to("lighthouse", shareId="desk_share"),
        shows=SHARE,
        expected=lambda _, shown: shown["share"] is None,
        forbidden=Refused("mia", to("harbour", shareId="desk_share"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", shareId="desk_share"), "NOT_FOUND"),
        wrong_state=Impossible("one can leave in every state of a share that one sees"),
        repeated=Refused("dan", to("lighthouse", shareId="desk_share"), "NOT_FOUND"),
    ),
    Cases(
        "requestAccess",
        by="greta",
        given=_ask(),
        shows="results { item { state member { displayName } } error { code } }",
        expected=lambda _, shown: shown["results"][0]["item"] == {"state": "PENDING", "member": {"displayName": "Eva"}},
        forbidden=Refused("dan", _ask(), "FORBIDDEN"),
        foreign=Refused("quentin", _ask("quill"), "NOT_FOUND"),
        wrong_state=Refused("greta", _ask(share="library_share"), "FORBIDDEN"),
        repeated=Refused("greta", _ask(), "INVALID_STATE", item=True),
    ),
    Cases(
        "decideAccessRequests",
        by="mia",
        given=_answer(),
        shows="results { item { state } grant { role state } error { code } }",
        expected=lambda _, shown: (
            shown["results"][0]["grant"] == {"role": "COLLABORATOR", "state": "ACTIVE"}
            and shown["results"][0]["item"] == {"state": "ACCEPTED"}
        ),
        forbidden=Refused("greta", _answer("lighthouse"), "FORBIDDEN", item=True),
        foreign=Refused("quentin", _answer("quill"), "NOT_FOUND", item=True),
        wrong_state=Refused("mia", _answer(item="dan_item", version=2), "INVALID_STATE", item=True),
        repeated=Refused("mia", _answer(), "CONFLICT", item=True),
    ),
    Cases(
        "withdrawAccessRequest",
        by="greta",
        given=to("lighthouse", itemId="carla_item"),
        shows="item { state }",
        expected=_is("item", "state", "WITHDRAWN"),
        forbidden=Refused("mia", to("harbour", itemId="carla_item"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", itemId="carla_item"), "NOT_FOUND"),
        wrong_state=Refused("greta", to("lighthouse", itemId="dan_item"), "INVALID_STATE"),
        repeated=Refused("greta", to("lighthouse", itemId="carla_item"), "INVALID_STATE"),
    ),
    Cases(
        "signInToAccount",
        by="dan",
        given=to("lighthouse", accountId="desk"),
        shows="account { label } launchUrl ticket expiresAt",
        expected=lambda _, shown: shown["launchUrl"].startswith("https://") and shown["ticket"].count(".") == 2,
        forbidden=Refused("gustav", to("lighthouse", accountId="desk"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", accountId="desk"), "NOT_FOUND"),
        wrong_state=Refused("greta", to("lighthouse", accountId="library"), "FORBIDDEN"),
        repeated=Same("everybody may sign in as often as they like: each time makes one more ticket and event"),
    ),
]
