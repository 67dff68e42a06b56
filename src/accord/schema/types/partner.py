"""Partners as the vendor knows them: links, contracts, and the tree of partners and customers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import ID, Parent

from accord.access.decision import level_of
from accord.access.facts import PartnershipFacts
from accord.access.permissions import Action
from accord.database.queries.read import partner as read
from accord.database.queries.read.organisation import OrganisationRow
from accord.database.queries.read.partner import PartnerContractRow, PartnerCustomerRow, PartnerLinkRow
from accord.schema.connections import listing
from accord.schema.context import Info
from accord.schema.decisions import demand_on_partnership
from accord.schema.links import link
from accord.schema.pagination import Connection, span
from accord.schema.permissions import field, guarded
from accord.schema.types.enums import DataAccessLevel, LinkKind, LinkStatus, PartnerProgram, PartnerStatus
from accord.schema.types.node import Node

if TYPE_CHECKING:
    from accord.schema.types.organisation import Organisation
    from accord.schema.types.partnership import Partnership

LazyOrganisation = Annotated["Organisation", strawberry.lazy("accord.schema.types.organisation")]
LazyPartnership = Annotated["Partnership", strawberry.lazy("accord.schema.types.partnership")]


@guarded(Action.LEVEL_READ)
@strawberry.type(description="How far a partner reaches into its customer's data.")
class DataAccess:
    ceiling: DataAccessLevel = strawberry.field(description="The most that can be granted, by contract and link (S36).")
    granted: DataAccessLevel = strawberry.field(description="What the host has granted.")
    effective: DataAccessLevel = strawberry.field(
        description="What holds now: the least of both, NONE unless the partnership is active and policy admits it."
    )


async def data_access(info: Info, key: str) -> DataAccess:
    """The level of a partnership, for those who may know it."""
    await demand_on_partnership(info, key, Action.LEVEL_READ)
    facts: PartnershipFacts = await info.context.loaders.facts_by_partnership.load(key)  # type: ignore[assignment]
    return DataAccess(ceiling=facts.ceiling, granted=facts.granted, effective=level_of(facts, info.context.now))


@guarded(Action.LINK_READ)
@strawberry.type(description="The vendor's word that an organisation is another's partner (S4, S5).")
class PartnerLink(Node):
    id: ID
    version: int
    kind: LinkKind
    status: LinkStatus
    customer: LazyOrganisation = link("organisation_by_id", "customer_id")
    partner: LazyOrganisation = link("organisation_by_id", "partner_id")
    ceiling: DataAccessLevel | None = strawberry.field(description="Of this link; the contract may set a lower one.")
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, PartnerLinkRow)


@guarded(Action.CONTRACT_READ)
@strawberry.type(description="A partner in the vendor's programme, for itself, its parent partner and the vendor.")
class PartnerContract:
    version: int = strawberry.field(description="That of the organisation.")
    name: str
    program: PartnerProgram
    status: PartnerStatus
    ceiling: DataAccessLevel | None = strawberry.field(description="None: nothing but the links bounds it.")

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, PartnerContractRow)

    @field(description="The organisation's ID.")
    def partner_id(self, root: Parent[PartnerContractRow]) -> ID:
        return ID(root.id)

    @field(description="How many customers it has; never which (Q28).")
    def customer_count(self, root: Parent[PartnerContractRow]) -> int:
        customers: int = root.customers
        return customers


@guarded(Action.CONTRACT_READ)
@strawberry.type(description="A customer of a partner, whether it grants anything or not.")
class PartnerCustomer:
    customer: LazyOrganisation = link("organisation_by_id", "host_id")
    partnership: LazyPartnership = link("partnership_by_id")

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, PartnerCustomerRow)

    @field(Action.LEVEL_READ, description="The customer's data-privacy setting (S35).")
    async def account_info(self, root: Parent[PartnerCustomerRow], info: Info) -> DataAccess | None:
        return await data_access(info, root.key)


@guarded(Action.CONTRACT_READ)
@strawberry.type(description="Partners and customers (S22): for finding one's way, never a path of rights (S33).")
class PartnerTree:
    @field(description="The partners directly beneath; nothing of theirs is reached through it.")
    def sub_partners(
        self,
        root: Parent[OrganisationRow],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[PartnerContract] | None:
        return listing(info, read.SUB_PARTNERS, root.key, span(first, after, last, before))

    @field(description="The own customers.")
    def customers(
        self,
        root: Parent[OrganisationRow],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[PartnerCustomer] | None:
        return listing(info, read.CUSTOMERS, root.key, span(first, after, last, before))
