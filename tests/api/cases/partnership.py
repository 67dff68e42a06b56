"""Partnerships: request to removal, and who stands for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.api.cases import Cases, Given, Refused
from tests.api.town import Town


def _ask(guest: str) -> Given:
    return lambda town: {
        "organisationId": town["harbour"],
        "guestHandle": town.handles[guest],
        "contactEmail": "office@partner.example",
        "reason": "They look after our campaigns.",
    }


def on(partnership: str, side: str = "harbour", version: int | None = None, **given: Any) -> Given:
    """Input about one partnership; strings that name something in the town become its ID."""

    def build(town: Town) -> Mapping[str, Any]:
        named = {"organisationId": town[side], "partnershipId": town[partnership]}
        extra = {key: _resolve(town, value) for key, value in given.items()}
        return named | extra | ({} if version is None else {"expectedVersion": version})

    return build


def _resolve(town: Town, value: Any) -> Any:
    if isinstance(value, list):
        return [_resolve(town, one) for one in value]
    return town.ids.get(value, value) if isinstance(value, str) else value


def _is(state: str) -> Any:
    return lambda _, shown: shown["partnership"]["state"] == state


CONSENT: dict[str, Any] = {"termsVersionId": "terms", "consent": True}
STATE = "partnership { id state version }"

CASES = [
    Cases(
        "requestPartnership",
        by="mia",
        given=_ask("meadow"),
        shows=STATE,
        expected=_is("AWAITING_HOST_APPROVAL"),
        forbidden=Refused("aud", _ask("meadow"), "FORBIDDEN"),
        foreign=Refused("quentin", _ask("meadow"), "ORG_CONTEXT_MISMATCH"),
        wrong_state=Refused("mia", _ask("lighthouse"), "CONFLICT"),
        repeated=Refused("mia", _ask("meadow"), "CONFLICT"),
    ),
    Cases(
        "remindPartnership",
        by="otto",
        given=on("requested"),
        shows=STATE,
        expected=_is("AWAITING_HOST_APPROVAL"),
        forbidden=Refused("ada", on("requested"), "FORBIDDEN"),
        foreign=Refused("quentin", on("requested", "quill"), "NOT_FOUND"),
        wrong_state=Refused("otto", on("approved"), "INVALID_STATE"),
        repeated=Refused("otto", on("requested"), "RATE_LIMITED"),
    ),
    Cases(
        "approvePartnership",
        by="ada",
        given=on("requested", version=1),
        shows=STATE,
        expected=_is("AWAITING_GUEST_ACCEPTANCE"),
        forbidden=Refused("otto", on("requested", version=1), "FORBIDDEN"),
        foreign=Refused("ruth", on("requested", "ridge", version=1), "NOT_FOUND"),
        wrong_state=Refused("ada", on("removed", version=4), "INVALID_STATE"),
        repeated=Refused("arne", on("requested", version=1), "CONFLICT"),
    ),
    Cases(
        "declinePartnership",
        by="lena",
        given=on("requested", version=1, reason="Not this year."),
        shows=STATE,
        expected=_is("DECLINED_BY_HOST"),
        forbidden=Refused("otto", on("requested", version=1), "FORBIDDEN"),
        foreign=Refused("ruth", on("requested", "ridge", version=1), "NOT_FOUND"),
        wrong_state=Refused("ada", on("partnership", version=3), "INVALID_STATE"),
        repeated=Refused("ada", on("requested", version=1), "CONFLICT"),
    ),
    Cases(
        "acceptPartnership",
        by="olga",
        given=on("approved", "orchard", version=2, **CONSENT),
        shows=STATE,
        expected=_is("ACTIVE"),
        forbidden=Refused("otto", on("approved", version=2, **CONSENT), "FORBIDDEN"),
        foreign=Refused("quentin", on("approved", "quill", version=2, **CONSENT), "NOT_FOUND"),
        wrong_state=Refused("bert", on("refused", "brook", version=3, **CONSENT), "INVALID_STATE"),
        repeated=Refused("olga", on("approved", "orchard", version=2, **CONSENT), "CONFLICT"),
    ),
    Cases(
        "refusePartnership",
        by="olga",
        given=on("approved", "orchard", version=2, reason="Too busy."),
        shows=STATE,
        expected=_is("DECLINED_BY_GUEST"),
        forbidden=Refused("ada", on("approved", version=2), "FORBIDDEN"),
        foreign=Refused("quentin", on("approved", "quill", version=2), "NOT_FOUND"),
        wrong_state=Refused("greta", on("partnership", "lighthouse", version=3), "INVALID_STATE"),
        repeated=Refused("olga", on("approved", "orchard", version=2), "CONFLICT"),
    ),
    Cases(
        "resendPartnership",
        by="mia",
        given=on("refused"),
        shows=STATE,
        expected=_is("AWAITING_GUEST_ACCEPTANCE"),
        forbidden=Refused("bert", on("refused", "brook"), "FORBIDDEN"),
        foreign=Refused("quentin", on("refused", "quill"), "NOT_FOUND"),
        wrong_state=Refused("mia", on("partnership"), "INVALID_STATE"),
        repeated=Refused("mia", on("refused"), "RATE_LIMITED"),
    ),
    Cases(
        "withdrawPartnership",
        by="otto",
        given=on("requested"),
        shows=STATE,
        expected=_is("WITHDRAWN"),
        forbidden=Refused("olga", on("approved", "orchard"), "FORBIDDEN"),
        foreign=Refused("ruth", on("requested", "ridge"), "NOT_FOUND"),
        wrong_state=Refused("mia", on("partnership"), "INVALID_STATE"),
        repeated=Refused("otto", on("requested"), "INVALID_STATE"),
    ),
    Cases(
        "removePartner",
        by="gustav",
        given=on("partnership", "lighthouse", reason="The contract has ended."),
        shows=STATE + " receipt { sharesEnded grantsEnded accessRequestsCancelled ticketsVoided activityHash }",
        expected=lambda _, shown: (
            shown["partnership"]["state"] == "TERMINATED"
            and shown["receipt"]["sharesEnded"] == 2
            and shown["receipt"]["accessRequestsCancelled"] == 1
        ),
        forbidden=Refused("dan", on("partnership", "lighthouse"), "FORBIDDEN"),
        foreign=Refused("quentin", on("partnership", "quill"), "NOT_FOUND"),
        wrong_state=Refused("mia", on("refused"), "INVALID_STATE"),
        repeated=Refused("mia", on("partnership"), "INVALID_STATE"),
    ),
    Cases(
        "transferPartnership",
        by="mia",
        given=on("partnership", ownerUserId="otto"),
        shows="partnership { owner { id } }",
        expected=lambda town, shown: shown["partnership"]["owner"]["id"] == town["otto"],
        forbidden=Refused("ada", on("partnership", ownerUserId="ada"), "FORBIDDEN"),
        foreign=Refused("quentin", on("partnership", "quill", ownerUserId="quentin"), "NOT_FOUND"),
        wrong_state=Refused("mia", on("removed", ownerUserId="otto"), "INVALID_STATE"),
        repeated=Refused("mia", on("partnership", ownerUserId="otto"), "FORBIDDEN"),
    ),
    Cases(
        "setCoOwners",
        by="mia",
        given=on("partnership", userIds=["otto"]),
        shows="partnership { coOwners { id } }",
        expected=lambda town, shown: [one["id"] for one in shown["partnership"]["coOwners"]] == [town["otto"]],
        forbidden=Refused("greta", on("partnership", "lighthouse", userIds=["greta"]), "FORBIDDEN"),
        foreign=Refused("quentin", on("partnership", "quill", userIds=["quentin"]), "NOT_FOUND"),
        wrong_state=Refused("mia", on("removed", userIds=["otto"]), "INVALID_STATE"),
        repeated=Refused("mia", on("partnership", version=3, userIds=["otto"]), "CONFLICT"),
    ),
    Cases(
        "setRepresentative",
        by="gustav",
        given=on("partnership", "lighthouse", userId="carla"),
        shows="partnership { representative { id } }",
        expected=lambda town, shown: shown["partnership"]["representative"]["id"] == town["carla"],
        forbidden=Refused("mia", on("partnership", userId="carla"), "FORBIDDEN"),
        foreign=Refused("quentin", on("partnership", "quill", userId="quentin"), "NOT_FOUND"),
        wrong_state=Refused("olga", on("approved", "orchard", userId="olga"), "INVALID_STATE"),
        repeated=Refused("gustav", on("partnership", "lighthouse", version=3, userId="carla"), "CONFLICT"),
    ),
    Cases(
        "suspendPartnership",
        by="gustav",
        given=on("partnership", "lighthouse", reason="A quarrel."),
        shows="partnership { id state suspendedBy }",
        expected=lambda _, shown: (
            shown["partnership"]["state"] == "SUSPENDED" and shown["partnership"]["suspendedBy"] == ["GUEST"]
        ),
        forbidden=Refused("dan", on("partnership", "lighthouse", reason="A quarrel."), "FORBIDDEN"),
        foreign=Refused("quentin", on("partnership", "quill", reason="A quarrel."), "NOT_FOUND"),
        wrong_state=Refused("mia", on("refused", reason="A quarrel."), "INVALID_STATE"),
        repeated=Refused("greta", on("partnership", "lighthouse", reason="A quarrel."), "INVALID_STATE"),
    ),
    Cases(
        "resumePartnership",
        by="lena",
        given=on("held"),
        shows="partnership { id state suspendedBy }",
        expected=lambda _, shown: (
            shown["partnership"]["state"] == "ACTIVE" and shown["partnership"]["suspendedBy"] == []
        ),
        forbidden=Refused("otto", on("held"), "NOT_FOUND"),
        foreign=Refused("quentin", on("held", "quill"), "NOT_FOUND"),
        wrong_state=Refused("hanna", on("held", "hill"), "INVALID_STATE"),
        repeated=Refused("lena", on("held"), "INVALID_STATE"),
    ),
    Cases(
        "extendPartnership",
        by="ada",
        given=on("ending", until="2099-01-01T00:00:00Z"),
        shows="partnership { id expiresAt }",
        expected=lambda _, shown: shown["partnership"]["expiresAt"] == "2099-01-01T00:00:00Z",
        forbidden=Refused("mia", on("ending", until="2099-01-01T00:00:00Z"), "FORBIDDEN"),
        foreign=Refused("quentin", on("ending", "quill", until="2099-01-01T00:00:00Z"), "NOT_FOUND"),
        wrong_state=Refused("ada", on("held", until="2099-01-01T00:00:00Z"), "INVALID_STATE"),
        repeated=Refused("ada", on("ending", until="2099-01-01T00:00:00Z"), "BAD_USER_INPUT"),
    ),
    Cases(
        "setAutoExtend",
        by="lena",
        given=on("ending", version=3, by="P90D"),
        shows="partnership { id autoExtend }",
        expected=lambda _, shown: shown["partnership"]["autoExtend"] == "P90D",
        forbidden=Refused("mia", on("ending", by="P90D"), "FORBIDDEN"),
        foreign=Refused("quentin", on("ending", "quill", by="P90D"), "NOT_FOUND"),
        wrong_state=Refused("ada", on("refused", by="P90D"), "INVALID_STATE"),
        repeated=Refused("lena", on("ending", version=3, by="P90D"), "CONFLICT"),
    ),
]
