"""The platform's staff: links, ceilings, status (4.3 OPERATOR)."""

from __future__ import annotations

from tests.properties.oracle.judging import Judging
from tests.properties.oracle.state import LEVELS, RUNNING, WAITING, Link, Partnership, least


class OperatorActs(Judging):
    """No right to anybody's data; who is none of them is refused at the field."""

    def _staff(self, staff: bool) -> None:
        self.right(staff, None)

    def link_partner(self, staff: bool, customer: str, partner: str, kind: str, ceiling: str | None) -> None:
        self._staff(staff)
        other = self.organisations[partner]
        live = [p for p in self.partnerships if (p.host, p.guest) == (customer, partner) and p.live]
        links = [link for link in self.links if link.customer == customer and link.status == "ACTIVE"]
        self.need(customer != partner, "BAD_USER_INPUT", "CONFLICT", "INVALID_STATE")
        self.need(self.organisations[customer].status == "ACTIVE", "INVALID_STATE", "NOT_FOUND")
        fit = other.program != "NONE" and other.partner_status == "ACTIVE"
        self.need(fit, "PREREQUISITE_MISSING", "INVALID_STATE", "BAD_USER_INPUT")
        record = kind == "PARTNER_OF_RECORD" and any(link.kind == kind for link in links)
        self.need(not record, "CONFLICT", "INVALID_STATE", "BAD_USER_INPUT")
        self.need(all(p.state in RUNNING for p in live), "CONFLICT", "INVALID_STATE")
        self.need(all(link.partner != partner for link in links), "CONFLICT", "INVALID_STATE")
        self.doubt("CONFLICT", "INVALID_STATE", when=any(self.due(p) for p in live) or other.status != "ACTIVE")
        self.go()
        link = Link(customer, partner, kind, ceiling)
        self.links.append(link)
        self.tell("link.created", customer, partner)
        if live:
            live[0].link = link
            self._bound(live[0])
            return
        number = 1 + sum((p.host, p.guest) == (customer, partner) for p in self.partnerships)
        p = Partnership(customer, partner, number, "VENDOR_LINK", "ACTIVE", told=True, link=link)
        p.owner, p.representative = self.admins(customer)[0], self.admins(partner)[0]
        p.purposes = frozenset({"MANAGEMENT"})
        self.partnerships.append(p)

    def _bound(self, p: Partnership) -> None:
        """Granted is never above the ceiling; what was lowered stays low (Q5)."""
        p.granted = least(p.granted, self.ceiling(p))

    def end_partner_link(self, staff: bool, link: Link) -> None:
        self._staff(staff)
        self.need(link.status == "ACTIVE", "INVALID_STATE")
        self.go()
        link.status = "ENDED"
        self.tell("link.ended", link.customer, link.partner)
        for p in [p for p in self.partnerships if p.link is link and p.state in RUNNING]:
            if p.path == "VENDOR_LINK":
                self.end_partnership(p, "TERMINATED")
                self.both(p, "partnership.terminated")
            else:
                p.link = None

    def set_link_ceiling(self, staff: bool, link: Link, ceiling: str | None) -> None:
        self._staff(staff)
        self.need(link.status == "ACTIVE", "INVALID_STATE", "NOT_FOUND")
        self.doubt("BAD_USER_INPUT", "INVALID_STATE", when=ceiling == link.ceiling)
        self.go()
        bound = [p for p in self.partnerships if p.link is link and p.live]
        before = [self.ceiling(p) for p in bound]
        link.ceiling = ceiling
        moves = before != [self.ceiling(p) for p in bound]
        self.tell("level.ceiling_set", link.customer, link.partner, changes=moves)
        self._lower(bound)

    def set_contract_ceiling(self, who: str | None, org: str | None, partner: str, ceiling: str | None) -> None:
        """By staff (nobody named), or by an admin of the direct parent, never above the parent's own."""
        other = self.organisations[partner]
        if who is not None and org is not None:
            self.may(who, org)
            self.right(self.admin(who, org) and other.parent == org, None)
            own = LEVELS.index(self.organisations[org].ceiling or "MANAGE")
            self.need(LEVELS.index(ceiling or "MANAGE") <= own, "CEILING_EXCEEDED")
            self.doubt("FORBIDDEN", "INVALID_STATE", when=self.organisations[org].partner_status != "ACTIVE")
        self.need(other.program != "NONE", "PREREQUISITE_MISSING", "INVALID_STATE", "NOT_FOUND", "BAD_USER_INPUT")
        self.doubt("BAD_USER_INPUT", "INVALID_STATE", when=ceiling == other.ceiling)
        if who is None:
            above = other.parent and self.organisations[other.parent].ceiling
            self.doubt("CEILING_EXCEEDED", when=LEVELS.index(ceiling or "MANAGE") > LEVELS.index(above or "MANAGE"))
        self.go()
        self.tell("level.ceiling_set", partner, changes=(ceiling or "MANAGE") != (other.ceiling or "MANAGE"))
        self._contract(partner, ceiling)
        for below in self._below(partner):
            self._contract(below, self._bounded(below))

    def _contract(self, partner: str, ceiling: str | None) -> None:
        """A contract's ceiling, and what follows for what was granted under it."""
        other = self.organisations[partner]
        other.ceiling = ceiling
        bound = [p for p in self.partnerships if p.guest == partner and p.live]
        self.tell("level.ceiling_set", partner, *(p.host for p in bound), other.parent, changes=False)
        self._lower(bound)

    def _below(self, partner: str) -> list[str]:
        """The sub-partners, nearer ones first: no contract is above its parent's (Q5)."""
        near = [o.name for o in self.organisations.values() if o.parent == partner]
        return near + [far for one in near for far in self._below(one)]

    def _bounded(self, partner: str) -> str | None:
        one = self.organisations[partner]
        above = self.organisations[one.parent].ceiling if one.parent else None
        return one.ceiling if above is None else least(one.ceiling, above)

    def _lower(self, touched: list[Partnership]) -> None:
        for p in touched:
            before = p.granted
            self._bound(p)
            if p.granted != before:
                self.both(p, "level.revoked" if p.granted == "NONE" else "level.reduced")

    def set_partner_status(self, staff: bool, partner: str, program: str, status: str, parent: str | None) -> None:
        self._staff(staff)
        other = self.organisations[partner]
        self.need(not self._circle(partner, parent), "BAD_USER_INPUT", "CONFLICT", "INVALID_STATE")
        if parent is not None:
            self.need(
                self.organisations[parent].program != "NONE",
                "NOT_FOUND",
                "BAD_USER_INPUT",
                "PREREQUISITE_MISSING",
                "INVALID_STATE",
            )
            self.doubt("BAD_USER_INPUT", "PREREQUISITE_MISSING", "INVALID_STATE", when=self._odd(parent))
            above = self.organisations[parent].ceiling
            higher = LEVELS.index(other.ceiling or "MANAGE") > LEVELS.index(above or "MANAGE")
            self.doubt("CEILING_EXCEEDED", "BAD_USER_INPUT", when=higher)
        self.doubt("INVALID_STATE", "BAD_USER_INPUT", when=self.organisations[partner].status != "ACTIVE")
        self.go()
        was = other.partner_status
        moves = (other.program, was, other.parent) != (program, status, parent)
        self.tell("organisation.partner_changed", partner, changes=moves)
        other.program, other.partner_status, other.parent = program, status, parent
        for one in [partner, *self._below(partner)]:
            if self.organisations[one].ceiling != self._bounded(one):
                self._contract(one, self._bounded(one))
        if was == status:
            return
        for p in [p for p in self.partnerships if p.guest == partner and p.state in RUNNING]:
            if status == "SUSPENDED":
                p.state = "SUSPENDED"
                p.suspended_by.add("OPERATOR")
                self.both(p, "partnership.suspended")
            elif "OPERATOR" in p.suspended_by:
                p.suspended_by.discard("OPERATOR")
                p.state = "SUSPENDED" if p.suspended_by else "ACTIVE"
                self.both(p, "partnership.resumed")

    def _odd(self, organisation: str) -> bool:
        return self.organisations[organisation].partner_status != "ACTIVE"

    def _circle(self, partner: str, parent: str | None) -> bool:
        while parent is not None:
            if parent == partner:
                return True
            parent = self.organisations[parent].parent
        return False

    def set_organisation_status(self, staff: bool, organisation: str, status: str) -> None:
        self._staff(staff)
        one = self.organisations[organisation]
        self.need(one.status != "CLOSED" or status == "CLOSED", "INVALID_STATE")
        self.doubt("INVALID_STATE", "BAD_USER_INPUT", when=status == one.status)
        self.go()
        self.tell("organisation.status_changed", organisation, changes=one.status != status)
        one.status = status
        if status != "CLOSED":
            return
        for p in [p for p in self.partnerships if p.live and organisation in (p.host, p.guest)]:
            waits = p.state in WAITING | {"DECLINED_BY_GUEST"}
            if waits:
                p.state = "WITHDRAWN"
            else:
                self.end_partnership(p, "TERMINATED")
            self.both(p, "partnership.withdrawn" if waits else "partnership.terminated")
        for link in [n for n in self.links if n.status == "ACTIVE" and organisation in (n.customer, n.partner)]:
            link.status = "ENDED"
            self.tell("link.ended", link.customer, link.partner)

    def set_partners_enabled(self, staff: bool, organisation: str, enabled: bool) -> None:
        self._staff(staff)
        one = self.organisations[organisation]
        self.doubt("INVALID_STATE", when=one.enabled == enabled)
        self.go()
        self.tell("organisation.partner_changed", organisation, changes=one.enabled != enabled)
        one.enabled = enabled
