"""A suspended organisation reads, leaves and ends access: every mutation is here, and all but those are refused.

The table says it for people; directories and API clients are asked by the same decision.
"""

from __future__ import annotations

from typing import Final

import pytest

from accord.access.permissions import PERMISSIONS, STAYS_OPEN, Action
from accord.access.principal import Principal
from accord.domain.errors import DomainError
from tests.contract.stage import Stage, Take
from tests.contract.test_events import ACTS, refused, stage, take_of

__all__ = ["stage"]

OPEN: Final = frozenset(
    {
        *("decline_partnership", "refuse_partnership", "withdraw_partnership", "remove_partner"),
        *("suspend_partnership", "withdraw_amendment", "clear_roles", "remove_role_group_members"),
        *("remove_external_contact", "unshare_account", "suspend_share", "remove_member_from_share"),
        *("remove_member_from_partnership", "withdraw_access_request", "archive_account", "freeze_partner_access"),
        *("deactivate_member", "remove_member", "revoke_api_client", "revoke_scim_credential"),
        *("leave_organisation", "mark_notifications_read", "share_data_with_partner"),
    }
)
"""What people of a suspended organisation may do in its name, as the acts of `test_events` play it. Open as well are
declining an access request or an amendment, lowering a level and taking back an assignment: the acts there begin."""

PREPARED: Final = frozenset(
    {
        "accept_contact",
        "accept_membership",
        "confirm_invitation_claim",
        "refuse_invitation_claim",
        "set_scim_group_roles",
    }
)
"""Acts whose own rows are written on the way, which a comparison of everything would see."""

STAFF: Final = frozenset(
    {
        *("create_organisation", "set_partners_enabled", "set_mail_budget", "publish_terms", "link_partner"),
        *("end_partner_link", "set_organisation_status", "set_partner_status", "issue_invoice", "void_invoice"),
        *("set_ceiling", "invite_first_admin", "name_legal_representative", "erase_person"),
    }
)
"""The operator's acts: an organisation's own status says nothing about them; some ask for an active one themselves."""


async def suspend_everybody(take: Take) -> None:
    homes = {person.organisation.id for person in take.stage.scene.people.values()}
    suspended = "UPDATE accord.organisations SET status = 'SUSPENDED' WHERE id = ANY ($1)"
    await take.stage.world.owner.execute(suspended, [take.copy.key(home) for home in homes])


@pytest.mark.parametrize("name", sorted(ACTS.keys() - OPEN - STAFF))
async def test_whatever_else_is_refused(stage: Stage, name: str) -> None:
    take = await take_of(stage)
    await suspend_everybody(take)
    if name in PREPARED:
        await refused(ACTS[name][0](take), name)
        return
    async with stage.scene.unchanged():
        await refused(ACTS[name][0](take), name)


@pytest.mark.parametrize("name", sorted(OPEN))
async def test_the_ends_stay_open(stage: Stage, name: str) -> None:
    take = await take_of(stage)
    await suspend_everybody(take)
    answer = await ACTS[name][0](take)
    assert not (isinstance(answer, list) and any(isinstance(one, DomainError) for one in answer)), answer


async def test_without_the_question_the_rest_would_go_through(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control."""
    monkeypatch.setattr(Principal, "in_active_organisations", property(lambda self: self))
    take = await take_of(stage)
    await suspend_everybody(take)
    await ACTS["invite_member"][0](take)


def test_every_read_stays_open() -> None:
    reads = {action for action in Action if action.partition(":")[2].split("_")[0] in {"read", "list", "search"}}
    assert reads <= STAYS_OPEN <= PERMISSIONS.keys()
