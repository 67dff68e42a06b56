"""For whose people an issuer speaks: by domains, by a claim, by nothing; and the walls around browsers' rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from accord.database.engine import Database
from accord.http.identity.issuers import Binding, Issuer
from accord.services.housekeeping import forget
from accord.services.people.browser import begin_session, open_attempt, take_attempt, use_session
from tests.identity.stage import Browser, open_stage
from tests.servers import DatabaseURLs
from tests.world import World, identify, open_world

BY_DOMAIN = Binding("a", domains=frozenset({"a.example", "a.test"}))
BY_CLAIM = Binding("b", claim="tid", values=frozenset({"T-1", "T-2"}))
ISSUER = Issuer("https://i.example", "accord", bindings=(BY_DOMAIN, BY_CLAIM))
VERIFIED = {"email_verified": True}


@pytest.mark.parametrize(
    ("claims", "handles"),
    [
        ({"email": "x@a.example"} | VERIFIED, {"a"}),
        ({"email": "x@A.Example"} | VERIFIED, {"a"}),
        ({"email": "x@a.test"} | VERIFIED, {"a"}),
        ({"email": "x@a.example", "email_verified": "true"}, set()),
        ({"email": "x@a.example", "email_verified": 1}, set()),
        ({"email": "x@a.example", "email_verified": False}, set()),
        ({"email": "x@a.example"}, set()),
        ({"email": "x@b.a.example"} | VERIFIED, set()),
        ({"email": "x@xa.example"} | VERIFIED, set()),
        ({"email": "x@a.example@b.example"} | VERIFIED, set()),
        ({"email": "x@a.example."} | VERIFIED, set()),
        ({"email": "a.example"} | VERIFIED, set()),
        ({"email": "@a.example"} | VERIFIED, set()),
        ({"email": ["x@a.example"]} | VERIFIED, set()),
        ({"tid": "T-1"}, {"b"}),
        ({"tid": ["other", "T-2"]}, {"b"}),
        ({"tid": "t-1"}, set()),
        ({"tid": {"T-1": True}}, set()),
        ({"tid": None}, set()),
        ({"tid": "T-1", "email": "x@a.example"} | VERIFIED, {"a", "b"}),
        ({}, set()),
    ],
)
def test_what_an_issuer_says_of_somebody(claims: dict[str, Any], handles: set[str]) -> None:
    assert ISSUER.speaks_for(claims) == handles
    assert Issuer("https://i.example", "accord").speaks_for(claims) == frozenset()


@pytest.mark.parametrize(("subject", "member"), [("tenant", True), ("ada", False)])
async def test_an_issuer_bound_by_a_claim(
    database_urls: DatabaseURLs, tmp_path: Path, subject: str, *, member: bool
) -> None:
    """The address need not be of the organisation's domain, and one that is says nothing."""
    async with (
        open_stage(database_urls, tmp_path, bound={"claim": "tenant", "values": ["T-1"]}) as stage,
        Browser(stage) as browser,
    ):
        assert (await browser.sign_in(stage.first, subject)).status_code == 303
        assert (await browser.viewer() is not None) is member
        assert len(await stage.members(stage.meridian)) == member


@pytest.mark.parametrize("taken", [{"organisations": (), "provision": False}, {"audience": "elsewhere"}])
async def test_a_session_stands_on_what_the_settings_say_now(
    database_urls: DatabaseURLs, tmp_path: Path, taken: dict[str, Any]
) -> None:
    """A binding that is gone gives nothing to the cookie of yesterday; another change of the entry alters nothing."""
    async with open_stage(database_urls, tmp_path) as stage, Browser(stage) as browser:
        await browser.sign_in(stage.first, "ada")
        assert await browser.viewer() is not None
        gateway = stage.app.state.gateway
        entry = stage.settings.issuers[0].model_copy(update=taken)
        gateway.authenticator.cookies.issuers[stage.first.issuer] = entry.trusted()
        assert (await browser.viewer() is None) is ("organisations" in taken)
        del gateway.authenticator.cookies.issuers[stage.first.issuer]
        assert (await browser.graphql()).status_code == 401


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(module_database_urls) as made:
        yield made


async def test_a_browsers_rows_are_seen_by_its_secret_and_its_own_person_alone(world: World) -> None:
    ada, eve = await world.person(await world.organisation()), await world.person(await world.organisation())
    await world.database.write(ada.identity, None, begin_session)
    await world.database.write(
        identify("nobody"), None, lambda tx: open_attempt(tx, issuer="https://i.example", return_to="/")
    )
    for person, seen in ((ada, 1), (eve, 0)):
        async with world.database.transaction(person.identity, person.organisation.id) as tx:
            assert await tx.driver.fetchval("SELECT count(*) FROM accord.browser_sessions") == seen
            assert await tx.driver.fetchval("SELECT count(*) FROM accord.sign_in_attempts") == 0
            assert await tx.driver.execute("UPDATE accord.browser_sessions SET used_at = now()") == f"UPDATE {seen}"
            assert await tx.driver.execute("DELETE FROM accord.sign_in_attempts") == "DELETE 0"
    async with world.database.transaction(eve.identity, eve.organisation.id) as tx:
        made = await tx.driver.fetchval("SELECT accord.sign_out_browsers($1, now())", ada.id)
        assert made == 0, "somebody of another organisation"
    columns = ("issuer", "subject", "token_hash", "ends_at", "speaks_for", "mfa", "started_at")
    for column in columns:
        async with world.database.transaction(ada.identity, ada.organisation.id) as tx:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await tx.driver.execute(f"UPDATE accord.browser_sessions SET {column} = DEFAULT")


async def test_nobody_begins_a_session_as_somebody_else(world: World) -> None:
    ada, eve = await world.person(await world.organisation()), await world.person(await world.organisation())
    forged = (
        "INSERT INTO accord.browser_sessions (token_hash, issuer, subject, email_verified, mfa, started_at, used_at,"
        " ends_at) VALUES ('x', $1, $2, true, true, now(), now(), now() + interval '1 hour')"
    )
    async with world.database.transaction(eve.identity, eve.organisation.id) as tx:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.driver.execute(forged, ada.identity.issuer, ada.identity.subject)


async def test_an_attempt_is_taken_once_and_in_time(world: World) -> None:
    async def opened() -> str:
        return await world.database.write(
            identify("nobody"), None, lambda tx: open_attempt(tx, issuer="https://i.example", return_to="/here")
        )

    async def taken(secret: str) -> Any:
        return await world.database.write(identify("nobody"), None, lambda tx: take_attempt(tx, secret=secret))

    once, late = await opened(), await opened()
    assert (await taken(once)).return_to == "/here"
    assert await taken(once) is None
    assert await taken("guessed") is None
    world.clock.advance(minutes=10)
    assert await taken(late) is None


async def test_housekeeping_forgets_what_is_over(world: World) -> None:
    person = await world.person(await world.organisation())
    secret = await world.database.write(person.identity, None, begin_session)
    await world.database.write(
        identify("nobody"), None, lambda tx: open_attempt(tx, issuer="https://i.example", return_to="/")
    )
    worker = Database(world.urls.worker, clock=world.clock)
    try:
        await forget(worker, world.clock.now)
        assert await use_session(world.database, secret) is not None
        world.clock.advance(hours=12)
        await forget(worker, world.clock.now)
    finally:
        await worker.close()
    for table in ("browser_sessions", "sign_in_attempts"):
        assert await world.owner.fetchval(f"SELECT count(*) FROM accord.{table}") == 0
