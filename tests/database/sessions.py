"""Random worlds in which people act elsewhere, on both levels and in both roles, and what they are shown (4.7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final
from uuid import UUID

from tests.database.oracle import Facts, Partnership, Person, Policy, Viewer
from tests.world import World

LEVELS: Final = ("SUPPORT", "MANAGE")
ROLES: Final = ("DECISION_MAKER", "PHONE_MANAGER")
PAIR: Final = "partnership_id, host_id, guest_id"


@dataclass(frozen=True)
class Acting:
    """One session: whose, under which partnership, and as what."""

    id: UUID
    person: Person
    partnership: Partnership
    given: str
    complete: bool

    @property
    def manages(self) -> bool:
        return self.given == "MANAGE"

    def within(self, facts: Facts) -> Viewer:
        """The wall between tenants, as it stands for who acts: everything is the host's, whoever its partners are."""
        viewer = Viewer(facts, self.person)
        viewer.operator = False
        viewer.roles = {self.partnership.host: frozenset()}
        return viewer

    def admissible(self, facts: Facts) -> dict[str, set[UUID]]:
        """What somebody acting may meet, per table: nothing of the host's other partners (model 4.7)."""
        p, me = self.partnership, self.person.id
        own = {m.organisation for m in facts.memberships if m.person == me}
        under = [s for s in facts.shares if s.partnership is p] if self.manages else []
        shared = {s.account.id for s in under}
        reading, leading = self.given != "PHONE_MANAGER", self.given in {"MANAGE", "DECISION_MAKER"}
        return {
            "organisations": {p.host, p.guest, self.person.home, *own},
            "users": {m.person for m in facts.memberships if m.organisation in {p.host, p.guest}} | {me},
            "memberships": {
                m.id for m in facts.memberships if m.person == me or (leading and m.organisation == p.host)
            },
            "partnerships": {p.id},
            "attempts": {p.id},
            "accounts": {
                a.id for a in facts.accounts if self.manages and a.host == p.host and (self.complete or a.id in shared)
            },
            "shares": {s.id for s in under},
            "grants": {g.id for g in facts.grants if g.share in under},
            "access_items": set(),
            "activity_events": {
                e.id
                for e in facts.events
                if reading and e.stream == p.host and e.guest in {None, p.guest} and e.host in {None, p.host}
            },
            "acting_sessions": {self.id},
        }


def live(facts: Facts) -> list[tuple[Partnership, Person]]:
    """Partnerships under which somebody can act, and a person of the guest who is nobody at the host."""
    found = []
    for p in facts.partnerships:
        begun = p.starts_at is not None and p.starts_at <= facts.now
        if p.state != "ACTIVE" or not begun or (p.expires_at is not None and p.expires_at <= facts.now):
            continue
        policy = facts.policies.get(p.host, Policy())
        if facts.bars(p) or policy.frozen or policy.asks_mfa or facts.rests(p):
            continue
        active = [m for m in facts.memberships if m.status == "ACTIVE"]
        at_host = {m.person for m in active if m.organisation == p.host}
        working = {m.person for m in active if m.organisation == p.guest and m.roles - {"AUDITOR"}}
        found += [(p, person) for person in facts.people if person.id in working - at_host][:1]
    return found


async def let_act(world: World, facts: Facts, chance: Random) -> list[Acting]:
    """Give people of guests levels and roles, and let them open a session on each; past every service."""
    made = []
    for p, person in live(facts):
        complete = chance.random() < 0.5
        await _grant(world, p, person, chance, complete=complete)
        given = dict.fromkeys(LEVELS) | {role: await _group(world, p, person, chance, role) for role in ROLES}
        for one, group in given.items():
            key = UUID(int=chance.getrandbits(128))
            level, role = (one, None) if one in LEVELS else (None, one)
            await world.owner.execute(
                f"INSERT INTO accord.acting_sessions (id, user_id, {PAIR.replace('guest_id', 'home_id')}, basis, level,"
                " role_key, role_group_id, state, started_at, used_at, ends_at, ip, user_agent)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'ACTIVE', $10, $10, $11, '', '')",
                *(key, person.id, p.id, p.host, p.guest, "LEVEL" if level else "ROLE_GROUP", level, role, group),
                *(facts.now, facts.now + timedelta(minutes=60)),
            )
            made.append(Acting(key, person, p, one, complete))
    return made


async def _grant(world: World, p: Partnership, person: Person, chance: Random, *, complete: bool) -> None:
    """MANAGE on the partnership, under a link, for a delegated admin of the guest."""
    link = UUID(int=chance.getrandbits(128))
    await world.owner.execute(
        "INSERT INTO accord.partner_links (id, customer_id, partner_id, kind, created_by)"
        " VALUES ($1, $2, $3, 'RESELLER', 'staff')",
        *(link, p.host, p.guest),
    )
    mode = "COMPLETE" if complete else "LIMITED"
    await world.owner.execute(
        "UPDATE accord.partnerships SET granted_level = 'MANAGE', level_changed_by = $4, level_changed_at = now(),"
        " access_mode = $2, link_id = $3 WHERE id = $1",
        *(p.id, mode, link, p.requested_by),
    )
    await world.owner.execute(
        "UPDATE accord.memberships SET delegated_admin = true"
        " WHERE user_id = $1 AND organisation_id = $2 AND status = 'ACTIVE'",
        *(person.id, p.guest),
    )


async def _group(world: World, p: Partnership, person: Person, chance: Random, role: str) -> UUID:
    """The group of a delegated role, with the person in it."""
    delegation, group = UUID(int=chance.getrandbits(128)), UUID(int=chance.getrandbits(128))
    pair = (p.id, p.host, p.guest)
    await world.owner.execute(
        f"INSERT INTO accord.role_delegations (id, {PAIR}, role, state, notify_addresses, granted_by, granted_at)"
        " VALUES ($1, $2, $3, $4, $5, 'ACTIVE', '{x@people.example}', $6, now())",
        *(delegation, *pair, role, p.requested_by),
    )
    await world.owner.execute(
        f"INSERT INTO accord.role_groups (id, {PAIR}, role, delegation_id, state)"
        " VALUES ($1, $2, $3, $4, $5, $6, 'ACTIVE')",
        *(group, *pair, role, delegation),
    )
    await world.owner.execute(
        f"INSERT INTO accord.role_group_members (group_id, {PAIR}, user_id, added_by, added_at)"
        " VALUES ($1, $2, $3, $4, $5, $5, now())",
        *(group, *pair, person.id),
    )
    return group
