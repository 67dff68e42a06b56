"""What stands, as comparable values: once read from the tables in one statement, once said by the oracle."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from tests.properties.oracle import Oracle
from tests.properties.oracle.state import RUNNING, WAITING, Partnership

Projection: TypeAlias = dict[str, dict[Any, Any]]

READ: Final = {
    "organisations": (
        "id, partners_enabled, status, partner_program, partner_status, parent_partner_id, ceiling, version",
        "id",
    ),
    "memberships": ("id, organisation_id, user_id, roles, delegated_admin, status, version", "organisation_id"),
    "organisation_policies": (
        (
            "id, frozen, require_mfa, host_admin_may_unshare, roles_only_to_partner_of_record, version,"
            " representative_manages_groups, require_reason, allowed_partners, blocked_partners, auto_approve_partners"
        ),
        "id",
    ),
    "partner_links": ("id, customer_id, partner_id, kind, ceiling, status, version", "customer_id"),
    "partnerships": (
        (
            "id, host_id, guest_id, path, state, owner_user_id, co_owner_ids, representative_user_id,"
            " requester_user_id, suspended_by, purposes, expires_at, lapses_at, granted_level, level_changed_by,"
            " access_mode, wallet_entrusted,"
            " link_id, version"
        ),
        "host_id",
    ),
    "attempts": ("id, partnership_id, number, host_decision, guest_decision", "host_id"),
    "invitations": ("partnership_id AS id, used_at, voided_at", "host_id"),
    "accounts": ("id, host_id, label, status, version", "host_id"),
    "account_ownerships": ("account_id AS id, user_id", "host_id"),
    "shares": ("id, partnership_id, account_id, shared_by, state, version", "host_id"),
    "grants": ("id, share_id, user_id, role, state, origin, granted_by, expires_at, version", "host_id"),
    "access_items": ("id, share_id, member_user_id, requested_by, role, state, version", "host_id"),
    "role_delegations": ("id, partnership_id, role, state, version", "host_id"),
    "role_groups": ("id, delegation_id, state, version", "host_id"),
    "role_group_members": ("id, group_id, user_id, ended_at", "host_id"),
    "amendments": ("id, partnership_id, state, version", "host_id"),
    "acting_sessions": ("id, user_id, host_id, state", "host_id"),
}


def _table(name: str, columns: str, scope: str) -> str:
    order = "created_at" if name == "invitations" else "id" if "id" in columns.split(", ") else "1"
    rows = f"SELECT {columns} FROM accord.{name} WHERE {scope} = ANY($1) ORDER BY {order}"
    return f"'{name}', (SELECT coalesce(json_agg(row_to_json(r)), '[]') FROM ({rows}) r)"


EVENTS: Final = (
    "'events', (SELECT coalesce(json_agg(row_to_json(r)), '[]') FROM (SELECT stream_id, type, count(*) AS times"
    " FROM accord.activity_events WHERE stream_id = ANY($1) AND type <> 'chain.started' GROUP BY 1, 2) r)"
)
STATEMENT: Final = (
    "SELECT json_build_object(" + ", ".join([*(_table(name, *read) for name, read in READ.items()), EVENTS]) + ")"
)


DEFAULT_POLICY: Final = (False, False, True, True, False, False, frozenset[str](), frozenset[str](), frozenset[str]())


class Tables:
    """The rows of some organisations, and their IDs by the names that the oracle uses."""

    def __init__(self, names: dict[UUID, str], rows: dict[str, list[dict[str, Any]]]) -> None:
        self.rows = rows
        self.names: dict[str | None, Any] = {str(key): name for key, name in names.items()}
        self.keys: dict[tuple[str, Any], str] = {}
        self.versions: dict[tuple[str, Any], int] = {}
        self.projection: Projection = defaultdict(dict)
        for step in (
            self._organisations,
            self._links,
            self._partnerships,
            self._accounts,
            self._shares,
            self._roles,
            self._amendments,
            self._sessions,
        ):
            step()

    @classmethod
    async def read(cls, owner: asyncpg.Connection[Any], names: dict[UUID, str], scope: Iterable[UUID]) -> Tables:
        return cls(names, json.loads(await owner.fetchval(STATEMENT, list(scope))))

    def _put(self, kind: str, name: Any, row: dict[str, Any], *value: Any) -> None:
        self.names[row["id"]] = name
        self.keys[kind, name] = row["id"]
        self.versions[kind, name] = row.get("version", 0)
        self.projection[kind][name] = value

    def _set(self, keys: Iterable[str]) -> frozenset[Any]:
        return frozenset(self.names[key] for key in keys)

    def _organisations(self) -> None:
        for row in self.rows["organisations"]:
            self._put(
                "organisation", self.names[row["id"]], row, row["partners_enabled"], row["status"],
                row["partner_program"], row["partner_status"], self.names.get(row["parent_partner_id"]), row["ceiling"],
            )  # fmt: skip
        for row in self.rows["memberships"]:
            name = (self.names[row["organisation_id"]], self.names[row["user_id"]])
            self._put(
                "membership", name, row, frozenset(row["roles"]) if row["status"] == "ACTIVE" else None, row["status"],
                row["status"] == "ACTIVE" and row["delegated_admin"],
            )  # fmt: skip
            self.projection["policy"].setdefault(name[0], DEFAULT_POLICY)
        for row in self.rows["organisation_policies"]:
            lists = [
                self._set(row[name] or ()) for name in ("allowed_partners", "blocked_partners", "auto_approve_partners")
            ]
            name = self.names[row["id"]]
            self.projection["policy"][name] = (
                row["frozen"], row["require_mfa"], row["host_admin_may_unshare"],
                row["roles_only_to_partner_of_record"], row["representative_manages_groups"],
                row["require_reason"], *lists,
            )  # fmt: skip
        for row in self.rows["events"]:
            self.projection["event"][self.names[row["stream_id"]], row["type"]] = row["times"]

    def _links(self) -> None:
        count: Counter[Any] = Counter()
        for row in self.rows["partner_links"]:
            pair = self.names[row["customer_id"]], self.names[row["partner_id"]]
            count[pair] += 1
            self._put("link", (*pair, count[pair]), row, row["kind"], row["ceiling"], row["status"])

    def _partnerships(self) -> None:
        attempts, mails = (
            defaultdict(list),
            Counter(r["id"] for r in self.rows["invitations"] if r["used_at"] is None and r["voided_at"] is None),
        )
        for row in self.rows["attempts"]:
            attempts[row["partnership_id"]].append((row["number"], row["host_decision"], row["guest_decision"]))
        count: Counter[Any] = Counter()
        for row in self.rows["partnerships"]:
            pair = self.names[row["host_id"]], self.names[row["guest_id"]]
            count[pair] += 1
            lapses = instant(row["lapses_at"]) if row["state"] in WAITING else None
            self._put(
                "partnership", (*pair, count[pair]), row, row["path"], row["state"],
                self.names.get(row["owner_user_id"]), self._set(row["co_owner_ids"] or ()),
                self.names.get(row["representative_user_id"]), frozenset(row["suspended_by"] or ()),
                frozenset(row["purposes"]), instant(row["expires_at"]), lapses,
                row["granted_level"] if row["state"] in RUNNING else "NONE", tuple(sorted(attempts[row["id"]])),
                self.names.get(row["link_id"]) if row["state"] in RUNNING else None, mails[row["id"]],
                row["access_mode"] == "COMPLETE", row["wallet_entrusted"],
            )  # fmt: skip

    def _accounts(self) -> None:
        owners = defaultdict(set)
        for row in self.rows["account_ownerships"]:
            owners[row["id"]].add(self.names[row["user_id"]])
        members = self.projection["membership"]
        for row in self.rows["accounts"]:
            host = self.names[row["host_id"]]
            active = frozenset(o for o in owners[row["id"]] if members.get((host, o), (0, ""))[1] == "ACTIVE")
            self._put("account", row["label"], row, row["status"], active)

    def _shares(self) -> None:
        count: Counter[Any] = Counter()
        for row in self.rows["shares"]:
            name = self.names[row["partnership_id"]], self.names[row["account_id"]]
            count[name] += 1
            self._put("share", (*name, count[name]), row, row["state"], self.names[row["shared_by"]])
        for kind, table, person in (("grant", "grants", "user_id"), ("accessitem", "access_items", "member_user_id")):
            for row in self.rows[table]:
                on = self.names[row["share_id"]], self.names[row[person]]
                count[kind, on] += 1
                by = self.names[row["granted_by"] if kind == "grant" else row["requested_by"]]
                more = (row["origin"], instant(row["expires_at"])) if kind == "grant" else ()
                self._put(kind, (*on, count[kind, on]), row, row["role"], row["state"], by, *more)

    def _amendments(self) -> None:
        count: Counter[Any] = Counter()
        for row in self.rows["amendments"]:
            p = self.names[row["partnership_id"]]
            count[p] += 1
            self._put("amendment", (p, count[p]), row, row["state"])

    def _sessions(self) -> None:
        count: Counter[str] = Counter()
        for row in self.rows["acting_sessions"]:
            who = self.names[row["user_id"]]
            count[who] += 1
            self._put("session", (who, count[who]), row, row["state"])

    def _roles(self) -> None:
        members = defaultdict(set)
        for row in self.rows["role_group_members"]:
            if row["ended_at"] is None:
                members[row["group_id"]].add(self.names[row["user_id"]])
        groups = {row["delegation_id"]: row for row in self.rows["role_groups"]}
        count: Counter[Any] = Counter()
        for row in self.rows["role_delegations"]:
            name = self.names[row["partnership_id"]], row["role"]
            count[name] += 1
            group = groups[row["id"]]
            self._put(
                "rolegroup", (*name, count[name]), group, row["state"], group["state"], frozenset(members[group["id"]])
            )


def instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def said(oracle: Oracle) -> Projection:
    """The same values, as the oracle has them."""
    names = partnership_names(oracle)
    return {
        "organisation": {
            o.name: (o.enabled, o.status, o.program, o.partner_status, o.parent, o.ceiling)
            for o in oracle.organisations.values()
        },
        "membership": {
            key: (
                frozenset(m.roles) if m.status == "ACTIVE" else None, m.status,
                m.status == "ACTIVE" and m.delegated_admin,
            )
            for key, m in oracle.members.items()
        },
        "policy": {name: policy(oracle, name) for name in oracle.organisations},
        "link": {link_name(oracle, n): (n.kind, n.ceiling, n.status) for n in oracle.links},
        "partnership": {names[id(p)]: partnership(oracle, p) for p in oracle.partnerships},
        "account": {
            a.name: (a.status, frozenset(o for o in a.owners if oracle.active(o, a.host)))
            for a in oracle.accounts.values()
        },
        "share": {share_name(s): (s.state, s.by) for s in oracle.shares},
        "grant": {
            (share_name(g.share), g.person, g.number): (g.role, g.state, g.by, g.origin, g.expires_at)
            for g in oracle.grants
        },
        "accessitem": {(share_name(i.share), i.person, i.number): (i.role, i.state, i.by) for i in oracle.items},
        "rolegroup": {
            (names[id(d.partnership)], d.role, d.number): (
                d.state, "ACTIVE" if d.state == "ACTIVE" else "DELETED", frozenset(d.members),
            )
            for d in oracle.delegations
        },
    }  # fmt: skip


def partnership(oracle: Oracle, p: Partnership) -> tuple[Any, ...]:
    link = link_name(oracle, p.link) if p.link is not None and p.state in RUNNING else None
    return (
        p.path, p.state, p.owner, frozenset(p.co_owners), p.representative, frozenset(p.suspended_by), p.purposes,
        p.expires_at, p.lapses_at if p.state in WAITING else None, p.granted,
        tuple((a.number, a.host_decision, a.guest_decision) for a in p.attempts), link,
        1 if p.state == "AWAITING_GUEST_ACCEPTANCE" else 0, p.complete, p.wallet,
    )  # fmt: skip


def policy(oracle: Oracle, organisation: str) -> tuple[Any, ...]:
    one = oracle.organisations[organisation].policy
    return (
        one.frozen, one.require_mfa, one.unshare, one.only_partner_of_record, one.representative_manages,
        one.require_reason,
        frozenset(one.allowed), frozenset(one.blocked), frozenset(one.auto_approve),
    )  # fmt: skip


def partnership_names(oracle: Oracle) -> dict[int, tuple[str, str, int]]:
    return {id(p): partnership_name(p) for p in oracle.partnerships}


def partnership_name(p: Partnership) -> tuple[str, str, int]:
    return (p.host, p.guest, p.number)


def share_name(share: Any) -> tuple[Any, str, int]:
    return (partnership_name(share.partnership), share.account.name, share.number)


def link_name(oracle: Oracle, link: Any) -> tuple[str, str, int]:
    pair = [n for n in oracle.links if (n.customer, n.partner) == (link.customer, link.partner)]
    return (link.customer, link.partner, 1 + next(place for place, n in enumerate(pair) if n is link))
