"""Acts on what stands between two organisations beside shared accounts, and the events that each has to leave (4.12).

Levels and their ceilings, links, statuses, holds, terms, policies, delegated roles, sessions.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from accord.domain.acting import Basis
from accord.domain.delegation import DelegatedRole
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import OrganisationStatus, Role
from accord.domain.partner import LinkKind, PartnerProgram, PartnerStatus
from accord.services import policy
from accord.services.grants import acting, delegation, role_group
from accord.services.partnerships import ceiling, hold, level, link, status, term
from accord.services.partnerships.amendment import amend_partnership
from accord.services.people import member
from tests.contract.stage import Call, Events, Take, both
from tests.services.scene import Scene

SESSIONS: Final = ["session.revoked"] * 2
"""Those of Greta, on the level, and of Carla, on the role."""

NONE, SUPPORT, MANAGE = DataAccessLevel.NONE, DataAccessLevel.SUPPORT, DataAccessLevel.MANAGE
DECIDING, PHONES = DelegatedRole.DECISION_MAKER, DelegatedRole.PHONE_MANAGER
DESK: Final = "desk@people.example"
PARTNER: Final = {"program": PartnerProgram.MSP, "status": PartnerStatus.ACTIVE}


def organisation(take: Take, name: str = "ada") -> UUID:
    """The home of somebody."""
    return take.copy.key(take.stage.scene[name].organisation.id)


def later(take: Take, days: int) -> Any:
    return take.stage.world.clock.now + timedelta(days=days)


async def set_roles(take: Take, service: Any, *roles: DelegatedRole) -> Any:
    return await take.on("ada", service, roles=roles, notify_addresses=DESK)


async def group(take: Take, service: Any, *names: str) -> Any:
    """An act on the group of the phone managers; a refusal of one person is the refusal of the act."""
    people = [take.key(name) for name in names]
    return (await take.act("greta", service, role_group_id=take.key("group"), user_ids=people)).results


async def set_level(take: Take, name: str, wanted: DataAccessLevel, partner: str = "partnership") -> Any:
    return await take.on(name, level.set_data_access, partner, level=wanted, confirm=True)


async def close(take: Take) -> Any:
    given = {"organisation_id": organisation(take, "greta"), "status": OrganisationStatus.CLOSED}
    return await take.run("staff", status.set_organisation_status, **given)


async def link_to(take: Take, name: str, bound: DataAccessLevel | None = None) -> Any:
    pair = {"customer_id": organisation(take), "partner_id": organisation(take, name)}
    return await take.run("staff", link.link_partner, **pair, kind=LinkKind.RESELLER, ceiling=bound)


async def set_ceiling(take: Take, name: str = "staff", **given: Any) -> Any:
    """The ceiling NONE, by the platform's staff or by somebody of the parent partner."""
    if (take.actor or name) == "staff":
        return await take.run("staff", ceiling.set_ceiling, ceiling=NONE, **given)
    return await take.act(name, ceiling.set_ceiling, ceiling=NONE, **given)


def bounded(above: str, more: Sequence[str] = ()) -> Events:
    """The partner's contract or link is lowered to NONE, and with it what the host granted."""
    lowered = ["level.ceiling_set", "level.revoked", "session.revoked"]
    return {"host": lowered, "guest": [*lowered, *more]} | ({above: ["level.ceiling_set"]} if above else {})


