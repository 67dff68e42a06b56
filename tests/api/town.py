"""The world of the five cases: a host, its partners in every state, a stranger; built once, copied for each case."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from accord.access.scopes import GRANTABLE
from accord.domain.acting import Basis
from accord.domain.billing import Money
from accord.domain.delegation import DelegatedRole
from accord.domain.errors import DomainError
from accord.domain.ids import global_id
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import Role, token_hash
from accord.domain.partner import LinkKind, PartnerProgram, PartnerStatus
from accord.domain.partnership import PartnershipState, Purpose
from accord.domain.sharing import AccountRole
from accord.services.api_client import create_api_client, revoke_api_client
from accord.services.billing import issue_invoice, pay_invoice, top_up_wallet
from accord.services.grants.access_request import AccessDecision, decide_access_requests, request_access
from accord.services.grants.acting import leave_organisation, switch_organisation
from accord.services.grants.contact import accept_contact, add_external_contact, remove_external_contact
from accord.services.grants.delegation import set_delegated_roles
from accord.services.grants.role_group import add_role_group_members
from accord.services.grants.sharing import ShareItem, share_accounts, suspend_share
from accord.services.operator import publish_terms
from accord.services.partnerships.amendment import amend_partnership, withdraw_amendment
from accord.services.partnerships.ceiling import set_ceiling
from accord.services.partnerships.hold import suspend_partnership
from accord.services.partnerships.level import set_data_access
from accord.services.partnerships.link import link_partner
from accord.services.partnerships.status import set_partner_status
from accord.services.people.confirmation import refuse_invitation_claim
from accord.services.people.joining import accept_membership, invite_member
from accord.services.people.member import deactivate_member, remove_member, update_member
from accord.services.people.scim_credential import create_scim_credential, revoke_scim_credential
from accord.services.policy import freeze_partner_access, set_policy
from tests.world import Organisation, Person, World, identify

S = PartnershipState
CONTACT_TOKEN = "a link to the role of a contact"
PEOPLE: dict[str, dict[str, tuple[Role, ...]]] = {
    "harbour": {
        "ada": (Role.ORG_ADMIN, Role.LEGAL_REPRESENTATIVE),
        "arne": (Role.ORG_ADMIN,),
        "lena": (Role.DECISION_MAKER,),
        "aud": (Role.AUDITOR,),
        "mia": (),
        "otto": (),
        "dora": (),
    },
    "lighthouse": {"greta": (Role.ORG_ADMIN,), "gustav": (Role.ORG_ADMIN,), "carla": (), "dan": (), "eva": ()},
    "ridge": {"ruth": (Role.ORG_ADMIN,)},
    "orchard": {"olga": (Role.ORG_ADMIN,)},
    "brook": {"bert": (Role.ORG_ADMIN,)},
    "grove": {"gina": (Role.ORG_ADMIN,)},
    "quill": {"quentin": (Role.ORG_ADMIN,), "quinn": ()},
    "meadow": {"max": (Role.ORG_ADMIN,)},
    "hill": {"hanna": (Role.ORG_ADMIN,), "hugo": (Role.ORG_ADMIN,)},
    "forge": {"fred": (Role.ORG_ADMIN,), "fay": ()},
    "tower": {"tora": (Role.ORG_ADMIN,)},
    "cove": {"cora": (Role.ORG_ADMIN,)},
    "island": {"ines": (Role.ORG_ADMIN,)},
    "marina": {"marta": (Role.ORG_ADMIN,), "milo": ()},
}


@dataclass
class Town:
    """What stands where: global IDs by name, and the addresses that people sign in with."""

    ids: dict[str, str] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)
    handles: dict[str, str] = field(default_factory=dict)
    home: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.ids[name]


class Builder:
    """Builds the town in a world, through the services."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.town = Town()
        self.people: dict[str, Person] = {}
        self.organisations: dict[str, Organisation] = {}
        self.keys: dict[str, UUID] = {}

    def _name(self, name: str, kind: str, key: UUID | DomainError) -> UUID:
        if isinstance(key, DomainError):
            raise key
        self.keys[name] = key
        self.town.ids[name] = global_id(kind, key)
        return key

    async def build(self) -> Town:
        await self._people()
        await self._partnerships()
        await self._sharing()
        await self._roles()
        await self._members()
        await self._links()
        await self._sessions()
        await self._contacts()
        await self._bills()
        await self._directories()
        await self._clients()
        await self._gone()
        old = await self.world.operate(publish_terms, version="2", text="Be kinder to each other.")
        self._name("terms", "terms", old)
        return self.town

    async def _gone(self) -> None:
        """Somebody who was a member of the forge and is none anywhere."""
        person = await self.world.person(self.organisations["forge"], name="Gone")
        self._name("gone", "user", person.id)
        self._name("gone_membership", "membership", person.membership_id)
        given = {"membership_id": person.membership_id, "reason": "Moved away."}
        await self.world.act(self.people["fred"], remove_member, **given)

    async def _people(self) -> None:
        for organisation, people in PEOPLE.items():
            made = await self.world.organisation(organisation.title())
            self.organisations[organisation] = made
            self._name(organisation, "organisation", made.id)
            self.town.handles[organisation] = made.handle
            for name, roles in people.items():
                person = await self.world.person(made, *roles, name=name.title())
                self.people[name] = person
                self.town.emails[name] = person.email
                self.town.home[name] = organisation
                self._name(name, "user", person.id)
                self._name(f"{name}_membership", "membership", person.membership_id)

    async def _partnerships(self) -> None:
        old = await self.world.terms()
        self._name("old_terms", "terms", old)
        mia, otto, ada = self.people["mia"], self.people["otto"], self.people["ada"]
        for name, requester, admin, state in (
            ("partnership", mia, "greta", S.ACTIVE),
            ("requested", otto, "ruth", S.AWAITING_HOST_APPROVAL),
            ("approved", otto, "olga", S.AWAITING_GUEST_ACCEPTANCE),
            ("refused", mia, "bert", S.DECLINED_BY_GUEST),
            ("removed", mia, "gina", S.TERMINATED),
            ("held", mia, "hanna", S.ACTIVE),
            ("ending", mia, "ines", S.ACTIVE),
            ("guided", mia, "fred", S.ACTIVE),
            ("managed", mia, "marta", S.ACTIVE),
        ):
            key = await self.world.partnership(requester, ada, self.people[admin], state)
            self._name(name, "partnership", key)

        await self.world.act(ada, suspend_partnership, partnership_id=self.keys["held"], reason="A review.")
        ends = self.world.clock.now + timedelta(days=400)
        sql = "UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1"
        await self.world.owner.execute(sql, self.keys["ending"], ends)
        await self.world.act(self.people["hugo"], freeze_partner_access)
        await self._amendments()

    async def _amendments(self) -> None:
        """Island is offered something wider; what Forge was offered has been withdrawn."""
        ada, wider = self.people["ada"], [Purpose.MANAGEMENT, Purpose.SUPPORT]
        for name, partnership in (("island_offer", "ending"), ("forge_offer", "guided")):
            given = {"partnership_id": self.keys[partnership], "purposes": wider}
            self._name(name, "amendment", (await self.world.act(ada, amend_partnership, **given)).id)
        await self.world.act(ada, withdraw_amendment, amendment_id=self.keys["forge_offer"])

    async def _sharing(self) -> None:
        mia, otto, greta = self.people["mia"], self.people["otto"], self.people["greta"]
        for name, owner in (("desk", mia), ("library", mia), ("till", mia), ("engine", otto)):
            self._name(name, "account", await self.world.account(owner, label=name.title()))
        shared = await self.world.act(
            mia,
            share_accounts,
            partnership_id=self.keys["partnership"],
            items=[ShareItem(self.keys[name], AccountRole.ACCOUNT_MANAGER) for name in ("desk", "library")],
        )
        self._name("desk_share", "share", shared[0])
        self._name("library_share", "share", shared[1])
        await self.world.act(mia, suspend_share, share_id=self.keys["library_share"])
        asked = await self.world.act(
            greta,
            request_access,
            share_id=self.keys["desk_share"],
            member_user_ids=[self.people["dan"].id, self.people["carla"].id],
            role=AccountRole.COLLABORATOR,
        )
        dan_item = self._name("dan_item", "accessitem", asked[0])
        self._name("carla_item", "accessitem", asked[1])
        answer = AccessDecision(dan_item, 1, accept=True)
        await self.world.act(mia, decide_access_requests, items=[answer])
        for name in ("greta", "dan"):
            key = await self.world.owner.fetchval(
                "SELECT id FROM accord.grants WHERE share_id = $1 AND user_id = $2",
                self.keys["desk_share"],
                self.people[name].id,
            )
            self._name(f"{name}_grant", "grant", key)

    async def _roles(self) -> None:
        """Forge is Harbour's partner of record: it had one role, and has the other with Fay in its group."""
        lena, fred = self.people["lena"], self.people["fred"]
        await self.world.owner.execute(
            "INSERT INTO accord.partner_links (customer_id, partner_id, kind, created_by)"
            " VALUES ($1, $2, 'PARTNER_OF_RECORD', 'staff')",
            self.organisations["harbour"].id,
            self.organisations["forge"].id,
        )
        for name, role in (
            ("guided_old", DelegatedRole.DECISION_MAKER),
            ("guided_phones", DelegatedRole.PHONE_MANAGER),
        ):
            given = {"partnership_id": self.keys["guided"], "roles": [role]}
            await self.world.act(lena, set_delegated_roles, notify_addresses="office@forge.example", **given)
            sql = "SELECT id FROM accord.role_groups WHERE host_id = $1 AND state = 'ACTIVE'"
            key = await self.world.owner.fetchval(sql, self.organisations["harbour"].id)
            self._name(name, "rolegroup", key)
        given = {"role_group_id": self.keys["guided_phones"], "user_ids": [self.people["fay"].id]}
        await self.world.act(fred, add_role_group_members, **given)

    async def _sessions(self) -> None:
        """Marina manages Harbour: Marta by every basis there is, each in a session of its own; one she has left."""
        ada, marta = self.people["ada"], self.people["marta"]
        under = {"partnership_id": self.keys["managed"]}
        await self.world.act(marta, update_member, membership_id=marta.membership_id, delegated_admin=True)
        await self.world.act(ada, set_policy, roles_only_to_partner_of_record=False)
        await self.world.act(
            ada, set_delegated_roles, **under, roles=list(DelegatedRole), notify_addresses="m@marina.example"
        )
        await self.world.act(ada, set_policy, roles_only_to_partner_of_record=True)
        sql = "SELECT id FROM accord.role_groups WHERE partnership_id = $1 AND state = 'ACTIVE'"
        for row in await self.world.owner.fetch(sql, self.keys["managed"]):
            people = [marta.id, self.people["milo"].id]
            await self.world.act(marta, add_role_group_members, role_group_id=row["id"], user_ids=people)
        for level in (DataAccessLevel.SUPPORT, DataAccessLevel.MANAGE):
            await self.world.act(ada, set_data_access, **under, level=level, confirm=True)
            await self._session(f"{level.lower()}_session", basis=Basis.LEVEL)
        for role in DelegatedRole:
            await self._session(f"{role.lower()}_session", basis=Basis.ROLE_GROUP, role_key=role)
        left = await self._session("left_session", basis=Basis.LEVEL)
        await self.world.act_as_oneself(marta, leave_organisation, session_id=left)

    async def _session(self, name: str, **given: Any) -> UUID:
        host = self.organisations["harbour"].id
        opened = await self.world.act_as_oneself(self.people["marta"], switch_organisation, host_id=host, **given)
        return self._name(name, "session", opened)

    async def _contacts(self) -> None:
        """Gina is a contact of Harbour, another one was removed, a third has a link that nobody has followed."""
        ada, gina, owner = self.people["ada"], self.people["gina"], self.world.owner
        for name, email in (
            ("gina_contact", "gina@grove.example"),
            ("old_contact", "old@nowhere.example"),
            ("waiting_contact", "waiting@nowhere.example"),
        ):
            roles = [DelegatedRole.PHONE_MANAGER]
            self._name(name, "contact", await self.world.act(ada, add_external_contact, email=email, roles=roles))
            sql = "UPDATE accord.external_contacts SET token_hash = $2 WHERE id = $1"
            await owner.execute(sql, self.keys[name], token_hash(f"{CONTACT_TOKEN} of {name}"))
        await self.world.act(ada, remove_external_contact, contact_id=self.keys["old_contact"])
        given = {"token": f"{CONTACT_TOKEN} of gina_contact"}
        vouched = await self.world.vouched(gina.identity, given["token"])
        await self.world.database.write(vouched, None, lambda tx: accept_contact(tx, **given))
        tora = self.people["tora"].email
        await owner.execute(
            "UPDATE accord.external_contacts SET email = $2 WHERE id = $1", self.keys["waiting_contact"], tora
        )
        self.town.ids["contact_token"] = f"{CONTACT_TOKEN} of waiting_contact"

    async def _links(self) -> None:
        """Cove is a partner beneath Tower, which may grant it SUPPORT at most, and Harbour's by a link."""
        cove, tower = self.organisations["cove"].id, self.organisations["tower"].id
        active = {"program": PartnerProgram.MSP, "status": PartnerStatus.ACTIVE}
        await self.world.operate(set_partner_status, organisation_id=tower, **active)
        await self.world.operate(set_ceiling, partner_id=tower, ceiling=DataAccessLevel.SUPPORT)
        await self.world.operate(set_partner_status, organisation_id=cove, parent_partner_id=tower, **active)
        given = {"customer_id": self.organisations["harbour"].id, "partner_id": cove, "kind": LinkKind.RESELLER}
        self._name("cove_link", "link", await self.world.operate(link_partner, **given))

    async def _clients(self) -> None:
        """Ada has a client with every scope there is, and one that was revoked."""
        ada, end = self.people["ada"], self.world.clock.now + timedelta(days=30)
        self.town.ids["a month from now"] = end.isoformat()
        for name in ("client", "old_client"):
            given = {"name": name, "scopes": sorted(GRANTABLE), "expires_at": end}
            made = await self.world.act(ada, create_api_client, **given)
            self._name(name, "apiclient", made.id)
            self.town.ids[f"{name}_secret"] = made.secret
        await self.world.act(ada, revoke_api_client, api_client_id=self.keys["old_client"])

    async def _bills(self) -> None:
        """Harbour has 10.00 EUR left for three bills: one is paid, one is payable, one is too dear."""
        ada, harbour = self.people["ada"], self.organisations["harbour"].id
        for name, amount in (("paid_bill", 500), ("bill", 700), ("dear_bill", 100_000)):
            given = {"number": name, "amount": Money(amount, "EUR"), "due_on": date(2099, 1, 1)}
            key = await self.world.operate(issue_invoice, customer_id=harbour, **given)
            self._name(name, "invoice", key)
        await self.world.act(ada, top_up_wallet, amount=Money(1_500, "EUR"))
        await self.world.act(ada, pay_invoice, invoice_id=self.keys["paid_bill"])
        self.town.ids["settings"] = global_id("settings", harbour)

    async def _directories(self) -> None:
        """Harbour lets two directories in, of which one was let out again; a group was told of."""
        ada, harbour = self.people["ada"], self.organisations["harbour"].id
        for name in ("okta", "old_okta"):
            made = await self.world.act(ada, create_scim_credential, label=name)
            self._name(name, "scimcredential", made.id)
        await self.world.act(ada, revoke_scim_credential, scim_credential_id=self.keys["old_okta"])
        sql = "INSERT INTO accord.scim_groups (organisation_id, display_name) VALUES ($1, 'Sales') RETURNING id"
        self._name("sales_group", "scimgroup", await self.world.owner.fetchval(sql, harbour))

    async def _members(self) -> None:
        ada = self.people["ada"]
        invited: Any = await self.world.act(
            ada, invite_member, email="ivan@harbour.example", display_name="Ivan", roles=[Role.MEMBER]
        )
        self._name("ivan_membership", "membership", invited)
        for name in ("ivy", "ida"):
            await self._claim(name)
        self._name("dune", "organisation", (await self.world.organisation("Dune")).id)
        (refused,) = [self.keys["ida_claim"]]
        await self.world.act(ada, refuse_invitation_claim, claim_id=refused, expected_version=1)
        await self.world.act(ada, deactivate_member, membership_id=self.people["dora"].membership_id)

    async def _claim(self, name: str) -> None:
        """Harbour has invited somebody, and somebody else has used the link."""
        ada, token = self.people["ada"], f"the link of {name}"
        invited = {"email": f"{name}@harbour.example", "display_name": name.title(), "roles": [Role.MEMBER]}
        membership = await self.world.act(ada, invite_member, **invited)
        sql = "UPDATE accord.memberships SET token_hash = $2 WHERE id = $1"
        await self.world.owner.execute(sql, membership, token_hash(token))
        finder = identify(f"finder.of.{name}@elsewhere.example")
        assert await self.world.database.write(finder, None, lambda tx: accept_membership(tx, token=token)) is None
        sql = "SELECT id FROM accord.invitation_claims WHERE membership_id = $1"
        self._name(f"{name}_claim", "invitationclaim", await self.world.owner.fetchval(sql, membership))
