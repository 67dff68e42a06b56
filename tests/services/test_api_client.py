"""API clients: who makes and revokes them, what they reach, and with what they end (model 4.2, 4.10)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from accord.access.decision import Condition, may_ever
from accord.access.permissions import Action
from accord.access.principal import ClientProof
from accord.database.engine import SessionOver
from accord.domain.callers.api_client import SECRET, client_of
from accord.domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    InvalidState,
    NotFound,
    OrganisationContextMismatch,
    ValidationError,
)
from accord.domain.organisation import OrganisationStatus, Role, token_hash
from accord.services.api_client import create_api_client, revoke_api_client
from accord.services.grants.acting import switch_organisation
from accord.services.partnerships.hold import resume_partnership, suspend_partnership
from accord.services.partnerships.partnership import remove_partner
from accord.services.partnerships.status import set_organisation_status
from accord.services.people.member import deactivate_member, reactivate_member, remove_member, update_member
from accord.services.policy import freeze_partner_access, unfreeze_partner_access
from tests.services.clients import EVERYTHING, as_client, asking, make_client
from tests.services.scene import Scene


async def alive(scene: Scene, made: Any, owner: str = "ada") -> bool:
    """Can the client still do anything at all?"""
    snapshot = scene.world.database.snapshot(as_client(made, scene[owner].organisation.id))
    try:
        return may_ever(await snapshot.principal(), Action.NODE_READ)
    finally:
        await snapshot.close()


async def test_a_client_has_a_secret_of_which_the_hash_alone_is_kept(scene: Scene) -> None:
    made = await make_client(scene, "ada", "partnership:read", "access:freeze")
    row = await scene.row("api_clients", made.id)
    assert SECRET.fullmatch(made.secret)
    assert client_of(made.secret) == made.id
    assert row["secret_hash"] == token_hash(made.secret)
    assert (row["owner_user_id"], row["organisation_id"]) == (scene["ada"].id, scene.host.id)
    reads = ["partnership:read", "partnership:read_hidden", "partnership:read_reason", "partnership:read_terms"]
    assert row["scopes"] == ["access:freeze", *reads]
    (event,) = await scene.events(scene.host, "api_client.created")
    assert made.secret not in str(dict(event))
    assert re.search(r"[0-9a-f]{64}", event["data"]) is None
    assert await scene.events(scene.guest, "api_client.created") == []


async def test_two_secrets_share_nothing(scene: Scene) -> None:
    made = [await make_client(scene, "ada") for _ in range(3)]
    assert len({one.secret.rpartition("_")[2] for one in made}) == 3


async def live(scene: Scene, name: str) -> int:
    """How many live clients somebody owns."""
    counted = (
        "SELECT count(*) FROM accord.api_clients WHERE owner_user_id = $1 AND status = 'ACTIVE' AND expires_at > $2"
    )
    found: int = await scene.world.owner.fetchval(counted, scene[name].id, scene.world.clock.now)
    return found


async def test_a_person_owns_ten_live_clients_in_all_organisations_together(scene: Scene) -> None:
    """What is revoked or over counts no more; a colleague has ten of their own."""
    await scene.world.join(scene["ada"], scene.guest, Role.ORG_ADMIN)
    given = {"name": "Sync", "scopes": ["user:read"], "expires_at": scene.world.clock.now + timedelta(days=30)}
    made = [await make_client(scene, "ada", days=30 if number else 1) for number in range(5)]
    made += [await make_client(scene, "ada", organisation_id=scene.guest.id) for _ in range(5)]
    for organisation in (scene.host.id, scene.guest.id):
        refusal = await scene.refused("ada", ValidationError, create_api_client, organisation_id=organisation, **given)
        assert (refusal.field, "at most 10" in refusal.message) == ("organisationId", True)
    assert await live(scene, "ada") == 10
    await make_client(scene, "arne")
    await scene.act("ada", revoke_api_client, api_client_id=made[1].id)
    await make_client(scene, "ada")
    await scene.refused("ada", ValidationError, create_api_client, **given)
    scene.world.clock.advance(days=1)
    await make_client(scene, "ada")
    assert await live(scene, "ada") == 10


async def test_clients_made_at_once_are_ten(scene: Scene) -> None:
    made = await asyncio.gather(*(make_client(scene, "ada") for _ in range(32)), return_exceptions=True)
    refused = [one for one in made if isinstance(one, BaseException)]
    assert all(isinstance(one, ValidationError) for one in refused), refused
    assert (len(made) - len(refused), await live(scene, "ada")) == (10, 10)
    assert len(await scene.events(scene.host, "api_client.created")) == 10


@pytest.mark.parametrize("name", ["mia", "otto", "aud", "zoe", "greta"])
async def test_admins_alone_make_clients(scene: Scene, name: str) -> None:
    """In an organisation where they are one; elsewhere the name of the organisation is refused first."""
    at = {"organisation_id": scene.host.id, "name": "x", "scopes": ["user:read"]}
    end = {"expires_at": scene.world.clock.now + timedelta(days=1)}
    elsewhere = scene[name].organisation.id != scene.host.id
    error = OrganisationContextMismatch if elsewhere else Forbidden
    await scene.refused(name, error, create_api_client, **at, **end)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["partnership:approve"]}, "scopes"),
        ({"scopes": ["user:read", "api_client:manage"]}, "scopes"),
        ({"scopes": ["organisation:operate"]}, "scopes"),
        ({"scopes": ["*"]}, "scopes"),
        ({"days": 0}, "expiresAt"),
        ({"days": -1}, "expiresAt"),
        ({"days": 365.01}, "expiresAt"),
        ({"name": "  "}, "name"),
        ({"name": "a\nb"}, "name"),
    ],
)
async def test_what_makes_no_client(scene: Scene, given: dict[str, Any], field: str) -> None:
    end = scene.world.clock.now + timedelta(days=given.pop("days", 30))
    values = {"name": "Sync", "scopes": ["user:read"], "expires_at": end} | given
    refusal = await scene.refused("ada", ValidationError, create_api_client, **values)
    assert refusal.field == field


async def test_a_year_is_the_longest(scene: Scene) -> None:
    made = await make_client(scene, "ada", days=365)
    assert await alive(scene, made)
    scene.world.clock.advance(days=364.99)
    assert await alive(scene, made)
    scene.world.clock.advance(days=0.01)
    assert not await alive(scene, made), "by the clock, without any scheduler"


async def test_a_client_does_what_its_owner_may_as_far_as_its_scopes_reach(scene: Scene) -> None:
    made = await make_client(scene, "ada", "access:freeze")
    scene.people["client"] = asking(scene["ada"], made)
    await scene.act("client", freeze_partner_access)
    (event,) = await scene.events(scene.host, "access.frozen")
    assert (event["actor_user_id"], event["actor_api_client_id"]) == (scene["ada"].id, made.id)
    missing = await scene.refused("client", Forbidden, unfreeze_partner_access)
    assert missing.condition == Condition.PROTECTED_ACTION
    under = {"partnership_id": scene.partnership}
    missing = await scene.refused("client", Forbidden, remove_partner, **under)
    assert missing.condition == Condition.SCOPE_MISSING
    await scene.act("ada", unfreeze_partner_access)
    (event,) = await scene.events(scene.host, "access.unfrozen")
    assert event["actor_api_client_id"] is None
    assert (await scene.world.verify()).faults == ()


async def test_a_token_s_narrower_scopes_bind(scene: Scene) -> None:
    made = await make_client(scene, "ada", "access:freeze", "user:read")
    person = asking(scene["ada"], made)
    proof = ClientProof(made.id, scene.host.id, frozenset({Action.USER_READ, Action.PARTNERSHIP_REMOVE}))
    scene.people["client"] = replace(person, identity=replace(person.identity, api_client=proof))
    for service, given in ((freeze_partner_access, {}), (remove_partner, {"partnership_id": scene.partnership})):
        refusal = await scene.refused("client", Forbidden, service, **given)
        assert refusal.condition == Condition.SCOPE_MISSING, "a token adds nothing to its client"


async def test_a_scope_gives_nothing_that_the_owner_lacks(scene: Scene) -> None:
    made = await make_client(scene, "arne")
    scene.people["client"] = asking(scene["arne"], made)
    await scene.act("ada", update_member, membership_id=scene["arne"].membership_id, roles=[Role.MEMBER])
    assert await alive(scene, made), "the owner is still a member"
    for service, given in (
        (freeze_partner_access, {}),
        (suspend_partnership, {"partnership_id": scene.partnership, "reason": "A doubt."}),
    ):
        refusal = await scene.refused("client", (Forbidden, NotFound), service, **given)
        assert getattr(refusal, "condition", "NO_GRANT") == Condition.NO_GRANT


async def test_a_client_suspends_and_does_not_resume(scene: Scene) -> None:
    """Invariant 17 for machines: what they hold, a person lets go."""
    made = await make_client(scene, "gustav")
    scene.people["client"] = asking(scene["gustav"], made)
    under = {"partnership_id": scene.partnership}
    await scene.act("client", suspend_partnership, **under, reason="An alarm.")
    refusal = await scene.refused("client", Forbidden, resume_partnership, **under)
    assert refusal.condition == Condition.PROTECTED_ACTION
    own, told = [await scene.events(side, "partnership.suspended") for side in (scene.guest, scene.host)]
    assert [event["actor_api_client_id"] for event in (*own, *told)] == [made.id, made.id]
    await scene.act("gustav", resume_partnership, **under)


async def test_a_client_acts_in_its_own_organisation_alone(scene: Scene) -> None:
    """Its owner is admin in two: of the other one nothing is in reach."""
    other = await scene.world.organisation("Second")
    await scene.world.join(scene["ada"], other, Role.ORG_ADMIN)
    made = await make_client(scene, "ada", organisation_id=other.id)
    at_other = as_client(made, other.id)
    scene.people["client"] = replace(scene["ada"], identity=at_other)
    await scene.refused("client", OrganisationContextMismatch, freeze_partner_access, organisation_id=scene.host.id)
    await scene.act("client", freeze_partner_access, organisation_id=other.id)
    forged = as_client(made, scene.host.id)
    scene.people["forged"] = replace(scene["ada"], identity=forged)
    await scene.refused("forged", OrganisationContextMismatch, freeze_partner_access, organisation_id=scene.host.id)


async def test_a_client_is_never_staff(scene: Scene) -> None:
    made = await make_client(scene, "ada")
    identity = replace(as_client(made, scene.host.id), operator=True)
    given: dict[str, Any] = {"organisation_id": scene.guest.id, "status": OrganisationStatus.CLOSED}
    async with scene.unchanged():
        with pytest.raises(DomainError):
            await scene.world.database.write(identity, None, lambda tx: set_organisation_status(tx, **given))


async def test_a_client_uses_nobody_s_session(scene: Scene) -> None:
    """Neither opens one nor acts in its owner's."""
    made = await make_client(scene, "greta")
    scene.people["client"] = asking(scene["greta"], made)
    async with scene.unchanged():
        with pytest.raises(Forbidden):
            await scene.world.act_as_oneself(scene["client"], switch_organisation, host_id=scene.host.id)
        with pytest.raises(SessionOver):
            async with scene.world.database.transaction(scene["client"].identity, scene.host.id, uuid4()):
                pass
        snapshot = scene.world.database.snapshot(scene["client"].identity, uuid4())
        with pytest.raises(SessionOver):
            await snapshot.principal()
        await snapshot.close()


