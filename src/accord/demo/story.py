"""The story: a maker of garden furniture lets partners in, and lets some of them go again.

Each chapter is told in the order of time; the days count back from today. Every state of a partnership, a share and an
access request that this release knows occurs in it, and what people may still do today is left open at its end.
"""

from __future__ import annotations

from datetime import timedelta

from accord.demo.acts import (
    COLLABORATOR,
    MANAGER,
    accepts,
    approves,
    asks,
    asks_to_join,
    invites,
    keeps_out,
    lets_in,
    makes,
    requests,
    shares,
)
from accord.demo.care import partners_look_after_them
from accord.demo.cast import COMPANIES, STAFF, TERMS_FIRST, TERMS_NOW, THINGS
from accord.demo.house import the_houses
from accord.demo.stage import Stage
from accord.domain.partner import PartnerProgram, PartnerStatus
from accord.domain.partnership import Purpose
from accord.services.grants.access_request import withdraw_access_request
from accord.services.grants.account import archive_account
from accord.services.grants.grant import change_member_role, leave_share
from accord.services.grants.sharing import suspend_share, unshare_account
from accord.services.operator import publish_terms
from accord.services.partnerships.ownership import set_co_owners, set_representative, transfer_partnership
from accord.services.partnerships.partnership import (
    decline_partnership,
    refuse_partnership,
    remove_partner,
    withdraw_partnership,
)
from accord.services.partnerships.proposal import remind_partnership
from accord.services.partnerships.status import set_partner_status
from accord.services.people.joining import invite_member
from accord.services.people.member import deactivate_member


async def tell(stage: Stage) -> None:
    """The whole story."""
    for chapter in (
        everybody_comes_in,
        the_first_agency,
        the_trade_fair,
        the_social_media_agency,
        the_design_studio,
        the_analyst,
        the_market_place,
        an_agency_has_partners_too,
        not_every_request_succeeds,
        the_agency_grows,
        the_houses,
        this_month,
        a_partner_is_invited,
        partners_look_after_them,
        this_week,
    ):
        await chapter(stage)


async def everybody_comes_in(stage: Stage) -> None:
    """The vendor publishes its terms and founds the organisations; people join and make their accounts."""
    await stage.at(172, "08:00")
    stage.terms = await stage.operates(publish_terms, version="1", text=TERMS_FIRST)
    for day, company in enumerate(COMPANIES):
        await stage.at(171, f"{8 + day // 6:02}:{day % 6 * 10:02}")
        await stage.found(company)
    for company in COMPANIES:
        for person in company.people[1:]:
            await stage.hire(company, person)
    await stage.at(170, "09:30")
    for thing in THINGS:
        await makes(stage, thing)


async def the_first_agency(stage: Stage) -> None:
    """Tidewater Web built the shop, and was let go: TERMINATED, with everything that it was given."""
    await stage.at(166, "09:05")
    pair = await requests(stage, "tim", "tidewater", "wanda@tidewater.example", "They build our online shop.")
    await stage.at(165, "11:20")
    await approves(stage, "nora", pair)
    await stage.at(164, "14:00")
    await accepts(stage, "wanda", pair)
    await stage.at(164, "15:10")
    await shares(stage, "tim", pair, MANAGER, "shopfront")
    await shares(stage, "tim", pair, MANAGER, "oldblog")
    stage.begin("wanda", "shopfront", every_days=10, hour="08:40")
    await stage.at(163, "09:00")
    await asks(stage, "wanda", f"{pair}/shopfront", COLLABORATOR, "viktor", note="Viktor writes the checkout.")
    await stage.at(163, "10:30")
    await lets_in(stage, "tim", f"{pair}/shopfront", "viktor")
    stage.begin("viktor", "shopfront", every_days=7, hour="07:55")
    await stage.at(150, "16:20")
    await asks(stage, "wanda", f"{pair}/oldblog", COLLABORATOR, "viktor")


