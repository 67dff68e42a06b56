"""Every list of the API is a connection, or has a reason why it stays short (record 101).

A list that grows with a tenant makes an answer that nobody asked for in that size, priced as if it had ten items. A new
field that is a list fails here until it is paged or has its row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from accord.domain.partnership import CO_OWNERS, NAMED
from accord.domain.report import SERIES
from accord.domain.sharing import OWNERS
from accord.domain.text import ADDRESSES
from accord.schema.pagination import LARGEST_PAGE
from accord.schema.schema import schema
from accord.schema.transaction import LONGEST_LIST
from accord.schema.types.report import LONGEST_REPORT

ONE_EACH: Final = "one result for each item of the input, which has at most so many"
LEFT_TO_WORKER: Final = "the work that one act leaves to the worker: one entry however many rows it is about"
SET_WHOLE: Final = "the act that sets them takes no more"
CLOSED: Final = 60
"""More words than any closed list of the product has."""

BOUNDED: Final[Mapping[str, tuple[int, str]]] = {
    "Account.owners": (OWNERS, SET_WHOLE),
    "AddRoleGroupMembersPayload.results": (LONGEST_LIST, ONE_EACH),
    "ApiClient.scopes": (CLOSED, "out of a closed list"),
    "AssignCustomersPayload.results": (LONGEST_LIST, ONE_EACH),
    **dict.fromkeys(
        (
            "ArchiveAccountPayload.cascades",
            "DeactivateMemberPayload.cascades",
            "EndPartnerLinkPayload.cascades",
            "RemoveMemberPayload.cascades",
            "RemovePartnerPayload.cascades",
            "SetCeilingPayload.cascades",
            "SetOrganisationStatusPayload.cascades",
            "SetPartnerStatusPayload.cascades",
        ),
        (CLOSED, LEFT_TO_WORKER),
    ),
    "Customer.bases": (CLOSED, "the level, a contact's roles and one for each delegated role, in a closed list"),
    "Dashboard.partnerships": (CLOSED, "one for each state"),
    "Dashboard.signInsPerDay": (SERIES.days, "one for each of the last days"),
    "DecideAccessRequestsPayload.results": (LONGEST_LIST, ONE_EACH),
    "InvalidState.allowed": (CLOSED, "states of a life cycle"),
    "InvitationClaim.roles": (CLOSED, "roles, which are a closed list"),
    "MarkNotificationsReadPayload.notifications": (LONGEST_LIST, ONE_EACH),
    "Organisation.features": (CLOSED, "the features that the product has"),
    "Organisation.mailBudgets": (CLOSED, "the budgets that the product has"),
    "OrganisationPolicy.allowedPartners": (LONGEST_LIST, SET_WHOLE),
    "OrganisationPolicy.autoApprovePartners": (LONGEST_LIST, SET_WHOLE),
    "OrganisationPolicy.blockedPartners": (LONGEST_LIST, SET_WHOLE),
    "Partnership.coOwners": (CO_OWNERS, f"{SET_WHOLE}; they are an array of the row"),
    "Query.nodes": (LARGEST_PAGE, "one for each ID that is asked for, and priced by their number"),
    "Query.partnerDirectory": (25, "accord.partner_directory() has a LIMIT"),
    "RemovalReceipt.membersInvited": (NAMED, "the statement has a LIMIT"),
    "RemoveRoleGroupMembersPayload.results": (LONGEST_LIST, ONE_EACH),
    "Report.rows": (LONGEST_REPORT, "the statement has a LIMIT, and the file has the rest"),
    "RequestAccessPayload.results": (LONGEST_LIST, ONE_EACH),
    "RoleDelegation.notifyAddresses": (ADDRESSES, "a list of addresses takes no more"),
    "Settings.notificationAddresses": (ADDRESSES, "a list of addresses takes no more"),
    "ShareAccountsPayload.results": (LONGEST_LIST, ONE_EACH),
    "Viewer.memberships": (CLOSED, "where one person works; every request reads them all for its rights"),
}
"""The lists that are no connections: how long each may get, and why. Lists of enumerated values need no row."""

PARTS: Final = {"edges": "Edge", "errors": "MutationError", "path": "String"}
"""Lists of the conventions: the edges of a page, the errors of a payload, the path of an error."""


def lists_of(api: GraphQLSchema) -> Iterator[str]:
    """The fields of the API that are lists of anything but enumerated values."""
    for name, kind in api.type_map.items():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__"):
            yield from (f"{name}.{field}" for field, made in kind.fields.items() if is_long(field, made))


def is_long(name: str, field: GraphQLField) -> bool:
    """Is a field a list whose length nothing in the contract bounds?"""
    kind = get_named_type(field.type)
    is_part = name in PARTS and kind.name.endswith(PARTS[name])
    return is_list_type(get_nullable_type(field.type)) and not isinstance(kind, GraphQLEnumType) and not is_part


def test_every_list_is_a_connection_or_has_its_reason() -> None:
    assert set(lists_of(schema._schema)) == BOUNDED.keys()


def test_every_connection_takes_a_size() -> None:
    """Without `first` a document could not ask for less, and its price would not follow the size."""
    bare = [
        f"{name}.{field}"
        for name, kind in schema._schema.type_map.items()
        if isinstance(kind, GraphQLObjectType)
        for field, made in kind.fields.items()
        if get_named_type(made.type).name.endswith("Connection") and "first" not in made.args
    ]
    assert not bare


@pytest.mark.parametrize("field", sorted(BOUNDED))
def test_a_list_without_pages_is_short(field: str) -> None:
    most, reason = BOUNDED[field]
    assert reason
    assert most <= LONGEST_LIST, "longer than any input may be: make it a connection"


LONG: Final = """
type Query { people: [Person!]!, one: Person }
type Person { name: String!, friends: PersonConnection, roles: [Role!]!, grants: [Grant!]!, labels: [String!] }
type PersonConnection { edges: [PersonEdge!]! }
type PersonEdge { node: Person! }
type Grant { id: ID!, edges: [Person!], errors: [String!], path: [Person!] }
enum Role { ONE TWO }
"""


def test_a_new_list_is_found() -> None:
    """The negative control: what a field looks like that is forgotten, also under a name of the conventions."""
    found = {"Query.people", "Person.grants", "Person.labels", "Grant.edges", "Grant.errors", "Grant.path"}
    assert set(lists_of(build_schema(LONG))) == found