async def test_revoked_is_over_at_once(scene: Scene) -> None:
    made = await make_client(scene, "ada")
    row = await scene.row("api_clients", made.id)
    await scene.refused("ada", Conflict, revoke_api_client, api_client_id=made.id, expected_version=row["version"] + 1)
    await scene.act("arne", revoke_api_client, api_client_id=made.id, expected_version=row["version"])
    assert not await alive(scene, made)
    row = await scene.row("api_clients", made.id)
    assert (row["status"], row["revoked_by"], row["revoked_at"]) == ("REVOKED", scene["arne"].id, scene.world.clock.now)
    assert len(await scene.events(scene.host, "api_client.revoked")) == 1
    await scene.refused("ada", InvalidState, revoke_api_client, api_client_id=made.id)


@pytest.mark.parametrize(("name", "error"), [("mia", NotFound), ("greta", NotFound), ("zoe", NotFound)])
async def test_who_does_not_see_a_client_does_not_revoke_it(scene: Scene, name: str, error: Any) -> None:
    made = await make_client(scene, "ada")
    await scene.refused(name, error, revoke_api_client, api_client_id=made.id)
    assert await alive(scene, made)


async def test_a_client_neither_makes_nor_ends_clients(scene: Scene) -> None:
    made, other = await make_client(scene, "ada"), await make_client(scene, "ada")
    scene.people["client"] = asking(scene["ada"], made)
    end = {"expires_at": scene.world.clock.now + timedelta(days=1)}
    await scene.refused("client", Forbidden, create_api_client, name="x", scopes=["user:read"], **end)
    await scene.refused("client", NotFound, revoke_api_client, api_client_id=other.id)
    await scene.refused("client", Forbidden, revoke_api_client, api_client_id=made.id)


