"""First sign-ins on an issuer's word: who becomes a member, who is matched, and who stays a stranger (model 4.4.5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from accord.access.principal import Identity, Principal
from accord.domain.callers.signin import FirstSignIn, first_sign_in
from accord.domain.errors import NotFound
from accord.domain.organisation import MembershipStatus, Role, token_hash
from accord.services.people.arrival import arrive
from accord.services.people.browser import begin_session, use_session
from accord.services.people.joining import accept_membership, invite_member
from accord.services.people.member import deactivate_member, reactivate_member, remove_member
from tests.randomness import seeded
from tests.servers import DatabaseURLs
from tests.world import Organisation, World, identify, open_world

M = MembershipStatus
ISSUERS = ("https://one.example", "https://two.example")


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(module_database_urls, pool_wait=30.0, lock_timeout=30.0, statement_timeout=60.0) as made:
        yield made


def newcomer(*organisations: Organisation, subject: str = "ada", **given: Any) -> Identity:
    """Somebody whom an issuer introduces to these organisations."""
    handles = frozenset(organisation.handle for organisation in organisations)
    address = f"{subject}@company.example"
    chosen = {"issuer": ISSUERS[0], "email": address, "name": subject.title(), "provisions": True}
    return replace(identify(subject), **{**chosen, "speaks_for": handles, **given})


async def come(world: World, identity: Identity) -> Principal:
    """Sign in, and the caller as the next request finds them."""
    await world.database.write(identity, None, arrive)
    snapshot = world.database.snapshot(identity)
    try:
        return await snapshot.principal()
    finally:
        await snapshot.close()


async def directory_made(
    world: World, organisation: Organisation, email: str, status: M = M.ACTIVE, token: str | None = None
) -> Any:
    """A person as a directory makes them: at home, perhaps a member, perhaps with a link, and without any identity."""
    user = await world.owner.fetchval(
        "INSERT INTO accord.users (email, display_name, home_organisation_id) VALUES ($1, 'Made', $2) RETURNING id",
        email,
        organisation.id,
    )
    await world.owner.execute(
        "INSERT INTO accord.memberships (organisation_id, user_id, email, display_name, roles, status, unclaimed,"
        " token_hash, token_expires_at) VALUES ($1, $2, $3, 'Made', '{PHONE_MANAGER}', $4, $5, $6, $7)",
        organisation.id,
        user,
        email,
        status.value,
        token is not None,
        token and token_hash(token),
        token and world.clock.now + timedelta(hours=72),
    )
    return user


async def counted(world: World) -> tuple[int, ...]:
    tables = ("users", "identities", "memberships", "activity_events")
    return tuple([await world.owner.fetchval(f"SELECT count(*) FROM accord.{table}") for table in tables])


async def stays_a_stranger(world: World, identity: Identity) -> None:
    before = await counted(world)
    principal = await come(world, identity)
    assert (principal.person_id, principal.standings) == (None, ())
    assert await counted(world) == before


async def test_a_newcomer_is_a_plain_member_at_home_there(world: World) -> None:
    home = await world.organisation()
    principal = await come(world, newcomer(home))
    assert principal.home_organisation_id == home.id
    (standing,) = principal.standings
    assert (standing.organisation_id, standing.roles) == (home.id, frozenset({Role.MEMBER}))
    row = await world.owner.fetchrow("SELECT * FROM accord.memberships WHERE id = $1", standing.membership_id)
    assert (row["status"], row["vouched_by"], row["invited_by"]) == ("ACTIVE", ISSUERS[0], None)
    types = "SELECT array_agg(type ORDER BY sequence) FROM accord.activity_events WHERE stream_id = $1 AND sequence > 1"
    assert await world.owner.fetchval(types, home.id) == ["member.provisioned", "signin.platform"]
    assert not (await world.verify()).faults


async def test_a_directorys_link_leads_nowhere_once_its_person_has_signed_in(world: World) -> None:
    """Else whoever finds the mail later would sign in as the same person. Before, the link is good, once."""
    home = await world.organisation("Linked")
    made = await directory_made(world, home, "lin@company.example", token="the link of lin")
    assert (await come(world, newcomer(home, subject="lin"))).person_id == made
    other = await directory_made(world, home, "moe@company.example", token="the link of moe")
    door = await world.vouched(identify("moe at another door"), "the link of moe")
    await world.database.write(door, None, partial(accept_membership, token="the link of moe"))
    before = await counted(world)
    for link in ("the link of lin", "the link of moe"):
        with pytest.raises(NotFound):
            await world.database.write(identify("finder"), None, partial(accept_membership, token=link))
    assert (await come(world, newcomer(home, subject="moe"))).person_id is None
    assert await counted(world) == before
    who = "SELECT user_id FROM accord.identities WHERE user_id = ANY ($1) ORDER BY user_id"
    assert [row["user_id"] for row in await world.owner.fetch(who, [made, other])] == sorted([made, other])


async def test_without_provision_nobody_is_made_but_the_directorys_people_are_found(world: World) -> None:
    home = await world.organisation()
    await stays_a_stranger(world, newcomer(home, subject="nora", provisions=False))
    made = await directory_made(world, home, "bea@company.example")
    principal = await come(world, newcomer(home, subject="bea", provisions=False, email="BEA@company.example"))
    assert principal.person_id == made
    assert [standing.roles for standing in principal.standings] == [{Role.PHONE_MANAGER}]
    types = "SELECT array_agg(type ORDER BY sequence) FROM accord.activity_events WHERE stream_id = $1 AND sequence > 1"
    assert await world.owner.fetchval(types, home.id) == ["member.updated", "signin.platform"]


STRANGERS: dict[str, dict[str, Any]] = {
    "an unverified address": {"email_verified": False},
    "no address": {"email": None},
    "no address at all": {"email": "ada"},
    "an address with control characters": {"email": "a\x00da@company.example"},
    "nobody speaks": {"speaks_for": frozenset()},
    "an organisation that is none": {"speaks_for": frozenset({"aaaa-bbbb-cccc"})},
}


@pytest.mark.parametrize("given", STRANGERS.values(), ids=STRANGERS)
async def test_strangers(world: World, given: dict[str, Any]) -> None:
    home = await world.organisation()
    await stays_a_stranger(world, replace(newcomer(home, subject="stranger"), **given))


async def test_two_organisations_at_once_are_nobodys_word(world: World) -> None:
    await stays_a_stranger(world, newcomer(await world.organisation(), await world.organisation(), subject="both"))


@pytest.mark.parametrize("status", ["SUSPENDED", "CLOSED"])
async def test_an_organisation_that_is_not_active_takes_nobody(world: World, status: str) -> None:
    home = await world.organisation()
    await world.owner.execute("UPDATE accord.organisations SET status = $2 WHERE id = $1", home.id, status)
    await stays_a_stranger(world, newcomer(home, subject="late"))


@pytest.mark.parametrize("status", [M.DEACTIVATED, M.REMOVED])
async def test_a_place_that_was_taken_away_stays_so(world: World, status: M) -> None:
    """Neither is the person matched, nor is somebody new made beside."""
    home = await world.organisation()
    await directory_made(world, home, "gone@company.example", status)
    await stays_a_stranger(world, newcomer(home, subject="gone"))


@pytest.mark.parametrize("end", [deactivate_member, remove_member])
async def test_whoever_was_put_out_stays_out(world: World, end: Any) -> None:
    """The same identity, and another one with the same address."""
    home = await world.organisation()
    admin = await world.person(home, Role.ORG_ADMIN)
    subject = f"out.{end.__name__}"
    principal = await come(world, newcomer(home, subject=subject))
    await world.act(admin, end, membership_id=principal.standings[0].membership_id)
    before = await counted(world)
    again = await come(world, newcomer(home, subject=subject, token_id="another"))
    assert (again.person_id, again.standings) == (principal.person_id, ())
    assert await counted(world) == before
    await stays_a_stranger(world, newcomer(home, subject="other", email=f"{subject}@company.example"))


async def test_a_person_who_signs_in_is_never_matched(world: World) -> None:
    """Not by another subject of the same issuer, nor by another issuer of the same organisation."""
    home = await world.organisation()
    own = await come(world, newcomer(home, subject="eve"))
    for other in (newcomer(home, subject="thief"), newcomer(home, subject="eve", issuer=ISSUERS[1])):
        await stays_a_stranger(world, replace(other, email="eve@company.example"))
    person = await world.person(home)
    await stays_a_stranger(world, newcomer(home, subject="third", email=person.email))
    assert own.person_id is not None


async def test_a_waiting_invitation_is_followed_by_its_link_alone(world: World) -> None:
    """It may carry roles, which an address must not get; once it has ended, nothing waits."""
    home = await world.organisation()
    admin = await world.person(home, Role.ORG_ADMIN)
    roles = [Role.ORG_ADMIN]
    await world.act(admin, invite_member, email="inga@company.example", display_name="Inga", roles=roles)
    await stays_a_stranger(world, newcomer(home, subject="inga"))
    row = "UPDATE accord.memberships SET token_expires_at = $2 WHERE organisation_id = $1 AND status = 'INVITED'"
    await world.owner.execute(row, home.id, world.clock.now)
    principal = await come(world, newcomer(home, subject="inga", token_id="later"))
    assert [standing.roles for standing in principal.standings] == [{Role.MEMBER}]


async def test_people_of_one_organisation_are_members_of_another_by_its_invitation_alone(world: World) -> None:
    """And stay so for the identity that accepted, whatever its issuer speaks for; home depends on the issuer's word."""
    home, other = await world.organisation(), await world.organisation()
    identity = newcomer(home, subject="lena")
    await come(world, identity)
    elsewhere = await come(world, newcomer(other, subject="lena", token_id="elsewhere"))
    assert elsewhere.standings == (), "the word of another day gives nothing, neither there nor at home"
    admin = await world.person(other, Role.ORG_ADMIN)
    await world.act(admin, invite_member, email="lena@company.example", display_name="Lena")
    await world.owner.execute(
        "UPDATE accord.memberships SET token_hash = $2 WHERE organisation_id = $1 AND status = 'INVITED'",
        other.id,
        token_hash("link"),
    )
    await world.database.write(identity, None, lambda tx: accept_membership(tx, token="link"))
    both = await come(world, newcomer(home, subject="lena", token_id="both"))
    assert both.organisations == {home.id, other.id}
    silent = await come(world, newcomer(subject="lena", token_id="silent"))
    assert silent.organisations == {other.id}
    assert silent.person_id == both.person_id


