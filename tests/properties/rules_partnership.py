"""Rules about partnerships."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.machine import Choice, Play
from tests.properties.oracle.state import LEVELS, Partnership
from tests.properties.projection import partnership_name

Act = TypeVar("Act", bound=Callable[..., Any])
PURPOSES: Final = ("SUPPORT", "IMPROVEMENT", "MANAGEMENT", "CONTRACT_MONITORING")
some_purposes = st.frozensets(st.sampled_from(PURPOSES), min_size=1)


def there_are(kind: str) -> Callable[[Act], Act]:
    """Only where the oracle has any of these."""
    made: Callable[[Act], Act] = precondition(lambda machine: bool(getattr(machine.oracle, kind)))
    return made


def some_are(*states: str) -> Callable[[Act], Act]:
    """Only where a partnership is in one of these states."""
    made: Callable[[Act], Act] = precondition(
        lambda machine: any(p.state in states for p in machine.oracle.partnerships)
    )
    return made


class PartnershipRules(Play):
    """4.4.1 and 4.4.2."""

    def one(self, data: st.DataObject, *states: str) -> Partnership:
        """A partnership, mostly in a state where the act may work."""
        fit = [p for p in self.oracle.partnerships if p.state in states]
        if fit and data.draw(st.integers(0, 9), label="fit") < 8:
            return self.pick(data, fit, "partnership")
        return self.pick(data, self.oracle.partnerships, "partnership")

    def given(self, p: Partnership, **more: Any) -> dict[str, Any]:
        return {"partnershipId": self.key("partnership", partnership_name(p)), **more}

    @rule(data=st.data(), purposes=some_purposes, reason=st.booleans(), days=st.sampled_from([None, 3, 20, 90]))
    def request_partnership(
        self, data: st.DataObject, purposes: frozenset[str], reason: bool, days: int | None
    ) -> None:
        everybody = [(person, org) for org, person in self.oracle.members if self.oracle.works(person, org)]
        who, org = self.someone(data, everybody)
        guest = self.pick(data, self.oracle.organisations, "guest")
        expires = self.oracle.now + timedelta(days=days) if days else None
        given = {
            "guestHandle": self.stage.organisations[guest].handle,
            "contactEmail": f"c{self.looks}@{guest}.example",
            "purposes": sorted(purposes),
            "expiresAt": expires.isoformat() if expires else None,
            "reason": "They keep our books." if reason else None,
        }
        act = (self.oracle.request_partnership, (who, org, guest, purposes, expires, reason))
        self.do(who, org, "requestPartnership", given, act)

    def _decide(
        self, data: st.DataObject, name: str, p: Partnership, likely: list[Choice], **more: Any
    ) -> tuple[Any, ...]:
        who, org = self.someone(data, likely)
        version, current = self.version("partnership", partnership_name(p), data)
        return who, org, current, self.given(p, expectedVersion=version, **more)

    @some_are("AWAITING_HOST_APPROVAL")
    @rule(data=st.data(), purposes=st.none() | some_purposes)
    def approve(self, data: st.DataObject, purposes: frozenset[str] | None) -> None:
        p = self.one(data, "AWAITING_HOST_APPROVAL")
        more = {} if purposes is None else {"purposes": sorted(purposes)}
        who, org, current, given = self._decide(data, "approve", p, self.leaders(p.host), **more)
        self.do(
            who, org, "approvePartnership", given, (self.oracle.approve_partnership, (who, org, p, current, purposes))
        )

    @some_are("AWAITING_HOST_APPROVAL")
    @rule(data=st.data())
    def decline(self, data: st.DataObject) -> None:
        p = self.one(data, "AWAITING_HOST_APPROVAL")
        who, org, current, given = self._decide(data, "decline", p, self.leaders(p.host))
        self.do(who, org, "declinePartnership", given, (self.oracle.decline_partnership, (who, org, p, current)))

    @some_are("AWAITING_GUEST_ACCEPTANCE")
    @rule(data=st.data(), consent=st.sampled_from([True, True, True, False]))
    def accept(self, data: st.DataObject, consent: bool) -> None:
        p = self.one(data, "AWAITING_GUEST_ACCEPTANCE")
        more = {"consent": consent, "termsVersionId": f"terms_{self.stage.terms}"}
        who, org, current, given = self._decide(data, "accept", p, self.admins(p.guest), **more)
        self.do(who, org, "acceptPartnership", given, (self.oracle.accept_partnership, (who, org, p, current, consent)))

    @some_are("AWAITING_GUEST_ACCEPTANCE")
    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        p = self.one(data, "AWAITING_GUEST_ACCEPTANCE")
        who, org, current, given = self._decide(data, "refuse", p, self.admins(p.guest))
        self.do(who, org, "refusePartnership", given, (self.oracle.refuse_partnership, (who, org, p, current)))

    @some_are("AWAITING_HOST_APPROVAL")
    @rule(data=st.data())
    def remind(self, data: st.DataObject) -> None:
        p = self.one(data, "AWAITING_HOST_APPROVAL")
        likely = [(p.last.by, p.host)] if p.attempts else []
        who, org = self.someone(data, likely)
        if p.attempts:
            self.do(who, org, "remindPartnership", self.given(p), (self.oracle.remind_partnership, (who, org, p)))

    @some_are("AWAITING_HOST_APPROVAL", "AWAITING_GUEST_ACCEPTANCE", "DECLINED_BY_GUEST")
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        p = self.one(data, "AWAITING_HOST_APPROVAL", "AWAITING_GUEST_ACCEPTANCE", "DECLINED_BY_GUEST")
        who, org = self.someone(data, self.leaders(p.host, p.requester, p.owner))
        self.do(who, org, "withdrawPartnership", self.given(p), (self.oracle.withdraw_partnership, (who, org, p)))

    @some_are("DECLINED_BY_GUEST", "AWAITING_GUEST_ACCEPTANCE")
    @rule(data=st.data(), purposes=st.none() | some_purposes)
    def resend(self, data: st.DataObject, purposes: frozenset[str] | None) -> None:
        p = self.one(data, "DECLINED_BY_GUEST", "AWAITING_GUEST_ACCEPTANCE")
        if p.state == "DECLINED_BY_GUEST" and purposes is None:
            purposes = p.last.purposes
        if p.state != "DECLINED_BY_GUEST":
            purposes = None
        who, org = self.someone(data, self.leaders(p.host, p.owner))
        given = self.given(p) if purposes is None else self.given(p, purposes=sorted(purposes))
        self.do(who, org, "resendPartnership", given, (self.oracle.resend_partnership, (who, org, p, purposes)))

    def _sides(self, p: Partnership) -> list[Choice]:
        return [*self.leaders(p.host, p.owner), *self.admins(p.guest)]

    @there_are("partnerships")
    @rule(data=st.data())
    def suspend(self, data: st.DataObject) -> None:
        p = self.one(data, "ACTIVE", "SUSPENDED")
        who, org = self.someone(data, self._sides(p))
        given = self.given(p, reason="A review.")
        self.do(who, org, "suspendPartnership", given, (self.oracle.suspend_partnership, (who, org, p)))

    @some_are("SUSPENDED")
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        p = self.one(data, "SUSPENDED")
        who, org = self.someone(data, self._sides(p))
        self.do(who, org, "resumePartnership", self.given(p), (self.oracle.resume_partnership, (who, org, p)))

    @there_are("partnerships")
    @rule(data=st.data(), sure=st.booleans())
    def remove(self, data: st.DataObject, sure: bool) -> None:
        p = self.one(data, "ACTIVE", "SUSPENDED")
        if not sure:
            return
        who, org = self.someone(data, self._sides(p))
        self.do(who, org, "removePartner", self.given(p), (self.oracle.remove_partner, (who, org, p)))

    @there_are("partnerships")
    @rule(data=st.data(), days=st.sampled_from([2, 30, 200]))
    def extend(self, data: st.DataObject, days: int) -> None:
        p = self.one(data, "ACTIVE")
        who, org = self.someone(data, self.leaders(p.host))
        until = self.oracle.now + timedelta(days=days)
        given = self.given(p, until=until.isoformat())
        self.do(who, org, "extendPartnership", given, (self.oracle.extend_partnership, (who, org, p, until)))

    def _people(self, organisation: str) -> list[str]:
        """Its people, and one of another organisation."""
        others = [person for org, person in self.oracle.members if org != organisation]
        return [*sorted(p for o, p in self.oracle.members if o == organisation), others[0]]

    @there_are("partnerships")
    @rule(data=st.data())
    def transfer(self, data: st.DataObject) -> None:
        p = self.one(data, "ACTIVE", "SUSPENDED", "AWAITING_GUEST_ACCEPTANCE")
        who, org = self.someone(data, [*self.owners(p), *self.admins(p.host)])
        to = self.pick(data, [who, *self._people(p.host)], "to")
        given = self.given(p, ownerUserId=self.stage.id(to))
        self.do(who, org, "transferPartnership", given, (self.oracle.transfer_partnership, (who, org, p, to)))

    @there_are("partnerships")
    @rule(data=st.data())
    def co_own(self, data: st.DataObject) -> None:
        p = self.one(data, "ACTIVE", "SUSPENDED", "AWAITING_GUEST_ACCEPTANCE")
        who, org = self.someone(data, [*self.owners(p), *self.admins(p.host)])
        to = set(data.draw(st.lists(st.sampled_from([who, *self._people(p.host)]), max_size=2), label="to")) - {
            p.owner or ""
        }
        given = self.given(p, userIds=self.stage.ids(to))
        self.do(who, org, "setCoOwners", given, (self.oracle.set_co_owners, (who, org, p, to)))

    @there_are("partnerships")
    @rule(data=st.data())
    def represent(self, data: st.DataObject) -> None:
        p = self.one(data, "ACTIVE", "SUSPENDED")
        who, org = self.someone(data, self.admins(p.guest))
        to = self.pick(data, self._people(p.guest), "to")
        given = self.given(p, userId=self.stage.id(to))
        self.do(who, org, "setRepresentative", given, (self.oracle.set_representative, (who, org, p, to)))

    @there_are("partnerships")
    @rule(data=st.data(), level=st.sampled_from(LEVELS), confirm=st.sampled_from([True, True, False]))
    def grant_level(self, data: st.DataObject, level: str, confirm: bool) -> None:
        p = self.one(data, "ACTIVE")
        who, org = self.someone(data, self.leaders(p.host, p.owner))
        act = (self.oracle.set_data_access, (who, org, p, level, confirm))
        if level != "SUPPORT" and data.draw(st.booleans(), label="by the switch"):
            given = self.given(p, share=level == "MANAGE", confirm=confirm)
            self.do(who, org, "shareDataWithPartner", given, act)
        else:
            self.do(who, org, "setDataAccess", self.given(p, level=level, confirm=confirm), act)
