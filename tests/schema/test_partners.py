"""Links, levels and the partner tree as people read them (S5, S6, S22, S35); a parent reads no customer (Q28)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from accord.domain.ids import global_id
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import Role
from accord.domain.partner import LinkKind, PartnerProgram, PartnerStatus
from accord.services.partnerships.ceiling import set_ceiling
from accord.services.partnerships.level import set_data_access
from accord.services.partnerships.link import link_partner
from accord.services.partnerships.status import set_partner_status
from tests.schema.conftest import Asking
from tests.world import Organisation, Person, World

LINKS = "query Links($id: ID!) { organisation(id: $id) { partnerLinks { edges { node { kind partner { name } } } } } }"
ACCESS = "query Access($id: ID!) { partnership(id: $id) { dataAccess { ceiling granted effective } viewerCan } }"
TREE = """query Tree($id: ID!) { organisation(id: $id) {
  partnerContract { ceiling customerCount }
  partnerTree {
    subPartners { edges { node { name status ceiling customerCount } } }
    customers { edges { node { customer { name } accountInfo { granted effective } } } }
  }
} }"""


@dataclass
class Market:
    """A shop whose partner Agency stands beneath Tower; the shop grants it SUPPORT."""

    asking: Asking
    shop: Organisation
    agency: Organisation
    tower: Organisation
    people: dict[str, Person]
    link: UUID
    partnership: UUID

    async def ask(self, who: str, document: str, what: UUID, kind: str = "organisation") -> Any:
        data = await self.asking.ask(self.people.get(who), document, id=global_id(kind, what))
        return next(iter(data.values()))

    async def codes(self, who: str, document: str, what: UUID, kind: str = "organisation") -> list[str]:
        return await self.asking.codes(self.people.get(who), document, id=global_id(kind, what))


@pytest.fixture
async def market(world: World, asking: Asking) -> Market:
    shop, agency, tower = [await world.organisation(name) for name in ("Shop", "Agency", "Tower")]
    people = {
        "ada": await world.person(shop, Role.ORG_ADMIN),
        "mia": await world.person(shop),
        "greta": await world.person(agency, Role.ORG_ADMIN),
        "carla": await world.person(agency),
        "tora": await world.person(tower, Role.ORG_ADMIN),
    }
    active = {"program": PartnerProgram.MSP, "status": PartnerStatus.ACTIVE}
    await world.operate(set_partner_status, organisation_id=tower.id, **active)
    await world.operate(set_partner_status, organisation_id=agency.id, parent_partner_id=tower.id, **active)
    ends = {"customer_id": shop.id, "partner_id": agency.id, "kind": LinkKind.PARTNER_OF_RECORD}
    link = await world.operate(link_partner, **ends)
    key = await world.owner.fetchval("SELECT id FROM accord.partnerships WHERE link_id = $1", link)
    await world.act(people["ada"], set_data_access, partnership_id=key, level=DataAccessLevel.SUPPORT)
    await world.operate(set_ceiling, partner_id=agency.id, ceiling=DataAccessLevel.SUPPORT)
    return Market(asking, shop, agency, tower, people, link, key)


async def test_everybody_of_the_customer_and_staff_see_the_link(market: Market) -> None:
    expected = {"edges": [{"node": {"kind": "PARTNER_OF_RECORD", "partner": {"name": "Agency"}}}]}
    for who in ("ada", "mia", "staff"):
        assert (await market.ask(who, LINKS, market.shop.id))["partnerLinks"] == expected
    assert (await market.ask("greta", LINKS, market.agency.id))["partnerLinks"] == {"edges": []}
    assert await market.codes("greta", LINKS, market.shop.id) == ["FORBIDDEN"]
    node = "query One($id: ID!) { node(id: $id) { id } }"
    for who, codes in (("mia", []), ("greta", []), ("staff", []), ("carla", ["NOT_FOUND"]), ("tora", ["NOT_FOUND"])):
        assert await market.codes(who, node, market.link, "link") == codes, who


async def test_who_reads_the_level_and_who_can_set_it(market: Market) -> None:
    support = {"ceiling": "SUPPORT", "granted": "SUPPORT", "effective": "SUPPORT"}
    for who, can in (("ada", True), ("greta", False)):
        shown = await market.ask(who, ACCESS, market.partnership, "partnership")
        assert shown["dataAccess"] == support
        assert ("SET_DATA_ACCESS" in shown["viewerCan"]) == can
    for who in ("tora", "staff", "carla"):
        assert set(await market.codes(who, ACCESS, market.partnership, "partnership")) <= {"NOT_FOUND", "FORBIDDEN"}
        assert await market.codes(who, ACCESS, market.partnership, "partnership")


async def test_a_partner_sees_its_customers_and_its_parent_only_how_many(market: Market) -> None:
    own = await market.ask("greta", TREE, market.agency.id)
    assert own["partnerContract"] == {"ceiling": "SUPPORT", "customerCount": 1}
    customer = {"customer": {"name": "Shop"}, "accountInfo": {"granted": "SUPPORT", "effective": "SUPPORT"}}
    assert own["partnerTree"] == {"subPartners": {"edges": []}, "customers": {"edges": [{"node": customer}]}}
    above = await market.ask("tora", TREE, market.tower.id)
    beneath = {"name": "Agency", "status": "ACTIVE", "ceiling": "SUPPORT", "customerCount": 1}
    assert above["partnerTree"] == {"subPartners": {"edges": [{"node": beneath}]}, "customers": {"edges": []}}
    for what in (market.agency.id, market.shop.id):
        assert await market.codes("tora", TREE, what) == ["NOT_FOUND"]
    assert await market.codes("carla", TREE, market.agency.id) == ["FORBIDDEN", "FORBIDDEN"]
