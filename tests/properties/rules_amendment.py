"""Rules about amendments."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.properties.oracle.state import Amendment
from tests.properties.projection import partnership_name
from tests.properties.rules_acting import ActingRules
from tests.properties.rules_partnership import some_are, some_purposes, there_are

changes = st.one_of(
    st.tuples(st.just("purposes"), some_purposes),
    st.tuples(st.just("complete"), st.booleans()),
    st.tuples(st.just("wallet"), st.booleans()),
)


class AmendmentRules(ActingRules):
    """4.4.6."""

    @some_are("ACTIVE")
    @rule(data=st.data(), change=changes)
    def amend(self, data: st.DataObject, change: tuple[str, Any]) -> None:
        p = self.one(data, "ACTIVE")
        field, value = change
        who, org = self.someone(data, [*self.leaders(p.host, p.owner), *self.admins(p.guest)])
        named: dict[str, Any] = {"walletEntrusted": value}
        if field == "purposes":
            named = {"purposes": sorted(value)}
        elif field == "complete":
            named = {"accessMode": "COMPLETE" if value else "LIMITED"}
        act = (self.oracle.amend_partnership, (who, org, p, field, value))
        self.do(who, org, "amendPartnership", self.given(p, **named), act)

    def amendment(self, data: st.DataObject) -> tuple[Amendment, tuple[Any, int]]:
        fit = [a for a in self.oracle.amendments if a.state.startswith("PENDING")]
        usual = fit and data.draw(st.integers(0, 9), label="fit") < 9
        one = self.pick(data, fit if usual else self.oracle.amendments, "amendment")
        return one, (partnership_name(one.partnership), one.number)

    @there_are("amendments")
    @rule(data=st.data(), accept=st.sampled_from([True, True, False]))
    def decide_amendment(self, data: st.DataObject, accept: bool) -> None:
        amendment, name = self.amendment(data)
        p = amendment.partnership
        turn = self.leaders(p.host) if amendment.state == "PENDING_HOST" else self.admins(p.guest)
        who, org = self.someone(data, turn)
        version, current = self.version("amendment", name, data)
        given = {"amendmentId": self.key("amendment", name), "expectedVersion": version, "accept": accept}
        given |= {"consent": True, "termsVersionId": f"terms_{self.stage.terms}"} if org == p.guest and accept else {}
        act = (self.oracle.decide_amendment, (who, org, amendment, current, accept))
        self.do(who, org, "decideAmendment", given, act)

    @there_are("amendments")
    @rule(data=st.data())
    def unamend(self, data: st.DataObject) -> None:
        amendment, name = self.amendment(data)
        p = amendment.partnership
        who, org = self.someone(data, [*self.leaders(p.host, amendment.by), *self.admins(p.guest)])
        given = {"amendmentId": self.key("amendment", name)}
        self.do(who, org, "withdrawAmendment", given, (self.oracle.withdraw_amendment, (who, org, amendment)))
