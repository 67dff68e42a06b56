"""Acting in another organisation."""

from __future__ import annotations

from typing import Any

from tests.api.cases import Cases, Given, Impossible, Refused, Same

SESSION = "session { basis level roleKey reason host { name } home { name } endedAt }"


def _host(**given: Any) -> Given:
    return lambda town: {"hostId": town["harbour"], **given}


def _session(name: str) -> Given:
    return lambda town: {"sessionId": town[name]}


CASES = [
    Cases(
        "switchOrganisation",
        by="fay",
        given=_host(reason="Their telephones are silent."),
        shows=SESSION,
        expected=lambda _, shown: (
            shown["session"]["roleKey"] == "PHONE_MANAGER"
            and shown["session"]["host"] == {"name": "Harbour"}
            and shown["session"]["endedAt"] is None
        ),
        forbidden=Refused("dan", _host(), "FORBIDDEN"),
        foreign=Refused("quinn", _host(), "NOT_FOUND"),
        wrong_state=Refused("hanna", _host(), "FORBIDDEN"),
        repeated=Same("a second tab has a session of its own"),
    ),
    Cases(
        "leaveOrganisation",
        by="marta",
        given=_session("manage_session"),
        shows=SESSION,
        expected=lambda _, shown: shown["session"]["endedAt"] is not None,
        forbidden=Impossible("a session is its user's alone: anybody else's is hidden, as the foreign case shows"),
        foreign=Refused("milo", _session("manage_session"), "NOT_FOUND"),
        wrong_state=Refused("marta", _session("left_session"), "INVALID_STATE"),
        repeated=Refused("marta", _session("manage_session"), "INVALID_STATE"),
    ),
]
