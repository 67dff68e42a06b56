"""Nobody makes more of the rights of a partner's people than the host gave them (model 4.9, invariants 15 to 17).

Each way that leads there is tried for real: it is refused and nothing changes, or it is done and gives nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import pytest

from accord.database.engine import AccessRevoked
from accord.database.queries.read.export import stream_events
from accord.domain.acting import Basis
from accord.domain.delegation import DelegatedRole
from accord.domain.errors import Forbidden, InvalidState, LastLegalRepresentative, NotFound, ValidationError
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import OrganisationStatus, Role
from accord.domain.partner import LinkKind, PartnerProgram, PartnerStatus
from accord.domain.partnership import AccessMode, PartnershipState
from accord.domain.sharing import AccountRole
from accord.http.exports import bound_filters, cells
from accord.schema.context import Context, Support
from accord.schema.schema import schema
from accord.services.grants.acting import switch_organisation
from accord.services.grants.ticket import sign_in_to_account
from accord.services.partnerships.amendment import amend_partnership, decide_amendment
from accord.services.partnerships.ceiling import set_ceiling
from accord.services.partnerships.customer import request_customer
from accord.services.partnerships.hold import resume_partnership, suspend_partnership
from accord.services.partnerships.invite import invite_partner
from accord.services.partnerships.level import set_data_access
from accord.services.partnerships.link import end_partner_link, link_partner
from accord.services.partnerships.partnership import approve_partnership, remove_partner
from accord.services.partnerships.status import set_organisation_status, set_partner_status
from accord.services.partnerships.term import extend_partnership, set_auto_extend
from accord.services.people.joining import accept_membership, invite_member
from accord.services.people.member import deactivate_member, remove_member, update_member
from accord.services.policy import freeze_partner_access, set_policy, unfreeze_partner_access
from tests.services.contacts import contact, make_contact
from tests.services.scene import Scene, Signer
from tests.world import Person, identify

NONE, SUPPORT, MANAGE = DataAccessLevel.NONE, DataAccessLevel.SUPPORT, DataAccessLevel.MANAGE
S = PartnershipState


@pytest.fixture
async def scene(scene: Scene) -> Scene:
    """The guest is a partner in a programme; Greta acts for it in its customers."""
    await set_partner(scene, PartnerStatus.ACTIVE)
    await scene.act("gustav", update_member, membership_id=scene["greta"].membership_id, delegated_admin=True)
    return scene


async def set_partner(scene: Scene, status: PartnerStatus) -> None:
    given = {"organisation_id": scene.guest.id, "program": PartnerProgram.MSP, "status": status}
    await scene.world.operate(set_partner_status, **given)


async def grant(scene: Scene, level: DataAccessLevel) -> None:
    await scene.act("ada", set_data_access, partnership_id=scene.partnership, level=level, confirm=True)


async def switch(scene: Scene, name: str = "greta", **given: Any) -> Any:
    return await scene.world.act_as_oneself(scene[name], switch_organisation, host_id=scene.host.id, **given)


async def acted(scene: Scene, session: Any, service: Any, name: str = "greta", **given: Any) -> Any:
    return await scene.act(name, service, organisation_id=scene.host.id, session=session, **given)


async def usable(scene: Scene) -> DataAccessLevel:
    """On what level Greta can act now, by asking for it."""
    try:
        session = await switch(scene, basis=Basis.LEVEL)
    except (Forbidden, NotFound):
        return NONE
    snapshot = scene.world.database.snapshot(scene["greta"].identity, session)
    try:
        principal = await snapshot.principal()
    finally:
        await snapshot.close()
    assert principal.acting is not None
    return principal.acting.level or NONE


# --- 15: what people acting do makes nothing last longer or reach further


async def test_self_invitation_is_asked_again_when_it_is_accepted(scene: Scene) -> None:
    """An address that nobody knows brings no colleague in: not by the token either, nor by one without a home yet."""
    await grant(scene, MANAGE)
    session = await switch(scene)
    await acted(scene, session, invite_member, email="unknown@elsewhere.example", display_name="A Friend")
    sql = "SELECT secret FROM accord.mails WHERE template = 'member_invited' AND address = $1 ORDER BY id DESC LIMIT 1"
    token = await scene.world.owner.fetchval(sql, "unknown@elsewhere.example")
    for name in ("greta", "carla", "gustav"):
        async with scene.unchanged():
            with pytest.raises(Forbidden) as refusal:
                await scene.world.act_as_oneself(scene[name], accept_membership, token=token)
            assert refusal.value.condition == "PROTECTED_ACTION"
    stranger = identify(f"stranger.{scene.host.handle}@elsewhere.example")
    stranger = await scene.world.vouched(stranger, token)
    await scene.world.database.write(stranger, None, lambda tx: accept_membership(tx, token=token))
    sql = "SELECT roles, delegated_admin FROM accord.memberships WHERE organisation_id = $1 AND email = $2"
    row = await scene.world.owner.fetchrow(sql, scene.host.id, "unknown@elsewhere.example")
    assert (row["roles"], row["delegated_admin"]) == (["MEMBER"], False)


async def test_an_invitation_by_somebody_acting_falls_with_the_partnership(scene: Scene) -> None:
    await grant(scene, MANAGE)
    await acted(scene, await switch(scene), invite_member, email="late@elsewhere.example", display_name="Late")
    sql = "SELECT secret FROM accord.mails WHERE template = 'member_invited' AND address = $1 ORDER BY id DESC LIMIT 1"
    token = await scene.world.owner.fetchval(sql, "late@elsewhere.example")
    await scene.act("ada", remove_partner, partnership_id=scene.partnership)
    async with scene.unchanged():
        with pytest.raises(NotFound):
            await scene.world.act_as_oneself(scene["zoe"], accept_membership, token=token)


async def above(scene: Scene) -> dict[str, Any]:
    """The host is a guest itself, with a level and an account, and Otto and Ada act for it."""
    world = scene.world
    scene.people["zack"] = await world.person(scene["zoe"].organisation, name="Zack Elsewhere")
    key = await world.partnership(scene["zack"], scene["zoe"], scene["ada"])
    account = await world.account(scene["zack"], label="Their desk")
    upward = Scene(world, scene["zoe"].organisation, scene.host, scene.people, key, account)
    share = await upward.share("zack")
    await scene.act("zoe", set_data_access, partnership_id=key, level=MANAGE, confirm=True)
    await scene.act("ada", update_member, membership_id=scene["ada"].membership_id, delegated_admin=True)
    return {"partnership": key, "account": account, "share": share}


async def shown(scene: Scene, name: str, document: str, session: Any = None, **variables: Any) -> Any:
    """An answer of the API, and its errors' codes."""
    context = Context(
        scene.world.database, scene[name].identity, Support("x", "help@vendor.example"), Signer(), session
    )
    answer = await schema.execute(document, variable_values=variables, context_value=context)
    return answer.data, [(error.extensions or {}).get("code") for error in answer.errors or ()]