Ending = Callable[[Scene], Awaitable[Any]]


def by_ada(service: Any) -> Ending:
    return lambda scene: scene.act("ada", service, membership_id=scene["arne"].membership_id)


@pytest.mark.parametrize("end", [by_ada(deactivate_member), by_ada(remove_member)])
async def test_clients_end_with_their_owner(scene: Scene, end: Ending) -> None:
    mine, spent, other = [await make_client(scene, name) for name in ("arne", "arne", "ada")]
    await scene.act("arne", revoke_api_client, api_client_id=spent.id)
    done = await end(scene)
    assert done.receipt.api_clients_revoked == 1, "what was revoked before is not counted again"
    assert not await alive(scene, mine, "arne")
    assert await alive(scene, other)
    event = (await scene.events(scene.host, "api_client.revoked"))[-1]
    assert str(mine.id) in event["data"]
    assert (await scene.world.verify()).faults == ()


async def test_reactivated_is_without_clients(scene: Scene) -> None:
    """Invariant 6 for machines."""
    made = await make_client(scene, "arne")
    key = {"membership_id": scene["arne"].membership_id}
    await scene.act("ada", deactivate_member, **key)
    await scene.act("ada", reactivate_member, **key)
    assert not await alive(scene, made, "arne")
    assert (await scene.row("api_clients", made.id))["status"] == "REVOKED"


