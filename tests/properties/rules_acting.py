"""Rules about acting in a customer's organisation."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.properties.oracle.state import Session
from tests.properties.rules_organisation import OperatorRules
from tests.properties.rules_partnership import there_are

ROLES = ("DECISION_MAKER", "PHONE_MANAGER")
NEVER = (
    "approve", "decline", "accept", "refuse", "remind", "withdraw", "resend", "suspend", "resume", "remove", "extend",
    "transfer", "co_own", "represent", "grant_level", "create_account", "archive_account", "own_account", "share",
    "unshare", "hold_share", "change_role", "drop_member", "drop_member_everywhere", "ask", "decide", "unask", "freeze",
    "set_policy", "delegate", "group", "link", "unlink", "program", "enable",
)  # fmt: skip
"""Rules whose acts no session may do (4.9), or that belong to the own organisation."""


class ActingRules(OperatorRules):
    """4.4.5, 4.8 and 4.9."""

    @there_are("partnerships")
    @rule(data=st.data(), delegate=st.sampled_from([True, True, False]))
    def elevate(self, data: st.DataObject, delegate: bool) -> None:
        """An admin of a guest makes somebody a delegated admin, or no longer."""
        guest = self.pick(data, sorted({p.guest for p in self.oracle.partnerships}), "guest")
        fit = [m for m in self.oracle.members.values() if m.organisation == guest and m.status == "ACTIVE"]
        member = self.pick(data, fit, "member")
        who, org = self.someone(data, self.admins(guest))
        given = self._member(member, delegatedAdmin=delegate)
        self.do(
            who, org, "updateMember", given, (self.oracle.update_member, (who, org, member, member.roles, delegate))
        )

    @there_are("partnerships")
    @rule(
        data=st.data(),
        reason=st.sampled_from([True, True, False]),
        basis=st.sampled_from([None, "LEVEL", "ROLE_GROUP"]),
    )
    def switch(self, data: st.DataObject, reason: bool, basis: str | None) -> None:
        people = sorted({person for _, person in self.oracle.members})
        hosts = sorted({p.host for p in self.oracle.partnerships})
        able = [(person, host) for person in people for host in hosts if self.oracle.bases(person, host)]
        usual = able and data.draw(st.integers(0, 9), label="luck") < 8
        who, host = self.pick(data, able if usual else [(p, h) for p in people for h in hosts], "who and where")
        role = self.pick(data, ROLES, "role") if basis == "ROLE_GROUP" else None
        given = {"hostId": self.stage.id(host), "basis": basis, "roleKey": role}
        given["reason"] = "They asked for help." if reason else None
        act = (self.oracle.switch_organisation, (who, host, basis, role, reason))
        self.do(who, None, "switchOrganisation", given, act)

    def session(self, data: st.DataObject) -> Session:
        fit = [s for s in self.oracle.sessions if self.oracle.usable_session(s)]
        usual = fit and data.draw(st.integers(0, 9), label="fit") < 7
        return self.pick(data, fit if usual else self.oracle.sessions, "session")

    @there_are("sessions")
    @rule(data=st.data())
    def enter(self, data: st.DataObject) -> None:
        session = self.session(data)
        code = self.stage.enter(session.person, self.tables.keys["session", session.name])
        note(f"{self.oracle.now:%m-%d %H:%M} {session} -> {code}")
        self.oracle.judge(self.oracle.look_around, code, session)

    @there_are("sessions")
    @rule(data=st.data())
    def enter_as_another(self, data: st.DataObject) -> None:
        """A session is of use to its own user only."""
        session = self.session(data)
        others = sorted({person for _, person in self.oracle.members} - {session.person})
        code = self.stage.enter(self.pick(data, others, "who"), self.tables.keys["session", session.name])
        assert code in {"SESSION_ENDED", "ACCESS_REVOKED"}, code

    @there_are("sessions")
    @rule(data=st.data())
    def leave_session(self, data: st.DataObject) -> None:
        session = self.session(data)
        given = {"sessionId": self.key("session", session.name)}
        act = (self.oracle.leave_organisation, (session,))
        self.do(session.person, None, "leaveOrganisation", given, act)

    @there_are("sessions")
    @rule(data=st.data(), name=st.sampled_from(NEVER))
    def trespass(self, data: st.DataObject, name: str) -> None:
        """Any act of the others, with the header of a session: refused, and nothing changes."""
        found = next(one for one in self.rules if one.function.__name__ == name)
        if not all(holds(self) for holds in found.preconditions):
            return
        self.trespasser = self.session(data)
        try:
            given = {key: data.draw(value, label=key) for key, value in found.arguments.items() if key != "data"}
            found.function(self, data=data, **given)
        finally:
            self.trespasser = None

    @there_are("sessions")
    @rule(data=st.data(), how=st.sampled_from(["update", "roles", "deactivate", "reactivate"]))
    def manage_members(self, data: st.DataObject, how: str) -> None:
        session = self.session(data)
        host = session.partnership.host
        members = [m for m in self.oracle.members.values() if m.organisation == host]
        member = self.pick(data, members, "member")
        given = self._member(member)
        roles = {"MEMBER", "ORG_ADMIN"} if how == "roles" else None
        given |= {"roles": sorted(roles)} if roles else {}
        given |= {"displayName": member.person} if how == "update" else {}
        status = {"deactivate": "DEACTIVATED", "reactivate": "ACTIVE"}.get(how, "")
        act = (self.oracle.update_as, (session, member, roles, status))
        name = f"{how}Member" if status else "updateMember"
        self.do(session.person, host, name, given, act, session=session)

    @there_are("accounts")
    @there_are("sessions")
    @rule(data=st.data())
    def sign_in_there(self, data: st.DataObject) -> None:
        session = self.session(data)
        account = self.account(data, session.partnership.host)
        given = {"accountId": self.key("account", account.name)}
        act = (self.oracle.sign_in_as, (session, account))
        self.do(session.person, session.partnership.host, "signInToAccount", given, act, session=session)

    @there_are("sessions")
    @rule()
    def pause(self) -> None:
        """Ten minutes: twice unused is too long."""
        self.stage.advance(timedelta(minutes=10))
        self.oracle.now = self.stage.world.clock.now
