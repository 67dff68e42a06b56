"""Every way by which a membership's roles are written, with what holds there: who may give, who stays, who is told.

Model 4.2 and 4.11. A way that is new fails `test_roles_are_written_in_one_place` until it goes through
`services/people/leading_roles.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

import accord.services
from accord.domain.errors import LastAdmin, LastLegalRepresentative
from accord.domain.organisation import MemberPreset, Role
from accord.services.people import leading_roles
from accord.services.people.first_admin import name_legal_representative
from accord.services.people.joining import accept_membership, invite_member
from accord.services.people.member import deactivate_member, reactivate_member, remove_member, update_member
from accord.services.people.scim_group import set_scim_group_roles
from tests.services.scene import Scene
from tests.world import identify

TEMPLATE: Final = "leading_roles_changed"
ADMINS: Final = {"ada", "arne"}
NEWCOMER: Final = "newcomer@harbour.example"
Way = Callable[[Scene], Awaitable[Any]]


async def update(scene: Scene, name: str, *roles: Role, by: str = "ada", **given: Any) -> None:
    key = {"membership_id": scene[name].membership_id}
    await scene.act(by, update_member, **key, **({"roles": roles} if roles else {}), **given)


async def to_join(scene: Scene) -> None:
    await scene.world.owner.execute("UPDATE accord.mails SET address = address || '.old', secret = NULL")
    invited = {"email": NEWCOMER, "display_name": "Newcomer", "roles": [Role.AUDITOR]}
    await scene.act("ada", invite_member, **invited)
    assert await told(scene) == [], "nobody has anything yet"
    sql = "SELECT secret FROM accord.mails WHERE address = $1 AND secret IS NOT NULL"
    token = await scene.world.owner.fetchval(sql, NEWCOMER)
    await scene.world.database.write(identify(NEWCOMER), None, lambda tx: accept_membership(tx, token=token))


async def by_group(scene: Scene) -> None:
    sql = "INSERT INTO accord.scim_groups (organisation_id, display_name) VALUES ($1, 'Deciders') RETURNING id"
    group = await scene.world.owner.fetchval(sql, scene.host.id)
    put = "INSERT INTO accord.scim_group_members (group_id, membership_id, organisation_id) VALUES ($1, $2, $3)"
    await scene.world.owner.execute(put, group, scene["otto"].membership_id, scene.host.id)
    await scene.act("ada", set_scim_group_roles, scim_group_id=group, roles=[Role.DECISION_MAKER])


async def by_operator(scene: Scene) -> None:
    given = {"organisation_id": scene.host.id, "email": scene["otto"].email}
    await scene.world.operate(name_legal_representative, **given)


async def deactivated(scene: Scene) -> None:
    await scene.act("ada", deactivate_member, membership_id=scene["arne"].membership_id)


async def removed(scene: Scene) -> None:
    await scene.act("ada", remove_member, membership_id=scene["aud"].membership_id)


WAYS: Final[dict[str, tuple[Way, set[str], str]]] = {
    # who is told, and what they read
    "an admin gives": (
        lambda scene: update(scene, "otto", Role.MEMBER, Role.DECISION_MAKER),
        ADMINS | {"otto"},
        "is now Decision Maker",
    ),
    "an admin takes": (lambda scene: update(scene, "aud", Role.MEMBER), ADMINS | {"aud"}, "is no longer auditor"),
    "a preset": (
        lambda scene: update(scene, "otto", preset=MemberPreset.GROUP_ADMIN),
        ADMINS | {"otto"},
        "is now admin",
    ),
    "an invitation": (to_join, {"arne"}, "is now auditor"),
    "a directory's group": (by_group, ADMINS | {"otto"}, "is now Decision Maker"),
    "the operator": (by_operator, ADMINS | {"otto"}, "is now legal representative"),
    "deactivating": (deactivated, ADMINS, "is no longer admin"),
    "removing": (removed, ADMINS | {"aud"}, "is no longer auditor"),
}


async def told(scene: Scene) -> list[set[str]]:
    return await scene.mails(TEMPLATE)


@pytest.mark.parametrize("way", WAYS)
async def test_the_person_and_the_admins_are_told(scene: Scene, way: str) -> None:
    act, expected, words = WAYS[way]
    await act(scene)
    assert await told(scene) == [expected], way
    sql = "SELECT facts ->> 'changes' FROM accord.mails WHERE template = $1 AND organisation_id = $2 LIMIT 1"
    assert words in await scene.world.owner.fetchval(sql, TEMPLATE, scene.host.id)


async def test_what_is_no_leading_role_is_told_nobody(scene: Scene) -> None:
    await update(scene, "otto", Role.MEMBER, Role.PHONE_MANAGER)
    await scene.act("ada", deactivate_member, membership_id=scene["otto"].membership_id)
    await scene.act("ada", reactivate_member, membership_id=scene["otto"].membership_id)
    assert await told(scene) == []


async def test_somebody_who_has_never_come_does_not_count(scene: Scene) -> None:
    """A directory makes people who may never sign in; the last who acts stays all the same."""
    await update(scene, "arne", Role.ORG_ADMIN, Role.LEGAL_REPRESENTATIVE)
    taken = {"membership_id": scene["ada"].membership_id}
    made = "UPDATE accord.memberships SET unclaimed = $2 WHERE id = $1"
    await scene.world.owner.execute(made, scene["arne"].membership_id, True)
    await scene.refused("ada", (LastAdmin, LastLegalRepresentative), remove_member, **taken)
    await scene.world.owner.execute(made, scene["arne"].membership_id, False)
    await scene.act("arne", remove_member, **taken)


@pytest.mark.parametrize("act", ["update", "deactivate", "remove"])
@pytest.mark.parametrize("role", [Role.LEGAL_REPRESENTATIVE, Role.ORG_ADMIN])
async def test_the_last_one_stays(scene: Scene, act: str, role: Role) -> None:
    """By whichever act, and whoever does it; with another one it may be taken."""
    error = {Role.ORG_ADMIN: LastAdmin, Role.LEGAL_REPRESENTATIVE: LastLegalRepresentative}[role]
    by = "ada" if role is Role.ORG_ADMIN else "arne"
    if role is Role.ORG_ADMIN:
        await update(scene, "arne", Role.MEMBER)
    acts: dict[str, tuple[Any, dict[str, Any]]] = {
        "update": (update_member, {"roles": [{Role.ORG_ADMIN: Role.LEGAL_REPRESENTATIVE}.get(role, Role.ORG_ADMIN)]}),
        "deactivate": (deactivate_member, {}),
        "remove": (remove_member, {}),
    }
    service, given = acts[act]
    given = {"membership_id": scene["ada"].membership_id, **given}
    await scene.refused(by, error, service, **given)
    await update(scene, "otto", Role.ORG_ADMIN, Role.LEGAL_REPRESENTATIVE)
    await scene.act(by, service, **given)


async def test_a_refused_act_tells_nobody(scene: Scene) -> None:
    given = {"membership_id": scene["ada"].membership_id, "roles": [Role.MEMBER]}
    await scene.refused("arne", LastLegalRepresentative, update_member, **given)
    assert await told(scene) == []


# --- the one place


def writers(source: str) -> list[int]:
    """The lines on which something other than `write_members` updates memberships."""
    lines = []
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Name):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in {"update", "mark"} and call.args[0].id == "memberships":
                lines.append(call.lineno)
    return lines


ALSO: Final = {
    "people/arrival.py": "binds a sign-in to somebody: no role and no status",
    "people/profile.py": "one's own name",
    "people/confirmation.py": "how long a link works",
    "people/leading_roles.py": "the place",
}


def test_roles_are_written_in_one_place() -> None:
    root = Path(accord.services.__path__[0])
    found = {str(path.relative_to(root)) for path in root.rglob("*.py") if writers(path.read_text(encoding="utf-8"))}
    assert found <= ALSO.keys(), found - ALSO.keys()


def test_another_place_is_found() -> None:
    assert writers("async def act(tx):\n    await tx.update(memberships, 1, roles=[])\n") == [2]
    assert writers("async def act(tx):\n    await tx.execute(update(memberships).values(roles=[]))\n") == [2]


async def test_without_the_place_nobody_is_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with the telling switched off, the table above is red."""

    async def nobody(*_: Any) -> None:
        return None

    monkeypatch.setattr(leading_roles, "_tell", nobody)
    await WAYS["an admin gives"][0](scene)
    assert await told(scene) == []