async def test_taking_a_binding_away_ends_what_it_gave_and_an_invitation_brings_it_back(world: World) -> None:
    home = await world.organisation()
    admin = await world.person(home, Role.ORG_ADMIN)
    given = await come(world, newcomer(home, subject="olga"))
    unbound = newcomer(subject="olga", token_id="unbound")
    assert (await come(world, unbound)).standings == ()
    await world.act(admin, remove_member, membership_id=given.standings[0].membership_id)
    await world.act(admin, invite_member, email="olga@company.example", display_name="Olga")
    await world.owner.execute(
        "UPDATE accord.memberships SET token_hash = $2 WHERE organisation_id = $1 AND status = 'INVITED'",
        home.id,
        token_hash("way back"),
    )
    await world.database.write(unbound, None, lambda tx: accept_membership(tx, token="way back"))
    assert (await come(world, unbound)).organisations == {home.id}


async def test_first_sign_ins_at_once_make_one_person(world: World) -> None:
    home = await world.organisation()
    identities = [newcomer(home, subject="race", token_id=f"race {number}") for number in range(8)]
    people = await asyncio.gather(*(come(world, identity) for identity in identities))
    assert len({principal.person_id for principal in people}) == 1
    rows = "SELECT count(*) FROM accord.memberships WHERE organisation_id = $1"
    assert await world.owner.fetchval(rows, home.id) == 1
    types = "SELECT count(*) FROM accord.activity_events WHERE stream_id = $1 AND type = 'member.provisioned'"
    assert await world.owner.fetchval(types, home.id) == 1


