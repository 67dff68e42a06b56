"""Delegated roles, role groups and their people as the API reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import and_, select

from accord.database.clock import delegation_state, role_group_state
from accord.database.engine import Query
from accord.database.queries.read.pages import (
    PARENT,
    Item,
    as_text,
    global_id,
    looked_up,
    one_of,
    paged,
    wanted,
)
from accord.database.tables.delegation import role_delegations, role_group_members, role_groups
from accord.database.tables.organisation import organisations
from accord.database.visibility import is_live_group_member, keys, sees_delegation, sees_group_member
from accord.domain.delegation import DelegatedRole, GroupFacts, RoleGroupState, group_names


class DelegationRow(Item):
    """One delegated role."""

    type_name = "RoleDelegation"


class RoleGroupRow(Item):
    """One role group."""

    type_name = "RoleGroup"


class RoleGroupMemberRow(Item):
    """One person in a role group."""

    type_name = "RoleGroupMember"


d, g, m = role_delegations.alias("d"), role_groups.alias("g"), role_group_members.alias("m")
h = organisations.alias("h")
GROUP_OF: Final = g.c.delegation_id == d.c.id
DELEGATION_STATE, GROUP_STATE = delegation_state(d), role_group_state(g)

DELEGATION: Final = (
    global_id("delegation", d.c.id),
    as_text(d.c.partnership_id),
    as_text(g.c.id, "group_id"),
    d.c.role,
    DELEGATION_STATE.label("state"),
    d.c.notify_addresses,
    as_text(d.c.granted_by),
    d.c.granted_at,
    d.c.expires_at,
    d.c.ended_at,
    d.c.role_version,
    d.c.version,
)
ROLE_GROUP: Final = (
    global_id("rolegroup", g.c.id),
    as_text(g.c.delegation_id),
    as_text(g.c.partnership_id),
    as_text(g.c.host_id),
    as_text(g.c.guest_id),
    g.c.role,
    GROUP_STATE.label("state"),
    g.c.version,
)
MEMBER: Final = (
    global_id("rolegroupmember", m.c.id),
    as_text(m.c.user_id),
    as_text(m.c.added_by),
    m.c.added_at,
    m.c.expires_at,
)

DELEGATION_BY_ID: Final = looked_up(DelegationRow, DELEGATION, d.c.id, GROUP_OF, sees_delegation(d))
DELEGATIONS: Final = paged(
    DelegationRow,
    DELEGATION,
    d.join(g, GROUP_OF),
    (d.c.partnership_id == PARENT, sees_delegation(d), one_of(DELEGATION_STATE, "state")),
    d.c.id,
)
ROLE_GROUP_BY_ID: Final = looked_up(RoleGroupRow, ROLE_GROUP, g.c.id, sees_delegation(g))
ROLE_GROUPS: Final = paged(
    RoleGroupRow, ROLE_GROUP, g, (g.c.guest_id == PARENT, sees_delegation(g), one_of(GROUP_STATE, "state")), g.c.id
)
MEMBERS_OF_GROUP: Final = paged(
    RoleGroupMemberRow,
    MEMBER,
    m,
    (m.c.group_id == PARENT, is_live_group_member(m), sees_group_member(m)),
    m.c.id,
)
GROUPS_BY_GUEST: Final = Query(
    select(
        as_text(g.c.guest_id, "parent"), as_text(g.c.id, "group_id"), g.c.role, h.c.name.label("host_name"), h.c.handle
    )
    .join(h, h.c.id == g.c.host_id)
    .where(
        and_(g.c.guest_id == wanted(), g.c.guest_id == keys("works_in")),
        role_group_state(g) == RoleGroupState.ACTIVE.value,
    )
)
"""The active groups of a guest for its own people: what their names are compared among."""


def named(rows: Iterable[Any]) -> dict[str, str]:
    """The names of the groups of one guest, by key."""
    facts = [GroupFacts(row.group_id, DelegatedRole(row.role), row.host_name, row.handle) for row in rows]
    return {str(key): name for key, name in group_names(facts).items()}
