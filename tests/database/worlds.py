"""Random worlds: a few organisations with people, partnerships in every state, and all that can lie under them."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, TypeVar
from uuid import UUID

from accord.access.principal import Identity
from tests.database.oracle import (
    NOBODY,
    Account,
    Event,
    Facts,
    Grant,
    Item,
    Membership,
    Partnership,
    Person,
    Policy,
    Share,
)
from tests.world import ISSUER, World, identify

Thing = TypeVar("Thing")
OPEN: Final = {"AWAITING_HOST_APPROVAL", "AWAITING_GUEST_ACCEPTANCE", "DECLINED_BY_GUEST", "ACTIVE", "SUSPENDED"}
STATES: Final = [
    "AWAITING_HOST_APPROVAL",
    "AWAITING_GUEST_ACCEPTANCE",
    "DECLINED_BY_GUEST",
    "DECLINED_BY_HOST",
    "WITHDRAWN",
    "LAPSED",
    "SUSPENDED",
    "TERMINATED",
    "EXPIRED",
    *["ACTIVE"] * 9,
]
ROLES: Final = ["ORG_ADMIN", "LEGAL_REPRESENTATIVE", "DECISION_MAKER", "PHONE_MANAGER", "AUDITOR", *["MEMBER"] * 6]
PLATFORM_EVENT: Final = Event(UUID(int=1), NOBODY, None, None)
"""What the platform's own stream holds, in every world of a database."""


TERMS: Final = json.dumps(
    {"purposes": ["MANAGEMENT"], "accessMode": "LIMITED", "walletEntrusted": False, "level": "NONE", "expiresAt": None}
)