async def the_trade_fair(stage: Stage) -> None:
    """Summit Events ran one fair until an agreed day: EXPIRED."""
    await stage.at(148, "10:00")
    ends = stage.clock.instant(84, "18:00")
    pair = await requests(
        stage,
        "beat",
        "summit",
        "uma@summit.example",
        "They run our stand at the garden fair.",
        purposes=(Purpose.MANAGEMENT, Purpose.SUPPORT),
        expires_at=ends,
    )
    await stage.at(148, "13:45")
    await approves(stage, "jonas", pair)
    await stage.at(146, "09:15")
    await accepts(stage, "uma", pair)
    await stage.at(145, "10:00")
    await shares(stage, "beat", pair, COLLABORATOR, "fairbooth")
    stage.begin("uma", "fairbooth", every_days=13, hour="12:05")
    await stage.at(143, "17:30")
    stage.stop("wanda")
    stage.stop("viktor")
    await stage.answers("nora", remove_partner, "alder-tidewater", reason="The contract for the shop has ended.")
    await stage.at(142, "09:10")
    await stage.does("tim", archive_account, account_id=stage.accounts["oldblog"])


async def the_social_media_agency(stage: Stage) -> None:
    """Brightside Social runs the channels: ACTIVE, the partnership with everything in it."""
    await stage.at(130, "10:12")
    pair = await requests(
        stage,
        "mara",
        "brightside",
        "hello@brightside.example",
        "They plan and publish our posts. The contract is with Jonas.",
    )
    await stage.at(129, "11:00")
    await stage.does("mara", remind_partnership, partnership_id=stage.partnerships[pair])
    await stage.at(129, "11:40")
    await approves(stage, "jonas", pair)
    await stage.at(128, "09:30")
    await accepts(stage, "greta", pair)
    await stage.at(128, "10:15")
    await shares(stage, "mara", pair, MANAGER, "picstream", "chirper")
    stage.begin("greta", "picstream", every_days=15, hour="13:10")
    stage.begin("mara", "picstream", every_days=20, hour="09:45")
    await stage.at(127, "09:00")
    await asks(stage, "greta", f"{pair}/picstream", COLLABORATOR, "carla", "dev", note="Carla and Dev write the posts.")
    await asks(stage, "greta", f"{pair}/chirper", COLLABORATOR, "dev")
    await stage.at(127, "15:25")
    await lets_in(stage, "mara", f"{pair}/picstream", "carla", "dev")
    await lets_in(stage, "mara", f"{pair}/chirper", "dev")
    stage.begin("carla", "picstream", every_days=7, hour="08:20")
    stage.begin("dev", "picstream", every_days=10, hour="10:30")
    stage.begin("dev", "chirper", every_days=13, hour="10:50")


async def the_design_studio(stage: Stage) -> None:
    """An admin starts a partnership without anybody's approval, and hands it to the person who runs it."""
    await stage.at(112, "14:00")
    pair = await requests(stage, "jonas", "kelp", "sofia@studiokelp.example")
    await stage.at(111, "10:30")
    await accepts(stage, "sofia", pair)
    await stage.at(110, "09:00")
    await stage.answers("jonas", transfer_partnership, pair, owner_user_id=stage.people["lena"])
    await stage.at(110, "09:40")
    await shares(stage, "lena", pair, MANAGER, "palette")
    await stage.at(109, "16:00")
    await asks(stage, "sofia", f"{pair}/palette", MANAGER, "milan", note="Milan leads the catalogue.")
    await stage.at(108, "08:15")
    await lets_in(stage, "lena", f"{pair}/palette", "milan", role=COLLABORATOR, note="Signing in is enough for now.")
    stage.begin("milan", "palette", every_days=10, hour="14:35")


async def the_analyst(stage: Stage) -> None:
    """A contractor whose organisation was made for this host, on narrower terms than were asked for."""
    await stage.at(96, "09:00")
    pair = await requests(
        stage,
        "tim",
        "crane",
        "otis@crane.example",
        "Otis looks into why people leave the checkout.",
        purposes=(Purpose.IMPROVEMENT, Purpose.CONTRACT_MONITORING),
        expires_at=stage.clock.today + timedelta(days=24),
    )
    await stage.at(95, "10:10")
    await approves(stage, "nora", pair, purposes=(Purpose.IMPROVEMENT,))
    await stage.at(95, "12:00")
    await accepts(stage, "otis", pair)
    await stage.at(94, "09:20")
    await shares(stage, "tim", pair, COLLABORATOR, "statboard", "hosting")
    stage.begin("otis", "statboard", every_days=7, hour="18:25")


