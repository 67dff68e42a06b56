"""A connection that is lost at COMMIT: the caller is told that nobody knows, never that nothing happened."""

from __future__ import annotations

from typing import Any, Final

import pytest

from accord.database.engine import Busy, Lost, OutcomeUnknown, Snapshot, TimedOut
from accord.domain.ids import global_id
from accord.services.people.profile import update_profile
from tests.schema.conftest import Asking
from tests.world import World

RENAME: Final = """mutation Rename($input: UpdateProfileInput!) {
  updateProfile(input: $input) { user { displayName } errors { code } } }"""
DIES_AT_COMMIT: Final = """
CREATE FUNCTION accord.die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER dies AFTER UPDATE ON accord.users DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION accord.die();
"""


async def test_a_backend_that_dies_while_committing(world: World, asking: Asking, caplog: Any) -> None:
    person = await world.person(await world.organisation(), name="Before")
    await world.owner.execute(DIES_AT_COMMIT)
    try:
        with pytest.raises(OutcomeUnknown):
            await world.database.write(person.identity, None, lambda tx: update_profile(tx, display_name="After"))
        data, errors = await asking.look(person, RENAME, input={"displayName": "After"})
    finally:
        await world.owner.execute("DROP TRIGGER dies ON accord.users; DROP FUNCTION accord.die()")
    assert data == {"updateProfile": None}
    assert [error["extensions"] for error in errors] == [{"code": "OUTCOME_UNKNOWN"}]
    assert not caplog.records
    data = await asking.ask(person, RENAME, input={"displayName": "Now"})
    assert data["updateProfile"] == {"user": {"displayName": "Now"}, "errors": []}


async def test_a_backend_that_dies_before_the_commit_is_no_such_case(world: World) -> None:
    person = await world.person(await world.organisation())

    async def die(tx: Any) -> None:
        await world.owner.execute("SELECT pg_terminate_backend($1)", tx.driver.get_server_pid())
        await update_profile(tx, display_name="After")

    with pytest.raises(Exception) as lost:  # noqa: PT011
        await world.database.write(person.identity, None, die)
    assert not isinstance(lost.value, OutcomeUnknown)


@pytest.mark.parametrize("failure", [ConnectionRefusedError("gone"), TimedOut()])
async def test_what_was_committed_and_cannot_be_read_is_not_said_to_have_failed(
    world: World, asking: Asking, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    person = await world.person(await world.organisation())
    rights = Snapshot.principal
    reads = iter((rights, None))

    async def principal(self: Snapshot) -> Any:
        read = next(reads, None)
        if read is None:
            raise failure
        return await read(self)

    monkeypatch.setattr(Snapshot, "principal", principal)
    _, errors = await asking.look(person, RENAME, input={"displayName": "After"})
    assert [error["extensions"]["code"] for error in errors] == ["OUTCOME_UNKNOWN"]
    row = await world.owner.fetchrow("SELECT display_name FROM accord.users WHERE id = $1", person.id)
    assert row["display_name"] == "After"


async def test_a_payload_that_cannot_be_read_either(
    world: World, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person(await world.organisation())

    async def fetch(self: Snapshot, *_: Any, **__: Any) -> Any:
        raise TimedOut

    monkeypatch.setattr(Snapshot, "fetch", fetch)
    codes = await asking.codes(person, RENAME, input={"displayName": "After"})
    assert codes == ["OUTCOME_UNKNOWN"]
    assert await asking.codes(
        person, "query Me($id: ID!) { node(id: $id) { id } }", id=global_id("user", person.id)
    ) == ["TIMEOUT"]


DEEPER: Final = """mutation Rename($input: UpdateProfileInput!) {
  updateProfile(input: $input) { user { displayName homeOrganisation { name } } errors { code } } }"""


@pytest.mark.parametrize("failure", [Lost(), Busy(), TimedOut(), ConnectionResetError()])
async def test_what_stands_deeper_in_the_payload_and_cannot_be_read(
    world: World, asking: Asking, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """BUSY would say that nothing was changed; in a query it says just that."""
    person = await world.person(await world.organisation())
    fetch = Snapshot.fetch
    left = 1

    async def once(self: Snapshot, query: Any, **given: Any) -> Any:
        nonlocal left
        if left == 0:
            raise failure
        left -= 1
        return await fetch(self, query, **given)

    monkeypatch.setattr(Snapshot, "fetch", once)
    data, errors = await asking.look(person, DEEPER, input={"displayName": "After"})
    assert {error["extensions"]["code"] for error in errors} == {"OUTCOME_UNKNOWN"}
    assert all(len(error["path"]) > 1 for error in errors), (data, errors)
    row = await world.owner.fetchrow("SELECT display_name FROM accord.users WHERE id = $1", person.id)
    assert row["display_name"] == "After"
    left = 1
    me = "{ viewer { user { displayName homeOrganisation { name } } } }"
    assert not {"OUTCOME_UNKNOWN", "INTERNAL"} & set(await asking.codes(person, me))