NODE: Final = "query($id: ID!) { node(id: $id) { id } }"


async def test_no_session_leads_on_to_a_customer_of_the_host(scene: Scene) -> None:
    """Chained acting, and what a third organisation gave the host (4.8, invariant 7)."""
    theirs = await above(scene)
    await grant(scene, MANAGE)
    session = await switch(scene)
    elsewhere = scene["zoe"].organisation
    async with scene.unchanged():
        for given in ({"session": session}, {}):
            with pytest.raises((Forbidden, NotFound)):
                await scene.world.act_as_oneself(scene["greta"], switch_organisation, host_id=elsewhere.id, **given)
        with pytest.raises((Forbidden, NotFound)):
            await acted(scene, session, sign_in_to_account, account_id=theirs["account"], signer=Signer())
    for kind, key in (*theirs.items(), ("organisation", elsewhere.id)):
        data, codes = await shown(scene, "greta", NODE, session, id=f"{kind}_{key}")
        assert (data, codes) == ({"node": None}, ["NOT_FOUND"]), kind
    document = "query($id: ID!) { organisation(id: $id) { activity { edges { node { id partner { name } } } } } }"
    data, _ = await shown(scene, "greta", document, session, id=f"organisation_{scene.host.id}")
    partners = {(edge["node"]["partner"] or {}).get("name") for edge in data["organisation"]["activity"]["edges"]}
    assert partners <= {None, scene.guest.name}
    data, codes = await shown(scene, "ada", NODE, id=f"share_{theirs['share']}")
    assert codes == [], "the host's own admin does see it"


