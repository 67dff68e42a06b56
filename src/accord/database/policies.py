"""The wall between tenants: the row-level-security policies, which admit a row only for the organisations it names.

Who inside an organisation may see which row is said in `visibility.py`; a rule that changes there may have to change
here.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from accord.domain.organisation import PLATFORM

MINE: Final = "(SELECT accord.mine())::uuid[]"


def _in_mine(*columns: str) -> str:
    return " OR ".join(f"{column} = ANY ({MINE})" for column in columns)


KIN: Final = "(SELECT accord.kin())::uuid[]"


def _linked(column: str) -> str:
    """Is this an organisation that a partnership joins to mine? Few are compared at once, many asked for one by one."""
    return f"{column} = ANY ({KIN}) OR accord.linked({column})"


OPERATING: Final = "(SELECT accord.operating())"
SELF: Final = "user_id = (SELECT accord.myself())"
"""A person's own rows, wherever they are. An API client has none: it meets its owner's in its organisation alone."""
THIS_CLIENT: Final = "id = (SELECT accord.shown('client'))::uuid"
BOTH_SIDES: Final = _in_mine("host_id", "guest_id")
TOLD_SIDES: Final = _in_mine("host_id", "visible_guest_id")
GATEWAY: Final = "accord_gateway"
WORKER: Final = "accord_worker"

HOST: Final = _in_mine("host_id")
GUEST: Final = _in_mine("guest_id")
BY_MYSELF: Final = f"{SELF} AND ({_in_mine('organisation_id')})"
BY_MYSELF_ANYWHERE: Final = (
    f"{SELF} AND ({_in_mine('organisation_id')} OR acting_session_id IS NOT NULL AND {_in_mine('host_id')})"
)
NEW_PERSON: Final = (
    f"EXISTS (SELECT 1 FROM accord.users u WHERE u.id = identities.user_id AND u.home_organisation_id = ANY ({MINE}))"
    " AND (NOT EXISTS (SELECT 1 FROM accord.memberships m WHERE m.user_id = identities.user_id AND NOT ("
    "m.unclaimed AND m.token_hash = (SELECT accord.shown('token'))))"
    " OR EXISTS (SELECT 1 FROM accord.users u WHERE u.id = identities.user_id"
    " AND u.home_organisation_id::text = (SELECT accord.shown('vouched_in')))"
    " AND NOT accord.signs_in(identities.user_id))"
)
"""Whom an identity may be bound to: somebody whom this organisation made, and who has no place anywhere yet but one
that the directory made, whose link is shown; or as whom nobody signs in while the organisation's own issuer speaks."""

OWN_BROWSER: Final = "issuer = (SELECT accord.shown('issuer')) AND subject = (SELECT accord.shown('subject'))"
BROWSER: Final = f"token_hash = (SELECT accord.shown('browser')) OR ({OWN_BROWSER})"
ATTEMPT: Final = "secret_hash = (SELECT accord.shown('attempt'))"

ACTOR: Final = "actor = (SELECT accord.shown('issuer') || ' ' || accord.shown('subject'))"
KNOWN_PERSON: Final = "EXISTS (SELECT 1 FROM accord.users u WHERE u.id = notifications.user_id)"
CREDENTIALS: Final = f"{_in_mine('organisation_id')} OR token_hash = (SELECT accord.shown('credential'))"
TURNS: Final = "key = ANY (string_to_array((SELECT accord.shown('mail_keys')), ','))"
"""The turns of exactly those recipients whom an act names; a key is a hash and cannot be listed."""
NAMES_THE_CALLER: Final = (
    "actor_user_id IS NOT DISTINCT FROM (SELECT accord.person()) AND author ->> 'person' IS NOT DISTINCT FROM "
    f"actor_user_id::text AND author ->> 'for' IS NOT DISTINCT FROM nullif(organisation_id, '{PLATFORM}')::text"
)
"""What the worker finishes, it does in the name of who has begun it, and of no other organisation."""

CONTACTS: Final = _in_mine("host_id", "home_id")
TIED: Final = f"{_in_mine('stream_id')} OR {OPERATING} OR {_linked('stream_id')} OR accord.has_contacts_with(stream_id)"
"""The streams of organisations that something joins to mine: both sides of an act have it on record."""
Rows: TypeAlias = str | tuple[str, str]


def _own(column: str) -> tuple[tuple[str, Rows, str], ...]:
    """A table of one organisation's own rows."""
    rows = _in_mine(column)
    return (("SELECT", rows, GATEWAY), ("INSERT", rows, GATEWAY), ("UPDATE", rows, GATEWAY))