async def test_the_database_keeps_no_client_of_who_is_gone(scene: Scene) -> None:
    """Whoever forgets to revoke is told by the table."""
    await make_client(scene, "arne")
    with pytest.raises(Exception, match="fk_api_clients_active_member"):
        await scene.world.owner.execute(
            "UPDATE accord.memberships SET status = 'REMOVED' WHERE id = $1", scene["arne"].membership_id
        )


@pytest.mark.parametrize("values", ["status = 'ACTIVE', revoked_at = NULL", "last_used_at = now()"])
async def test_the_database_revives_none(scene: Scene, values: str) -> None:
    made = await make_client(scene, "ada")
    await scene.act("ada", revoke_api_client, api_client_id=made.id)
    with pytest.raises(Exception, match="stays so"):
        await scene.world.owner.execute(f"UPDATE accord.api_clients SET {values} WHERE id = $1", made.id)


@pytest.mark.parametrize("status", [OrganisationStatus.SUSPENDED, OrganisationStatus.CLOSED])
async def test_clients_are_dead_while_their_organisation_is(scene: Scene, status: OrganisationStatus) -> None:
    made = await make_client(scene, "ada")
    scene.people["client"] = asking(scene["ada"], made)
    await scene.world.operate(set_organisation_status, organisation_id=scene.host.id, status=status)
    assert not await alive(scene, made)
    await scene.refused("client", OrganisationContextMismatch, freeze_partner_access)


async def test_a_client_that_is_not_there_is_nobody(scene: Scene) -> None:
    ghost = as_client(type("Ghost", (), {"id": uuid4()})(), scene.host.id)
    snapshot = scene.world.database.snapshot(ghost)
    principal = await snapshot.principal()
    assert (principal.person_id, principal.standings) == (None, ())
    await snapshot.close()


async def test_the_owner_s_end_needs_no_cascade(scene: Scene) -> None:
    """By construction: with the membership gone the client has nothing, whatever its row says."""
    made = await make_client(scene, "arne")
    await scene.world.owner.execute("ALTER TABLE accord.api_clients DROP CONSTRAINT fk_api_clients_active_member")
    sql = "UPDATE accord.memberships SET status = 'DEACTIVATED' WHERE id = $1"
    await scene.world.owner.execute(sql, scene["arne"].membership_id)
    assert not await alive(scene, made, "arne")


def test_every_scope_is_in_the_list_of_the_tests() -> None:
    assert len(EVERYTHING) > 40
