"""Rules about people, policies, delegated roles, the operator, and time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.oracle.state import LEVELS, Delegation, Member
from tests.properties.projection import link_name, partnership_name
from tests.properties.rules_partnership import there_are
from tests.properties.rules_sharing import SharingRules

delegated = st.sets(st.sampled_from(["DECISION_MAKER", "PHONE_MANAGER"]))
ceilings = st.sampled_from([None, *LEVELS])


class OrganisationRules(SharingRules):
    """4.4.3, 4.10 and what an organisation does by itself."""

    def member(self, data: st.DataObject, status: str) -> Member:
        fit = [m for m in self.oracle.members.values() if m.status == status]
        usual = fit and data.draw(st.integers(0, 9), label="fit") < 8
        return self.pick(data, fit if usual else list(self.oracle.members.values()), "member")

    def _member(self, member: Member, **more: Any) -> dict[str, Any]:
        return {"membershipId": self.key("membership", (member.organisation, member.person)), **more}

    @rule(data=st.data(), how=st.sampled_from(["deactivate", "deactivate", "remove"]))
    def let_go(self, data: st.DataObject, how: str) -> None:
        member = self.member(data, "ACTIVE")
        who, org = self.someone(data, self.admins(member.organisation))
        act = self.oracle.deactivate_member if how == "deactivate" else self.oracle.remove_member
        self.do(who, org, f"{how}Member", self._member(member), (act, (who, org, member)))

    @precondition(lambda machine: any(m.status == "DEACTIVATED" for m in machine.oracle.members.values()))
    @rule(data=st.data())
    def reactivate(self, data: st.DataObject) -> None:
        member = self.member(data, "DEACTIVATED")
        who, org = self.someone(data, self.admins(member.organisation))
        self.do(who, org, "reactivateMember", self._member(member), (self.oracle.reactivate_member, (who, org, member)))

    @rule(
        data=st.data(),
        roles=st.sets(
            st.sampled_from(["ORG_ADMIN", "LEGAL_REPRESENTATIVE", "DECISION_MAKER", "MEMBER", "AUDITOR"]),
            min_size=1,
            max_size=2,
        ),
    )
    def give_roles(self, data: st.DataObject, roles: set[str]) -> None:
        member = self.member(data, "ACTIVE")
        who, org = self.someone(data, self.admins(member.organisation))
        given = self._member(member, roles=sorted(roles))
        self.do(who, org, "updateMember", given, (self.oracle.update_member, (who, org, member, roles)))

    @rule(data=st.data(), thaw=st.booleans())
    def freeze(self, data: st.DataObject, thaw: bool) -> None:
        host = self.pick(data, self.oracle.organisations, "host")
        who, org = self.someone(data, self.leaders(host))
        frozen = self.oracle.organisations[org].policy.frozen
        if frozen or not thaw:
            name, act = (
                ("unfreezePartnerAccess", self.oracle.unfreeze_partner_access)
                if frozen
                else ("freezePartnerAccess", self.oracle.freeze_partner_access)
            )
            self.do(who, org, name, {}, (act, (who, org)))

    @rule(
        data=st.data(),
        entry=st.sampled_from(
            [
                "unshare",
                "only_partner_of_record",
                "representative_manages",
                "require_mfa",
                "require_reason",
                "auto_approve",
                "allowed",
                "blocked",
            ]
        ),
        on=st.booleans(),
    )
    def set_policy(self, data: st.DataObject, entry: str, on: bool) -> None:
        host = self.pick(data, self.oracle.organisations, "host")
        who, org = self.someone(data, self.admins(host))
        names = {
            "unshare": "hostAdminMayUnshare",
            "only_partner_of_record": "rolesOnlyToPartnerOfRecord",
            "representative_manages": "representativeManagesGroups",
            "require_mfa": "requireMfa",
            "require_reason": "requireReason",
            "auto_approve": "autoApprovePartners",
            "allowed": "allowedPartners",
            "blocked": "blockedPartners",
        }
        value: Any = on
        if entry in {"auto_approve", "allowed", "blocked"}:
            others = [o for o in self.oracle.organisations if o != org]
            if entry == "blocked":
                busy = {p.guest for p in self.oracle.partnerships if p.live} | {
                    p.host for p in self.oracle.partnerships if p.live
                }
                others = [o for o in others if o not in busy]
            value = {self.pick(data, others, "partner")} if on and others else set()
        given = {names[entry]: self.stage.ids(value) if isinstance(value, set) else value}
        self.do(who, org, "setPolicy", given, (self.oracle.set_policy, (who, org, {entry: value})))

    @there_are("partnerships")
    @rule(data=st.data(), roles=delegated, how=st.sampled_from(["set", "set", "delegate", "clear"]))
    def delegate(self, data: st.DataObject, roles: set[str], how: str) -> None:
        p = self.one(data, "ACTIVE")
        who, org = self.someone(data, self.leaders(p.host))
        addresses = data.draw(st.integers(0, 5), label="addresses") > 0
        mail = {"notifyAddresses": "office@partner.example"} if addresses else {}
        given = self.given(p, roles=sorted(roles))
        if how == "set":
            act: Any = (self.oracle.set_delegated_roles, (who, org, p, roles, addresses))
            self.do(who, org, "setDelegatedRoles", {**given, **mail}, act)
        elif how == "delegate" and roles and addresses:
            self.do(who, org, "delegateRoles", {**given, **mail}, (self.oracle.delegate_roles, (who, org, p, roles)))
        elif how == "clear" and roles:
            self.do(who, org, "clearRoles", given, (self.oracle.clear_roles, (who, org, p, roles)))

    @there_are("delegations")
    @rule(data=st.data(), out=st.sampled_from([False, False, True]))
    def group(self, data: st.DataObject, out: bool) -> None:
        fit = [d for d in self.oracle.delegations if d.state == "ACTIVE"]
        usual = fit and data.draw(st.integers(0, 9), label="fit") < 9
        group: Delegation = self.pick(data, fit if usual else self.oracle.delegations, "group")
        p = group.partnership
        likely = self.admins(p.guest) + ([(p.representative, p.guest)] if p.representative else [])
        who, org = self.someone(data, likely)
        people = self._people(p.guest)
        members = data.draw(st.lists(st.sampled_from(people), min_size=1, max_size=2, unique=True), label="members")
        key = self.key("rolegroup", (partnership_name(p), group.role, group.number))
        given = {"roleGroupId": key, "userIds": [self.stage.id(one) for one in members]}
        act = self.oracle.remove_role_group_member if out else self.oracle.add_role_group_member
        name = "removeRoleGroupMembers" if out else "addRoleGroupMembers"
        self.do(who, org, name, given, *((act, (who, org, group, one)) for one in members))


class OperatorRules(OrganisationRules):
    """The operator, and time."""

    def staff(self, data: st.DataObject) -> str | None:
        """Mostly the operator, at times one of the people."""
        people = sorted({person for _, person in self.oracle.members})
        return None if data.draw(st.integers(0, 9), label="luck") < 9 else self.pick(data, people, "who")

    @rule(data=st.data(), kind=st.sampled_from(["PARTNER_OF_RECORD", "RESELLER"]), ceiling=ceilings)
    def link(self, data: st.DataObject, kind: str, ceiling: str | None) -> None:
        who = self.staff(data)
        partners = [o.name for o in self.oracle.organisations.values() if o.partner_status == "ACTIVE"]
        customer = self.pick(data, self.oracle.organisations, "customer")
        partner = self.pick(data, partners or self.oracle.organisations, "partner")
        given = {
            "customerId": self.stage.id(customer),
            "partnerId": self.stage.id(partner),
            "kind": kind,
            "ceiling": ceiling,
        }
        act = (self.oracle.link_partner, (who is None, customer, partner, kind, ceiling))
        self.do(who, None, "linkPartner", given, act)

    @there_are("links")
    @rule(data=st.data(), ceiling=ceilings, end=st.booleans())
    def unlink(self, data: st.DataObject, ceiling: str | None, end: bool) -> None:
        who = self.staff(data)
        link = self.pick(data, self.oracle.links, "link")
        given = {"linkId": self.key("link", link_name(self.oracle, link))}
        if end:
            self.do(who, None, "endPartnerLink", given, (self.oracle.end_partner_link, (who is None, link)))
        else:
            act = (self.oracle.set_link_ceiling, (who is None, link, ceiling))
            self.do(who, None, "setCeiling", {**given, "ceiling": ceiling}, act)

    @precondition(lambda machine: any(o.program != "NONE" for o in machine.oracle.organisations.values()))
    @rule(data=st.data(), ceiling=ceilings)
    def bound(self, data: st.DataObject, ceiling: str | None) -> None:
        partners = [o.name for o in self.oracle.organisations.values() if o.program != "NONE"]
        partner = self.pick(data, partners, "partner")
        parent = self.oracle.organisations[partner].parent
        given = {"partnerId": self.stage.id(partner), "ceiling": ceiling}
        if data.draw(st.booleans(), label="staff"):
            self.do(None, None, "setCeiling", given, (self.oracle.set_contract_ceiling, (None, None, partner, ceiling)))
        else:
            who, org = self.someone(data, self.admins(parent) if parent else [])
            self.do(who, org, "setCeiling", given, (self.oracle.set_contract_ceiling, (who, org, partner, ceiling)))

    @rule(data=st.data(), status=st.sampled_from(["ACTIVE", "ACTIVE", "SUSPENDED"]))
    def program(self, data: st.DataObject, status: str) -> None:
        who = self.staff(data)
        partner = self.pick(data, self.oracle.organisations, "partner")
        one = self.oracle.organisations[partner]
        status = status if one.partner_status != "NONE" else "ACTIVE"
        parent = data.draw(
            st.sampled_from([one.parent, one.parent, one.parent, *self.oracle.organisations]), label="parent"
        )
        given = {"organisationId": self.stage.id(partner), "program": "MSP", "status": status}
        given["parentPartnerId"] = self.stage.id(parent) if parent else None  # type: ignore[assignment]
        act = (self.oracle.set_partner_status, (who is None, partner, "MSP", status, parent))
        self.do(who, None, "setPartnerStatus", given, act)

    @rule(data=st.data(), status=st.sampled_from(["ACTIVE", "ACTIVE", "SUSPENDED", "CLOSED"]))
    def stand(self, data: st.DataObject, status: str) -> None:
        if data.draw(st.integers(0, 3), label="sure") != 3:
            return
        who = self.staff(data)
        one = self.pick(data, self.oracle.organisations, "organisation")
        given = {"organisationId": self.stage.id(one), "status": status}
        self.do(
            who, None, "setOrganisationStatus", given, (self.oracle.set_organisation_status, (who is None, one, status))
        )

    @rule(data=st.data(), enabled=st.sampled_from([True, True, False]))
    def enable(self, data: st.DataObject, enabled: bool) -> None:
        if data.draw(st.integers(0, 2), label="sure") != 2:
            return
        who = self.staff(data)
        one = self.pick(data, self.oracle.organisations, "organisation")
        given = {"organisationId": self.stage.id(one), "enabled": enabled}
        self.do(who, None, "setPartnersEnabled", given, (self.oracle.set_partners_enabled, (who is None, one, enabled)))

    @rule(hours=st.sampled_from([1, 25, 25, 49, 15 * 24, 31 * 24]))
    def wait(self, hours: int) -> None:
        """Nobody sweeps: what ends, ends by itself (invariant 12)."""
        self.stage.advance(timedelta(hours=hours))
        self.oracle.now = self.stage.world.clock.now
        self.look("waiting")
