"""Mutations under an `Idempotency-Key`, over HTTP: done once, told again to who may still be told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import asyncpg
import pytest

from accord.services.housekeeping import forget
from accord.services.retry import Seal
from tests.api.cases import Cases
from tests.api.gateway import digest
from tests.api.test_five_cases import CASES, Place, fresh, named, place

__all__ = ["fresh", "place"]

RENAME: Final = """mutation($input: UpdateProfileInput!) {
  updateProfile(input: $input) { user { id displayName } errors { code } } }"""
CREATE: Final = """mutation($input: CreateAccountInput!) {
  createAccount(input: $input) { account { id label } errors { code } } }"""
OWN: Final = "SELECT count(*) FROM accord.retries"


@asynccontextmanager
async def owner(place: Place) -> AsyncIterator[Any]:
    place.touched = True
    connection = await asyncpg.connect(place.api.urls.superuser)
    try:
        yield connection
    finally:
        await connection.close()


async def ask(place: Place, by: str, document: str, key: str, session: str | None = None, **given: Any) -> Any:
    place.touched = True
    return await place.api.post(place.town.emails[by], document, {"input": given}, session, key)


def account(place: Place, label: str = "Books") -> dict[str, Any]:
    return {
        "organisationId": place.town["harbour"],
        "app": "Ledger",
        "label": label,
        "launchUrl": "https://ledger.example/",
    }


def code(answer: Any) -> str | None:
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else None


@pytest.mark.parametrize("cases", CASES, ids=named)
async def test_every_mutation_is_done_once_and_answered_alike(fresh: Place, cases: Cases) -> None:
    first = await fresh.call(cases, cases.by, cases.given, "a key")
    assert "errors" not in first, first
    before = await digest(fresh.api.urls)
    again = await fresh.call(cases, cases.by, cases.given, "a key")
    assert again["data"] == first["data"]
    assert "errors" not in again, again
    assert await digest(fresh.api.urls) == before


async def test_another_key_is_another_act(fresh: Place) -> None:
    made = {
        (await ask(fresh, "mia", CREATE, key, **account(fresh)))["data"]["createAccount"]["account"]["id"]
        for key in ("one", "two", "one")
    }
    assert len(made) == 2


async def test_other_arguments_are_refused_and_change_nothing(fresh: Place) -> None:
    first = await ask(fresh, "mia", CREATE, "k", **account(fresh))
    before = await digest(fresh.api.urls)
    answer = await ask(fresh, "mia", CREATE, "k", **account(fresh, "Other books"))
    assert (code(answer), answer["data"]) == ("IDEMPOTENCY_KEY_REUSED", {"createAccount": None})
    assert await digest(fresh.api.urls) == before
    assert (await ask(fresh, "mia", CREATE, "k", **account(fresh)))["data"] == first["data"]


async def test_a_key_is_its_author_s_its_session_s_and_its_mutation_s(fresh: Place) -> None:
    mias = await ask(fresh, "mia", CREATE, "k", **account(fresh))
    ottos = await ask(fresh, "otto", CREATE, "k", **account(fresh, "Something else"))
    assert ottos["data"]["createAccount"]["account"]["label"] == "Something else"
    assert mias["data"] != ottos["data"]
    assert (await ask(fresh, "mia", RENAME, "k", displayName="Maria"))["data"]["updateProfile"]["errors"] == []
    invite = """mutation($input: InviteMemberInput!) {
      inviteMember(input: $input) { membership { id } errors { code } } }"""
    ivy = {"organisationId": fresh.town["harbour"], "email": "iris@harbour.example", "displayName": "Iris"}
    jon = ivy | {"email": "jon@harbour.example", "displayName": "Jon"}
    session = fresh.town["manage_session"]
    first = await ask(fresh, "marta", invite, "k", session, **ivy)
    assert first["data"]["inviteMember"]["membership"], first
    assert code(await ask(fresh, "marta", invite, "k", session, **jon)) == "IDEMPOTENCY_KEY_REUSED"
    other = await ask(fresh, "marta", invite, "k", fresh.town["decision_maker_session"], **jon)
    assert other["data"]["inviteMember"]["membership"] != first["data"]["inviteMember"]["membership"]
    assert other["data"]["inviteMember"]["membership"], other


async def test_a_document_may_name_a_mutation_twice_under_one_key(fresh: Place) -> None:
    document = """mutation($input: CreateAccountInput!) {
      one: createAccount(input: $input) { account { id } } two: createAccount(input: $input) { account { id } } }"""
    first = await ask(fresh, "mia", document, "k", **account(fresh))
    assert first["data"]["one"] != first["data"]["two"]
    assert (await ask(fresh, "mia", document, "k", **account(fresh)))["data"] == first["data"]


async def test_after_a_day_a_key_is_free_again(fresh: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await ask(fresh, "mia", CREATE, "k", **account(fresh))
    database = fresh.api.gateway.database
    now = database.clock
    monkeypatch.setattr(database, "clock", lambda: now() + timedelta(hours=23, minutes=59))
    assert (await ask(fresh, "mia", CREATE, "k", **account(fresh)))["data"] == first["data"]
    monkeypatch.setattr(database, "clock", lambda: now() + timedelta(hours=24, seconds=1))
    later = await ask(fresh, "mia", CREATE, "k", **account(fresh, "More books"))
    assert later["data"]["createAccount"]["account"]["label"] == "More books"
    assert later["data"] != first["data"]


async def test_housekeeping_forgets_keys_of_yesterday(fresh: Place) -> None:
    worker = fresh.api.gateway.worker_database
    assert worker is not None
    await ask(fresh, "mia", RENAME, "k", displayName="Maria")
    async with owner(fresh) as sql:
        await forget(worker, worker.clock() + timedelta(hours=23))
        assert await sql.fetchval(OWN) == 1
        await forget(worker, worker.clock() + timedelta(hours=24, minutes=1))
        assert await sql.fetchval(OWN) == 0


async def test_who_may_no_longer_is_refused_and_not_told(fresh: Place) -> None:
    """Gate 1, the organisation and the session are asked again, and what is shown is what may be seen."""
    created = await ask(fresh, "mia", CREATE, "k", **account(fresh))
    assert created["data"]["createAccount"]["account"]
    member = """mutation($input: InviteMemberInput!) {
      inviteMember(input: $input) { membership { id } errors { code } } }"""
    ivy = {"organisationId": fresh.town["harbour"], "email": "iris@harbour.example", "displayName": "Iris"}
    assert (await ask(fresh, "arne", member, "k", **ivy))["data"]["inviteMember"]["membership"]
    session = fresh.town["manage_session"]
    assert (await ask(fresh, "marta", member, "k", session, **ivy | {"email": "jon@harbour.example"}))["data"]
    async with owner(fresh) as sql:
        for name, change in (
            ("mia", "status = 'DEACTIVATED'"),
            ("arne", "roles = '{}'"),
        ):
            key = fresh.town[name].partition("_")[2]
            await sql.execute(f"UPDATE accord.memberships SET {change} WHERE user_id = $1::text::uuid", key)
        await sql.execute(
            "UPDATE accord.acting_sessions SET state = 'ENDED', ended_at = now() WHERE id = $1::text::uuid",
            session.partition("_")[2],
        )
    before = await digest(fresh.api.urls)
    mias = await ask(fresh, "mia", CREATE, "k", **account(fresh))
    assert (mias["data"], code(mias)) == ({"createAccount": None}, "FORBIDDEN")
    arnes = await ask(fresh, "arne", member, "k", **ivy)
    assert (arnes["data"], code(arnes)) == ({"inviteMember": None}, "FORBIDDEN")
    martas = await ask(fresh, "marta", member, "k", session, **ivy | {"email": "jon@harbour.example"})
    assert code(martas) == "SESSION_ENDED"
    assert await digest(fresh.api.urls) == before


async def test_what_is_shown_again_is_what_may_be_seen_now(fresh: Place) -> None:
    first = await ask(fresh, "mia", CREATE, "k", **account(fresh))
    key = first["data"]["createAccount"]["account"]["id"].partition("_")[2]
    async with owner(fresh) as sql:
        await sql.execute("UPDATE accord.accounts SET label = 'Renamed' WHERE id = $1::text::uuid", key)
        again = await ask(fresh, "mia", CREATE, "k", **account(fresh))
        assert again["data"]["createAccount"]["account"]["label"] == "Renamed"


async def test_a_refusal_is_not_kept(fresh: Place) -> None:
    wrong = {**account(fresh), "launchUrl": "ftp://ledger.example/"}
    payload = (await ask(fresh, "mia", CREATE, "k", **wrong))["data"]["createAccount"]
    assert payload["errors"]
    async with owner(fresh) as sql:
        assert await sql.fetchval(OWN) == 0
    right = await ask(fresh, "mia", CREATE, "k", **account(fresh))
    assert right["data"]["createAccount"]["errors"] == []


@pytest.mark.parametrize("key", ["x" * 256, "snow\tman", "caf\xe9"])
async def test_what_is_no_key(fresh: Place, key: str) -> None:
    before = await digest(fresh.api.urls)
    headers = [
        (b"authorization", f"Bearer {fresh.api.token(fresh.town.emails['mia'])}".encode()),
        (b"idempotency-key", key.encode("latin-1")),
    ]
    body = {"query": RENAME, "variables": {"input": {"displayName": "Maria"}}}
    answer = await fresh.api.client.post(f"{fresh.api.url}/graphql", json=body, headers=headers)
    assert (answer.status_code, code(answer.json())) == (400, "IDEMPOTENCY_KEY_INVALID")
    twice = [headers[0], (b"idempotency-key", b"a"), (b"idempotency-key", b"b")]
    answer = await fresh.api.client.post(f"{fresh.api.url}/graphql", json=body, headers=twice)
    assert (answer.status_code, code(answer.json())) == (400, "IDEMPOTENCY_KEY_INVALID")
    assert await digest(fresh.api.urls) == before
    fresh.touched = False


async def test_the_longest_key(fresh: Place) -> None:
    first = await ask(fresh, "mia", CREATE, "~ " * 127 + "~", **account(fresh))
    assert (await ask(fresh, "mia", CREATE, "~ " * 127 + "~", **account(fresh)))["data"] == first["data"]


async def test_what_is_shown_once_is_not_in_the_database(fresh: Place) -> None:
    cases = next(cases for cases in CASES if cases.mutation == "signInToAccount")
    answer = await fresh.call(cases, cases.by, cases.given, "a key that nobody knows")
    shown = answer["data"]["signInToAccount"]
    async with owner(fresh) as sql:
        row = await sql.fetchrow("SELECT * FROM accord.retries")
    held = " ".join(value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row.values())
    for secret in (shown["ticket"], shown["launchUrl"], "a key that nobody knows"):
        assert secret not in held


async def test_what_was_closed_with_another_secret_is_unknown_and_not_done_again(fresh: Place) -> None:
    await ask(fresh, "mia", CREATE, "k", **account(fresh))
    before = await digest(fresh.api.urls)
    gateway = fresh.api.gateway
    sealed = gateway.seal
    gateway.seal = Seal(b"the secret after a change")
    try:
        answer = await ask(fresh, "mia", CREATE, "k", **account(fresh))
    finally:
        gateway.seal = sealed
    assert code(answer) == "OUTCOME_UNKNOWN"
    assert await digest(fresh.api.urls) == before


async def test_keys_of_others_can_not_be_read_or_taken(fresh: Place) -> None:
    """The second wall: rows of the token's own identity, whatever a statement asks for."""
    await ask(fresh, "mia", RENAME, "k", displayName="Maria")
    async with owner(fresh) as sql:
        actor = await sql.fetchval("SELECT actor FROM accord.retries")
    issuer, subject = actor.split(" ")
    gateway = await asyncpg.connect(fresh.api.urls.gateway)
    try:
        for names, seen in (((issuer, subject), 1), ((issuer, "otto"), 0), (("other", subject), 0)):
            async with gateway.transaction():
                for name, value in zip(("issuer", "subject"), names, strict=True):
                    await gateway.execute("SELECT set_config('accord.' || $1::text, $2, true)", name, value)
                assert await gateway.fetchval(OWN) == seen
                assert await gateway.execute("UPDATE accord.retries SET result = ''") == f"UPDATE {seen}"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await gateway.execute(
                "INSERT INTO accord.retries (actor, mutation, place, key_hash, arguments_hash, created_at, expires_at)"
                " VALUES ($1, 'a', 'a', 'a', 'a', now(), now())",
                actor,
            )
    finally:
        await gateway.close()