async def test_two_who_would_be_matched_at_once_are_not_both(world: World) -> None:
    home = await world.organisation()
    made = await directory_made(world, home, "max@company.example")
    rivals = [newcomer(home, subject=f"max{number}", email="max@company.example") for number in range(6)]
    people = [principal.person_id for principal in await asyncio.gather(*(come(world, rival) for rival in rivals))]
    assert sorted(people, key=str) == sorted([made, *[None] * 5], key=str)


async def browser_of(world: World, identity: Identity) -> str:
    return await world.database.write(identity, None, begin_session)


@pytest.mark.parametrize("end", [deactivate_member, remove_member])
async def test_the_end_of_the_last_membership_signs_browsers_out(world: World, end: Any) -> None:
    home, other = await world.organisation(), await world.organisation()
    admin, there = await world.person(home, Role.ORG_ADMIN), await world.person(other, Role.ORG_ADMIN)
    person, colleague = await world.person(home), await world.person(home)
    elsewhere = await world.join(person, other)
    secret, kept = await browser_of(world, person.identity), await browser_of(world, colleague.identity)
    await world.act(there, end, membership_id=elsewhere)
    assert await use_session(world.database, secret) is not None, "still a member at home"
    await world.act(admin, end, membership_id=person.membership_id)
    assert await use_session(world.database, secret) is None
    assert await use_session(world.database, kept) is not None
    if end is deactivate_member:
        await world.act(admin, reactivate_member, membership_id=person.membership_id)
        assert await use_session(world.database, secret) is None, "back is not signed in"


