"""People, accounts and policy of one organisation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from tests.properties.oracle.judging import Judging
from tests.properties.oracle.state import HIGH_ROLES, Account, Member

KEPT: Final = {"ORG_ADMIN": "LAST_ADMIN", "LEGAL_REPRESENTATIVE": "LAST_LEGAL_REPRESENTATIVE"}


class OrganisationActs(Judging):
    """What an organisation does by itself."""

    def _member(self, who: str, org: str, member: Member) -> None:
        self.may(who, org)
        mine = member.organisation == org
        self.right(mine and self.admin(who, org), None if mine or self.active(who, member.organisation) else False)

    def _stays(self, member: Member, roles: Collection[str] = ()) -> None:
        """An organisation keeps an active admin and its last active legal representative; `roles` are kept."""
        for role, code in KEPT.items():
            self.need(role in roles or self.holders(member.organisation, role) != [member], code)

    def deactivate_member(self, who: str, org: str, member: Member) -> None:
        self._member(who, org, member)
        self.need(member.status == "ACTIVE", "INVALID_STATE")
        self._stays(member)
        self.go()
        self.leave(member, "DEACTIVATED")
        self._gone("member.deactivated", org)

    def remove_member(self, who: str, org: str, member: Member) -> None:
        self._member(who, org, member)
        self.need(member.status != "REMOVED", "INVALID_STATE", "NOT_FOUND")
        self._stays(member)
        self.go()
        if member.status == "ACTIVE":
            self.leave(member, "REMOVED")
        member.status = "REMOVED"
        self._gone("member.removed", org)

    def _gone(self, kind: str, org: str) -> None:
        """The own stream is told; those of partners, where something of the person may have ended, perhaps."""
        self.tell(kind, org)
        pairs = {(p.host, p.guest) for p in self.partnerships if org in (p.host, p.guest)}
        self.tell(kind, *({one for pair in pairs for one in pair} - {org}), changes=False)

    def reactivate_member(self, who: str, org: str, member: Member) -> None:
        """The base membership only."""
        self._member(who, org, member)
        self.need(member.status == "DEACTIVATED", "INVALID_STATE", "NOT_FOUND")
        self.go()
        member.status, member.roles, member.delegated_admin = "ACTIVE", {"MEMBER"}, False
        member.since = self.now
        self.tell("member.reactivated", org)

    def update_member(self, who: str, org: str, member: Member, roles: set[str], delegate: bool | None = None) -> None:
        self._member(who, org, member)
        added = roles - member.roles
        if "LEGAL_REPRESENTATIVE" in added:
            lawyers = self.holders(org, "LEGAL_REPRESENTATIVE")
            self.need(not lawyers or self.holds(who, org, "LEGAL_REPRESENTATIVE"), "FORBIDDEN")
        self.need(not (added & HIGH_ROLES and member.person == who), "FORBIDDEN")
        self.need(member.status == "ACTIVE", "INVALID_STATE", "NOT_FOUND")
        self._stays(member, roles)
        taken = "LEGAL_REPRESENTATIVE" in member.roles - roles
        self.doubt("FORBIDDEN", when=taken and not self.holds(who, org, "LEGAL_REPRESENTATIVE"))
        self.go()
        delegated = member.delegated_admin if delegate is None else delegate
        self.tell("member.updated", org, changes=(member.roles, member.delegated_admin) != (roles, delegated))
        member.roles, member.delegated_admin = set(roles), delegated

    def create_account(self, who: str, org: str, name: str) -> None:
        self.may(who, org)
        self.right(self.works(who, org))
        self.go()
        self.accounts[name] = Account(org, name, {who})
        self.tell("account.created", org)

    def _secure(self, who: str, org: str, account: Account) -> None:
        """S42: an Account Owner, or a host admin while no owner is active."""
        self.may(who, org)
        mine = org == account.host
        orphan = self.admin(who, org) and not self.owned(account)
        owner = self.account_owner(who, account)
        shared = any(s.account is account and self.active(who, s.partnership.guest) for s in self.shares)
        sees = None if mine or shared or self.active(who, account.host) else False
        self.right(mine and (owner or orphan), sees)
        self.need(account.status == "ACTIVE", "INVALID_STATE", "NOT_FOUND")

    def archive_account(self, who: str, org: str, account: Account) -> None:
        self._secure(who, org, account)
        self.go()
        account.status = "ARCHIVED"
        for share in [s for s in self.shares if s.account is account and s.state != "REMOVED"]:
            self.end_share(share)
            self.both(share.partnership, "share.removed")
        self.tell("account.archived", org)

    def set_account_owners(self, who: str, org: str, account: Account, owners: set[str]) -> None:
        self._secure(who, org, account)
        self.need(all(self.active(one, org) for one in owners), "NOT_FOUND", "BAD_USER_INPUT")
        self.doubt("NOT_FOUND", "BAD_USER_INPUT", when=not all(self.works(one, org) for one in owners))
        self.doubt("BAD_USER_INPUT", when=owners == account.owners)
        self.go()
        self.tell("account.owners_changed", org, changes=account.owners != owners)
        account.owners = set(owners)

    def freeze_partner_access(self, who: str, org: str) -> None:
        self._freeze(who, org, frozen=True)

    def unfreeze_partner_access(self, who: str, org: str) -> None:
        self._freeze(who, org, frozen=False)

    def _freeze(self, who: str, org: str, frozen: bool) -> None:
        self.may(who, org)
        self.right(self.leads(who, org))
        policy = self.organisations[org].policy
        self.doubt("INVALID_STATE", when=policy.frozen == frozen)
        self.go()
        self.tell("access.frozen" if frozen else "access.unfrozen", org, changes=policy.frozen != frozen)
        policy.frozen = frozen

    def set_policy(self, who: str, org: str, entries: Mapping[str, bool | set[str]]) -> None:
        self.may(who, org)
        self.right(self.admin(who, org))
        self.go()
        policy = self.organisations[org].policy
        self.tell("policy.changed", org, changes=any(getattr(policy, name) != value for name, value in entries.items()))
        for name, value in entries.items():
            setattr(policy, name, value)
