"""What follows from what stands: who holds which role, who sees what, who may use which account now."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from tests.properties.oracle.state import (
    RUNNING,
    Account,
    Amendment,
    Delegation,
    Grant,
    Item,
    Link,
    Member,
    Organisation,
    Partnership,
    Session,
    Share,
    least,
)

GATE = "FORBIDDEN AT THE FIELD"


class Refusal(Exception):
    """The model refuses; any of these codes is right."""

    def __init__(self, codes: set[str]) -> None:
        super().__init__(", ".join(sorted(codes)))
        self.codes = codes


class Undecided(Exception):
    """The model leaves it open, and the product refused."""


class Disagreement(AssertionError):
    """The product and the model say different things."""


class Facts:
    """Everything that stands, and questions about it; nothing here changes anything."""

    def __init__(self) -> None:
        self.now = datetime(2000, 1, 1, tzinfo=UTC)
        self.organisations: dict[str, Organisation] = {}
        self.without_mfa: set[str] = set()
        self.members: dict[tuple[str, str], Member] = {}
        self.links: list[Link] = []
        self.partnerships: list[Partnership] = []
        self.accounts: dict[str, Account] = {}
        self.shares: list[Share] = []
        self.grants: list[Grant] = []
        self.items: list[Item] = []
        self.delegations: list[Delegation] = []
        self.sessions: list[Session] = []
        self.amendments: list[Amendment] = []
        self.events: Counter[tuple[str, str]] = Counter()
        self.perhaps: Counter[tuple[str, str]] = Counter()
        self.outcome: str | None = None
        self.failing: set[str] = set()
        self.doubts: set[str] = set()

    def active(self, person: str | None, organisation: str) -> bool:
        member = self.members.get((organisation, person or ""))
        return member is not None and member.status == "ACTIVE"

    def holds(self, person: str | None, organisation: str, *roles: str) -> bool:
        """Has an active membership with one of these roles."""
        return self.active(person, organisation) and bool(self.members[organisation, person or ""].roles & set(roles))

    def works(self, person: str, organisation: str) -> bool:
        """Is more there than somebody who reads activity."""
        return self.active(person, organisation) and self.members[organisation, person].roles != {"AUDITOR"}

    def admin(self, person: str | None, organisation: str) -> bool:
        return self.holds(person, organisation, "ORG_ADMIN")

    def leads(self, person: str | None, organisation: str) -> bool:
        """Host admin, legal representative or Decision Maker."""
        return self.holds(person, organisation, "ORG_ADMIN", "LEGAL_REPRESENTATIVE", "DECISION_MAKER")

    def holders(self, organisation: str, role: str) -> list[Member]:
        """Active members with this role, the longest-standing first."""
        found = [
            m
            for m in self.members.values()
            if m.organisation == organisation and self.holds(m.person, organisation, role)
        ]
        return sorted(found, key=lambda m: m.since)

    def admins(self, organisation: str) -> list[str]:
        """Active admins, the longest-standing first."""
        return [m.person for m in self.holders(organisation, "ORG_ADMIN")]

    def owns(self, person: str | None, p: Partnership) -> bool:
        """Is Partnership Owner or co-owner, and still of the host."""
        return self.active(person, p.host) and (person == p.owner or person in p.co_owners)

    def account_owner(self, person: str, account: Account) -> bool:
        return person in account.owners and self.active(person, account.host)

    def owned(self, account: Account) -> bool:
        """Has an owner who is still active."""
        return any(self.active(person, account.host) for person in account.owners)

    def admin_sees(self, person: str, account: Account) -> bool:
        """S77: a host admin sees an account that it owns, or that nobody active owns."""
        if not self.admin(person, account.host):
            return False
        return person in account.owners or not self.owned(account)

    def due(self, p: Partnership) -> bool:
        """Its end has come, whether or not anybody wrote it down."""
        end = p.expires_at if p.state in RUNNING or not p.attempts else p.last.expires_at
        return end is not None and self.now >= end

    def lapsed(self, p: Partnership) -> bool:
        return p.lapses_at is not None and self.now >= p.lapses_at

    def ceiling(self, p: Partnership) -> str:
        link = p.link.ceiling if p.link and p.link.status == "ACTIVE" else None
        return least(self.organisations[p.guest].ceiling, link)

    def open(self, p: Partnership) -> bool:
        """Neither a status of an organisation nor the host's policy denies it (conditions 2 and 4)."""
        host, guest = self.organisations[p.host], self.organisations[p.guest]
        if guest.status != "ACTIVE" or host.status != "ACTIVE" or guest.partner_status == "SUSPENDED":
            return False
        return not host.policy.frozen and (not host.policy.allowed or p.guest in host.policy.allowed)

    def runs(self, p: Partnership, person: str) -> bool:
        """Conditions 1 to 4 of the decision for a person of the guest."""
        if not self.active(person, p.guest) or p.state != "ACTIVE" or self.due(p) or not self.open(p):
            return False
        return not (self.organisations[p.host].policy.require_mfa and person in self.without_mfa)

    def valid(self, grant: Grant) -> bool:
        """ACTIVE, and before its end."""
        return grant.state == "ACTIVE" and (grant.expires_at is None or self.now < grant.expires_at)

    def usable(self, person: str, grant: Grant) -> bool:
        share = grant.share
        if grant.person != person or not self.valid(grant):
            return False
        return share.state == "ACTIVE" and share.account.status == "ACTIVE" and self.runs(share.partnership, person)

    def reachable(self, person: str) -> set[str]:
        """Accounts of other organisations that a person can sign in to now."""
        return {grant.share.account.name for grant in self.grants if self.usable(person, grant)}

    def grant_of(self, share: Share, person: str) -> Grant | None:
        """The active grant of a person on a share."""
        return next((g for g in self.grants if g.share is share and g.person == person and g.state == "ACTIVE"), None)

    def delegates(self, person: str, organisation: str) -> bool:
        """Is a delegated admin, who sees the organisation's customers in the tree, acted in or not (4.7)."""
        return self.works(person, organisation) and self.members[organisation, person].delegated_admin

    def touched(self, person: str, p: Partnership) -> bool:
        """Something in the partnership names this person of the guest, now or before."""
        mine = {p.representative, *(a.by for a in p.attempts)}
        mine |= {g.person for g in self.grants if g.share.partnership is p}
        mine |= {i.person for i in self.items if i.share.partnership is p}
        mine |= {m for d in self.delegations if d.partnership is p for m in d.members}
        return person in mine

    def sees(self, person: str, organisation: str, p: Partnership) -> bool | None:
        """Visibility (4.7) of a partnership to who acts for an organisation; None where the model is vague."""
        if organisation == p.host:
            if self.leads(person, p.host) or self.owns(person, p) or person == p.requester:
                return True
            mine = any(s.partnership is p and person in s.account.owners for s in self.shares)
            return None if mine or self.sees_elsewhere(person, organisation, p) else False
        if organisation == p.guest:
            if self.admin(person, p.guest):
                again = p.state == "AWAITING_HOST_APPROVAL" and len(p.attempts) > 1
                return None if again else p.told
            if self.delegates(person, p.guest) and p.state in RUNNING:
                return True
            return None if self.touched(person, p) or self.sees_elsewhere(person, organisation, p) else False
        return None if self.sees_elsewhere(person, organisation, p) else False

    def sees_elsewhere(self, person: str, organisation: str, p: Partnership) -> bool:
        """Might see it when acting for another organisation."""
        return any(self.active(person, other) for other in {p.host, p.guest} - {organisation})

    def sees_share(self, person: str, organisation: str, share: Share) -> bool | None:
        p = share.partnership
        if organisation == p.host:
            if self.owns(person, p) or self.account_owner(person, share.account):
                return True
            return None if self.leads(person, p.host) or self.sees_elsewhere(person, organisation, p) else False
        if organisation == p.guest and self.admin(person, p.guest):
            return True
        mine = organisation == p.guest and self.touched(person, p)
        return None if mine or self.sees_elsewhere(person, organisation, p) else False
