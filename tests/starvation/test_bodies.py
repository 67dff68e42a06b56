"""Bodies that come slowly or not at all cost those who send them, and nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import pytest

from accord.services.people.scim_credential import create_scim_credential
from tests.scale import CONTROL, count
from tests.servers import DatabaseURLs
from tests.starvation.stage import UNLIMITED, staged

pytestmark = pytest.mark.alone

SOCKETS: Final = 215
REQUESTS: Final = count(test=200, check=1_000)
PATIENT: Final[dict[str, Any]] = {"body_grace": 600.0, "body_timeout": 600.0}
"""With which a body may stay away for the whole test."""


async def test_slow_bodies_of_one_member_leave_others_alone(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    async with staged(database_urls, tmp_path, **PATIENT) as stage, stage.attack() as attack:
        quiet = await stage.serve(REQUESTS)
        await attack.open_many(SOCKETS, stage.beginning(stage.attackers[0]))
        await attack.becomes(silent=8, s429=SOCKETS - 8)
        assert await stage.under_way() == 8
        (await stage.serve(REQUESTS)).assert_unharmed(quiet)
        attack.close()
        await stage.all_given_back()


@CONTROL
async def test_without_slots_before_the_body_others_are_refused(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    async with (
        staged(database_urls, tmp_path, without=("shares",), **UNLIMITED, **PATIENT) as stage,
        stage.attack() as attack,
    ):
        await attack.open_many(SOCKETS, stage.beginning(stage.attackers[0]))
        await attack.becomes(silent=200, s503=SOCKETS - 200)
        served = await stage.serve(50)
        assert served.statuses == {503: 50}


async def test_a_body_has_to_be_on_its_way(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    """A body that stays away is given up before its time is over, and its slot is free."""
    async with staged(database_urls, tmp_path, body_grace=1.0, body_timeout=600) as stage, stage.attack() as attack:
        await attack.open_many(8, stage.beginning(stage.attackers[0]))
        await attack.becomes(s408=8)
        await stage.all_given_back()


@pytest.mark.parametrize("path", ["/oauth/token", "/tickets/redeem", "/auth/sign-out"])
async def test_slow_strangers(database_urls: DatabaseURLs, tmp_path: Path, path: str) -> None:
    """They hold nothing but their sockets, neither of those who are signed in nor of other strangers."""
    async with (
        staged(database_urls, tmp_path, guesses_per_minute=100_000, **PATIENT) as stage,
        stage.attack() as attack,
    ):
        quiet = await stage.serve(REQUESTS)
        head = f"POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n"
        await attack.open_many(SOCKETS, head.encode() + b"{")
        (await stage.serve(REQUESTS)).assert_unharmed(quiet)
        whole = b"POST /tickets/redeem HTTP/1.1\r\nhost: a\r\ncontent-length: 14\r\n\r\n" + b'{"ticket":"x"}'
        assert (await stage.serve(50, whole)).statuses == {400: 50}


@CONTROL
async def test_strangers_in_the_pool_of_all_starve_them(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    async with (
        staged(
            database_urls, tmp_path, without=("strangers", "shares"), guesses_per_minute=100_000, **PATIENT
        ) as stage,
        stage.attack() as attack,
    ):
        head = b"POST /tickets/redeem HTTP/1.1\r\nhost: a\r\ncontent-length: 900\r\n\r\n{"
        await attack.open_many(SOCKETS, head)
        await attack.becomes(silent=200, s503=SOCKETS - 200)
        assert (await stage.serve(50)).statuses == {503: 50}


async def test_a_stranger_sends_little(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    async with staged(database_urls, tmp_path) as stage:
        head = b"POST /auth/sign-out HTTP/1.1\r\nhost: a\r\ncontent-length: 8193\r\n\r\n"
        status, body = await stage.ask(head)
        assert status == 413
        assert b"BODY_TOO_LARGE" in body


async def test_slow_bodies_of_a_directory(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    async with staged(database_urls, tmp_path, **PATIENT) as stage, stage.attack() as attack:
        made = await stage.world.act(stage.attackers[0], create_scim_credential, label="Okta")
        quiet = await stage.serve(REQUESTS)
        head = f"POST /scim/v2/Users HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {made.token}\r\n"
        rest = "content-type: application/scim+json\r\ncontent-length: 900\r\n\r\n{"
        await attack.open_many(SOCKETS, (head + rest).encode())
        await attack.becomes(silent=8, s429=SOCKETS - 8)
        (await stage.serve(REQUESTS)).assert_unharmed(quiet)


async def test_idle_connections_give_way(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    """Of a thousand connections that send nothing or half a head, those are cut that have waited longest."""
    async with staged(database_urls, tmp_path, connections=300) as stage, stage.attack() as attack:
        quiet = await stage.serve(REQUESTS)
        for number in range(10):
            await attack.open_many(100, b"" if number % 2 else b"POST /graphql HTTP/1.1\r\nhost: a\r\n")
        (await stage.serve(REQUESTS)).assert_unharmed(quiet)
        assert attack.statuses()["cut"] >= 700


@CONTROL
async def test_without_a_limit_idle_connections_take_all_files(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    async with staged(database_urls, tmp_path, without=("connections",), files=200) as stage, stage.attack() as attack:
        await attack.open_many(400, b"POST /graphql HTTP/1.1\r\nhost: a\r\n")
        with pytest.raises((TimeoutError, ConnectionError, asyncio.IncompleteReadError)):
            await stage.serve_within(3.0)
