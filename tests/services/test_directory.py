"""The directory of partners: who lets itself be found is found, by name or exact address, and nobody else (Q19)."""

from __future__ import annotations

from typing import Any

import pytest

from accord.database.queries.read.organisation import HANDLE_BY_REQUEST_CODE, PARTNER_DIRECTORY
from accord.domain.errors import Forbidden, ValidationError
from accord.domain.partner import PartnerStatus
from accord.services.partnerships.invite import InvitedItem, invite_partner
from accord.services.setting import update_settings
from tests.services.invitations import LIMITED, Island, find_island
from tests.services.scene import Scene

ADDRESS = "hello@island.example"


@pytest.fixture
async def island(scene: Scene) -> Island:
    return await find_island(scene)


async def read(scene: Scene, name: str, query: Any, **given: Any) -> list[Any]:
    snapshot = scene.world.database.snapshot(scene[name].identity)
    try:
        return await snapshot.fetch(query, **given)
    finally:
        await snapshot.close()


async def found(scene: Scene, search: str, name: str = "ada") -> set[str]:
    """The handles that a search shows."""
    return {row["handle"] for row in await read(scene, name, PARTNER_DIRECTORY, search=search)}


async def test_only_who_wants_to_is_found(scene: Scene, island: Island) -> None:
    handle = island.organisation.handle
    assert handle not in await found(scene, "Island")
    given = {"listed_in_directory": True, "directory_email": ADDRESS}
    await scene.act("ines", update_settings, **given)
    for search in ("Island", "sLan", ADDRESS, ADDRESS.upper()):
        assert handle in await found(scene, search), search
    for search in (scene["ines"].email, "hello@", "@island.example", handle, "hello@island.exampl"):
        assert handle not in await found(scene, search), search
    assert handle not in await found(scene, "Island", "ines")
    await scene.act("ines", update_settings, directory_email="")
    assert handle not in await found(scene, ADDRESS)
    await scene.act("ines", update_settings, listed_in_directory=False)
    assert handle not in await found(scene, "Island")


async def test_who_cannot_be_a_partner_is_not_found(scene: Scene, island: Island) -> None:
    await scene.act("ines", update_settings, listed_in_directory=True)
    await island.become_partner(PartnerStatus.SUSPENDED)
    assert island.organisation.handle not in await found(scene, "Island")
    await island.become_partner()
    assert island.organisation.handle in await found(scene, "Island")
    sql = "UPDATE accord.organisations SET partners_enabled = false WHERE id = $1"
    await scene.world.owner.execute(sql, island.organisation.id)
    assert island.organisation.handle not in await found(scene, "Island")


async def test_the_published_address_gets_the_invitation(scene: Scene, island: Island) -> None:
    invited: dict[str, Any] = {"guest_handle": island.organisation.handle, "access_mode": LIMITED}
    invited["items"] = [InvitedItem(scene.account)]
    await scene.act("ines", update_settings, directory_email=ADDRESS)
    await scene.refused("lena", ValidationError, invite_partner, **invited)
    await scene.act("ines", update_settings, listed_in_directory=True)
    key = await scene.act("lena", invite_partner, **invited)
    assert await island.told(key, "invitation") == {"ines", "igor", ADDRESS}


async def test_a_request_code_names_one_organisation(scene: Scene, island: Island) -> None:
    await scene.act("ada", update_settings, with_request_code=True)
    sql = "SELECT request_code FROM accord.directory_entries WHERE id = $1"
    code = await scene.world.owner.fetchval(sql, scene.host.id)
    (row,) = await read(scene, "ines", HANDLE_BY_REQUEST_CODE, code=code)
    assert row["handle"] == scene.host.handle
    for wrong in (code.upper(), code[:-1], "", scene.host.handle):
        assert await read(scene, "ines", HANDLE_BY_REQUEST_CODE, code=wrong) == []


@pytest.mark.parametrize("name", ["ivy", "zoe"])
async def test_only_leaders_say_how_they_are_found(scene: Scene, island: Island, name: str) -> None:
    given = {"listed_in_directory": True, "organisation_id": island.organisation.id}
    if name == "zoe":
        await scene.world.join(scene["zoe"], island.organisation)
    await scene.refused(name, Forbidden, update_settings, **given)


async def test_an_address_that_is_none_changes_nothing(scene: Scene, island: Island) -> None:
    given = {"listed_in_directory": True, "directory_email": "nobody"}
    await scene.refused("ines", ValidationError, update_settings, **given)
    assert island.organisation.handle not in await found(scene, "Island")