class Maker:
    """Makes one world out of one source of chance."""

    def __init__(self, chance: Random, now: datetime) -> None:
        self.chance = chance
        self.facts = Facts(now)

    def make(self) -> Facts:
        self._organisations()
        self._partnerships()
        self._policies()
        self._accounts()
        self._shares()
        self._events()
        return self.facts

    def key(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128))

    def maybe(self, probability: float) -> bool:
        return self.chance.random() < probability

    def end(self) -> datetime | None:
        """No end, one that is near, or one that has passed."""
        return self.chance.choice([None, None, self.facts.now + timedelta(days=1), self.facts.now - timedelta(days=1)])

    def some(self, things: list[Thing], most: int = 3) -> list[Thing]:
        return self.chance.sample(things, min(len(things), self.chance.randint(0, most)))

    def members(self, organisation: UUID, *statuses: str) -> list[UUID]:
        wanted = statuses or ("ACTIVE",)
        return [m.person for m in self.facts.memberships if m.organisation == organisation and m.status in wanted]

    def _organisations(self) -> None:
        facts, chance = self.facts, self.chance
        for _ in range(chance.randint(3, 5)):
            made_for = chance.choice(list(facts.organisations)) if facts.organisations and self.maybe(0.3) else None
            facts.organisations[self.key()] = made_for
        for organisation in facts.organisations:
            for number in range(chance.randint(2, 5)):
                key = self.key()
                staff, mfa = self.maybe(0.05), self.maybe(0.8)
                facts.people.append(Person(key, key.hex, organisation, operator=staff, mfa=mfa))
                roles = {"ORG_ADMIN"} if number == 0 else set(chance.sample(ROLES, chance.choice([1, 1, 2])))
                self._join(organisation, key, roles, 0.85)
        for person in self.some(facts.people, 4):
            for organisation in self.some([o for o in facts.organisations if o != person.home], 2):
                self._join(organisation, person.id, {chance.choice(ROLES)}, 0.9)

    def _join(self, organisation: UUID, person: UUID, roles: set[str], active: float) -> None:
        status = "ACTIVE" if self.maybe(active) else self.chance.choice(["DEACTIVATED", "REMOVED"])
        member = Membership(self.key(), organisation, person, frozenset(roles), status, self.maybe(0.25))
        self.facts.memberships.append(member)

    def _policies(self) -> None:
        """A few rule something about those whom they know; most let everybody in, so that enough is left to see."""
        for organisation in self.facts.organisations:
            told = [(p.host, p.guest) for p in self.facts.partnerships if p.told and organisation in (p.host, p.guest)]
            others = sorted({side for pair in told for side in pair} - {organisation})
            if self.maybe(0.3):
                self.facts.policies[organisation] = Policy(
                    blocked=frozenset(self.some(others, 1)),
                    allowed=frozenset(self.some(others)) if self.maybe(0.3) else frozenset(),
                    frozen=self.maybe(0.15),
                    asks_mfa=self.maybe(0.4),
                )
            if self.maybe(0.06):
                self.facts.suspended.add(organisation)
            if self.maybe(0.06):
                self.facts.held.add(organisation)

    def _partnerships(self) -> None:
        taken = set()
        organisations = list(self.facts.organisations)
        for _ in range(self.chance.randint(4, 9)):
            host, guest = self.chance.sample(organisations, 2)
            state = self.chance.choice(STATES)
            if state in OPEN and (host, guest) in taken:
                continue
            if state in OPEN:
                taken.add((host, guest))
            self.facts.partnerships.append(self._partnership(host, guest, state))

    def _partnership(self, host: UUID, guest: UUID, state: str) -> Partnership:
        chance, now = self.chance, self.facts.now
        told = state not in {"AWAITING_HOST_APPROVAL", "DECLINED_BY_HOST"} and (
            state not in {"WITHDRAWN", "LAPSED"} or self.maybe(0.5)
        )
        at_host = self.members(host, "ACTIVE", "DEACTIVATED", "REMOVED")
        at_guest = self.members(guest, "ACTIVE", "DEACTIVATED", "REMOVED")
        connected = state in {"ACTIVE", "SUSPENDED", "TERMINATED", "EXPIRED"}
        creator = chance.choice(at_host)
        by_guest = told and state != "AWAITING_GUEST_ACCEPTANCE" and self.maybe(0.2)
        return Partnership(
            id=self.key(),
            host=host,
            guest=guest,
            state=state,
            told=told,
            created_by=creator,
            requested_by=creator if self.maybe(0.7) else chance.choice(at_host),
            owner=chance.choice(at_host) if told else None,
            co_owners=frozenset(self.some(at_host, 2)) if told else frozenset(),
            representative=chance.choice(at_guest) if connected else None,
            starts_at=now + timedelta(days=chance.choice([-9, -9, -9, 9])) if connected else None,
            expires_at=self.end() if connected else None,
            ended=state not in OPEN,
            asked_by_guest=by_guest and self.maybe(0.6),
            path="GUEST_REQUEST" if by_guest else "HOST_REQUEST",
        )

    def _accounts(self) -> None:
        for organisation in self.facts.organisations:
            people = self.members(organisation, "ACTIVE", "DEACTIVATED")
            for _ in range(self.chance.randint(1, 4)):
                owners = frozenset(self.some(people, 2)) if people else frozenset()
                status = "ACTIVE" if self.maybe(0.85) else "ARCHIVED"
                self.facts.accounts.append(Account(self.key(), organisation, owners, status))

    def _shares(self) -> None:
        for p in self.facts.partnerships:
            if p.state not in {"ACTIVE", "SUSPENDED", "TERMINATED", "EXPIRED"}:
                continue
            for account in self.some([a for a in self.facts.accounts if a.host == p.host]):
                for state in self._states(p):
                    sharer = self.chance.choice(self.members(p.host, "ACTIVE", "DEACTIVATED", "REMOVED"))
                    share = Share(self.key(), p, account, sharer, state, self.end() if self.maybe(0.5) else None)
                    self.facts.shares.append(share)
                    self._grants(share)
                    self._items(share)

    def _states(self, p: Partnership) -> list[str]:
        """Any number of shares that have ended, and at most one that lives."""
        over = ["REMOVED"] if self.maybe(0.3) else []
        return over + ([self.chance.choice(["ACTIVE", "ACTIVE", "ACTIVE", "SUSPENDED"])] if not p.ended else [])

    def _grants(self, share: Share) -> None:
        guest = share.partnership.guest
        active = self.members(guest) if share.state != "REMOVED" else []
        for person in self.some(active):
            self._grant(share, person, "ACTIVE")
        for person in self.some(self.members(guest, "ACTIVE", "DEACTIVATED", "REMOVED"), 2):
            self._grant(share, person, self.chance.choice(["REVOKED", "EXPIRED"]))

    def _grant(self, share: Share, person: UUID, state: str) -> None:
        role = self.chance.choice(["COLLABORATOR", "ACCOUNT_MANAGER"])
        self.facts.grants.append(Grant(self.key(), share, person, role, state, self.end()))

    def _items(self, share: Share) -> None:
        people = self.members(share.partnership.guest, "ACTIVE", "DEACTIVATED", "REMOVED")
        pending = share.state != "REMOVED"
        for member in self.some(people, 2):
            state = self.chance.choice(["ACCEPTED", "DECLINED", "WITHDRAWN", *["PENDING"] * 3 * pending])
            self.facts.items.append(Item(self.key(), share, member, self.chance.choice(people), state))

    def _events(self) -> None:
        for p in self.facts.partnerships:
            for stream in (p.host, p.guest) if p.told else (p.host,):
                self.facts.events.append(Event(self.key(), stream, p.host, None, p.guest))
        for share in self.facts.shares:
            for stream in (share.partnership.host, share.partnership.guest):
                p = share.partnership
                self.facts.events.append(Event(self.key(), stream, p.host, share.account.id, p.guest))
        for organisation in self.facts.organisations:
            self.facts.events.append(Event(self.key(), organisation, None, None))
        self.facts.events.append(PLATFORM_EVENT)


