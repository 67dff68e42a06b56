"""The protected actions of model 4.9, each tried for real by every kind of person acting: refused, and nothing changes.

The world is one: what is refused leaves it as it was.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

import pytest

from accord.access import decision
from accord.access.permissions import PERMISSIONS, Action, Capacity
from accord.database.engine import Transaction
from accord.domain.billing import Money
from accord.domain.delegation import DelegatedRole
from accord.domain.errors import DomainError, Forbidden, NotFound, OrganisationContextMismatch
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import OrganisationStatus, Role
from accord.domain.partnership import AccessMode
from accord.domain.sharing import AccountRole
from accord.http.exports import require_export
from accord.services import policy
from accord.services.activity import record_export
from accord.services.api_client import create_api_client, revoke_api_client
from accord.services.billing import top_up_wallet
from accord.services.grants import account, contact, grant, role_group, sharing
from accord.services.grants.access_request import (
    AccessDecision,
    decide_access_requests,
    request_access,
    withdraw_access_request,
)
from accord.services.grants.acting import switch_organisation
from accord.services.grants.assignment import assign_customers
from accord.services.grants.delegation import clear_roles, delegate_roles, set_delegated_roles
from accord.services.partnerships import amendment, hold, ownership, partnership, proposal, status, term
from accord.services.partnerships.ceiling import set_ceiling
from accord.services.partnerships.customer import request_customer
from accord.services.partnerships.invite import invite_partner
from accord.services.partnerships.level import set_data_access, share_data_with_partner
from accord.services.people import joining, member, scim_credential, scim_group
from accord.services.people.profile import update_profile
from accord.services.setting import update_settings
from tests.servers import DatabaseURLs
from tests.services.offices import KINDS, Office, open_office
from tests.world import open_world

LEADING: Final = ("ada", "arne", "lena", "dirk", "aud", "mia")
"""Admins, legal representative, Decision Maker, auditor, Partnership Owner."""

D, P = DelegatedRole.DECISION_MAKER, DelegatedRole.PHONE_MANAGER
Attempts: TypeAlias = list[tuple[Any, dict[str, Any]]]


def on(office: Office, name: str, *services: Any, **given: Any) -> Attempts:
    return [(service, {"partnership_id": office[name], "expected_version": 1} | given) for service in services]


def deciding(office: Office) -> Attempts:
    answered = (partnership.approve_partnership, partnership.decline_partnership, partnership.withdraw_partnership)
    return on(office, "asked", *answered, proposal.resend_partnership, proposal.remind_partnership)


def asking(office: Office) -> Attempts:
    nils = office.scene["nils"].organisation.handle
    asked = {"guest_handle": nils, "contact_email": "office@partner.example"}
    terms = {"terms_version_id": office.scene.world.terms_version_id, "consent": True}
    return [
        (proposal.request_partnership, asked | {"reason": "They are good."}),
        (invite_partner, asked | {"access_mode": AccessMode.COMPLETE, "wallet_entrusted": True}),
        (request_customer, {"host_handle": nils} | terms),
        (update_settings, {"with_request_code": True}),
    ]


def lasting(office: Office) -> Attempts:
    key, later = office.scene.partnership, office.scene.world.clock.now + timedelta(days=300)
    return [
        (term.extend_partnership, {"partnership_id": key, "until": later}),
        (term.set_auto_extend, {"partnership_id": key, "by": timedelta(days=90)}),
        (amendment.amend_partnership, {"partnership_id": key, "expires_at": later}),
        (amendment.amend_partnership, {"partnership_id": key, "access_mode": AccessMode.COMPLETE}),
        (amendment.withdraw_amendment, {"amendment_id": office["offer"]}),
        (amendment.decide_amendment, {"amendment_id": office["offer"], "accept": True, "expected_version": 1}),
        (hold.suspend_partnership, {"partnership_id": office["tove's"], "reason": "A rival."}),
        (hold.suspend_partnership, {"partnership_id": key, "reason": "A trick."}),
        (hold.resume_partnership, {"partnership_id": key}),
        (partnership.remove_partner, {"partnership_id": office["tove's"]}),
        (partnership.remove_partner, {"partnership_id": key}),
        (ownership.transfer_partnership, {"partnership_id": key, "owner_user_id": office["otto"]}),
        (ownership.set_co_owners, {"partnership_id": key, "user_ids": [office["otto"]]}),
    ]


def shares(office: Office) -> Attempts:
    items = [sharing.ShareItem(office["other"], AccountRole.ACCOUNT_MANAGER)]
    return [
        (sharing.share_accounts, {"partnership_id": office.scene.partnership, "items": items}),
        (sharing.unshare_account, {"share_id": office["share"]}),
        (sharing.suspend_share, {"share_id": office["share"]}),
        (sharing.resume_share, {"share_id": office["held"]}),
    ]


def grants(office: Office) -> Attempts:
    share, key, carla = office["share"], office.scene.partnership, office["carla"]
    return [
        (grant.change_member_role, {"grant_id": office["grant"], "role": AccountRole.ACCOUNT_MANAGER}),
        (grant.remove_member_from_share, {"share_id": share, "user_id": carla}),
        (grant.remove_member_from_partnership, {"partnership_id": key, "user_id": carla}),
        (grant.leave_share, {"share_id": share}),
    ]


def levels(office: Office) -> Attempts:
    key = office.scene.partnership
    raising = [(set_data_access, {"partnership_id": key, "level": level, "confirm": True}) for level in DataAccessLevel]
    return [
        *raising,
        (share_data_with_partner, {"partnership_id": key, "share": True, "confirm": True}),
        (share_data_with_partner, {"partnership_id": key, "share": False}),
        (set_ceiling, {"partner_id": office.scene.guest.id, "ceiling": None}),
    ]


def delegations(office: Office) -> Attempts:
    mails = {"notify_addresses": "desk@people.example"}
    again = {"partnership_id": office.scene.partnership}
    third = {"partnership_id": office["tove's"]}
    return [
        (set_delegated_roles, again | {"roles": [D]} | mails),
        (clear_roles, again | {"roles": [P]} | mails),
        (delegate_roles, third | {"roles": [D]} | mails),
    ]


def contacts(office: Office) -> Attempts:
    email = office.scene["paula"].email
    return [
        (contact.add_external_contact, {"email": email, "roles": [D]}),
        (contact.remove_external_contact, {"contact_id": office["contact"]}),
    ]


def access_requests(office: Office) -> Attempts:
    asked = {"member_user_ids": [office["gustav"]], "role": AccountRole.COLLABORATOR}
    return [
        (request_access, {"share_id": office["share"]} | asked),
        (decide_access_requests, {"items": [AccessDecision(office["item"], 1, True)]}),
        (withdraw_access_request, {"item_id": office["item"]}),
    ]


def as_a_guest(office: Office) -> Attempts:
    terms = {"terms_version_id": office.scene.world.terms_version_id, "consent": True}
    group, otto = {"role_group_id": office["their group"]}, office["otto"]
    own_group, own = {"role_group_id": office[f"{D} group"]}, [office["greta"], office["pat"]]
    share = {"share_id": office["their share"]}
    return [
        *on(office, "invited", partnership.accept_partnership, **terms),
        *on(office, "invited", partnership.refuse_partnership),
        (ownership.set_representative, {"partnership_id": office["above"], "user_id": otto}),
        (role_group.add_role_group_members, group | {"user_ids": [otto]}),
        (role_group.remove_role_group_members, group | {"user_ids": [otto]}),
        (role_group.add_role_group_members, own_group | {"user_ids": own}),
        (assign_customers, {"user_id": otto, "customer_ids": [office.scene["zoe"].organisation.id]}),
        (member.update_member, {"membership_id": office.membership("otto"), "delegated_admin": True}),
        (partnership.remove_partner, {"partnership_id": office["above"]}),
        (hold.suspend_partnership, {"partnership_id": office["above"], "reason": "A trick."}),
        (request_access, share | {"member_user_ids": [otto], "role": AccountRole.COLLABORATOR}),
        (grant.leave_share, share),
    ]


def policies(office: Office) -> Attempts:
    return [
        (policy.set_policy, {"require_mfa": False}),
        (policy.set_policy, {"explicit_assignment": False}),
        (policy.set_policy, {"admin_may_invite": True}),
        (policy.freeze_partner_access, {}),
        (policy.unfreeze_partner_access, {}),
    ]


def directories(office: Office) -> Attempts:
    return [
        (scim_credential.create_scim_credential, {"label": "Theirs"}),
        (scim_credential.revoke_scim_credential, {"scim_credential_id": office["share"]}),
        (scim_group.set_scim_group_roles, {"scim_group_id": office["share"], "roles": [Role.ORG_ADMIN]}),
    ]


def api_clients(office: Office) -> Attempts:
    end = office.scene.world.clock.now + timedelta(days=30)
    return [
        (create_api_client, {"name": "Sync", "scopes": ["user:read"], "expires_at": end}),
        (revoke_api_client, {"api_client_id": office["client"]}),
    ]


def accounts(office: Office) -> Attempts:
    key = {"account_id": office.scene.account}
    return [
        (account.create_account, {"app": "X", "label": "X", "launch_url": "https://x.example/"}),
        (account.update_account, key | {"launch_url": "https://x.example/"}),
        (account.update_account, key | {"label": "X"}),
        (account.set_account_owners, key | {"user_ids": [office["otto"]]}),
        (account.archive_account, key),
    ]


def roles(office: Office) -> Attempts:
    plain = {"membership_id": office.membership("otto")}
    given = [(member.update_member, plain | {"roles": [role]}) for role in Role if role is not Role.MEMBER]
    invited = {"email": "new@elsewhere.example", "display_name": "X"}
    raised = [(joining.invite_member, invited | {"roles": [role]}) for role in Role if role is not Role.MEMBER]
    taken = [
        (member.update_member, {"membership_id": office.membership(name), "roles": [Role.MEMBER]}) for name in LEADING
    ]
    return [*given, *raised, *taken]


def people_who_lead(office: Office) -> Attempts:
    found: Attempts = []
    for name in LEADING:
        key = {"membership_id": office.membership(name)}
        found += [(member.update_member, key | {"display_name": "X Y"})]
        found += [(service, key) for service in (member.deactivate_member, member.remove_member)]
    return found


def the_wallet(office: Office) -> Attempts:
    given = {"access_mode": AccessMode.COMPLETE, "wallet_entrusted": True}
    return [
        (amendment.amend_partnership, {"partnership_id": office.scene.partnership} | given),
        (top_up_wallet, {"amount": Money(500, "NOK")}),
    ]


async def export(tx: Transaction, *, organisation_id: UUID) -> str:
    """As the route of the exports does it."""
    await require_export(tx, organisation_id)
    return await record_export(tx, organisation_id=organisation_id, filters={})


def activity(office: Office) -> Attempts:
    return [(export, {})]


ENTRIES: Final[dict[str, Callable[[Office], Attempts]]] = {
    "partnerships that wait": deciding,
    "new partnerships": asking,
    "partnerships that run, and how long": lasting,
    "shares": shares,
    "grants": grants,
    "levels": levels,
    "delegations, also to a third organisation": delegations,
    "contacts": contacts,
    "access requests": access_requests,
    "what the host does as somebody's guest": as_a_guest,
    "policy and freezing": policies,
    "directories and the roles of their groups": directories,
    "API clients": api_clients,
    "accounts, their owners and launch URL": accounts,
    "giving and taking roles": roles,
    "people who lead": people_who_lead,
    "the wallet": the_wallet,
    "exporting activity": activity,
}


@pytest.fixture(scope="module")
async def office(module_database_urls: DatabaseURLs) -> AsyncIterator[Office]:
    async with open_world(module_database_urls, statement_timeout=60.0) as world:
        yield await open_office(world)


async def attempt(office: Office, kind: str, service: Any, given: dict[str, Any]) -> DomainError | None:
    """What somebody acting is told, in the host's name; None where it is done."""
    try:
        answer = await office.act(kind, service, **given)
    except (Forbidden, NotFound) as refusal:
        return refusal
    items = getattr(answer, "results", answer)
    if isinstance(items, list) and items and all(isinstance(one, (Forbidden, NotFound)) for one in items):
        return items[0]  # type: ignore[no-any-return]
    return None


