"""Links, contracts and the partner tree as the API reads them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, or_

from accord.database.clock import is_connected
from accord.database.queries.read.pages import PARENT, Item, as_text, global_id, looked_up, paged
from accord.database.tables.organisation import organisations
from accord.database.tables.partner import partner_links
from accord.database.tables.partnership import partnerships
from accord.database.visibility import OPERATOR, keys, sees_partnership
from accord.domain.partner import PartnerProgram


class PartnerLinkRow(Item):
    """One link of a customer to a partner."""

    type_name = "PartnerLink"


class PartnerContractRow(Item):
    """A partner as the vendor and its parent know it; `key` is the organisation's."""

    type_name = "PartnerContract"


class PartnerCustomerRow(Item):
    """A customer as its partner knows it; `key` is the partnership's."""

    type_name = "PartnerCustomer"


n, o, p = partner_links.alias("n"), organisations.alias("o"), partnerships.alias("p")

LINK: Final = (
    global_id("link", n.c.id),
    as_text(n.c.customer_id),
    as_text(n.c.partner_id),
    n.c.kind,
    n.c.ceiling,
    n.c.status,
    n.c.created_at,
    n.c.ended_at,
    n.c.version,
)
CONTRACT: Final = (
    global_id("organisation", o.c.id),
    o.c.name,
    o.c.partner_program.label("program"),
    o.c.partner_status.label("status"),
    o.c.ceiling,
    as_text(o.c.parent_partner_id),
    func.accord.count_customers(o.c.id).label("customers"),
    o.c.version,
)
CUSTOMER: Final = (global_id("partnership", p.c.id), as_text(p.c.host_id))

SEES_LINK: Final = or_(OPERATOR, n.c.customer_id == keys("works_in"), n.c.partner_id == keys("admin_of"))
"""Which links? Members their own organisation's partners (S5), a partner's admins its customers, the operator all."""
SEES_CONTRACT: Final = or_(
    OPERATOR,
    *(column == keys(tree) for column in (o.c.id, o.c.parent_partner_id) for tree in ("admin_of", "delegated_in")),
)
"""Whose contract? For admins and delegated admins that of the own partner, and of a direct sub-partner (Q28)."""

IS_PARTNER: Final = o.c.partner_program != PartnerProgram.NONE.value

LINK_BY_ID: Final = looked_up(PartnerLinkRow, LINK, n.c.id, SEES_LINK)
LINKS: Final = paged(PartnerLinkRow, LINK, n, (n.c.customer_id == PARENT, n.c.status == "ACTIVE", SEES_LINK), n.c.id)
CONTRACT_BY_ID: Final = looked_up(PartnerContractRow, CONTRACT, o.c.id, IS_PARTNER, SEES_CONTRACT)
SUB_PARTNERS: Final = paged(
    PartnerContractRow, CONTRACT, o, (o.c.parent_partner_id == PARENT, IS_PARTNER, SEES_CONTRACT), o.c.id
)
CUSTOMERS: Final = paged(
    PartnerCustomerRow,
    CUSTOMER,
    p,
    (
        p.c.visible_guest_id == PARENT,
        is_connected(p),
        sees_partnership(p),
    ),
    p.c.id,
)
"""The customers of a partner, whether they grant it anything or not (S22, S35)."""
