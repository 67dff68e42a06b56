"""The invariants of model 4.14 that the tables show by themselves, whatever the oracle thinks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final

from tests.properties.projection import Tables

TERMINAL: Final = {"DECLINED_BY_HOST", "WITHDRAWN", "LAPSED", "EXPIRED", "TERMINATED"}
OWNED: Final = {"AWAITING_GUEST_ACCEPTANCE", "DECLINED_BY_GUEST", "ACTIVE", "SUSPENDED"}
BEGINS: Final = {"acceptPartnership", "approvePartnership", "linkPartner"}
GRANTS: Final = {"setDataAccess", "shareDataWithPartner", "acceptPartnership"}
LEVELS: Final = ("NONE", "SUPPORT", "MANAGE")
Rows = dict[str, dict[str, Any]]


def by_id(tables: Tables, name: str) -> Rows:
    return {row["id"]: row for row in tables.rows[name]}


def broken(before: Tables, after: Tables, act: str) -> Iterable[str]:
    """What does not hold after an act, each with the number of its invariant."""
    old, new = by_id(before, "partnerships"), by_id(after, "partnerships")
    yield from _partnerships(after, new)
    yield from _moves(old, new, act)
    yield from _groups(after)
    yield from _grants(before, after)
    yield from _people(after, new)


def _partnerships(after: Tables, new: Rows) -> Iterable[str]:
    pairs = Counter((p["host_id"], p["guest_id"]) for p in new.values() if p["state"] not in TERMINAL)
    yield from (f"2: two live partnerships of {pair}" for pair, times in pairs.items() if times > 1)
    numbers = defaultdict(list)
    for attempt in after.rows["attempts"]:
        numbers[attempt["partnership_id"]].append(attempt["number"])
    for key, found in numbers.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            yield f"2: attempts {found} of {key}"
    for key, p in new.items():
        if p["granted_level"] == "MANAGE" and p["state"] not in TERMINAL and not p["level_changed_by"]:
            yield f"3: MANAGE that nobody of the host granted, {key}"
        if bool(p["suspended_by"]) != (p["state"] == "SUSPENDED") and p["state"] not in TERMINAL:
            yield f"4.2: SUSPENDED and who holds it disagree, {key}"


def _moves(old: Rows, new: Rows, act: str) -> Iterable[str]:
    for key, p in new.items():
        was = old.get(key)
        if was and was["state"] in TERMINAL and was != p:
            yield f"2: a terminal partnership changed, {key}"
        if (
            p["state"] == "ACTIVE"
            and (was is None or was["state"] not in {"ACTIVE", "SUSPENDED"})
            and act not in BEGINS
        ):
            yield f"16: ACTIVE by {act}, {key}"
        if was and LEVELS.index(p["granted_level"]) > LEVELS.index(was["granted_level"]) and act not in GRANTS:
            yield f"17: {act} granted {p['granted_level']}, {key}"


def _groups(after: Tables) -> Iterable[str]:
    active = Counter(row["delegation_id"] for row in after.rows["role_groups"] if row["state"] == "ACTIVE")
    delegations = Counter(row["id"] for row in after.rows["role_delegations"] if row["state"] == "ACTIVE")
    if active != delegations:
        yield f"4: groups {active}, delegations {delegations}"


def _grants(before: Tables, after: Tables) -> Iterable[str]:
    partnerships, shares = by_id(after, "partnerships"), by_id(after, "shares")
    members = {
        (row["organisation_id"], row["user_id"]) for row in after.rows["memberships"] if row["status"] == "ACTIVE"
    }
    for grant in after.rows["grants"]:
        share = shares[grant["share_id"]]
        guest = partnerships[share["partnership_id"]]["guest_id"]
        if grant["state"] == "ACTIVE" and (guest, grant["user_id"]) not in members:
            yield f"5: a grant of nobody of the guest, {grant['id']}"
        if grant["state"] == "ACTIVE" and share["state"] == "REMOVED":
            yield f"4.10: a grant outlives its share, {grant['id']}"
    owners = {(row["id"], row["user_id"]) for row in before.rows["account_ownerships"]}
    for key in shares.keys() - by_id(before, "shares").keys():
        if (shares[key]["account_id"], shares[key]["shared_by"]) not in owners:
            yield f"5: shared by who does not own it, {key}"


def _people(after: Tables, new: Rows) -> Iterable[str]:
    active = {
        (row["organisation_id"], row["user_id"]) for row in after.rows["memberships"] if row["status"] == "ACTIVE"
    }
    admins = {
        row["organisation_id"]
        for row in after.rows["memberships"]
        if row["status"] == "ACTIVE" and "ORG_ADMIN" in row["roles"]
    }
    yield from (f"11: no admin in {row['id']}" for row in after.rows["organisations"] if row["id"] not in admins)
    for key, p in new.items():
        owners = [p["owner_user_id"], *(p["co_owner_ids"] or ())]
        if p["state"] in OWNED and not any((p["host_id"], one) in active for one in owners):
            yield f"11: a partnership without an active owner, {key}"
