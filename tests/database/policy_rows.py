"""The policies of the second wall, read by hand: for each table rows, and who of a small world may read, make or change
each of them by the policies alone.

A row stands for one branch of a policy, or for a branch with one column of it forged. Who may is told by letters:

  h  an admin of the host            c  an API client of that admin      s  somebody of the guest acting in the host
  g  an admin of the guest           d  that client, nothing entered yet  o  the vendor's staff
  a  an admin of one who is asked    z  an admin of a third organisation  p  that admin, with a partner beneath entered
  k  an external contact             l  a stranger who shows what is in links and cookies
  n  a stranger with nothing         q  a stranger whom the host lets in  v  one for whom the host's issuer speaks
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

HOST, GUEST, ASKED, THIRD, KITH, MADE, SUB, LEFT, BENEATH = (UUID(int=number) for number in range(1, 10))
PLATFORM: Final = UUID(int=0)
ADA, MIA, GRETA, CARLA, UNA, ZOE, KIM, NOMAD, INVITED, FRESH, FOREIGN, CLAIMED, OTHERS, TAKEN, VOUCHED, FAR = (
    UUID(int=number) for number in range(11, 27)
)
CLIENT, OTHER_CLIENT, ACCOUNT, KEPT = (UUID(int=number) for number in range(41, 45))
TICKET, DELEGATION, GROUP, MEMBERSHIP = (UUID(int=number) for number in range(45, 49))
ISSUER, ELSEWHERE = "https://issuer.example", "https://other.example"
PEOPLE: Final = {"ada": ADA, "greta": GRETA, "carla": CARLA, "una": UNA, "zoe": ZOE, "kim": KIM}


def _told(subject: str, *organisations: UUID, **shown: str) -> dict[str, str]:
    named = {"issuer": ISSUER, "subject": subject, "operator": "off"}
    return named | {"organisations": ",".join(map(str, organisations))} | shown


LINKS: Final = {
    "handle": "lighthouse",
    "token": "link",
    "browser": "cookie",
    "attempt": "begun",
    "credential": "scim",
    "ticket": str(TICKET),
}
PERSONAS: Final = {
    # what PostgreSQL is told of each
    "h": _told("ada", HOST, mail_keys="theirs,ours"),
    "c": _told("client", HOST, issuer="accord", client=str(CLIENT)),
    "d": _told("client", issuer="accord", client=str(CLIENT)),
    "s": _told("carla", HOST),
    "g": _told("greta", GUEST),
    "a": _told("una", ASKED),
    "z": _told("zoe", THIRD),
    "p": _told("zoe", THIRD, BENEATH),
    "k": _told("kim", KITH),
    "o": _told("olaf", PLATFORM, operator="on"),
    "l": _told("lou", **LINKS),
    "n": _told("nil"),
    "q": _told("quinn", HOST, token="claim"),
    "v": _told("quinn", HOST, vouched_in=str(HOST)),
}


@dataclass(frozen=True)
class Row:
    """One row by the columns that policies look at; None where an act on it is not tried."""

    values: dict[str, Any]
    select: str | None = None
    insert: str | None = None
    update: str | None = None
    delete: str | None = None


def pair(host: UUID, guest: UUID | None, **values: Any) -> dict[str, Any]:
    return {"host_id": host, "guest_id": guest} | values


def own(column: str = "organisation_id", *, acts: int = 3, **values: Any) -> list[Row]:
    """Rows of a table that is one organisation's own; the fourth act is to delete them."""
    return [Row({column: HOST} | values, *["hcsqv"] * acts), Row({column: THIRD} | values, *["zp"] * acts)]


def between(makers: str, **values: Any) -> list[Row]:
    """Rows of a table between two organisations that both sides move, made by one of them."""
    made = {"HOST": ("hcsqv", "zp"), "GUEST": ("g", "k")}[makers]
    return [
        Row(pair(HOST, GUEST) | values, "hcsqvg", made[0], "hcsqvg"),
        Row(pair(THIRD, KITH) | values, "zpk", made[1], "zpk"),
    ]


def _claim(organisation: UUID, **forged: Any) -> dict[str, Any]:
    """Return somebody's use of an invitation by the link and in the browser of `q`, but for what is forged."""
    made = {"issuer": ISSUER, "subject": "quinn", "link_hash": "claim", "by_operator": False}
    return {"organisation_id": organisation} | made | forged


def _author(organisation: UUID, person: UUID | None) -> str:
    of = None if organisation == PLATFORM else str(organisation)
    return json.dumps({"person": None if person is None else str(person), "for": of})