def _swept(column: str) -> tuple[tuple[str, Rows, str], ...]:
    """As `_own`; its rows can be deleted."""
    return (*_own(column), ("DELETE", _in_mine(column), GATEWAY))


def _between(rows: str, makers: str) -> tuple[tuple[str, Rows, str], ...]:
    """A table between two organisations: both sides read and move its rows, one of them makes them."""
    return (
        ("SELECT", rows, GATEWAY),
        ("INSERT", makers, GATEWAY),
        ("UPDATE", rows, GATEWAY),
        ("SELECT", "true", WORKER),
        ("UPDATE", "true", WORKER),
    )


POLICIES: Final[dict[str, tuple[tuple[str, Rows, str], ...]]] = {
    # table: (command, rows it admits, role); a pair: rows it touches, and what they may become
    "organisations": (
        (
            "SELECT",
            (
                f"{_in_mine('id', 'created_for_id', 'parent_partner_id')} OR {OPERATING}"
                f" OR handle = (SELECT accord.shown('handle')) OR {_linked('id')}"
                " OR accord.approached(id) OR accord.belongs(id) OR accord.contact_of(id)"
            ),
            GATEWAY,
        ),
        ("INSERT", OPERATING, GATEWAY),
        ("UPDATE", (f"{_in_mine('id')} OR {OPERATING}", f"{OPERATING} OR {_in_mine('parent_partner_id')}"), GATEWAY),
        ("SELECT", "true", WORKER),
    ),
    "users": (
        (
            "SELECT",
            (
                f"id = (SELECT accord.myself()) OR {_in_mine('home_organisation_id')}"
                f" OR home_organisation_id = ANY ({KIN}) OR accord.meets(id)"
            ),
            GATEWAY,
        ),
        ("INSERT", f"{_in_mine('home_organisation_id')}", GATEWAY),
        ("UPDATE", f"id = (SELECT accord.myself()) OR {_in_mine('home_organisation_id')}", GATEWAY),
        ("SELECT", "true", WORKER),
    ),
    "identities": (
        ("SELECT", "issuer = (SELECT accord.shown('issuer')) AND subject = (SELECT accord.shown('subject'))", GATEWAY),
        (
            "INSERT",
            f"issuer = (SELECT accord.shown('issuer')) AND subject = (SELECT accord.shown('subject')) AND {NEW_PERSON}",
            GATEWAY,
        ),
    ),
    "memberships": (
        (
            "SELECT",
            (
                f"{_in_mine('organisation_id')} OR {SELF} OR token_hash = (SELECT accord.shown('token'))"
                f" OR {_linked('organisation_id')}"
            ),
            GATEWAY,
        ),
        ("INSERT", f"{_in_mine('organisation_id')} OR {OPERATING}", GATEWAY),
        (
            "UPDATE",
            (
                f"{_in_mine('organisation_id')} OR {SELF} OR token_hash = (SELECT accord.shown('token'))",
                _in_mine("organisation_id"),
            ),
            GATEWAY,
        ),
        ("SELECT", "true", WORKER),
    ),
    "partnerships": (
        ("SELECT", f"{TOLD_SIDES} OR {OPERATING}", GATEWAY),
        (
            "INSERT",
            f"{HOST} OR (({GUEST}) AND asked_by_guest AND state = 'AWAITING_HOST_APPROVAL')",
            GATEWAY,
        ),
        ("UPDATE", TOLD_SIDES, GATEWAY),
        ("SELECT", "true", WORKER),
        ("UPDATE", "true", WORKER),
    ),
    "partner_links": (
        ("SELECT", f"{_in_mine('customer_id', 'partner_id')} OR {OPERATING}", GATEWAY),
        ("INSERT", OPERATING, GATEWAY),
        ("UPDATE", OPERATING, GATEWAY),
        ("SELECT", "true", WORKER),
        ("UPDATE", "true", WORKER),
    ),
    "directory_entries": (
        ("SELECT", _in_mine("id"), GATEWAY),
        ("INSERT", _in_mine("id"), GATEWAY),
        ("UPDATE", _in_mine("id"), GATEWAY),
    ),
    "organisation_policies": (
        (
            "SELECT",
            (
                f"{_in_mine('id')} OR {_linked('id')} OR accord.contact_of(id)"
                " OR id = (SELECT o.id FROM accord.organisations o WHERE o.handle = (SELECT accord.shown('handle')))"
            ),
            GATEWAY,
        ),
        ("INSERT", _in_mine("id"), GATEWAY),
        ("UPDATE", _in_mine("id"), GATEWAY),
        ("SELECT", "true", WORKER),
    ),
    "api_clients": (
        ("SELECT", f"{_in_mine('organisation_id')} OR {THIS_CLIENT}", GATEWAY),
        ("INSERT", f"({_in_mine('organisation_id')}) AND owner_user_id = (SELECT accord.myself())", GATEWAY),
        (
            "UPDATE",
            f"({_in_mine('organisation_id')}) AND ((SELECT accord.shown('client')) IS NULL OR {THIS_CLIENT})",
            GATEWAY,
        ),
    ),
    "cascades": (
        ("SELECT", f"{_in_mine('organisation_id', 'subject_id')} OR {OPERATING}", GATEWAY),
        ("INSERT", f"({_in_mine('organisation_id')} OR {OPERATING}) AND {NAMES_THE_CALLER}", GATEWAY),
        ("ALL", "true", WORKER),
    ),
    "acting_sessions": (
        ("SELECT", f"{SELF} OR {_in_mine('host_id', 'home_id')}", GATEWAY),
        ("INSERT", f"{SELF} AND ({_in_mine('home_id')})", GATEWAY),
        ("UPDATE", f"{SELF} OR {_in_mine('host_id', 'home_id')}", GATEWAY),
        ("SELECT", "true", WORKER),
        ("UPDATE", "true", WORKER),
    ),
    "attempts": _between(
        TOLD_SIDES, f"{HOST} OR (({GUEST}) AND by_guest AND host_decision IS NULL AND guest_decision IS NULL)"
    ),
    "organisation_settings": _own("id"),
    "organisation_features": _own("organisation_id"),
    "invoices": (
        ("SELECT", f"{_in_mine('organisation_id')} OR {OPERATING}", GATEWAY),
        ("INSERT", OPERATING, GATEWAY),
        ("UPDATE", f"{_in_mine('organisation_id')} OR {OPERATING}", GATEWAY),
    ),
    "wallets": _own("id"),
    "wallet_entries": (
        ("SELECT", _in_mine("organisation_id"), GATEWAY),
        ("INSERT", f"{_in_mine('organisation_id')} AND made_by = (SELECT accord.person())", GATEWAY),
    ),
    "acting_changes": (("INSERT", _in_mine("organisation_id"), GATEWAY), ("ALL", "true", WORKER)),
    "amendments": _between(TOLD_SIDES, f"(side = 'HOST' AND {HOST}) OR (side = 'GUEST' AND {GUEST})"),
    "invitations": _between(BOTH_SIDES, HOST),
    "scim_credentials": (
        ("SELECT", CREDENTIALS, GATEWAY),
        ("INSERT", f"{_in_mine('organisation_id')} AND created_by = (SELECT accord.person())", GATEWAY),
        ("UPDATE", (CREDENTIALS, _in_mine("organisation_id")), GATEWAY),
    ),
    "scim_users": _swept("organisation_id"),
    "scim_groups": _swept("organisation_id"),
    "scim_group_members": (
        ("SELECT", _in_mine("organisation_id"), GATEWAY),
        ("INSERT", _in_mine("organisation_id"), GATEWAY),
        ("DELETE", _in_mine("organisation_id"), GATEWAY),
    ),
    "sign_ins": (("SELECT", SELF, GATEWAY), ("INSERT", SELF, GATEWAY), ("ALL", "true", WORKER)),
    "browser_sessions": (
        ("SELECT", BROWSER, GATEWAY),
        ("INSERT", OWN_BROWSER, GATEWAY),
        ("UPDATE", BROWSER, GATEWAY),
        ("ALL", "true", WORKER),
    ),
    "sign_in_attempts": (
        ("SELECT", ATTEMPT, GATEWAY),
        ("INSERT", ATTEMPT, GATEWAY),
        ("DELETE", ATTEMPT, GATEWAY),
        ("ALL", "true", WORKER),
    ),
    "allowances": (("ALL", "true", WORKER),),
    "retries": (
        ("SELECT", ACTOR, GATEWAY),
        ("INSERT", ACTOR, GATEWAY),
        ("UPDATE", ACTOR, GATEWAY),
        ("ALL", "true", WORKER),
    ),
    "terms_versions": (("SELECT", "true", GATEWAY), ("INSERT", OPERATING, GATEWAY)),
    "terms_acceptances": (("SELECT", BOTH_SIDES, GATEWAY), ("INSERT", f"{SELF} AND ({GUEST})", GATEWAY)),
    "accounts": (
        ("SELECT", f"{_in_mine('host_id')} OR accord.shared_with_us(id)", GATEWAY),
        ("INSERT", _in_mine("host_id"), GATEWAY),
        ("UPDATE", _in_mine("host_id"), GATEWAY),
        ("SELECT", "true", WORKER),
    ),
    "account_ownerships": (
        ("SELECT", f"{_in_mine('host_id')} OR accord.shared_with_us(account_id)", GATEWAY),
        ("INSERT", _in_mine("host_id"), GATEWAY),
        ("DELETE", _in_mine("host_id"), GATEWAY),
        ("SELECT", "true", WORKER),
    ),
    "shares": _between(BOTH_SIDES, HOST),
    "grants": _between(BOTH_SIDES, HOST),
    "access_items": _between(BOTH_SIDES, GUEST),
    "role_delegations": _between(BOTH_SIDES, HOST),
    "role_groups": _between(BOTH_SIDES, HOST),
    "role_group_members": _between(BOTH_SIDES, GUEST),
    "customer_assignments": _between(BOTH_SIDES, GUEST),
    "external_contacts": (
        ("SELECT", f"{CONTACTS} OR {SELF} OR token_hash = (SELECT accord.shown('token'))", GATEWAY),
        ("INSERT", HOST, GATEWAY),
        ("UPDATE", CONTACTS, GATEWAY),
        ("SELECT", "true", WORKER),
        ("UPDATE", "true", WORKER),
    ),
    "invitation_claims": (
        ("SELECT", f"{_in_mine('organisation_id')} OR by_operator AND {OPERATING}", GATEWAY),
        (
            "INSERT",
            f"({_in_mine('organisation_id')}) AND ({OWN_BROWSER}) AND link_hash = (SELECT accord.shown('token'))",
            GATEWAY,
        ),
        ("UPDATE", f"{_in_mine('organisation_id')} OR by_operator AND {OPERATING}", GATEWAY),
    ),
    "tickets": _between(f"{BOTH_SIDES} OR id = (SELECT accord.shown('ticket'))::uuid", BY_MYSELF_ANYWHERE),
    "activity_events": (
        ("SELECT", _in_mine("stream_id"), GATEWAY),
        ("INSERT", TIED, GATEWAY),
        ("INSERT", "true", WORKER),
    ),
    "chain_heads": (
        ("SELECT", TIED, GATEWAY),
        ("UPDATE", TIED, GATEWAY),
        ("INSERT", OPERATING, GATEWAY),
        ("SELECT", "true", WORKER),
        ("UPDATE", "true", WORKER),
    ),
    "mails": (
        ("INSERT", f"{_in_mine('organisation_id')} OR {OPERATING}", GATEWAY),
        ("SELECT", _in_mine("organisation_id"), GATEWAY),
        ("SELECT", "true", WORKER),
        ("INSERT", "true", WORKER),
        ("UPDATE", "true", WORKER),
        ("DELETE", "state IN ('DEAD', 'SENT')", WORKER),
    ),
    "mail_turns": (
        ("SELECT", TURNS, GATEWAY),
        ("INSERT", TURNS, GATEWAY),
        ("UPDATE", TURNS, GATEWAY),
        ("ALL", "true", WORKER),
    ),
    "held_mails": (
        ("INSERT", f"{_in_mine('organisation_id')} OR {OPERATING}", GATEWAY),
        ("ALL", "true", WORKER),
    ),
    "notifications": (
        ("SELECT", SELF, GATEWAY),
        ("UPDATE", SELF, GATEWAY),
        ("INSERT", f"({_in_mine('organisation_id')} OR {OPERATING}) AND {KNOWN_PERSON}", GATEWAY),
        ("INSERT", "true", WORKER),
        ("SELECT", "true", WORKER),
        ("DELETE", "true", WORKER),
    ),
}


def policies() -> list[str]:
    """The statements that put the second wall up anew, whatever stood before."""
    return [statement for statements in policies_of().values() for statement in statements]


def policies_of() -> dict[str, list[str]]:
    """Those statements by table."""
    made = {}
    for table, entries in POLICIES.items():
        made[table] = [f"ALTER TABLE accord.{table} ENABLE ROW LEVEL SECURITY"]
        for command, rows, role in entries:
            name = f"{role}_{command.lower()}"
            made[table].append(
                f"CREATE POLICY {name} ON accord.{table} FOR {command} TO {role} {_clauses(command, rows)}"
            )
    return made


def _clauses(command: str, rows: Rows) -> str:
    touched, become = rows if isinstance(rows, tuple) else (rows, rows)
    using = f"USING ({touched})" if command != "INSERT" else ""
    check = f"WITH CHECK ({become})" if command in {"ALL", "INSERT", "UPDATE"} else ""
    return f"{using} {check}".strip()
