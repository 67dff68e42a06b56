"""Policies as the API reads them; an organisation that never set one shows the defaults."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ARRAY, Column, ColumnElement, Text, cast, func, literal, select

from accord.database.engine import Query
from accord.database.queries.read.pages import Item, global_id, wanted
from accord.database.tables.organisation import organisations
from accord.database.tables.policy import organisation_policies
from accord.database.visibility import keys


class PolicyRow(Item):
    """What one organisation rules."""

    type_name = "OrganisationPolicy"


o, r = organisations.alias("o"), organisation_policies.alias("r")


def _ids(column: Column[Any]) -> ColumnElement[Any]:
    """A list of organisations as global IDs."""
    each = func.unnest(column).column_valued("each")
    listed = select(literal("organisation_", Text()).concat(cast(each, Text()))).scalar_subquery()
    return func.array(listed, type_=ARRAY(Text())).label(column.name)


POLICY_BY_ORGANISATION: Final = Query(
    select(
        global_id("organisation", o.c.id),
        r.c.max_partnership_duration,
        r.c.default_auto_extend,
        func.coalesce(r.c.require_mfa, False).label("require_mfa"),
        func.coalesce(r.c.require_reason, False).label("require_reason"),
        _ids(r.c.allowed_partners),
        _ids(r.c.blocked_partners),
        _ids(r.c.auto_approve_partners),
        func.coalesce(r.c.host_admin_may_unshare, True).label("host_admin_may_unshare"),
        func.coalesce(r.c.roles_only_to_partner_of_record, True).label("roles_only_to_partner_of_record"),
        func.coalesce(r.c.representative_manages_groups, False).label("representative_manages_groups"),
        func.coalesce(r.c.explicit_assignment, False).label("explicit_assignment"),
        func.coalesce(r.c.admin_may_invite, False).label("admin_may_invite"),
        func.coalesce(r.c.frozen, False).label("frozen"),
        func.coalesce(r.c.version, 0).label("version"),
    )
    .outerjoin(r, r.c.id == o.c.id)
    .where(o.c.id == wanted(), o.c.id == keys("leads")),
    PolicyRow,
)
