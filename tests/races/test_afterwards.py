"""Access that was taken back: of a thousand requests begun after the answer, none is allowed, at any level (S66, S91).

Requests run while the access ends, so that the first ones after the answer meet a gateway in full use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import pytest

from accord.access.principal import Client
from accord.database.engine import AccessRevoked, Database, SessionOver
from accord.domain.acting import Basis
from accord.domain.callers.scim import SaidUser
from accord.domain.delegation import DelegatedRole
from accord.domain.errors import DomainError
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import OrganisationStatus, token_hash
from accord.schema.context import Context, Support
from accord.schema.schema import schema
from accord.services.grants.acting import switch_organisation
from accord.services.grants.delegation import clear_roles, delegate_roles
from accord.services.grants.grant import remove_member_from_partnership, remove_member_from_share
from accord.services.grants.role_group import add_role_group_members, remove_role_group_members
from accord.services.grants.sharing import suspend_share, unshare_account
from accord.services.grants.ticket import sign_in_to_account
from accord.services.partnerships.hold import suspend_partnership
from accord.services.partnerships.level import set_data_access
from accord.services.partnerships.partnership import remove_partner
from accord.services.partnerships.status import set_organisation_status
from accord.services.people.member import deactivate_member, update_member
from accord.services.people.scim_credential import create_scim_credential
from accord.services.people.scim_user import change_user
from accord.services.policy import freeze_partner_access, set_policy
from tests.scale import count
from tests.services.scene import Scene, Signer, set_scene
from tests.world import World

REQUESTS: Final = count(test=40, check=100, prove=1_000)
AT_ONCE: Final = 8
ACCOUNTS = "{ viewer { sharedAccounts { totalCount edges { node { id } } } } }"
WHERE = "{ viewer { organisation { name } actingSession { id } } }"

Allowed = Callable[["Guest"], Awaitable[bool]]


class Guest:
    """Carla of the guest, with an account, a role and a level, and the requests that each lets her make."""

    def __init__(self, scene: Scene, keys: dict[str, UUID]) -> None:
        self.scene = scene
        self.keys = keys

    @property
    def database(self) -> Database:
        return self.scene.world.database

    async def lists(self) -> bool:
        """Does the list still have the account?"""
        answer = await self._ask(ACCOUNTS, None)
        viewer = answer.data and answer.data["viewer"]
        listed = viewer and viewer["sharedAccounts"]
        return bool(listed and listed["totalCount"])

    async def signs_in(self) -> bool:
        """Is there still a ticket to be had?"""
        try:
            given = {"account_id": self.scene.account, "signer": Signer()}
            return bool(await self.scene.act("carla", sign_in_to_account, **given))
        except DomainError:
            return False

    async def acts(self, basis: str) -> bool:
        """Does the session still open the host?"""
        answer = await self._ask(WHERE, self.keys[basis])
        viewer = answer.data and answer.data["viewer"]
        return bool(viewer and viewer["actingSession"])

    async def writes(self, basis: str) -> bool:
        """Does a write of the session still begin?"""
        identity = self.scene["carla"].identity
        try:
            async with self.database.transaction(identity, self.scene.host.id, self.keys[basis]):
                return True
        except (AccessRevoked, SessionOver):
            return False

    async def switches(self, basis: str) -> bool:
        """Can a new session be opened?"""
        given: dict[str, Any] = {"host_id": self.scene.host.id, "basis": Basis(basis)}
        try:
            return bool(await self.scene.world.act_as_oneself(self.scene["carla"], switch_organisation, **given))
        except DomainError:
            return False

    async def _ask(self, document: str, session: UUID | None) -> Any:
        support = Support("Support", "help@vendor.example")
        context = Context(self.database, self.scene["carla"].identity, support, Signer(), session)
        return await schema.execute(document, context_value=context)


BY_GRANT: Final[tuple[Allowed, ...]] = (Guest.lists, Guest.signs_in)


def by_session(basis: str) -> tuple[Allowed, ...]:
    """The requests that a basis opens."""
    return (lambda guest: guest.acts(basis), lambda guest: guest.writes(basis), lambda guest: guest.switches(basis))


BY_LEVEL, BY_GROUP = by_session("LEVEL"), by_session("ROLE_GROUP")
EVERYTHING: Final = (*BY_GRANT, *BY_LEVEL, *BY_GROUP)
End = Callable[[Guest], Awaitable[Any]]


def on_partnership(name: str, service: Any, **given: Any) -> End:
    return lambda guest: guest.scene.act(name, service, partnership_id=guest.scene.partnership, **given)


def on_share(service: Any, **given: Any) -> End:
    return lambda guest: guest.scene.act("mia", service, share_id=guest.keys["share"], **given)


def on_carla(service: Any, **given: Any) -> End:
    return lambda guest: guest.scene.act("gustav", service, membership_id=guest.scene["carla"].membership_id, **given)


async def by_directory(guest: Guest) -> Any:
    """As a request to /scim/v2 does it."""
    carla, gustav = guest.scene["carla"], guest.scene["gustav"]
    made = await guest.scene.world.act(gustav, create_scim_credential, label="Okta")

    def edit(row: Any) -> SaidUser:
        return SaidUser(row.user_name, row.display_name, row.email, active=False)

    digest = token_hash(made.token)
    return await guest.database.provision(digest, Client(), lambda tx: change_user(tx, carla.membership_id, edit))


ENDS: Final[dict[str, tuple[End, tuple[Allowed, ...]]]] = {
    "share suspended": (on_share(suspend_share), BY_GRANT),
    "account taken back": (on_share(unshare_account), BY_GRANT),
    "member removed from the share": (
        lambda guest: on_share(remove_member_from_share, user_id=guest.scene["carla"].id)(guest),
        BY_GRANT,
    ),
    "member removed from all accounts": (
        lambda guest: on_partnership("ada", remove_member_from_partnership, user_id=guest.scene["carla"].id)(guest),
        BY_GRANT,
    ),
    "level revoked": (on_partnership("ada", set_data_access, level=DataAccessLevel.NONE), BY_LEVEL),
    "no delegated admin": (on_carla(update_member, delegated_admin=False), BY_LEVEL),
    "role cleared": (on_partnership("ada", clear_roles, roles=[DelegatedRole.DECISION_MAKER]), BY_GROUP),
    "out of the group": (
        lambda guest: guest.scene.act(
            "gustav",
            remove_role_group_members,
            role_group_id=guest.keys["group"],
            user_ids=[guest.scene["carla"].id],
        ),
        BY_GROUP,
    ),
    "partnership suspended": (on_partnership("gustav", suspend_partnership, reason="A doubt."), EVERYTHING),
    "frozen": (lambda guest: guest.scene.act("ada", freeze_partner_access), EVERYTHING),
    "blocked": (
        lambda guest: guest.scene.act("ada", set_policy, blocked_partners=[guest.scene.guest.id]),
        EVERYTHING,
    ),
    "partner removed": (on_partnership("mia", remove_partner), EVERYTHING),
    "member deactivated": (on_carla(deactivate_member), EVERYTHING),
    "member deactivated by the directory": (by_directory, EVERYTHING),
    "host suspended by the vendor": (
        lambda guest: guest.scene.world.operate(
            set_organisation_status, organisation_id=guest.scene.host.id, status=OrganisationStatus.SUSPENDED
        ),
        EVERYTHING,
    ),
}


@pytest.fixture
async def guest(world: World) -> Guest:
    scene = await set_scene(world)
    share = await scene.share()
    await scene.let_in(share, "carla")
    await scene.act("gustav", update_member, membership_id=scene["carla"].membership_id, delegated_admin=True)
    under = {"partnership_id": scene.partnership}
    await scene.act("ada", set_data_access, **under, level=DataAccessLevel.MANAGE, confirm=True)
    await scene.act("ada", set_policy, roles_only_to_partner_of_record=False)
    role = {"roles": [DelegatedRole.DECISION_MAKER], "notify_addresses": "desk@people.example"}
    await scene.act("ada", delegate_roles, **under, **role)
    sql = "SELECT id FROM accord.role_groups WHERE partnership_id = $1"
    group = await world.owner.fetchval(sql, scene.partnership)
    await scene.act("gustav", add_role_group_members, role_group_id=group, user_ids=[scene["carla"].id])
    keys = {"share": share, "group": group}
    for basis in (Basis.LEVEL, Basis.ROLE_GROUP):
        given = {"host_id": scene.host.id, "basis": basis}
        keys[basis.value] = await world.act_as_oneself(scene["carla"], switch_organisation, **given)
    return Guest(scene, keys)


@pytest.mark.parametrize("end", ENDS)
async def test_no_request_begun_after_the_answer_is_allowed(guest: Guest, end: str) -> None:
    act, requests = ENDS[end]
    assert all([await request(guest) for request in requests]), "allowed before"
    over = asyncio.Event()

    async def hammer(first: int) -> None:
        turn = first
        while not over.is_set():
            await requests[turn % len(requests)](guest)
            turn += 1

    running = [asyncio.create_task(hammer(first)) for first in range(AT_ONCE)]
    await act(guest)
    allowed = await begun_after(guest, requests)
    over.set()
    await asyncio.gather(*running)
    assert allowed == 0


async def begun_after(guest: Guest, requests: tuple[Allowed, ...]) -> int:
    """How many of the requests are allowed that begin from here on."""
    waiting = iter(range(REQUESTS))

    async def send() -> int:
        return sum([await requests[turn % len(requests)](guest) for turn in waiting])

    return sum(await asyncio.gather(*(send() for _ in range(AT_ONCE))))