async def the_market_place(stage: Stage) -> None:
    """The same organisation as somebody's guest."""
    await stage.at(90, "08:30")
    pair = await requests(stage, "ida", "alder", "nora@alderfinch.example", "They sell with us from spring on.")
    await stage.at(89, "09:00")
    await approves(stage, "max", pair)
    await stage.at(88, "10:00")
    await accepts(stage, "nora", pair)
    await stage.at(88, "13:30")
    await shares(stage, "ida", pair, MANAGER, "seller")
    await stage.at(87, "09:00")
    await asks(stage, "nora", f"{pair}/seller", COLLABORATOR, "tim", "beat")
    await stage.at(86, "11:15")
    await lets_in(stage, "ida", f"{pair}/seller", "tim")
    await keeps_out(stage, "ida", f"{pair}/seller", "beat", note="One person for stock is enough.")
    stage.begin("tim", "seller", every_days=7, hour="07:30")
    await stage.at(84, "17:00")
    stage.stop("uma")
    await stage.at(84, "18:01")
    await stage.time_passes()


async def an_agency_has_partners_too(stage: Stage) -> None:
    """Brightside Social as a host of its own."""
    await stage.at(76, "10:00")
    pair = await requests(stage, "hugo", "kelp", "sofia@studiokelp.example")
    await stage.at(75, "09:50")
    await accepts(stage, "sofia", pair)
    await stage.at(75, "11:00")
    await shares(stage, "hugo", pair, COLLABORATOR, "stockroom")
    stage.begin("sofia", "stockroom", every_days=16, hour="15:15")
    await stage.at(72, "12:30")
    await stage.does("tim", unshare_account, share_id=stage.shares["alder-crane/hosting"])


async def not_every_request_succeeds(stage: Stage) -> None:
    """DECLINED_BY_HOST, WITHDRAWN, LAPSED."""
    await stage.at(70, "09:00")
    await requests(stage, "beat", "cobalt", "karl@cobalt.example", "They would like to see our orders as they come in.")
    await stage.at(69, "16:45")
    await stage.answers("jonas", decline_partnership, "alder-cobalt", reason="A daily list will do.")
    await stage.at(66, "10:00")
    await requests(stage, "beat", "mistral", "bea@mistral.example", "They print the catalogue.")
    await stage.at(60, "09:00")
    await stage.answers("greta", set_representative, "alder-brightside", user_id=stage.people["hugo"])
    await stage.at(52, "11:00")
    await requests(stage, "jonas", "paperplane", "info@paperplane.example")
    await stage.at(51, "08:20")
    await stage.answers("jonas", withdraw_partnership, "alder-paperplane", reason="The address was wrong.")
    await stage.at(46, "09:00")
    await asks(stage, "greta", "alder-brightside/chirper", COLLABORATOR, "freya")
    await stage.at(39, "07:00")
    await stage.time_passes()
    await stage.at(35, "10:05")
    await stage.time_passes()