@pytest.mark.parametrize("entry", ENTRIES)
async def test_a_protected_action_is_refused_to_every_kind_of_acting(office: Office, entry: str) -> None:
    done = []
    for kind in KINDS:
        async with office.whole(kind), office.scene.unchanged():
            for service, given in ENTRIES[entry](office):
                if await attempt(office, kind, service, given) is None:
                    done.append(f"{service.__name__} {sorted(given)} by {kind}")
    assert done == []


@pytest.mark.parametrize("kind", KINDS)
async def test_in_the_own_name_nothing_is_done_from_a_session(office: Office, kind: str) -> None:
    """S17: a session acts for its host alone, also where its user is an admin at home."""
    name, session = office.sessions[kind]
    async with office.scene.unchanged():
        for attempts in ENTRIES.values():
            for service, given in attempts(office):
                with pytest.raises(OrganisationContextMismatch):
                    await office.scene.act(name, service, session=session, **given)


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_invites_people_of_the_own_organisation(office: Office, kind: str) -> None:
    name, _ = office.sessions[kind]
    home = office.scene[name].organisation.id
    colleagues = [p for p in office.scene.people.values() if p.organisation.id == home]
    async with office.whole(kind), office.scene.unchanged():
        for person in colleagues:
            for email in (person.email, person.email.upper()):
                given = {"email": email, "display_name": "A Friend"}
                assert await attempt(office, kind, joining.invite_member, given) is not None


