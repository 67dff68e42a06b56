"""The acts that leave their cascade to the worker where it is much, and what is told and ended by each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from unittest.mock import patch
from uuid import UUID

from accord.domain.cascade import CascadeKind
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import OrganisationStatus, Role
from accord.domain.partner import PartnerProgram, PartnerStatus
from accord.domain.sharing import AccountRole
from accord.services import proceeding
from accord.services.grants.account import archive_account
from accord.services.grants.sharing import ShareItem, share_accounts
from accord.services.partnerships.ceiling import set_ceiling
from accord.services.partnerships.partnership import remove_partner
from accord.services.partnerships.status import set_organisation_status, set_partner_status
from accord.services.people.member import deactivate_member, remove_member
from accord.services.proceeding import WORKS
from tests.services.scene import Scene
from tests.size.growth import grow_accounts, grow_members, grow_partners, grow_shares

KEY: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EVENT: Final = ("type", "outcome", "actor_name", "ip", "reason", "account_label", "app", "data")
SIDES: Final = """
SELECT id, CASE id WHEN $1 THEN 'host' WHEN $2 THEN 'guest' ELSE 'other' END AS side
FROM accord.organisations WHERE id IN (
  SELECT unnest(ARRAY[host_id, guest_id]) FROM accord.partnerships
  WHERE host_id IN ($1, $2) OR guest_id IN ($1, $2) UNION SELECT unnest(ARRAY[$1, $2]))
"""
MAILS: Final = " UNION ALL ".join(
    f"SELECT template, display_name, facts::text AS facts FROM accord.{table} WHERE organisation_id = ANY ($1)"
    for table in ("mails", "held_mails")
)
ENDED: Final = {
    "shares": "state",
    "grants": "state",
    "access_items": "state",
    "tickets": "(voided_at IS NOT NULL)::text",
    "role_group_members": "(ended_at IS NOT NULL)::text",
    "acting_sessions": "state",
    "partnerships": "(state, suspended_by, granted_level, representative_user_id = $2, owner_user_id = $2)::text",
}
PLACES: Final = {
    CascadeKind.END_SHARES: "accord.services.partnerships.ending.PARTNERSHIP_SHARES",
    CascadeKind.END_ACCOUNT_SHARES: "accord.services.grants.account.ACCOUNT_SHARES",
    CascadeKind.END_PARTNERSHIPS: "accord.services.partnerships.status.CLOSING",
    CascadeKind.HOLD_PARTNERSHIPS: "accord.services.partnerships.status.HOLDING",
    CascadeKind.RELEASE_PARTNERSHIPS: "accord.services.partnerships.status.RELEASING",
    CascadeKind.BOUND_PARTNERSHIPS: "accord.services.partnerships.ceiling.BOUNDING",
    CascadeKind.REPLACE_MEMBER: "accord.services.people.departure.PARTS",
}


@dataclass(frozen=True)
class Case:
    """An act that begins a cascade, on a world that `grow` has made large; after it, `denied` has no access left."""

    kind: CascadeKind
    grow: Callable[[Scene, int], Awaitable[Any]]
    act: Callable[[Scene], Awaitable[Any]]
    denied: str | None = "greta"


async def _share(scene: Scene) -> None:
    """Something of every kind rests on the scene's own partnership."""
    share = await scene.share()
    await scene.let_in(share, "carla")
    await scene.ask("greta", share, "dan")


async def grow_partnership(scene: Scene, number: int) -> None:
    await grow_shares(scene, number, await grow_members(scene, 4))
    await _share(scene)


async def grow_guests(scene: Scene, number: int) -> None:
    """One account is shared with the people of many guests."""
    await _share(scene)
    for _ in range(number):
        guest = await scene.world.organisation("Guest")
        admin = await scene.world.person(guest, Role.ORG_ADMIN, name="Admin of a guest")
        partnership = await scene.world.partnership(scene["mia"], scene["ada"], admin)
        item = ShareItem(scene.account, AccountRole.ACCOUNT_MANAGER)
        (made,) = await scene.act("mia", share_accounts, partnership_id=partnership, items=[item])
        assert isinstance(made, UUID), made


async def grow_customers(scene: Scene, number: int) -> None:
    """The guest, a partner in the vendor's programme, has many customers, and Greta represents it everywhere."""
    await _share(scene)
    await grow_partners(scene, number, customers=True, person="greta")
    await _set_partner(scene, PartnerStatus.ACTIVE)


async def grow_suspended(scene: Scene, number: int) -> None:
    await grow_customers(scene, number)
    with limits(CascadeKind.HOLD_PARTNERSHIPS, at_once=10**6):
        await _set_partner(scene, PartnerStatus.SUSPENDED)


