"""Every act leaves its event in each affected stream and its cascade's (model 4.12), and nothing else in any stream.

A refused act leaves nothing anywhere. Each act runs on its own copy of one stage: a host with an active partner, and
with others that wait, were refused, or have not been asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from datetime import date, timedelta
from itertools import count as numbers
from typing import Any, Final
from uuid import UUID

import pytest
from graphql import GraphQLObjectType

from accord.domain.billing import Money
from accord.domain.delegation import DelegatedRole
from accord.domain.errors import DomainError
from accord.domain.mail_budget import MailBudget
from accord.domain.organisation import PLATFORM, Role, token_hash
from accord.domain.partner import PartnerProgram, PartnerStatus
from accord.domain.partnership import AccessMode, PartnershipState, Purpose
from accord.domain.sharing import AccountRole
from accord.schema.schema import schema
from accord.services import api_client, billing, operator, setting
from accord.services.activity import record_export
from accord.services.grants import account, contact, grant, sharing
from accord.services.grants.access_request import (
    AccessDecision,
    decide_access_requests,
    request_access,
    withdraw_access_request,
)
from accord.services.grants.assignment import assign_customers
from accord.services.grants.sharing import ShareItem
from accord.services.grants.ticket import sign_in_to_account
from accord.services.partnerships import amendment, ownership, partnership, proposal
from accord.services.partnerships.customer import request_customer
from accord.services.partnerships.invite import InvitedItem, invite_partner
from accord.services.partnerships.status import set_partner_status
from accord.services.people import (
    confirmation,
    first_admin,
    joining,
    member,
    profile,
    scim_credential,
    scim_group,
)
from accord.services.people.erasure import erase_person
from accord.services.people.signin import note_sign_in
from tests.contract.stage import NEW, Call, Events, Stage, Take, both, membership
from tests.contract.standing import (
    SESSIONS,
    STANDING,
    STANDING_BESIDE,
    STANDING_WITHOUT_RIGHT,
    open_sessions,
    prepare_standing,
)
from tests.races.copies import Original
from tests.servers import DatabaseURLs
from tests.services.contacts import make_contact
from tests.services.scene import Scene, Signer, set_scene
from tests.world import World, open_world

NUMBERS: Final = numbers(1)
S = PartnershipState


async def accept_membership(take: Take) -> Any:
    token = f"token {take.copy.number}"
    newcomer = f"newcomer{take.copy.number}@people.example"
    sql = "UPDATE accord.memberships SET token_hash = $2, email = $3 WHERE id = $1"
    await take.stage.world.owner.execute(sql, take.key("invited"), token_hash(token), newcomer)
    return await take.run(newcomer, joining.accept_membership, token=token)


async def claimed(take: Take, act: Any) -> Any:
    """Decide about somebody who has used the link of an invitation at the guest."""
    token = f"claimed {take.copy.number}"
    sql = "UPDATE accord.memberships SET token_hash = $2 WHERE id = $1"
    await take.stage.world.owner.execute(sql, take.key("invited"), token_hash(token))
    sql = (
        "INSERT INTO accord.invitation_claims (organisation_id, membership_id, by_operator, link_hash, invited_email,"
        " issuer, subject, email_verified, state, claimed_at, expires_at)"
        " VALUES ($1, $2, false, $3, 'x@people.example', 'i', 's', false, 'WAITING', $4, $5) RETURNING id"
    )
    now, guest = take.stage.world.clock.now, take.copy.key(take.stage.scene.guest.id)
    ends = now + timedelta(days=1)
    key = await take.stage.world.owner.fetchval(sql, guest, take.key("invited"), token_hash(token), now, ends)
    return await take.act("gustav", act, claim_id=key, expected_version=1)


async def claim_membership(take: Take) -> Any:
    token = f"other {take.copy.number}"
    sql = "UPDATE accord.memberships SET token_hash = $2 WHERE id = $1"
    await take.stage.world.owner.execute(sql, take.key("invited"), token_hash(token))
    return await take.run(f"other{take.copy.number}@people.example", joining.accept_membership, token=token)


async def accept_contact(take: Take) -> Any:
    token = f"contact {take.copy.number}"
    sql = "UPDATE accord.external_contacts SET token_hash = $2, email = $3 WHERE id = $1"
    address = take.person("nils").identity.email
    await take.stage.world.owner.execute(sql, take.key("named"), token_hash(token), address)
    return await take.run("nils", contact.accept_contact, token=token)


async def erase(take: Take) -> Any:
    """The copies of a person have one address, by which they would all be the same human being."""
    for table, key in () if take.actor else (("users", "id"), ("memberships", "user_id")):
        sql = f"UPDATE accord.{table} SET email = $2 WHERE {key} = $1"
        await take.stage.world.owner.execute(sql, take.key("gil"), f"gil{take.copy.number}@people.example")
    return await take.run("staff", erase_person, user_id=take.key("gil"), reason="They asked for it.")


async def reactivate(take: Take) -> Any:
    return await take.act("gustav", member.reactivate_member, membership_id=membership(take, "dora"))


async def mark_read(take: Take) -> Any:
    key = await take.stage.world.owner.fetchval(
        "INSERT INTO accord.notifications (user_id, organisation_id, template, subject, text, created_at)"
        " VALUES ($1, $2, 'withdrawn', 'x', 'x', now()) RETURNING id",
        take.key("mia"),
        take.copy.key(take.stage.scene.host.id),
    )
    return await take.run("mia", profile.mark_notifications_read, notification_ids=[key])


async def without_admins(take: Take, act: Any, **given: Any) -> Any:
    host = take.copy.key(take.stage.scene.host.id)
    sql = "UPDATE accord.memberships SET roles = '{MEMBER}' WHERE organisation_id = $1 AND 'ORG_ADMIN' = ANY (roles)"
    await take.stage.world.owner.execute(sql, host)
    return await take.stage.world.operate(act, organisation_id=host, **given)


async def named_legal(take: Take) -> Any:
    host = take.copy.key(take.stage.scene.host.id)
    sql = "SELECT email FROM accord.memberships WHERE id = $1"
    email = await take.stage.world.owner.fetchval(sql, membership(take, "otto"))
    return await take.stage.world.operate(first_admin.name_legal_representative, organisation_id=host, email=email)


async def scim_row(take: Take, table: str, **values: Any) -> UUID:
    """What a directory has left in the host."""
    host = take.copy.key(take.stage.scene.host.id)
    columns = ", ".join(["organisation_id", *values])
    places = ", ".join(f"${place}" for place in range(1, len(values) + 2))
    sql = f"INSERT INTO accord.{table} ({columns}) VALUES ({places}) RETURNING id"
    made: UUID = await take.stage.world.owner.fetchval(sql, host, *values.values())
    return made


async def revoke_scim_credential(take: Take) -> Any:
    ends, token = take.stage.world.clock.now + timedelta(days=1), f"credential {take.copy.number}"
    values = {"label": "Okta", "token_hash": token, "created_by": take.key("ada"), "expires_at": ends}
    key = await scim_row(take, "scim_credentials", **values)
    return await take.act("ada", scim_credential.revoke_scim_credential, scim_credential_id=key)


async def set_scim_group_roles(take: Take) -> Any:
    key = await scim_row(take, "scim_groups", display_name="Sales")
    sql = "INSERT INTO accord.scim_group_members (group_id, membership_id, organisation_id) VALUES ($1, $2, $3)"
    host = take.copy.key(take.stage.scene.host.id)
    await take.stage.world.owner.execute(sql, key, membership(take, "otto"), host)
    given = {"scim_group_id": key, "roles": [Role.PHONE_MANAGER]}
    return await take.act("ada", scim_group.set_scim_group_roles, **given)


async def create_scim_credential(take: Take) -> Any:
    return await take.act("ada", scim_credential.create_scim_credential, label="Okta")


def item(take: Take, name: str) -> ShareItem:
    return ShareItem(take.key(name), AccountRole.COLLABORATOR)


def new_client(world: World) -> dict[str, Any]:
    end = world.clock.now + timedelta(days=30)
    return {"name": "Sync", "scopes": ["user:read"], "expires_at": end}


ACTS: Final[dict[str, tuple[Call, Events]]] = {
    "create_scim_credential": (create_scim_credential, {"host": ["scim_credential.created"]}),
    "revoke_scim_credential": (revoke_scim_credential, {"host": ["scim_credential.revoked"]}),
    "set_scim_group_roles": (set_scim_group_roles, {"host": ["scim_group.roles_set", "member.updated"]}),
    "request_partnership": (
        lambda t: t.act(
            "otto",
            proposal.request_partnership,
            guest_handle=f"{t.stage.scene['nils'].organisation.handle}-{t.copy.number}",
            contact_email="office@partner.example",
            reason="They keep our books.",
        ),
        {"host": ["partnership.requested"]},
    ),
    "invite_partner": (
        lambda t: t.act(
            "ada",
            invite_partner,
            guest_handle=f"{t.stage.scene['nils'].organisation.handle}-{t.copy.number}",
            contact_email="office@partner.example",
            access_mode=AccessMode.LIMITED,
            items=[InvitedItem(t.key("third"))],
        ),
        both("partnership.invited"),
    ),
    "request_customer": (
        lambda t: t.act(
            "nils",
            request_customer,
            host_handle=f"{t.stage.scene.host.handle}-{t.copy.number}",
            terms_version_id=t.stage.keys["terms"],
            consent=True,
        ),
        both("partnership.requested", "terms.accepted"),
    ),
    "remind_partnership": (
        lambda t: t.on("mia", proposal.remind_partnership, "asked"),
        {"host": ["partnership.reminded"]},
    ),
    "approve_partnership": (
        lambda t: t.on("ada", partnership.approve_partnership, "asked"),
        both("partnership.approved"),
    ),
    "decline_partnership": (
        lambda t: t.on("ada", partnership.decline_partnership, "asked"),
        {"host": ["partnership.declined"]},
    ),
    "accept_partnership": (
        lambda t: t.on(
            "astrid",
            partnership.accept_partnership,
            "approved",
            terms_version_id=t.stage.keys["terms"],
            consent=True,
        ),
        both("partnership.accepted", "terms.accepted"),
    ),
    "refuse_partnership": (
        lambda t: t.on("astrid", partnership.refuse_partnership, "approved"),
        both("partnership.refused"),
    ),
    "resend_partnership": (
        lambda t: t.on("mia", proposal.resend_partnership, "refused"),
        both("partnership.resent"),
    ),
    "withdraw_partnership": (
        lambda t: t.on("mia", partnership.withdraw_partnership, "approved"),
        both("partnership.withdrawn"),
    ),
    "remove_partner": (
        lambda t: t.on("mia", partnership.remove_partner),
        both("partnership.terminated", "share.removed", "share.removed", "delegation.cleared", *SESSIONS),
    ),
    "transfer_partnership": (
        lambda t: t.on("mia", ownership.transfer_partnership, owner_user_id=t.key("otto")),
        both("partnership.ownership_transferred"),
    ),
    "set_co_owners": (
        lambda t: t.on("mia", ownership.set_co_owners, user_ids=[t.key("otto")]),
        {"host": ["partnership.co_owners_changed"]},
    ),
    "set_representative": (
        lambda t: t.on("gustav", ownership.set_representative, user_id=t.key("carla")),
        both("partnership.representative_changed"),
    ),
    "amend_partnership": (
        lambda t: t.on("mia", amendment.amend_partnership, expires_at=t.stage.world.clock.now + timedelta(days=30)),
        both("amendment.withdrawn", "amendment.applied"),
    ),
    "decide_amendment": (
        lambda t: t.act(
            "greta",
            amendment.decide_amendment,
            amendment_id=t.key("offer"),
            accept=True,
            expected_version=1,
            terms_version_id=t.stage.keys["terms"],
            consent=True,
        ),
        both("amendment.applied", "terms.accepted"),
    ),
    "withdraw_amendment": (
        lambda t: t.act("ada", amendment.withdraw_amendment, amendment_id=t.key("offer")),
        both("amendment.withdrawn"),
    ),
    "add_external_contact": (
        lambda t: t.act(
            "ada", contact.add_external_contact, email="new@people.example", roles=[DelegatedRole.PHONE_MANAGER]
        ),
        {"host": ["contact.invited"]},
    ),
    "accept_contact": (accept_contact, {"host": ["contact.accepted"]}),
    "remove_external_contact": (
        lambda t: t.act("ada", contact.remove_external_contact, contact_id=t.key("converted")),
        both("contact.removed"),
    ),
    "assign_customers": (
        lambda t: t.act(
            "greta",
            assign_customers,
            user_id=t.key("carla"),
            customer_ids=[t.copy.key(t.stage.scene.host.id)],
        ),
        both("assignment.changed", "session.revoked"),
    ),
    "share_accounts": (
        lambda t: t.on("mia", sharing.share_accounts, items=[item(t, "fourth"), item(t, "fifth")]),
        both("share.added", "share.added"),
    ),
    "unshare_account": (
        lambda t: t.act("mia", sharing.unshare_account, share_id=t.key("share")),
        both("share.removed"),
    ),
    "suspend_share": (
        lambda t: t.act("mia", sharing.suspend_share, share_id=t.key("share")),
        both("share.suspended"),
    ),
    "resume_share": (
        lambda t: t.act("mia", sharing.resume_share, share_id=t.key("suspended")),
        both("share.resumed"),
    ),
    "change_member_role": (
        lambda t: t.act("mia", grant.change_member_role, grant_id=t.key("grant"), role=AccountRole.ACCOUNT_MANAGER),
        both("grant.role_changed"),
    ),
    "remove_member_from_share": (
        lambda t: t.act("mia", grant.remove_member_from_share, share_id=t.key("share"), user_id=t.key("carla")),
        both("grant.revoked"),
    ),
    "remove_member_from_partnership": (
        lambda t: t.act(
            "mia",
            grant.remove_member_from_partnership,
            partnership_id=t.key("partnership"),
            user_id=t.key("greta"),
        ),
        both("grant.revoked", "grant.revoked"),
    ),
    "leave_share": (
        lambda t: t.act("carla", grant.leave_share, share_id=t.key("share")),
        both("grant.revoked"),
    ),
    "request_access": (
        lambda t: t.act(
            "greta",
            request_access,
            share_id=t.key("share"),
            member_user_ids=[t.key("gustav")],
            role=AccountRole.COLLABORATOR,
        ),
        both("access_request.filed"),
    ),
    "decide_access_requests": (
        lambda t: t.act("mia", decide_access_requests, items=[AccessDecision(t.key("item"), 1, True)]),
        both("access_request.accepted"),
    ),
    "withdraw_access_request": (
        lambda t: t.act("greta", withdraw_access_request, item_id=t.key("item")),
        both("access_request.withdrawn"),
    ),
    "sign_in_to_account": (
        lambda t: t.act("carla", sign_in_to_account, account_id=t.key("account"), signer=Signer()),
        both("signin.account"),
    ),
    "create_account": (
        lambda t: t.act(
            "otto",
            account.create_account,
            app="Ledger",
            label="Books",
            launch_url="https://ledger.example/",
        ),
        {"host": ["account.created"]},
    ),
    "update_account": (
        lambda t: t.act("mia", account.update_account, account_id=t.key("account"), label="Desk"),
        {"host": ["account.updated"]},
    ),
    "archive_account": (
        lambda t: t.act("mia", account.archive_account, account_id=t.key("account")),
        {"host": ["account.archived", "share.removed"], "guest": ["share.removed"]},
    ),
    "set_account_owners": (
        lambda t: t.act("mia", account.set_account_owners, account_id=t.key("account"), user_ids=[t.key("otto")]),
        {"host": ["account.owners_changed"]},
    ),
    "invite_member": (
        lambda t: t.act("ada", joining.invite_member, email="new@people.example", display_name="New"),
        {"host": ["member.invited"]},
    ),
    "accept_membership": (accept_membership, {"guest": ["member.joined"]}),
    "update_member": (
        lambda t: t.act("ada", member.update_member, membership_id=membership(t, "otto"), roles=[Role.PHONE_MANAGER]),
        {"host": ["member.updated"]},
    ),
    "deactivate_member": (
        lambda t: t.act("gustav", member.deactivate_member, membership_id=membership(t, "carla")),
        both("member.deactivated", "session.revoked"),
    ),
    "reactivate_member": (reactivate, {"guest": ["member.reactivated"]}),
    "remove_member": (
        lambda t: t.act("gustav", member.remove_member, membership_id=membership(t, "carla")),
        both("member.removed", "session.revoked"),
    ),
    "update_profile": (
        lambda t: t.run("mia", profile.update_profile, display_name="Mia H."),
        {"host": ["member.updated"]},
    ),
    "mark_notifications_read": (mark_read, {}),
    "update_settings": (
        lambda t: t.act("ada", setting.update_settings, locale="de"),
        {"host": ["settings.changed"]},
    ),
    "set_feature": (
        lambda t: t.act("ada", setting.set_feature, key="call_forwarding", enabled=True),
        {"host": ["feature.changed"]},
    ),
    "pay_invoice": (
        lambda t: t.act("ada", billing.pay_invoice, invoice_id=t.key("bill")),
        {"host": ["invoice.paid"]},
    ),
    "top_up_wallet": (
        lambda t: t.act("ada", billing.top_up_wallet, amount=Money(5, "EUR")),
        {"host": ["wallet.topped_up"]},
    ),
    "issue_invoice": (
        lambda t: t.run(
            "staff",
            billing.issue_invoice,
            customer_id=t.copy.key(t.stage.scene.host.id),
            number="2026-2",
            amount=Money(5, "EUR"),
            due_on=date(2099, 1, 1),
        ),
        {"host": ["invoice.issued"], "platform": ["invoice.issued"]},
    ),
    "void_invoice": (
        lambda t: t.run("staff", billing.void_invoice, invoice_id=t.key("bill")),
        {"host": ["invoice.voided"], "platform": ["invoice.voided"]},
    ),
    "create_api_client": (
        lambda t: t.act("ada", api_client.create_api_client, **new_client(t.stage.world)),
        {"host": ["api_client.created"]},
    ),
    "revoke_api_client": (
        lambda t: t.act("arne", api_client.revoke_api_client, api_client_id=t.key("client")),
        {"host": ["api_client.revoked"]},
    ),
    "confirm_invitation_claim": (
        lambda t: claimed(t, confirmation.confirm_invitation_claim),
        {"guest": ["invitation.confirmed"]},
    ),
    "refuse_invitation_claim": (
        lambda t: claimed(t, confirmation.refuse_invitation_claim),
        {"guest": ["invitation.refused"]},
    ),
    "invite_first_admin": (
        lambda t: without_admins(t, first_admin.invite_first_admin, email="f@people.example", display_name="F"),
        {"host": ["member.invited"], "platform": ["member.invited"]},
    ),
    "name_legal_representative": (
        named_legal,
        {"host": ["member.updated"], "platform": ["member.updated"]},
    ),
    "create_organisation": (
        lambda t: t.run(
            "staff",
            operator.create_organisation,
            name="New",
            country_code="NO",
            admin_email="first@new.example",
            admin_display_name="First",
        ),
        {NEW: ["organisation.created"], "platform": ["organisation.created"]},
    ),
    "set_partners_enabled": (
        lambda t: t.run(
            "staff",
            operator.set_partners_enabled,
            organisation_id=t.copy.key(t.stage.scene.host.id),
            enabled=False,
        ),
        {"host": ["organisation.partner_changed"], "platform": ["organisation.partner_changed"]},
    ),
    "set_mail_budget": (
        lambda t: t.run(
            "staff",
            operator.set_mail_budget,
            organisation_id=t.copy.key(t.stage.scene.host.id),
            budget=MailBudget.MEMBERS,
            per_day=2_000,
        ),
        {"host": ["organisation.mail_budget_set"], "platform": ["organisation.mail_budget_set"]},
    ),
    "publish_terms": (
        lambda t: t.run("staff", operator.publish_terms, version="2", text="Be kinder.", code="another"),
        {"platform": ["terms.published"]},
    ),
    "erase_person": (erase, {"guest": ["person.erased"], "platform": ["person.erased"]}),
    **STANDING,
}
BESIDE: Final[dict[str, tuple[Call, Events]]] = {
    "a request by an admin": (
        lambda t: t.act(
            "ada",
            proposal.request_partnership,
            guest_handle=f"{t.stage.scene['nils'].organisation.handle}-{t.copy.number}",
            contact_email="office@partner.example",
        ),
        both("partnership.requested"),
    ),
    "an owner signs in": (
        lambda t: t.act("mia", sign_in_to_account, account_id=t.key("account"), signer=Signer()),
        {"host": ["signin.account"]},
    ),
    "an owner leaves": (
        lambda t: t.act("ada", member.remove_member, membership_id=membership(t, "mia")),
        {
            "host": [
                "member.removed",
                "partnership.withdrawn",
                *["partnership.ownership_transferred"] * 3,
            ],
            "guest": ["partnership.ownership_transferred"] * 3,
        },
    ),
    "an owner of API clients leaves": (
        lambda t: t.act("ada", member.deactivate_member, membership_id=membership(t, "arne")),
        {"host": ["member.deactivated", "api_client.revoked"]},
    ),
    "a contact who has not converted is removed": (
        lambda t: t.act("ada", contact.remove_external_contact, contact_id=t.key("named")),
        {"host": ["contact.removed"]},
    ),
    "a link that somebody else uses": (claim_membership, {"guest": ["invitation.claimed"]}),
    "an export": (
        lambda t: t.act("ada", record_export, filters={}),
        {"host": ["export.created"]},
    ),
    "the first use of a token": (lambda t: t.run("mia", note_sign_in), {"host": ["signin.platform"]}),
    **STANDING_BESIDE,
}
WITHOUT_RIGHT: Final = {
    # acts that everybody may do, on oneself
    "update_profile": (),
    "mark_notifications_read": (),
    "accept_membership": (),
    "accept_contact": (),
    # acts in one's own organisation: others do the same at home
    "create_account": ("aud",),
    "request_partnership": ("aud",),
    "invite_member": ("mia", "eva"),
    "add_external_contact": ("mia", "eva"),
    "create_api_client": ("mia", "eva"),
    "create_scim_credential": ("mia", "eva"),
    # the rows that these are about are made on the way: the five cases of each refuse them
    "revoke_scim_credential": (),
    "set_scim_group_roles": (),
    "publish_terms": ("ada", "zoe"),
    # the claim is made on the way, and the five cases refuse the others
    "confirm_invitation_claim": (),
    "refuse_invitation_claim": (),
    "invite_first_admin": (),
    "name_legal_representative": (),
    "erase_person": ("ada", "zoe"),
    "create_organisation": ("ada", "zoe"),
    "set_mail_budget": ("ada", "zoe"),
    "set_partners_enabled": ("ada", "zoe"),
    **STANDING_WITHOUT_RIGHT,
    "issue_invoice": ("ada", "zoe"),
    "void_invoice": ("ada", "zoe"),
    "update_settings": ("mia", "eva"),
    "set_feature": ("mia", "eva"),
    "top_up_wallet": ("mia", "eva"),
}
"""Who tries each act without the right to; anybody else's is tried by an auditor of either side and by a stranger."""


