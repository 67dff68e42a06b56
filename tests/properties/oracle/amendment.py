"""Terms of an active partnership change: narrower at once, wider when both sides agree (4.4.6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.properties.oracle.judging import Judging
from tests.properties.oracle.state import LEVELS, Amendment, Partnership, least

AMENDMENT_TIME = timedelta(days=14)


class AmendmentActs(Judging):
    """One field at a time: the purposes, the mode or the wallet."""

    def amend_partnership(self, who: str, org: str, p: Partnership, field: str, value: Any) -> None:
        host = org == p.host and (self.leads(who, org) or self.owns(who, p))
        guest = org == p.guest and self.admin(who, org)
        self.may(who, org)
        sees = self.sees(who, org, p)
        self.right((host or guest) and sees is not False, sees)
        before = getattr(p, field)
        wider = not value <= before if field == "purposes" else value and not before
        self.need(p.state == "ACTIVE" and not self.due(p), "INVALID_STATE")
        self.need(value != before, "BAD_USER_INPUT", "INVALID_STATE")
        self.need(not (field == "wallet" and value and not p.complete), "BAD_USER_INPUT")
        heavy = field != "purposes" and wider
        self.doubt("FORBIDDEN", when=heavy and host and not self.holds(who, org, "LEGAL_REPRESENTATIVE"))
        self.doubt("FORBIDDEN", "BAD_USER_INPUT", when=not wider and guest and not host)
        waiting = [a for a in self.amendments if a.partnership is p and (a.vague or a.state.startswith("PENDING"))]
        self.doubt("INVALID_STATE", "CONFLICT", when=wider and bool(waiting))
        self.doubt("FORBIDDEN", "INVALID_STATE", when=not self.open(p))
        self.go()
        amendment = Amendment(p, 1 + sum(a.partnership is p for a in self.amendments), who, host, field, value)
        if field == "complete" and value:
            amendment.level = self.ceiling(p)
        self.amendments.append(amendment)
        amendment.lapses_at = self.now + AMENDMENT_TIME
        if not wider:
            for one in waiting:
                one.vague = True
            self._apply(amendment)
            return
        for one in waiting:
            one.vague = True
        legal = not heavy or self.holds(who, org, "LEGAL_REPRESENTATIVE")
        amendment.state = "PENDING_GUEST" if host and self.leads(who, org) and legal else "PENDING_HOST"

    def _apply(self, amendment: Amendment) -> None:
        p = amendment.partnership
        amendment.state = "APPLIED"
        setattr(p, amendment.field, amendment.value)
        p.wallet = p.wallet and p.complete
        level = least(amendment.level, self.ceiling(p))
        if LEVELS.index(level) > LEVELS.index(p.granted):
            p.granted = level
            self.both(p, "level.granted")

    def decide_amendment(self, who: str, org: str, amendment: Amendment, current: bool, accept: bool) -> None:
        p = amendment.partnership
        self.may(who, org)
        heavy = amendment.field != "purposes"
        answers = self.leads(who, org) if org == p.host else self.admin(who, org) if org == p.guest else False
        at_host = amendment.state == "PENDING_HOST"
        sees = self.sees(who, org, p)
        if org == p.guest and at_host and amendment.by_host:
            sees = False if sees is not True else None
        sees = None if sees else sees
        self.doubt("INVALID_STATE", when=amendment.vague or not amendment.state.startswith("PENDING"))
        self.right(answers and who not in (amendment.by, amendment.approver), sees)
        self.doubt("NOT_FOUND", when=sees is None)
        waits = amendment.state.startswith("PENDING") and not amendment.vague
        self.need(waits and self.now < amendment.lapses_at, "INVALID_STATE", "NOT_FOUND")
        self.need(org == (p.host if at_host else p.guest), "INVALID_STATE", "FORBIDDEN", "NOT_FOUND")
        self.need(not (at_host and heavy and accept) or self.holds(who, org, "LEGAL_REPRESENTATIVE"), "FORBIDDEN")
        self.doubt("FORBIDDEN", when=at_host and heavy and not self.holds(who, org, "LEGAL_REPRESENTATIVE"))
        self.need(current, "CONFLICT")
        self.need(p.state == "ACTIVE" and not self.due(p), "INVALID_STATE")
        host = self.organisations[p.host]
        self.doubt("FORBIDDEN", "INVALID_STATE", when=not self.open(p) or host.policy.require_mfa)
        self.go()
        if not accept:
            amendment.state = "DECLINED"
        elif at_host and amendment.by_host:
            amendment.state, amendment.approver = "PENDING_GUEST", who
            amendment.lapses_at = self.now + AMENDMENT_TIME
        else:
            self._apply(amendment)

    def withdraw_amendment(self, who: str, org: str, amendment: Amendment) -> None:
        p = amendment.partnership
        self.may(who, org)
        host = org == p.host and (self.leads(who, org) or self.owns(who, p))
        guest = org == p.guest and self.admin(who, org)
        sees = self.sees(who, org, p)
        self.right(host or guest, None if sees else sees)
        self.doubt("FORBIDDEN", "NOT_FOUND", when=host != amendment.by_host or who != amendment.by)
        waits = amendment.state.startswith("PENDING") and not amendment.vague
        self.need(waits, "INVALID_STATE", "NOT_FOUND")
        self.doubt("INVALID_STATE", "NOT_FOUND", when=p.state != "ACTIVE" or self.now >= amendment.lapses_at)
        self.go()
        amendment.state = "WITHDRAWN"
