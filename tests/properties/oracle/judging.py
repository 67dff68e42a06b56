"""How an act is judged: who, then what stands, then the values; and what follows when anything ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.properties.oracle.facts import GATE, Disagreement, Facts, Refusal, Undecided
from tests.properties.oracle.state import TERMINAL, Delegation, Grant, Item, Member, Partnership, Share


class Judging(Facts):
    """The frame of every act: it says what is needed, then `go`, then what changes."""

    def judge(self, act: Callable[..., None], outcome: str | None, /, *given: Any, **more: Any) -> bool:
        """Apply an act that was answered with this code, or none; True if it was done. Disagreement fails."""
        self.outcome, self.failing, self.doubts = outcome, set(), set()
        try:
            act(*given, **more)
        except Undecided:
            return False
        except Refusal as refusal:
            if outcome is None:
                raise Disagreement(f"it was done, and the model refuses it with {refusal}") from None
            if outcome not in refusal.codes | self.doubts:
                raise Disagreement(f"refused with {outcome}; the model says {refusal}") from None
            return False
        self.settle()
        return True

    def settle(self) -> None:
        """What follows from a change by itself."""

    def need(self, holds: bool, *codes: str) -> None:
        """What has to hold for the act; several that fail may be answered in any order."""
        if not holds:
            self.failing |= set(codes)

    def right(self, allowed: bool, sees: bool | None = True) -> None:
        """Who may, asked before anything else; whoever may not see it is told that it is not there."""
        if allowed:
            return
        codes = {GATE}
        if sees is not False:
            codes.add("FORBIDDEN")
        if sees is not True:
            codes.add("NOT_FOUND")
        raise Refusal(codes)

    def may(self, person: str, organisation: str) -> None:
        """In whose name: an organisation where the person is an active member (4.8)."""
        if not self.active(person, organisation):
            raise Refusal({"ORG_CONTEXT_MISMATCH", GATE, "NOT_FOUND", "UNAUTHENTICATED"})
        self.doubt("FORBIDDEN", GATE, "NOT_FOUND", when=not self.works(person, organisation))
        if self.organisations[organisation].status != "ACTIVE":
            self.doubt("FORBIDDEN", GATE, "INVALID_STATE", "NOT_FOUND", "ORG_CONTEXT_MISMATCH")

    def doubt(self, *codes: str, when: bool = True) -> None:
        """The model leaves open whether this is refused, with one of these codes."""
        if when:
            self.doubts |= set(codes)

    def go(self) -> None:
        """Everything that is needed holds, or not; what follows this line has happened."""
        if self.failing:
            raise Refusal(self.failing)
        if self.outcome is not None:
            if self.outcome in self.doubts:
                raise Undecided
            raise Disagreement(f"refused with {self.outcome}; the model allows it")

    def tell(self, kind: str, *organisations: str | None, changes: bool = True) -> None:
        """An event of this type in each of these streams; whether there is one of what changes nothing is left open."""
        for organisation in organisations:
            if organisation is not None:
                (self.events if changes else self.perhaps)[organisation, kind] += 1

    def both(self, p: Partnership, kind: str, changes: bool = True) -> None:
        """An event in the host's stream, and in the guest's if it knows of the partnership."""
        self.tell(kind, p.host, p.guest if p.told else None, changes=changes)

    def end_grant(self, grant: Grant, state: str = "REVOKED") -> None:
        """A grant ends, and with it what the person asked for or was to get on that share."""
        grant.state = state
        self.drop_items(i for i in self.items if i.share is grant.share and grant.person in (i.by, i.person))

    def drop_items(self, items: Iterable[Item]) -> None:
        for item in list(items):
            if item.state == "PENDING":
                item.state = "CANCELLED"

    def end_share(self, share: Share) -> None:
        share.state = "REMOVED"
        for grant in [g for g in self.grants if g.share is share and g.state == "ACTIVE"]:
            self.end_grant(grant)
        self.drop_items(i for i in self.items if i.share is share)

    def end_delegation(self, delegation: Delegation) -> None:
        delegation.state = "REVOKED"
        delegation.members = set()
        self.both(delegation.partnership, "delegation.cleared")

    def end_partnership(self, p: Partnership, state: str) -> None:
        """The whole cascade of 4.10."""
        was = p.state
        p.state, p.granted, p.suspended_by = state, "NONE", set()
        if was in TERMINAL:
            raise Disagreement("a terminal state changes")
        for amendment in [a for a in self.amendments if a.partnership is p and a.state.startswith("PENDING")]:
            amendment.state = "WITHDRAWN"
        for share in [s for s in self.shares if s.partnership is p and s.state != "REMOVED"]:
            self.end_share(share)
            self.both(p, "share.removed")
        for delegation in [d for d in self.delegations if d.partnership is p and d.state == "ACTIVE"]:
            self.end_delegation(delegation)

    def leave(self, member: Member, status: str) -> None:
        """What ends when somebody is deactivated or removed (4.10)."""
        person, organisation = member.person, member.organisation
        member.status = status
        member.delegated_admin = False if status == "REMOVED" else member.delegated_admin
        for p in [p for p in self.partnerships if p.live and organisation in (p.host, p.guest)]:
            if p.guest == organisation:
                self._leave_guest(person, p)
            else:
                self._leave_host(person, p)

    def _leave_guest(self, person: str, p: Partnership) -> None:
        for grant in [
            g for g in self.grants if g.share.partnership is p and g.person == person and g.state == "ACTIVE"
        ]:
            self.end_grant(grant)
        self.drop_items(i for i in self.items if i.share.partnership is p and person in (i.by, i.person))
        for delegation in [d for d in self.delegations if d.partnership is p]:
            delegation.members.discard(person)
        if p.representative == person:
            p.representative = self.admins(p.guest)[0]
            self.both(p, "partnership.representative_changed")

    def _leave_host(self, person: str, p: Partnership) -> None:
        if p.state == "AWAITING_HOST_APPROVAL" and p.requester == person and p.path == "HOST_REQUEST":
            p.state = "WITHDRAWN"
            self.both(p, "partnership.withdrawn")
            return
        if p.owner == person:
            heirs = sorted(
                (self.members[p.host, c] for c in p.co_owners if self.active(c, p.host)), key=lambda m: m.since
            )
            p.owner = heirs[0].person if heirs else self.admins(p.host)[0]
            self.both(p, "partnership.ownership_transferred")
        p.co_owners -= {person, p.owner}