def identity_of(person: Person) -> Identity:
    """As whom a person of a random world asks."""
    return replace(identify(person.subject, operator=person.operator), mfa=person.mfa)


async def write(world: World, facts: Facts) -> None:
    """Write a world, past every service."""
    rows = _people(facts) | _between(facts) | _under(facts) | {"activity_events": _activity(facts.events, facts.now)}
    async with world.owner.transaction():
        for table, made in rows.items():
            if made:
                await world.owner.copy_records_to_table(
                    table, schema_name="accord", columns=list(made[0]), records=[tuple(row.values()) for row in made]
                )


async def write_platform_event(world: World) -> None:
    """Once in a database, before its worlds."""
    (row,) = _activity([PLATFORM_EVENT], world.clock.now, platform=True)
    await world.owner.copy_records_to_table(
        "activity_events", schema_name="accord", columns=list(row), records=[tuple(row.values())]
    )


async def clear(world: World) -> None:
    """Take all worlds out of the database, past the triggers that keep what has happened."""
    async with world.owner.transaction():
        await world.owner.execute("SET LOCAL session_replication_role = replica")
        await world.owner.execute("TRUNCATE accord.organisations, accord.users, accord.activity_events CASCADE")
        await write_platform_event(world)


Rows = dict[str, list[dict[str, Any]]]


def _people(facts: Facts) -> Rows:
    return {
        "organisations": [
            {
                "id": key,
                "handle": key.hex,
                "name": key.hex,
                "country_code": "NO",
                "created_for_id": made_for,
                "status": "SUSPENDED" if key in facts.suspended else "ACTIVE",
                "partner_program": "MSP" if key in facts.held else "NONE",
                "partner_status": "SUSPENDED" if key in facts.held else "NONE",
            }
            for key, made_for in facts.organisations.items()
        ],
        "organisation_policies": [
            {
                "id": key,
                "blocked_partners": sorted(policy.blocked),
                "allowed_partners": sorted(policy.allowed),
                "frozen": policy.frozen,
                "require_mfa": policy.asks_mfa,
            }
            for key, policy in facts.policies.items()
        ],
        "chain_heads": [{"stream_id": key, "sequence": 0, "hash": "0" * 64} for key in facts.organisations],
        "users": [
            {"id": p.id, "email": f"{p.subject}@people.example", "display_name": "x", "home_organisation_id": p.home}
            for p in facts.people
        ],
        "identities": [{"issuer": ISSUER, "subject": p.subject, "user_id": p.id} for p in facts.people],
        "memberships": [
            {
                "id": m.id,
                "organisation_id": m.organisation,
                "user_id": m.person,
                "email": "x@people.example",
                "display_name": "x",
                "roles": sorted(m.roles),
                "status": m.status,
                "delegated_admin": m.delegated_admin,
            }
            for m in facts.memberships
        ],
        "notifications": [
            {
                "user_id": p.id,
                "organisation_id": p.home,
                "template": "withdrawn",
                "subject": "x",
                "text": "x",
                "created_at": facts.now,
            }
            for p in facts.people
        ],
        "mails": [
            {
                "organisation_id": key,
                "template": "withdrawn",
                "address": "x@people.example",
                "facts": "{}",
                "external": False,
                "ordinal": 0,
                "created_at": facts.now,
            }
            for key in facts.organisations
        ],
    }