async def the_agency_grows(stage: Stage) -> None:
    """A co-owner, new roles, people who come and go, an account that is held back."""
    await stage.at(34, "09:00")
    await stage.answers("mara", set_co_owners, "alder-brightside", user_ids=[stage.people["lena"]])
    await stage.at(34, "10:00")
    await shares(stage, "mara", "alder-brightside", COLLABORATOR, "mailwing")
    await shares(stage, "lena", "alder-brightside", COLLABORATOR, "palette")
    await shares(stage, "mara", "alder-brightside", MANAGER, "addesk")
    stage.begin("hugo", "mailwing", every_days=13, hour="11:05")
    await stage.at(33, "09:30")
    carla = stage.grants["alder-brightside/picstream/carla"]
    await stage.does("mara", change_member_role, grant_id=carla, role=MANAGER)
    await stage.at(32, "09:00")
    await asks(
        stage, "carla", "alder-brightside/picstream", COLLABORATOR, "eli", "freya", note="For the autumn campaign."
    )
    await stage.at(31, "14:20")
    until = stage.clock.today + timedelta(days=45)
    await lets_in(stage, "mara", "alder-brightside/picstream", "freya", expires_at=until)
    await keeps_out(
        stage, "mara", "alder-brightside/picstream", "eli", note="Please ask again once the briefing is done."
    )
    stage.begin("freya", "picstream", every_days=7, hour="16:40")
    await stage.at(28, "10:00")
    stage.terms = await stage.operates(publish_terms, version="2", text=TERMS_NOW)
    await stage.at(25, "17:00")
    stage.stop("dev", "chirper")
    await stage.does("dev", leave_share, share_id=stage.shares["alder-brightside/chirper"])


async def this_month(stage: Stage) -> None:
    """A refusal, a farewell, a share that is suspended: DECLINED_BY_GUEST."""
    await stage.at(22, "09:10")
    await requests(stage, "lena", "foxglove", "ines@foxglove.example", "A film about how a chair is made.")
    await stage.at(21, "11:30")
    await approves(stage, "nora", "alder-foxglove")
    await stage.at(18, "15:00")
    await stage.answers("ines", refuse_partnership, "alder-foxglove", reason="We are booked until summer.")
    await stage.at(15, "16:00")
    stage.stop("dev")
    await stage.does(
        "greta", deactivate_member, membership_id=await stage.membership_of("dev"), reason="Dev has left us."
    )
    await stage.at(11, "10:45")
    addesk = stage.shares["alder-brightside/addesk"]
    await stage.does("mara", suspend_share, share_id=addesk, reason="Until the budget for next year is clear.")


async def a_partner_is_invited(stage: Stage) -> None:
    """The legally responsible person decides alone: two products, everything and the wallet, a partner that asks."""
    await stage.at(10, "09:00")
    pair = await invites(stage, "max", "kelp", "sofia@studiokelp.example", "stallsite", "stallmail")
    await stage.at(10, "14:40")
    await accepts(stage, "sofia", pair)
    stage.begin("sofia", "stallsite", every_days=3, hour="09:35")
    await stage.at(9, "10:00")
    await invites(stage, "karl", "crane", "otis@crane.example", wallet_entrusted=True)
    await stage.at(8, "08:30")
    active = {"program": PartnerProgram.RESELLER, "status": PartnerStatus.ACTIVE}
    await stage.operates(set_partner_status, organisation_id=stage.organisations["brightside"], **active)
    await stage.at(7, "11:15")
    await asks_to_join(stage, "greta", "mistral")


async def this_week(stage: Stage) -> None:
    """What waits for an answer today: AWAITING_GUEST_ACCEPTANCE, AWAITING_HOST_APPROVAL, a request for access."""
    await stage.at(5, "09:00")
    await requests(stage, "mara", "paperplane", "yara@paperplane.example", "Press work for the spring collection.")
    await stage.at(4, "08:50")
    await asks(stage, "greta", "alder-brightside/chirper", COLLABORATOR, "eli")
    await stage.at(4, "09:20")
    item = stage.items["alder-brightside/chirper/eli"]
    await stage.does("greta", withdraw_access_request, item_id=item)
    await stage.at(3, "10:30")
    await approves(stage, "jonas", "alder-paperplane")
    await stage.at(3, "13:00")
    await requests(
        stage, "tim", "lime", "rosa@ledgerlime.example", "Our bookkeeping moves to them. They need the shop's figures."
    )
    await stage.at(2, "09:15")
    await asks(stage, "carla", "alder-brightside/picstream", COLLABORATOR, "eli", note="The briefing is done.")
    await stage.at(2, "14:00")
    await stage.does("tim", remind_partnership, partnership_id=stage.partnerships["alder-lime"])
    await stage.at(1, "11:00")
    await stage.does("greta", invite_member, email="sam@brightside.example", display_name="Sam Winter", roles=STAFF)
    await stage.time_passes()
