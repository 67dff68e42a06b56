"""Who sees what, written from model 4.7 alone: plain values and loops, and nothing of the product.

`sees_*` answers for one viewer and one thing; `is_foreign_*` says which rows no statement of a viewer's may ever
return, whatever it asks for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

LEADING = {"ORG_ADMIN", "LEGAL_REPRESENTATIVE", "DECISION_MAKER"}
NOBODY = UUID(int=0)


@dataclass(eq=False)
class Membership:
    id: UUID
    organisation: UUID
    person: UUID
    roles: frozenset[str]
    status: str
    delegated_admin: bool = False


@dataclass(eq=False)
class Person:
    id: UUID
    subject: str
    home: UUID
    operator: bool = False
    mfa: bool = True


@dataclass(eq=False)
class Partnership:
    id: UUID
    host: UUID
    guest: UUID
    state: str
    told: bool
    created_by: UUID
    requested_by: UUID
    owner: UUID | None
    co_owners: frozenset[UUID]
    representative: UUID | None
    starts_at: datetime | None
    expires_at: datetime | None
    ended: bool
    asked_by_guest: bool = False
    path: str = "HOST_REQUEST"
    renews: bool = False

    def is_owned_by(self, person: UUID) -> bool:
        return person == self.owner or person in self.co_owners


@dataclass(eq=False)
class Account:
    id: UUID
    host: UUID
    owners: frozenset[UUID]
    status: str


@dataclass(eq=False)
class Share:
    id: UUID
    partnership: Partnership
    account: Account
    shared_by: UUID
    state: str
    expires_at: datetime | None


@dataclass(eq=False)
class Grant:
    id: UUID
    share: Share
    person: UUID
    role: str
    state: str
    expires_at: datetime | None


@dataclass(eq=False)
class Item:
    id: UUID
    share: Share
    member: UUID
    requested_by: UUID
    state: str


@dataclass(eq=False)
class Event:
    id: UUID
    stream: UUID
    host: UUID | None
    account: UUID | None
    guest: UUID | None = None
    actor_home: UUID | None = None
    kind: str = "share.added"


@dataclass(eq=False)
class Policy:
    """What an organisation rules for its partners."""

    blocked: frozenset[UUID] = frozenset()
    allowed: frozenset[UUID] = frozenset()
    frozen: bool = False
    asks_mfa: bool = False


@dataclass
class Facts:
    """Everything there is in one world, at one instant."""

    now: datetime
    organisations: dict[UUID, UUID | None] = field(default_factory=dict)
    """Each organisation, and the one it was created for."""
    people: list[Person] = field(default_factory=list)
    memberships: list[Membership] = field(default_factory=list)
    partnerships: list[Partnership] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    suspended: set[UUID] = field(default_factory=set)
    """Organisations that the platform has suspended."""
    held: set[UUID] = field(default_factory=set)
    """Partners that the platform has suspended as such: their partnerships admit nobody, whatever those say yet."""

    def rests(self, p: Partnership) -> bool:
        """Does the platform keep everybody out of this partnership?"""
        return bool({p.host, p.guest} & self.suspended) or p.guest in self.held

    policies: dict[UUID, Policy] = field(default_factory=dict)

    def bars(self, p: Partnership) -> bool:
        """Does either side block the other, or does the host allow others alone? (4.2)"""
        host, guest = self.policies.get(p.host, Policy()), self.policies.get(p.guest, Policy())
        blocked = p.guest in host.blocked or p.host in guest.blocked
        return blocked or (bool(host.allowed) and p.guest not in host.allowed)


class Viewer:
    """One person in one world."""

    def __init__(self, facts: Facts, person: Person) -> None:
        self.facts = facts
        self.person = person.id
        self.operator = person.operator
        self.mfa = person.mfa
        self.delegated = {
            m.organisation
            for m in facts.memberships
            if m.person == person.id and m.status == "ACTIVE" and m.delegated_admin and m.roles - {"AUDITOR"}
        }
        self.roles = {
            m.organisation: m.roles for m in facts.memberships if m.person == person.id and m.status == "ACTIVE"
        }

    # --- what the person is, where

    def works_in(self, organisation: UUID) -> bool:
        """An auditor alone reads activity and nothing else."""
        return bool(self.roles.get(organisation, frozenset()) - {"AUDITOR"})

    def is_admin(self, organisation: UUID) -> bool:
        return "ORG_ADMIN" in self.roles.get(organisation, ())

    def leads(self, organisation: UUID) -> bool:
        return bool(self.roles.get(organisation, frozenset()) & LEADING)

    def audits(self, organisation: UUID) -> bool:
        return "AUDITOR" in self.roles.get(organisation, ())

    def _is_at_work(self, person: UUID, organisation: UUID) -> bool:
        return any(
            m.person == person and m.organisation == organisation and m.status == "ACTIVE"
            for m in self.facts.memberships
        )

    def _is_over(self, end: datetime | None) -> bool:
        return end is not None and end <= self.facts.now

    def _is_past_its_end(self, p: Partnership) -> bool:
        """One that renews itself has no end while it is active; a suspended one does not renew itself (4.4.6)."""
        return self._is_over(p.expires_at) and not (p.renews and p.state == "ACTIVE")

    def _is_live(self, p: Partnership) -> bool:
        begun = p.starts_at is not None and p.starts_at <= self.facts.now
        within = p.state == "ACTIVE" and begun and not self._is_past_its_end(p)
        return within and not self.facts.rests(p) and self._is_admitted(p)

    def _is_admitted(self, p: Partnership) -> bool:
        """By the policies of both sides, with the factors that this person has shown (4.5, condition 4)."""
        policy = self.facts.policies.get(p.host, Policy())
        return not (policy.frozen or (policy.asks_mfa and not self.mfa) or self.facts.bars(p))

    def _lives(self, grant: Grant) -> bool:
        return grant.state == "ACTIVE" and not self._is_over(grant.expires_at)

    def _owns(self, account: Account) -> bool:
        return self.works_in(account.host) and self.person in account.owners

    def _owns_partnership(self, p: Partnership) -> bool:
        return self.works_in(p.host) and p.is_owned_by(self.person)

    def _sees_at_host(self, account: Account) -> bool:
        """The own accounts; leaders also those that nobody active owns (S77)."""
        ownerless = not any(self._is_at_work(owner, account.host) for owner in account.owners)
        return self._owns(account) or (self.leads(account.host) and ownerless)

    # --- the rows of 4.7

    def sees_partnership(self, p: Partnership) -> bool:
        if self.leads(p.host) or self._owns_partnership(p):
            return True
        created = self.person == p.created_by and p.path != "GUEST_REQUEST"
        asks = self.person == p.requested_by and not p.asked_by_guest
        if self.works_in(p.host) and (created or asks):
            return True
        if not p.told:
            return False
        connected = p.state in {"ACTIVE", "SUSPENDED"} and not self._is_past_its_end(p)
        if self.is_admin(p.guest) or (p.guest in self.delegated and connected):
            return True
        granted = any(
            g.share.partnership is p and g.person == self.person and self._lives(g) for g in self.facts.grants
        )
        represents = p.representative == self.person and not p.ended
        return self.works_in(p.guest) and (granted or represents) and not self._is_past_its_end(p)

    def sees_share(self, s: Share) -> bool:
        p = s.partnership
        if self._owns_partnership(p) or self._sees_at_host(s.account) or self.is_admin(p.guest):
            return True
        granted = any(g.share is s and g.person == self.person and self._lives(g) for g in self.facts.grants)
        return self.works_in(p.guest) and granted and s.state != "REMOVED" and self._is_live(p)

    def sees_account(self, a: Account) -> bool:
        if self._sees_at_host(a):
            return True
        for s in self.facts.shares:
            if s.account is not a:
                continue
            if self._owns_partnership(s.partnership) and s.state != "REMOVED":
                return True
            if self.is_admin(s.partnership.guest) and s.state != "REMOVED" and self._is_live(s.partnership):
                return True
        return self._may_sign_in(a)

    def _may_sign_in(self, a: Account) -> bool:
        return any(
            g.share.account is a
            and g.person == self.person
            and self._lives(g)
            and g.share.state == "ACTIVE"
            and not self._is_over(g.share.expires_at)
            and self._is_live(g.share.partnership)
            and self.works_in(g.share.partnership.guest)
            and a.status == "ACTIVE"
            for g in self.facts.grants
        )

    def sees_grant(self, g: Grant) -> bool:
        """Guest people see their own, and their colleagues' on what is shared with them too (S78)."""
        same = any(o.share is g.share and o.person == self.person and self._lives(o) for o in self.facts.grants)
        return self._sees_guest_person(g) or self._sees_as_colleague(g, same)

    def sees_holder(self, g: Grant) -> bool:
        """Does the viewer know that this person has access? Colleagues also by what is not shared with the viewer."""
        p = g.share.partnership
        some = any(o.share.partnership is p and o.person == self.person and self._lives(o) for o in self.facts.grants)
        return self._sees_guest_person(g) or self._sees_as_colleague(g, some)

    def _sees_guest_person(self, g: Grant) -> bool:
        s, p = g.share, g.share.partnership
        if self.leads(p.host) or self._owns(s.account) or self.is_admin(p.guest):
            return True
        if not self._owns_partnership(p):
            return False
        taken_over = not self._is_at_work(s.shared_by, p.host)
        return s.shared_by == self.person or taken_over or p.representative == g.person

    def _sees_as_colleague(self, g: Grant, shared: bool) -> bool:
        p = g.share.partnership
        return self.works_in(p.guest) and (
            g.person == self.person or (g.state == "ACTIVE" and shared and self._is_live(p))
        )

    def sees_item(self, i: Item) -> bool:
        p = i.share.partnership
        mine = self.person in {i.member, i.requested_by} and self.works_in(p.guest)
        return self._owns(i.share.account) or self.is_admin(p.guest) or mine

    def sees_event(self, e: Event) -> bool:
        if self.leads(e.stream) or self.audits(e.stream):
            return True
        if e.stream == NOBODY:
            return self.operator
        own = any(self._owns(account) for account in self.facts.accounts if account.id == e.account)
        return e.stream == e.host and own

    def knows_account_of(self, e: Event) -> bool:
        """Of an event that the viewer sees: may its account be named? (Q31)"""
        if e.account is None or self.audits(e.stream) or e.stream != e.host:
            return True
        return any(self._sees_at_host(account) for account in self.facts.accounts if account.id == e.account)

    def sees_membership(self, m: Membership) -> bool:
        return m.person == self.person or self.is_admin(m.organisation)

    def finds_member(self, m: Membership) -> bool:
        """By search (Q15)."""
        organisation = m.organisation
        if not self.works_in(organisation) or m.status != "ACTIVE":
            return False
        manages = any(
            g.person == self.person
            and g.role == "ACCOUNT_MANAGER"
            and self._lives(g)
            and g.share.partnership.guest == organisation
            and self._is_live(g.share.partnership)
            for g in self.facts.grants
        )
        owns = any(a.host == organisation and self.person in a.owners for a in self.facts.accounts)
        leads = any(
            p.host == organisation and p.is_owned_by(self.person) and not p.ended for p in self.facts.partnerships
        )
        return manages or owns or leads

    # --- the wall between tenants

    def is_mine(self, *organisations: UUID | None) -> bool:
        return any(organisation in self.roles for organisation in organisations)

    def is_foreign_partnership(self, p: Partnership) -> bool:
        return not (self.is_mine(p.host) or (self.is_mine(p.guest) and p.told))

    def partners(self) -> set[UUID]:
        """The other sides of partnerships that both sides know of."""
        told = [p for p in self.facts.partnerships if p.told]
        return {p.guest for p in told if self.is_mine(p.host)} | {p.host for p in told if self.is_mine(p.guest)}

    def is_foreign_organisation(self, organisation: UUID) -> bool:
        """The host also knows whom it has asked, from the first moment; a person every place of the own past."""
        asked = {p.guest for p in self.facts.partnerships if self.is_mine(p.host)}
        created = self.is_mine(self.facts.organisations[organisation])
        past = {m.organisation for m in self.facts.memberships if m.person == self.person}
        known = self.partners() | asked | past
        return not (self.is_mine(organisation) or created or organisation in known or self.operator)

    def is_foreign_membership(self, m: Membership) -> bool:
        return not (self.is_mine(m.organisation) or m.organisation in self.partners() or m.person == self.person)

    def is_foreign_person(self, person: Person) -> bool:
        known = any(m.person == person.id and not self.is_foreign_membership(m) for m in self.facts.memberships)
        return not (known or person.id == self.person)

    def is_foreign_account(self, a: Account) -> bool:
        shared = any(s.account is a and self.is_mine(s.partnership.guest) for s in self.facts.shares)
        return not (self.is_mine(a.host) or shared)

    def is_foreign_pair(self, p: Partnership) -> bool:
        """Of what lies between two organisations."""
        return not self.is_mine(p.host, p.guest)

    def is_foreign_event(self, e: Event) -> bool:
        return not (self.is_mine(e.stream) or (self.operator and e.stream == NOBODY))