def _between(facts: Facts) -> Rows:
    return {
        "partnerships": [
            {
                "id": p.id,
                "host_id": p.host,
                "guest_id": p.guest,
                "told_guest": p.told,
                "path": p.path,
                "asked_by_guest": p.asked_by_guest,
                "state": p.state,
                "created_by_user_id": p.created_by,
                "requester_user_id": p.requested_by,
                "owner_user_id": p.owner,
                "co_owner_ids": sorted(p.co_owners),
                "representative_user_id": p.representative,
                "starts_at": p.starts_at,
                "expires_at": p.expires_at,
                "auto_extend": timedelta(days=30) if p.renews else None,
                "ended_at": facts.now if p.ended else None,
                "suspended_by": ["OPERATOR"] if p.state == "SUSPENDED" else [],
            }
            for p in facts.partnerships
        ],
        "attempts": [
            {
                "id": p.id,
                "partnership_id": p.id,
                "host_id": p.host,
                "guest_id": p.guest,
                "number": 1,
                "terms": TERMS,
                "submitted_by": p.requested_by,
                "submitted_at": facts.now,
                "host_decision": "APPROVED" if p.told else None,
                "lapses_at": facts.now,
            }
            for p in facts.partnerships
        ],
        "invitations": [
            {
                "token_hash": p.id.hex,
                "partnership_id": p.id,
                "attempt_id": p.id,
                "host_id": p.host,
                "guest_id": p.guest,
                "email": "x@people.example",
                "expires_at": facts.now,
            }
            for p in facts.partnerships
            if p.told
        ],
        "accounts": [
            {
                "id": a.id,
                "host_id": a.host,
                "kind": "ACCOUNT",
                "app": "x",
                "label": "x",
                "launch_url": "https://a.example",
                "status": a.status,
            }
            for a in facts.accounts
        ],
        "account_ownerships": [
            {"account_id": a.id, "user_id": owner, "host_id": a.host}
            for a in facts.accounts
            for owner in sorted(a.owners)
        ],
    }


def _place(share: Share) -> dict[str, Any]:
    p = share.partnership
    return {"partnership_id": p.id, "account_id": share.account.id, "host_id": p.host, "guest_id": p.guest}


def _under(facts: Facts) -> Rows:
    return {
        "shares": [
            {
                "id": s.id,
                **_place(s),
                "shared_by": s.shared_by,
                "state": s.state,
                "shared_at": facts.now,
                "expires_at": s.expires_at,
            }
            for s in facts.shares
        ],
        "grants": [
            {
                "id": g.id,
                "share_id": g.share.id,
                **_place(g.share),
                "user_id": g.person,
                "role": g.role,
                "state": g.state,
                "origin": "SHARE",
                "granted_by": g.share.shared_by,
                "granted_at": facts.now,
                "expires_at": g.expires_at,
            }
            for g in facts.grants
        ],
        "access_items": [
            {
                "id": i.id,
                "request_id": i.id,
                "share_id": i.share.id,
                **_place(i.share),
                "member_user_id": i.member,
                "requested_by": i.requested_by,
                "role": "COLLABORATOR",
                "state": i.state,
                "lapses_at": facts.now,
            }
            for i in facts.items
        ],
        "tickets": [
            {
                "id": g.id,
                "account_id": g.share.account.id,
                "host_id": g.share.account.host,
                "guest_id": g.share.partnership.guest,
                "grant_id": g.id,
                "user_id": g.person,
                "organisation_id": g.share.partnership.guest,
                "audience": "https://a.example",
                "issued_at": facts.now,
                "expires_at": facts.now,
            }
            for g in facts.grants
        ],
    }


def _activity(events: list[Event], now: datetime, *, platform: bool = False) -> list[dict[str, Any]]:
    lengths: dict[UUID, int] = defaultdict(int)
    rows = []
    for e in events:
        lengths[e.stream] += 1
        row = {
            "id": e.id,
            "stream_id": e.stream,
            "sequence": lengths[e.stream],
            "occurred_at": now,
            "type": e.kind,
            "actor_home_organisation_id": e.actor_home,
            "outcome": "SUCCESS",
            "actor_name": "x",
            "host_id": e.host,
            "guest_id": e.guest,
            "account_id": e.account,
            "data": "{}",
            "previous_hash": "x",
            "hash": "x",
        }
        if platform or e is not PLATFORM_EVENT:
            rows.append(row)
    return rows
