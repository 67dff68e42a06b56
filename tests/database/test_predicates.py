"""The predicates of visibility alone, without policies and decisions: one world, and one thing changed at a time.

Random worlds seldom hold just the one thing that a condition is about. Here everybody who could see something is in
each world, the oracle says who does, and the exact instants of beginnings and ends are among the changes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from itertools import count, product
from typing import Any, Final
from uuid import UUID, uuid5

import pytest
from sqlalchemy import select

from accord.access.principal import Acting, Principal, Standing
from accord.database.caller import viewer_binds
from accord.database.engine import Query
from accord.database.tables.activity import activity_events
from accord.database.tables.organisation import memberships
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import accounts, grants, shares
from accord.database.visibility import sees_account, sees_grant, sees_membership, sees_partnership, sees_share
from accord.database.visible_activity import sees_event
from accord.domain.acting import Basis
from accord.domain.delegation import DelegatedRole
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import Role
from tests.database.oracle import (
    Account,
    Event,
    Facts,
    Grant,
    Item,
    Membership,
    Partnership,
    Person,
    Policy,
    Share,
    Viewer,
)
from tests.database.test_visibility import PREDICATES, expected, statements
from tests.database.worlds import identity_of, write, write_platform_event
from tests.servers import DatabaseURLs
from tests.world import World, open_world

INSTANT: Final = timedelta(microseconds=1)
DAY: Final = timedelta(days=1)
PLACES: Final = {
    # everybody who could see something: at which organisation, and as what
    "admin": ("host", "ORG_ADMIN"),
    "legal": ("host", "LEGAL_REPRESENTATIVE"),
    "decider": ("host", "DECISION_MAKER"),
    "phone": ("host", "PHONE_MANAGER"),
    "auditor": ("host", "AUDITOR"),
    "owner": ("host", "MEMBER"),
    "co-owner": ("host", "MEMBER"),
    "creator": ("host", "MEMBER"),
    "requester": ("host", "MEMBER"),
    "account owner": ("host", "MEMBER"),
    "sharer": ("host", "MEMBER"),
    "member": ("host", "MEMBER"),
    "guest admin": ("guest", "ORG_ADMIN"),
    "guest legal": ("guest", "LEGAL_REPRESENTATIVE"),
    "delegated": ("guest", "MEMBER"),
    "delegated auditor": ("guest", "AUDITOR"),
    "guest auditor": ("guest", "AUDITOR"),
    "representative": ("guest", "MEMBER"),
    "holder": ("guest", "MEMBER"),
    "manager": ("guest", "MEMBER"),
    "colleague": ("guest", "MEMBER"),
    "asker": ("guest", "MEMBER"),
    "asked for": ("guest", "MEMBER"),
    "password only": ("guest", "MEMBER"),
    "guest member": ("guest", "MEMBER"),
    "stranger": ("other", "ORG_ADMIN"),
}
SPACE: Final = UUID(int=77)
STATEMENTS: Final = statements(PREDICATES)
numbers = count()


class Whole:
    """One partnership with everything under it; changes set its parts before it is written."""

    def __init__(self, world: World) -> None:
        self.number = next(numbers)
        self.facts = facts = Facts(world.clock.now)
        self.organisations = {name: self.key(name) for name in ("host", "guest", "other")}
        facts.organisations = dict.fromkeys(self.organisations.values())
        self.people = {name: self._person(name, *place) for name, place in PLACES.items()}
        self.person("password only").mfa = False
        self.members = dict(zip(PLACES, facts.memberships, strict=True))
        for name in ("delegated", "delegated auditor"):
            self.members[name].delegated_admin = True
        self.partnership = self._partnership()
        facts.partnerships.append(self.partnership)
        owner, sharer = self.people["account owner"], self.people["sharer"]
        self.desk, self.till, self.safe, self.kept = (
            Account(self.key(name), self.organisations["host"], owners, "ACTIVE")
            for name, owners in {
                "desk": frozenset({owner}), "till": frozenset({sharer}), "safe": frozenset[UUID](),
                "kept": frozenset({owner}),
            }.items()
        )  # fmt: skip
        facts.accounts += [self.desk, self.till, self.safe, self.kept]
        self.share, self.second = (
            Share(self.key(name), self.partnership, account, sharer, "ACTIVE", facts.now + DAY)
            for name, account in {"share": self.desk, "second": self.till}.items()
        )
        facts.shares += [self.share, self.second]
        self.grant = self._grant("holder", self.share, "COLLABORATOR")
        self._grant("manager", self.share, "ACCOUNT_MANAGER")
        self._grant("password only", self.share, "ACCOUNT_MANAGER")
        self._grant("colleague", self.second, "COLLABORATOR")
        self._grant("representative", self.second, "COLLABORATOR").state = "REVOKED"
        asked = self.key("item")
        facts.items.append(Item(asked, self.share, self.people["asked for"], self.people["asker"], "PENDING"))
        self._events()

    def key(self, name: str) -> UUID:
        return uuid5(SPACE, f"{self.number} {name}")

    def person(self, name: str) -> Person:
        return next(person for person in self.facts.people if person.id == self.people[name])

    def _person(self, name: str, place: str, role: str) -> UUID:
        key, organisation = self.key(name), self.organisations[place]
        self.facts.people.append(Person(key, key.hex, organisation))
        member = Membership(self.key(f"{name}'s place"), organisation, key, frozenset({role}), "ACTIVE")
        self.facts.memberships.append(member)
        return key

    def _partnership(self) -> Partnership:
        who = self.people
        return Partnership(
            id=self.key("partnership"),
            host=self.organisations["host"],
            guest=self.organisations["guest"],
            state="ACTIVE",
            told=True,
            created_by=who["creator"],
            requested_by=who["requester"],
            owner=who["owner"],
            co_owners=frozenset({who["co-owner"]}),
            representative=who["representative"],
            starts_at=self.facts.now - DAY,
            expires_at=self.facts.now + DAY,
            ended=False,
        )

    def _grant(self, name: str, share: Share, role: str) -> Grant:
        grant = Grant(self.key(f"{name}'s grant"), share, self.people[name], role, "ACTIVE", self.facts.now + DAY)
        self.facts.grants.append(grant)
        return grant

    def _events(self) -> None:
        host, guest = self.organisations["host"], self.organisations["guest"]
        for stream, account in product((host, guest), (None, self.desk.id, self.safe.id, self.kept.id)):
            self.facts.events.append(Event(self.key(f"event {stream} {account}"), stream, host, account, guest))


Change = Callable[[Whole], object]


def on(part: str, **values: Any) -> Change:
    def change(whole: Whole) -> None:
        for name, value in values.items():
            setattr(getattr(whole, part), name, whole.facts.now + value if isinstance(value, timedelta) else value)

    return change


def policy(side: str, **values: Any) -> Change:
    def change(whole: Whole) -> None:
        given: dict[str, Any] = {
            name: frozenset(whole.organisations[one] for one in value) if isinstance(value, tuple) else value
            for name, value in values.items()
        }
        whole.facts.policies[whole.organisations[side]] = Policy(**given)

    return change


def member(name: str, **values: Any) -> Change:
    def change(whole: Whole) -> None:
        for key, value in values.items():
            setattr(whole.members[name], key, value)

    return change


def ends(name: str) -> dict[str, Change]:
    """An end at this instant, one after it, and none."""
    return {
        f"{name} ends now": on(name, expires_at=timedelta()),
        f"{name} ends in an instant": on(name, expires_at=INSTANT),
        f"{name} without an end": on(name, expires_at=None),
    }


def renewals() -> dict[str, Change]:
    """Ends of a partnership that renews itself: it goes on past each of them while it is active, and only then."""
    at = {"now": timedelta(), "an instant ago": -INSTANT, "in an instant": INSTANT, "a term ago": -45 * DAY}
    return {
        f"renews itself, {state.lower()}, its end {when}": on("partnership", renews=True, state=state, expires_at=end)
        for when, end in at.items()
        for state in ("ACTIVE", "SUSPENDED")
    }


ENDED: Final = ("TERMINATED", "EXPIRED", "WITHDRAWN", "LAPSED", "DECLINED_BY_HOST")
UNTOLD: Final = {"told": False, "representative": None, "starts_at": None, "expires_at": None}
CHANGES: Final[dict[str, Change]] = {
    "nothing": lambda whole: None,
    "suspended": on("partnership", state="SUSPENDED"),
    **{state: on("partnership", state=state, ended=True) for state in ENDED},
    **{state: on("partnership", state=state) for state in ("AWAITING_GUEST_ACCEPTANCE", "DECLINED_BY_GUEST")},
    "untold": on("partnership", state="AWAITING_HOST_APPROVAL", **UNTOLD),
    "refused before anybody was told": on("partnership", state="DECLINED_BY_HOST", ended=True, **UNTOLD),
    "begins now": on("partnership", starts_at=timedelta()),
    "begins in an instant": on("partnership", starts_at=INSTANT),
    "without a beginning": on("partnership", starts_at=None),
    **ends("partnership"),
    **renewals(),
    **ends("share"),
    **ends("grant"),
    "the guest's attempt": on("partnership", asked_by_guest=True, path="GUEST_REQUEST"),
    "the guest asked first": on("partnership", path="GUEST_REQUEST"),
    "share suspended": on("share", state="SUSPENDED"),
    "share removed": on("share", state="REMOVED"),
    "grant revoked": on("grant", state="REVOKED"),
    "grant expired": on("grant", state="EXPIRED"),
    "account archived": on("desk", status="ARCHIVED"),
    "host suspended": lambda whole: whole.facts.suspended.add(whole.organisations["host"]),
    "guest suspended": lambda whole: whole.facts.suspended.add(whole.organisations["guest"]),
    "the partner suspended": lambda whole: whole.facts.held.add(whole.organisations["guest"]),
    "the host suspended as a partner": lambda whole: whole.facts.held.add(whole.organisations["host"]),
    "access frozen": policy("host", frozen=True),
    "the guest's access frozen": policy("guest", frozen=True),
    "a second factor": policy("host", asks_mfa=True),
    "the guest's second factor": policy("guest", asks_mfa=True),
    "the guest blocked": policy("host", blocked=("guest",)),
    "the host blocked": policy("guest", blocked=("host",)),
    "somebody else blocked": policy("host", blocked=("other",)),
    "others allowed": policy("host", allowed=("other",)),
    "the guest allowed": policy("host", allowed=("other", "guest")),
    "the guest allows others": policy("guest", allowed=("other",)),
    "the owner gone": member("owner", status="DEACTIVATED"),
    "the co-owner gone": member("co-owner", status="REMOVED"),
    "the sharer gone": member("sharer", status="DEACTIVATED"),
    "the account owner gone": member("account owner", status="DEACTIVATED"),
    "the account owner audits": member("account owner", roles=frozenset({"AUDITOR"})),
    "the owner audits": member("owner", roles=frozenset({"AUDITOR"})),
    "the creator audits": member("creator", roles=frozenset({"AUDITOR"})),
    "the holder gone": member("holder", status="REMOVED"),
    "the holder audits": member("holder", roles=frozenset({"AUDITOR"})),
    "the representative audits": member("representative", roles=frozenset({"AUDITOR"})),
    "the asker audits": member("asker", roles=frozenset({"AUDITOR"})),
    "no delegated admin": member("delegated", delegated_admin=False),
}


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(module_database_urls) as made:
        await write_platform_event(made)
        await made.owner.execute("ALTER TABLE accord.partnerships DISABLE TRIGGER ALL")
        for table, name in await made.owner.fetch(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('c', 'f')"
            " AND connamespace = 'accord'::regnamespace"
        ):
            await made.owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        yield made


@pytest.mark.parametrize("what", CHANGES)
async def test_one_thing_changed(world: World, what: str) -> None:
    """Everybody sees what the oracle says, and nothing else, by the predicates alone."""
    whole = Whole(world)
    CHANGES[what](whole)
    await write(world, whole.facts)
    names = {key: name for name, key in whole.people.items()}
    mine = {thing.id for things in vars(whole.facts).values() if isinstance(things, list) for thing in things}
    for person in whole.facts.people:
        binds = viewer_binds(at_home(whole.facts, person), world.clock.now)
        told = {}
        for name, query in STATEMENTS.items():
            rows = await world.owner.fetch(query.sql, *query.arguments(binds))
            told[name] = {UUID(str(row["id"])) for row in rows} & mine
        assert told == expected(Viewer(whole.facts, person)), names[person.id]


def at_home(facts: Facts, person: Person) -> Principal:
    """Somebody with all that the memberships give."""
    standings = tuple(
        Standing(held.id, held.organisation, frozenset(map(Role, held.roles)), held.delegated_admin)
        for held in facts.memberships
        if held.person == person.id and held.status == "ACTIVE"
    )
    return Principal(identity_of(person), person.id, "x", person.home, standings)


# --- acting


SESSIONS: Final = {
    "SUPPORT": {"basis": Basis.LEVEL, "level": DataAccessLevel.SUPPORT},
    "MANAGE": {"basis": Basis.LEVEL, "level": DataAccessLevel.MANAGE},
    "COMPLETE": {"basis": Basis.LEVEL, "level": DataAccessLevel.MANAGE, "complete": True},
    "WALLET": {"basis": Basis.LEVEL, "level": DataAccessLevel.MANAGE, "complete": True, "wallet": True},
    "DECISION_MAKER": {"basis": Basis.ROLE_GROUP, "role_key": DelegatedRole.DECISION_MAKER},
    "PHONE_MANAGER": {"basis": Basis.ROLE_GROUP, "role_key": DelegatedRole.PHONE_MANAGER},
}
KINDS: Final = ("share.added", "invoice.issued", "wallet.topped_up", "export.created")


def session_of(whole: Whole, given: str) -> Principal:
    """Somebody of the guest who acts in the host, and is nobody there."""
    who = whole.person("delegated")
    home, host = whole.organisations["guest"], whole.organisations["host"]
    acting = Acting(UUID(int=1), host, home, whole.partnership.id, **SESSIONS[given])  # type: ignore[arg-type]
    return Principal(identity_of(who), who.id, "x", home, (), acting)


async def seen_by(world: World, principal: Principal, table: Any, sees: Callable[[Any], Any]) -> set[UUID]:
    query = Query(select(table.c.id).where(sees(table)))
    rows = await world.owner.fetch(query.sql, *query.arguments(viewer_binds(principal, world.clock.now)))
    return {UUID(str(row["id"])) for row in rows}


def acted(whole: Whole, given: str, event: Event) -> bool:
    """Model 4.7 of who acts: what the host does by itself and what concerns the own side, nothing of other partners;
    bills for who may read them, and of exports the own side's alone."""
    home, host = whole.organisations["guest"], whole.organisations["host"]
    if given == "PHONE_MANAGER" or event.stream != host:
        return False
    if event.kind in {"invoice.issued", "wallet.topped_up"} and given not in {"WALLET", "DECISION_MAKER"}:
        return False
    if event.kind == "export.created" and event.actor_home != home:
        return False
    return event.guest in {None, home} and event.host in {None, host} and event.actor_home in {None, host, home}