async def test_a_stranger_who_joins_keeps_the_browser_and_loses_it_when_put_out(world: World) -> None:
    home = await world.organisation()
    admin = await world.person(home, Role.ORG_ADMIN)
    stranger = newcomer(subject="stray")
    secret = await browser_of(world, stranger)
    await world.act(admin, invite_member, email="stray@company.example", display_name="Stray")
    await world.owner.execute(
        "UPDATE accord.memberships SET token_hash = $2 WHERE organisation_id = $1 AND status = 'INVITED'",
        home.id,
        token_hash("stray"),
    )
    joined = await world.database.write(stranger, None, lambda tx: accept_membership(tx, token="stray"))
    assert await use_session(world.database, secret) is not None
    await world.act(admin, remove_member, membership_id=joined)
    assert await use_session(world.database, secret) is None


async def test_a_session_ends_after_an_idle_hour_and_after_twelve_hours(world: World) -> None:
    person = await world.person(await world.organisation())
    secret = await browser_of(world, person.identity)
    idle = await browser_of(world, replace(person.identity, token_id="idle"))
    for _ in range(13):
        world.clock.advance(minutes=55)
        assert await use_session(world.database, secret) is not None
    assert await use_session(world.database, idle) is None
    world.clock.advance(minutes=5)
    assert await use_session(world.database, secret) is None


async def test_an_idle_session_does_not_come_back(world: World) -> None:
    person = await world.person(await world.organisation())
    secret = await browser_of(world, person.identity)
    world.clock.advance(minutes=60)
    assert await use_session(world.database, secret) is None
    assert await use_session(world.database, secret) is None


def test_what_an_address_leads_to() -> None:
    """Every case: matched is only who has one active place and is at home there; made is only whom nobody knows."""
    random = seeded()
    for _ in range(500):
        places = random.choices(list(M), k=random.randrange(3))
        at_home, bound, provisions = (random.random() < 0.5 for _ in range(3))
        decided = first_sign_in(places, at_home=at_home, bound=bound, provisions=provisions)
        assert (decided is FirstSignIn.MATCH) == (at_home and not bound and places == [M.ACTIVE])
        assert (decided is FirstSignIn.PROVISION) == (not at_home and not places and provisions)