async def test_a_contact_that_is_converted_gains_and_loses_nothing(scene: Scene) -> None:
    """S103, Q22: the same role of the same person, no group, and over with the partnership for good."""
    zoe = scene["zoe"]
    key = await make_contact(scene, "zoe", DelegatedRole.PHONE_MANAGER)
    await scene.world.act_as_oneself(zoe, switch_organisation, host_id=scene.host.id)
    partnership = await scene.world.partnership(scene["mia"], scene["ada"], zoe)
    row = await contact(scene, key)
    assert (row["status"], row["roles"], row["partnership_id"]) == ("CONVERTED", ["PHONE_MANAGER"], partnership)
    sql = "SELECT count(*) FROM accord.role_groups WHERE partnership_id = $1"
    assert await scene.world.owner.fetchval(sql, partnership) == 0
    async with scene.unchanged():
        for given in ({"basis": Basis.LEVEL}, {"role_key": DelegatedRole.DECISION_MAKER}, {"basis": Basis.ROLE_GROUP}):
            with pytest.raises(Forbidden):
                await switch(scene, "zoe", **given)
    await scene.act("ada", suspend_partnership, partnership_id=partnership, reason="A doubt.")
    async with scene.unchanged():
        with pytest.raises((Forbidden, NotFound)):
            await switch(scene, "zoe")
    await scene.act("ada", remove_partner, partnership_id=partnership)
    await scene.world.partnership(scene["mia"], scene["ada"], zoe)
    assert (await contact(scene, key))["ended_at"] is not None
    async with scene.unchanged():
        with pytest.raises((Forbidden, NotFound)):
            await switch(scene, "zoe")


# --- who leads at the host


async def test_an_admin_does_not_become_legal_representative(scene: Scene) -> None:
    """Not by the own act, not through a colleague, not while nobody else is one."""
    legal = [Role.ORG_ADMIN, Role.LEGAL_REPRESENTATIVE]
    own, otto = scene["arne"].membership_id, scene["otto"].membership_id
    for key in (own, otto):
        await scene.refused("arne", Forbidden, update_member, membership_id=key, roles=legal)
    invited = {"email": "x@elsewhere.example", "display_name": "X", "roles": legal}
    await scene.refused("arne", Forbidden, invite_member, **invited)
    ada = scene["ada"].membership_id
    for by in ("ada", "arne"):
        stripped = {"membership_id": ada, "roles": [Role.ORG_ADMIN]}
        await scene.refused(by, LastLegalRepresentative, update_member, **stripped)
    await scene.refused("arne", LastLegalRepresentative, deactivate_member, membership_id=ada)
    await scene.refused("arne", LastLegalRepresentative, remove_member, membership_id=ada)
    await scene.act("ada", update_member, membership_id=otto, roles=[Role.LEGAL_REPRESENTATIVE])
    await scene.act("ada", update_member, membership_id=ada, roles=[Role.ORG_ADMIN])
    await scene.refused("arne", Forbidden, update_member, membership_id=own, roles=legal)
    await scene.refused("ada", Forbidden, update_member, membership_id=ada, roles=legal)


