"""Delegated roles and the partner's role groups (4.4.3)."""

from __future__ import annotations

from tests.properties.oracle.judging import Judging
from tests.properties.oracle.state import RUNNING, Delegation, Partnership


class RoleActs(Judging):
    """Enabling, filling, clearing."""

    def current(self, p: Partnership) -> dict[str, Delegation]:
        """The active delegations by role."""
        return {d.role: d for d in self.delegations if d.partnership is p and d.state == "ACTIVE"}

    def of_record(self, p: Partnership) -> bool:
        return any(
            (link.customer, link.partner, link.kind, link.status) == (p.host, p.guest, "PARTNER_OF_RECORD", "ACTIVE")
            for link in self.links
        )

    def set_delegated_roles(self, who: str, org: str, p: Partnership, roles: set[str], addresses: bool) -> None:
        """The dialog: these roles from now on (S120)."""
        self.may(who, org)
        self.right(org == p.host and self.leads(who, org), self.sees(who, org, p))
        now = self.current(p)
        added, cleared = roles - now.keys(), now.keys() - roles
        if added:
            self._enabling(p)
            self.need(addresses, "BAD_USER_INPUT")
        self.need(p.state in RUNNING, "INVALID_STATE")
        self.doubt("INVALID_STATE", when=self.due(p) or (not added and p.state == "SUSPENDED" and not cleared))
        self.doubt("BAD_USER_INPUT", "INVALID_STATE", when=not added and not cleared)
        self.go()
        for role in sorted(cleared):
            self.end_delegation(now[role])
        for role in sorted(added):
            self._enable(p, role)

    def delegate_roles(self, who: str, org: str, p: Partnership, roles: set[str]) -> None:
        self.may(who, org)
        self.right(org == p.host and self.leads(who, org), self.sees(who, org, p))
        added = roles - self.current(p).keys()
        self._enabling(p)
        self.doubt("INVALID_STATE", "CONFLICT", "BAD_USER_INPUT", when=added != roles)
        self.go()
        for role in sorted(added):
            self._enable(p, role)

    def clear_roles(self, who: str, org: str, p: Partnership, roles: set[str]) -> None:
        self.may(who, org)
        self.right(org == p.host and self.leads(who, org), self.sees(who, org, p))
        now = self.current(p)
        self.need(p.state in RUNNING, "INVALID_STATE")
        self.doubt("INVALID_STATE", "NOT_FOUND", "BAD_USER_INPUT", when=not roles <= now.keys() or self.due(p))
        self.go()
        for role in sorted(roles & now.keys()):
            self.end_delegation(now[role])

    def _enabling(self, p: Partnership) -> None:
        self.need(p.state == "ACTIVE" and not self.due(p), "INVALID_STATE")
        free = not self.organisations[p.host].policy.only_partner_of_record
        self.need(free or self.of_record(p), "PREREQUISITE_MISSING", "FORBIDDEN", "INVALID_STATE")

    def _enable(self, p: Partnership, role: str) -> None:
        number = 1 + sum(d.partnership is p and d.role == role for d in self.delegations)
        self.delegations.append(Delegation(p, role, number))
        self.both(p, "delegation.enabled")

    def _group(self, who: str, org: str, group: Delegation) -> None:
        self.may(who, org)
        p = group.partnership
        policy = self.organisations[p.guest].policy
        represents = policy.representative_manages and who == p.representative
        sees: bool | None = self.admin(who, org) if org == p.guest else None
        self.right(org == p.guest and (self.admin(who, org) or represents), sees or None)
        self.need(group.state == "ACTIVE", "INVALID_STATE", "NOT_FOUND")
        self.doubt("INVALID_STATE", when=p.state != "ACTIVE" or self.due(p))

    def add_role_group_member(self, who: str, org: str, group: Delegation, person: str) -> None:
        """One person of the bulk act."""
        self._group(who, org, group)
        self.need(self.active(person, group.partnership.guest), "NOT_FOUND", "BAD_USER_INPUT")
        self.doubt("NOT_FOUND", "BAD_USER_INPUT", when=not self.works(person, group.partnership.guest))
        self.doubt("CONFLICT", "INVALID_STATE", "BAD_USER_INPUT", when=person in group.members)
        self.go()
        self.both(group.partnership, "rolegroup.member_added", changes=person not in group.members)
        group.members.add(person)

    def remove_role_group_member(self, who: str, org: str, group: Delegation, person: str) -> None:
        """One person of the bulk act."""
        self._group(who, org, group)
        self.doubt("NOT_FOUND", "INVALID_STATE", "BAD_USER_INPUT", when=person not in group.members)
        self.go()
        self.both(group.partnership, "rolegroup.member_removed", changes=person in group.members)
        group.members.discard(person)