async def test_which_events_a_session_sees(world: World) -> None:
    whole = Whole(world)
    host, guest, other = whole.organisations.values()
    every = product((host, guest), (None, host, other), (None, guest, other), (None, host, guest, other), KINDS)
    whole.facts.events = [
        Event(whole.key(f"event {number}"), stream, of_host, None, of_guest, home, kind)
        for number, (stream, of_host, of_guest, home, kind) in enumerate(every)
    ]
    await write(world, whole.facts)
    mine = {event.id: event for event in whole.facts.events}
    for given in SESSIONS:
        seen = await seen_by(world, session_of(whole, given), activity_events, sees_event)
        right = {key for key, event in mine.items() if acted(whole, given, event)}
        assert seen & mine.keys() == right, given


REACHED: Final[dict[str, Change]] = {
    "shared": lambda whole: None,
    "suspended": on("share", state="SUSPENDED"),
    "removed": on("share", state="REMOVED"),
    "over": on("share", expires_at=timedelta()),
    "not yet over": on("share", expires_at=INSTANT),
}


@pytest.mark.parametrize("what", REACHED)
async def test_what_else_a_session_sees(world: World, what: str) -> None:
    """4.15, Q20: with MANAGE what is actively shared in the partnership, under COMPLETE every account; people for who
    manages them; of partnerships the one acted under."""
    whole = Whole(world)
    REACHED[what](whole)
    far = Partnership(**vars(whole.partnership) | {"id": whole.key("far"), "guest": whole.organisations["other"]})
    whole.facts.partnerships.append(far)
    whole.facts.shares.append(Share(whole.key("third"), far, whole.kept, whole.people["sharer"], "ACTIVE", None))
    await write(world, whole.facts)
    every = {account.id for account in whole.facts.accounts}
    shared = {whole.till.id} | ({whole.desk.id} if what in {"shared", "not yet over"} else set())
    at_host = {m.id for m in whole.facts.memberships if m.organisation == whole.organisations["host"]}
    for given in SESSIONS:
        principal = session_of(whole, given)
        manages = given in {"MANAGE", "COMPLETE", "WALLET"}
        reached = every if given in {"COMPLETE", "WALLET"} else shared if manages else set[UUID]()
        assert await seen_by(world, principal, accounts, sees_account) & every == reached, given
        assert await seen_by(world, principal, partnerships, sees_partnership) == {whole.partnership.id}
        under = {whole.share.id, whole.second.id} if manages else set[UUID]()
        assert await seen_by(world, principal, shares, sees_share) == under, given
        held = {grant.id for grant in whole.facts.grants} if manages else set[UUID]()
        assert await seen_by(world, principal, grants, sees_grant) == held, given
        people = at_host if manages or given == "DECISION_MAKER" else set[UUID]()
        own = {whole.members["delegated"].id}
        assert await seen_by(world, principal, memberships, sees_membership) - own == people, given