async def test_an_admin_opens_neither_everything_nor_the_wallet(scene: Scene) -> None:
    """S92, S97, Q20: inviting, COMPLETE and the wallet are a legal representative's."""
    invited = {"guest_handle": scene["zoe"].organisation.handle, "contact_email": "office@elsewhere.example"}
    whole = {"access_mode": AccessMode.COMPLETE, "wallet_entrusted": True}
    await scene.refused("arne", Forbidden, invite_partner, **invited, **whole)
    await scene.refused("arne", Forbidden, set_policy, admin_may_invite=True)
    key = (await scene.act("arne", amend_partnership, partnership_id=scene.partnership, **whole)).id
    answer = {"amendment_id": key, "accept": True, "expected_version": 1}
    for name in ("arne", "mia"):
        await scene.refused(name, (Forbidden, NotFound), decide_amendment, **answer)
    terms = {"terms_version_id": await scene.world.terms(), "consent": True}
    await scene.refused("greta", (Forbidden, NotFound, InvalidState), decide_amendment, **answer, **terms)
    row = await scene.row("partnerships", scene.partnership)
    assert (row["access_mode"], row["wallet_entrusted"]) == ("LIMITED", False)


# --- a request that the host has not approved


EVERYTHING: Final = """
query($id: ID!, $handle: String!) {
    viewer { notifications { edges { node { id text } } } sharedAccounts { totalCount } }
    organisation(id: $id) {
        partnerships { totalCount edges { node { id } } }
        activity { totalCount edges { node { id type partner { name } } } }
    }
    activity { totalCount edges { node { id type } } }
    host: organisation(handle: $handle) { name }
}
"""


async def test_a_guest_reads_nothing_of_a_request_before_the_host_approves(scene: Scene) -> None:
    """By ID, organisation, activity, notices, search and export, as admin of the guest (4.7); after it, it does."""
    world = scene.world
    key = await world.request(scene["mia"], scene["zoe"].organisation)
    attempt = await world.owner.fetchval("SELECT id FROM accord.attempts WHERE partnership_id = $1", key)
    (event,) = [
        row["id"] for row in await scene.events(scene.host, "partnership.requested") if row["partnership_id"] == key
    ]
    ids = [f"partnership_{key}", f"attempt_{attempt}", f"event_{event}", f"organisation_{scene.host.id}"]
    home = {"id": f"organisation_{scene['zoe'].organisation.id}", "handle": scene.host.handle}
    async with scene.unchanged():
        for text in [*ids, f"user_{scene['mia'].id}", f"membership_{scene['mia'].membership_id}"]:
            assert await shown(scene, "zoe", NODE, id=text) == ({"node": None}, ["NOT_FOUND"]), text
        data, codes = await shown(scene, "zoe", EVERYTHING, **home)
        assert data["organisation"]["partnerships"] == {"totalCount": 0, "edges": []}
        assert "partnership.requested" not in str(data)
        assert (data["viewer"]["notifications"]["edges"], data["host"], codes) == ([], None, ["NOT_FOUND"])
        assert scene.host.name not in str(await exported(scene, scene["zoe"]))
    given = {"partnership_id": key, "expected_version": await world.version("partnerships", key)}
    await scene.act("ada", approve_partnership, **given)
    data, codes = await shown(scene, "zoe", NODE, id=ids[0])
    assert (data, codes) == ({"node": {"id": ids[0]}}, [])
    data, codes = await shown(scene, "zoe", EVERYTHING, **home)
    assert (data["organisation"]["partnerships"]["totalCount"], codes) == (1, [])
    assert scene.host.name in str(await exported(scene, scene["zoe"]))


async def exported(scene: Scene, person: Person) -> list[Any]:
    """What an export of the own organisation's activity holds."""
    pages = stream_events(scene.world.database, person.identity, person.organisation.id, bound_filters({}), 1_000_000)
    return [cells(row, page.names) async for page in pages for row in page.rows]


# --- 16: how a partnership becomes active


Way = Callable[[Scene], Awaitable[Any]]


