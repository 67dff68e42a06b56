"""What may be done is seen: `decide` and the predicates of `visibility` agree about random worlds.

Whatever `decide` allows somebody to do to a thing, the list of such things shows to that person; and who may sign in to
an account by a grant is, by both, the same people at the same time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import select

from accord.access import decision
from accord.access.decision import GUEST_PATHS, Allow, decide
from accord.access.facts import AccessItemFacts, AccountFacts, GrantFacts, PartnershipFacts, ShareFacts, Target
from accord.access.permissions import Action, Capacity
from accord.access.principal import Principal
from accord.database import visibility
from accord.database.engine import Query
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import access_items, accounts, grants, shares
from accord.domain.partnership import PartnershipPath, PartnershipState
from accord.domain.sharing import AccessItemState, AccountRole, AccountStatus, GrantState, ShareState
from tests.database.oracle import Account, Facts, Grant, Item, Partnership, Person, Policy, Share
from tests.database.worlds import Maker, identity_of, write
from tests.randomness import seeded
from tests.scale import count
from tests.servers import DatabaseURLs
from tests.world import World, open_world

A = Action
WORLDS: Final = count(test=8, check=80, prove=3_000)
LISTS: Final = {
    "partnership": Query(select(partnerships.c.id).where(visibility.sees_partnership())),
    "share": Query(select(shares.c.id).where(visibility.sees_share())),
    "account": Query(select(accounts.c.id).where(visibility.sees_account())),
    "grant": Query(select(grants.c.id).where(visibility.sees_grant())),
    "item": Query(select(access_items.c.id).where(visibility.sees_access_item(access_items))),
    "sign in": Query(select(accounts.c.id).where(visibility.granted_account())),
}
ON: Final = {
    # what may be done to each kind of thing, once it is seen
    "partnership": [
        A.PARTNERSHIP_REMIND,
        A.PARTNERSHIP_APPROVE,
        A.PARTNERSHIP_DECLINE,
        A.PARTNERSHIP_ACCEPT,
        A.PARTNERSHIP_REFUSE,
        A.PARTNERSHIP_RESEND,
        A.PARTNERSHIP_WITHDRAW,
        A.PARTNERSHIP_REMOVE,
        A.PARTNERSHIP_TRANSFER,
        A.PARTNERSHIP_SET_REPRESENTATIVE,
        A.PARTNERSHIP_READ_REASON,
        A.PARTNERSHIP_READ_TERMS,
        A.PARTNERSHIP_READ_HIDDEN,
    ],
    "account": [A.ACCOUNT_UPDATE, A.ACCOUNT_SECURE],
    "share": [A.SHARE_END, A.SHARE_SUSPEND, A.GRANT_REVOKE, A.ACCESS_REQUEST, A.SHARE_LEAVE],
    "grant": [A.GRANT_CHANGE_ROLE, A.SHARE_LEAVE],
    "item": [A.ACCESS_DECIDE, A.ACCESS_WITHDRAW],
}


def partnership_of(facts: Facts, p: Partnership) -> PartnershipFacts:
    policy = facts.policies.get(p.host, Policy())
    at_work = {m.person for m in facts.memberships if m.organisation == p.host and m.status == "ACTIVE"}
    return PartnershipFacts(
        host_id=p.host,
        guest_id=p.guest,
        state=PartnershipState(p.state),
        path=PartnershipPath(p.path),
        told_guest=p.told,
        asked_by_guest=p.asked_by_guest,
        host_active=p.host not in facts.suspended,
        guest_active=p.guest not in facts.suspended | facts.held,
        frozen=policy.frozen,
        barred=facts.bars(p),
        mfa_required=policy.asks_mfa,
        owner_id=p.owner,
        owner_active=p.owner in at_work,
        co_owner_ids=p.co_owners,
        requester_id=p.requested_by,
        representative_id=p.representative,
        starts_at=p.starts_at,
        expires_at=p.expires_at,
    )


def account_of(facts: Facts, a: Account) -> AccountFacts:
    at_work = {m.person for m in facts.memberships if m.organisation == a.host and m.status == "ACTIVE"}
    return AccountFacts(a.host, a.owners & at_work, AccountStatus(a.status))


def on_share(facts: Facts, s: Share, **parts: Any) -> Target:
    return Target(
        partnership=partnership_of(facts, s.partnership),
        account=account_of(facts, s.account),
        share=ShareFacts(ShareState(s.state), s.expires_at),
        **parts,
    )


def grant_of(g: Grant) -> GrantFacts:
    return GrantFacts(g.person, AccountRole(g.role), GrantState(g.state), g.expires_at)


def item_of(i: Item) -> AccessItemFacts:
    return AccessItemFacts(i.requested_by, i.member, AccessItemState(i.state))


def targets(facts: Facts, person: Person) -> Iterator[tuple[str, UUID, Target]]:
    """Everything in the world as a decision looks at it; a share once for each grant that the person has on it."""
    for p in facts.partnerships:
        yield "partnership", p.id, Target(partnership=partnership_of(facts, p))
    for a in facts.accounts:
        yield "account", a.id, Target(account=account_of(facts, a))
    for s in facts.shares:
        yield "share", s.id, on_share(facts, s)
    for g in facts.grants:
        yield "grant", g.id, on_share(facts, g.share, grant=grant_of(g))
        if g.person == person.id:
            yield "share", g.share.id, on_share(facts, g.share, grant=grant_of(g))
    for i in facts.items:
        yield "item", i.id, on_share(facts, i.share, item=item_of(i))


def allowed(principal: Principal, kind: str, target: Target, facts: Facts) -> list[Action]:
    """What `decide` lets the caller do to this thing."""
    return [action for action in ON[kind] if isinstance(decide(principal, action, target, now=facts.now), Allow)]


def may_sign_in(facts: Facts, principal: Principal) -> set[UUID]:
    """The accounts that `decide` lets a guest's person in to."""
    found = set()
    for g in facts.grants:
        verdict = decide(principal, A.ACCOUNT_SIGN_IN, on_share(facts, g.share, grant=grant_of(g)), now=facts.now)
        if isinstance(verdict, Allow) and any(path & GUEST_PATHS for path in verdict.paths):
            found |= {g.share.account.id} if g.share.account.status == "ACTIVE" else set()
    return found


