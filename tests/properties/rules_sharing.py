"""Rules about shares, grants and requests for access."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.machine import Choice
from tests.properties.oracle.state import Account, Grant, Item, Partnership, Share
from tests.properties.projection import partnership_name, share_name
from tests.properties.rules_partnership import Act, PartnershipRules, there_are

account_roles = st.sampled_from(["COLLABORATOR", "ACCOUNT_MANAGER"])


def there_are_pending(act: Act) -> Act:
    """Only while a request for access waits."""
    made: Act = precondition(lambda machine: any(i.state == "PENDING" for i in machine.oracle.items))(act)
    return made


class SharingRules(PartnershipRules):
    """4.4.4 and 4.16."""

    @rule(data=st.data())
    def create_account(self, data: st.DataObject) -> None:
        running = {
            (owner, p.host) for p in self.oracle.partnerships for owner in sorted({p.owner or "", *p.co_owners} - {""})
        }
        who, org = self.someone(data, running)
        name = f"account {len(self.oracle.accounts)}"
        given = {"label": name, "app": "Ledger", "launchUrl": "https://ledger.example/"}
        self.do(who, org, "createAccount", given, (self.oracle.create_account, (who, org, name)))

    def account(self, data: st.DataObject, host: str | None = None) -> Account:
        """An account, mostly one of this host that is not put away."""
        accounts = list(self.oracle.accounts.values())
        fit = [a for a in accounts if host in (None, a.host) and a.status == "ACTIVE"]
        return self.pick(data, fit if fit and data.draw(st.integers(0, 9), label="fit") < 9 else accounts, "account")

    @there_are("accounts")
    @rule(data=st.data())
    def archive_account(self, data: st.DataObject) -> None:
        account = self.account(data)
        who, org = self.someone(data, [*((o, account.host) for o in account.owners), *self.admins(account.host)])
        given = {"accountId": self.key("account", account.name)}
        if data.draw(st.integers(0, 2), label="sure") == 2:
            self.do(who, org, "archiveAccount", given, (self.oracle.archive_account, (who, org, account)))

    @there_are("accounts")
    @rule(data=st.data())
    def own_account(self, data: st.DataObject) -> None:
        account = self.account(data)
        who, org = self.someone(data, [*((o, account.host) for o in account.owners), *self.admins(account.host)])
        to = set(data.draw(st.lists(st.sampled_from(self._people(account.host)), min_size=1, max_size=2), label="to"))
        given = {"accountId": self.key("account", account.name), "userIds": self.stage.ids(to)}
        self.do(who, org, "setAccountOwners", given, (self.oracle.set_account_owners, (who, org, account, to)))

    @there_are("partnerships")
    @there_are("accounts")
    @rule(data=st.data(), roles=st.lists(account_roles, min_size=1, max_size=2))
    def share(self, data: st.DataObject, roles: list[str]) -> None:
        p = self.one(data, "ACTIVE")
        who, org = self.someone(data, self.owners(p))
        mine = [a for a in self.oracle.accounts.values() if who in a.owners and a.host == p.host]
        items, acts = [], []
        for role in roles:
            own = bool(mine) and data.draw(st.booleans(), label="of own")
            account = self.pick(data, mine, "own") if own else self.account(data, p.host)
            some = st.none() | st.sets(st.sampled_from(self._people(p.guest)), min_size=1, max_size=2)
            to = data.draw(some, label="to") if role == "COLLABORATOR" else None
            item: dict[str, Any] = {"accountId": self.key("account", account.name), "role": role}
            items.append({**item, "recipientUserIds": self.stage.ids(to)} if to else item)
            acts.append((self.oracle.share_account, (who, org, p, account, role, to)))
        self.do(who, org, "shareAccounts", self.given(p, items=items), *acts)

    def a_share(self, data: st.DataObject, *states: str) -> Share:
        fit = [s for s in self.oracle.shares if s.state in states]
        shares = fit if fit and data.draw(st.integers(0, 9), label="fit") < 8 else self.oracle.shares
        return self.pick(data, shares, "share")

    def _holders(self, share: Share) -> list[Choice]:
        return [*self.owners(share.partnership), *self.admins(share.partnership.host)]

    def _share(self, share: Share, **more: Any) -> dict[str, Any]:
        return {"shareId": self.key("share", share_name(share)), **more}

    @there_are("shares")
    @rule(data=st.data())
    def unshare(self, data: st.DataObject) -> None:
        share = self.a_share(data, "ACTIVE", "SUSPENDED")
        who, org = self.someone(data, self._holders(share))
        if data.draw(st.booleans(), label="sure"):
            self.do(who, org, "unshareAccount", self._share(share), (self.oracle.unshare_account, (who, org, share)))

    @there_are("shares")
    @rule(data=st.data(), back=st.booleans())
    def hold_share(self, data: st.DataObject, back: bool) -> None:
        back = back and any(s.state == "SUSPENDED" for s in self.oracle.shares)
        share = self.a_share(data, "SUSPENDED" if back else "ACTIVE")
        who, org = self.someone(data, self._holders(share))
        if back:
            self.do(who, org, "resumeShare", self._share(share), (self.oracle.resume_share, (who, org, share)))
        else:
            self.do(who, org, "suspendShare", self._share(share), (self.oracle.suspend_share, (who, org, share)))

    def a_grant(self, data: st.DataObject) -> Grant:
        fit = [g for g in self.oracle.grants if g.state == "ACTIVE"]
        grants = fit if fit and data.draw(st.integers(0, 9), label="fit") < 8 else self.oracle.grants
        return self.pick(data, grants, "grant")

    @there_are("grants")
    @rule(data=st.data(), role=account_roles)
    def change_role(self, data: st.DataObject, role: str) -> None:
        grant = self.a_grant(data)
        account = grant.share.account
        who, org = self.someone(data, [(o, account.host) for o in account.owners])
        name = (share_name(grant.share), grant.person, grant.number)
        given = {"grantId": self.key("grant", name), "role": role}
        self.do(who, org, "changeMemberRole", given, (self.oracle.change_member_role, (who, org, grant, role)))

    @there_are("grants")
    @rule(data=st.data())
    def drop_member(self, data: st.DataObject) -> None:
        grant = self.a_grant(data)
        share, p = grant.share, grant.share.partnership
        likely = [*self.owners(p), *((o, p.host) for o in share.account.owners), *self.admins(p.guest)]
        who, org = self.someone(data, likely)
        given = self._share(share, userId=self.stage.id(grant.person))
        act = (self.oracle.remove_member_from_share, (who, org, share, grant.person))
        self.do(who, org, "removeMemberFromShare", given, act)

    @there_are("partnerships")
    @rule(data=st.data())
    def drop_member_everywhere(self, data: st.DataObject) -> None:
        p = self.one(data, "ACTIVE", "SUSPENDED")
        who, org = self.someone(data, [*self.owners(p), *self.admins(p.host), *self.admins(p.guest)])
        held = {g.person for g in self.oracle.grants if g.share.partnership is p and g.state == "ACTIVE"}
        person = self.pick(data, sorted(held) or self._people(p.guest), "person")
        given = self.given(p, userId=self.stage.id(person))
        act = (self.oracle.remove_member_from_partnership, (who, org, p, person))
        self.do(who, org, "removeMemberFromPartnership", given, act)

    @there_are("grants")
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        grant = self.a_grant(data)
        who, org = self.someone(data, [(grant.person, grant.share.partnership.guest)])
        self.do(who, org, "leaveShare", self._share(grant.share), (self.oracle.leave_share, (who, org, grant.share)))

    @there_are("grants")
    @rule(data=st.data(), role=account_roles)
    def ask(self, data: st.DataObject, role: str) -> None:
        grant = self.a_grant(data)
        share, p = grant.share, grant.share.partnership
        who, org = self.someone(data, [(grant.person, p.guest)])
        members = data.draw(
            st.lists(st.sampled_from(self._people(p.guest)), min_size=1, max_size=2, unique=True), label="for"
        )
        given = self._share(share, memberUserIds=[self.stage.id(m) for m in members], role=role)
        acts = [(self.oracle.request_access, (who, org, share, member, role)) for member in members]
        self.do(who, org, "requestAccess", given, *acts)

    def item(self, data: st.DataObject) -> Item:
        fit = [i for i in self.oracle.items if i.state == "PENDING"]
        items = fit if fit and data.draw(st.integers(0, 9), label="fit") < 8 else self.oracle.items
        return self.pick(data, items, "item")

    @there_are_pending
    @rule(
        data=st.data(),
        accept=st.sampled_from([True, True, False]),
        role=st.none() | account_roles,
        days=st.sampled_from([None, None, 2, 20]),
    )
    def decide(self, data: st.DataObject, accept: bool, role: str | None, days: int | None) -> None:
        item = self.item(data)
        account = item.share.account
        who, org = self.someone(data, [(o, account.host) for o in account.owners])
        name = (share_name(item.share), item.person, item.number)
        version, current = self.version("accessitem", name, data)
        until = self.oracle.now + timedelta(days=days) if days and accept else None
        role = role if accept else None
        given = {"itemId": self.key("accessitem", name), "expectedVersion": version, "accept": accept}
        given |= {"role": role, "expiresAt": until and until.isoformat()}
        act = (self.oracle.decide_access_request, (who, org, item, current, accept, role, until))
        self.do(who, org, "decideAccessRequests", {"items": [given]}, act)

    @there_are_pending
    @rule(data=st.data())
    def unask(self, data: st.DataObject) -> None:
        item = self.item(data)
        guest = item.share.partnership.guest
        who, org = self.someone(data, [(item.by, guest), *self.admins(guest)])
        given = {"itemId": self.key("accessitem", (share_name(item.share), item.person, item.number))}
        self.do(who, org, "withdrawAccessRequest", given, (self.oracle.withdraw_access_request, (who, org, item)))

    @there_are("accounts")
    @rule(data=st.data())
    def sign_in(self, data: st.DataObject) -> None:
        account = self.account(data)
        likely = [(g.person, g.share.partnership.guest) for g in self.oracle.grants if g.share.account is account]
        who, org = self.someone(data, [*likely, *((o, account.host) for o in account.owners)])
        given = {"accountId": self.key("account", account.name)}
        self.do(who, org, "signInToAccount", given, (self.oracle.sign_in_to_account, (who, org, account)))

    def at(self, p: Partnership) -> str:
        return self.key("partnership", partnership_name(p))