def _begun(organisation: UUID, person: UUID | None, **other: Any) -> dict[str, Any]:
    """Return what somebody leaves to the worker in an organisation's name, but for what is forged."""
    named = {"actor_user_id": person, "author": _author(organisation, person), "subject_id": MEMBERSHIP}
    return {"organisation_id": organisation} | named | other


H: Final = "hcsqv"
"""Whose scope is the host."""

ROWS: Final[dict[str, list[Row]]] = {
    "organisations": [
        Row({"id": HOST, "handle": "harbour"}, "hcsqv g k o".replace(" ", ""), "o", "o"),
        Row({"id": GUEST, "handle": "lighthouse"}, "hcsqvgol", "o", "o"),
        Row({"id": ASKED, "handle": "asked"}, "hcsqvao", "o", "o"),
        Row({"id": THIRD, "handle": "third"}, "zpo", "o", "o"),
        Row({"id": KITH, "handle": "kith"}, "ko", "o", "o"),
        Row({"id": MADE, "handle": "made", "created_for_id": HOST}, "hcsqvo", "o", "o"),
        Row({"id": SUB, "handle": "sub", "parent_partner_id": HOST}, "hcsqvo", "o", "o"),
        Row({"id": LEFT, "handle": "left"}, "ho", "o", "o"),
        Row({"id": BENEATH, "handle": "beneath", "parent_partner_id": THIRD}, "zpo", "o", "po"),
    ],
    "users": [
        Row({"id": ADA, "home_organisation_id": HOST}, "hcsqvg", H, H),
        Row({"id": MIA, "home_organisation_id": HOST}, "hcsqvg", H, H),
        Row({"id": GRETA, "home_organisation_id": GUEST}, "hcsqvg", "g", "g"),
        Row({"id": CARLA, "home_organisation_id": GUEST}, "hcsqvg", "g", "gs"),
        Row({"id": UNA, "home_organisation_id": ASKED}, "a", "a", "a"),
        Row({"id": ZOE, "home_organisation_id": THIRD}, "zp", "zp", "zp"),
        Row({"id": KIM, "home_organisation_id": KITH}, "hcsqvk", "k", "k"),
        Row({"id": NOMAD, "home_organisation_id": KITH}, "hcsqvgk", "k", "k"),
        Row({"id": INVITED, "home_organisation_id": THIRD}, "zpl", "zp", "zp"),
    ],
    "identities": [
        Row({"issuer": ISSUER, "subject": "ada", "user_id": ADA}, "h", ""),
        Row({"issuer": ISSUER, "subject": "zoe", "user_id": ZOE}, "zp", ""),
        Row({"issuer": ISSUER, "subject": "quinn", "user_id": FRESH}, None, "qv"),
        Row({"issuer": ISSUER, "subject": "somebody", "user_id": FRESH}, None, ""),
        Row({"issuer": ELSEWHERE, "subject": "quinn", "user_id": FRESH}, None, ""),
        Row({"issuer": ISSUER, "subject": "quinn", "user_id": FOREIGN}, None, ""),
        Row({"issuer": ISSUER, "subject": "quinn", "user_id": CLAIMED}, None, "qv"),
        Row({"issuer": ISSUER, "subject": "quinn", "user_id": OTHERS}, None, "v"),
        Row({"issuer": ISSUER, "subject": "quinn", "user_id": TAKEN}, None, "v"),
        Row({"issuer": ISSUER, "subject": "quinn", "user_id": VOUCHED}, None, "v"),
        Row({"issuer": ISSUER, "subject": "quinn", "user_id": ADA}, None, ""),
    ],
    "memberships": [
        Row({"organisation_id": HOST, "user_id": ADA}, "hcsqvg", "hcsqvo", H),
        Row({"organisation_id": HOST, "user_id": MIA}, "hcsqvg", "hcsqvo", H),
        Row({"organisation_id": GUEST, "user_id": GRETA}, "hcsqvg", "go", "g"),
        Row({"organisation_id": GUEST, "user_id": CARLA}, "hcsqvg", "go", "g"),
        Row({"organisation_id": ASKED, "user_id": UNA}, "a", "ao", "a"),
        Row({"organisation_id": THIRD, "user_id": ZOE}, "zp", "zpo", "zp"),
        Row({"organisation_id": THIRD, "user_id": INVITED, "token_hash": "link"}, "zpl", "zpo", "zp"),
        Row({"organisation_id": LEFT, "user_id": ADA}, "h", "o", ""),
        Row({"organisation_id": HOST, "user_id": NOMAD}, "hcsqvg", "hcsqvo", H),
    ],
    "partnerships": [
        Row(pair(HOST, GUEST, told_guest=True, state="ACTIVE"), "hcsqvgo", H, "hcsqvg"),
        Row(pair(HOST, ASKED, told_guest=False, state="AWAITING_HOST_APPROVAL"), "hcsqvo", H, H),
        Row(pair(THIRD, FAR, told_guest=True, state="ACTIVE"), "zpo", "zp", "zp"),
        Row(pair(THIRD, HOST, told_guest=True, asked_by_guest=True, state="AWAITING_HOST_APPROVAL"), None, "hcsqvzp"),
        Row(pair(THIRD, HOST, told_guest=True, asked_by_guest=True, state="ACTIVE"), None, "zp"),
        Row(pair(THIRD, HOST, told_guest=True, asked_by_guest=False, state="AWAITING_HOST_APPROVAL"), None, "zp"),
    ],
    "partner_links": [
        Row({"customer_id": HOST, "partner_id": GUEST}, "hcsqvgo", "o", "o"),
        Row({"customer_id": THIRD, "partner_id": KITH}, "zpko", "o", "o"),
    ],
    "directory_entries": [
        Row({"id": HOST}, H, H, H),
        Row({"id": GUEST}, "g", "g", "g"),
        Row({"id": THIRD}, *["zp"] * 3),
    ],
    "organisation_policies": [
        Row({"id": HOST}, "hcsqvgk", H, H),
        Row({"id": GUEST}, "hcsqvgl", "g", "g"),
        Row({"id": ASKED}, "a", "a", "a"),
        Row({"id": THIRD}, *["zp"] * 3),
    ],
    "api_clients": [
        Row({"id": CLIENT, "organisation_id": HOST, "owner_user_id": ADA, "status": "ACTIVE"}, "hcsqvd", "h", H),
        Row({"id": OTHER_CLIENT, "organisation_id": HOST, "owner_user_id": MIA}, H, "", "hsqv"),
        Row({"organisation_id": THIRD, "owner_user_id": ZOE}, "zp", "zp", "zp"),
        Row({"organisation_id": THIRD, "owner_user_id": ADA}, None, ""),
        Row({"organisation_id": HOST, "owner_user_id": ZOE}, None, ""),
    ],
    "cascades": [
        Row(_begun(HOST, ADA, subject_id=GUEST), "hcsqvgo", "hc"),
        Row(_begun(THIRD, ZOE), "zpo", "zp"),
        Row(_begun(PLATFORM, None, subject_id=KITH), "ko", "o"),
        Row(_begun(HOST, ADA, author=_author(GUEST, ADA)), None, ""),
        Row(_begun(HOST, ADA, author=_author(HOST, ZOE)), None, ""),
        Row(_begun(THIRD, ADA), None, ""),
    ],
    "acting_sessions": [
        Row({"user_id": CARLA, "home_id": GUEST, "host_id": HOST}, "hcsqvg", "", "hcsqvg"),
        Row({"user_id": ZOE, "home_id": THIRD, "host_id": KITH}, "zpk", "zp", "zpk"),
        Row({"user_id": ADA, "home_id": LEFT, "host_id": FAR}, "h", "", "h"),
        Row({"user_id": GRETA, "home_id": GUEST, "host_id": HOST}, None, "g"),
        Row({"user_id": GRETA, "home_id": THIRD, "host_id": GUEST}, None, ""),
        Row({"user_id": ADA, "home_id": HOST, "host_id": GUEST}, None, "h"),
    ],
    "attempts": [
        Row(pair(HOST, GUEST, host_decision="APPROVED"), "hcsqvg", H, "hcsqvg"),
        Row(pair(HOST, GUEST), H, H, H),
        Row(pair(THIRD, FAR), "zp", "zp", "zp"),
        Row(pair(THIRD, HOST, by_guest=True), None, "hcsqvzp"),
        Row(pair(THIRD, HOST, by_guest=False), None, "zp"),
        Row(pair(THIRD, HOST, by_guest=True, host_decision="APPROVED"), None, "zp"),
        Row(pair(THIRD, HOST, by_guest=True, guest_decision="ACCEPTED"), None, "zp"),
    ],
    "organisation_settings": own("id"),
    "organisation_features": own(key="telephony"),
    "invoices": [
        Row({"organisation_id": HOST}, "hcsqvo", "o", "hcsqvo"),
        Row({"organisation_id": THIRD}, "zpo", "o", "zpo"),
    ],
    "wallets": own("id"),
    "wallet_entries": [
        Row({"organisation_id": HOST, "made_by": ADA}, H, "hc"),
        Row({"organisation_id": HOST, "made_by": MIA}, H, ""),
        Row({"organisation_id": THIRD, "made_by": ZOE}, "zp", "zp"),
        Row({"organisation_id": THIRD, "made_by": ADA}, None, ""),
    ],
    "acting_changes": [Row({"organisation_id": HOST}, "", H), Row({"organisation_id": THIRD}, "", "zp")],
    "amendments": [
        Row(pair(HOST, GUEST, side="HOST", told_guest=True), "hcsqvg", H, "hcsqvg"),
        Row(pair(HOST, GUEST, side="HOST", told_guest=False), H, H, H),
        Row(pair(HOST, GUEST, side="GUEST", told_guest=True), "hcsqvg", "g", "hcsqvg"),
        Row(pair(THIRD, FAR, side="HOST", told_guest=True), "zp", "zp", "zp"),
        Row(pair(THIRD, FAR, side="GUEST", told_guest=True), None, ""),
    ],
    "invitations": [
        Row(pair(HOST, GUEST, token_hash="one"), "hcsqvg", H, "hcsqvg"),
        Row(pair(THIRD, KITH, token_hash="two"), "zpk", "zp", "zpk"),
    ],
    "scim_credentials": [
        Row({"organisation_id": HOST, "created_by": ADA, "token_hash": "x"}, H, "hc", H),
        Row({"organisation_id": HOST, "created_by": MIA, "token_hash": "y"}, H, "", H),
        Row({"organisation_id": THIRD, "created_by": ZOE, "token_hash": "scim"}, "zpl", "zp", "zp"),
        Row({"organisation_id": THIRD, "created_by": ADA, "token_hash": "z"}, None, ""),
    ],
    "scim_users": [
        Row({"id": ADA, "organisation_id": HOST}, *[H] * 4),
        Row({"id": ZOE, "organisation_id": THIRD}, *["zp"] * 4),
    ],
    "scim_groups": own(acts=4),
    "scim_group_members": [
        Row({"organisation_id": HOST, "group_id": GROUP, "membership_id": ADA}, H, H, None, H),
        Row({"organisation_id": THIRD, "group_id": GROUP, "membership_id": ZOE}, "zp", "zp", None, "zp"),
    ],
    "sign_ins": [
        Row({"token_hash": "a", "user_id": ADA}, "h", "h"),
        Row({"token_hash": "z", "user_id": ZOE}, "zp", "zp"),
    ],
    "browser_sessions": [
        Row({"token_hash": "ada's", "issuer": ISSUER, "subject": "ada"}, "h", "h", "h"),
        Row({"token_hash": "cookie", "issuer": ISSUER, "subject": "somebody"}, "l", "", "l"),
        Row({"token_hash": "far", "issuer": ELSEWHERE, "subject": "ada"}, "", "", ""),
    ],
    "sign_in_attempts": [
        Row({"secret_hash": "begun"}, "l", "l", "", "l"),
        Row({"secret_hash": "another"}, "", "", "", ""),
    ],
    "allowances": [Row({"key": "x"}, "", "", "", "")],
    "retries": [
        Row({"actor": f"{ISSUER} ada"}, "h", "h", "h"),
        Row({"actor": f"{ISSUER} zoe"}, "zp", "zp", "zp"),
        Row({"actor": "accord client"}, "cd", "cd", "cd"),
        Row({"actor": f"{ELSEWHERE} ada"}, "", "", ""),
    ],
    "terms_versions": [Row({"id": HOST}, "".join(PERSONAS), "o")],
    "terms_acceptances": [
        Row(pair(HOST, GUEST, user_id=GRETA), "hcsqvg", "g"),
        Row(pair(HOST, GUEST, user_id=CARLA), "hcsqvg", ""),
        Row(pair(HOST, THIRD, user_id=ADA), None, ""),
        Row(pair(GUEST, HOST, user_id=ADA), None, "h"),
        Row(pair(THIRD, KITH, user_id=KIM), "zpk", "k"),
    ],
    "accounts": [
        Row({"id": ACCOUNT, "host_id": HOST}, "hcsqvg", H, H),
        Row({"id": KEPT, "host_id": HOST}, H, H, H),
        Row({"host_id": THIRD}, "zp", "zp", "zp"),
    ],
    "account_ownerships": [
        Row({"account_id": ACCOUNT, "user_id": ADA, "host_id": HOST}, "hcsqvg", H, "", H),
        Row({"account_id": KEPT, "user_id": ADA, "host_id": HOST}, H, H, "", H),
        Row({"account_id": UUID(int=99), "user_id": ZOE, "host_id": THIRD}, "zp", "zp", "", "zp"),
    ],
    "shares": [
        Row(pair(HOST, GUEST, account_id=ACCOUNT), "hcsqvg", H, "hcsqvg"),
        Row(pair(THIRD, KITH, account_id=FAR), "zpk", "zp", "zpk"),
    ],
    "grants": between("HOST"),
    "access_items": between("GUEST"),
    "role_delegations": between("HOST"),
    "role_groups": between("HOST"),
    "role_group_members": between("GUEST"),
    "customer_assignments": between("GUEST"),
    "external_contacts": [
        Row({"host_id": HOST, "home_id": KITH, "user_id": KIM}, "hcsqvk", H, "hcsqvk"),
        Row({"host_id": FAR, "home_id": GUEST, "user_id": CARLA}, "gs", "", "g"),
        Row({"host_id": FAR, "token_hash": "link"}, "l", "", ""),
        Row({"host_id": THIRD}, "zp", "zp", "zp"),
    ],
    "invitation_claims": [
        Row(_claim(HOST), H, "q", H),
        Row(_claim(HOST, by_operator=True), f"{H}o", "q", f"{H}o"),
        Row(_claim(THIRD), "zp", "", "zp"),
        Row(_claim(FAR, by_operator=True), "o", "", "o"),
        Row(_claim(HOST, subject="somebody"), None, ""),
        Row(_claim(HOST, issuer=ELSEWHERE), None, ""),
        Row(_claim(HOST, link_hash="another"), None, ""),
    ],
    "tickets": [
        Row(pair(HOST, GUEST, id=TICKET, user_id=GRETA, organisation_id=GUEST), "hcsqvgl", "g", "hcsqvgl"),
        Row(pair(HOST, GUEST, user_id=CARLA, organisation_id=GUEST), "hcsqvg", "", "hcsqvg"),
        Row(pair(HOST, GUEST, user_id=GRETA, organisation_id=HOST), None, ""),
        Row(pair(HOST, None, user_id=CARLA, organisation_id=GUEST, acting_session_id=FAR), None, "s"),
        Row(pair(THIRD, None, user_id=CARLA, organisation_id=GUEST, acting_session_id=FAR), None, ""),
        Row(pair(HOST, None, user_id=ADA, organisation_id=HOST), H, "h", H),
        Row(pair(THIRD, KITH, user_id=KIM, organisation_id=KITH), "zpk", "k", "zpk"),
    ],
    "activity_events": [
        Row({"stream_id": HOST}, H, "hcsqvgko"),
        Row({"stream_id": GUEST}, "g", "hcsqvgo"),
        Row({"stream_id": ASKED}, "a", "ao"),
        Row({"stream_id": THIRD}, "zp", "zpo"),
        Row({"stream_id": KITH}, "k", "hcsqvko"),
        Row({"stream_id": PLATFORM}, "o", "o"),
    ],
    "chain_heads": [
        Row({"stream_id": HOST}, "hcsqvgko", "o", "hcsqvgko"),
        Row({"stream_id": GUEST}, "hcsqvgo", "o", "hcsqvgo"),
        Row({"stream_id": ASKED}, "ao", "o", "ao"),
        Row({"stream_id": THIRD}, "zpo", "o", "zpo"),
        Row({"stream_id": KITH}, "hcsqvko", "o", "hcsqvko"),
    ],
    "mails": [Row({"organisation_id": HOST}, H, "hcsqvo"), Row({"organisation_id": THIRD}, "zp", "zpo")],
    "mail_turns": [Row({"key": "ours"}, "h", "h", "h"), Row({"key": "another"}, "", "", "")],
    "held_mails": [Row({"organisation_id": HOST}, "", "hcsqvo"), Row({"organisation_id": THIRD}, "", "zpo")],
    "notifications": [
        Row({"organisation_id": HOST, "user_id": ADA}, "h", H, "h"),
        Row({"organisation_id": HOST, "user_id": GRETA}, "g", H, "g"),
        Row({"organisation_id": GUEST, "user_id": ADA}, None, "g"),
        Row({"organisation_id": HOST, "user_id": ZOE}, "zp", "", "zp"),
        Row({"organisation_id": THIRD, "user_id": ZOE}, None, "zp"),
        Row({"organisation_id": THIRD, "user_id": ADA}, None, ""),
    ],
}
"""Each table of the wall. Where several branches admit a row, whoever comes by any of them may."""
