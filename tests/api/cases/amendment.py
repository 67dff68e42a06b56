"""Amendments of terms."""

from __future__ import annotations

from typing import Any

from tests.api.cases import Cases, Given, Refused
from tests.api.cases.partnership import CONSENT, on

SHOWN = "amendment { id kind state version viewerCan after { purposes accessMode walletEntrusted } }"
TERMS = "partnership { purposes accessMode walletEntrusted viewerCan }"


def _on(amendment: str, side: str, **given: Any) -> Given:
    return lambda town: {
        "organisationId": town[side],
        "amendmentId": town[amendment],
        **{key: town.ids.get(value, value) if isinstance(value, str) else value for key, value in given.items()},
    }


def _wider(partnership: str = "partnership", side: str = "harbour", **given: Any) -> Given:
    return on(partnership, side, accessMode="COMPLETE", walletEntrusted=True, **given)


def _answer(amendment: str = "island_offer", side: str = "island") -> Given:
    return _on(amendment, side, accept=True, expectedVersion=1, **CONSENT)


CASES = [
    Cases(
        "amendPartnership",
        by="ada",
        given=_wider(version=3),
        shows=f"{SHOWN} {TERMS}",
        expected=lambda _, shown: (
            (shown["amendment"]["kind"], shown["amendment"]["state"]) == ("WIDEN", "PENDING_GUEST")
            and shown["amendment"]["after"]["walletEntrusted"]
            and shown["amendment"]["viewerCan"] == ["WITHDRAW"]
            and (shown["partnership"]["accessMode"], shown["partnership"]["walletEntrusted"]) == ("LIMITED", False)
        ),
        forbidden=Refused("dan", _wider(side="lighthouse"), "FORBIDDEN"),
        foreign=Refused("quentin", _wider(side="quill"), "NOT_FOUND"),
        wrong_state=Refused("ada", _wider("held"), "INVALID_STATE"),
        repeated=Refused("ada", _wider(version=3), "CONFLICT"),
    ),
    Cases(
        "decideAmendment",
        by="ines",
        given=_answer(),
        shows=f"{SHOWN} {TERMS}",
        expected=lambda _, shown: (
            shown["amendment"]["state"] == "APPLIED"
            and shown["partnership"]["purposes"] == ["MANAGEMENT", "SUPPORT"]
            and shown["amendment"]["viewerCan"] == []
        ),
        forbidden=Refused("mia", _answer(side="harbour"), "FORBIDDEN"),
        foreign=Refused("quentin", _answer(side="quill"), "NOT_FOUND"),
        wrong_state=Refused("arne", _answer(side="harbour"), "INVALID_STATE"),
        repeated=Refused("ines", _answer(), "CONFLICT"),
    ),
    Cases(
        "withdrawAmendment",
        by="mia",
        given=_on("island_offer", "harbour"),
        shows=SHOWN,
        expected=lambda _, shown: shown["amendment"]["state"] == "WITHDRAWN",
        forbidden=Refused("aud", _on("island_offer", "harbour"), "FORBIDDEN"),
        foreign=Refused("quentin", _on("island_offer", "quill"), "NOT_FOUND"),
        wrong_state=Refused("ada", _on("forge_offer", "harbour"), "INVALID_STATE"),
        repeated=Refused("mia", _on("island_offer", "harbour"), "INVALID_STATE"),
    ),
]