async def disagreements(world: World, number: int) -> list[str]:
    """What may be done but is not seen, and who may sign in by one of the two alone."""
    found: list[str] = []
    chance = seeded()
    for _ in range(number):
        facts = Maker(chance, world.clock.now).make()
        await write(world, facts)
        for person in facts.people:
            snapshot = world.database.snapshot(identity_of(person))
            principal = await snapshot.principal()
            seen = {name: {UUID(str(row.id)) for row in await snapshot.fetch(query)} for name, query in LISTS.items()}
            await snapshot.close()
            for kind, key, target in targets(facts, person):
                if key not in seen[kind]:
                    found += [
                        f"{action} on {kind} {key} by {person.id}" for action in allowed(principal, kind, target, facts)
                    ]
            if seen["sign in"] != may_sign_in(facts, principal):
                found.append(f"sign in by {person.id}")
    return found


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(module_database_urls) as made:
        yield made


async def test_what_may_be_done_is_seen(world: World) -> None:
    assert await disagreements(world, WORLDS) == []


async def test_a_decision_that_forgets_a_condition_is_found_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "_first_failing", lambda principal, target, now: None)
    assert await disagreements(world, 8)


async def test_a_decision_that_forgets_who_was_told_is_found_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    in_organisation = decision._in_organisation

    def told(organisation_id: UUID, roles: Any, target: Target) -> Any:
        pair = target.partnership
        if pair is not None and organisation_id == pair.guest_id and "ORG_ADMIN" in roles:
            return {Capacity.GUEST_ADMIN}
        return in_organisation(organisation_id, roles, target)

    monkeypatch.setattr(decision, "_in_organisation", told)
    assert await disagreements(world, 8)
