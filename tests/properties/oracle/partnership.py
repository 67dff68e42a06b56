"""The life of a partnership (4.4.1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.properties.oracle.judging import Judging
from tests.properties.oracle.state import LEVELS, RUNNING, WAITING, Attempt, Partnership

DAY = timedelta(days=1)
HOST_TIME, GUEST_TIME = 30 * DAY, 14 * DAY


class PartnershipActs(Judging):
    """Asking, deciding, holding, ending."""

    def request_partnership(
        self, who: str, org: str, guest: str, purposes: frozenset[str], expires_at: datetime | None, reason: bool
    ) -> None:
        self.may(who, org)
        self.right(self.works(who, org))
        host, other = self.organisations[org], self.organisations[guest]
        blocked = guest in host.policy.blocked or org in other.policy.blocked
        pair = [p for p in self.partnerships if (p.host, p.guest) == (org, guest)]
        admin = self.admin(who, org)
        self.need(org != guest, "BAD_USER_INPUT")
        self.need(host.enabled, "PREREQUISITE_MISSING")
        self.need(other.enabled and other.status == "ACTIVE", "NOT_FOUND")
        self.need(not blocked, "NOT_FOUND", "FORBIDDEN", "INVALID_STATE", "BAD_USER_INPUT")
        self.need(not any(p.live for p in pair), "CONFLICT")
        self.need(admin or reason, "BAD_USER_INPUT")
        self.doubt("NOT_FOUND", "FORBIDDEN", when=bool(host.policy.allowed) and guest not in host.policy.allowed)
        self.doubt("RATE_LIMITED")
        self.go()
        skipped = admin or guest in host.policy.auto_approve
        attempt = Attempt(1, who, purposes, expires_at, submitted_at=self.now)
        p = Partnership(org, guest, len(pair) + 1, "HOST_REQUEST", "AWAITING_HOST_APPROVAL", requester=who)
        p.attempts.append(attempt)
        p.purposes, p.lapses_at = purposes, self.now + HOST_TIME
        self.partnerships.append(p)
        if skipped:
            attempt.host_decision = "SKIPPED" if admin else "APPROVED"
            attempt.approver = who if admin else None
            self._invite(p, who)
        self.both(p, "partnership.requested")
        if skipped and not admin:
            self.both(p, "partnership.approved")

    def _invite(self, p: Partnership, owner: str | None) -> None:
        p.state, p.told, p.lapses_at = "AWAITING_GUEST_ACCEPTANCE", True, self.now + GUEST_TIME
        p.owner = p.owner or owner

    def _host(self, who: str, org: str, p: Partnership, allowed: bool) -> None:
        """The act of somebody of the host."""
        self.may(who, org)
        self.right(org == p.host and allowed, self.sees(who, org, p))

    def _guest(self, who: str, org: str, p: Partnership) -> None:
        """The act of an admin of the guest, once it knows of the partnership."""
        self.may(who, org)
        sees = self.sees(who, org, p)
        self.right(org == p.guest and self.admin(who, org) and sees is not False, sees)
        self.doubt("NOT_FOUND", when=sees is None)

    def remind_partnership(self, who: str, org: str, p: Partnership) -> None:
        self._host(who, org, p, who == p.last.by)
        self.doubt("FORBIDDEN", when=p.owner is not None or self.admin(who, org))
        self.need(p.state == "AWAITING_HOST_APPROVAL", "INVALID_STATE")
        last = p.last.last_reminder
        self.need(p.last.reminders < 5 and (last is None or self.now >= last + DAY), "RATE_LIMITED")
        self.doubt("RATE_LIMITED", when=last is None and self.now < (p.last.submitted_at or self.now) + DAY)
        self.doubt("RATE_LIMITED", "INVALID_STATE", when=self.lapsed(p))
        self.go()
        p.last.reminders += 1
        p.last.last_reminder = self.now
        self.tell("partnership.reminded", p.host)

    def approve_partnership(
        self, who: str, org: str, p: Partnership, current: bool, purposes: frozenset[str] | None = None
    ) -> None:
        self._host(who, org, p, self.leads(who, org) and who != p.last.by)
        self.need(current, "CONFLICT")
        self.need(p.state == "AWAITING_HOST_APPROVAL" and not self.lapsed(p), "INVALID_STATE")
        self.need(purposes is None or purposes <= p.last.purposes, "BAD_USER_INPUT")
        self.doubt("BAD_USER_INPUT", "INVALID_STATE", when=self.due(p))
        self.doubt("RATE_LIMITED")
        self.go()
        p.last.host_decision, p.last.approver = "APPROVED", who
        p.purposes = purposes or p.purposes
        p.last.purposes = p.purposes
        self._invite(p, p.last.by)
        self.both(p, "partnership.approved")

    def decline_partnership(self, who: str, org: str, p: Partnership, current: bool) -> None:
        self._host(who, org, p, self.leads(who, org))
        self.need(current, "CONFLICT")
        self.need(p.state == "AWAITING_HOST_APPROVAL", "INVALID_STATE")
        self.doubt("INVALID_STATE", when=self.lapsed(p))
        self.doubt("FORBIDDEN", when=who == p.last.by)
        self.go()
        p.last.host_decision = "DECLINED"
        p.state = "DECLINED_BY_HOST"
        self.both(p, "partnership.declined")

    def withdraw_partnership(self, who: str, org: str, p: Partnership) -> None:
        asked = who in (p.requester, p.last.by) and self.active(who, p.host)
        self._host(who, org, p, asked or self.leads(who, org) or self.owns(who, p))
        self.doubt("FORBIDDEN", when=not (self.leads(who, org) or self.owns(who, p)) and p.owner is not None)
        self.need(p.state in WAITING | {"DECLINED_BY_GUEST"}, "INVALID_STATE")
        self.doubt("INVALID_STATE", when=self.lapsed(p))
        self.go()
        p.state = "WITHDRAWN"
        self.both(p, "partnership.withdrawn")

    def _one_side(self, who: str, p: Partnership) -> bool:
        """Nobody acts for both sides of one attempt (4.4)."""
        return who not in (p.last.by, p.last.approver)

    def accept_partnership(
        self, who: str, org: str, p: Partnership, current: bool, consent: bool = True, terms: bool = True
    ) -> None:
        self._guest(who, org, p)
        self.right(self._one_side(who, p))
        host, guest = self.organisations[p.host], self.organisations[p.guest]
        self.need(current, "CONFLICT")
        self.need(p.state == "AWAITING_GUEST_ACCEPTANCE" and not self.lapsed(p), "INVALID_STATE")
        self.need(consent and terms, "BAD_USER_INPUT")
        self.need(guest.status == "ACTIVE", "INVALID_STATE", "FORBIDDEN", "NOT_FOUND")
        self.need(guest.partner_status != "SUSPENDED", "INVALID_STATE", "FORBIDDEN", "PREREQUISITE_MISSING")
        self.need(not (host.policy.require_mfa and who in self.without_mfa), "FORBIDDEN")
        blocked = p.guest in host.policy.blocked or p.host in guest.policy.blocked
        unlisted = bool(host.policy.allowed) and p.guest not in host.policy.allowed
        self.doubt("FORBIDDEN", "INVALID_STATE", "NOT_FOUND", when=blocked or unlisted or host.status != "ACTIVE")
        self.doubt("INVALID_STATE", "BAD_USER_INPUT", when=self.due(p))
        self.go()
        p.state, p.representative, p.last.guest_decision = "ACTIVE", who, "ACCEPTED"
        p.expires_at = p.last.expires_at
        self.both(p, "partnership.accepted")
        self.both(p, "terms.accepted")

    def refuse_partnership(self, who: str, org: str, p: Partnership, current: bool) -> None:
        self._guest(who, org, p)
        self.right(self._one_side(who, p))
        self.need(current, "CONFLICT")
        self.need(p.state == "AWAITING_GUEST_ACCEPTANCE", "INVALID_STATE")
        self.doubt("INVALID_STATE", when=self.lapsed(p))
        self.go()
        p.state, p.last.guest_decision = "DECLINED_BY_GUEST", "DECLINED"
        self.both(p, "partnership.refused")

    def resend_partnership(self, who: str, org: str, p: Partnership, purposes: frozenset[str] | None) -> None:
        """Terms are given after a refusal alone."""
        self._host(who, org, p, self.leads(who, org) or self.owns(who, p))
        self.need(p.state in {"AWAITING_GUEST_ACCEPTANCE", "DECLINED_BY_GUEST"}, "INVALID_STATE")
        self.need(p.resends < 5 and (p.last_resent is None or self.now >= p.last_resent + DAY), "RATE_LIMITED")
        self.doubt("RATE_LIMITED")
        self.doubt("INVALID_STATE", when=self.lapsed(p))
        self.doubt("INVALID_STATE", "BAD_USER_INPUT", when=self.due(p))
        again = p.state == "DECLINED_BY_GUEST"
        wider = again and purposes is not None and not purposes <= p.last.purposes
        stands = self.leads(p.last.approver, p.host) or (p.last.approver is None and p.last.host_decision == "APPROVED")
        anew = again and (wider or not (stands or self.leads(who, org)))
        if anew and not self.owns(who, p) and not self.failing:
            self.right(False)
        self.go()
        p.resends, p.last_resent = p.resends + 1, self.now
        if again:
            self._again(who, p, purposes or p.last.purposes, anew)
        self.both(p, "partnership.resent")

    def _again(self, who: str, p: Partnership, purposes: frozenset[str], anew: bool) -> None:
        before = p.last
        attempt = Attempt(before.number + 1, who, purposes, before.expires_at, submitted_at=self.now)
        p.attempts.append(attempt)
        p.purposes = purposes
        if anew:
            p.state, p.lapses_at, p.told = "AWAITING_HOST_APPROVAL", self.now + HOST_TIME, False
            return
        attempt.host_decision = "SKIPPED"
        attempt.approver = who if self.leads(who, p.host) else before.approver
        self._invite(p, p.owner)

    def suspend_partnership(self, who: str, org: str, p: Partnership) -> None:
        side = self._side(who, org, p)
        self.need(p.state in RUNNING and side not in p.suspended_by, "INVALID_STATE")
        self.doubt("INVALID_STATE", when=self.due(p))
        self.go()
        p.state = "SUSPENDED"
        p.suspended_by.add(side)
        self.both(p, "partnership.suspended")

    def resume_partnership(self, who: str, org: str, p: Partnership) -> None:
        side = self._side(who, org, p)
        self.need(p.state == "SUSPENDED" and side in p.suspended_by and not self.due(p), "INVALID_STATE")
        self.go()
        p.suspended_by.discard(side)
        p.state = "SUSPENDED" if p.suspended_by else "ACTIVE"
        self.both(p, "partnership.resumed")

    def _side(self, who: str, org: str, p: Partnership) -> str:
        """Which side acts: host admin, leader or owner; guest admin."""
        self.may(who, org)
        host = org == p.host and (self.leads(who, org) or self.owns(who, p))
        guest = org == p.guest and self.admin(who, org)
        sees = self.sees(who, org, p)
        self.right((host or guest) and sees is not False, sees)
        self.doubt("NOT_FOUND", when=sees is None)
        return "HOST" if host else "GUEST"

    def remove_partner(self, who: str, org: str, p: Partnership) -> None:
        self._side(who, org, p)
        self.need(p.state in RUNNING, "INVALID_STATE")
        self.doubt("INVALID_STATE", when=self.due(p))
        self.go()
        self.end_partnership(p, "TERMINATED")
        self.both(p, "partnership.terminated")

    def extend_partnership(self, who: str, org: str, p: Partnership, until: datetime) -> None:
        self._host(who, org, p, self.leads(who, org))
        self.need(p.state == "ACTIVE" and not self.due(p), "INVALID_STATE")
        self.need(p.expires_at is None or until > p.expires_at, "BAD_USER_INPUT")
        self.need(until > self.now, "BAD_USER_INPUT")
        self.doubt("INVALID_STATE", "BAD_USER_INPUT", when=p.expires_at is None)
        self.go()
        p.expires_at = until
        self.both(p, "partnership.extended")

    def transfer_partnership(self, who: str, org: str, p: Partnership, to: str) -> None:
        self._hand_over(who, org, p, {to})
        self.doubt("BAD_USER_INPUT", "INVALID_STATE", when=to == p.owner or not self.works(to, p.host))
        self.go()
        self.both(p, "partnership.ownership_transferred", changes=to != p.owner)
        p.owner = to
        p.co_owners.discard(to)

    def set_co_owners(self, who: str, org: str, p: Partnership, to: set[str]) -> None:
        self._hand_over(who, org, p, to - p.co_owners)
        self.doubt("FORBIDDEN", when=who in to)
        self.doubt("BAD_USER_INPUT", when=p.owner in to or not all(self.works(one, p.host) for one in to))
        self.go()
        to -= {p.owner or ""}
        self.tell("partnership.co_owners_changed", p.host, changes=to != p.co_owners)
        self.tell("partnership.co_owners_changed", p.guest, changes=False)
        p.co_owners = to

    def _hand_over(self, who: str, org: str, p: Partnership, to: set[str]) -> None:
        owner = self.owns(who, p)
        self._host(who, org, p, owner or self.admin(who, org))
        self.right(owner or who not in to or not self.active(p.owner, p.host))
        self.need(p.live and p.owner is not None, "INVALID_STATE")
        self.need(all(self.active(one, p.host) for one in to), "NOT_FOUND", "BAD_USER_INPUT")
        self.doubt("INVALID_STATE", when=p.state == "AWAITING_HOST_APPROVAL" or self.lapsed(p) or self.due(p))

    def set_representative(self, who: str, org: str, p: Partnership, to: str) -> None:
        self._guest(who, org, p)
        self.need(p.state in RUNNING | {"AWAITING_GUEST_ACCEPTANCE"}, "INVALID_STATE")
        self.need(self.active(to, p.guest), "NOT_FOUND", "BAD_USER_INPUT")
        self.doubt("INVALID_STATE", when=p.state not in RUNNING or self.due(p))
        self.doubt("BAD_USER_INPUT", when=to == p.representative or not self.works(to, p.guest))
        self.go()
        self.both(p, "partnership.representative_changed", changes=to != p.representative)
        p.representative = to

    def set_data_access(self, who: str, org: str, p: Partnership, level: str, confirm: bool) -> None:
        raises = LEVELS.index(level) > LEVELS.index(p.granted)
        self._host(who, org, p, self.leads(who, org) or (not raises and self.owns(who, p)))
        if raises:
            self.need(p.state == "ACTIVE" and not self.due(p), "INVALID_STATE")
            self.need(LEVELS.index(level) <= LEVELS.index(self.ceiling(p)), "CEILING_EXCEEDED")
            self.need(confirm or level != "MANAGE", "BAD_USER_INPUT")
        else:
            self.need(p.state in RUNNING, "INVALID_STATE")
        self.doubt("INVALID_STATE", when=self.due(p))
        self.doubt("INVALID_STATE", "BAD_USER_INPUT", when=level == p.granted)
        self.doubt("FORBIDDEN", when=level == p.granted and not self.leads(who, org))
        self.go()
        if level != p.granted:
            kind = "level.granted" if raises else "level.revoked" if level == "NONE" else "level.reduced"
            self.both(p, kind)
        if not raises and level != p.granted:
            for one in self.amendments:
                one.vague = one.vague or (one.partnership is p and one.level != "NONE")
        p.granted = level