STANDING: Final[dict[str, tuple[Call, Events]]] = {
    "suspend_partnership": (
        lambda t: t.on("mia", hold.suspend_partnership, reason="A doubt."),
        both("partnership.suspended", *SESSIONS),
    ),
    "resume_partnership": (
        lambda t: t.on("ada", hold.resume_partnership, "suspended_one"),
        both("partnership.resumed"),
    ),
    "extend_partnership": (
        lambda t: t.on("ada", term.extend_partnership, "timed", until=later(t, 90)),
        both("partnership.extended"),
    ),
    "set_auto_extend": (
        lambda t: t.on("ada", term.set_auto_extend, "timed", by=timedelta(days=30)),
        both("partnership.extended"),
    ),
    "set_policy": (
        lambda t: t.act("ada", policy.set_policy, require_reason=True),
        {"host": ["policy.changed"]},
    ),
    "freeze_partner_access": (
        lambda t: t.act("ada", policy.freeze_partner_access),
        {"host": ["access.frozen", *SESSIONS], "guest": SESSIONS},
    ),
    "unfreeze_partner_access": (
        lambda t: t.act("gustav", policy.unfreeze_partner_access),
        {"guest": ["access.unfrozen"]},
    ),
    "set_data_access": (
        lambda t: set_level(t, "ada", MANAGE),
        both("level.granted"),
    ),
    "share_data_with_partner": (
        lambda t: t.on("mia", level.share_data_with_partner, share=False),
        both("level.revoked", "session.revoked"),
    ),
    "set_ceiling": (
        lambda t: set_ceiling(t, partner_id=organisation(t, "greta")),
        bounded("platform"),
    ),
    "delegate_roles": (
        lambda t: set_roles(t, delegation.delegate_roles, DECIDING),
        both("delegation.enabled"),
    ),
    "set_delegated_roles": (
        lambda t: set_roles(t, delegation.set_delegated_roles, DECIDING),
        both("delegation.enabled", "delegation.cleared", "session.revoked"),
    ),
    "clear_roles": (
        lambda t: set_roles(t, delegation.clear_roles, PHONES),
        both("delegation.cleared", "session.revoked"),
    ),
    "add_role_group_members": (
        lambda t: group(t, role_group.add_role_group_members, "gustav", "dan"),
        both("rolegroup.member_added", "rolegroup.member_added"),
    ),
    "remove_role_group_members": (
        lambda t: group(t, role_group.remove_role_group_members, "carla"),
        both("rolegroup.member_removed", "session.revoked"),
    ),
    "link_partner": (
        lambda t: link_to(t, "nils"),
        both("link.created") | {"platform": ["link.created"]},
    ),
    "end_partner_link": (
        lambda t: t.run("staff", link.end_partner_link, link_id=t.key("link")),
        both("link.ended") | {"platform": ["link.ended"]},
    ),
    "set_organisation_status": (
        lambda t: t.run(
            "staff",
            status.set_organisation_status,
            organisation_id=organisation(t),
            status=OrganisationStatus.SUSPENDED,
        ),
        {
            "host": ["organisation.status_changed", *SESSIONS],
            "guest": SESSIONS,
            "platform": ["organisation.status_changed"],
        },
    ),
    "set_partner_status": (
        lambda t: t.run(
            "staff",
            status.set_partner_status,
            organisation_id=organisation(t, "greta"),
            program=PartnerProgram.MSP,
            status=PartnerStatus.SUSPENDED,
            parent_partner_id=organisation(t, "nora"),
        ),
        {
            "host": ["partnership.suspended", *SESSIONS],
            "guest": ["organisation.partner_changed", "partnership.suspended", *SESSIONS],
            "platform": ["organisation.partner_changed"],
        },
    ),
    "switch_organisation": (
        lambda t: t.run("greta", acting.switch_organisation, host_id=organisation(t)),
        both("session.started"),
    ),
    "leave_organisation": (
        lambda t: t.run("greta", acting.leave_organisation, session_id=t.key("visit")),
        both("session.ended"),
    ),
}
STANDING_BESIDE: Final[dict[str, tuple[Call, Events]]] = {
    "a level is reduced": (
        lambda t: set_level(t, "otto", SUPPORT, "timed"),
        both("level.reduced"),
    ),
    "a level is revoked": (
        lambda t: set_level(t, "ada", NONE),
        both("level.revoked", "session.revoked"),
    ),
    "the ceiling of a link": (
        lambda t: set_ceiling(t, link_id=t.key("link")),
        bounded("platform"),
    ),
    "the ceiling by the parent partner": (
        lambda t: set_ceiling(t, "nora", partner_id=organisation(t, "greta")),
        bounded("", ["level.ceiling_set"]),
    ),
    "the guest holds as well": (
        lambda t: t.on("tove", hold.suspend_partnership, "suspended_one", reason="A doubt of ours."),
        both("partnership.suspended"),
    ),
    "a link for a partnership that stands": (
        lambda t: link_to(t, "timo", SUPPORT),
        both("link.created", "level.reduced") | {"platform": ["link.created"]},
    ),
    "the end of the link that began a partnership": (
        lambda t: t.run("staff", link.end_partner_link, link_id=t.key("first_link")),
        both("link.ended", "partnership.terminated") | {"platform": ["link.ended"]},
    ),
    "the guest is closed": (
        close,
        {
            "host": (
                over := [
                    "link.ended",
                    "partnership.terminated",
                    "share.removed",
                    "share.removed",
                    "delegation.cleared",
                    *SESSIONS,
                ]
            ),
            "guest": [*over, "organisation.status_changed"],
            "platform": ["link.ended", "organisation.status_changed"],
        },
    ),
}
STANDING_WITHOUT_RIGHT: Final[dict[str, tuple[str, ...]]] = {
    # in the own organisation: others do the same at home
    **dict.fromkeys(("freeze_partner_access", "set_policy"), ("aud", "eva", "mia")),
    # of the platform's staff
    **dict.fromkeys(
        ("link_partner", "end_partner_link", "set_organisation_status", "set_partner_status"), ("ada", "gustav", "zoe")
    ),
    "set_ceiling": ("ada", "gustav", "zoe"),
}