def ways() -> dict[str, Way]:
    """Everything short of the host's and the guest's own yes."""

    def at(name: str, service: Any, **given: Any) -> Way:
        return lambda scene: scene.act(name, service, partnership_id=scene.partnership, **given)

    async def by_vendor(scene: Scene) -> None:
        for status in (PartnerStatus.SUSPENDED, PartnerStatus.ACTIVE):
            await set_partner(scene, status)

    async def frozen(scene: Scene) -> None:
        await scene.act("ada", freeze_partner_access)
        await scene.act("ada", unfreeze_partner_access)

    async def closed_for_a_while(scene: Scene) -> None:
        for status in (OrganisationStatus.SUSPENDED, OrganisationStatus.ACTIVE):
            await scene.world.operate(set_organisation_status, organisation_id=scene.host.id, status=status)

    found: dict[str, Way] = {"vendor": by_vendor, "freezing": frozen, "the host's status": closed_for_a_while}
    found |= {f"suspend by {name}": at(name, suspend_partnership, reason="A trick.") for name in ("ada", "greta")}
    found |= {f"resume by {name}": at(name, resume_partnership) for name in ("ada", "mia", "greta")}
    found["level"] = at("ada", set_data_access, level=MANAGE, confirm=True)
    found["auto extension"] = at("ada", set_auto_extend, by=timedelta(days=30))
    return found


@pytest.mark.parametrize("state", [state for state in S if state not in {S.ACTIVE, S.SUSPENDED}])
async def test_no_way_round_makes_a_partnership_active(scene: Scene, state: PartnershipState) -> None:
    """Suspending and resuming from every state, and all else that moves states or access."""
    key = await scene.world.partnership(scene["mia"], scene["ada"], scene["zoe"], state)
    scene.people["greta"], scene.partnership = scene["zoe"], key
    scene.guest = scene["zoe"].organisation
    await set_partner(scene, PartnerStatus.ACTIVE)
    for name, way in ways().items():
        with suppress(InvalidState, Forbidden, NotFound):
            await way(scene)
        row = await scene.row("partnerships", key)
        assert (row["state"], row["granted_level"]) == (state, "NONE"), name


async def test_a_partnership_that_ended_by_time_is_not_resumed(scene: Scene) -> None:
    given = {"expires_at": scene.world.clock.now + timedelta(days=1)}
    await scene.act("ada", amend_partnership, partnership_id=scene.partnership, **given)
    await scene.act("ada", suspend_partnership, partnership_id=scene.partnership, reason="A doubt.")
    scene.world.clock.advance(days=1)
    for name in ("ada", "mia"):
        await scene.refused(name, InvalidState, resume_partnership, partnership_id=scene.partnership)
    later = {"until": scene.world.clock.now + timedelta(days=9)}
    await scene.refused("ada", InvalidState, extend_partnership, partnership_id=scene.partnership, **later)


# --- 17: what is given back is never more than the host granted last


async def bound(scene: Scene, ceiling: DataAccessLevel | None) -> None:
    await scene.world.operate(set_ceiling, partner_id=scene.guest.id, ceiling=ceiling)


async def test_a_ceiling_down_and_up_gives_nothing_back(scene: Scene) -> None:
    await grant(scene, MANAGE)
    for low in (SUPPORT, NONE):
        await bound(scene, low)
        assert await usable(scene) is low
        await bound(scene, None)
        assert await usable(scene) is low
    await grant(scene, SUPPORT)
    assert await usable(scene) is SUPPORT


async def test_the_end_of_a_link_gives_nothing_back(scene: Scene) -> None:
    await grant(scene, MANAGE)
    pair = {"customer_id": scene.host.id, "partner_id": scene.guest.id}
    link = await scene.world.operate(link_partner, **pair, kind=LinkKind.RESELLER, ceiling=SUPPORT)
    assert await usable(scene) is SUPPORT
    await scene.world.operate(end_partner_link, link_id=link)
    assert await usable(scene) is SUPPORT


