"""Closed lists of who may what, written out by hand; and the effective level, each condition alone (model 4.4.2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from accord.access.decision import ACTING, GUEST_PATHS, level_of
from accord.access.permissions import CLIENTS_READ, CLIENTS_WRITE, EVERY_CLIENT, Action
from accord.access.principal import LEADING, WORKING, Principal, Standing
from accord.access.scopes import BUNDLES
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import Role
from accord.domain.partnership import PartnershipState
from tests.access.people import HOST, NOW, PARTNERSHIP, SESSIONS, acting, principal

READ: Final = """
terms:read organisation:read partner:look_up created_guests:read member:read member:search user:read partnership:read
partnership:read_reason partnership:read_terms partnership:read_hidden amendment:read level:read link:read contract:read
roles:read contact:read assignment:read policy:read dashboard:read report:read settings:read feature:read billing:read
invoice:read session:read account:read account:read_panel share:read activity:read activity:export
"""
WRITE: Final = """
partnership:remind partnership:withdraw partnership:remove partnership:suspend amendment:withdraw level:reduce
access:freeze share:end share:suspend share:leave grant:revoke grant:revoke_all access:request access:withdraw
account:update settings:update feature:set feature:set_telephony invoice:pay
"""
INSTANT: Final = timedelta(microseconds=1)


def test_what_api_clients_may_ever_do() -> None:
    assert {action.value for action in CLIENTS_READ} == set(READ.split())
    assert {action.value for action in CLIENTS_WRITE} == set(WRITE.split())
    assert {action.value for action in EVERY_CLIENT} == {"viewer:read", "node:read", "api_client:read"}


def test_a_bundle_is_the_actions_of_its_noun() -> None:
    said: dict[str, set[str]] = {}
    for verb, actions in (("read", READ), ("write", WRITE)):
        for action in actions.split():
            said.setdefault(f"{action.partition(':')[0]}:{verb}", set()).add(action)
    assert {name: {action.value for action in held} for name, held in BUNDLES.items()} == said


def test_which_roles_lead_and_which_work() -> None:
    assert {role.value for role in LEADING} == {"ORG_ADMIN", "LEGAL_REPRESENTATIVE", "DECISION_MAKER"}
    assert {role.value for role in WORKING} == {role.value for role in Role} - {"AUDITOR"}


def test_which_capacities_are_a_guests_and_which_a_sessions() -> None:
    assert {str(one) for one in GUEST_PATHS} == {"holder of a grant", "account manager"}
    assert {str(one) for one in ACTING} == {
        *("somebody acting in the organisation", "acting with SUPPORT", "acting with MANAGE"),
        *("acting as Decision Maker", "acting as Phone Manager", "acting with MANAGE, the wallet entrusted"),
    }


PLACES: Final = {
    # where somebody stands by one role alone
    "ORG_ADMIN": "admin_of leads works_in delegated_in",
    "LEGAL_REPRESENTATIVE": "leads legal_in works_in delegated_in",
    "DECISION_MAKER": "leads works_in delegated_in",
    "PHONE_MANAGER": "works_in delegated_in",
    "MEMBER": "works_in delegated_in",
    "AUDITOR": "audits",
}


@pytest.mark.parametrize("role", Role)
def test_where_a_role_counts(role: Role) -> None:
    """The keys by which `visibility` asks; a delegated admin who only audits delegates nothing."""
    held = Principal(principal("HA").identity, None, "x", HOST, (Standing(HOST, HOST, frozenset({role}), True),))
    names = ("admin_of", "leads", "legal_in", "works_in", "delegated_in", "audits")
    assert {name for name in names if getattr(held, name)} == set(PLACES[role].split())
    plain = replace(held, standings=(replace(held.standings[0], delegated_admin=False),))
    assert plain.delegated_in == frozenset()


def test_which_sessions_pay_bills() -> None:
    paying = {name for name in SESSIONS if (session := acting(name).acting) is not None and session.bills}
    assert paying == {"XB"}


GRANTED: Final = replace(
    PARTNERSHIP, granted=DataAccessLevel.MANAGE, starts_at=NOW, expires_at=NOW + INSTANT, suspended_by=frozenset()
)


def test_a_level_holds_from_its_first_instant_to_its_last() -> None:
    assert level_of(GRANTED, NOW) is DataAccessLevel.MANAGE
    assert level_of(replace(GRANTED, starts_at=None, expires_at=None), NOW) is DataAccessLevel.MANAGE
    for ceiling in DataAccessLevel:
        assert level_of(replace(GRANTED, ceiling=ceiling), NOW) is ceiling
        assert level_of(replace(GRANTED, granted=ceiling), NOW) is ceiling


@pytest.mark.parametrize(
    "missing",
    [
        {"host_active": False},
        {"guest_active": False},
        {"frozen": True},
        {"barred": True},
        {"starts_at": NOW + INSTANT},
        {"expires_at": NOW},
        *({"state": state} for state in PartnershipState if state is not PartnershipState.ACTIVE),
    ],
    ids=lambda missing: " ".join(f"{name}={value}" for name, value in missing.items()),
)
def test_a_level_is_none_where_one_thing_is_missing(missing: dict[str, Any]) -> None:
    """Each alone (4.4.2): nothing else stands in for it."""
    assert level_of(replace(GRANTED, **missing), NOW) is DataAccessLevel.NONE


def test_every_action_has_a_verb_and_a_noun() -> None:
    assert all(action.value.count(":") == 1 for action in Action)