async def prepare_standing(scene: Scene, keys: dict[str, UUID]) -> None:
    """The guest is the host's partner of record beneath a parent, with a level and a role; others of every kind.

    `visit` and `errand` are the sessions of Greta on the level and of Carla on the role.
    """
    world = scene.world
    for name in ("nora", "nils", "timo", "tove", "lars"):
        if name not in scene.people:
            scene.people[name] = await world.person(await world.organisation(), Role.ORG_ADMIN)
        await set_partner(scene, name)
    await set_partner(scene, "greta", scene["nora"].organisation.id)
    for name, partner, kind in (
        ("link", "greta", LinkKind.PARTNER_OF_RECORD),
        ("first_link", "lars", LinkKind.RESELLER),
    ):
        pair = {"customer_id": scene.host.id, "partner_id": scene[partner].organisation.id}
        keys[name] = await world.operate(link.link_partner, **pair, kind=kind)
    for name, partner in (("timed", "timo"), ("suspended_one", "tove")):
        keys[name] = await world.partnership(scene["otto"], scene["ada"], scene[partner])
    await scene.act("ada", hold.suspend_partnership, partnership_id=keys["suspended_one"], reason="A doubt.")
    ending = {"expires_at": world.clock.now + timedelta(days=30)}
    await scene.act("ada", amend_partnership, partnership_id=keys["timed"], **ending)
    for key, wanted in ((keys["timed"], MANAGE), (scene.partnership, SUPPORT)):
        await scene.act("ada", level.set_data_access, partnership_id=key, level=wanted, confirm=True)
    await scene.act("gustav", policy.freeze_partner_access)
    await scene.act("gustav", member.update_member, membership_id=scene["greta"].membership_id, delegated_admin=True)
    given: dict[str, Any] = {"roles": [PHONES], "notify_addresses": DESK}
    await scene.act("ada", delegation.delegate_roles, partnership_id=scene.partnership, **given)
    keys["group"] = await world.owner.fetchval(
        "SELECT id FROM accord.role_groups WHERE partnership_id = $1", scene.partnership
    )
    inside = {"role_group_id": keys["group"], "user_ids": [scene["carla"].id]}
    await scene.act("greta", role_group.add_role_group_members, **inside)


async def open_sessions(scene: Scene, keys: dict[str, UUID]) -> None:
    """The sessions, once time has passed."""
    for name, person, basis in (("visit", "greta", Basis.LEVEL), ("errand", "carla", Basis.ROLE_GROUP)):
        given = {"host_id": scene.host.id, "basis": basis}
        keys[name] = await scene.world.act_as_oneself(scene[person], acting.switch_organisation, **given)


async def set_partner(scene: Scene, name: str, parent: UUID | None = None) -> None:
    """Make somebody's organisation a partner in a programme."""
    home = {"organisation_id": scene[name].organisation.id, "parent_partner_id": parent}
    await scene.world.operate(status.set_partner_status, **home, **PARTNER)
