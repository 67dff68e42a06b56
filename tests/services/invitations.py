"""What tests of invitations and of partners' requests share: a partner outside the scene's partnership."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accord.domain.organisation import Role
from accord.domain.partner import PartnerProgram, PartnerStatus
from accord.domain.partnership import AccessMode
from accord.services.partnerships.invite import InvitedItem, invite_partner
from accord.services.partnerships.partnership import accept_partnership
from accord.services.partnerships.status import set_partner_status
from tests.services.scene import Scene
from tests.world import Organisation

LIMITED, COMPLETE = AccessMode
ADDRESS = "office@island.example"


@dataclass
class Island:
    """An organisation that the scene's host has not met: Ines and Igor are its admins, Ivy is nobody in particular."""

    scene: Scene
    organisation: Organisation

    async def invite(self, by: str = "ada", **given: Any) -> UUID:
        """Invite it; by default to the scene's account."""
        wanted: dict[str, Any] = {"guest_handle": self.organisation.handle, "contact_email": ADDRESS}
        if given.get("access_mode", LIMITED) is LIMITED:
            wanted |= {"access_mode": LIMITED, "items": [InvitedItem(self.scene.account)]}
        key: UUID = await self.scene.act(by, invite_partner, **wanted | given)
        return key

    async def accept(self, key: UUID, by: str = "ines") -> None:
        """Say yes, with consent."""
        given = {"terms_version_id": await self.scene.world.terms(), "consent": True}
        version = await self.scene.world.version("partnerships", key)
        await self.scene.act(by, accept_partnership, partnership_id=key, expected_version=version, **given)

    async def become_partner(self, status: PartnerStatus = PartnerStatus.ACTIVE) -> None:
        """With a programme of the vendor's."""
        given = {"organisation_id": self.organisation.id, "program": PartnerProgram.MSP, "status": status}
        await self.scene.world.operate(set_partner_status, **given)

    async def told(self, key: UUID, template: str) -> set[str]:
        """Who was mailed this about the partnership, by first name where it is somebody of the scene."""
        sql = "SELECT address FROM accord.mails WHERE partnership_id = $1 AND template = $2"
        names = {person.email: name for name, person in self.scene.people.items()}
        return {names.get(row[0], row[0]) for row in await self.scene.world.owner.fetch(sql, key, template)}

    async def token(self, key: UUID) -> str:
        """The newest link's secret, as the mail has it."""
        sql = (
            "SELECT secret FROM accord.mails WHERE partnership_id = $1 AND secret IS NOT NULL ORDER BY id DESC LIMIT 1"
        )
        found: str = await self.scene.world.owner.fetchval(sql, key)
        return found


async def find_island(scene: Scene) -> Island:
    organisation = await scene.world.organisation("Island")
    for name, roles in {"ines": (Role.ORG_ADMIN,), "igor": (Role.ORG_ADMIN,), "ivy": ()}.items():
        scene.people[name] = await scene.world.person(organisation, *roles, name=f"{name.title()} Island")
    scene.people["lena"] = await scene.world.person(scene.host, Role.LEGAL_REPRESENTATIVE, name="Lena Harbour")
    scene.people["dirk"] = await scene.world.person(scene.host, Role.DECISION_MAKER, name="Dirk Harbour")
    return Island(scene, organisation)