@pytest.mark.parametrize("kind", KINDS)
async def test_oneself_the_profile_and_the_platform_stay_closed(office: Office, kind: str) -> None:
    """Own e-mail and identity, and closing the organisation (4.9); a further session (4.8)."""
    closing = {"organisation_id": office.scene.host.id, "status": OrganisationStatus.CLOSED}
    tries: Attempts = [
        (update_profile, {"display_name": "X"}),
        (status.set_organisation_status, closing),
        (switch_organisation, {"host_id": office.scene["zoe"].organisation.id}),
        (switch_organisation, {"host_id": office.scene.host.id}),
    ]
    async with office.whole(kind), office.scene.unchanged():
        for service, given in tries:
            with pytest.raises(Forbidden):
                await office.act_as_oneself(kind, service, **given)


CONTROLS: Final[dict[str, tuple[Action, Any, Callable[[Office], dict[str, Any]]]]] = {
    "a level": (
        Action.LEVEL_REDUCE,
        set_data_access,
        lambda o: {"partnership_id": o.scene.partnership, "level": DataAccessLevel.SUPPORT},
    ),
    "policy": (Action.ACCESS_FREEZE, policy.freeze_partner_access, lambda o: {}),
}


@pytest.mark.parametrize("control", CONTROLS)
async def test_it_is_the_protection_that_refuses(office: Office, monkeypatch: pytest.MonkeyPatch, control: str) -> None:
    """With the table of permissions widened by one word the same act goes through."""
    action, service, given = CONTROLS[control]
    another = await open_office(office.scene.world)
    assert await attempt(another, "MANAGE", service, given(another)) is not None
    wider = {**PERMISSIONS, action: (*PERMISSIONS[action], frozenset({Capacity.ACTING_MANAGE}))}
    monkeypatch.setattr(decision, "PERMISSIONS", wider)
    before = await another.scene.state_of_things()
    assert await attempt(another, "MANAGE", service, given(another)) is None
    assert await another.scene.state_of_things() != before
