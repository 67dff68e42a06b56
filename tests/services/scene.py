"""A host and a guest in an active partnership, their people by first name, and what "nothing changed" means."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from accord.domain.errors import DomainError
from accord.domain.organisation import Role
from accord.domain.sharing import AccountRole
from accord.services.grants.access_request import AccessDecision, decide_access_requests, request_access
from accord.services.grants.sharing import ShareItem, share_accounts
from tests.world import Organisation, Person, Service, World

UNSET = UUID(int=0)
WATCHED = (
    "organisations", "users", "identities", "memberships", "partnerships", "accounts", "account_ownerships", "shares",
    "grants", "access_items", "tickets", "amendments", "terms_acceptances",
    "role_delegations", "role_groups", "role_group_members", "acting_sessions", "external_contacts",
    "customer_assignments", "scim_credentials", "scim_users", "scim_groups", "scim_group_members",
    "attempts", "invitations", "partner_links", "organisation_policies",
    "organisation_settings", "organisation_features", "invoices", "wallets", "wallet_entries", "acting_changes",
    "api_clients",
    "chain_heads", "activity_events", "mails", "held_mails", "notifications",
)  # fmt: skip
MAILED = """
SELECT address, ordinal, xmin::text AS act FROM (
  SELECT id, address, ordinal, xmin FROM accord.mails WHERE template = $1 AND organisation_id = ANY ($2)
  UNION ALL SELECT id, address, NULL, xmin FROM accord.held_mails WHERE template = $1 AND organisation_id = ANY ($2)
) m ORDER BY id
"""
HOST_PEOPLE: dict[str, tuple[Role, ...]] = {
    "ada": (Role.ORG_ADMIN, Role.LEGAL_REPRESENTATIVE),
    "arne": (Role.ORG_ADMIN,),
    "mia": (),
    "otto": (),
    "aud": (Role.AUDITOR,),
}
GUEST_PEOPLE: dict[str, tuple[Role, ...]] = {
    "greta": (Role.ORG_ADMIN,),
    "gustav": (Role.ORG_ADMIN,),
    "carla": (),
    "dan": (),
    "eva": (Role.AUDITOR,),
}


class Signer:
    """Signs nothing: what a ticket says is what the tests read."""

    def sign(self, **claims: Any) -> str:
        return str(claims["jti"])


@dataclass
class Scene:
    """Where a test plays."""

    world: World
    host: Organisation
    guest: Organisation
    people: dict[str, Person] = field(default_factory=dict)
    partnership: UUID = UNSET
    account: UUID = UNSET

    def __getitem__(self, name: str) -> Person:
        return self.people[name]

    async def act(self, name: str, service: Service[Any], /, **given: Any) -> Any:
        """Let somebody do something in the name of the home organisation."""
        return await self.world.act(self[name], service, **given)

    async def share(
        self,
        name: str = "mia",
        role: AccountRole = AccountRole.ACCOUNT_MANAGER,
        *,
        account: UUID | None = None,
        recipients: tuple[str, ...] = (),
    ) -> UUID:
        """Share one account; by default Mia's with Greta as Account Manager."""
        people = [self[recipient].id for recipient in recipients] or None
        item = ShareItem(account or self.account, role, people)
        (made,) = await self.act(name, share_accounts, partnership_id=self.partnership, items=[item])
        if isinstance(made, DomainError):
            raise made
        assert isinstance(made, UUID)
        return made

    async def ask(self, name: str, share: UUID, *members: str, role: AccountRole = AccountRole.COLLABORATOR) -> Any:
        """Ask for access for members; what came of each."""
        ids = [self[member].id for member in members]
        return await self.act(name, request_access, share_id=share, member_user_ids=ids, role=role)

    async def let_in(self, share: UUID, member: str, role: AccountRole = AccountRole.COLLABORATOR) -> UUID:
        """Greta asks for a member, Mia accepts; the grant."""
        (item,) = await self.ask("greta", share, member, role=role)
        (decided,) = await self.act("mia", decide_access_requests, items=[AccessDecision(item, 1, True)])
        assert not isinstance(decided, DomainError), decided
        grant: UUID = decided.grant_id
        return grant

    async def grant(self, share: UUID, name: str) -> Any:
        """The newest grant of somebody on a share."""
        sql = "SELECT * FROM accord.grants WHERE share_id = $1 AND user_id = $2 ORDER BY id DESC LIMIT 1"
        return await self.world.owner.fetchrow(sql, share, self[name].id)

    async def row(self, table: str, key: UUID) -> Any:
        """One row as it stands."""
        return await self.world.owner.fetchrow(f"SELECT * FROM accord.{table} WHERE id = $1", key)

    async def events(self, organisation: Organisation, *types: str) -> list[Any]:
        """The events of a stream in their order, of these types where any are named."""
        sql = "SELECT * FROM accord.activity_events WHERE stream_id = $1 ORDER BY sequence"
        rows = await self.world.owner.fetch(sql, organisation.id)
        return [row for row in rows if not types or row["type"] in types]

    async def mails(self, template: str) -> list[set[str]]:
        """To whom, by first name, went each mail of a template, in order; also where it waits for the digest."""
        rows = await self.world.owner.fetch(MAILED, template, [self.host.id, self.guest.id])
        names = {person.email: name for name, person in self.people.items()}
        told: list[set[str]] = []
        act = None
        for row in rows:
            if row["ordinal"] == 0 or (row["ordinal"] is None and row["act"] != act):
                told.append(set())
            told[-1].add(names.get(row["address"], row["address"]))
            act = row["act"]
        return told

    async def state_of_things(self) -> dict[str, str]:
        """How many rows each table has, and which transaction wrote the newest: a change moves one of them."""
        newest = "count(*) || '/' || coalesce(max(xmin::text::bigint), 0)"
        return {table: await self.world.owner.fetchval(f"SELECT {newest} FROM accord.{table}") for table in WATCHED}

    @asynccontextmanager
    async def unchanged(self) -> AsyncIterator[None]:
        """Whatever happens inside changes no row, writes no event and no mail."""
        before = await self.state_of_things()
        yield
        after = await self.state_of_things()
        changed = {table: state for table, state in after.items() if state != before[table]}
        assert not changed, changed

    async def refused(
        self,
        name: str,
        error: type[DomainError] | tuple[type[DomainError], ...],
        service: Service[Any],
        /,
        **given: Any,
    ) -> Any:
        """Somebody tries this, is refused with this error, and nothing has changed; the refusal."""
        async with self.unchanged():
            with pytest.raises(error) as refusal:
                await self.act(name, service, **given)
        assert isinstance(refusal.value, DomainError)
        return refusal.value

    async def refused_item(
        self, name: str, error: type[DomainError], service: Service[Any], **given: Any
    ) -> DomainError:
        """As `refused`, for a bulk act with one item."""
        async with self.unchanged():
            (result,) = await self.act(name, service, **given)
        assert isinstance(result, error), result
        return result


async def set_scene(world: World) -> Scene:
    scene = Scene(world, await world.organisation("Harbour"), await world.organisation("Lighthouse"))
    for name, roles in HOST_PEOPLE.items():
        scene.people[name] = await world.person(scene.host, *roles, name=f"{name.title()} Harbour")
    for name, roles in GUEST_PEOPLE.items():
        scene.people[name] = await world.person(scene.guest, *roles, name=f"{name.title()} Lighthouse")
    scene.people["zoe"] = await world.person(
        await world.organisation("Elsewhere"), Role.ORG_ADMIN, name="Zoe Elsewhere"
    )
    scene.partnership = await world.partnership(scene["mia"], scene["ada"], scene["greta"])
    scene.account = await world.account(scene["mia"], label="Campaign desk")
    return scene