@pytest.fixture(scope="module")
async def stage(module_database_urls: DatabaseURLs) -> AsyncIterator[Stage]:
    async with open_world(module_database_urls) as world:
        scene = await set_scene(world)
        yield Stage(*await prepare(world, scene))


async def prepare(world: World, scene: Scene) -> tuple[Original, World, Scene, dict[str, UUID]]:
    share = await scene.share()
    accounts = {name: await world.account(scene["mia"]) for name in ("third", "fourth", "fifth")}
    keys = {
        "terms": await world.terms(),
        "partnership": scene.partnership,
        "account": scene.account,
        **accounts,
        "share": share,
        "suspended": await scene.share(account=accounts["third"]),
        "grant": await scene.let_in(share, "carla"),
    }
    wider = {"partnership_id": scene.partnership, "purposes": [Purpose.MANAGEMENT, Purpose.SUPPORT]}
    keys["offer"] = (await scene.act("ada", amendment.amend_partnership, **wider)).id
    (keys["item"],) = await scene.ask("greta", share, "dan")
    await scene.act("mia", sharing.suspend_share, share_id=keys["suspended"])
    partners = {"asked": ("sven", S.AWAITING_HOST_APPROVAL), "approved": ("astrid", S.AWAITING_GUEST_ACCEPTANCE)}
    partners |= {"refused": ("rolf", S.DECLINED_BY_GUEST)}
    for name, (admin, state) in partners.items():
        scene.people[admin] = await world.person(await world.organisation(), Role.ORG_ADMIN)
        keys[name] = await world.partnership(scene["mia"], scene["ada"], scene[admin], state)
    scene.people["nils"] = await world.person(await world.organisation(), Role.ORG_ADMIN)
    active = {"program": PartnerProgram.MSP, "status": PartnerStatus.ACTIVE}
    await world.operate(set_partner_status, organisation_id=scene["nils"].organisation.id, **active)
    scene.people["dora"] = await world.person(scene.guest)
    await scene.act("gustav", member.deactivate_member, membership_id=scene["dora"].membership_id)
    scene.people["gil"] = await world.person(scene.guest)
    await scene.act("gustav", member.remove_member, membership_id=scene["gil"].membership_id)
    named: dict[str, Any] = {"roles": [DelegatedRole.PHONE_MANAGER]}
    keys["named"] = await scene.act("ada", contact.add_external_contact, email="n@people.example", **named)
    keys["converted"] = await make_contact(scene, "dan")
    keys["invited"] = await scene.act("gustav", joining.invite_member, email="x@people.example", display_name="X")
    await prepare_standing(scene, keys)
    made = await scene.act("arne", api_client.create_api_client, **new_client(world))
    keys["client"] = made.id
    due = world.clock.now.date()
    given = {"customer_id": scene.host.id, "number": "2026-1", "amount": Money(5, "EUR"), "due_on": due}
    keys["bill"] = await world.operate(billing.issue_invoice, **given)
    await scene.act("ada", billing.top_up_wallet, amount=Money(50, "EUR"))
    world.clock.advance(days=2)
    await open_sessions(scene, keys)
    homes = {person.organisation.id: person.organisation for person in scene.people.values()}
    return await Original.read(world, *homes.values()), world, scene, keys


