"""Working inside a customer's organisation, on one basis and by nothing else (4.4.5, 4.8, 4.9)."""

from __future__ import annotations

from datetime import timedelta

from tests.properties.oracle.facts import GATE
from tests.properties.oracle.judging import Judging
from tests.properties.oracle.state import HIGH_ROLES, LEVELS, Account, Member, Partnership, Session

HOUR, IDLE = timedelta(minutes=60), timedelta(minutes=15)
OVER = {"SESSION_ENDED", "ACCESS_REVOKED"}
REFUSED = {"FORBIDDEN", GATE, "NOT_FOUND"}


class ActingActs(Judging):
    """Switching, what a session may do, leaving."""

    def bases(self, who: str, host: str) -> list[tuple[Partnership, str, str]]:
        """On which bases somebody may act in an organisation now: a level, or roles of groups."""
        found = []
        for p in [p for p in self.partnerships if p.host == host and self.runs(p, who)]:
            if p.granted != "NONE" and self.members[p.guest, who].delegated_admin:
                found.append((p, "LEVEL", p.granted))
            groups = [d for d in self.delegations if d.partnership is p and d.state == "ACTIVE" and who in d.members]
            found += [(p, "ROLE_GROUP", d.role) for d in groups]
        return found

    def switch_organisation(self, who: str, host: str, basis: str | None, role: str | None, reason: bool) -> None:
        bases = self.bases(who, host)
        fit = [b for b in bases if basis in (None, b[1]) and role in (None, b[2] if b[1] == "ROLE_GROUP" else role)]
        fit = [b for b in fit if role is None or b[1] == "ROLE_GROUP"]
        member = self.active(who, host)
        if not fit:
            self.need(False, "FORBIDDEN", GATE, "NOT_FOUND", "BAD_USER_INPUT")
        self.need(len(fit) < 2, "BAD_USER_INPUT")
        self.doubt("BAD_USER_INPUT", "FORBIDDEN", when=member)
        self.need(reason or not self.organisations[host].policy.require_reason, "BAD_USER_INPUT", "FORBIDDEN")
        self.go()
        p, kind, what = fit[0]
        session = Session((who, 1 + sum(s.person == who for s in self.sessions)), who, p, kind, what, self.now)
        self.sessions.append(session)
        self.both(p, "session.started")

    def timed_out(self, session: Session) -> bool:
        return self.now >= session.started + HOUR or self.now >= session.used + IDLE

    def stands(self, session: Session) -> bool:
        """Its basis gives at least what it gave when the session began."""
        for p, kind, what in self.bases(session.person, session.partnership.host):
            if p is session.partnership and kind == session.basis:
                if kind == "ROLE_GROUP" and what == session.what:
                    return True
                if kind == "LEVEL" and LEVELS.index(what) >= LEVELS.index(session.what):
                    return True
        return False

    def usable_session(self, session: Session) -> bool:
        return session.state == "ACTIVE" and not self.timed_out(session) and self.stands(session)

    def settle(self) -> None:
        """Sessions end with their basis, in the same transaction; what only policy denies is denied all the same."""
        for session in [s for s in self.sessions if s.state == "ACTIVE" and not s.vague]:
            if self.timed_out(session) or self.stands(session):
                continue
            p = session.partnership
            statuses = {self.organisations[p.host].status, self.organisations[p.guest].status}
            session.vague = self._only_policy(session) or statuses != {"ACTIVE"}
            if not session.vague:
                session.state = "REVOKED"
            self.both(p, "session.revoked", changes=not session.vague)

    def _only_policy(self, session: Session) -> bool:
        policy = self.organisations[session.partnership.host].policy
        kept = policy.require_mfa, policy.allowed
        policy.require_mfa, policy.allowed = False, set()
        stands = self.stands(session)
        policy.require_mfa, policy.allowed = kept
        return stands

    def _enter(self, session: Session) -> None:
        """Every call with the session's header proves it again."""
        self.doubt(*OVER, when=session.vague)
        if not self.usable_session(session):
            self.need(False, *OVER)
            self.go()
        session.used = self.now

    def look_around(self, session: Session) -> None:
        """Any read with the session's header."""
        self._enter(session)
        self.go()

    def leave_organisation(self, session: Session) -> None:
        """At home, by the session's ID."""
        if session.state != "ACTIVE" or session.vague or self.timed_out(session):
            self.doubt(*OVER, "NOT_FOUND", "INVALID_STATE")
            self.go()
            self.both(session.partnership, "session.ended", changes=False)
            session.vague = True
            return
        self.go()
        session.state = "ENDED"
        self.both(session.partnership, "session.ended")

    def trespass(self, session: Session, organisation: str | None) -> None:
        """Something that no session may ever do (4.9), in whatever name."""
        self._enter(session)
        elsewhere = organisation != session.partnership.host
        self.need(False, *REFUSED, *({"ORG_CONTEXT_MISMATCH", "BAD_USER_INPUT"} if elsewhere else ()))
        self.go()

    def update_as(self, session: Session, member: Member, roles: set[str] | None, status: str) -> None:
        """A member of the host changed by somebody acting: nobody of weight, and no role (4.9)."""
        self._enter(session)
        manages = session.what in {"MANAGE", "DECISION_MAKER"}
        self.need(manages and member.organisation == session.partnership.host, *REFUSED)
        weighty = member.roles & ({"ORG_ADMIN"} | HIGH_ROLES)
        owns = any(
            p.live and p.host == member.organisation and member.person in (p.owner, *p.co_owners)
            for p in self.partnerships
        )
        self.need(not weighty and not owns, *REFUSED)
        self.need(roles is None or roles == member.roles, *REFUSED)
        self.doubt(*REFUSED, when=roles is not None or self._colleague(session, member))
        self.need(member.status == ("DEACTIVATED" if status == "ACTIVE" else "ACTIVE"), "INVALID_STATE", "NOT_FOUND")
        self.go()
        kind = "member.updated"
        if status == "DEACTIVATED":
            self.leave(member, status)
            kind = "member.deactivated"
        elif status == "ACTIVE":
            member.status, member.roles, member.delegated_admin = "ACTIVE", {"MEMBER"}, False
            member.since = self.now
            kind = "member.reactivated"
        self.tell(kind, member.organisation, changes=kind != "member.updated")
        others = {o for p in self.partnerships for o in (p.host, p.guest) if member.organisation in (p.host, p.guest)}
        self.tell(kind, *(others - {member.organisation}), changes=False)

    def _colleague(self, session: Session, member: Member) -> bool:
        return member.person == session.person or self.active(member.person, session.partnership.guest)

    def sign_in_as(self, session: Session, account: Account) -> None:
        """MANAGE reaches the accounts shared with the own organisation (LIMITED); a role reaches none."""
        self._enter(session)
        p = session.partnership
        shared = any(s.partnership is p and s.account is account and s.state == "ACTIVE" for s in self.shares)
        shared = shared or (p.complete and account.host == p.host)
        self.need(session.what == "MANAGE" and shared and account.status == "ACTIVE", *REFUSED, "INVALID_STATE")
        self.go()
        self.tell("signin.account", p.host, p.guest)