async def grow_owned(scene: Scene, number: int) -> None:
    """Mia of the host owns many partnerships, and accounts besides."""
    await _share(scene)
    await grow_partners(scene, number, customers=False, person="mia")
    await grow_accounts(scene, "mia", number)


async def _set_partner(scene: Scene, status: PartnerStatus) -> Any:
    given = {"organisation_id": scene.guest.id, "program": PartnerProgram.MSP, "status": status}
    return await scene.world.operate(set_partner_status, **given)


async def remove(scene: Scene) -> Any:
    return await scene.act("ada", remove_partner, partnership_id=scene.partnership, reason="It is over.")


async def archive(scene: Scene) -> Any:
    return await scene.act("mia", archive_account, account_id=scene.account)


async def close(scene: Scene) -> Any:
    given = {"organisation_id": scene.guest.id, "status": OrganisationStatus.CLOSED, "reason": "They stop."}
    return await scene.world.operate(set_organisation_status, **given)


async def suspend(scene: Scene) -> Any:
    return await _set_partner(scene, PartnerStatus.SUSPENDED)


async def release(scene: Scene) -> Any:
    return await _set_partner(scene, PartnerStatus.ACTIVE)


async def bound(scene: Scene) -> Any:
    return await scene.world.operate(set_ceiling, partner_id=scene.guest.id, ceiling=DataAccessLevel.SUPPORT)


async def deactivate(scene: Scene) -> Any:
    return await scene.act("gustav", deactivate_member, membership_id=scene["greta"].membership_id)


async def leave(scene: Scene) -> Any:
    return await scene.act("ada", remove_member, membership_id=scene["mia"].membership_id)


CASES: Final[Mapping[str, Case]] = {
    "remove a partner": Case(CascadeKind.END_SHARES, grow_partnership, remove),
    "archive an account": Case(CascadeKind.END_ACCOUNT_SHARES, grow_guests, archive),
    "close a guest": Case(CascadeKind.END_PARTNERSHIPS, grow_customers, close),
    "suspend a partner": Case(CascadeKind.HOLD_PARTNERSHIPS, grow_customers, suspend),
    "release a partner": Case(CascadeKind.RELEASE_PARTNERSHIPS, grow_suspended, release, denied=None),
    "lower a ceiling": Case(CascadeKind.BOUND_PARTNERSHIPS, grow_customers, bound, denied=None),
    "deactivate a representative": Case(CascadeKind.REPLACE_MEMBER, grow_customers, deactivate),
    "remove an owner": Case(CascadeKind.REPLACE_MEMBER, grow_owned, leave, denied=None),
}


@contextmanager
def limits(kind: CascadeKind, *, at_once: int, batch: int = 3) -> Iterator[None]:
    """Let a kind of cascade do so much in the act, and in one batch of the worker."""
    other = replace(WORKS[kind], at_once=at_once, batch=batch)
    with patch(PLACES[kind], other), patch.object(proceeding, "WORKS", {**WORKS, kind: other}):
        yield


async def consequences(scene: Scene, gone: UUID) -> dict[str, Counter[Any]]:
    """All that stands in a scene's organisations and those around them, without keys and times.

    `gone` is the person whose parts are looked for in partnerships.
    """
    owner = scene.world.owner
    sides = {row["id"]: row["side"] for row in await owner.fetch(SIDES, scene.host.id, scene.guest.id)}
    everybody = list(sides)
    events = await owner.fetch("SELECT * FROM accord.activity_events WHERE stream_id = ANY ($1)", everybody)
    notices = "SELECT template, subject, text FROM accord.notifications WHERE organisation_id = ANY ($1)"
    found = {
        "events": Counter((sides[row["stream_id"]], *(_plain(row[name]) for name in EVENT)) for row in events),
        "notices": Counter(tuple(map(_plain, row.values())) for row in await owner.fetch(notices, everybody)),
        "mails": Counter(tuple(map(_plain, row.values())) for row in await owner.fetch(MAILS, everybody)),
    }
    for table, state in ENDED.items():
        listed = f"SELECT {state} AS state FROM accord.{table} WHERE host_id = ANY ($1) AND $2::uuid IS NOT NULL"
        found[table] = Counter(row["state"] for row in await owner.fetch(listed, everybody, gone))
    return found


def differences(
    one: Mapping[str, Counter[Any]], other: Mapping[str, Counter[Any]]
) -> dict[str, tuple[Counter[Any], Counter[Any]]]:
    """What is only on one of two sides, by table."""
    both = {name: (one[name] - other[name], other[name] - one[name]) for name in one}
    return {name: sides for name, sides in both.items() if any(sides)}


def _plain(value: Any) -> Any:
    """A text without keys and handles, which differ from scene to scene."""
    return re.sub(r"\b\w{4}-\w{4}-\w{4}(-p)?\b", "@", KEY.sub("#", value)) if isinstance(value, str) else value