async def take_of(stage: Stage, actor: str | None = None) -> Take:
    (copy,) = await stage.original.copy(1, next(NUMBERS))
    return Take(stage, copy, actor)


async def newest(stage: Stage) -> dict[UUID, int]:
    rows = await stage.world.owner.fetch("SELECT stream_id, sequence FROM accord.chain_heads")
    return {row["stream_id"]: row["sequence"] for row in rows}


async def assert_leaves(stage: Stage, call: Call, expected: Events) -> None:
    """Run an act on a copy of its own; what every stream of the database has more than before is what is expected."""
    take = await take_of(stage)
    before = await newest(stage)
    answer = await call(take)
    assert not (isinstance(answer, list) and any(isinstance(one, DomainError) for one in answer)), answer
    host = take.copy.key(stage.scene.host.id)
    left: Counter[tuple[str, str]] = Counter()
    rows = await stage.world.owner.fetch("SELECT stream_id, sequence, type FROM accord.activity_events")
    for row in rows:
        stream = row["stream_id"]
        if row["sequence"] > before.get(stream, 0):
            side = {host: "host", PLATFORM: "platform"}.get(stream, "guest" if stream in before else NEW)
            left[side, row["type"]] += 1
    assert left == Counter((side, kind) for side, kinds in expected.items() for kind in kinds)


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def test_every_mutation_is_here() -> None:
    mutation = schema._schema.type_map["Mutation"]
    assert isinstance(mutation, GraphQLObjectType)
    assert {snake(name) for name in mutation.fields} == ACTS.keys()


