"""Shares, grants and requests for access (4.4.4), and signing in (4.16)."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.properties.oracle.judging import Judging
from tests.properties.oracle.state import RUNNING, Account, Grant, Item, Partnership, Share

ITEM_TIME = timedelta(days=14)


class SharingActs(Judging):
    """What owners share, what members do with it, and how it ends."""

    def share_account(
        self, who: str, org: str, p: Partnership, account: Account, role: str, recipients: set[str] | None
    ) -> None:
        """One item of the bulk act."""
        self.may(who, org)
        self.right(org == p.host and self.owns(who, p), self.sees(who, org, p))
        self.need(p.state == "ACTIVE" and not self.due(p), "INVALID_STATE")
        if account.host != p.host or not self.account_owner(who, account):
            self.need(False, "FORBIDDEN", "NOT_FOUND")
        self.need(account.status == "ACTIVE", "INVALID_STATE", "NOT_FOUND")
        shared = any(s.partnership is p and s.account is account and s.state != "REMOVED" for s in self.shares)
        self.need(not shared, "CONFLICT", "INVALID_STATE")
        to = recipients or ({p.representative} if p.representative else set())
        self.need(recipients is None or role == "COLLABORATOR", "BAD_USER_INPUT")
        self.need(all(self.active(one, p.guest) for one in to), "NOT_FOUND", "BAD_USER_INPUT")
        self.need(not recipients or recipients <= self._seen(who, p), "NOT_FOUND", "BAD_USER_INPUT", "FORBIDDEN")
        self.doubt("BAD_USER_INPUT", "INVALID_STATE", "PREREQUISITE_MISSING", when=not to)
        self.doubt("FORBIDDEN", "INVALID_STATE", when=not self.open(p))
        self.doubt("NOT_FOUND", "BAD_USER_INPUT", when=not all(self.works(one, p.guest) for one in to))
        self.go()
        number = 1 + sum(s.partnership is p and s.account is account for s in self.shares)
        share = Share(p, account, number, who)
        self.shares.append(share)
        for one in to:
            self._grant(share, one, role, who, "SHARE")
        self.both(p, "share.added")

    def _seen(self, who: str, p: Partnership) -> set[str]:
        """S76: the guest members that a Partnership Owner sees: the representative, and those with its accounts."""
        mine = {
            g.person
            for g in self.grants
            if g.share.partnership is p and g.state == "ACTIVE" and g.share.state != "REMOVED"
            if g.share.by == who or not self.active(g.share.by, p.host)
        }
        if self.leads(who, p.host):
            mine |= {g.person for g in self.grants if g.share.partnership is p and g.state == "ACTIVE"}
        return mine | {p.representative or ""}

    def _grant(
        self, share: Share, person: str, role: str, by: str, origin: str, expires_at: datetime | None = None
    ) -> None:
        number = 1 + sum(g.share is share and g.person == person for g in self.grants)
        self.grants.append(Grant(share, person, number, role, by, origin, expires_at))

    def _holder(self, who: str, org: str, share: Share, take_back: bool) -> None:
        """The Partnership Owner, or a host admin who sees the account; withdrawing needs the policy, too (Q13)."""
        self.may(who, org)
        p = share.partnership
        admin = self.admin_sees(who, share.account) and (self.organisations[p.host].policy.unshare or not take_back)
        self.right(org == p.host and (self.owns(who, p) or admin), self.sees_share(who, org, share))
        self.doubt("NOT_FOUND", when=p.state not in RUNNING)

    def unshare_account(self, who: str, org: str, share: Share) -> None:
        self._holder(who, org, share, take_back=True)
        self.need(share.state != "REMOVED", "INVALID_STATE", "NOT_FOUND")
        self.go()
        self.end_share(share)
        self.both(share.partnership, "share.removed")

    def suspend_share(self, who: str, org: str, share: Share) -> None:
        self._holder(who, org, share, take_back=False)
        self.need(share.state == "ACTIVE", "INVALID_STATE", "NOT_FOUND")
        self.doubt("INVALID_STATE", when=not self._running(share))
        self.go()
        share.state = "SUSPENDED"
        self.both(share.partnership, "share.suspended")

    def resume_share(self, who: str, org: str, share: Share) -> None:
        self._holder(who, org, share, take_back=False)
        self.need(share.state == "SUSPENDED", "INVALID_STATE", "NOT_FOUND")
        self.doubt("INVALID_STATE", when=not self._running(share))
        self.go()
        share.state = "ACTIVE"
        self.both(share.partnership, "share.resumed")

    def _running(self, share: Share) -> bool:
        """Partnership and share work as they stand."""
        p = share.partnership
        return p.state == "ACTIVE" and not self.due(p) and share.state == "ACTIVE"

    def change_member_role(self, who: str, org: str, grant: Grant, role: str) -> None:
        self.may(who, org)
        share, p = grant.share, grant.share.partnership
        self.right(org == p.host and self.account_owner(who, share.account), self.sees_share(who, org, share))
        self.need(grant.state == "ACTIVE", "INVALID_STATE", "NOT_FOUND")
        self.doubt("INVALID_STATE", "NOT_FOUND", when=not self._running(share) or not self.valid(grant))
        self.doubt("BAD_USER_INPUT", "INVALID_STATE", when=grant.role == role)
        self.go()
        self.both(p, "grant.role_changed", changes=grant.role != role)
        if grant.role == role:
            return
        grant.role = role
        if role == "COLLABORATOR":
            self.drop_items(i for i in self.items if i.share is share and i.by == grant.person)

    def remove_member_from_share(self, who: str, org: str, share: Share, person: str) -> None:
        self.may(who, org)
        p = share.partnership
        host = org == p.host and (self.owns(who, p) or self.account_owner(who, share.account))
        guest = org == p.guest and self.admin(who, org)
        self.right(host or guest, self.sees_share(who, org, share))
        grant = self.grant_of(share, person)
        self.need(grant is not None, "NOT_FOUND", "INVALID_STATE")
        self.doubt("NOT_FOUND", "INVALID_STATE", when=grant is not None and not self.valid(grant))
        self.doubt(
            "NOT_FOUND", when=host and not self.account_owner(who, share.account) and person not in self._seen(who, p)
        )
        self.doubt("INVALID_STATE", when=p.state not in RUNNING or self.due(p))
        self.go()
        assert grant is not None
        self.end_grant(grant)
        self.both(p, "grant.revoked")

    def remove_member_from_partnership(self, who: str, org: str, p: Partnership, person: str) -> None:
        self.may(who, org)
        host = org == p.host and (self.owns(who, p) or self.admin(who, org))
        guest = org == p.guest and self.admin(who, org)
        self.right(host or guest, self.sees(who, org, p))
        held = [g for g in self.grants if g.share.partnership is p and g.person == person and g.state == "ACTIVE"]
        asked = [i for i in self.items if i.share.partnership is p and person in (i.by, i.person)]
        self.need(bool(held or asked), "NOT_FOUND", "INVALID_STATE", "BAD_USER_INPUT")
        waiting = any(i.state == "PENDING" for i in asked)
        self.doubt("NOT_FOUND", "INVALID_STATE", when=not held and not waiting)
        self.doubt(
            "NOT_FOUND", when=not held or (host and not self.admin(who, org) and person not in self._seen(who, p))
        )
        self.doubt("INVALID_STATE", "NOT_FOUND", when=p.state not in RUNNING or self.due(p))
        self.go()
        for grant in held:
            self.end_grant(grant)
            self.both(p, "grant.revoked")
        self.drop_items(i for i in asked)

    def leave_share(self, who: str, org: str, share: Share) -> None:
        self.may(who, org)
        p = share.partnership
        grant = self.grant_of(share, who)
        self.right(org == p.guest and grant is not None, self.sees_share(who, org, share))
        self.doubt("NOT_FOUND", "INVALID_STATE", "FORBIDDEN", when=grant is not None and not self.usable(who, grant))
        self.go()
        assert grant is not None
        self.end_grant(grant)
        self.both(p, "grant.revoked")

    def request_access(self, who: str, org: str, share: Share, person: str, role: str) -> None:
        """One member of the bulk act."""
        self.may(who, org)
        p = share.partnership
        grant = self.grant_of(share, who)
        manages = org == p.guest and grant is not None and grant.role == "ACCOUNT_MANAGER"
        self.right(manages, self.sees_share(who, org, share))
        assert grant is not None
        self.need(self.usable(who, grant), "FORBIDDEN", "INVALID_STATE", "NOT_FOUND", "FORBIDDEN AT THE FIELD")
        self.need(self.active(person, p.guest), "NOT_FOUND", "BAD_USER_INPUT")
        self.doubt("NOT_FOUND", "BAD_USER_INPUT", when=not self.works(person, p.guest))
        self.need(self.grant_of(share, person) is None, "CONFLICT", "INVALID_STATE", "BAD_USER_INPUT")
        waiting = [i for i in self.items if i.share is share and i.person == person and i.state == "PENDING"]
        self.need(not waiting, "CONFLICT", "INVALID_STATE", "BAD_USER_INPUT")
        self.go()
        number = 1 + sum(i.share is share and i.person == person for i in self.items)
        self.items.append(Item(share, person, number, role, who, self.now + ITEM_TIME))
        self.both(p, "access_request.filed")

    def decide_access_request(
        self, who: str, org: str, item: Item, current: bool, accept: bool, role: str | None, expires_at: datetime | None
    ) -> None:
        """One item of the bulk act."""
        self.may(who, org)
        share, p = item.share, item.share.partnership
        self.right(org == p.host and self.account_owner(who, share.account), self.sees_share(who, org, share))
        wider = role == "ACCOUNT_MANAGER" and item.role == "COLLABORATOR"
        self.need(current, "CONFLICT")
        self.need(item.state == "PENDING", "INVALID_STATE", "NOT_FOUND")
        self.need(not wider or not accept, "BAD_USER_INPUT")
        lapsed = self.now >= item.lapses_at
        self.need(not (accept and lapsed), "INVALID_STATE")
        self.doubt("INVALID_STATE", "NOT_FOUND", "CONFLICT", when=not self._running(share) or lapsed)
        self.doubt("FORBIDDEN", "INVALID_STATE", when=not self.open(p))
        self.doubt("BAD_USER_INPUT", when=not accept and (role is not None or expires_at is not None))
        self.go()
        item.state = "ACCEPTED" if accept else "DECLINED"
        if accept:
            self._grant(share, item.person, role or item.role, who, "ACCESS_REQUEST", expires_at)
        self.both(p, "access_request.accepted" if accept else "access_request.declined")

    def withdraw_access_request(self, who: str, org: str, item: Item) -> None:
        self.may(who, org)
        p = item.share.partnership
        mine = org == p.guest and who == item.by
        admin = org == p.guest and self.admin(who, org)
        self.right(mine or admin, self.sees_share(who, org, item.share))
        self.need(item.state == "PENDING", "INVALID_STATE", "NOT_FOUND")
        self.doubt("NOT_FOUND", "INVALID_STATE", when=self.now >= item.lapses_at or not self._running(item.share))
        self.go()
        item.state = "WITHDRAWN"
        self.both(p, "access_request.withdrawn")

    def sign_in_to_account(self, who: str, org: str, account: Account) -> None:
        self.may(who, org)
        owner = org == account.host and self.account_owner(who, account) and account.status == "ACTIVE"
        path = next(
            (
                g
                for g in self.grants
                if g.share.account is account and g.share.partnership.guest == org and self.usable(who, g)
            ),
            None,
        )
        if not owner and path is None:
            self.need(False, "NOT_FOUND", "FORBIDDEN", "INVALID_STATE", "FORBIDDEN AT THE FIELD")
        self.go()
        self.tell("signin.account", account.host, path.share.partnership.guest if path and not owner else None)