@pytest.mark.parametrize("by", ["guest", "host", "vendor", "freezing"])
async def test_what_is_let_go_is_what_the_host_left(scene: Scene, by: str) -> None:
    """Suspended or frozen, lowered meanwhile, resumed or unfrozen: the lower level, and no session of before."""
    await grant(scene, MANAGE)
    session = await switch(scene)
    hold, release = HOLDS[by]
    await hold(scene)
    assert await usable(scene) is NONE
    await scene.act("mia", set_data_access, partnership_id=scene.partnership, level=SUPPORT)
    await release(scene)
    assert await usable(scene) is SUPPORT
    snapshot = scene.world.database.snapshot(scene["greta"].identity, session)
    with pytest.raises(AccessRevoked):
        await snapshot.principal()
    await snapshot.close()


def held_by(name: str) -> tuple[Way, Way]:
    return (
        lambda scene: scene.act(name, suspend_partnership, partnership_id=scene.partnership, reason="A doubt."),
        lambda scene: scene.act(name, resume_partnership, partnership_id=scene.partnership),
    )


HOLDS: Final[dict[str, tuple[Way, Way]]] = {
    "guest": held_by("gustav"),
    "host": held_by("ada"),
    "vendor": (
        lambda scene: set_partner(scene, PartnerStatus.SUSPENDED),
        lambda scene: set_partner(scene, PartnerStatus.ACTIVE),
    ),
    "freezing": (
        lambda scene: scene.act("ada", freeze_partner_access),
        lambda scene: scene.act("ada", unfreeze_partner_access),
    ),
}


async def test_a_guest_cannot_undo_what_the_host_holds(scene: Scene) -> None:
    await grant(scene, MANAGE)
    await scene.act("gustav", suspend_partnership, partnership_id=scene.partnership, reason="First.")
    await scene.act("ada", suspend_partnership, partnership_id=scene.partnership, reason="Second.")
    await scene.act("ada", freeze_partner_access)
    await scene.act("gustav", resume_partnership, partnership_id=scene.partnership)
    await scene.refused("gustav", InvalidState, resume_partnership, partnership_id=scene.partnership)
    assert await usable(scene) is NONE
    await scene.act("ada", resume_partnership, partnership_id=scene.partnership)
    assert await usable(scene) is NONE
    await scene.act("ada", unfreeze_partner_access)
    assert await usable(scene) is MANAGE


async def test_manage_comes_by_an_act_of_the_host_alone(scene: Scene) -> None:
    """Invariant 3: not by a link, a ceiling, an acceptance of LIMITED, an approval of COMPLETE or an amendment."""
    await scene.refused("ada", ValidationError, set_data_access, partnership_id=scene.partnership, level=MANAGE)
    pair = {"customer_id": scene.host.id, "partner_id": scene.guest.id}
    await scene.world.operate(link_partner, **pair, kind=LinkKind.MSP, ceiling=MANAGE)
    await bound(scene, MANAGE)
    assert await usable(scene) is NONE
    scene.guest, scene.people["greta"] = scene["zoe"].organisation, scene["zoe"]
    await set_partner(scene, PartnerStatus.ACTIVE)
    terms = {"terms_version_id": await scene.world.terms(), "consent": True}
    asked = {"host_handle": scene.host.handle, "access_mode": AccessMode.COMPLETE}
    key = await scene.act("zoe", request_customer, **asked, **terms)
    await scene.act("ada", approve_partnership, partnership_id=key, expected_version=1)
    row = await scene.row("partnerships", key)
    assert (row["state"], row["access_mode"], row["granted_level"]) == ("ACTIVE", "COMPLETE", "NONE")
    assert await usable(scene) is NONE
    scene.partnership = key
    for name in ("zoe", "mia"):
        given = {"partnership_id": key, "level": MANAGE, "confirm": True}
        await scene.refused(name, (Forbidden, NotFound), set_data_access, **given)


async def test_an_account_manager_raises_nobody(scene: Scene) -> None:
    """Account grants reach no level and no session."""
    await scene.share(role=AccountRole.ACCOUNT_MANAGER)
    assert await usable(scene) is NONE