@pytest.mark.parametrize("name", ACTS)
async def test_an_act_leaves_its_events_and_nothing_else(stage: Stage, name: str) -> None:
    await assert_leaves(stage, *ACTS[name])


@pytest.mark.parametrize("name", BESIDE)
async def test_another_form_of_an_act_leaves_its_events(stage: Stage, name: str) -> None:
    await assert_leaves(stage, *BESIDE[name])


@pytest.mark.parametrize("name", [name for name in ACTS if WITHOUT_RIGHT.get(name, ("x",))])
async def test_a_refused_act_leaves_nothing(stage: Stage, name: str) -> None:
    call, _ = ACTS[name]
    for actor in WITHOUT_RIGHT.get(name, ("aud", "eva", "zoe")):
        take = await take_of(stage, actor)
        async with stage.scene.unchanged():
            await refused(call(take), f"{name} by {actor}")


async def refused(call: Awaitable[Any], what: str) -> None:
    try:
        answer = await call
    except DomainError:
        return
    assert isinstance(answer, list), what
    assert all(isinstance(one, DomainError) for one in answer), what


async def test_the_chains_of_all_this_hold(stage: Stage) -> None:
    verdict = await stage.world.verify()
    assert verdict.events > len(ACTS)
    assert not verdict.faults


@pytest.mark.parametrize("times", [0, 2])
async def test_an_act_that_tells_too_little_or_too_much_is_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    record = sharing.record  # type: ignore[attr-defined]

    async def wrong(tx: Any, *events: Any) -> Any:
        return await record(tx, *events * times)

    monkeypatch.setattr(sharing, "record", wrong)
    with pytest.raises(AssertionError):
        await assert_leaves(stage, *ACTS["suspend_share"])


async def test_a_refusal_that_leaves_something_is_found(stage: Stage) -> None:
    take = await take_of(stage)

    async def change_and_refuse() -> None:
        await ACTS["suspend_share"][0](take)
        raise DomainError("no")

    async def unchanged() -> None:
        async with stage.scene.unchanged():
            await refused(change_and_refuse(), "a refusal")

    with pytest.raises(AssertionError):
        await unchanged()
